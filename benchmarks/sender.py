"""GitHub's side of a delivery: real bodies, signed, over real HTTP, at a rate or as fast as they are taken."""

import gzip
import hashlib
import hmac
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from uuid import uuid4

from benchmarks.processes import ROOT, SECRET

EXAMPLES = ROOT / "tests" / "contract" / "webhook-examples.json.gz"
SENDERS = 32
PATIENCE_SECONDS = 30


@dataclass
class Answers:
    """What came back: seconds per answer, from when it should have been sent, and how many of each status."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    def at(self, part: float) -> float:
        """Give the time within which such a part of the answers came, in ms."""
        return sorted(self.seconds)[min(len(self.seconds) - 1, int(part * len(self.seconds)))] * 1000


def issue_opened() -> bytes:
    """Give GitHub's own example of an issue that was opened, the plainest of four, as it is sent: 11.5 KB."""
    with gzip.open(EXAMPLES) as file:
        found = [one["payload"] for one in json.load(file) if (one["event"], one["action"]) == ("issues", "opened")]
    return min((json.dumps(one, separators=(",", ":")).encode() for one in found), key=len)


def signature(body: bytes) -> str:
    """Sign a body as GitHub does."""
    return "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()


def requests_of(body: bytes, count: int, *, keep_alive: bool) -> list[bytes]:
    """Make whole requests, each a delivery of its own."""
    head = (
        "POST /webhooks/github HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: GitHub-Hookshot/benchmark\r\n"
        "Content-Type: application/json\r\nX-GitHub-Event: issues\r\n"
        f"X-Hub-Signature-256: {signature(body)}\r\nContent-Length: {len(body)}\r\n"
        f"Connection: {'keep-alive' if keep_alive else 'close'}\r\n"
    )
    return [f"{head}X-GitHub-Delivery: {uuid4()}\r\n\r\n".encode() + body for _ in range(count)]


def at_a_rate(port: int, requests: Sequence[bytes], *, per_second: float) -> Answers:
    """Send at a rate, whether or not earlier ones are answered; each over a connection of its own, as GitHub does.

    A request that had to wait for its turn counts from when it should have been sent. Status 0: no answer.
    """
    answers, turn = Answers(), threading.Lock()
    begins, coming = time.perf_counter() + 0.1, iter(enumerate(requests))

    def send() -> None:
        while True:
            with turn:
                number, request = next(coming, (-1, b""))
            if number < 0:
                return
            intended = begins + number / per_second
            time.sleep(max(0.0, intended - time.perf_counter()))
            status = 0
            with suppress(OSError, ValueError), closing(_connected(port)) as connection:
                status = exchange(connection, request)
            with turn:
                answers.seconds.append(time.perf_counter() - intended)
                answers.statuses[status] += 1

    _side_by_side(send, SENDERS)
    return answers


def as_fast_as_taken(port: int, body: bytes, *, connections: int, seconds: float) -> float:
    """Give how many deliveries are answered a second, over so many connections that stay open."""
    taken, turn, ends = [0, 0.0], threading.Lock(), time.perf_counter() + seconds

    def send() -> None:
        count, connection = 0, _connected(port)
        begins = time.perf_counter()
        while time.perf_counter() < ends:
            # Twenty at a time, signed once: making them costs the sender little, and memory less.
            for request in requests_of(body, 20, keep_alive=True):
                try:
                    status = exchange(connection, request)
                except (OSError, ValueError):  # the server may close a connection between two requests
                    connection.close()
                    connection = _connected(port)
                    continue
                if status != 202:
                    raise SystemExit(f"a delivery was answered with {status}")
                count += 1
                if time.perf_counter() >= ends:
                    break
        connection.close()
        with turn:
            taken[0] += count
            taken[1] = max(taken[1], time.perf_counter() - begins)

    _side_by_side(send, connections)
    return taken[0] / taken[1]


def _side_by_side(work: object, count: int) -> None:
    threads = [threading.Thread(target=work, daemon=True) for _ in range(count)]  # type: ignore[arg-type]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _connected(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def exchange(connection: socket.socket, request: bytes) -> int:
    """Send a request, read the whole answer and give its status."""
    connection.sendall(request)
    said = b""
    while b"\r\n\r\n" not in said:
        said += _some(connection)
    head, _, body = said.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    left = int(lengths[0].partition(b":")[2]) - len(body) if lengths else 0
    while left > 0:
        left -= len(_some(connection))
    return int(head.split(b" ", 2)[1])


def _some(connection: socket.socket) -> bytes:
    said = connection.recv(65_536)
    if not said:
        raise ConnectionResetError("closed before the answer")
    return said
