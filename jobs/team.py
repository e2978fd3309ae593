"""Team moments: starts the thread or poll of each window, and invites the silent once, by one comment.

Every tick asks which windows are open and have no thread yet. The comment names those for whom the planner has it, so
that it counts among what they hear in a week.
"""

import logging
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import partial

from sqlalchemy.orm import Session

from domain.effects import Effect, MentionInThread, Say, StartTeamPoll, StartTeamThread
from domain.moments import How, Moment, shared_moments
from domain.parts import Ask
from domain.people import local_instant
from domain.policy import Mode, Policy
from domain.proposals import whole_hour_after
from domain.rhythms import Interval, TeamPart, Windows
from domain.team import TeamMoment, mention_at, open_now
from integrations.errors import PermanentError, TemporaryError
from jobs.nudge import effect_prefix, keep_asked, planned
from jobs.record import plan_effect, tell_rooms
from jobs.repository import connected_loomio
from jobs.workshop import Workshop
from store.models import EffectRow, TeamMomentRow
from store.queries import insert_once, people_of
from store.standings import keep_held, team_moment

log = logging.getLogger(__name__)

NOW = timedelta(microseconds=1)
LONGEST_OPEN = timedelta(days=400)


def team(workshop: Workshop) -> None:
    """Start what is due for every organisation, and invite the silent where it is time."""
    now = workshop.now()
    for policy in workshop.policies.values():
        workshop.database.transact(partial(_start_due, workshop, policy, now))
        for moment in _mentions_due(policy, now):
            _invite(workshop, policy, moment, now)


def team_moment_started(
    workshop: Workshop,
    session: Session,
    policy: Policy,
    effect: StartTeamThread | StartTeamPoll,
    *,
    url: str,
    title: str,
    discussion_id: int | None,
    topic_id: int | None,
) -> None:
    """Remember what was started for a team moment, and tell the chat rooms where the policy says so."""
    _, name, turn = effect.about.split(":", 2)
    row = {
        "organisation": policy.slug,
        "rhythm": name,
        "turn": turn,
        "closes_on": effect.closes_on,
        "discussion_id": discussion_id,
        "topic_id": topic_id,
        "url": url,
    }
    if insert_once(session, TeamMomentRow, row):
        values = {"title": title, "url": url, "closes_on": effect.closes_on.isoformat()}
        say = Say(name="chat-team-moment", locale=policy.organisation.locale, values=values)
        tell_rooms(workshop, session, policy, say, key=effect.key, about=effect.about)


def _start_due(workshop: Workshop, policy: Policy, now: datetime, session: Session) -> None:
    for moment in open_now(policy, now=now):
        if team_moment(session, policy.slug, moment.rhythm, moment.turn) is None:
            plan_effect(workshop, session, policy.slug, team_effect(policy, moment))


def team_effect(policy: Policy, moment: TeamMoment) -> Effect:
    """Turn a team moment into the effect that starts its thread or poll."""
    organisation = policy.organisation
    values = {"organisation": organisation.name, "closes_on": moment.closes_on.isoformat()}
    key, about = effect_prefix(policy) + moment.key, f"moment:{moment.rhythm}:{moment.turn}"
    body = Say(name=f"{moment.part.value}-{moment.rhythm}", locale=organisation.locale, values=values)
    if moment.part is TeamPart.THREAD:
        return StartTeamThread(
            key=key, about=about, reference=moment.reference(), body=body, closes_on=moment.closes_on
        )
    return StartTeamPoll(
        key=key,
        about=about,
        reference=moment.reference(),
        body=body,
        closes_on=moment.closes_on,
        options=Say(name=f"options-{moment.rhythm}", locale=organisation.locale),
        closes_at=whole_hour_after(local_instant(moment.closes_on, organisation.hours_until, organisation.zone)),
    )


def _mentions_due(policy: Policy, now: datetime) -> Iterator[Moment]:
    """Yield the moments whose one comment is due, and that are still open."""
    today = now.astimezone(policy.organisation.zone).date()
    for name, rhythm in policy.rhythms.items():
        if not rhythm.on or rhythm.mention_days_before_close is None or not isinstance(rhythm, Windows | Interval):
            continue
        for moment in shared_moments(policy, name, rhythm, since=today, until=today):
            at = mention_at(policy, rhythm, moment)
            if at is not None and at <= now:
                yield moment


def _mention_key(policy: Policy, moment: Moment) -> str:
    return f"{effect_prefix(policy)}mention:{policy.slug}:{moment.rhythm}:{moment.turn}"


def _not_invited_yet(policy: Policy, moment: Moment, session: Session) -> TeamMomentRow | None:
    """Give what was started for a moment whose silent were not invited yet, nor worked out while observing."""
    row = team_moment(session, policy.slug, moment.rhythm, moment.turn)
    if row is None or row.mentioned_at is not None or session.get(EffectRow, _mention_key(policy, moment)) is not None:
        return None
    return row


def _invite(workshop: Workshop, policy: Policy, moment: Moment, now: datetime) -> None:
    """Name in one comment everybody for whom the planner has it now and who has not spoken."""
    row = workshop.database.transact(partial(_not_invited_yet, policy, moment))
    if row is None or row.topic_id is None or row.discussion_id is None:
        return
    try:
        spoke = connected_loomio(workshop, policy.slug).speakers(row.topic_id)
    except (TemporaryError, PermanentError) as error:
        log.info("team %s: who has spoken is not known this time: %s", moment.rhythm, error)
        return
    workshop.database.transact(partial(_invite_silent, workshop, policy, moment, now, spoke, row))


def keep_spoke(session: Session, policy: Policy, moment: tuple[str, str], spoke: set[str], day: date) -> None:
    """Remember who has spoken in a team's thread."""
    for person in people_of(session, policy.slug):
        if person.loomio_username is not None and person.loomio_username.casefold() in spoke:
            keep_held(session, person.id, *moment, How.SPOKE, day)


def _invite_silent(
    workshop: Workshop,
    policy: Policy,
    moment: Moment,
    now: datetime,
    spoke: set[str],
    row: TeamMomentRow,
    session: Session,
) -> None:
    fresh = session.get_one(TeamMomentRow, row.id, with_for_update=True)
    if fresh.mentioned_at is not None:
        return
    if policy.organisation.mode is Mode.ON:
        fresh.mentioned_at = now  # what is only observed uses up nothing
    today = now.astimezone(policy.organisation.zone).date()
    keep_spoke(session, policy, (moment.rhythm, moment.turn), spoke, today)
    wanted = (moment.rhythm, moment.turn, Ask.MENTION)
    outlook = planned(session, policy, now=now, since=now, until=now + NOW)
    messages = [one for one in outlook.messages if wanted in [(part.rhythm, part.turn, part.ask) for part in one.parts]]
    if not messages:
        return
    key = _mention_key(policy, moment)
    effect = MentionInThread(
        key=key,
        about=f"moment:{moment.rhythm}:{moment.turn}",
        rhythm=moment.rhythm,
        turn=moment.turn,
        discussion_id=row.discussion_id or 0,
        topic_id=row.topic_id or 0,
        mark=f"({moment.rhythm} {moment.turn})",
        person_ids=tuple(one.person_id for one in messages),
        body=Say(
            name="team-mention",
            locale=policy.organisation.locale,
            values={"closes_on": moment.closes_on.isoformat()},
        ),
    )
    if plan_effect(workshop, session, policy.slug, effect):
        for message in messages:
            keep_asked(session, policy, message, key)
