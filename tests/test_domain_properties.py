"""What has to hold for every policy, person, sequence and clock, searched by hypothesis."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TypeVar
from zoneinfo import ZoneInfo

from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.effects import CommentOnIssue, Effect, StartProposal, StartThread
from domain.issues import CloseReason, Issue
from domain.objective_deeds import ended, queue
from domain.objectives import Objective, ObjectiveDecision, ObjectiveState, activate, follow, in_order
from domain.pace import Window, free_at
from domain.people import local_instant
from domain.policy import LoomioPolicy, VoteRule
from domain.proposals import OptionCount, Outcome, Poll, Reading, Result, next_look, read
from domain.state_tables import NONE, OBJECTIVE_STEPS
from domain.ticket import Ticket, TicketDecision
from domain.ticket_states import GIVEN_BACK, MOVES, Deed, Exit, TicketState
from domain.ticket_use import fill_bucket, fund, go_on, how_was_it, lapse_when_over
from domain.ticket_votes import confirm, decided, proposal_started
from domain.tickets import choose, claim, take_up_again, thread_started, withdraw
from jobs.objectives import owner_of
from tests.cast import ADA, BO, CY, LOOMIO, NOW, POLICY, a_poll, a_ticket, an_issue, issue_url

ZONES = tuple(
    ZoneInfo(name)
    for name in (
        "Australia/Lord_Howe",  # half an hour of summer time
        "Asia/Kathmandu",
        "America/St_Johns",
        "Pacific/Apia",
        "Europe/Lisbon",
        "America/Santiago",  # changes at midnight
        "Africa/Cairo",  # changes at midnight, on a Friday
        "Antarctica/Troll",  # two hours of summer time
        "Pacific/Kiritimati",
        "Pacific/Pago_Pago",
        "Africa/Casablanca",  # winter time in summer, for Ramadan
    )
)
T = TypeVar("T")
OBJECTIVE_PAIRS = {(source, one.to) for one in OBJECTIVE_STEPS for source in one.sources}
TICKET_PAIRS = {(source, one.to) for one in MOVES for source in one.sources}


# -- (a) wall clocks (the planner has a file of its own: test_domain_planner_properties.py) ----------------------------

DAYS = st.dates(date(2024, 1, 1), date(2063, 12, 31))


@settings(max_examples=500, deadline=None)
@given(DAYS, st.times(), st.sampled_from(ZONES))
@example(date(2027, 10, 3), time(2, 15), ZoneInfo("Australia/Lord_Howe"))
@example(date(2027, 4, 4), time(1, 45), ZoneInfo("Australia/Lord_Howe"))
@example(date(2027, 9, 5), time(0, 0), ZoneInfo("America/Santiago"))
@example(date(2028, 2, 29), time(23, 59), ZoneInfo("America/St_Johns"))
def test_a_wall_clock_time_always_is_an_instant_on_its_day_or_just_after_the_gap(
    day: date, at: time, zone: ZoneInfo
) -> None:
    instant = local_instant(day, at, zone)

    shown = instant.astimezone(zone)
    assert instant.tzinfo is UTC
    moved = shown.replace(tzinfo=None, fold=0) - datetime.combine(day, at)
    assert timedelta(0) <= moved <= timedelta(hours=2)
    if moved:
        # Only a time that does not exist moves, by as much as the clock does.
        naive = datetime.combine(day, at)
        assert naive.replace(tzinfo=zone, fold=1).utcoffset() != naive.replace(tzinfo=zone, fold=0).utcoffset()
    else:
        assert shown.fold == 0, "a repeated time means its first occurrence"


# -- (b) objectives ----------------------------------------------------------------------------------------------------

MEMBERS = (ADA, BO)
WORDS = ("queue", "queue first", "queue 2", "queue 9", "queue last", "queue soon", "learned", "tried", "paused")
LOGINS = {"ada-m": ADA.id, "bo-t": BO.id}


@dataclass
class Memory:
    """Remembers objectives as `jobs/objectives.py` does, and refuses two active ones of a person."""

    by_id: dict[int, Objective] = field(default_factory=dict)
    planned: dict[str, Effect] = field(default_factory=dict)

    def look(self, issue: Issue) -> ObjectiveDecision:
        was = next((one for one in self.by_id.values() if one.issue_number == issue.number), None)
        person = owner_of(issue, MEMBERS, was)
        person_id = person.id if person else was.person_id if was else None
        decision = follow(
            POLICY, issue, was=was, person=person, siblings=self.siblings(person_id, was), now=issue.updated_at
        )
        self.keep(decision)
        if was is not None:
            looked_before, looked = was.issue_updated_at, self.by_id[was.id or 0].issue_updated_at
            assert looked is not None
            assert looked_before is not None
            assert looked >= looked_before, "an older look never undoes a newer one"
        return decision

    def activate(self, number: int) -> None:
        chosen = next((one for one in self.by_id.values() if one.issue_number == number), None)
        if chosen is not None:
            self.keep(activate(chosen, self.siblings(chosen.person_id, chosen)))

    def say(self, number: int, words: str) -> None:
        """The person of a goal orders their queue, or says how it ended."""
        mine = next((one for one in self.by_id.values() if one.issue_number == number), None)
        if mine is None:
            return
        siblings = self.siblings(mine.person_id, mine)
        word, _, place = words.partition(" ")
        answered = queue(mine, siblings, place) if word == "queue" else ended(mine, word)
        if answered is not None:
            open_before = self.open_goals()
            self.keep(answered.decision)
            assert self.open_goals() == open_before, "no word of these opens or closes a goal"
            if place.isdigit():
                waiting = in_order(self.siblings(mine.person_id, None))
                at = [one.issue_number for one in waiting].index(number)
                assert at == min(max(int(place), 1), len(waiting)) - 1, "it stands where its person put it"

    def siblings(self, person_id: int | None, besides: Objective | None) -> list[Objective]:
        mine = [
            one for one in self.by_id.values() if one.person_id == person_id and one.state is not ObjectiveState.CLOSED
        ]
        return sorted((one for one in mine if one != besides), key=lambda one: (one.opened_at, one.id or 0))

    def keep(self, decision: ObjectiveDecision) -> None:
        for one in sorted(decision.objectives, key=lambda one: one.state is ObjectiveState.ACTIVE):
            number = one.id or len(self.by_id) + 1
            was = self.by_id[number].state if number in self.by_id else NONE
            assert was == one.state or (was, one.state) in OBJECTIVE_PAIRS, "docs/states.md has every move"
            self.by_id[number] = replace(one, id=number)
            self.check_one_active_each()
        for effect in decision.effects:
            self.planned.setdefault(effect.key, effect)

    def check_one_active_each(self) -> None:
        active = [one.person_id for one in self.by_id.values() if one.state is ObjectiveState.ACTIVE]
        assert len(active) == len(set(active))

    def open_goals(self) -> set[tuple[int | None, int]]:
        return {
            (one.issue_number, one.person_id) for one in self.by_id.values() if one.state is not ObjectiveState.CLOSED
        }


@dataclass(frozen=True)
class Change:
    """Somebody changes an issue on GitHub."""

    number: int
    open: bool
    labelled: bool
    login: str
    reason: CloseReason | None


CHANGES = st.builds(
    Change,
    number=st.integers(1, 4),
    open=st.booleans() | st.just(True),
    labelled=st.booleans() | st.just(True),
    login=st.sampled_from(sorted(LOGINS)),
    reason=st.sampled_from([None, *CloseReason]),
)


def history(changes: Sequence[Change]) -> list[Issue]:
    """Give what GitHub showed after each change."""
    shown = []
    for n, change in enumerate(changes):
        issue = an_issue(
            change.number,
            open=change.open,
            close_reason=None if change.open else change.reason,
            labels=("ILO",) if change.labelled else ("other",),
            assignees=(change.login,),
            created_at=NOW + timedelta(minutes=change.number),
            updated_at=NOW + timedelta(hours=1 + n),
        )
        shown.append(issue)
    return shown


def present(shown: Sequence[Issue]) -> dict[int, Issue]:
    return {issue.number: issue for issue in shown}


def goals_of(issues: Mapping[int, Issue]) -> set[tuple[int | None, int]]:
    """Say which open goals of whom GitHub shows, apart from what `follow` makes of it."""
    return {(number, LOGINS[one.assignees[0]]) for number, one in issues.items() if one.open and one.labels == ("ILO",)}


@settings(max_examples=300, deadline=None)
@given(st.lists(CHANGES, min_size=1, max_size=14), st.randoms(use_true_random=False), st.booleans())
def test_late_doubled_and_shuffled_looks_end_where_github_stands(
    changes: list[Change], chance: random.Random, activating: bool
) -> None:
    shown = history(changes)
    memory = Memory()
    looks = [*shown, *chance.choices(shown, k=len(shown))]
    chance.shuffle(looks)
    for issue in looks:
        memory.look(issue)
        if activating:
            memory.activate(chance.randint(1, 4))
            memory.say(chance.randint(1, 4), chance.choice(WORDS))
    # The last look at each issue is at its present state, since every delivery is followed by reading it again.
    last = list(present(shown).values())
    chance.shuffle(last)
    for issue in last:
        memory.look(issue)

    in_order = Memory()
    for issue in present(shown).values():
        in_order.look(issue)
    assert memory.open_goals() == in_order.open_goals() == goals_of(present(shown))


@settings(max_examples=300, deadline=None)
@given(st.lists(CHANGES, min_size=1, max_size=14), st.randoms(use_true_random=False))
def test_looking_at_the_same_issue_twice_changes_nothing_the_second_time(
    changes: list[Change], chance: random.Random
) -> None:
    memory = Memory()
    for issue in history(changes):
        memory.look(issue)
        if chance.random() < 0.3:
            memory.activate(chance.randint(1, 4))
        memory.look(issue)
        before, planned = dict(memory.by_id), set(memory.planned)
        again = memory.look(issue)
        assert memory.by_id == before
        assert set(memory.planned) == planned
        assert again.happened == ()


@settings(max_examples=200, deadline=None)
@given(st.lists(CHANGES, min_size=1, max_size=14))
def test_nobody_has_a_goal_waiting_without_a_word_about_it(changes: list[Change]) -> None:
    """Nothing is opened by itself, so whoever waits has to know what they can do."""
    memory = Memory()
    for issue in history(changes):
        memory.look(issue)
    for person in MEMBERS:
        goals = [one for one in memory.by_id.values() if one.person_id == person.id]
        waiting = {one.issue_number for one in goals if one.state is ObjectiveState.QUEUED}
        said = [one for one in memory.planned.values() if isinstance(one, CommentOnIssue)]
        told = {one.issue_number for one in said if one.body.values["name"] == person.first_name()}
        assert not waiting - told, "each was asked about when it was queued, or offered later"


# -- (c) tickets -------------------------------------------------------------------------------------------------------

STEPS = st.one_of(
    st.tuples(st.just("claim"), st.sampled_from([None, *Exit]), st.sampled_from(["0", "480", "unclear"])),
    st.tuples(st.just("choose"), st.sampled_from(list(Exit)), st.integers(0, 5)),
    st.tuples(st.just("withdraw"), st.none(), st.integers(0, 5)),
    st.tuples(st.just("reopen"), st.none(), st.integers(0, 5)),
    st.tuples(st.just("confirm"), st.sampled_from([Result.CONSENTED, Result.OBJECTION]), st.integers(0, 5)),
    st.tuples(st.just("read"), st.sampled_from(list(Result)), st.integers(0, 5)),
    st.tuples(st.just("deliver"), st.none(), st.integers(0, 5)),
    st.tuples(st.just("go on"), st.sampled_from([Deed.BOOK, Deed.USE, Deed.SHARE]), st.integers(0, 5)),
    st.tuples(st.sampled_from(["lapse", "bucket", "fund", "do not fund", "how was it"]), st.none(), st.integers(0, 5)),
)
Step = tuple[str, Exit | Result | Deed | None, str | int]
NEXT_YEAR = date(2028, 1, 1)


class Tickets:
    """Keeps one person's tickets of one year as `jobs/tickets.py` does, with Loomio answering whenever it likes."""

    def __init__(self) -> None:
        self.tickets: list[Ticket] = []
        self.keys: set[str] = set()
        self.under_way: list[StartThread | StartProposal] = []
        self.before: dict[int, str] = {}
        self.looks: dict[int, int] = {}
        self.chose_proposal: set[int] = set()
        self.proposals: dict[int, int] = {}
        self.polls: set[int] = set()

    def holds(self, besides: int | None = None) -> bool:
        return any(n != besides and one.state not in GIVEN_BACK for n, one in enumerate(self.tickets))

    def take(self, n: int, decision: TicketDecision) -> None:
        ticket = self.tickets[n]
        if decision.ticket is not None:
            self.tickets[n] = decision.ticket
            moved = (ticket.state, decision.ticket.state)
            assert moved[0] is moved[1] or moved in TICKET_PAIRS, "docs/states.md has every move"
        held = [one for one in self.tickets if one.state not in GIVEN_BACK]
        assert len(held) <= 1, "at most one held ticket per person and year"
        for effect in decision.effects:
            if effect.key in self.keys:
                continue
            self.keys.add(effect.key)
            if isinstance(effect, StartThread | StartProposal):
                self.under_way.append(effect)
            if isinstance(effect, StartProposal):
                self.proposals[n] = self.proposals.get(n, 0) + 1
                assert self.proposals[n] <= self.tickets[n].round, "one proposal a round"
                assert ticket.cost != 0 or n in self.chose_proposal, "a vote is never forced on a light request"

    def claim(self, wanted: Exit | None, cost: str) -> None:
        if self.holds():
            return
        n = len(self.tickets)
        price = None if cost == "unclear" else Decimal(cost)
        self.tickets.append(a_ticket(id=n, number=n + 1, issue_number=20 + n, issue_url=issue_url(20 + n), cost=price))
        if wanted is Exit.PROPOSAL:
            self.chose_proposal.add(n)
        self.take(n, claim(POLICY, self.tickets[n], ADA, wanted, now=NOW))

    def choose(self, n: int, wanted: Exit) -> None:
        if wanted is Exit.PROPOSAL:
            self.chose_proposal.add(n)
        was = self.tickets[n]
        decision = choose(POLICY, was, ADA, wanted, holds_another=self.holds(n), now=NOW)
        if was.state is TicketState.PROPOSED:
            assert decision == TicketDecision(), "what is being voted on is not asked a second time"
        self.take(n, decision)

    def read(self, n: int, result: Result) -> None:
        if n not in self.polls:
            return
        reading = Reading(result=result, rule="any")
        look = self.looks[n] = self.looks.get(n, 0) + 1
        decision = decided(
            POLICY,
            self.tickets[n],
            ADA,
            reading,
            before=self.before.get(n, ""),
            url="https://loomio.fennel.example/p/pOll1234",
            look=look,
            holds_another=self.holds(n),
        )
        self.take(n, decision)
        if decision.ticket is not None:
            self.before[n] = "" if result is Result.OPEN else reading.fingerprint()
            again = decided(
                POLICY,
                self.tickets[n],
                ADA,
                reading,
                before=self.before[n],
                url="",
                look=look + 1,
                holds_another=self.holds(n),
            )
            assert again == TicketDecision(), "the same reading is never written back twice"

    def deliver(self, which: int) -> None:
        """Loomio answers one of the calls under way."""
        if not self.under_way:
            return
        effect = self.under_way.pop(which % len(self.under_way))
        n = int(effect.about.removeprefix("ticket:"))
        if isinstance(effect, StartProposal):
            self.polls.add(n)
            self.before.pop(n, None)
            self.take(n, proposal_started(POLICY, self.tickets[n], ADA, url="", closes_at=effect.closes_at))
            return
        decision = thread_started(
            POLICY,
            self.tickets[n],
            ADA,
            discussion_id=30 + n,
            topic_id=40 + n,
            url="https://loomio.fennel.example/d/tHread12",
            now=NOW,
        )
        self.take(n, decision)

    def step(self, name: str, what: Exit | Result | Deed | None, which: str | int) -> None:
        if name == "claim":
            assert what is None or isinstance(what, Exit)
            self.claim(what, str(which))
        elif not self.tickets:
            return
        n = 0 if isinstance(which, str) else which % len(self.tickets)
        ticket = self.tickets[n]
        do: dict[str, Callable[[], None]] = {
            "withdraw": lambda: self.take(n, withdraw(POLICY, ticket, ADA)),
            "reopen": lambda: self.take(n, take_up_again(POLICY, ticket, ADA, holds_another=self.holds(n))),
            "deliver": lambda: self.deliver(int(which)),
            "lapse": lambda: self.take(n, lapse_when_over(POLICY, ticket, ADA, today=NEXT_YEAR)),
            "bucket": lambda: self.take(n, fill_bucket(POLICY, ticket, ADA, "https://bucket.example.org/7")),
            "fund": lambda: self.take(n, fund(POLICY, ticket, ADA, CY, funded=True)),
            "do not fund": lambda: self.take(n, fund(POLICY, ticket, ADA, CY, funded=False)),
            "how was it": lambda: self.take(n, how_was_it(POLICY, ticket, ADA, today=NEXT_YEAR)),
        }
        if isinstance(what, Exit) and name == "choose":
            self.choose(n, what)
        elif isinstance(what, Result) and name == "confirm":
            self.take(n, confirm(POLICY, ticket, ADA, what, CY))
        elif isinstance(what, Result):
            self.read(n, what)
        elif isinstance(what, Deed):
            self.take(n, go_on(POLICY, ticket, ADA, what))
        elif name in do:
            do[name]()


WITHDRAWN_TOO_EARLY: list[Step] = [
    ("claim", Exit.THREAD, "0"),
    ("withdraw", None, 0),
    ("claim", Exit.TALK, "0"),
    ("deliver", None, 0),
]

TURNED_AROUND: list[Step] = [
    ("claim", None, "480"),
    ("deliver", None, 0),
    ("deliver", None, 0),
    ("read", Result.OBJECTION, 0),
    ("claim", Exit.TALK, "0"),
    ("read", Result.CONSENTED, 0),
]
# A person writes an outcome for the first round while the second is on its way.
DECIDED_BEFORE_THE_NEXT_ROUND: list[Step] = [
    ("claim", None, "480"),
    ("deliver", None, 0),
    ("deliver", None, 0),
    ("read", Result.NO_DECISION, 0),
    ("choose", Exit.PROPOSAL, 0),
    ("read", Result.OBJECTION, 0),
    ("claim", Exit.TALK, "0"),
    ("deliver", None, 0),
]


@settings(max_examples=400, deadline=None)
@given(st.lists(STEPS, max_size=25))
@example(WITHDRAWN_TOO_EARLY)
@example(TURNED_AROUND)
@example(DECIDED_BEFORE_THE_NEXT_ROUND)
def test_no_sequence_of_commands_and_readings_breaks_the_tickets_rules(steps: list[Step]) -> None:
    tickets = Tickets()
    for name, what, which in steps:
        tickets.step(name, what, which)


# -- (d) reading a poll ------------------------------------------------------------------------------------------------

ICON = st.sampled_from(["agree", "abstain", "disagree", "block", "thumbs-up", None])
SPANS = st.integers(-40 * 24 * 60, 60).map(lambda minutes: NOW + timedelta(minutes=minutes))


@st.composite
def polls(draw: st.DrawFn) -> Poll:
    """A poll in any state, more often than not closed with results that somebody could take for a yes."""

    def rarely(value: st.SearchStrategy[T], otherwise: T) -> T:
        return draw(value) if draw(st.integers(0, 4)) == 0 else otherwise

    few = st.integers(0, 6)
    poll = a_poll(draw(few), draw(few), rarely(few, 0), rarely(few, 0))
    assert poll.counts is not None
    another = OptionCount(
        option_id=9, icon=draw(ICON), name="Another", voter_count=draw(few), test_passed=draw(st.none() | st.booleans())
    )
    return replace(
        poll,
        counts=rarely(st.none() | st.just((*poll.counts, another)), poll.counts),
        closing_at=draw(st.none() | SPANS),
        closed_at=rarely(st.none() | SPANS, poll.closed_at),
        discarded_at=rarely(SPANS, None),
        quorum_count=draw(st.none() | st.integers(1, 12)),
        decided_count=draw(st.none() | st.integers(0, 12)),
        outcome=rarely(st.builds(Outcome, id=st.integers(1, 9), statement=st.just("So it is"), icon=ICON), None),
    )


POLLS = polls()
POLICIES = st.builds(
    replace,
    st.just(LOOMIO),
    rule=st.sampled_from(VoteRule),
    majority_percent=st.integers(0, 100),
    look_every_minutes=st.integers(1, 600),
)
OUTCOME_MEANS = {
    "agree": Result.CONSENTED,
    "disagree": Result.OBJECTION,
    "block": Result.OBJECTION,
    "abstain": Result.NO_DECISION,
}


@settings(max_examples=800, deadline=None)
@given(poll=POLLS, policy=POLICIES)
def test_a_reading_never_says_yes_where_people_did_not(poll: Poll, policy: LoomioPolicy) -> None:
    reading = read(poll, policy, now=NOW)
    if poll.discarded_at is not None:
        assert reading.result is Result.CANCELLED
    elif poll.closed_at is None:
        assert reading.result in (Result.OPEN, Result.LAPSED)
    elif poll.outcome is not None:
        assert (reading.rule, reading.outcome_id) == ("human outcome", poll.outcome.id)
        assert reading.result is OUTCOME_MEANS.get(poll.outcome.icon or "", Result.PEOPLE_SAID)
    elif reading.result is Result.CONSENTED:
        assert poll.counts is not None
        votes = {icon: sum(one.voter_count for one in poll.counts if one.icon == icon) for icon in OUTCOME_MEANS}
        assert votes["block"] == 0
        assert votes["agree"] > 0
        assert policy.rule is not VoteRule.CONSENT or votes["disagree"] == 0
        against = votes["disagree"] + votes["block"]
        assert 100 * votes["agree"] > policy.majority_percent * (votes["agree"] + against) or (
            policy.rule is VoteRule.CONSENT
        )
        assert all(one.icon in OUTCOME_MEANS for one in poll.counts if one.voter_count)
        assert not any(one.test_passed is False for one in poll.counts)
        took_part = sum(votes.values()) if poll.decided_count is None else poll.decided_count
        assert poll.quorum_count is None or took_part >= poll.quorum_count


@settings(max_examples=400, deadline=None)
@given(poll=POLLS, policy=POLICIES)
def test_the_next_look_lies_ahead_and_ends_only_with_the_poll(poll: Poll, policy: LoomioPolicy) -> None:
    look_at = next_look(poll, policy, now=NOW)
    if look_at is None:
        assert poll.discarded_at is not None or poll.closed_at is not None
        return
    assert NOW < look_at <= NOW + timedelta(hours=10)
    if poll.closed_at is None and poll.closing_at is not None and poll.closing_at > NOW:
        assert look_at <= poll.closing_at


# -- (e) pace ----------------------------------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(
    st.integers(1, 5),
    st.integers(1, 12),
    st.lists(st.floats(0, 900, allow_nan=False), min_size=1, max_size=40),
)
def test_writes_that_wait_until_they_are_free_never_exceed_either_window(
    per_minute: int, per_hour: int, gaps: list[float]
) -> None:
    windows = (Window(most=per_minute, seconds=60), Window(most=per_hour, seconds=3600))
    went: list[datetime] = []
    now = NOW
    for gap in gaps:
        now += timedelta(seconds=gap)
        free = free_at(went, windows, now=now)
        assert free >= now
        assert free == now or free_at(went, windows, now=free - timedelta(microseconds=1)) == free, "and no later"
        assert free_at(went, windows, now=free) == free
        now = free
        went.append(now)
    for window in windows:
        for at in went:
            assert sum(1 for one in went if at - window.length() < one <= at) <= window.most
