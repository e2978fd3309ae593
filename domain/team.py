"""Team moments: the thread or poll a rhythm opens for everybody, and the one comment that invites the silent.

The thread opens on the first working day of the organisation in the window; the comment follows once, so many days
before it closes, and names only those who have not spoken (practice rows 1, 8, 30, 45, 51).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from domain.moments import Moment, shared_moments
from domain.people import local_instant
from domain.policy import Policy, Weekday
from domain.rhythms import Interval, Rhythm, TeamPart, Windows


@dataclass(frozen=True, kw_only=True)
class TeamMoment:
    """One turn of a rhythm for the whole team; `opens_at` is when its thread or poll starts, aware UTC."""

    key: str
    rhythm: str
    turn: str
    part: TeamPart
    opens_at: datetime
    closes_on: date

    def reference(self) -> str:
        """Give the visible sign in the title by which a thread or poll is found again."""
        return f"{self.rhythm} {self.turn}"


def team_moments(policy: Policy, *, since: datetime, until: datetime) -> Iterator[TeamMoment]:
    """Yield what opens for the team in [since, until), in the order of the policy's rhythms and of time."""
    if policy.loomio is None:
        return
    zone, day = policy.organisation.zone, timedelta(days=1)
    for name, rhythm in policy.rhythms.items():
        for moment in _open_to_all(policy, name, rhythm, since.date() - day, until.date() + day):
            on = first_working_day(policy, moment.opens_on)
            opens_at = local_instant(on, policy.organisation.nudge_at, zone)
            if rhythm.team is not None and on <= moment.closes_on and since <= opens_at < until:
                yield TeamMoment(
                    key=f"moment:{policy.slug}:{name}:{moment.turn}",
                    rhythm=name,
                    turn=moment.turn,
                    part=rhythm.team,
                    opens_at=opens_at,
                    closes_on=moment.closes_on,
                )


def open_now(policy: Policy, *, now: datetime) -> Iterator[TeamMoment]:
    """Yield the team moments whose window is open now and whose thread may be started by now."""
    today = now.astimezone(policy.organisation.zone).date()
    longest = timedelta(days=400)
    for moment in team_moments(policy, since=now - longest, until=now + timedelta(microseconds=1)):
        if moment.closes_on >= today:
            yield moment


def mention_at(policy: Policy, rhythm: Rhythm, moment: Moment) -> datetime | None:
    """Give when the one comment to those who have not spoken is due; None when the rhythm has none."""
    if policy.loomio is None or rhythm.team is None or rhythm.mention_days_before_close is None or moment.problem:
        return None
    on = first_working_day(policy, moment.closes_on - timedelta(days=rhythm.mention_days_before_close))
    opened_on = first_working_day(policy, moment.opens_on)
    if not opened_on < on <= moment.closes_on:
        return None
    return local_instant(on, policy.organisation.nudge_at, policy.organisation.zone)


def first_working_day(policy: Policy, day: date) -> date:
    """Give the organisation's first working day on or after a day."""
    organisation = policy.organisation
    where = organisation.holidays_of
    for n in range(60):
        one = day + timedelta(days=n)
        public = bool(where) and one in policy.public_holidays[where]
        if Weekday.of(one) in organisation.working_days and one not in organisation.holidays and not public:
            return one
    return day


def _open_to_all(policy: Policy, name: str, rhythm: Rhythm, since: date, until: date) -> Iterator[Moment]:
    if rhythm.on and rhythm.team is not None and isinstance(rhythm, Windows | Interval):
        yield from (one for one in shared_moments(policy, name, rhythm, since=since, until=until) if not one.problem)
