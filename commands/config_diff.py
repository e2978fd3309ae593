"""`flask config diff`: what a change of the policy file does to the days ahead, before anybody feels it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import click

from commands.bench import Bench, chosen, organisation_option
from commands.plan import Preview, previewed, read_span, standings_now
from config.errors import ConfigError
from config.policy import load_policy
from domain.moments import Standing
from domain.people import Person
from domain.policy import Policy
from domain.rhythms import Side
from domain.team import TeamMoment
from domain.year import Change, changes

DIFF_HELP = """Compare the plan under an older policy file with the plan under the present one.

OLD is the file as it was, under any name; `git show HEAD~1:FILE > old.toml` gets one out of git. Both are planned for
the people and with the answers of today. + comes new, - goes, > moves to another day. Exit code 2 when OLD cannot be
read, otherwise 0.
"""


def config_group(bench: Bench) -> click.Group:
    """Make the group."""

    @click.group("config", help="The policy files, and what a change of them does.")
    def config() -> None:
        pass

    @config.command("diff", help=DIFF_HELP)
    @click.argument("old", type=click.Path(path_type=Path))
    @click.option("--next", "span", default="90d", show_default=True, help="How far to look: days or weeks.")
    @organisation_option
    def diff(old: Path, span: str, slug: str | None) -> None:
        policy, ahead = chosen(bench, slug), read_span(span)
        try:
            older = load_policy(old, slug=policy.slug)
        except ConfigError as error:
            for problem in error.problems:
                click.echo(problem, err=True)
            raise SystemExit(2) from error
        now = bench.workshop.now()
        standings = bench.workshop.database.transact(standings_now(policy, now))
        for line in compared(older, policy, standings, now, now + ahead):
            click.echo(line)

    return config


def compared(old: Policy, new: Policy, standings: Sequence[Standing], since: datetime, until: datetime) -> list[str]:
    """Give the lines that tell two policies apart for these people."""
    before, after = (previewed(policy, standings, since, until) for policy in (old, new))
    lines = [_line(one, after.people) for one in changes(before.messages, after.messages)]
    lines += _team_lines(before.team, after.team)
    if not lines:
        return [f"nothing changes from {since:%Y-%m-%d} to {until:%Y-%m-%d}"]
    counts = ", ".join(f"{sum(line[0] == sign for line in lines)} {what}" for sign, what in SIGNS.items())
    return [*lines, "", counts, *(f"{name}: {was} → {becomes}" for name, was, becomes in _totals(before, after))]


SIGNS = {"+": "new", "-": "gone", ">": "moved"}


def _line(change: Change, people: Mapping[int, Person]) -> str:
    what = f"{change.handle} {change.rhythm}"
    if change.side is not Side.MEMBER and (member := people.get(change.member_id)) is not None:
        what += f" ({change.side.value} of {member.handle})"
    if change.before_on is None:
        return f"+ {change.after_on} {what}"
    if change.after_on is None:
        return f"- {change.before_on} {what}"
    return f"> {change.before_on} → {change.after_on} {what}"


def _team_lines(before: Sequence[TeamMoment], after: Sequence[TeamMoment]) -> list[str]:
    old, new = ({one.key: one for one in moments} for moments in (before, after))
    lines = []
    for key in sorted(old.keys() | new.keys()):
        was, becomes = old.get(key), new.get(key)
        if was is None and becomes is not None:
            lines.append(f"+ {becomes.opens_at:%Y-%m-%d} team {becomes.part.value} {becomes.reference()}")
        elif was is not None and becomes is None:
            lines.append(f"- {was.opens_at:%Y-%m-%d} team {was.part.value} {was.reference()}")
        elif was is not None and becomes is not None and was.opens_at != becomes.opens_at:
            days = f"{was.opens_at:%Y-%m-%d} → {becomes.opens_at:%Y-%m-%d}"
            lines.append(f"> {days} team {becomes.part.value} {becomes.reference()}")
    return lines


def _totals(before: Preview, after: Preview) -> list[tuple[str, str, str]]:
    def most(preview: Preview) -> str:
        return f"{preview.summary.most_in_seven_days} (cap {preview.summary.cap})"

    return [
        ("messages", str(before.summary.messages), str(after.summary.messages)),
        ("the most one person hears in any seven days", most(before), most(after)),
    ]
