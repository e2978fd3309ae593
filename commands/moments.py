"""`flask moment` and `flask support`: note what was held or put off, and what was promised, from the command line."""

from datetime import date, datetime
from functools import partial

import click
from sqlalchemy.orm import Session

from commands.bench import Bench, chosen, member, organisation_option
from domain.events import Happened, What
from domain.later import read_later
from domain.moments import How, add_months, moments_of
from domain.people import Person, Snooze, today_of
from domain.policy import Policy
from domain.rules import own_rhythm
from jobs.record import told
from store.models import CommitmentRow
from store.standings import keep_held, keep_snooze, look_anew, standings_of, wake

EARLIEST_MONTHS, LATEST_MONTHS = 3, 6  # practice row 75


def moment_group(bench: Bench) -> click.Group:
    """Make the group."""

    @click.group("moment", help="Moments that come round: note that one was held, is not needed, or can wait.")
    def moment() -> None:
        pass

    @moment.command("held", help="Note that somebody's moment was held (or, with --not-needed, is not needed).")
    @click.argument("handle")
    @click.argument("rhythm")
    @click.option("--not-needed", is_flag=True, help="It is not needed this time.")
    @click.option("--on", "day", type=click.DateTime(["%Y-%m-%d"]), help="The day; today when left out.")
    @organisation_option
    def held(handle: str, rhythm: str, not_needed: bool, day: datetime | None, slug: str | None) -> None:
        policy = chosen(bench, slug)
        person = member(bench, policy, handle)
        if rhythm not in policy.rhythms:
            raise click.ClickException(f"{policy.slug} has no rhythm {rhythm!r}. Known: {', '.join(policy.rhythms)}")
        today = today_of(person, policy.organisation, bench.workshop.now())
        on = day.date() if day is not None else today
        how = How.NOT_NEEDED if not_needed else How.HELD
        work = partial(_hold, bench, policy=policy, person=person, rhythm=rhythm, how=how, on=on)
        turns = bench.workshop.database.transact(lambda session: work(session=session))
        if not turns:
            raise click.ClickException(f"No moment of {rhythm} is open for {person.name} on {on}.")
        click.echo(f"{person.name}: {rhythm} ({', '.join(turns)}) is noted as {how.value} on {on}.")

    @moment.command("snooze", help="Put off what somebody hears: WORDS as in a comment, such as '2 weeks' or 'all'.")
    @click.argument("handle")
    @click.argument("words", default="all")
    @click.option("--rhythm", help="Only this rhythm.")
    @organisation_option
    def snooze(handle: str, words: str, rhythm: str | None, slug: str | None) -> None:
        policy = chosen(bench, slug)
        person = member(bench, policy, handle)
        if rhythm is not None and rhythm not in policy.rhythms:
            raise click.ClickException(f"{policy.slug} has no rhythm {rhythm!r}. Known: {', '.join(policy.rhythms)}")
        today = today_of(person, policy.organisation, bench.workshop.now())
        wish = read_later(words, today=today)
        if wish is None or wish.this_time_only:
            raise click.ClickException(f"{words!r}: say '2 weeks', 'until 2027-05-01' or 'all'")
        one = Snooze(first_on=today, last_on=wish.last_on, rhythm=rhythm)
        bench.workshop.database.transact(lambda session: keep_snooze(session, person.id, one))
        click.echo(f"{person.name} hears nothing of {rhythm or 'anything'} until {wish.last_on or 'further notice'}.")

    @moment.command("wake", help="End everything somebody put off.")
    @click.argument("handle")
    @organisation_option
    def wake_(handle: str, slug: str | None) -> None:
        policy = chosen(bench, slug)
        person = member(bench, policy, handle)
        bench.workshop.database.transact(lambda session: wake(session, person.id))
        click.echo(f"{person.name} hears again what comes round.")

    return moment


def support_group(bench: Bench) -> click.Group:
    """Make the group."""

    @click.group("support", help="Promises of support, looked back on after three to six months.")
    def support() -> None:
        pass

    @support.command("commit", help="Note a promise to HANDLE; what it is stays between the two of them.")
    @click.argument("handle")
    @click.option("--by", "promised_by", required=True, help="Handle of who promised.")
    @click.option("--look-back-on", type=click.DateTime(["%Y-%m-%d"]), help="3 to 6 months away; 3 when left out.")
    @organisation_option
    def commit(handle: str, promised_by: str, look_back_on: datetime | None, slug: str | None) -> None:
        policy = chosen(bench, slug)
        person, other = member(bench, policy, handle), member(bench, policy, promised_by)
        if person.id == other.id:
            raise click.ClickException("A promise needs two people.")
        today = today_of(person, policy.organisation, bench.workshop.now())
        earliest, latest = add_months(today, EARLIEST_MONTHS), add_months(today, LATEST_MONTHS)
        on = look_back_on.date() if look_back_on is not None else earliest
        if not earliest <= on <= latest:
            raise click.ClickException(f"A look back lies between {earliest} and {latest}.")
        row = CommitmentRow(
            organisation=policy.slug, person_id=person.id, promised_by=other.handle, made_on=today, look_back_on=on
        )
        number = bench.workshop.database.transact(partial(_commit, row=row))
        click.echo(f"Promise {number}: {person.name} and {other.name} look back on {on}.")

    @support.command("close", help="Note that a promise was kept, changed or let go: nothing more comes of it.")
    @click.argument("number", type=int)
    @organisation_option
    def close(number: int, slug: str | None) -> None:
        policy = chosen(bench, slug)
        done = bench.workshop.database.transact(partial(_close, slug=policy.slug, number=number))
        if not done:
            raise click.ClickException(f"There is no open promise {number}.")
        click.echo(f"Promise {number} is closed.")

    return support


def _hold(
    bench: Bench, *, session: Session, policy: Policy, person: Person, rhythm: str, how: How, on: date
) -> list[str]:
    (standing,) = standings_of(session, policy, now=bench.workshop.now(), ids=[person.id])
    own = own_rhythm(policy, person, rhythm)
    found = [one.turn for one in moments_of(policy, rhythm, own, standing, since=on, until=on)]
    for turn in found:
        keep_held(session, person.id, rhythm, turn, how, on)
        line = Happened(
            what=What.MOMENT_HELD,
            person_id=person.id,
            about=f"person:{person.id}",
            # Which moment it was is nobody's but theirs: the timeline only says that there was one.
            details={"how": how.value},
        )
        told(bench.workshop, session, policy.slug, line)
    return found


def _commit(session: Session, *, row: CommitmentRow) -> int:
    session.add(row)
    session.flush()
    look_anew(session, [row.person_id])
    return row.id


def _close(session: Session, *, slug: str, number: int) -> bool:
    row = session.get(CommitmentRow, number)
    if row is None or row.organisation != slug or row.closed:
        return False
    row.closed = True
    look_anew(session, [row.person_id])
    return True
