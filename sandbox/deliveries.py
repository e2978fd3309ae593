"""Sends webhook deliveries from a background thread, as GitHub and Loomio do: late, perhaps doubled, never retried."""

import threading
import time
from collections import deque
from dataclasses import replace
from typing import Literal

import requests

from sandbox.world import Delivery, World

TIMEOUT_SECONDS = 10
Mode = Literal["normal", "hold", "double", "missing"]


class Courier:
    """One thread that carries deliveries in the order they were handed over."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.mode: Mode = "normal"
        self._waiting: deque[Delivery] = deque()
        self._held: list[Delivery] = []
        self._in_flight = 0
        self._stopping = False
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin carrying."""
        self._thread = threading.Thread(target=self._run, name="sandbox-courier", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop after the delivery in hand."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()

    def hand_over(self, delivery: Delivery) -> None:
        """Take a delivery and carry it soon, hold it, carry it twice or fail to, as the mode says.

        One that goes missing is listed as failed, and arrives only when it is asked for again.
        """
        self.world.deliveries.append(delivery)
        if self.mode == "missing" and not delivery.redelivery:
            delivery.delivered_at = self.world.now()
            delivery.status, delivery.status_code = "failed to connect to host", 502
            return
        with self._wake:
            if self.mode == "hold":
                self._held.append(delivery)
                return
            self._waiting.append(delivery)
            if self.mode == "double":
                # Same GUID, same bytes: exactly what a service must recognise as already seen.
                twin = replace(delivery, id=self.world.next_id("delivery", 90001))
                self.world.deliveries.append(twin)
                self._waiting.append(twin)
            self._wake.notify_all()

    def redeliver(self, delivery: Delivery) -> Delivery:
        """Carry a delivery again under its old GUID, as its redelivery button does."""
        again = replace(
            delivery,
            id=self.world.next_id("delivery", 90001),
            redelivery=True,
            delivered_at=None,
            status="pending",
            status_code=0,
        )
        self.hand_over(again)
        return again

    def flush(self, order: str) -> int:
        """Carry all held deliveries, first first or last first, and say how many there were."""
        with self._wake:
            held, self._held = self._held, []
            self._waiting.extend(reversed(held) if order == "reverse" else held)
            self._wake.notify_all()
        return len(held)

    def forget(self) -> None:
        """Drop whatever waits or is held; used by a reset."""
        with self._wake:
            self._waiting.clear()
            self._held.clear()
            self.mode = "normal"

    def idle(self) -> bool:
        """Whether nothing waits or is on its way; held deliveries do not count."""
        with self._wake:
            return not self._waiting and not self._in_flight

    def held(self) -> int:
        """How many deliveries are held back."""
        with self._wake:
            return len(self._held)

    def _run(self) -> None:
        session = requests.Session()
        session.trust_env = False  # a proxy of the machine has no business on loopback
        while True:
            with self._wake:
                while not self._waiting and not self._stopping:
                    self._wake.wait()
                if self._stopping:
                    return
                delivery = self._waiting.popleft()
                self._in_flight += 1
            try:
                self._carry(session, delivery)
            finally:
                with self._wake:
                    self._in_flight -= 1

    def _carry(self, session: requests.Session, delivery: Delivery) -> None:
        started = time.monotonic()
        code, text = 0, ""
        headers: dict[str, str] = {}
        try:
            answer = session.post(
                delivery.url,
                data=delivery.body,
                headers=delivery.headers,
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
            )
            code, text, headers = answer.status_code, answer.text, dict(answer.headers)
            status = "OK" if answer.ok else f"Invalid HTTP Response: {code}"
        except requests.Timeout:
            code, status = 504, "timed out"
        except requests.RequestException:
            code, status = 502, "failed to connect to host"
        with self.world.lock:
            delivery.delivered_at = self.world.now()
            delivery.duration = round(time.monotonic() - started, 2)
            delivery.status, delivery.status_code = status, code
            delivery.response_headers, delivery.response_body = headers, text
