"""Metrics: the figures behind `/metrics`, counted in the database when they are asked for.

So any number of web processes say the same, and nothing is kept between two scrapes. No label names a person, a title
or an address. Without `TRELLIS_METRICS_TOKEN` there is no such page.
"""

import hmac
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, Response, abort, request
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from store.vitals import Figures, Vitals
from web.health import NO_STORE, Looking, Unwell


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Everything one scrape tells."""

    vitals: Vitals
    figures: Figures


class FromDatabase(Collector):
    """Tells what was last seen; when the database does not answer, only that."""

    def __init__(self, latest: Callable[[], Seen | Unwell | None], real_now: Callable[[], datetime]) -> None:
        self._latest = latest
        self._real_now = real_now

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Give every family of figures."""
        seen = self._latest()
        answers = isinstance(seen, Seen)
        yield _one("trellis_database_answers", "1 when the database could be read.", float(answers))
        if not isinstance(seen, Seen):
            return
        vitals, figures, now = seen.vitals, seen.figures, self._real_now()
        yield _by("trellis_deliveries", "What came in.", ("source", "status"), figures.deliveries.items())
        yield _by("trellis_effects", "What goes out.", ("kind", "status"), figures.effects.items())
        ages = {
            "trellis_delivery_oldest_waiting_seconds": (
                "Since when the oldest delivery waits that is not handled; 0 when none does.",
                figures.delivery_waits_since,
            ),
            "trellis_effect_oldest_waiting_seconds": (
                "Since when the oldest effect waits that is not done; some wait on purpose, until somebody's morning.",
                figures.effect_waits_since,
            ),
            "trellis_delivery_overdue_seconds": (
                "For how long a delivery could have been taken up and was not.",
                vitals.delivery_due_since,
            ),
            "trellis_effect_overdue_seconds": (
                "For how long an effect could have been taken up and was not.",
                vitals.effect_due_since,
            ),
        }
        for name, (what, since) in ages.items():
            yield _one(name, what, 0.0 if since is None else max((now - since).total_seconds(), 0.0))
        stamps = {
            "trellis_worker_beat_timestamp_seconds": ("When a worker last gave a sign of life.", vitals.beat_at),
            "trellis_clock_tick_timestamp_seconds": (
                "When every job of a worker's clock last came round well.",
                vitals.ticked_at,
            ),
            "trellis_github_delivery_timestamp_seconds": ("When GitHub last delivered something.", vitals.github_at),
        }
        for name, (what, at) in stamps.items():
            yield _one(name, what, 0.0 if at is None else at.timestamp())
        yield _one("trellis_workers", "Workers that hold a lease.", vitals.workers)
        troubles = [((what,), count) for what, count in vitals.troubles.items()]
        yield _by("trellis_troubles_open", "What is amiss on GitHub now.", ("what",), troubles)
        yield _one(
            "trellis_effects_queued",
            "Effects that wait until GitHub, Loomio, mail or chat takes more.",
            vitals.effects_queued,
        )
        yield _one("trellis_proposals_watched", "Loomio proposals that are looked at.", vitals.watched)
        yield _one("trellis_proposals_in_vain", "Of these, how many could not be read last time.", vitals.in_vain)


def metrics_blueprint(
    look: Callable[[], Seen | Unwell], real_now: Callable[[], datetime], token: str | None
) -> Blueprint:
    """Make the route; without a token it answers as any page that is not there."""
    bp = Blueprint("metrics", __name__)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(FromDatabase(Looking(look).latest, real_now))

    @bp.get("/metrics")
    def scrape() -> Response:
        if token is None:
            abort(404)
        if not _bears(request.headers.get("Authorization", ""), token):
            answer = Response(status=401, headers=NO_STORE)
            answer.headers["WWW-Authenticate"] = 'Bearer realm="metrics"'
            return answer
        return Response(generate_latest(registry), headers=NO_STORE, content_type=CONTENT_TYPE_PLAIN_0_0_4)

    return bp


def _bears(header: str, token: str) -> bool:
    """Compare in constant time; bytes, because comparing text outside ASCII raises instead of answering."""
    scheme, _, given = header.partition(" ")
    fits = hmac.compare_digest(given.strip().encode("utf-8", "replace"), token.encode())
    return fits and scheme.casefold() == "bearer"


def _one(name: str, what: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, what, value=value)


def _by(
    name: str, what: str, labels: tuple[str, ...], counts: Iterable[tuple[tuple[str, ...], int]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, what, labels=labels)
    for values, count in sorted(counts):
        family.add_metric(values, count)
    return family
