"""`flask effects`: what waits to go out, what was parked and why, and another try after its cause is gone."""

from datetime import datetime

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from commands.bench import Bench
from domain.events import Happened, What
from jobs.attempt import MOST_ATTEMPTS, enqueue_next
from jobs.record import told
from store.models import EffectRow

UNFINISHED = ("planned", "sending", "parked")

# What each kind of effect would have done, in words.
WHAT = {
    "OpenIssue": "open an issue on GitHub",
    "CommentOnIssue": "comment on an issue on GitHub",
    "CloseIssue": "close an issue on GitHub",
    "ShowTicketState": "label a ticket's issue with its state",
    "StartThread": "start a ticket's thread in Loomio",
    "StartProposal": "start a ticket's proposal in Loomio",
    "CommentOnThread": "say something in a thread in Loomio",
    "StartTeamThread": "start a thread for the team in Loomio",
    "StartTeamPoll": "start a poll for the team in Loomio",
    "MentionInThread": "invite those who have not spoken in a thread in Loomio",
    "Nudge": "tell one person what comes round for them",
    "TellChat": "tell a chat room of the team",
    "SendReport": "send the daily report",
}
WHERE_TO_LOOK = {
    "github": "flask doctor tells whether the token or App still may do this.",
    "loomio": "flask doctor tells whether the key, the group and the dialect are right.",
    "mail": "flask doctor asks the mail server; the address is the roster's or the policy's.",
    "chat": "Look at CHAT_URLS and at the room's own settings.",
}


def effects_group(bench: Bench) -> click.Group:
    """Make the group."""

    @click.group("effects", help="What Trellis is about to send, and what it could not.")
    def effects() -> None:
        pass

    @effects.command(
        "list", help="Show what waits, and what is parked: what it was, why, and what to do; oldest first."
    )
    def list_() -> None:
        rows = bench.workshop.database.transact(_unfinished)
        for row in rows:
            if row.status == "parked":
                click.echo("\n".join(explained(row)))
            else:
                click.echo(f"{row.status:<8} {row.key:<56} {row.attempts} tries  {row.last_error or ''}")
        if not rows:
            click.echo("Nothing waits and nothing is parked.")

    @effects.command(
        "retry",
        help="Try a parked effect again, by its key, or all of them with --all. What may have been sent already is "
        "looked for first, so nothing is sent twice; the timeline notes it.",
    )
    @click.argument("key", required=False)
    @click.option("--all", "everything", is_flag=True, help="Everything that is parked.")
    def retry(key: str | None, everything: bool) -> None:
        if (key is None) != everything:
            raise click.ClickException("Name one key, or say --all.")
        count = bench.workshop.database.transact(lambda session: _again(bench, session, key))
        if count:
            click.echo(f"{count} on their way again.")
        elif key is None:
            click.echo("Nothing is parked.")
        else:
            raise click.ClickException(bench.workshop.database.transact(lambda session: _why_not(session, key)))

    return effects


def explained(row: EffectRow) -> list[str]:
    """Explain a parked effect to whoever looks after Trellis: what it was to do, why it stopped, what can be done."""
    what = WHAT.get(row.kind, row.kind)
    about = str(row.payload.get("about", ""))
    why = row.last_error or "no reason was noted"
    if row.attempts >= MOST_ATTEMPTS:
        why += "; it was tried again and again for more than a day"
    sent = (
        "nothing was sent, so trying again sends it once"
        if row.sent_at is None
        else f"a call was made at {_at(row.sent_at)} and its answer never came; trying again looks for its work first"
    )
    said_already = "flask effects retry" in why
    do = "" if said_already else f"{WHERE_TO_LOOK.get(row.vendor, '')} Then: flask effects retry {row.key}".strip()
    return [
        f"parked   {row.key}",
        f"  what   {what}{f' ({about})' if about else ''}, for {row.organisation}, planned at {_at(row.planned_at)}",
        f"  why    {why}",
        f"  sent   {'see above' if said_already else sent}",
        *([f"  do     {do}"] if do else []),
    ]


def _at(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC"


def _unfinished(session: Session) -> list[EffectRow]:
    wanted = select(EffectRow).where(EffectRow.status.in_(UNFINISHED)).order_by(EffectRow.planned_at, EffectRow.key)
    return list(session.scalars(wanted))


def _again(bench: Bench, session: Session, key: str | None) -> int:
    wanted = select(EffectRow).where(EffectRow.status == "parked").order_by(EffectRow.planned_at, EffectRow.key)
    rows = list(session.scalars((wanted if key is None else wanted.where(EffectRow.key == key)).with_for_update()))
    for row in rows:
        # A call that was made keeps its `sent_at`: its work is looked for before it is sent again.
        row.status = "planned" if row.sent_at is None else "sending"
        row.attempts = row.looks = 0
        about = str(row.payload.get("about", ""))
        line = Happened(what=What.EFFECT_RETRIED, about=about, details={"effect": row.key, "kind": row.kind})
        told(bench.workshop, session, row.organisation, line)
        enqueue_next(bench.workshop, session, row, row.key, at=bench.workshop.real_now())
    return len(rows)


def _why_not(session: Session, key: str) -> str:
    row = session.get(EffectRow, key)
    if row is None:
        return f"There is no effect {key}. flask effects list shows what waits and what is parked."
    return f"{key} is not parked, it is {row.status}. Only what is parked can be tried again."
