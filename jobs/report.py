"""Report: tells whoever looks after Trellis, once a day by mail, what was sent, what was held back, and what is amiss.

While an organisation observes, this is all that leaves: who would have heard what, by which way. Private words are not
in it, only which rhythm it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from config.messages import words
from domain.channels import reaches
from domain.effects import Nudge, Say, SendReport
from domain.events import Happened, What
from domain.moments import Standing
from domain.people import local_instant
from domain.policy import Mode, Policy
from domain.routing import findings
from domain.team import first_working_day
from domain.year import date_problems
from jobs.record import record, told
from jobs.trouble_news import news
from jobs.workshop import Workshop
from store.memory import effect_of
from store.models import EffectRow
from store.queries import organisation_row
from store.standings import standings_of

MOST_LINES = 200
DATES_AHEAD = timedelta(days=60)
UNDER_WAY = "it is still on its way"


@dataclass(frozen=True, kw_only=True)
class Day:
    """What a day brought, each as lines."""

    sent: Sequence[str]
    withheld: Sequence[str]
    unreachable: Sequence[str]
    problems: Sequence[str]

    def is_empty(self) -> bool:
        """Say whether there is nothing to tell."""
        return not (self.sent or self.withheld or self.problems)


def report(workshop: Workshop) -> None:
    """Send the report of the day to every organisation that has somebody to send it to."""
    now = workshop.now()
    for policy in workshop.policies.values():
        if policy.channels.report_to and policy.channels.sender and workshop.mail is not None:
            workshop.database.transact(partial(_report, workshop, policy, now))


def day_of(session: Session, policy: Policy, *, now: datetime, since: datetime, until: datetime) -> Day:
    """Gather what was planned in [since, until) of the practice clock, and what has become of it by now.

    Reports go from hour to hour, so each message is in one of them; what is still on its way is told as that.
    """
    mine = (EffectRow.organisation == policy.slug, EffectRow.planned_at >= since, EffectRow.planned_at < until)
    others = EffectRow.kind != SendReport.__name__
    order = (EffectRow.planned_at, EffectRow.key)
    rows = list(session.scalars(select(EffectRow).where(*mine, others).order_by(*order).limit(5_000)))
    standings = standings_of(session, policy, now=now)
    names = {one.person.id: one.person.handle for one in standings}
    sent = [_line(row, names) for row in rows if row.status == "done"]
    reasons = {"withheld": "the organisation observes", "not needed": "it is not needed", "planned": UNDER_WAY}
    withheld = [
        f"{_line(row, names)}: {row.last_error or reasons.get(row.status, UNDER_WAY)}"
        for row in rows
        if row.status not in ("done", "parked")
    ]
    waiting = select(EffectRow).where(EffectRow.organisation == policy.slug, EffectRow.status == "parked")
    problems = [f"parked: {_line(row, names)}: {row.last_error}" for row in session.scalars(waiting.limit(50))]
    today = now.astimezone(policy.organisation.zone).date()
    problems += date_problems(policy, today, today + DATES_AHEAD)
    here = [one for one in standings if one.person.here_on(today)]
    unreachable = [one.person.handle for one in here if not _reachable(policy, one)]
    return Day(
        sent=sent[:MOST_LINES], withheld=withheld[:MOST_LINES], unreachable=unreachable, problems=problems[:MOST_LINES]
    )


def _reachable(policy: Policy, standing: Standing) -> bool:
    return reaches(policy, standing, private=True) or reaches(policy, standing, private=False)


def _report(workshop: Workshop, policy: Policy, now: datetime, session: Session) -> None:
    organisation, row = policy.organisation, organisation_row(session, policy.slug)
    today = now.astimezone(organisation.zone).date()
    due_at = local_instant(today, organisation.nudge_at, organisation.zone)
    if row.reported_on == today or now < due_at or first_working_day(policy, today) != today:
        return
    since = due_at - timedelta(days=1)
    if row.reported_on is not None:
        since = local_instant(row.reported_on, organisation.nudge_at, organisation.zone)
    row.reported_on = today
    day = day_of(session, policy, now=now, since=since, until=due_at)
    day = _with_findings(workshop, session, policy, day, today)
    if day.is_empty() and organisation.mode is Mode.ON:
        return
    values = {
        "organisation": organisation.name,
        "day_on": today.isoformat(),
        "sent": _listed(policy, day.sent),
        "withheld": _listed(policy, day.withheld),
        "unreachable": _listed(policy, day.unreachable),
        "problems": _listed(policy, day.problems),
    }
    effect = SendReport(
        key=f"report:{policy.slug}:{today.isoformat()}",
        about=f"organisation:{policy.slug}",
        to_address=policy.channels.report_to,
        body=Say(name="report-day", locale=organisation.locale, values=values),
    )
    record(workshop, session, policy.slug, effects=(effect,))


def _with_findings(workshop: Workshop, session: Session, policy: Policy, day: Day, today: date) -> Day:
    """Add what is amiss on GitHub and what is over, and what is not right in the roster's relations, each once."""
    outside = news(workshop, session, policy)
    standings = standings_of(session, policy, now=workshop.now())
    new = [
        one.why
        for one in findings(policy, [standing.person for standing in standings], today)
        if told(
            workshop,
            session,
            policy.slug,
            Happened(what=What.ROUTING_FOUND, person_id=one.person.id, about=f"person:{one.person.id}", key=one.key),
        )
    ]
    return Day(
        sent=day.sent, withheld=day.withheld, unreachable=day.unreachable, problems=[*outside, *day.problems, *new]
    )


def _line(row: EffectRow, names: dict[int, str]) -> str:
    effect = effect_of(row.kind, row.payload)
    if not isinstance(effect, Nudge):
        return row.key
    handle = names.get(effect.person_id, "somebody")
    parts = ", ".join(f"{part.rhythm} ({part.ask.value})" for part in effect.parts)
    return f"{effect.on} {handle}, by {effect.way.value}: {parts}"


def _listed(policy: Policy, lines: Sequence[str]) -> str:
    if not lines:
        return words(Say(name="report-nothing", locale=policy.organisation.locale))
    return "\n".join(f"- {line}" for line in lines)
