"""Accounts outside and the calls that count against their limits: one log for all processes, kept across restarts."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, case, delete, func, select, update
from sqlalchemy.orm import Session

from domain.effects import ROUTINE
from domain.pace import Queued, Windows, queue_of, turn_of
from store.models import AccountRow, CallRow, EffectRow, WaitingRow
from store.queries import insert_once

UNSENT = ("planned", "sending")


def account_row(session: Session, account: str) -> AccountRow | None:
    """Give what is known of an account; None before its first call."""
    return session.get(AccountRow, account)


def locked_account(session: Session, account: str) -> AccountRow:
    """Give an account's row, made when it is missing, for this transaction alone: another one begins again."""
    count_up = update(AccountRow).where(AccountRow.name == account).values(taken=AccountRow.taken + 1)
    count_up = count_up.execution_options(synchronize_session=False)
    if session.scalar(count_up.returning(AccountRow.name)) is None:
        insert_once(session, AccountRow, {"name": account, "taken": 0, "pauses_in_a_row": 0})
        session.execute(count_up)
    return session.get_one(AccountRow, account, populate_existing=True)


def calls_since(session: Session, account: str, since: datetime, *, of: str | None = None) -> list[datetime]:
    """Give when calls went out that still count, oldest first; of one organisation or of all."""
    went = select(CallRow.at).where(CallRow.account == account, CallRow.at > since).order_by(CallRow.at)
    return list(session.scalars(went if of is None else went.where(CallRow.organisation == of)))


def is_full(session: Session, account: str, windows: Windows, *, now: datetime, of: str | None = None) -> bool:
    """Say whether any window holds as many calls as it takes, which is asked of an index alone."""
    for window in windows:
        inside = (CallRow.account == account, CallRow.at > now - window.length(), CallRow.at <= now + window.length())
        counted = select(func.count()).select_from(CallRow).where(*inside)
        counted = counted if of is None else counted.where(CallRow.organisation == of)
        if (session.scalar(counted) or 0) >= window.most:
            return True
    return False


def calls_by_organisation(session: Session, account: str, since: datetime) -> Counter[str]:
    """Count the calls that still count, by the organisation they were for."""
    counted = select(CallRow.organisation, func.count().label("calls")).group_by(CallRow.organisation)
    found = session.execute(counted.where(CallRow.account == account, CallRow.at > since))
    return Counter({row.organisation: row.calls for row in found})


def note_call(session: Session, account: str, organisation: str, *, at: datetime) -> None:
    """Count one call."""
    session.add(CallRow(account=account, organisation=organisation, at=at))


def forget_calls(session: Session, before: datetime) -> None:
    """Drop what counts no more."""
    session.execute(delete(CallRow).where(CallRow.at < before))


# Said with the condition of the index, which would not be used otherwise.
IN_A_QUEUE = (
    EffectRow.held_by.is_not(None),
    EffectRow.held_by.startswith(queue_of(""), autoescape=True),
    EffectRow.status.in_(UNSENT),
)


def queues(session: Session) -> list[str]:
    """Give the accounts for whose room something waits."""
    held = session.scalars(select(EffectRow.held_by).where(*IN_A_QUEUE).distinct())
    return [one.removeprefix(queue_of("")) for one in held if one is not None]


def queued_count(asked: Session | Connection) -> int:
    """Count what waits for room, with whatever account."""
    return asked.scalar(select(func.count()).select_from(EffectRow).where(*IN_A_QUEUE)) or 0


def not_queued(table: type[WaitingRow]) -> ColumnElement[bool]:
    """Leave out what waits for room."""
    return func.coalesce(table.held_by, "").not_like(f"{queue_of('')}%")


def queued_first(session: Session, account: str, *, each: int) -> Sequence[Queued]:
    """Give the first few that wait for an account, of each organisation, people's own actions apart from the rest."""
    own = case((EffectRow.kind.in_(ROUTINE), 0), else_=1)
    place = func.row_number().over(
        partition_by=(EffectRow.organisation, own), order_by=(EffectRow.planned_at, EffectRow.key)
    )
    lines = select(
        EffectRow.key, EffectRow.organisation, own.label("own"), EffectRow.planned_at, place.label("place")
    ).where(EffectRow.held_by == queue_of(account), EffectRow.status.in_(UNSENT))
    found = lines.subquery()
    rows = session.execute(
        select(found.c.key, found.c.organisation, found.c.own, found.c.planned_at).where(found.c.place <= each)
    )
    return [
        Queued(key=key, organisation=organisation, own=bool(is_own), planned_at=planned_at)
        for key, organisation, is_own, planned_at in rows
    ]


def turns_given(session: Session, account: str) -> Counter[str]:
    """Count the turns that were given and not taken yet, by the organisation they were given to."""
    held = (EffectRow.held_by == turn_of(account), EffectRow.status.in_(UNSENT))
    given = select(EffectRow.organisation, func.count().label("turns")).where(*held).group_by(EffectRow.organisation)
    return Counter({row.organisation: row.turns for row in session.execute(given)})


def is_anybody_ahead(session: Session, account: str, *, kind: str) -> bool:
    """Say whether somebody waits for an account already whom a newcomer of a kind does not overtake."""
    ahead = select(EffectRow.key).where(EffectRow.held_by == queue_of(account), EffectRow.status.in_(UNSENT))
    if kind not in ROUTINE:
        ahead = ahead.where(EffectRow.kind.not_in(ROUTINE))
    return session.scalar(ahead.limit(1)) is not None
