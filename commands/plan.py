"""`flask plan`: who will hear what and when, a whole year at once if wanted, and whether anybody hears too much."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import click
from sqlalchemy.orm import Session

from commands.bench import Bench, chosen, organisation_option
from domain.course import Message, Silence
from domain.moments import Standing
from domain.parts import Part
from domain.people import Person, own_zone
from domain.planner import plan
from domain.policy import Mode, Policy
from domain.rhythms import Side
from domain.routing import findings
from domain.team import TeamMoment, team_moments
from domain.year import Summary, date_problems, days_heard, never_because, summed_up
from store.standings import standings_of

HELP = """Print who will hear what and when, and how much that is for each. Nothing is sent.

Exit code 1 when anybody would hear more than the policy's cap within any seven days, or more than once in a day; so a
policy can be checked before it is used. 0 otherwise, whatever else is told under "problems".

--year takes a calendar year in the organisation's zone. A year that lies ahead is planned from its first day with what
is known now; the running year from now on.

\b
With --json, one object:
  organisation, since, until (the first instant that does not count)
  messages: at, on, local, zone, person, channel, digest, key, rhythms,
            parts: rhythm, turn, side, ask, about, closes_on, private
  team:     at, rhythm, turn, part, closes_on, key
  people:   handle, messages, most_in_seven_days, never_reached_because
  most_in_seven_days, cap
  problems: kind (cap, roster or dates), why
  silences: person, rhythm, turn, side, on, rule, why (only with --all)
Instants are UTC; days, and local, are those of the person.
"""


@dataclass(frozen=True, kw_only=True)
class Preview:
    """Everything one run of the command shows."""

    policy: Policy
    since: datetime
    until: datetime
    people: Mapping[int, Person]
    messages: Sequence[Message]
    silences: Sequence[Silence]
    team: Sequence[TeamMoment]
    summary: Summary
    never: dict[str, str]
    problems: Sequence[tuple[str, str]]


def plan_command(bench: Bench) -> click.Command:
    """Make the command."""

    @click.command("plan", help=HELP)
    @click.option("--next", "span", help="How far to look from now: days or weeks, such as 8w.  [default: 30d]")
    @click.option("--year", type=click.IntRange(2000, 2999), help="A whole calendar year instead, such as 2027.")
    @click.option("--person", "only", multiple=True, metavar="HANDLE", help="Only this person; may be repeated.")
    @click.option("--json", "as_json", is_flag=True, help="Print one JSON object, described above.")
    @click.option("--all", "everything", is_flag=True, help="Show what stays silent as well, and why.")
    @organisation_option
    def command(
        span: str | None, year: int | None, only: Sequence[str], as_json: bool, everything: bool, slug: str | None
    ) -> None:
        policy = chosen(bench, slug)
        now = bench.workshop.now()
        since, until = _span(policy, now, span, year)
        standings = bench.workshop.database.transact(standings_now(policy, now))
        preview = previewed(policy, standings, since, until, only)
        if as_json:
            click.echo(json.dumps(_as_json(preview, everything=everything), indent=1, ensure_ascii=False))
        else:
            _print(preview, everything=everything, from_now=year is not None and since == now)
        raise SystemExit(1 if preview.summary.too_much else 0)

    return command


def standings_now(policy: Policy, now: datetime) -> Callable[[Session], list[Standing]]:
    """Give the question for everybody as they are known now."""
    return lambda session: standings_of(session, policy, now=now)


def read_span(span: str) -> timedelta:
    """Read a number of days or weeks.

    Raises click's error when it is neither.
    """
    read = re.fullmatch(r"(\d{1,4})([dw])", span)
    if read is None:
        raise click.BadParameter(f"{span!r}: a number of days or weeks, such as 30d or 8w", param_hint="--next")
    return timedelta(days=int(read[1]) * (7 if read[2] == "w" else 1))


def previewed(
    policy: Policy, standings: Sequence[Standing], since: datetime, until: datetime, only: Sequence[str] = ()
) -> Preview:
    """Plan a span for everybody and sum it up for some, or for all.

    Everybody is planned for whoever is asked about: what one person hears may follow from another's silence.
    """
    known = {one.person.handle: one.person for one in standings}
    for handle in only:
        if handle not in known:
            raise click.BadParameter(
                f"Nobody in {policy.slug} has the handle {handle!r}. Known: {', '.join(sorted(known)) or 'nobody yet'}",
                param_hint="--person",
            )
    wanted = set(only) or known.keys()
    outlook = plan(policy, standings, since=since, until=until, with_silences=True)
    messages = [one for one in outlook.messages if one.handle in wanted]
    silences = [one for one in outlook.silences if one.handle in wanted]
    heard = days_heard([(one.person.handle, asked.on) for one in standings for asked in one.asked])
    summary = summed_up(messages, cap=policy.caps.per_week, handles=sorted(wanted), heard=heard)
    first_on, last_on = (
        one.astimezone(policy.organisation.zone).date() for one in (since, until - timedelta(microseconds=1))
    )
    silent: dict[str, list[Silence]] = {one.handle: [] for one in summary.people if not one.messages}
    for silence in silences:
        if silence.handle in silent:
            silent[silence.handle].append(silence)
    problems = [("cap", why) for why in summary.too_much]
    problems += [("roster", one.why) for one in findings(policy, list(known.values()), first_on)]
    problems += [("dates", why) for why in date_problems(policy, first_on, last_on)]
    return Preview(
        policy=policy,
        since=since,
        until=until,
        people={one.person.id: one.person for one in standings},
        messages=messages,
        silences=silences,
        team=sorted(team_moments(policy, since=since, until=until), key=lambda one: (one.opens_at, one.key)),
        summary=summary,
        never={handle: never_because(policy, known[handle], own, first_on, last_on) for handle, own in silent.items()},
        problems=problems,
    )


def _span(policy: Policy, now: datetime, span: str | None, year: int | None) -> tuple[datetime, datetime]:
    if year is None:
        return now, now + read_span(span or "30d")
    if span is not None:
        raise click.UsageError("--next or --year, one of the two")
    zone = policy.organisation.zone
    begins_at, ends_at = (datetime(one, 1, 1, tzinfo=zone).astimezone(UTC) for one in (year, year + 1))
    if ends_at <= now:
        raise click.BadParameter(f"{year} is over; `flask explain` tells what went out", param_hint="--year")
    return max(begins_at, now), ends_at


# -- as text -----------------------------------------------------------------------------------------------------------


def _print(preview: Preview, *, everything: bool, from_now: bool) -> None:
    policy, summary = preview.policy, preview.summary
    zone = policy.organisation.zone
    since, until = (f"{one.astimezone(zone):%a %Y-%m-%d %H:%M}" for one in (preview.since, preview.until))
    click.echo(f"{policy.organisation.name}, from {since} until {until} ({zone.key})")
    if from_now:
        click.echo("What is left of the year, from now on.")
    if policy.organisation.mode is Mode.OBSERVE:
        click.echo("It observes: nothing of this is sent.")
    _section("messages", [_line(preview, one) for one in preview.messages] or ["Nobody hears anything."])
    _section("for the team", [_team_line(policy, one) for one in preview.team])
    if everything:
        _section("silences", [_silence_line(one) for one in preview.silences])
    _section(
        "for each",
        [
            f"{one.handle:<12} {one.messages:>3} messages, {one.most_in_seven_days} within any seven days"
            if one.messages
            else f"{one.handle:<12} never reached: {preview.never[one.handle]}"
            for one in summary.people
        ],
    )
    _section("look at", [f"{kind}: {why}" for kind, why in preview.problems])
    most = f"the most one person hears in any seven days: {summary.most_in_seven_days} (cap {summary.cap})"
    click.echo(f"\n{summary.messages} messages, {summary.digests} of them of several parts; {most}")


def _section(title: str, lines: Sequence[str]) -> None:
    if lines:
        click.echo(f"\n{title}")
        click.echo("\n".join(f"  {line}" for line in lines))


def _line(preview: Preview, message: Message) -> str:
    here = message.due_at.astimezone(own_zone(preview.people[message.person_id], preview.policy.organisation))
    parts = " + ".join(said_part(part, preview.people) for part in message.parts)
    at = f"{here:%a %Y-%m-%d %H:%M}  {here.tzinfo!s:<20}"
    return f"{at} {message.handle:<12} {channel_of(message):<7} {parts}"


def said_part(part: Part, people: Mapping[int, Person]) -> str:
    """Say in a few words what a part is about."""
    if part.side is Side.MEMBER:
        return f"{part.rhythm} {part.ask.value}"
    member = people.get(part.member_id)
    return f"{part.rhythm} {part.ask.value}, {part.side.value} of {member.handle if member else 'somebody'}"


def channel_of(message: Message) -> str:
    """Name the way a message takes; one without a way of its own is a mention in a Loomio thread."""
    return message.ways[0].value if message.ways else "loomio"


def _team_line(policy: Policy, moment: TeamMoment) -> str:
    here = moment.opens_at.astimezone(policy.organisation.zone)
    return f"{here:%a %Y-%m-%d %H:%M}  {moment.part.value:<7} {moment.reference()}, until {moment.closes_on}"


def _silence_line(silence: Silence) -> str:
    when = "always" if silence.on is None else str(silence.on)
    about = f"{silence.rhythm} {silence.turn}".strip()
    return f"{when:<10}  {silence.handle:<12} {about}, {silence.side.value}: {silence.rule}: {silence.why}"


# -- as JSON -----------------------------------------------------------------------------------------------------------


def _as_json(preview: Preview, *, everything: bool) -> dict[str, Any]:
    summary = preview.summary
    found: dict[str, Any] = {
        "organisation": preview.policy.slug,
        "since": preview.since.isoformat(),
        "until": preview.until.isoformat(),
        "messages": [_message_json(preview, one) for one in preview.messages],
        "team": [
            {
                "at": one.opens_at.isoformat(),
                "rhythm": one.rhythm,
                "turn": one.turn,
                "part": one.part.value,
                "closes_on": one.closes_on.isoformat(),
                "key": one.key,
            }
            for one in preview.team
        ],
        "people": [
            {
                "handle": one.handle,
                "messages": one.messages,
                "most_in_seven_days": one.most_in_seven_days,
                "never_reached_because": preview.never.get(one.handle),
            }
            for one in summary.people
        ],
        "most_in_seven_days": summary.most_in_seven_days,
        "cap": summary.cap,
        "problems": [{"kind": kind, "why": why} for kind, why in preview.problems],
    }
    if everything:
        found["silences"] = [
            {
                "person": one.handle,
                "rhythm": one.rhythm,
                "turn": one.turn,
                "side": one.side.value,
                "on": one.on.isoformat() if one.on is not None else None,
                "rule": one.rule,
                "why": one.why,
            }
            for one in preview.silences
        ]
    return found


def _message_json(preview: Preview, message: Message) -> dict[str, Any]:
    zone = own_zone(preview.people[message.person_id], preview.policy.organisation)
    members = {part.member_id: preview.people.get(part.member_id) for part in message.parts}
    return {
        "at": message.due_at.isoformat(),
        "on": message.on.isoformat(),
        "local": message.due_at.astimezone(zone).isoformat(),
        "zone": zone.key,
        "person": message.handle,
        "channel": channel_of(message),
        "digest": len(message.parts) > 1,
        "key": message.key,
        "rhythms": list(dict.fromkeys(part.rhythm for part in message.parts)),
        "parts": [
            {
                "rhythm": part.rhythm,
                "turn": part.turn,
                "side": part.side.value,
                "ask": part.ask.value,
                "about": member.handle if (member := members[part.member_id]) is not None else None,
                "closes_on": part.closes_on.isoformat(),
                "private": part.private,
            }
            for part in message.parts
        ],
    }
