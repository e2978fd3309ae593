"""`flask check`, `flask doctor`: look before anything is sent."""

from collections.abc import Sequence

import click
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from commands.bench import Bench, chosen, organisation_option
from domain.people import Person
from domain.policy import Channel, Policy
from domain.routing import findings
from domain.year import date_problems
from integrations.errors import PermanentError, TemporaryError, UnknownOutcomeError
from integrations.github_deliveries import Deliveries
from integrations.loomio import Loomio
from integrations.loomio_versions import dialect_problem, is_little_known
from jobs.redeliver import DOOR, hooks_of_ours
from jobs.report import DATES_AHEAD
from jobs.repository import connected_github, connected_loomio
from jobs.trouble import open_troubles
from jobs.trouble_news import said as troubles_said
from store.models import EffectRow, ProposalRow
from store.queries import people_of

# True: it works; False: somebody has to look; None: worth knowing, and Trellis works all the same.
Finding = tuple[bool | None, str]
MARK = {True: "fine", False: "LOOK", None: "note"}


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
            click.echo(f"{MARK[ok]}  {line}")
        raise SystemExit(1 if any(ok is False for ok, _ in findings) else 0)

    return doctor


def _findings(bench: Bench, policy: Policy) -> list[Finding]:
    slug, found = policy.slug, list[Finding]()
    try:
        people = bench.workshop.database.transact(lambda session: people_of(session, slug))
        parked = bench.workshop.database.transact(lambda session: _parked(session, slug))
        troubles = bench.workshop.database.transact(
            lambda session: troubles_said(session, policy, open_troubles(session, slug))
        )
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
    found += [(False, f"{slug}: {title}. {text}") for title, text in troubles]
    try:
        github = connected_github(bench.workshop, slug)
        number, name = github.repository()
        found.append((True, f"{slug}: GitHub knows us as {github.login()}; repository {name} is number {number}"))
        for one in people:
            if one.github_login and not github.may_assign(one.github_login):
                found.append(
                    (False, f"{slug}: {one.handle} ({one.github_login}) cannot be assigned in {name}: invite them")
                )
        found += [
            (ok, f"{slug}: {line}") for ok, line in _findings_on_webhooks(bench, Deliveries(github.connection), name)
        ]
    except (TemporaryError, PermanentError) as error:
        found.append((False, f"{slug}: GitHub: {error}"))
    found += _findings_on_channels(bench, policy, people)
    if policy.loomio is not None:
        try:
            found += [
                (ok, f"{slug}: {line}") for ok, line in _findings_in_loomio(connected_loomio(bench.workshop, slug))
            ]
        except (TemporaryError, PermanentError) as error:
            found.append((False, f"{slug}: Loomio: {error}"))
        unread = bench.workshop.database.transact(lambda session: _unread_proposals(session, slug))
        found += [(False, f"{slug}: {url}: {why}") for url, why in unread]
    return found


def _findings_on_webhooks(bench: Bench, deliveries: Deliveries, name: str) -> list[Finding]:
    """Look whether GitHub delivers to us, and whether it can be asked again for what did not arrive.

    Without either, nothing is lost: reconciling reads within the hour what no delivery told.
    """
    try:
        if deliveries.is_app:
            deliveries.failed(None, since=bench.workshop.now(), most=1)
            return [(True, "what GitHub cannot deliver is asked for again, as the App")]
        if hooks_of_ours(deliveries.hooks(), bench.workshop.links.public_url):
            return [(True, "what GitHub cannot deliver is asked for again, at the webhook")]
    except PermanentError as error:
        how = "" if deliveries.is_app else " (give the token the permission Webhooks: read and write)"
        return [(None, f"what GitHub cannot deliver is not asked for again, only read within the hour{how}: {error}")]
    return [(None, f"no webhook of {name} leads to {DOOR}: what happens is noticed within the hour, not at once")]


def _findings_in_loomio(loomio: Loomio) -> list[tuple[bool, str]]:
    """Look at the version before anything else: in the wrong dialect a good key is refused too."""
    version = loomio.version()
    problem = dialect_problem(version, loomio.dialect)
    if problem is not None:
        return [(False, problem)]
    group = loomio.group()
    little = "; of versions such as this little is known: watch the first proposal" if is_little_known(version) else ""
    found = [(True, f"Loomio {version} in the {loomio.dialect.value} dialect, group {group.name}{little}")]
    if group.own_admin is False:
        found.append(
            (False, f"the bot is no coordinator of Loomio's {group.name}: it may be refused to start proposals")
        )
    return found


def _findings_on_channels(bench: Bench, policy: Policy, people: Sequence[Person]) -> list[tuple[bool, str]]:
    """Look at the ways to people, at who is there for whom, and at the dates that windows wait for."""
    slug, found = policy.slug, []
    today = bench.workshop.now().astimezone(policy.organisation.zone).date()
    if bench.workshop.mail is not None:
        try:
            found.append((True, f"{slug}: mail goes through {bench.workshop.mail.check()}"))
        except (TemporaryError, PermanentError, UnknownOutcomeError) as error:
            found.append((False, f"{slug}: mail: {error}"))
    private = sorted(name for name, rhythm in policy.rhythms.items() if rhythm.on and rhythm.private)
    by_mail = Channel.MAIL in policy.channels.order and bool(policy.channels.sender)
    if private and (not by_mail or bench.workshop.mail is None):
        missing = "SMTP_URL" if by_mail else "channels.order with mail, and channels.sender"
        found.append((False, f"{slug}: {len(private)} private rhythms reach nobody: they need {missing}"))
    if by_mail and bench.settings.text("TRELLIS_PUBLIC_URL") is None:
        found.append((False, f"{slug}: letters carry no link to answer or stop them: TRELLIS_PUBLIC_URL is not set"))
    try:
        rooms = bench.workshop.chat(slug)
        if policy.channels.team_chat:
            found.append(
                (bool(rooms), f"{slug}: {len(rooms)} chat rooms" if rooms else f"{slug}: CHAT_URLS is not set")
            )
    except ValueError as error:
        found.append((False, f"{slug}: CHAT_URLS: {error}"))
    found += [(False, f"{slug}: {one.why}") for one in findings(policy, people, today)]
    found += [(False, f"{slug}: {one}") for one in date_problems(policy, today, today + DATES_AHEAD)]
    return found


def _unread_proposals(session: Session, slug: str) -> list[tuple[str, str]]:
    """Give the proposals whose last look did not work out, or that Loomio has not closed in time."""
    wanted = select(ProposalRow.url, ProposalRow.last_error).where(
        ProposalRow.organisation == slug, ProposalRow.look_at.is_not(None), ProposalRow.last_error.is_not(None)
    )
    return [(url, str(why)) for url, why in session.execute(wanted.order_by(ProposalRow.id))]


def _parked(session: Session, slug: str) -> list[tuple[int, str]]:
    mine = (EffectRow.organisation == slug, EffectRow.status == "parked")
    count = session.scalar(select(func.count()).select_from(EffectRow).where(*mine)) or 0
    last = session.scalar(select(EffectRow.last_error).where(*mine).order_by(EffectRow.planned_at.desc()).limit(1))
    return [(count, last or "no reason noted")] if count else []
