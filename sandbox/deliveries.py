"""Sends webhook deliveries from background threads, as GitHub and Loomio do: late, perhaps doubled, never retried."""

import heapq
import itertools
import random
import threading
import time
from dataclasses import replace
from typing import Literal

import requests

from sandbox.world import Delivery, World

TIMEOUT_SECONDS = 10
Mode = Literal["normal", "hold", "double", "missing"]
# What may befall any delivery by chance. What is missing is listed as failed, what is forgotten is nowhere.
WEATHER = ("doubled", "reordered", "delayed", "missing", "forgotten")
OVERTAKEN_SECONDS = 1.0
DELAY_SECONDS = 8.0
MOST_CARRIERS = 16


class Courier:
    """Threads that carry deliveries in the order they were handed over, unless the weather is bad; one at first."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.mode: Mode = "normal"
        self.weather: dict[str, float] = {}
        self.also_to: list[str] = []  # more addresses of the service, as if a balancer stood before them
        self._chance = random.Random()
        self._turn = itertools.count()
        self._waiting: list[tuple[float, int, Delivery]] = []  # a heap: when, in which order, what
        self._held: list[Delivery] = []
        self._in_flight = 0
        self._stopping = False
        self._wake = threading.Condition()
        self._carriers: list[threading.Thread] = []

    def start(self) -> None:
        """Begin carrying."""
        self.hire(1)

    def hire(self, carriers: int) -> None:
        """Have at least so many carry at once; several bring disorder by themselves."""
        while len(self._carriers) < min(carriers, MOST_CARRIERS):
            thread = threading.Thread(target=self._run, name="sandbox-courier", daemon=True)
            self._carriers.append(thread)
            thread.start()

    def change_weather(self, weather: dict[str, float], seed: int | None = None) -> None:
        """Set the chances of what may befall a delivery from now on; the same seed rolls the same dice."""
        with self._wake:
            self.weather = weather
            self._chance = random.Random(seed)

    def stop(self) -> None:
        """Stop after the deliveries in hand."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()

    def hand_over(self, delivery: Delivery) -> None:
        """Take a delivery and carry it soon, hold it, carry it twice or fail to, as the mode says.

        One that goes missing is listed as failed, and arrives only when it is asked for again.
        """
        befallen = "" if delivery.redelivery else self._roll()
        if befallen == "forgotten":
            return
        self.world.deliveries.append(delivery)
        if befallen == "missing" or (self.mode == "missing" and not delivery.redelivery):
            delivery.delivered_at = self.world.now()
            delivery.status, delivery.status_code = "failed to connect to host", 502
            return
        with self._wake:
            if self.mode == "hold":
                self._held.append(delivery)
                return
            latest = {"reordered": OVERTAKEN_SECONDS, "delayed": DELAY_SECONDS}.get(befallen, 0.0)
            self._carry_soon(delivery, self._chance.uniform(0, latest))
            if self.mode == "double" or befallen == "doubled":
                # Same GUID, same bytes: exactly what a service must recognise as already seen.
                twin = replace(delivery, id=self.world.next_id("delivery", 90001))
                self.world.deliveries.append(twin)
                self._carry_soon(twin, self._chance.uniform(0, OVERTAKEN_SECONDS) if befallen else 0.0)
            self._wake.notify_all()

    def _roll(self) -> str:
        with self._wake:
            rolled = self._chance.random()
            for name, chance in self.weather.items():
                rolled -= chance
                if rolled < 0:
                    return name
        return ""

    def _carry_soon(self, delivery: Delivery, seconds: float = 0.0) -> None:
        heapq.heappush(self._waiting, (time.monotonic() + seconds if seconds else 0.0, next(self._turn), delivery))

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
            for delivery in reversed(held) if order == "reverse" else held:
                self._carry_soon(delivery)
            self._wake.notify_all()
        return len(held)

    def forget(self) -> None:
        """Drop whatever waits or is held; used by a reset."""
        with self._wake:
            self._waiting.clear()
            self._held.clear()
            self.mode, self.weather, self.also_to = "normal", {}, []

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
                while not self._stopping and (wait := self._wait_for_next()) != 0:
                    self._wake.wait(wait)
                if self._stopping:
                    return
                _, _, delivery = heapq.heappop(self._waiting)
                self._in_flight += 1
            try:
                self._carry(session, delivery)
            finally:
                with self._wake:
                    self._in_flight -= 1

    def _wait_for_next(self) -> float | None:
        """Give the seconds until the next delivery leaves, 0 when it is due, None when there is none."""
        return max(0.0, self._waiting[0][0] - time.monotonic()) if self._waiting else None

    def _address(self, delivery: Delivery) -> str:
        official = self.world.settings.service_url
        if not self.also_to or not delivery.url.startswith(official):
            return delivery.url
        with self._wake:
            chosen = self._chance.choice([official, *self.also_to])
        return chosen + delivery.url.removeprefix(official)

    def _carry(self, session: requests.Session, delivery: Delivery) -> None:
        started = time.monotonic()
        code, text = 0, ""
        headers: dict[str, str] = {}
        try:
            answer = session.post(
                self._address(delivery),
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
