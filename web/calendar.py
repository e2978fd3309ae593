"""Calendar: somebody's moments, or the team's without a name, as a feed at a secret address (RFC 5545 and 7986).

An entry says a title and days, never what is asked: calendars get shared, and shown on walls. Its UID names the moment
for good, so that dates which move are seen to move.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from uuid import UUID, uuid5

from flask import Blueprint, Response, abort, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from config.prompts import Around, around_of, prompt, team_title
from domain.agenda import Entry, agenda, team_agenda
from domain.parts import Ask, Part
from domain.people import today_of
from domain.policy import Policy
from domain.rhythms import Side
from store.database import Database
from store.feeds import feed_of
from store.models import FeedRow, PersonRow
from store.queries import people_where
from store.standings import circle_of, standings_of

DAYS_BEHIND = timedelta(days=60)
DAYS_AHEAD = timedelta(days=400)
REFRESH = timedelta(hours=12)
REFRESH_SAID = "PT12H"
# Every UID is made from this; another one would double every entry in everybody's calendar.
OURS = UUID("6c1d4c3e-6d0f-5a3b-9a55-1f7d3ac2b8e4")

Titled = tuple[Entry, str]


def calendar_blueprint(database: Database, policies: Mapping[str, Policy], now: Callable[[], datetime]) -> Blueprint:
    """Make the route; `now` is the practice clock, since people live by it."""
    bp = Blueprint("calendar", __name__)

    @bp.get("/calendar/<token>.ics")
    def feed(token: str) -> AnyResponse:
        found = database.transact(partial(_calendar, policies, token, now()))
        if found is None:
            abort(404)
        answer = Response(found, content_type="text/calendar; charset=utf-8")
        # Whoever keeps a copy asks each time, so that an address that was taken back ends at once.
        answer.cache_control.private = True
        answer.cache_control.no_cache = True
        answer.set_etag(hashlib.sha256(found).hexdigest())
        return answer.make_conditional(request)

    return bp


def uid(slug: str, entry: Entry) -> str:
    """Name an entry for good: by what it is and whose, never by its days."""
    side = "team" if entry.side is None else entry.side.value
    return str(uuid5(OURS, "|".join((slug, entry.rhythm, entry.turn, side, str(entry.member_id or "")))))


def _calendar(policies: Mapping[str, Policy], token: str, now: datetime, session: Session) -> bytes | None:
    row = feed_of(session, token)
    policy = policies.get(row.organisation) if row is not None else None
    if row is None or policy is None:
        return None
    if row.person_id is None:
        today = now.astimezone(policy.organisation.zone).date()
        return _written(policy, today, _of_team(policy, today))
    return _of_person(session, policy, row, now)


def _of_team(policy: Policy, today: date) -> Iterator[Titled]:
    for entry in team_agenda(policy, since=today - DAYS_BEHIND, until=today + DAYS_AHEAD):
        yield entry, team_title(policy, entry.rhythm, entry.closes_on, policy.organisation.locale)


def _of_person(session: Session, policy: Policy, row: FeedRow, now: datetime) -> bytes | None:
    person = next(iter(people_where(session, PersonRow.id == row.person_id)), None)
    if person is None:
        return None
    today = today_of(person, policy.organisation, now)
    if person.left_on is not None and person.left_on <= today:
        return _written(policy, today, iter(()))
    circle = circle_of(session, policy, [person.id], today=today)
    around = around_of(policy, standings_of(session, policy, now=now, ids=circle), person.id, today)
    return None if around is None else _written(policy, today, _for(around))


def _for(around: Around) -> Iterator[Titled]:
    policy, reader, today = around.policy, around.reader, around.today
    locale = reader.person.locale or policy.organisation.locale
    span = {"since": today - DAYS_BEHIND, "until": today + DAYS_AHEAD}
    for entry in agenda(policy, reader, around.everybody, **span):
        if entry.side is None or entry.member_id is None:
            continue
        title, _ = prompt(around, [_part(entry, entry.side, entry.member_id)], locale)
        member = around.members[entry.member_id].person
        yield entry, title if entry.side is Side.MEMBER else f"{title} – {member.name}"


def _part(entry: Entry, side: Side, member_id: int) -> Part:
    return Part(
        rhythm=entry.rhythm,
        turn=entry.turn,
        side=side,
        ask=Ask.FIRST,
        member_id=member_id,
        counts_from_on=entry.opens_on,
        closes_on=entry.closes_on,
        private=entry.private,
    )


def _written(policy: Policy, today: date, entries: Iterator[Titled]) -> bytes:
    # Here, not above: every process has this file, and most never write a calendar.
    from icalendar import Calendar, Event, vText

    calendar = Calendar()
    calendar.add("prodid", "-//Trellis//calendar//EN")
    calendar.add("version", "2.0")
    name = f"Trellis – {policy.organisation.name}"
    calendar.add("name", vText(name))
    calendar.add("x-wr-calname", vText(name))
    calendar.add("refresh-interval", REFRESH, parameters={"value": "DURATION"})
    calendar.add("x-published-ttl", REFRESH_SAID)
    # The day, not the moment of asking: the same calendar is the same bytes until midnight.
    stamp = datetime.combine(today, time(0), tzinfo=UTC)
    for entry, title in entries:
        event = Event()
        event.add("uid", uid(policy.slug, entry))
        event.add("dtstamp", stamp)
        event.add("last-modified", stamp)
        event.add("summary", title)
        event.add("dtstart", entry.opens_on)
        event.add("dtend", entry.closes_on + timedelta(days=1))
        event.add("transp", "TRANSPARENT")
        if entry.private:
            event.add("class", "PRIVATE")
        calendar.add_component(event)
    written: bytes = calendar.to_ical()
    return written
