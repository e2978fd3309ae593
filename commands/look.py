"""`flask check`, `flask doctor`, `flask plan`: look before anything is sent."""

import json
import re
from datetime import timedelta

import click
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from commands.bench import Bench, chosen, organisation_option
from domain.policy import Policy
from integrations.errors import PermanentError, TemporaryError
from integrations.loomio import dialect_problem
from jobs.nudge import planned
from jobs.repository import connected_github, connected_loomio
from store.models import EffectRow
from store.queries import people_of


def check_command(bench: Bench) -> click.Command:
    """Make the command."""

    @click.command("check", help="Read settings and every policy file; exit 2 when something is wrong.")
    def check() -> None:
        # Whatever is wrong was told before this command could run (see app.py).
        for slug, policy in sorted(bench.workshop.policies.items()):
            click.echo(f"{slug}: {policy.organisation.name}, mode {policy.organisation.mode.value}: fine")
        if not bench.workshop.policies:
            chosen(bench, None)

    return check


def doctor_command(bench: Bench) -> click.Command:
    """Make the command."""

    @click.command("doctor", help="Ask GitHub, Loomio and the database whether Trellis can work; exit 1 when not.")
    @organisation_option
    def doctor(slug: str | None) -> None:
        policies = [chosen(bench, slug)] if slug else list(bench.workshop.policies.values())
        if not policies:
            chosen(bench, None)
        findings = [line for policy in policies for line in _findings(bench, policy)]
        for ok, line in findings:
            click.echo(f"{'fine' if ok else 'LOOK'}  {line}")
        raise SystemExit(0 if all(ok for ok, _ in findings) else 1)

    return doctor


def _findings(bench: Bench, policy: Policy) -> list[tuple[bool, str]]:
    slug, found = policy.slug, []
    try:
        people = bench.workshop.database.transact(lambda session: people_of(session, slug))
        parked = bench.workshop.database.transact(lambda session: _parked(session, slug))
    except SQLAlchemyError as error:
        return [(False, f"{slug}: the database has no tables yet: flask migrate ({type(error).__name__})")]
    found.append(
        (
            bool(people),
            f"{slug}: {len(people)} people in the roster"
            if people
            else f"{slug}: nobody in the roster: flask people import FILE",
        )
    )
    found += [(False, f"{slug}: {count} effects are parked; the last: {why}") for count, why in parked]
    try:
        github = connected_github(bench.workshop, slug)
        number, name = github.repository()
        found.append((True, f"{slug}: GitHub knows us as {github.login()}; repository {name} is number {number}"))
        for one in people:
            if one.github_login and not github.may_assign(one.github_login):
                found.append(
                    (False, f"{slug}: {one.handle} ({one.github_login}) cannot be assigned in {name}: invite them")
                )
    except (TemporaryError, PermanentError) as error:
        found.append((False, f"{slug}: GitHub: {error}"))
    if policy.loomio is not None:
        try:
            loomio = connected_loomio(bench.workshop, slug)
            version = loomio.version()
            group = loomio.group()
            problem = dialect_problem(version)
            found.append((problem is None, f"{slug}: {problem or f'Loomio {version}, group {group.name}'}"))
            if group.own_admin is False:
                found.append(
                    (False, f"{slug}: the bot is no admin of {group.name}: it may not be allowed to start proposals")
                )
        except (TemporaryError, PermanentError) as error:
            found.append((False, f"{slug}: Loomio: {error}"))
    return found


def _parked(session: Session, slug: str) -> list[tuple[int, str]]:
    mine = (EffectRow.organisation == slug, EffectRow.status == "parked")
    count = session.scalar(select(func.count()).select_from(EffectRow).where(*mine)) or 0
    last = session.scalar(select(EffectRow.last_error).where(*mine).order_by(EffectRow.planned_at.desc()).limit(1))
    return [(count, last or "no reason noted")] if count else []


def plan_command(bench: Bench) -> click.Command:
    """Make the command."""

    @click.command("plan", help="Print who will hear what and when, and why somebody will not. Nothing is sent.")
    @click.option("--next", "span", default="30d", help="How far to look: days or weeks, such as 30d or 8w.")
    @click.option("--json", "as_json", is_flag=True, help="Print what goes out as JSON, in order of time.")
    @click.option("--all", "everything", is_flag=True, help="Show what stays silent as well.")
    @organisation_option
    def plan(span: str, as_json: bool, everything: bool, slug: str | None) -> None:
        policy = chosen(bench, slug)
        read = re.fullmatch(r"(\d{1,4})([dw])", span)
        if read is None:
            raise click.ClickException(f"--next {span!r}: a number of days or weeks, such as 30d or 8w")
        now = bench.workshop.now()
        until = now + timedelta(days=int(read[1]) * (7 if read[2] == "w" else 1))
        found = bench.workshop.database.transact(lambda session: planned(session, policy, since=now, until=until))
        rows = [
            {
                "at": (one.due_at or one.too_late_at).isoformat(),
                "person": one.person.handle,
                "rhythm": one.rhythm,
                "goes_out": one.goes_out(),
                "why": one.silence() or "due",
                "key": one.key,
            }
            for one in found
            if one.goes_out() or everything
        ]
        if as_json:
            click.echo(json.dumps(rows, indent=1))
            return
        for row in rows:
            sign = "sends " if row["goes_out"] else "silent"
            at = str(row["at"])[:16].replace("T", " ")
            click.echo(f"{at} UTC  {sign}  {row['person']:<12} {row['rhythm']:<12} {row['why']}")
        if not rows:
            click.echo(f"Nobody in {policy.slug} hears anything in the next {span}. Add --all to see why.")

    return plan
