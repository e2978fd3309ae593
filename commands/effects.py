"""`flask effects`: what waits to go out or was parked, why, and another try after its cause is gone."""

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from commands.bench import Bench
from jobs.attempt import enqueue_next
from store.models import EffectRow

UNFINISHED = ("planned", "sending", "parked")


def effects_group(bench: Bench) -> click.Group:
    """Make the group."""

    @click.group("effects", help="What Trellis is about to send, and what it could not.")
    def effects() -> None:
        pass

    @effects.command("list", help="Show what waits and what is parked, oldest first, with the reason.")
    def list_() -> None:
        rows = bench.workshop.database.transact(_unfinished)
        for row in rows:
            click.echo(f"{row.status:<8} {row.key:<56} {row.attempts} tries  {row.last_error or ''}")
        if not rows:
            click.echo("Nothing waits and nothing is parked.")

    @effects.command("retry", help="Try a parked effect again, by its key, or all of them with --all.")
    @click.argument("key", required=False)
    @click.option("--all", "everything", is_flag=True)
    def retry(key: str | None, everything: bool) -> None:
        if (key is None) != everything:
            raise click.ClickException("Name one key, or say --all.")
        count = bench.workshop.database.transact(lambda session: _again(bench, session, key))
        click.echo(f"{count} on their way again." if count else "Nothing is parked under that name.")

    return effects


def _unfinished(session: Session) -> list[EffectRow]:
    wanted = select(EffectRow).where(EffectRow.status.in_(UNFINISHED)).order_by(EffectRow.planned_at, EffectRow.key)
    return list(session.scalars(wanted))


def _again(bench: Bench, session: Session, key: str | None) -> int:
    wanted = select(EffectRow).where(EffectRow.status == "parked")
    rows = list(session.scalars(wanted if key is None else wanted.where(EffectRow.key == key)))
    for row in rows:
        # A call that was made keeps its `sent_at`: its work is looked for before it is sent again.
        row.status = "planned" if row.sent_at is None else "sending"
        row.attempts = row.looks = 0
        enqueue_next(bench.workshop, session, row, row.key, at=bench.workshop.real_now())
    return len(rows)
