"""Tables. Every constraint has a name; the rules that never bend are constraints, not hopes.

Times are stored as UTC and come back aware. Free text is only what a person put into an ILO or a ticket, where it is
public in the team already; private answers have no table here.
"""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    Numeric,
    String,
    Text,
    false,
    text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

# Before anything happened: who has it as their next look is due.
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
LONG_AGO_SAID = "2000-01-01 00:00:00"


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant: refuses naive ones, and gives SQLite's naive answers their zone back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Turn any aware time into UTC on its way in."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a naive time cannot be stored: {value}")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Mark what comes out as UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Naming convention for every constraint, so migrations can name what they change."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: Instant,
        dict[str, Any]: JSON,
        list[str]: JSON,
        str: Text(),
    }


class OrganisationRow(Base):
    """What was learned about an organisation's outside: numeric repository id, own login. Policy stays in its file."""

    __tablename__ = "organisations"
    slug: Mapped[str] = mapped_column(String(60), primary_key=True)
    repository_id: Mapped[int | None]
    repository_name: Mapped[str | None]
    reconciled_at: Mapped[datetime | None]
    first_read_until: Mapped[datetime | None]  # by GitHub's clock: what was said before Trellis came is no command
    redelivered_at: Mapped[datetime | None]  # by GitHub's clock: every failed delivery until then is dealt with
    policy_print: Mapped[str | None] = mapped_column(String(64))  # of the policy everybody was last planned under
    reported_on: Mapped[date | None]
    ticked_at: Mapped[datetime | None]  # of the practice clock, now and then: tells when it was set back


class PersonRow(Base):
    """A member of one organisation."""

    __tablename__ = "people"
    __table_args__ = (
        Index("uq_people_organisation_handle", "organisation", "handle", unique=True),
        Index("uq_people_organisation_github_login", "organisation", "github_login", unique=True),
        Index("ix_people_organisation_look_at", "organisation", "look_at"),
        Index("ix_people_organisation_joined_on", "organisation", "joined_on"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    organisation: Mapped[str] = mapped_column(String(60))
    handle: Mapped[str] = mapped_column(String(60))
    name: Mapped[str]
    github_login: Mapped[str | None] = mapped_column(String(60))  # kept in lower case: GitHub compares without case
    loomio_username: Mapped[str | None] = mapped_column(String(60))
    mail: Mapped[str | None]
    zone: Mapped[str | None] = mapped_column(String(60))
    locale: Mapped[str | None] = mapped_column(String(20))
    working_days: Mapped[list[str] | None]
    hours_from: Mapped[str | None] = mapped_column(String(5))
    hours_until: Mapped[str | None] = mapped_column(String(5))
    joined_on: Mapped[date | None]
    left_on: Mapped[date | None]
    coordinator: Mapped[bool] = mapped_column(default=False)
    well_working: Mapped[bool] = mapped_column(default=False, server_default=false())
    channel: Mapped[str | None] = mapped_column(String(10))
    holidays_of: Mapped[str | None] = mapped_column(String(40))
    choices: Mapped[list[str] | None]
    own_rhythms: Mapped[dict[str, Any] | None]
    added_on: Mapped[date | None]
    look_at: Mapped[datetime] = mapped_column(
        default=LONG_AGO, server_default=LONG_AGO_SAID
    )  # when to plan for them next


class RelationRow(Base):
    """Who somebody is to a person, by handle: the roster says so, and may be ahead of itself."""

    __tablename__ = "relations"
    __table_args__ = (
        Index("uq_relations_person_id_role", "person_id", "role", unique=True),
        Index("ix_relations_organisation_other", "organisation", "other"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    organisation: Mapped[str] = mapped_column(String(60))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    role: Mapped[str] = mapped_column(String(20))
    other: Mapped[str] = mapped_column(String(60))


class HeldRow(Base):
    """A person's word, or their own contribution, that a moment is done for them. What was said has no column."""

    __tablename__ = "held"
    __table_args__ = (Index("uq_held_person_id_rhythm_turn", "person_id", "rhythm", "turn", unique=True),)
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    rhythm: Mapped[str] = mapped_column(String(60))
    turn: Mapped[str] = mapped_column(String(60))
    how: Mapped[str] = mapped_column(String(20))
    day: Mapped[date]


class AskedRow(Base):
    """One part of a message that went out or is on its way. The unique key is what makes it happen once.

    `withheld` marks what was only worked out while the organisation observed.
    """

    __tablename__ = "asked"
    __table_args__ = (
        Index(
            "uq_asked_once",
            "person_id",
            "rhythm",
            "turn",
            "side",
            "member_id",
            "ask",
            "closes_on",
            "withheld",
            unique=True,
        ),
        Index("ix_asked_person_id_at", "person_id", "at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    member_id: Mapped[int]
    rhythm: Mapped[str] = mapped_column(String(60))
    turn: Mapped[str] = mapped_column(String(60))
    side: Mapped[str] = mapped_column(String(20))
    ask: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime]
    day: Mapped[date]
    closes_on: Mapped[date]
    effect_key: Mapped[str] = mapped_column(String(200))
    withheld: Mapped[bool] = mapped_column(default=False)


class SnoozeRow(Base):
    """ "Later", for one rhythm or all, one turn or every one."""

    __tablename__ = "snoozes"
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    first_on: Mapped[date]
    last_on: Mapped[date | None]
    rhythm: Mapped[str | None] = mapped_column(String(60))
    turn: Mapped[str | None] = mapped_column(String(60))


class CommitmentRow(Base):
    """A promise of support, to be looked back on. What was promised has no column: the two of them know."""

    __tablename__ = "commitments"
    __table_args__ = (Index("ix_commitments_organisation_promised_by", "organisation", "promised_by"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    organisation: Mapped[str] = mapped_column(String(60))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    promised_by: Mapped[str] = mapped_column(String(60))
    made_on: Mapped[date]
    look_back_on: Mapped[date]
    closed: Mapped[bool] = mapped_column(default=False)


class TeamMomentRow(Base):
    """The thread or poll that was started for a team moment."""

    __tablename__ = "team_moments"
    __table_args__ = (Index("uq_team_moments_once", "organisation", "rhythm", "turn", unique=True),)
    id: Mapped[int] = mapped_column(primary_key=True)
    organisation: Mapped[str] = mapped_column(String(60))
    rhythm: Mapped[str] = mapped_column(String(60))
    turn: Mapped[str] = mapped_column(String(60))
    closes_on: Mapped[date]
    discussion_id: Mapped[int | None]
    topic_id: Mapped[int | None]
    url: Mapped[str]
    mentioned_at: Mapped[datetime | None]  # when the silent were invited, or nobody was there to invite


class FeedRow(Base):
    """A calendar's secret address, kept as a hash: whoever reads the database cannot read the calendar with it."""

    __tablename__ = "feeds"
    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    organisation: Mapped[str] = mapped_column(String(60))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"), index=True)
    made_at: Mapped[datetime]


class PauseRow(Base):
    """Leave of a person. There is no column for a reason, on purpose."""

    __tablename__ = "pauses"
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    first_on: Mapped[date]
    last_on: Mapped[date | None]


class WaitingRow(Base):
    """What every row has that waits for an attempt (see `jobs/attempt.py`); times are real, never the sandbox's."""

    __abstract__ = True
    status: Mapped[str] = mapped_column(String(20))
    generation: Mapped[int] = mapped_column(default=0)
    attempts: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[datetime]
    last_error: Mapped[str | None]
    held_by: Mapped[str | None] = mapped_column(String(250))  # a trouble outside it waits for, or an account's room


class DeliveryRow(WaitingRow):
    """One thing that came in, stored before it is answered. The unique id makes a doubled one harmless."""

    __tablename__ = "deliveries"
    __table_args__ = (Index("ix_deliveries_status_not_before", "status", "not_before"),)
    id: Mapped[str] = mapped_column(String(140), primary_key=True)
    source: Mapped[str] = mapped_column(String(20))
    event: Mapped[str] = mapped_column(String(100))
    about: Mapped[str] = mapped_column(String(200))  # what it concerns; deliveries about one thing are handled in turn
    body: Mapped[bytes] = mapped_column(LargeBinary)
    received_at: Mapped[datetime]


class RedeliveryRow(Base):
    """A failed attempt of GitHub's to deliver, by its number there, that was asked for again: each is, once."""

    __tablename__ = "redeliveries"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    asked_at: Mapped[datetime]


class ObjectiveRow(Base):
    """An ILO. Rule 1 is the partial unique index: one active objective per person."""

    __tablename__ = "objectives"
    __table_args__ = (
        Index(
            "uq_objectives_one_active_per_person",
            "person_id",
            unique=True,
            sqlite_where=text("state = 'active'"),
            postgresql_where=text("state = 'active'"),
        ),
        Index("uq_objectives_organisation_issue_number", "organisation", "issue_number", unique=True),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    organisation: Mapped[str] = mapped_column(String(60))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    title: Mapped[str]
    why: Mapped[str] = mapped_column(default="")
    state: Mapped[str] = mapped_column(String(20))
    closing: Mapped[str | None] = mapped_column(String(20))
    visibility: Mapped[str] = mapped_column(String(20), default="team", server_default="team")
    celebrate: Mapped[str] = mapped_column(String(20), default="", server_default="")
    stretch: Mapped[bool] = mapped_column(default=False, server_default=false())
    safety_noted: Mapped[bool] = mapped_column(default=False, server_default=false())
    targets_done: Mapped[int] = mapped_column(default=0, server_default="0")
    targets_total: Mapped[int] = mapped_column(default=0, server_default="0")
    rank: Mapped[int] = mapped_column(default=0, server_default="0")
    issue_number: Mapped[int | None]
    issue_url: Mapped[str | None]
    issue_updated_at: Mapped[datetime | None]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    last_wrote_at: Mapped[datetime | None]
    asked_by: Mapped[str | None] = mapped_column(String(140), unique=True)  # id of the message that asked for it


class TicketRow(Base):
    """A golden ticket. Rule 2 is the partial unique index: one held ticket per person and ticket year."""

    __tablename__ = "tickets"
    __table_args__ = (
        Index(
            "uq_tickets_one_held_per_person_and_year",
            "person_id",
            "year",
            unique=True,
            sqlite_where=text("state NOT IN ('objection', 'withdrawn', 'cancelled')"),
            postgresql_where=text("state NOT IN ('objection', 'withdrawn', 'cancelled')"),
        ),
        Index("uq_tickets_organisation_number", "organisation", "number", unique=True),
        Index("uq_tickets_organisation_issue_number", "organisation", "issue_number", unique=True),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    organisation: Mapped[str] = mapped_column(String(60))
    number: Mapped[int]
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    year: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(30))
    opportunity: Mapped[str]
    stretch: Mapped[str] = mapped_column(default="")
    cost: Mapped[Decimal | None] = mapped_column(Numeric(14, 2))
    currency: Mapped[str] = mapped_column(String(10), default="")
    cost_said: Mapped[str] = mapped_column(default="")
    first_on: Mapped[date | None]
    last_on: Mapped[date | None]
    exit: Mapped[str | None] = mapped_column(String(20))
    round: Mapped[int] = mapped_column(default=0)
    turn: Mapped[int] = mapped_column(default=0)
    claimed_at: Mapped[datetime]
    issue_number: Mapped[int | None]
    issue_url: Mapped[str | None]
    issue_open: Mapped[bool] = mapped_column(default=True)
    discussion_id: Mapped[int | None]
    topic_id: Mapped[int | None]
    thread_url: Mapped[str | None]
    bucket_url: Mapped[str] = mapped_column(default="", server_default="")
    funded: Mapped[bool | None]
    asked_by: Mapped[str | None] = mapped_column(String(140), unique=True)


class ProposalRow(Base):
    """A Loomio poll that decides a ticket, and when it is looked at again."""

    __tablename__ = "proposals"
    __table_args__ = (
        Index("uq_proposals_ticket_round", "ticket_id", "round", unique=True),
        Index("ix_proposals_look_at", "look_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    organisation: Mapped[str] = mapped_column(String(60))
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"))
    round: Mapped[int]
    poll_key: Mapped[str] = mapped_column(String(40))
    url: Mapped[str]
    closes_at: Mapped[datetime]
    look_at: Mapped[datetime | None]
    looked_at: Mapped[datetime | None]
    looks_in_vain: Mapped[int] = mapped_column(default=0)
    reading: Mapped[str] = mapped_column(default="")
    readings_written: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None]


class EffectRow(WaitingRow):
    """One outgoing write: the ledger. Its key happens once; see `jobs/perform.py` for what each status means."""

    __tablename__ = "effects"
    __table_args__ = (
        Index("ix_effects_status_not_before", "status", "not_before"),
        Index(
            "ix_effects_held_by_planned_at",
            "held_by",
            "planned_at",
            sqlite_where=text("held_by IS NOT NULL"),
            postgresql_where=text("held_by IS NOT NULL"),
        ),
    )
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    organisation: Mapped[str] = mapped_column(String(60))
    kind: Mapped[str] = mapped_column(String(40))
    vendor: Mapped[str] = mapped_column(String(20))
    payload: Mapped[dict[str, Any]]
    looks: Mapped[int] = mapped_column(default=0)  # times we looked in vain for what an unknown outcome left behind
    planned_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    external_id: Mapped[str | None]
    external_url: Mapped[str | None]


class AccountRow(Base):
    """An account outside whose limits we keep: a GitHub identity, a Loomio host. Whoever takes from it counts up here.

    The count makes two who take at once meet in this row, so that one of them decides anew on what the other left.
    """

    __tablename__ = "accounts"
    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    taken: Mapped[int] = mapped_column(BigInteger, default=0)
    paused_until: Mapped[datetime | None]
    pauses_in_a_row: Mapped[int] = mapped_column(default=0)


class CallRow(Base):
    """One call that counts against an account's limits, kept for as long as it does."""

    __tablename__ = "calls"
    __table_args__ = (Index("ix_calls_account_at", "account", "at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(String(200))
    organisation: Mapped[str] = mapped_column(String(60))
    at: Mapped[datetime]


class TroubleRow(Base):
    """Something outside that keeps work from going on (see `domain/trouble.py`), open until `gone_at`.

    What one was told of is told once, and its end once. `about` is an issue's number, a label or a login, or empty.
    """

    __tablename__ = "troubles"
    __table_args__ = (
        Index(
            "uq_troubles_open_once",
            "organisation",
            "what",
            "about",
            unique=True,
            sqlite_where=text("gone_at IS NULL"),
            postgresql_where=text("gone_at IS NULL"),
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    organisation: Mapped[str] = mapped_column(String(60))
    what: Mapped[str] = mapped_column(String(40))
    about: Mapped[str] = mapped_column(String(200))
    since: Mapped[datetime]
    told_at: Mapped[datetime | None]
    gone_at: Mapped[datetime | None]
    gone_told_at: Mapped[datetime | None]


class TimelineRow(Base):
    """One line of what happened. Appended, never changed; `key` keeps a line from being written twice."""

    __tablename__ = "timeline"
    __table_args__ = (Index("uq_timeline_organisation_key", "organisation", "key", unique=True),)
    id: Mapped[int] = mapped_column(primary_key=True)
    organisation: Mapped[str] = mapped_column(String(60))
    at: Mapped[datetime]
    what: Mapped[str] = mapped_column(String(60))
    person_id: Mapped[int | None] = mapped_column(index=True)
    about: Mapped[str] = mapped_column(String(60))
    url: Mapped[str | None]
    details: Mapped[dict[str, Any]]
    key: Mapped[str | None] = mapped_column(String(200))


class ExecutorRow(Base):
    """A living worker's lease: its beat counts up while it lives (facts on the engine, 3.3).

    The two instants are by the worker's own clock and for people to look at only: no lease is judged by them.
    """

    __tablename__ = "executors"
    id: Mapped[str] = mapped_column(String(60), primary_key=True)
    beat: Mapped[int] = mapped_column(default=0)
    beat_at: Mapped[datetime | None]
    ticked_at: Mapped[datetime | None]  # when its clock last had every job come round well
