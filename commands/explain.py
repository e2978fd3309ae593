"""`flask explain`: why somebody does or does not hear of something on a day, rule by rule."""

import difflib
import json
import tomllib
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from commands.bench import Bench, chosen, member, organisation_option
from commands.plan import standings_now
from config.policy import over_profile
from domain.explain import Explained, Explanation, NotOpen, Outcome, What, explain
from domain.policy import Policy
from domain.rhythms import Side
from domain.rules import Verdict

HELP = """Say why somebody does or does not hear of something on a day: each rule's word, and what comes of it.

A moment that is open on the day is told in full; of the other rhythms, when they come round next. What goes out is read
from the same plan that the clock sends from. Of a day in the past it is told what went out; all else is as known today.

\b
With --json, one object:
  person, on, zone, past
  day:      rule, allows, why (what holds of all that day's moments alike)
  moments:  rhythm, turn, side, about, kind, opens_on, closes_on,
            verdicts: rule, allows, why
            outcomes: what (went out, goes out or stays silent), ask, on, at,
                      channel, together_with, why
  not_open: rhythm, next_on, why
"""


def explain_command(bench: Bench) -> click.Command:
    """Make the command."""

    @click.command("explain", help=HELP)
    @click.argument("handle")
    @click.option("--on", "day", type=click.DateTime(["%Y-%m-%d"]), help="The day.  [default: today, where they live]")
    @click.option("--rhythm", help="Only this rhythm.")
    @click.option("--json", "as_json", is_flag=True, help="Print one JSON object, described above.")
    @organisation_option
    def command(handle: str, day: datetime | None, rhythm: str | None, as_json: bool, slug: str | None) -> None:
        policy = chosen(bench, slug)
        person = member(bench, policy, handle)
        if rhythm is not None and rhythm not in policy.rhythms:
            near = difflib.get_close_matches(rhythm, policy.rhythms, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(policy.rhythms)}"
            raise click.BadParameter(f"{rhythm!r} is no rhythm of {policy.slug}; {hint}", param_hint="--rhythm")
        now = bench.workshop.now()
        on = now.astimezone(person.zone or policy.organisation.zone).date() if day is None else day.date()
        standings = bench.workshop.database.transact(standings_now(policy, now))
        said_by = who_switched(bench.settings.organisations_folder(), policy)
        found = explain(policy, standings, person.id, on, now, rhythm, said_by)
        if as_json:
            click.echo(json.dumps(_as_json(found), indent=1, ensure_ascii=False))
        else:
            _print(found)

    return command


def who_switched(folder: Path, policy: Policy) -> dict[str, str]:
    """Say of each rhythm who has it on or off: the organisation's own file, its profile, or nobody in particular."""
    try:
        said = tomllib.loads((folder / f"{policy.slug}.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # the file has gone since Trellis started; what it said then still holds
    own, whole = said.get("rhythms", {}), over_profile(said).get("rhythms", {})
    profile = f"the profile {said.get('profile')} has it so"
    found = {}
    for name in policy.rhythms:
        if "on" in own.get(name, {}):
            found[name] = "the organisation's choice"
        elif "on" in whole.get(name, {}) or name not in own:
            found[name] = profile
        else:
            found[name] = "a rhythm of the organisation is on unless it says otherwise"
    return found


# -- as text -----------------------------------------------------------------------------------------------------------


def _print(found: Explanation) -> None:
    click.echo(f"{found.handle}, {_day(found.on)} ({found.zone})")
    if found.past:
        click.echo("The day is past: what went out is told; all else is as it is known today.")
    _print_verdicts(found.day)
    for one in found.moments:
        click.echo(f"\n{_title(one)}, open from {one.opens_on} to {one.closes_on}")
        _print_verdicts(one.verdicts)
        for outcome in one.outcomes:
            click.echo(f"  → {said_outcome(outcome, found.zone)}")
    if not found.moments:
        click.echo("\nNothing is open for them on that day.")
    if found.not_open:
        click.echo("\nnot open on that day")
        for rest in found.not_open:
            click.echo(f"  {rest.rhythm}: {_next(rest)}")


def _print_verdicts(found: Sequence[Verdict]) -> None:
    for one in found:
        click.echo(f"  {'yes' if one.allows else 'no':<4} {one.rule:<12} {one.why}")


def _title(one: Explained) -> str:
    title = f"{one.rhythm} {one.turn}"
    if one.kind:
        title += f", {one.kind}"
    return title if one.side is Side.MEMBER else f"{title}, {one.side.value} of {one.about}"


def said_outcome(outcome: Outcome, zone: str) -> str:
    """Say in one sentence what became, or becomes, of a moment."""
    if outcome.what is What.SILENT or outcome.at is None or outcome.on is None:
        return f"{What.SILENT.value}: {outcome.why}"
    here = outcome.at.astimezone(ZoneInfo(zone))
    said = f"{outcome.what.value} on {_day(outcome.on)} at {here:%H:%M} ({zone})"
    if outcome.what is What.GOES_OUT:
        said += f" by {_channel(outcome)}"
    if outcome.together_with:
        said += f", together with {', '.join(outcome.together_with)}"
    return said


def _channel(outcome: Outcome) -> str:
    return outcome.ways[0].value if outcome.ways else "a comment in the team's thread"


def _next(rest: NotOpen) -> str:
    if rest.next_on is None:
        return rest.why
    return f"next from {rest.next_on}" + (f", but {rest.why}" if rest.why else "")


def _day(day: date) -> str:
    return f"{day:%A} {day.day} {day:%B %Y}"


# -- as JSON -----------------------------------------------------------------------------------------------------------


def _as_json(found: Explanation) -> dict[str, Any]:
    return {
        "person": found.handle,
        "on": found.on.isoformat(),
        "zone": found.zone,
        "past": found.past,
        "day": _verdicts_json(found.day),
        "moments": [
            {
                "rhythm": one.rhythm,
                "turn": one.turn,
                "side": one.side.value,
                "about": one.about,
                "kind": one.kind,
                "opens_on": one.opens_on.isoformat(),
                "closes_on": one.closes_on.isoformat(),
                "verdicts": _verdicts_json(one.verdicts),
                "outcomes": [_outcome_json(it) for it in one.outcomes],
            }
            for one in found.moments
        ],
        "not_open": [
            {"rhythm": one.rhythm, "next_on": one.next_on.isoformat() if one.next_on else None, "why": one.why}
            for one in found.not_open
        ],
    }


def _verdicts_json(found: Sequence[Verdict]) -> list[dict[str, Any]]:
    return [{"rule": one.rule, "allows": one.allows, "why": one.why} for one in found]


def _outcome_json(outcome: Outcome) -> dict[str, Any]:
    return {
        "what": outcome.what.value,
        "ask": outcome.ask.value if outcome.ask is not None else None,
        "on": outcome.on.isoformat() if outcome.on is not None else None,
        "at": outcome.at.isoformat() if outcome.at is not None else None,
        "channel": outcome.ways[0].value if outcome.ways else None,
        "together_with": list(outcome.together_with),
        "why": outcome.why,
    }
