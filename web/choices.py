"""Choices: the page on which a person answers, puts off or stops what they hear, and the one click that stops it all.

Looking changes nothing: mail scanners follow every link. Only POST writes, and the secret token in the path is what a
request needs, so a stranger's page cannot make one: no cookie goes along that could be misused, and no further token is
needed against that.

A moment belongs to its member. "We had it" and "not needed" are kept for the member whoever says them, since both were
there: a partner's word counts for the pair. It never replaces what was said before; only the member changes that.
"Later" is only for who says it. A coordinator is asked to arrange something, so there is nothing for them to have had.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from markupsafe import Markup
from sqlalchemy import delete, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from config.links import Links, Named
from config.markup import rendered
from config.messages import FALLBACK_LOCALE, language_tag, locales, words
from config.prompts import ABOUT_EVERYBODY, Around, around_of, prompt
from domain.agenda import agenda
from domain.effects import Say
from domain.events import Happened, What
from domain.later import A_WEEK
from domain.moments import How, Standing
from domain.parts import Ask, Part
from domain.people import Person, Snooze, today_of
from domain.policy import Policy
from domain.rhythms import Side
from domain.rules import own_rhythm
from store.database import Database
from store.models import AskedRow, PersonRow, SnoozeRow
from store.queries import people_where
from store.standings import circle_of, keep_held, keep_snooze, last_parts, standings_of, wake
from store.timeline import tell
from web.pages import SECURITY_HEADERS

LARGEST_ANSWER_BYTES = 4_096
HEADERS = {
    "Content-Security-Policy": SECURITY_HEADERS["Content-Security-Policy"].replace(
        "form-action 'none'", "form-action 'self'"
    ),
    "Cache-Control": "no-store",
}
# Said when a form is older than what it speaks of, or was made by hand.
NOT_ON_THE_PAGE = (
    "That is not one of the answers this page has now, so nothing was changed. Here is what there is today."
)


class Choice(StrEnum):
    """What may be chosen; the words on the button are `page-…`."""

    HELD = "held"
    NOT_NEEDED = "not-needed"
    SNOOZE_WEEK = "snooze-week"
    SNOOZE_CYCLE = "snooze-cycle"
    SNOOZE_ALL = "snooze-all"
    WAKE = "wake"


LATER = (Choice.SNOOZE_WEEK, Choice.SNOOZE_CYCLE)
OFFERED = {
    Side.MEMBER: (Choice.HELD, Choice.NOT_NEEDED, *LATER),
    Side.PARTNER: (Choice.HELD, Choice.NOT_NEEDED, *LATER),
    Side.COORDINATOR: LATER,
}
HOW = {Choice.HELD: How.HELD, Choice.NOT_NEEDED: How.NOT_NEEDED}


@dataclass(frozen=True, kw_only=True)
class Button:
    """One choice as the page shows it."""

    value: str
    label: str
    chosen: bool = False


@dataclass(frozen=True, kw_only=True)
class Card:
    """One part as the page shows it."""

    key: str
    title: str
    body: Markup
    choices: tuple[Button, ...]


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Who looks, and what lies open before them: the parts by the key their form sends."""

    around: Around
    parts: Mapping[str, Part]
    locale: str


def choices_blueprint(
    database: Database, policies: Mapping[str, Policy], links: Links, now: Callable[[], datetime]
) -> Blueprint:
    """Make the routes; `now` is the practice clock, since people live by it."""
    bp = Blueprint("choices", __name__, template_folder="templates")

    @bp.before_request
    def keep_small() -> None:
        request.max_content_length = LARGEST_ANSWER_BYTES

    @bp.get("/choices/<token>")
    def look(token: str) -> Response:
        named = links.read_choices(token)
        seen = database.transact(partial(_seen, policies, named, now()))
        return _expired() if seen is None else _page(seen, token)

    @bp.post("/choices/<token>")
    def choose(token: str) -> AnyResponse:
        named, said = links.read_choices(token), (request.form.get("choice", ""), request.form.get("part", ""))

        def record(session: Session) -> tuple[Seen | None, bool]:
            _in_turn(session, named)
            seen = _seen(policies, named, now(), session)
            return seen, seen is not None and _record(session, seen, *said, at=now())

        seen, recorded = database.transact(record)
        if seen is None:
            return _expired()
        if not recorded:
            return _page(seen, token, status=400)
        answer = redirect(url_for("choices.look", token=token, thanks=1), 303)
        answer.headers.update(HEADERS)
        return answer

    @bp.get("/stop/<token>")
    def ask_to_stop(token: str) -> Response:
        named = links.read_stop(token)
        found = database.transact(partial(_found, policies, named))
        return _expired() if found is None else _stop_page(*found, token=token, stopped=False)

    @bp.post("/stop/<token>")
    def stop(token: str) -> Response:
        """Stop everything: for the button of the page, and for a mail program's own (RFC 8058)."""
        named = links.read_stop(token)

        def record(session: Session) -> tuple[Policy, Person] | None:
            _in_turn(session, named)
            found = _found(policies, named, session)
            if found is not None:
                _put_off(session, *found, None, at=now())
            return found

        found = database.transact(record)
        return _expired() if found is None else _stop_page(*found, token=token, stopped=True)

    return bp


# -- what there is to see ---------------------------------------------------------------------------------------------


def _found(policies: Mapping[str, Policy], named: Named | None, session: Session) -> tuple[Policy, Person] | None:
    """Find whom a link is about; None when there is no such person, or no such organisation any more."""
    policy = policies.get(named.slug) if named is not None else None
    if policy is None or named is None:
        return None
    mine = (PersonRow.organisation == policy.slug, PersonRow.id == named.person_id)
    people = people_where(session, *mine)
    return (policy, people[0]) if people else None


def _seen(policies: Mapping[str, Policy], named: Named | None, now: datetime, session: Session) -> Seen | None:
    found = _found(policies, named, session)
    if found is None or named is None:
        return None
    policy, person = found
    today = today_of(person, policy.organisation, now)
    if person.left_on is not None and person.left_on <= today:
        return None  # the words are for members; what was private to the team stays there
    rows = last_parts(session, person.id, effect_key=named.effect_key) if named.effect_key else []
    speaks_of_all = any(row.rhythm in ABOUT_EVERYBODY for row in rows) or not named.effect_key
    ids = None if speaks_of_all else circle_of(session, policy, {person.id, *(r.member_id for r in rows)}, today=today)
    around = around_of(policy, standings_of(session, policy, now=now, ids=ids), person.id, today)
    if around is None:
        return None
    parts = _parts_asked(around, rows) if named.effect_key else _parts_open(around)
    locale = person.locale or policy.organisation.locale
    return Seen(around=around, parts={_key(part): part for part in parts}, locale=locale)


def _parts_asked(around: Around, rows: Sequence[AskedRow]) -> list[Part]:
    """Give the parts of one message that can still be spoken of, each moment once."""
    found: dict[str, Part] = {}
    for row in rows:
        member = around.members.get(row.member_id)
        if member is None or row.rhythm not in around.policy.rhythms:
            continue
        ask = Ask(row.ask)
        part = Part(
            rhythm=row.rhythm,
            turn=row.turn,
            side=Side(row.side),
            ask=ask,
            member_id=row.member_id,
            counts_from_on=row.day,
            closes_on=row.closes_on,
            private=_is_private(around.policy, member, row.rhythm, ask),
        )
        found.setdefault(_key(part), part)
    return list(found.values())


def _parts_open(around: Around) -> list[Part]:
    found = agenda(around.policy, around.reader, around.everybody, since=around.today, until=around.today)
    return [
        Part(
            rhythm=one.rhythm,
            turn=one.turn,
            side=one.side,
            ask=Ask.FIRST,
            member_id=one.member_id,
            counts_from_on=one.opens_on,
            closes_on=one.closes_on,
            private=one.private,
        )
        for one in found
        if one.side is not None and one.member_id is not None
    ]


def _is_private(policy: Policy, member: Standing, rhythm: str, ask: Ask) -> bool:
    return ask is Ask.AVAILABLE or own_rhythm(policy, member.person, rhythm).private


def _key(part: Part) -> str:
    """Name a part in a form: its rhythm and turn, and beside one's own moments whose it is."""
    key = f"{part.rhythm}|{part.turn}"
    return key if part.side is Side.MEMBER else f"{key}|{part.side.value}|{part.member_id}"


# -- what was chosen --------------------------------------------------------------------------------------------------


def _in_turn(session: Session, named: Named | None) -> None:
    """Have two clicks of one person wait for each other; SQLite lets one write at a time anyway."""
    if named is not None:
        session.scalar(select(PersonRow.id).where(PersonRow.id == named.person_id).with_for_update())


def _record(session: Session, seen: Seen, said: str, key: str, *, at: datetime) -> bool:
    """Keep what a person chose; False when it is not among what their page offers."""
    policy, person = seen.around.policy, seen.around.reader.person
    part = seen.parts.get(key)
    match said:
        case Choice.SNOOZE_ALL:
            _put_off(session, policy, person, None, at=at)
        case Choice.WAKE:
            if seen.around.reader.snoozes:
                wake(session, person.id)
                _tell(session, policy, person, What.WOKEN, {}, at=at)
        case _ if part is None or said not in OFFERED[part.side]:
            return False
        case Choice.SNOOZE_WEEK:
            _put_off(session, policy, person, part, A_WEEK, at=at)
        case Choice.SNOOZE_CYCLE:
            _put_off(session, policy, person, part, at=at)
        case _:
            _keep(session, seen.around, part, HOW[Choice(said)], at=at)
    return True


def _keep(session: Session, around: Around, part: Part, how: How, *, at: datetime) -> None:
    before = {one.how for one in around.members[part.member_id].held if (one.rhythm, one.turn) == part[:2]}
    said_before = before - {How.SPOKE}
    if how in before or (said_before and part.side is not Side.MEMBER):
        return
    keep_held(session, part.member_id, part.rhythm, part.turn, how, around.today)
    member = around.members[part.member_id].person
    _tell(session, around.policy, around.reader.person, What.MOMENT_HELD, {"how": how.value}, at=at, whose=member)


def _put_off(
    session: Session,
    policy: Policy,
    person: Person,
    part: Part | None,
    span: timedelta | None = None,
    *,
    at: datetime,
) -> None:
    """Keep a "later" about a part or about everything, in place of an earlier one: a person may change their mind."""
    today = today_of(person, policy.organisation, at)
    snooze = Snooze(
        first_on=today,
        last_on=today + span if span is not None else None,
        rhythm=part.rhythm if part is not None else None,
        turn=part.turn if part is not None else None,
    )
    same = (SnoozeRow.person_id == person.id, SnoozeRow.rhythm == snooze.rhythm, SnoozeRow.turn == snooze.turn)
    if any(one.last_on == snooze.last_on for one in session.scalars(select(SnoozeRow).where(*same)).all()):
        return
    session.execute(delete(SnoozeRow).where(*same))
    keep_snooze(session, person.id, snooze)
    until = snooze.last_on.isoformat() if snooze.last_on else "further notice"
    _tell(session, policy, person, What.PUT_OFF, {"until": until}, at=at)


def _tell(
    session: Session,
    policy: Policy,
    by: Person,
    what: What,
    details: Mapping[str, str],
    *,
    at: datetime,
    whose: Person | None = None,
) -> None:
    """Write a line of the timeline. Which moment it was stays out of it: many are private (rule 6 of the design)."""
    line = Happened(what=what, person_id=by.id, about=f"person:{(whose or by).id}", details=details)
    tell(session, policy.slug, line, at=at)


# -- pages ------------------------------------------------------------------------------------------------------------


def _page(seen: Seen, token: str, *, status: int = 200) -> Response:
    around, reader = seen.around, seen.around.reader
    say = partial(_say, seen.locale)
    snoozed = [one for one in reader.snoozes if one.last_on is None or one.last_on >= around.today]
    for_all = [Button(value=Choice.SNOOZE_ALL, label=say("page-snooze-all"), chosen=any(map(_is_for_all, snoozed)))]
    if snoozed:
        for_all.append(Button(value=Choice.WAKE, label=say("page-wake")))
    return _answer(
        "choices.html",
        status,
        lang=language_tag(seen.locale),
        title=say("page-choices-title"),
        intro=say("page-choices-intro", name=reader.person.first_name()),
        # Asked of the bytes: Werkzeug's `request.args` raises on a query that is no UTF-8.
        thanks=say("page-thanks") if request.query_string.startswith(b"thanks=") and status == 200 else "",
        refused=NOT_ON_THE_PAGE if status != 200 else "",
        goal=_goal(seen),
        parts=[_card(seen, key, part, snoozed) for key, part in seen.parts.items()],
        nothing_open=say("page-nothing-open"),
        choices=for_all,
        private_note=say("page-private-note"),
        action=url_for("choices.choose", token=token),
    )


def _goal(seen: Seen) -> str:
    """Name the reader's own goal and how many of its targets are ticked: shown, and never judged (practice row 19)."""
    goal = seen.around.reader.objective
    if goal is None or not seen.around.reader.has_objective():
        return ""
    if not goal.targets_total:
        return _say(seen.locale, "page-goal", title=goal.title)
    done, total = str(goal.targets_done), str(goal.targets_total)
    return _say(seen.locale, "page-goal-targets", title=goal.title, done=done, total=total)


def _card(seen: Seen, key: str, part: Part, snoozed: Sequence[Snooze]) -> Card:
    title, body = prompt(seen.around, [part], seen.locale)
    if part.member_id != seen.around.reader.person.id:
        title = f"{title} – {seen.around.members[part.member_id].person.name}"
    chosen = _chosen(seen.around, part, snoozed)
    buttons = tuple(
        Button(value=one, label=_say(seen.locale, f"page-{one}"), chosen=one in chosen) for one in OFFERED[part.side]
    )
    return Card(key=key, title=title, body=html_of(body), choices=buttons)


def _chosen(around: Around, part: Part, snoozed: Sequence[Snooze]) -> set[Choice]:
    """Say what a person chose before. What the member said of a moment is shown to the member only."""
    mine = [one for one in snoozed if (one.rhythm, one.turn) == part[:2]]
    found = {Choice.SNOOZE_CYCLE if one.last_on is None else Choice.SNOOZE_WEEK for one in mine}
    if part.side is Side.MEMBER:
        hows = [one.how for one in around.reader.held if (one.rhythm, one.turn) == part[:2]]
        found |= {Choice.NOT_NEEDED if how is How.NOT_NEEDED else Choice.HELD for how in hows}
    return found


def _is_for_all(snooze: Snooze) -> bool:
    return (snooze.rhythm, snooze.turn, snooze.last_on) == (None, None, None)


def _stop_page(policy: Policy, person: Person, *, token: str, stopped: bool) -> Response:
    locale = person.locale or policy.organisation.locale
    say = partial(_say, locale)
    return _answer(
        "stop.html",
        lang=language_tag(locale),
        title=say("page-stop-title"),
        thanks=say("page-thanks") if stopped else "",
        ask=say("page-stop-ask"),
        button="" if stopped else say("page-snooze-all"),
        action=url_for("choices.stop", token=token),
    )


def _expired() -> Response:
    """Answer a link that does not work, in the browser's language: nothing tells an old one from an invented one."""
    tags = {language_tag(one): one for one in locales()}
    tag = request.accept_languages.best_match(tags, FALLBACK_LOCALE) or FALLBACK_LOCALE
    expired = _say(tags.get(tag, FALLBACK_LOCALE), "page-expired")
    return _answer("expired.html", 404, lang=tag, title="Trellis", expired=expired)


def _answer(template: str, status: int = 200, **shown: object) -> Response:
    answer = make_response(render_template(template, **shown), status)
    answer.headers.update(HEADERS)
    return answer


def _say(locale: str, message: str, **values: str) -> str:
    return words(Say(name=message, locale=locale, values=values))


def html_of(text: str) -> Markup:
    """Turn our Markdown into HTML in which a tag or a link somebody typed stays what they typed."""
    return Markup(rendered(text))  # noqa: S704 - tags are switched off there, so only ours are left
