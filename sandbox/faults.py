"""Stands before the APIs: logs every request and makes it go wrong on demand."""

import contextlib
import json
import random
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response

from sandbox.world import Json, Seen, World

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

FAULT_KEY = "sandbox.fault"
HTTP_NAMES = frozenset(
    {
        "before_500", "before_503", "after_502", "before_hang", "after_hang", "reset_before", "reset_after",
        "garbage_after", "limit_429", "limit_403", "drop_labels", "drop_assignees", "redirect_301", "redirect_307",
        "list_lag", "slow",
    }
)  # fmt: skip
# Decided when a recipient is named; `early` is before any of the letter was sent, the others once all of it was.
MAIL_NAMES = frozenset(
    {"refuse_550", "greylist_451", "reset_early", "reset_before", "reset_after", "before_hang", "after_hang"}
)
HTTP_SIDES = ("github", "loomio", "chat")
NAMES_OF = dict.fromkeys(HTTP_SIDES, HTTP_NAMES) | {"mail": MAIL_NAMES}


@dataclass
class Fault:
    """One thing to go wrong: which requests, how often, and how. For mail, the path is the recipient's address.

    With a chance below one it is weather: it may happen to any request it is meant for, and nobody knows to which.
    """

    side: str
    fault: str
    method: str | None = None
    path: str = ""
    count: int | None = 1  # None: until cleared
    skip: int = 0  # let this many matching requests pass first
    seconds: float = 30.0
    retry_after: int | None = None
    primary: bool = False  # limit_403: the hourly budget instead of the secondary limit
    chance: float = 1.0

    def matches(self, side: str, method: str, path: str) -> bool:
        """Whether this fault is meant for such a request."""
        return (
            self.side == side
            and (self.method is None or self.method.upper() == method)
            and re.search(self.path, path) is not None
        )


class Faults:
    """The faults that wait for their requests, and the gate at which held answers wait."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._weather: list[Fault] = []
        self._chance = random.Random()
        self._gate = threading.Condition()
        self._generation = 0
        self._closed = False

    def add(self, fault: Fault) -> None:
        """Let this fault happen."""
        self._waiting.append(fault)

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        self._waiting.clear()
        self._weather.clear()

    def change_weather(self, faults: list[Fault], seed: int | None = None) -> None:
        """Let these happen by chance from now on, instead of those before; the same seed rolls the same dice."""
        self._weather = faults
        self._chance = random.Random(seed)

    def listing(self) -> list[Json]:
        """Return the faults that still wait, and the weather."""
        return [asdict(fault) for fault in (*self._waiting, *self._weather)]

    def take(self, side: str, method: str, path: str) -> Fault | None:
        """Return the fault for a request, if any, and use it up."""
        for fault in self._waiting:
            if not fault.matches(side, method, path):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            if fault.count is not None:
                fault.count -= 1
                if fault.count <= 0:
                    self._waiting.remove(fault)
            return fault
        return self._by_chance(side, method, path)

    def _by_chance(self, side: str, method: str, path: str) -> Fault | None:
        """Roll once for a request: each fault of the weather has its share of the dice."""
        rolled = self._chance.random()
        for fault in self._weather:
            if fault.matches(side, method, path):
                rolled -= fault.chance
                if rolled < 0:
                    return fault
        return None

    def hold(self, seconds: float) -> None:
        """Wait here until released, or until so many seconds have gone."""
        deadline = time.monotonic() + seconds
        with self._gate:
            mine = self._generation
            while self._generation == mine and not self._closed:
                left = deadline - time.monotonic()
                if left <= 0:
                    return
                self._gate.wait(left)

    def release(self) -> None:
        """Let every held answer go."""
        with self._gate:
            self._generation += 1
            self._gate.notify_all()

    def close(self) -> None:
        """Hold nothing any more: the sandbox is ending."""
        with self._gate:
            self._closed = True
            self._gate.notify_all()


class Gate:
    """WSGI middleware: takes the lock, logs API requests and plays faults around the app."""

    def __init__(self, app: "WSGIApplication", world: World, faults: Faults) -> None:
        self.app = app
        self.world = world
        self.faults = faults

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Serve one request."""
        path: str = environ.get("PATH_INFO", "")
        side = next((side for side in HTTP_SIDES if path == f"/{side}" or path.startswith(f"/{side}/")), None)
        # /chat alone is the page on which people read what was posted.
        if side is None or path == "/chat":
            return self.app(environ, start_response)
        return self._serve_api(side, path[len(side) + 1 :] or "/", environ)(environ, start_response)

    def _serve_api(self, side: str, path: str, environ: "WSGIEnvironment") -> Response:
        method: str = environ["REQUEST_METHOD"]
        length = environ.get("CONTENT_LENGTH") or "0"
        body: bytes = environ["wsgi.input"].read(int(length))
        environ["wsgi.input"] = BytesIO(body)
        with self.world.lock:
            fault = self.faults.take(side, method, path)
            seen = Seen(
                n=len(self.world.requests) + 1,
                side=side,
                method=method,
                path=path,
                query=environ.get("QUERY_STRING", ""),
                body=_readable(body),
                at=self.world.now(),
                fault=fault.fault if fault else None,
            )
            self.world.requests.append(seen)
        response = self._play(side, path, environ, fault)
        seen.status = response.status_code or None
        return response

    def _work(self, environ: "WSGIEnvironment") -> Response:
        with self.world.lock:
            return Response.from_app(self.app, environ, buffered=True)

    def _play(self, side: str, path: str, environ: "WSGIEnvironment", fault: Fault | None) -> Response:
        if fault is None:
            return self._work(environ)
        environ[FAULT_KEY] = fault
        plays: dict[str, Callable[[], Response]] = {
            "before_500": lambda: _broken(side, 500, "Server Error"),
            "before_503": lambda: _broken(side, 503, "Service unavailable"),
            "limit_429": lambda: _limited(side, fault, 429),
            "limit_403": lambda: _limited(side, fault, 403),
            "redirect_301": lambda: _redirected(path, environ, 301),
            "redirect_307": lambda: _redirected(path, environ, 307),
            "reset_before": lambda: _dropped(environ),
        }
        if fault.fault in plays:
            return plays[fault.fault]()
        if fault.fault == "before_hang":
            # The work is never done: that is what tells this fault from after_hang.
            self.faults.hold(fault.seconds)
            return _broken(side, 504, "Gateway Timeout")
        if fault.fault == "slow":
            # Done in the end, perhaps long after the client has given up.
            self.faults.hold(fault.seconds)
        response = self._work(environ)
        if fault.fault == "after_502":
            return _broken(side, 502, "Bad Gateway")
        if fault.fault == "after_hang":
            self.faults.hold(fault.seconds)
        elif fault.fault == "reset_after":
            return _dropped(environ)
        elif fault.fault == "garbage_after":
            whole = response.get_data()
            return Response(whole[: max(1, len(whole) // 2)], 200, content_type="application/json")
        return response


def fault_to_play(environ: "WSGIEnvironment", name: str) -> Fault | None:
    """Return the fault of a request if only its handler can play it: drop_labels, drop_assignees, list_lag."""
    fault = environ.get(FAULT_KEY)
    return fault if isinstance(fault, Fault) and fault.fault == name else None


def _readable(body: bytes) -> Any:
    if not body:
        return None
    text = body.decode("utf-8", "replace")
    with contextlib.suppress(ValueError):
        return json.loads(text)
    return text


def _json(value: Json, status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(json.dumps(value), status, headers, content_type="application/json; charset=utf-8")


def _broken(side: str, status: int, message: str) -> Response:
    if side == "loomio" or status in {502, 504}:
        return Response(f"<html><body><h1>{status} {message}</h1></body></html>", status, content_type="text/html")
    return _json({"message": message}, status)


def _limited(side: str, fault: Fault, status: int) -> Response:
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    if side == "loomio":
        if status == 429:
            return Response("Retry later\n", 429, headers, content_type="text/plain")
        return _json({"error": 403}, 403, headers)
    message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
    if fault.primary:
        message = "API rate limit exceeded for user ID 190."
        headers |= {
            "X-RateLimit-Limit": "5000",
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": str(int(time.time()) + (fault.retry_after or 60)),
        }
    return _json({"message": message, "documentation_url": "https://docs.github.com/rest/rate-limit"}, status, headers)


def _redirected(path: str, environ: "WSGIEnvironment", status: int) -> Response:
    numeric = re.sub(r"^/repos/[^/]+/[^/]+", "/repositories/4001", path)
    query = f"?{environ['QUERY_STRING']}" if environ.get("QUERY_STRING") else ""
    target = f"{environ['wsgi.url_scheme']}://{environ['HTTP_HOST']}/github{numeric}{query}"
    message = "Moved Permanently" if status == 301 else "Temporary Redirect"
    return _json({"message": message, "url": target}, status, {"Location": target})


def _dropped(environ: "WSGIEnvironment") -> Response:
    """Close the client's connection under the request, so that no byte of an answer arrives."""
    # Waitress hands out no socket, but the question "has the client gone?" is a method of the connection that has one.
    channel = getattr(environ.get("waitress.client_disconnected"), "__self__", None)
    if channel is None:
        raise ConnectionResetError("the connection was dropped on purpose")
    with contextlib.suppress(OSError):
        # Zero linger turns the later close into a reset; the shutdown makes it felt at once.
        channel.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        channel.socket.shutdown(socket.SHUT_RDWR)
    return Response(b"", 200)
