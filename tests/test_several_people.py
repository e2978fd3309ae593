"""Several people at once, in any order: deliveries, commands, polls and clock moves, on a real database.

Hypothesis makes the sequences; the jobs handle them as a worker does, and after every step the rules that never bend
are asked of the database: one active goal, one held ticket a year, a vote only where somebody wanted one or money is
asked for, and nothing that is kept between two people on its way out.
"""

import json
import random
import shutil
import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from domain.effects import OpenIssue, StartProposal, StartThread
from domain.issues import CloseReason, Comment, Issue, IssueGone
from domain.issues import Gone as WhyGone
from domain.objectives import Closing, Visibility
from domain.policy import Policy, ThreadsOf
from domain.proposals import Outcome, Poll
from integrations.loomio import Thread
from jobs.durable import Intake
from jobs.lapse import lapse
from jobs.listen import follow_comment
from jobs.objectives import (
    close_record,
    follow_objective,
    follow_objective_gone,
    objective_issue_opened,
    open_objective,
)
from jobs.ticket_votes import is_wanted, ticket_poll_seen, ticket_proposal_started, ticket_thread_started
from jobs.tickets import follow_ticket, follow_ticket_gone, ticket_issue_opened
from jobs.workshop import Workshop
from store.database import Database, make_engine
from store.memory import effect_of
from store.models import EffectRow, ProposalRow
from store.queries import person_by_id, ticket_row
from tests.cast import LOOMIO, a_poll, an_issue, issue_url
from tests.workroom import OURS, SLUG, Clock, add_person, at_work, rows

BEGINS = datetime(2027, 3, 1, 10, tzinfo=UTC)
PEOPLE = ("ada", "bo", "cy")
SECRET = "kept between two"
FORM = "### What is the opportunity?\n\nSomething\n\n### What does it cost?\n\n{cost}"
WORDS = (
    "activate", "queue", "queue first", "queue 2", "done", "learned", "tried", "paused", "offer a hand", "help-wanted",
    "partner bo", "partner ada", "safety-note it is safe", "pause 2 weeks", "log read a lot", "snooze 2 weeks", "wake",
    "go-ahead", "thread", "proposal", "talk", "withdraw", "booked", "used", "shared", "ilo", "consented", "objection",
    "bucket https://bucket.example.org/1", "funded", "not-funded", "unheard-of",
)  # fmt: skip
POLLS = (
    a_poll(agree=3),
    a_poll(agree=3, disagree=1),
    a_poll(agree=1, block=1),
    a_poll(),
    a_poll(agree=1, quorum_count=4),
    a_poll(closed_at=None, closing_at=BEGINS + timedelta(days=90)),
    a_poll(discarded_at=BEGINS),
    a_poll(agree=1, outcome=Outcome(id=9, statement="We talked", icon="agree")),
    a_poll(agree=1, outcome=Outcome(id=9, statement="We talked again", icon=None)),
)
STEPS = st.one_of(
    st.tuples(st.just("open"), st.integers(0, 2), st.sampled_from(["goal", "light", "dear", "unclear"])),
    st.tuples(st.just("told"), st.integers(0, 2), st.sampled_from([Visibility.TEAM, Visibility.PARTNER])),
    st.tuples(st.just("close record"), st.integers(0, 2), st.integers(0, 9)),
    st.tuples(st.just("change"), st.integers(0, 9), st.sampled_from(["close", "drop", "open", "hand over", "unlabel"])),
    st.tuples(st.just("gone"), st.integers(0, 9), st.none()),
    st.tuples(st.just("say"), st.integers(0, 29), st.sampled_from(WORDS)),
    st.tuples(st.just("loomio"), st.integers(0, 9), st.none()),
    st.tuples(st.just("poll"), st.integers(0, 9), st.sampled_from(POLLS)),
    st.tuples(st.just("clock"), st.sampled_from([1, 20, 200]), st.none()),
)


@dataclass
class Outside:
    """GitHub and Loomio, as far as the jobs notice, and one database that remembers."""

    work: Workshop
    policy: Policy
    clock: Clock
    people: list[int]

    def __post_init__(self) -> None:
        self.issues: dict[int, Issue] = {}
        self.comments = 0
        self.asked_for_a_vote: set[int] = set()

    def step(self, name: str, which: int, what: Any) -> None:
        self.clock.now += timedelta(minutes=1)
        match name:
            case "open":
                self._open(PEOPLE[which], what)
            case "told":
                self._told(self.people[which], what)
            case "close record":
                self._close_record(self.people[which], what)
            case "loomio":
                self._answer_a_call(which)
            case "clock":
                self.clock.now += timedelta(days=which)
                lapse(self.work)
            case "poll":
                self._look_at_a_poll(which, what)
            case _ if not self.issues:
                return
            case "say":
                self._say(which, what)
            case "change":
                self._change(list(self.issues)[which % len(self.issues)], what)
            case "gone":
                self._gone(list(self.issues)[which % len(self.issues)])

    # -- GitHub --

    def _open(self, login: str, kind: str) -> None:
        number = max(self.issues, default=10) + 1
        body = FORM.format(cost={"light": "nothing", "dear": "480 EUR", "unclear": "a lot"}.get(kind, ""))
        self.issues[number] = an_issue(
            number,
            author=login,
            assignees=(login,),
            labels=("ILO",) if kind == "goal" else ("golden-ticket",),
            body="" if kind == "goal" else body,
            created_at=self.clock.now,
            updated_at=self.clock.now,
        )
        self._follow(number)

    def _change(self, number: int, what: str) -> None:
        now = self.issues[number]
        changed = {
            "close": replace(now, open=False, close_reason=CloseReason.COMPLETED),
            "drop": replace(now, open=False, close_reason=CloseReason.NOT_PLANNED),
            "open": replace(now, open=True, close_reason=None),
            "hand over": replace(now, assignees=(PEOPLE[(number + 1) % 3],)),
            "unlabel": replace(now, labels=() if now.labels else ("ILO",)),
        }[what]
        self.issues[number] = replace(changed, updated_at=self.clock.now)
        self._follow(number)

    def _follow(self, number: int) -> None:
        """Twice, since deliveries are doubled."""
        issue = self.issues[number]
        for _ in range(2):
            self.work.database.transact(lambda session: self._remember(session, issue))

    def _remember(self, session: Any, issue: Issue) -> None:
        if issue.has_label("golden-ticket") or ticket_row(session, SLUG, issue.number) is not None:
            follow_ticket(self.work, session, self.policy, issue, None)
        else:
            follow_objective(self.work, session, self.policy, issue, None)

    def _gone(self, number: int) -> None:
        gone = IssueGone(number=number, why=WhyGone.DELETED)
        self.issues.pop(number)

        def forget(session: Any) -> None:
            follow_objective_gone(self.work, session, self.policy, gone)
            follow_ticket_gone(self.work, session, self.policy, gone)

        self.work.database.transact(forget)

    def _say(self, which: int, words: str) -> None:
        number = list(self.issues)[which % len(self.issues)]
        login = PEOPLE[which % 3]
        self.comments += 1
        if words == "proposal" and self.issues[number].assignees == (login,):
            self.asked_for_a_vote.add(number)
        comment = Comment(
            id=self.comments, author=login, body=f"/{words}", created_at=self.clock.now, url="https://github.com/c"
        )
        for _ in range(2):
            follow_comment(self.work, self.policy, number, comment)

    # -- a form tool, the command line --

    def _told(self, person_id: int, visibility: Visibility) -> None:
        def told(session: Any) -> None:
            title = SECRET if visibility is Visibility.PARTNER else "Told to us"
            person = person_by_id(session, person_id)
            open_objective(
                self.work, session, self.policy, person, title=title, why="", asked_by=None, visibility=visibility
            )

        self.work.database.transact(told)

    def _close_record(self, person_id: int, which: int) -> None:
        def close(session: Any) -> None:
            person = person_by_id(session, person_id)
            close_record(self.work, session, self.policy, person, which, Closing.LEARNED)

        self.work.database.transact(close)

    # -- what the ledger's calls leave behind, whenever they are answered --

    def _answer_a_call(self, which: int) -> None:
        waiting = [
            one
            for one in rows(self.work, EffectRow, EffectRow.status == "planned")
            if one.kind in (OpenIssue.__name__, StartThread.__name__, StartProposal.__name__)
        ]
        if waiting:
            row = waiting[which % len(waiting)]
            self.work.database.transact(lambda session: self._answered(session, row))

    def _answered(self, session: Any, row: EffectRow) -> None:
        effect = effect_of(row.kind, row.payload)
        session.get_one(EffectRow, row.key).status = "done"
        match effect:
            case OpenIssue():
                number = max(self.issues, default=10) + 1
                kind, _, found = effect.about.partition(":")
                login = effect.assignees[0]
                self.issues[number] = an_issue(
                    number, author="trellis-bot", assignees=(login,), labels=effect.labels,
                    created_at=self.clock.now, updated_at=self.clock.now,
                )  # fmt: skip
                opened = objective_issue_opened if kind == "objective" else ticket_issue_opened
                opened(self.work, session, self.policy, int(found), number=number, url=issue_url(number))
            case StartThread() | StartProposal() if is_wanted(session, self.policy, effect):
                session.get_one(EffectRow, row.key).status = "not needed"
            case StartThread():
                made = Thread(
                    discussion_id=30, topic_id=40, key="k", url="https://loomio.fennel.example/d/k", title="t",
                    author_id=1,
                )  # fmt: skip
                ticket_thread_started(self.work, session, self.policy, effect, made)
            case StartProposal():
                poll = replace(POLLS[5], key=f"k{row.key}"[:40])
                about = int(effect.about.removeprefix("ticket:"))
                ticket_proposal_started(self.work, session, self.policy, about, poll, round_=effect.round)

    def _look_at_a_poll(self, which: int, poll: Poll) -> None:
        known = rows(self.work, ProposalRow)
        if known:
            row_id = known[which % len(known)].id
            now = self.clock.now
            self.work.database.transact(
                lambda session: ticket_poll_seen(
                    self.work, session, self.policy, session.get_one(ProposalRow, row_id), poll, asked_at=now
                )
            )

    # -- the rules that never bend --

    def check(self) -> None:
        with self.work.database.engine.connect() as connection:

            def ask(question: str) -> list[Any]:
                return list(connection.execute(text(question)))

            assert not ask("SELECT person_id FROM objectives WHERE state = 'active' GROUP BY 1 HAVING count(*) > 1")
            given_back = "('objection', 'withdrawn', 'cancelled')"
            assert not ask(
                f"SELECT 1 FROM tickets WHERE state NOT IN {given_back} GROUP BY person_id, year HAVING count(*) > 1"
            )
            issued = "SELECT issue_number FROM {0} WHERE issue_number IS NOT NULL GROUP BY 1 HAVING count(*) > 1"
            assert not ask(issued.format("objectives"))
            assert not ask(issued.format("tickets"))
            assert not ask("SELECT 1 FROM objectives WHERE visibility = 'partner' AND issue_number IS NOT NULL")
            out = json.dumps([list(one) for one in ask("SELECT key, kind, payload FROM effects")])
            out += json.dumps([list(one) for one in ask("SELECT what, about, details, key FROM timeline")])
            assert SECRET not in out, "what is kept between two people is on its way out"
            votes = ask(
                "SELECT t.issue_number, t.cost, t.exit FROM effects e JOIN tickets t ON e.payload LIKE "
                "'%\"about\": \"ticket:' || t.id || '\"%' WHERE e.kind = 'StartProposal'"
            )
            for number, cost, _ in votes:
                assert cost is None or cost > 0 or number in self.asked_for_a_vote, "a vote is never forced"


@pytest.fixture(scope="module")
def policies() -> tuple[Policy, Policy]:
    alone = replace(OURS, loomio=LOOMIO)
    return alone, replace(alone, loomio=replace(LOOMIO, threads=ThreadsOf.YEAR))


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(STEPS, min_size=5, max_size=40), st.booleans(), st.randoms(use_true_random=False))
def test_no_order_of_what_several_people_do_bends_a_rule(
    workshop: Workshop,
    migrated_file: Path,
    policies: tuple[Policy, Policy],
    steps: list[tuple[str, int, Any]],
    shared: bool,
    chance: random.Random,
) -> None:
    policy = replace(policies[shared], ticket=replace(OURS.ticket, opens_objective=chance.random() < 0.5))
    with tempfile.TemporaryDirectory() as folder:
        file = shutil.copyfile(migrated_file, Path(folder) / "trellis.sqlite")
        database = Database(make_engine(f"sqlite:///{file}"))
        clock = Clock(BEGINS)
        work = replace(at_work(workshop, clock, policy), database=database, intake=Intake(database))
        people = [
            add_person(work, one, coordinator=one == "cy", well_working=one == "bo", github_login=one) for one in PEOPLE
        ]
        outside = Outside(work, policy, clock, people)
        try:
            for name, which, what in steps:
                outside.step(name, which, what)
                outside.check()
        finally:
            database.dispose()
