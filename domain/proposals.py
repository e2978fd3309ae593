"""Proposals: a Loomio poll as it stands, what its result means under the policy, and when to look again.

Loomio never marks a proposal passed or failed; people write an outcome. `read` computes our reading from the counts and
lets a human outcome outrank it. Facts on Loomio, 3.1 to 3.6; rule 3 of the design.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from math import ceil

from domain.policy import LoomioPolicy, VoteRule

# Identify options by icon: names are localised and people edit them (facts on Loomio, 3.1).
AGREE, ABSTAIN, DISAGREE, BLOCK = "agree", "abstain", "disagree", "block"
ICONS = (AGREE, ABSTAIN, DISAGREE, BLOCK)
# The words Loomio knows as options, and the icon each gets; any other word is kept as it is, without one.
ICON_OF = {
    "agree": AGREE,
    "looks_good": AGREE,
    "accept": AGREE,
    "consent": AGREE,
    "abstain": ABSTAIN,
    "disagree": DISAGREE,
    "decline": DISAGREE,
    "objection": DISAGREE,
    "object": DISAGREE,
    "block": BLOCK,
    "veto": BLOCK,
}


@dataclass(frozen=True, kw_only=True)
class OptionCount:
    """How many people chose one option. `test_passed` is the option's own rule, None when it has none."""

    option_id: int
    icon: str | None
    name: str
    voter_count: int
    test_passed: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a person wrote as the outcome. `icon` is that of the option they picked, None when they picked none."""

    id: int
    statement: str
    icon: str | None


@dataclass(frozen=True, kw_only=True)
class Poll:
    """A poll as Loomio shows it now. `counts` is None while Loomio hides the results. Times are aware UTC.

    `topic_id` is the thread it hangs on: its topic, or minus the discussion's id where Loomio has no topics yet.
    """

    id: int
    key: str
    url: str
    group_id: int | None
    topic_id: int | None
    title: str
    closing_at: datetime | None
    closed_at: datetime | None
    discarded_at: datetime | None
    counts: tuple[OptionCount, ...] | None
    voters_count: int
    decided_count: int | None
    quorum_count: int | None
    outcome: Outcome | None


class Result(StrEnum):
    """What a look at a poll can mean."""

    OPEN = "open"
    LAPSED = "lapsed"
    CANCELLED = "cancelled"
    UNREADABLE = "unreadable"
    CONSENTED = "consented"
    OBJECTION = "objection"
    NO_QUORUM = "no quorum"
    NO_DECISION = "no decision"
    PEOPLE_SAID = "people said"


HOUR_AFTER_CLOSING = timedelta(hours=1)
# Loomio closes by a job of its own, up to an hour late; later than this, the job does not run (facts on Loomio, 3.2).
CLOSING_IS_LATE_AFTER = timedelta(hours=2)
NOT_CLOSED = "not closed by Loomio"


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a poll's result means, with the counts of people it rests on and the name of the rule that applied."""

    result: Result
    rule: str = ""
    agree: int = 0
    abstain: int = 0
    disagree: int = 0
    block: int = 0
    statement: str = ""
    outcome_id: int | None = None

    def fingerprint(self) -> str:
        """Tell two readings apart; the same fingerprint is never written back twice.

        An outcome that somebody edits keeps its number, so its words count as well.
        """
        counts = f"{self.agree}-{self.abstain}-{self.disagree}-{self.block}"
        said = f"-{sha256(self.statement.encode()).hexdigest()[:8]}" if self.statement else ""
        return f"{self.result.value}:{self.rule}:{counts}:{self.outcome_id or ''}{said}".replace(" ", "-")


def read(poll: Poll, policy: LoomioPolicy, *, now: datetime) -> Reading:
    """Say what a poll means now, under the policy's rule."""
    if poll.discarded_at is not None:
        return Reading(result=Result.CANCELLED, rule="discarded")
    if poll.closed_at is None:
        if poll.closing_at is None or now < poll.closing_at:
            return Reading(result=Result.OPEN)
        # Nobody can vote any more, and nothing may be counted: the counts are final only once Loomio has closed it.
        return Reading(result=Result.LAPSED, rule=NOT_CLOSED if now >= poll.closing_at + CLOSING_IS_LATE_AFTER else "")
    if poll.outcome is not None:
        return _read_outcome(poll, poll.outcome)
    if poll.counts is None:
        # Hidden results may trail the closing a little; only then is it worth a person's time.
        trailing = now < poll.closed_at + HOUR_AFTER_CLOSING
        return Reading(result=Result.LAPSED if trailing else Result.UNREADABLE, rule="results hidden")
    if any(one.icon not in ICONS and one.voter_count for one in poll.counts):
        return Reading(result=Result.UNREADABLE, rule="unknown option")
    return _read_counts(poll, poll.counts, policy)


def _read_outcome(poll: Poll, outcome: Outcome) -> Reading:
    result = {
        AGREE: Result.CONSENTED,
        DISAGREE: Result.OBJECTION,
        BLOCK: Result.OBJECTION,
        ABSTAIN: Result.NO_DECISION,
    }.get(outcome.icon or "", Result.PEOPLE_SAID)
    return _counted(
        poll.counts or (), result=result, rule="human outcome", statement=outcome.statement, outcome_id=outcome.id
    )


def _read_counts(poll: Poll, counts: Sequence[OptionCount], policy: LoomioPolicy) -> Reading:
    voted = poll.decided_count if poll.decided_count is not None else sum(one.voter_count for one in counts)
    tally = _counted(counts, result=Result.NO_DECISION)
    if voted < _needed(poll, policy):
        return _counted(counts, result=Result.NO_QUORUM, rule="quorum")
    if any(one.test_passed is False for one in counts):
        return _counted(counts, result=Result.NO_DECISION, rule="option rule")
    if tally.block > 0:
        return _counted(counts, result=Result.OBJECTION, rule="block")
    if tally.disagree > 0 and policy.rule is VoteRule.CONSENT:
        return _counted(counts, result=Result.OBJECTION, rule="consent")
    if tally.agree == 0:
        return _counted(counts, result=Result.NO_DECISION, rule="nobody agreed")
    share = 100 * tally.agree / (tally.agree + tally.disagree + tally.block)
    carried = share > policy.majority_percent or policy.rule is VoteRule.CONSENT
    if carried:
        return _counted(counts, result=Result.CONSENTED, rule=policy.rule.value)
    against = tally.disagree > tally.agree
    return _counted(counts, result=Result.OBJECTION if against else Result.NO_DECISION, rule=policy.rule.value)


def _needed(poll: Poll, policy: LoomioPolicy) -> int:
    """Give how many have to take part: Loomio's own figure, or the policy's share of those who were asked."""
    if poll.quorum_count is not None:
        return poll.quorum_count
    return ceil(poll.voters_count * (policy.quorum_percent or 0) / 100)


def _counted(
    counts: Sequence[OptionCount],
    *,
    result: Result,
    rule: str = "",
    statement: str = "",
    outcome_id: int | None = None,
) -> Reading:
    by_icon = {icon: sum(one.voter_count for one in counts if one.icon == icon) for icon in ICONS}
    return Reading(
        result=result,
        rule=rule,
        agree=by_icon[AGREE],
        abstain=by_icon[ABSTAIN],
        disagree=by_icon[DISAGREE],
        block=by_icon[BLOCK],
        statement=statement,
        outcome_id=outcome_id,
    )


def closing_time(policy: LoomioPolicy, *, now: datetime) -> datetime:
    """Give the whole hour, UTC, at which a proposal started now closes: never less than `days_open` away.

    Loomio floors closing times to the hour and refuses the current one (facts on Loomio, 3.2).
    """
    return whole_hour_after(now + timedelta(days=policy.days_open))


def whole_hour_after(at: datetime) -> datetime:
    """Give the first whole hour, UTC, that is not before an instant."""
    floor = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return floor if floor == at else floor + timedelta(hours=1)


LAPSED_EVERY = timedelta(minutes=2)
DECIDED_EVERY = timedelta(hours=1)
REMEMBER_FOR = timedelta(days=30)  # an outcome may come weeks after the vote; a poll may be reopened


def next_look(poll: Poll, policy: LoomioPolicy, *, now: datetime) -> datetime | None:
    """Say when to look at a poll again, None when never: often around closing, hourly for a month after it.

    Polling is the contract; a webhook only brings the next look forward (facts on Loomio, 4.4).
    """
    if poll.discarded_at is not None:
        return None
    if poll.closed_at is not None:
        return now + DECIDED_EVERY if now < poll.closed_at + REMEMBER_FOR else None
    every = timedelta(minutes=policy.look_every_minutes)
    if poll.closing_at is None:
        return now + every
    if poll.closing_at <= now < poll.closing_at + HOUR_AFTER_CLOSING:
        return now + min(LAPSED_EVERY, every)
    # Closing is the moment people wait for, so it is never further away than its own instant.
    return min(now + every, poll.closing_at) if now < poll.closing_at else now + every
