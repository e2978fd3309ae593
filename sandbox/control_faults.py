"""Controls of what goes wrong: faults and weather for calls, and how deliveries are carried."""

import re
from collections.abc import Callable
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from sandbox.control_sent import ControlError, sent_object
from sandbox.control_shapes import plain, show_delivery
from sandbox.deliveries import WEATHER
from sandbox.faults import NAMES_OF, Fault
from sandbox.world import Delivery, Json

if TYPE_CHECKING:
    from sandbox.app import Sandbox


class FaultControl:
    """The controls of calls that fail and of deliveries that come late, twice or not at all."""

    def __init__(self, sandbox: "Sandbox") -> None:
        self.world = sandbox.world
        self.faults = sandbox.faults
        self.courier = sandbox.courier

    def routes(self) -> list[tuple[str, str, Callable[..., Any]]]:
        """Which address leads where."""
        return [
            ("GET", "/faults", self.show_faults),
            ("POST", "/faults", self.add_fault),
            ("DELETE", "/faults", self.clear_faults),
            ("POST", "/weather", self.set_weather),
            ("DELETE", "/weather", self.clear_weather),
            ("POST", "/release", self.release),
            ("GET", "/deliveries", self.show_deliveries),
            ("POST", "/deliveries", self.set_deliveries),
            ("POST", "/deliveries/flush", self.flush_deliveries),
            ("GET", "/deliveries/idle", self.show_idle),
            ("POST", "/deliveries/<int:delivery_id>/redeliver", self.redeliver),
        ]

    # Calls

    def show_faults(self) -> list[Json]:
        """The faults that still wait."""
        return self.faults.listing()

    def add_fault(self) -> list[Json]:
        """Let something go wrong; count null or 0 means until cleared."""
        self.faults.add(_fault_in(sent_object()))
        return self.show_faults()

    def clear_faults(self) -> list[Json]:
        """Let nothing go wrong any more; held answers stay held until released."""
        self.faults.clear()
        return self.show_faults()

    def set_weather(self) -> list[Json]:
        """{"seed": N, "faults": [{"side", "fault", "chance", …}]}: what may go wrong with any call, by chance."""
        sent = sent_object()
        seed = sent.get("seed")
        faults = [_fault_in(one) for one in sent.get("faults", []) if isinstance(one, dict)]
        self.faults.change_weather(faults, None if seed is None else int(seed))
        return self.show_faults()

    def clear_weather(self) -> list[Json]:
        """Fine weather; what was ordered for one call stays."""
        self.faults.change_weather([])
        return self.show_faults()

    def release(self) -> Json:
        """Let held answers go."""
        self.faults.release()
        return {"released": True}

    # Deliveries

    def show_deliveries(self) -> list[Json]:
        """Every attempt to deliver, without what it carries."""
        left_out = ("body", "payload", "headers", "response_headers", "response_body")
        kept = [f.name for f in fields(Delivery) if f.name not in left_out]
        return [
            plain({name: getattr(one, name) for name in kept} | {"number": one.payload.get("issue", {}).get("number")})
            for one in self.world.deliveries
        ]

    def set_deliveries(self) -> Json:
        """How deliveries are carried, and by whom.

        {"mode": "normal"|"hold"|"double"|"missing", "hook": "repository"|"integration", "carriers": N,
        "also_to": [more addresses of the service], "seed": N, "weather": {"doubled"|"reordered"|"delayed"|"missing"|
        "forgotten": chance}}: what is missing is listed as failed, what is forgotten is nowhere.
        """
        sent, courier = sent_object(), self.courier
        if sent.get("mode", "normal") not in {"normal", "hold", "double", "missing"}:
            raise ControlError("mode is normal, hold, double or missing")
        if sent.get("hook", "repository") not in {"repository", "integration"}:
            raise ControlError("hook is repository or integration")
        weather = sent.get("weather", {})
        if set(weather) - set(WEATHER):
            raise ControlError(f"weather is of {list(WEATHER)}")
        courier.mode = sent.get("mode", courier.mode)
        self.world.hook_kind = sent.get("hook", self.world.hook_kind)
        courier.also_to = [str(one).rstrip("/") for one in sent.get("also_to", courier.also_to)]
        if "weather" in sent:
            courier.change_weather({name: float(chance) for name, chance in weather.items()}, sent.get("seed"))
        courier.hire(int(sent.get("carriers", 1)))
        return {"mode": courier.mode, "hook": self.world.hook_kind, "weather": courier.weather}

    def flush_deliveries(self) -> Json:
        """{"order": "forward"|"reverse"}: send what was held; the mode stays."""
        return {"sent": self.courier.flush(str(sent_object().get("order", "forward")))}

    def show_idle(self) -> Json:
        """Whether nothing waits or is on its way."""
        return {"idle": self.courier.idle(), "held": self.courier.held()}

    def redeliver(self, delivery_id: int) -> Json:
        """Send one delivery again under its GUID."""
        for delivery in self.world.deliveries:
            if delivery.id == delivery_id:
                return show_delivery(self.courier.redeliver(delivery))
        raise ControlError(f"there is no delivery {delivery_id}")


def _fault_in(sent: Json) -> Fault:
    names = {f.name for f in fields(Fault)}
    if set(sent) - names:
        raise ControlError(f"unknown keys {sorted(set(sent) - names)}; there are {sorted(names)}")
    names_there = NAMES_OF.get(str(sent.get("side")))
    if names_there is None:
        raise ControlError(f"side is one of {list(NAMES_OF)}")
    if sent.get("fault") not in names_there:
        raise ControlError(f"fault is one of {sorted(names_there)}")
    try:
        re.compile(str(sent.get("path", "")))
    except re.error as error:
        raise ControlError(f"path is a regular expression, and this one is none: {error}") from error
    return Fault(**(sent | {"count": sent["count"] or None} if "count" in sent else sent))
