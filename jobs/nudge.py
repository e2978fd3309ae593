"""Nudges: asks the planner what is due and plans each nudge once.

Level-triggered: every tick asks "what is due and not yet planned?", so restarts, two clocks and days of downtime give
the same nudges once. What is older than its moment stays silent.
"""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from domain.planner import Nudge, effect_of, plan
from domain.policy import Policy
from jobs.record import record
from jobs.workshop import Workshop
from store.queries import active_objectives, nudges_since, people_of

A_WEEK = timedelta(days=7)


def nudge(workshop: Workshop) -> None:
    """Plan every nudge that is due now and still of use."""
    now = workshop.now()
    for policy in workshop.policies.values():
        # The longest moment reaches back its grace days, and a time zone.
        reach = timedelta(days=2 + max((one.grace_days for one in policy.rhythms.values()), default=0))

        def plan_due(session: Session, policy: Policy = policy, reach: timedelta = reach) -> None:
            due = [
                one
                for one in planned(session, policy, since=now - reach, until=now)
                if one.goes_out() and one.too_late_at > now
            ]
            record(workshop, session, policy.slug, effects=[effect_of(policy, one) for one in due])

        workshop.database.transact(plan_due)


def planned(session: Session, policy: Policy, *, since: datetime, until: datetime) -> tuple[Nudge, ...]:
    """Plan a span of the practice clock from what is remembered: for sending, and for `flask plan` alike."""
    sent = nudges_since(session, policy.slug, since - A_WEEK)
    people, objectives = people_of(session, policy.slug), active_objectives(session, policy.slug)
    return plan(policy, people, objectives, sent, since=since, until=until)
