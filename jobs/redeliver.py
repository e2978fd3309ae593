"""Redelivers: finds what GitHub could not hand over in the last three days, and asks for it once more.

GitHub never delivers again by itself, forgets a delivery after three days, and gives a redelivery the GUID of the first
(facts on GitHub, section 1). An App asks as itself, for all its repositories at once; a token asks the repository's
webhook, and when it may not, `flask doctor` says so. Whatever is not asked for here, the reconcile reads.
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar
from urllib.parse import urlsplit

from sqlalchemy import delete, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from domain.policy import Mode
from integrations.errors import PermanentError, TemporaryError, UnknownOutcomeError
from integrations.github_deliveries import Deliveries, FailedDelivery, Hook
from jobs.repository import connected_github
from jobs.workshop import Workshop
from store.models import DeliveryRow, RedeliveryRow
from store.queries import AT_ONCE, insert_once, organisation_row

T = TypeVar("T", int, str)

log = logging.getLogger(__name__)

KEPT = timedelta(days=3)
LISTED_LATE = timedelta(hours=1)  # an attempt is listed once it has failed, which may be after younger ones
COMES_WITHIN = timedelta(minutes=10)  # a new attempt; a claim that led to none died with whoever made it
MOST_READ = 5_000
MOST_ASKED = 100  # at GitHub's one write a second, so that a worker that is asked to stop need not wait for long
DOOR = "/webhooks/github"
# Of the one delivery: too old by now, or gone. Any other refusal is about us, and may end.
ABOUT_THE_DELIVERY = (400, 404, 410, 422)


@dataclass(frozen=True, kw_only=True)
class Ear:
    """One identity that GitHub delivers to, the organisations that hear by it, and their repositories by number."""

    deliveries: Deliveries
    slugs: tuple[str, ...]
    repositories: frozenset[int]


def redeliver(workshop: Workshop) -> None:
    """Ask for what never arrived, by every way we hear of GitHub."""
    for ear in _ears(workshop):
        try:
            _ask_for_the_lost(workshop, ear)
        except (TemporaryError, PermanentError, UnknownOutcomeError) as error:
            log.info("redeliver %s: not this time: %s", ", ".join(ear.slugs), error)


def _ears(workshop: Workshop) -> Iterator[Ear]:
    """Give who hears what: every token by itself, and everybody who has the App together, as it has one webhook."""
    of_app: dict[str, tuple[Deliveries, int]] = {}
    for slug, policy in workshop.policies.items():
        if policy.organisation.mode is Mode.OBSERVE:
            continue  # nothing is sent; the reconcile reads
        try:
            deliveries = Deliveries(connected_github(workshop, slug).connection)
        except (TemporaryError, PermanentError) as error:
            log.info("redeliver %s: not this time: %s", slug, error)
            continue
        number = workshop.database.transact(partial(_repository_id, slug=slug))
        if deliveries.is_app:
            of_app[slug] = (deliveries, number)
        else:
            yield Ear(deliveries=deliveries, slugs=(slug,), repositories=frozenset({number}))
    if of_app:
        deliveries = next(iter(of_app.values()))[0]
        yield Ear(
            deliveries=deliveries, slugs=tuple(of_app), repositories=frozenset(number for _, number in of_app.values())
        )


def _ask_for_the_lost(workshop: Workshop, ear: Ear) -> None:
    since = workshop.database.transact(partial(_looked_until, slugs=ear.slugs, oldest=workshop.now() - KEPT))
    failed = [
        one
        for hook_id in _hook_ids(workshop, ear.deliveries)
        for one in ear.deliveries.failed(hook_id, since=since, most=MOST_READ)
        if one.repository_id is None or one.repository_id in ear.repositories
    ]
    lost, claimed = workshop.database.transact(partial(_lost, failed=failed, now=workshop.real_now()))
    for one in lost[:MOST_ASKED]:
        _ask_for(workshop, ear.deliveries, one)
    if lost:
        log.info("redeliver %s: asked for %d of %d", ", ".join(ear.slugs), min(len(lost), MOST_ASKED), len(lost))
    if len(lost) <= MOST_ASKED and failed:
        # Not past what is only claimed: should whoever claimed it have died, it has to be seen again.
        newest = min([max(one.at for one in failed), *(one.at for one in claimed)])
        workshop.database.transact(partial(_looked, slugs=ear.slugs, until=newest))


def _ask_for(workshop: Workshop, deliveries: Deliveries, one: FailedDelivery) -> None:
    """Claim an attempt, so that no other worker asks for it too, and ask.

    When the answer does not come, the claim is given back: the next look at the list shows whether a new attempt was
    made, and a second one of the same GUID would be stored once all the same.
    """
    if not workshop.database.transact(partial(_claim, attempt_id=one.id, now=workshop.real_now())):
        return
    try:
        deliveries.redeliver(one)
    except (TemporaryError, UnknownOutcomeError):
        workshop.database.transact(partial(_give_back, attempt_id=one.id))
        raise
    except PermanentError as error:
        if error.status not in ABOUT_THE_DELIVERY:
            workshop.database.transact(partial(_give_back, attempt_id=one.id))
            raise
        log.info("redeliver %s: GitHub has it no more (%s); the reconcile reads what it told of", one.guid, error)


def _hook_ids(workshop: Workshop, deliveries: Deliveries) -> list[int | None]:
    if deliveries.is_app:
        return [None]
    return [one.id for one in hooks_of_ours(deliveries.hooks(), workshop.links.public_url)]


def hooks_of_ours(hooks: Iterable[Hook], public_url: str | None) -> list[Hook]:
    """Pick the webhooks that lead to us: by our public address, or, when none does, by the path that is ours."""
    found = [one for one in hooks if urlsplit(one.address).path.rstrip("/").endswith(DOOR)]
    exact = [
        one for one in found if public_url and one.address.rstrip("/").casefold() == f"{public_url}{DOOR}".casefold()
    ]
    return exact or found


def _claim(session: Session, *, attempt_id: int, now: datetime) -> bool:
    """Claim an attempt that nobody has claimed, or whose claim led to nothing."""
    if insert_once(session, RedeliveryRow, {"id": attempt_id, "asked_at": now}):
        return True
    row = session.get(RedeliveryRow, attempt_id, with_for_update=True)
    if row is None or not _led_to_nothing(row.asked_at, now):
        return False
    row.asked_at = now
    return True


def _led_to_nothing(asked_at: datetime, now: datetime) -> bool:
    return abs(now - asked_at) > COMES_WITHIN  # in either direction: a clock may have been wrong


def _lost(
    session: Session, *, failed: list[FailedDelivery], now: datetime
) -> tuple[list[FailedDelivery], list[FailedDelivery]]:
    """Pick what never arrived: the newest failure of each GUID that is not stored; and what of it is asked for already.

    First what failed once, then what failed again, each oldest first: it is the next to be forgotten. What was asked
    for a while ago, and is the newest failure still, was never asked for: whoever claimed it died before asking.
    """
    newest: dict[str, FailedDelivery] = {}
    for one in failed:
        known = newest.get(one.guid)
        if known is None or (one.at, one.id) > (known.at, known.id):
            newest[one.guid] = one
    stored = _there(session, DeliveryRow.id, newest)
    missing = [one for one in newest.values() if one.guid not in stored]
    asked = {row.id for row in _rows_of(session, [one.id for one in missing]) if not _led_to_nothing(row.asked_at, now)}
    lost = sorted((one for one in missing if one.id not in asked), key=lambda one: (one.redelivery, one.at, one.id))
    return lost, [one for one in missing if one.id in asked]


def _rows_of(session: Session, ids: list[int]) -> Iterator[RedeliveryRow]:
    for start in range(0, len(ids), AT_ONCE):
        yield from session.scalars(select(RedeliveryRow).where(RedeliveryRow.id.in_(ids[start : start + AT_ONCE])))


def _there(session: Session, column: InstrumentedAttribute[T], values: Iterable[T]) -> set[T]:
    """Say which of the values a column holds."""
    wanted, found = list(values), set[T]()
    for start in range(0, len(wanted), AT_ONCE):
        found |= set(session.scalars(select(column).where(column.in_(wanted[start : start + AT_ONCE]))))
    return found


def _repository_id(session: Session, *, slug: str) -> int:
    number = organisation_row(session, slug).repository_id
    return -1 if number is None else number  # known by now: whoever is connected has learned it


def _looked_until(session: Session, *, slugs: tuple[str, ...], oldest: datetime) -> datetime:
    """Give how far back to look: as far as everybody who hears by the same ear has looked, with room to spare."""
    marks = [organisation_row(session, slug).redelivered_at for slug in slugs]
    known = [one - LISTED_LATE for one in marks if one is not None]
    return max(oldest, min(known)) if len(known) == len(marks) else oldest


def _looked(session: Session, *, slugs: tuple[str, ...], until: datetime) -> None:
    for slug in slugs:
        organisation_row(session, slug).redelivered_at = until


def _give_back(session: Session, *, attempt_id: int) -> None:
    session.execute(delete(RedeliveryRow).where(RedeliveryRow.id == attempt_id))
