"""Who hears what, when, and when Trellis stays silent: one pure function for preview, sending and explaining.

`plan` yields every nudge of a span of time with the verdict of each rule, whether it is sent or not; the clock plans
from it, `flask plan` prints it. `still_due` judges once more at the moment of sending. Rules 4 and 8 of the design.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from domain.effects import NudgeOnIssue, Say
from domain.objectives import Objective, ObjectiveState
from domain.people import Person, local_instant, own_hours, own_zone, works_on
from domain.policy import Policy, RhythmPolicy
from domain.rhythms import Period, periods


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What one rule said about one nudge; `why` is a plain sentence for `flask plan`."""

    rule: str
    allows: bool
    why: str


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A nudge that already went out, for the caps."""

    person_id: int
    at: datetime
    key: str = ""


@dataclass(frozen=True, kw_only=True)
class Nudge:
    """One message to one person about one moment. `due_at` is None when no day of theirs fits."""

    key: str
    person: Person
    rhythm: str
    period: Period
    period_starts_at: datetime
    due_at: datetime | None
    too_late_at: datetime
    objective: Objective | None
    verdicts: tuple[Verdict, ...]

    def goes_out(self) -> bool:
        """Say whether every rule allows it."""
        return self.due_at is not None and all(verdict.allows for verdict in self.verdicts)

    def silence(self) -> str:
        """Give the first reason for staying silent, '' when it goes out."""
        return next((verdict.why for verdict in self.verdicts if not verdict.allows), "")


def plan(
    policy: Policy,
    people: Sequence[Person],
    objectives: Mapping[int, Objective],
    sent: Sequence[Sent],
    *,
    since: datetime,
    until: datetime,
) -> tuple[Nudge, ...]:
    """Plan every nudge whose instant lies in [since, until), in order of time and person.

    `objectives` holds each person's active objective by person id; `sent` what went out in the week before `since`.
    All instants are aware UTC.
    """
    found = [
        nudge
        for name, rhythm in policy.rhythms.items()
        for person in people
        for nudge in _nudges(policy, name, rhythm, person, objectives.get(person.id), since, until)
    ]
    found.sort(key=lambda nudge: (nudge.due_at or nudge.too_late_at, nudge.person.handle, nudge.rhythm))
    return tuple(_within_caps(policy, found, sent))


def _nudges(
    policy: Policy,
    name: str,
    rhythm: RhythmPolicy,
    person: Person,
    objective: Objective | None,
    since: datetime,
    until: datetime,
) -> Iterator[Nudge]:
    zone = own_zone(person, policy.organisation)
    margin = timedelta(days=rhythm.grace_days + 2)  # a moment may move by the grace days and lie a zone away
    for period in periods(rhythm, since=(since - margin).date(), until=(until + margin).date()):
        day = _first_fitting_day(policy, person, rhythm, period)
        due_at = None if day is None else local_instant(day, _at(policy, person, rhythm), zone)
        last_day = period.check_in_on + timedelta(days=rhythm.grace_days)
        too_late_at = local_instant(last_day, own_hours(person, policy.organisation)[1], zone)
        if not since <= (due_at or too_late_at) < until:
            continue
        starts_at = local_instant(period.first_on, time(0, 0), zone)
        yield Nudge(
            key=f"nudge:{policy.slug}:{person.handle}:{name}:{period.check_in_on.isoformat()}",
            person=person,
            rhythm=name,
            period=period,
            period_starts_at=starts_at,
            due_at=due_at,
            too_late_at=too_late_at,
            objective=objective,
            verdicts=tuple(_verdicts(rhythm, person, objective, period, starts_at, day)),
        )


def _verdicts(
    rhythm: RhythmPolicy,
    person: Person,
    objective: Objective | None,
    period: Period,
    starts_at: datetime,
    day: date | None,
) -> Iterator[Verdict]:
    yield Verdict(rule="rhythm", allows=rhythm.on, why="this rhythm is switched off" if not rhythm.on else "it is on")
    here = person.here_on(period.check_in_on)
    yield Verdict(rule="member", allows=here, why="a member" if here else "not a member on that day")
    yield Verdict(
        rule="day",
        allows=day is not None,
        why=f"on {day:%A %d %B}"
        if day
        else "no working day of theirs within the grace days (leave, holiday, days off)",
    )
    reachable = objective is not None and objective.issue_number is not None
    reachable = reachable and objective is not None and objective.state is ObjectiveState.ACTIVE
    yield Verdict(
        rule="objective", allows=reachable, why="has an active ILO" if reachable else "no active ILO to nudge on"
    )
    wrote_at = objective.last_wrote_at if objective else None
    wrote = wrote_at is not None and wrote_at >= starts_at
    yield Verdict(rule="done", allows=not wrote, why="wrote this period already" if wrote else "nothing written yet")


def _within_caps(policy: Policy, found: Sequence[Nudge], sent: Sequence[Sent]) -> Iterator[Nudge]:
    """Add the caps' verdict: at most so many per person, day and week, counting what went out and what goes before."""
    instants: dict[int, list[datetime]] = {}
    counted = {one.key for one in sent}
    for one in sent:
        instants.setdefault(one.person_id, []).append(one.at)
    for nudge in found:
        mine = instants.setdefault(nudge.person.id, [])
        if not nudge.goes_out() or nudge.due_at is None or nudge.key in counted:
            yield nudge  # silent anyway, or among what went out already
            continue
        zone = own_zone(nudge.person, policy.organisation)
        day = nudge.due_at.astimezone(zone).date()
        days = [at.astimezone(zone).date() for at in mine]
        today = sum(1 for one in days if one == day)
        week = sum(1 for one in days if one.isocalendar()[:2] == day.isocalendar()[:2])
        fits = today < policy.caps.per_day and week < policy.caps.per_week
        why = "within the caps" if fits else f"already {week} this week, {today} that day"
        verdict = Verdict(rule="caps", allows=fits, why=why)
        if fits:
            mine.append(nudge.due_at)
        yield replace(nudge, verdicts=(*nudge.verdicts, verdict))


def _first_fitting_day(policy: Policy, person: Person, rhythm: RhythmPolicy, period: Period) -> date | None:
    days = (period.check_in_on + timedelta(days=n) for n in range(rhythm.grace_days + 1))
    return next((day for day in days if _fits(policy, person, rhythm, day)), None)


def _fits(policy: Policy, person: Person, rhythm: RhythmPolicy, day: date) -> bool:
    """Say whether a day is theirs to work, and its hour still in their hours after the clock has changed."""
    zone = own_zone(person, policy.organisation)
    hours_from, hours_until = own_hours(person, policy.organisation)
    here = local_instant(day, _at(policy, person, rhythm), zone).astimezone(zone)
    return works_on(person, day, policy.organisation) and here.date() == day and hours_from <= here.time() < hours_until


def _at(policy: Policy, person: Person, rhythm: RhythmPolicy) -> time:
    hours_from, hours_until = own_hours(person, policy.organisation)
    return rhythm.at if hours_from <= rhythm.at < hours_until else hours_from


def effect_of(policy: Policy, nudge: Nudge) -> NudgeOnIssue:
    """Turn a nudge that goes out into the effect that sends it.

    Raises ValueError for a nudge that does not go out.
    """
    objective = nudge.objective
    if not nudge.goes_out() or nudge.due_at is None or objective is None or objective.issue_number is None:
        raise ValueError(f"{nudge.key} stays silent: {nudge.silence()}")
    return NudgeOnIssue(
        key=nudge.key,
        about=objective.about(),
        person_id=nudge.person.id,
        rhythm=nudge.rhythm,
        issue_number=objective.issue_number,
        period_starts_at=nudge.period_starts_at,
        due_at=nudge.due_at,
        too_late_at=nudge.too_late_at,
        body=Say(
            name=f"nudge-{nudge.rhythm}",
            locale=nudge.person.locale or policy.organisation.locale,
            values={"name": nudge.person.first_name(), "days": str(policy.rhythms[nudge.rhythm].every_days)},
        ),
    )


@dataclass(frozen=True, kw_only=True)
class SendNow:
    """The nudge may go out this instant."""


@dataclass(frozen=True, kw_only=True)
class SendAt:
    """The nudge waits for the person's own hours."""

    at: datetime


@dataclass(frozen=True, kw_only=True)
class Drop:
    """The nudge is not needed any more."""

    why: str


def still_due(
    policy: Policy,
    effect: NudgeOnIssue,
    person: Person,
    objective: Objective | None,
    *,
    wrote_at: datetime | None,
    now: datetime,
) -> SendNow | SendAt | Drop:
    """Judge a planned nudge at the moment of sending: what was done a minute ago is not nudged.

    `wrote_at` is when the person last wrote on the issue, read from GitHub just now (facts on the field, B3.1).
    """
    if wrote_at is not None and wrote_at >= effect.period_starts_at:
        return Drop(why="the person wrote this period")
    still_active = objective is not None and objective.state is ObjectiveState.ACTIVE
    if objective is None or not still_active or objective.issue_number != effect.issue_number:
        return Drop(why="the objective is not active any more")
    if now >= effect.too_late_at:
        return Drop(why="the moment has passed")
    zone = own_zone(person, policy.organisation)
    hours_from, hours_until = own_hours(person, policy.organisation)
    here = now.astimezone(zone)
    if works_on(person, here.date(), policy.organisation) and hours_from <= here.time() < hours_until:
        return SendNow()
    for n in range(8):
        day = here.date() + timedelta(days=n)
        opens_at = local_instant(day, hours_from, zone)
        if opens_at > now and works_on(person, day, policy.organisation):
            return SendAt(at=opens_at) if opens_at < effect.too_late_at else Drop(why="the moment has passed")
    return Drop(why="the moment has passed")
