"""Letters: judges a planned message at the moment of sending, and writes it for the way it travels."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.orm import Session

from config.links import Named
from config.markup import rendered
from config.messages import language_tag, titled, words
from config.prompts import ABOUT_EVERYBODY, Around, around_of
from domain.effects import MentionInThread, Nudge, SendReport
from domain.issues import same_login
from domain.moments import Standing
from domain.people import today_of
from domain.policy import Channel, Policy
from domain.rhythms import Way
from domain.sending import Drop, Evidence, Reroute, SendAt, SendNow, still_due
from integrations.errors import CannotLookError, PermanentError
from integrations.mail import Letter
from jobs.digest import Digest, digest, plain
from jobs.repository import connected_github, connected_loomio
from jobs.team import keep_spoke
from jobs.workshop import Workshop
from store.queries import person_by_id
from store.standings import circle_of, standings_of, team_moment


@dataclass(frozen=True, kw_only=True)
class _Known:
    """What is remembered around one message."""

    reader: Standing
    members: Mapping[int, Standing]
    around: Around


def judge(workshop: Workshop, policy: Policy, effect: Nudge) -> Nudge | SendAt | Drop | Reroute:
    """Judge a message on what GitHub and Loomio show this very moment, and on what is remembered.

    A message that goes now is given as it goes: without what is done by now, to the ILO its person has by now.
    """
    known = _known(workshop, policy, effect)
    evidence = Evidence(
        wrote_at=_wrote_at(workshop, policy, effect, known.reader), spoke=_spoke(workshop, policy, effect, known.reader)
    )
    found = still_due(policy, effect, known.reader, known.members, evidence, now=workshop.now())
    if not isinstance(found, SendNow):
        return found
    number = _number(known.reader) if effect.way is Channel.GITHUB else None
    return replace(effect, parts=found.parts, issue_number=number)


def on_issue(workshop: Workshop, policy: Policy, effect: Nudge) -> Digest:
    """Write a message for the person's ILO."""
    return digest(_known(workshop, policy, effect).around, effect.parts, way=Channel.GITHUB, choices_url=None)


def number_now(workshop: Workshop, policy: Policy, effect: Nudge) -> int:
    """Give the number of the ILO a message's person has by now. Raises PermanentError when there is none."""
    return _number(_known(workshop, policy, effect).reader)


def letter_to(workshop: Workshop, policy: Policy, effect: Nudge) -> Letter:
    """Write a message as a letter, with the links by which it is answered and stopped."""
    known = _known(workshop, policy, effect)
    person = known.reader.person
    if person.mail is None:
        raise PermanentError(f"{person.handle} has no mail address in the roster")
    # A message that took another way is remembered under the key it was planned with.
    named = Named(slug=policy.slug, person_id=person.id, effect_key=effect.key.removesuffix(f":{effect.way.value}"))
    written = digest(known.around, effect.parts, way=Channel.MAIL, choices_url=workshop.links.choices_url(named))
    return Letter(
        message_id=_message_id(effect.key),
        sender=policy.channels.sender,
        to_name=person.name,
        to_address=person.mail,
        subject=written.subject or policy.organisation.name,
        text=plain(written.text),
        html=rendered(written.text, with_address=True),
        reply_to=policy.channels.reply_to or None,
        unsubscribe_url=workshop.links.stop_url(named),
        locale=language_tag(person.locale or policy.organisation.locale),
    )


def report_letter(policy: Policy, effect: SendReport) -> Letter:
    """Write the report of a day as a letter."""
    title, body = titled(words(effect.body))
    return Letter(
        message_id=_message_id(effect.key),
        sender=policy.channels.sender,
        to_name="",
        to_address=effect.to_address,
        subject=title,
        text=plain(body),
        html=rendered(body),
        locale=language_tag(effect.body.locale),
    )


def still_silent(workshop: Workshop, policy: Policy, effect: MentionInThread) -> MentionInThread:
    """Leave out of a mention whoever has spoken by now, and remember that they have."""
    spoke = connected_loomio(workshop, policy.slug).speakers(effect.topic_id)
    today = workshop.now().astimezone(policy.organisation.zone).date()

    def sort_out(session: Session) -> tuple[int, ...]:
        keep_spoke(session, policy, (effect.rhythm, effect.turn), spoke, today)
        people = [person_by_id(session, one) for one in effect.person_ids]
        return tuple(
            one.id
            for one in people
            if one.loomio_username is not None and one.loomio_username.casefold() not in spoke and one.here_on(today)
        )

    return replace(effect, person_ids=workshop.database.transact(sort_out))


def mention(workshop: Workshop, effect: MentionInThread) -> str:
    """Write the one comment that names those who have not spoken; these names are meant to notify."""

    def names(session: Session) -> list[str]:
        return [f"@{person_by_id(session, one).loomio_username}" for one in effect.person_ids]

    mentions = " ".join(workshop.database.transact(names))
    said = replace(effect.body, values={**effect.body.values, "mentions": MENTIONS})
    return f"{words(said).replace(MENTIONS, mentions)}\n\n{effect.mark}"


MENTIONS = "‹mentions›"  # filled in afterwards: every other value is kept from notifying anybody


def _known(workshop: Workshop, policy: Policy, effect: Nudge) -> _Known:
    now = workshop.now()

    def read(session: Session) -> list[Standing]:
        everybody = any(part.rhythm in ABOUT_EVERYBODY for part in effect.parts)
        ids = {effect.person_id, *(part.member_id for part in effect.parts)}
        circle = None if everybody else circle_of(session, policy, ids, today=now.date())
        return standings_of(session, policy, now=now, ids=circle)

    standings = workshop.database.transact(read)
    reader = next(one for one in standings if one.person.id == effect.person_id)
    today = today_of(reader.person, policy.organisation, now)
    around = around_of(policy, standings, effect.person_id, today)
    if around is None:
        raise PermanentError(f"person {effect.person_id} is gone")
    return _Known(reader=reader, members=around.members, around=around)


def _number(reader: Standing) -> int:
    if reader.objective is None or reader.objective.issue_number is None:
        raise PermanentError(f"{reader.person.handle} has no ILO to write on any more")
    return reader.objective.issue_number


def _wrote_at(workshop: Workshop, policy: Policy, effect: Nudge, reader: Standing) -> datetime | None:
    """Look on GitHub when the person last wrote on their ILO, where that would settle a part; ours never count."""
    number = reader.objective.issue_number if reader.objective is not None else None
    asks = [part for part in effect.parts if Way.WROTE in _ways_done(policy, part.rhythm)]
    if number is None or not asks:
        return None
    since = workshop.now() - timedelta(days=1 + max((effect.on - part.counts_from_on).days for part in asks))
    comments = connected_github(workshop, policy.slug).comments(number, since=since)
    mine = [one.created_at for one in comments if same_login(one.author, reader.person.github_login)]
    return max(mine, default=None)


def _spoke(workshop: Workshop, policy: Policy, effect: Nudge, reader: Standing) -> list[tuple[str, str]]:
    """Look in Loomio in which of the threads a message is about the person has spoken."""
    username = reader.person.loomio_username
    if username is None or policy.loomio is None:
        return []
    turns = {(part.rhythm, part.turn) for part in effect.parts if Way.SPOKE in _ways_done(policy, part.rhythm)}
    found = []
    for rhythm, turn in sorted(turns):
        row = workshop.database.transact(partial(team_moment, slug=policy.slug, rhythm=rhythm, turn=turn))
        if row is not None and row.topic_id is not None:
            try:
                spoke = connected_loomio(workshop, policy.slug).speakers(row.topic_id)
            except CannotLookError:
                continue  # a Loomio that does not tell who has spoken keeps nobody's message back
            if username.casefold() in spoke:
                found.append((rhythm, turn))
    return found


def _ways_done(policy: Policy, rhythm: str) -> tuple[Way, ...]:
    found = policy.rhythms.get(rhythm)
    return found.done_by if found is not None else ()


def _message_id(key: str) -> str:
    """Give a letter's Message-ID: the same for the same key, and nothing to read in it."""
    return f"trellis.{hashlib.sha256(key.encode()).hexdigest()[:40]}"
