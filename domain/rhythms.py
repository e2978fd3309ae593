"""Rhythms: what a policy may say about a recurring moment, in four kinds.

A rhythm says when its moments come round (windows of the year, intervals from an anchor, a clock of each person's own,
or a yearly entitlement), whom they concern, and how often Trellis may ask. When exactly that is, `domain/moments.py`
works out; who hears of it, `domain/planner.py`.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Role(StrEnum):
    """Who somebody may be to a member; the columns of the roster (practice rows 13, 36, 53, 63)."""

    MANAGER = "manager"
    TECH_LEAD = "tech_lead"
    COACH = "coach"
    BUDDY = "buddy"
    PARTNER = "partner"
    TRUSTED = "trusted"


class Audience(StrEnum):
    """Whom a rhythm is for."""

    EVERYBODY = "everybody"
    COORDINATORS = "coordinators"
    WELL_WORKING = "well-working"


class Side(StrEnum):
    """Which side of a conversation a message is for; each side has words of its own.

    A coordinator hears instead of the partners when nobody holds any of the roles.
    """

    MEMBER = "member"
    PARTNER = "partner"
    COORDINATOR = "coordinator"


class Need(StrEnum):
    """What has to be so for a rhythm to make sense for a person."""

    OBJECTIVE = "objective"
    NO_OBJECTIVE = "no objective"
    UNUSED_TICKET = "unused ticket"
    SAFETY_NOTE = "safety note"


class Way(StrEnum):
    """Ways, besides saying so, in which a moment may turn out to be done already."""

    WROTE = "wrote"
    SPOKE = "spoke"


class TeamPart(StrEnum):
    """What a rhythm opens for the whole team in Loomio."""

    THREAD = "thread"
    POLL = "poll"


class Start(StrEnum):
    """What a clock of a person's own counts from."""

    JOINED = "joined"
    OBJECTIVE_OPENED = "objective opened"
    WITHOUT_OBJECTIVE = "without objective"
    LOOK_BACK = "look back"
    LEAVE_ENDED = "leave ended"
    HELD = "held"


MOST_ASKS = 3  # first, later, and "pause?": rule 5 of the design


@dataclass(frozen=True, kw_only=True)
class Manners:
    """What every kind of rhythm has in common.

    `rows` are the rows of the practice it comes from. `partners` are the roles somebody may have to a member whose
    conversation this is; `tells` says which sides hear of it. A `private` rhythm never travels by GitHub or Loomio.
    `choice` names what a person has to have chosen for it. `again_after_days` are days after the opening on which
    Trellis may ask a second and a third time. A rhythm that `fades` counts asks without an answer from turn to turn.
    """

    rows: tuple[int, ...] = ()
    on: bool = True
    who: Audience = Audience.EVERYBODY
    partners: tuple[Role, ...] = ()
    tells: tuple[Side, ...] = (Side.MEMBER, Side.PARTNER)
    private: bool = False
    choice: str = ""
    needs: tuple[Need, ...] = ()
    done_by: tuple[Way, ...] = ()
    again_after_days: tuple[int, ...] = ()
    fades: bool = False
    team: TeamPart | None = None
    mention_days_before_close: int | None = None


@dataclass(frozen=True, kw_only=True)
class Window:
    """A stretch of the year by month and day, such as 03-01 to 04-30; it may run over the new year."""

    opens: str
    closes: str


@dataclass(frozen=True, kw_only=True)
class Windows(Manners):
    """Calendar windows, once or more a year (practice rows 1, 8, 16).

    With `not_before` and `before`, the names of organisation milestones, a window only holds the days from the one to
    the day before the other (row 9): a date that is missing or out of order warns, and nothing is guessed.
    """

    windows: tuple[Window, ...]
    not_before: str = ""
    before: str = ""


@dataclass(frozen=True, kw_only=True)
class Interval(Manners):
    """Every so many days or months from a fixed date, for everybody alike (practice rows 19, 23, 51)."""

    anchor_on: date
    every_days: int | None = None
    every_months: int | None = None
    open_days: int = 3


@dataclass(frozen=True, kw_only=True)
class Clock(Manners):
    """A clock of each person's own: so many days or months after something in their own life here (rows 54, 73, 75).

    With `since = "held"`, `after` names the rhythm whose held moment starts it. `repeat_months` has the last turn
    come round again.
    """

    since: Start
    after: str = ""
    after_days: tuple[int, ...] = ()
    after_months: tuple[int, ...] = ()
    repeat_months: int | None = None
    open_days: int = 21


@dataclass(frozen=True, kw_only=True)
class Entitlement(Manners):
    """Something that comes round with each person's ticket year, so many months after it began (rows 39, 44)."""

    after_months: tuple[int, ...] = (0,)
    open_days: int = 30


Rhythm = Windows | Interval | Clock | Entitlement
KINDS: dict[str, type[Rhythm]] = {
    "windows": Windows,
    "interval": Interval,
    "clock": Clock,
    "entitlement": Entitlement,
}
