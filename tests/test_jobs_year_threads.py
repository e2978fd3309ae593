"""One thread for all golden tickets of a year: started once, for whoever waits, and never lost to a change of mind."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.forms import TicketAnswers
from domain.issues import Comment
from domain.policy import Mode, ThreadsOf
from domain.ticket import Ticket
from domain.ticket_states import Exit
from jobs.listen import follow_comment
from jobs.perform import perform
from jobs.tickets import request_ticket
from jobs.workshop import Workshop
from store.models import EffectRow, PersonRow, TeamMomentRow, TicketRow
from store.queries import person_by_id
from tests.cast import LOOMIO, an_issue
from tests.test_both_dialects import Played
from tests.workroom import OURS, SLUG, Clock, add_person, at_work, rows

PER_YEAR = replace(OURS, loomio=replace(LOOMIO, threads=ThreadsOf.YEAR), rhythms={})
PER_TICKET = replace(PER_YEAR, loomio=LOOMIO)
MINUTE = timedelta(minutes=1)
YEAR = datetime.now(UTC).year
THREAD_OF_THE_YEAR = f"thread:{SLUG}:year:{YEAR}"


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime.now(UTC))


@pytest.fixture
def played() -> Iterator[Played]:
    played = Played("3.8.1")
    yield played
    played.server.stop()


@pytest.fixture
def work(workshop: Workshop, clock: Clock, played: Played) -> Workshop:
    work = at_work(workshop, clock, PER_YEAR, loomio=lambda _: played.ours)
    for handle in ("ada", "bo", "cy"):
        add_person(work, handle)
    return work


def claims(work: Workshop, person_id: int, wanted: Exit, cost: int = 0) -> Ticket:
    """Somebody claims a ticket by an issue of theirs, numbered 21 and on."""
    [policy] = work.policies.values()
    answers = TicketAnswers(
        opportunity=f"Idea {person_id}", cost=Decimal(cost), cost_said=f"{cost} EUR" if cost else ""
    )

    def claim(session: Any) -> Ticket | None:
        person, issue = person_by_id(session, person_id), an_issue(20 + person_id)
        return request_ticket(work, session, policy, person, answers, wanted=wanted, asked_by=None, issue=issue)

    made = work.database.transact(claim)
    assert made is not None
    return made


Says = Callable[[str, str], None]


@pytest.fixture
def says(work: Workshop, clock: Clock) -> Says:
    """Somebody says a word on the issue of their ticket."""
    count = iter(range(900, 1000))

    def say(by: str, body: str) -> None:
        [person] = rows(work, PersonRow, PersonRow.handle == by)
        [policy] = work.policies.values()
        comment = Comment(id=next(count), author=by, body=body, created_at=clock(), url="https://github.com/c/1")
        follow_comment(work, policy, 20 + person.id, comment)

    return say


def in_loomio(work: Workshop) -> None:
    """Do everything that is to be done in Loomio by now, and what follows from it; what is on GitHub waits."""
    tried: set[str] = set()
    while waiting := [
        row.key
        for row in rows(work, EffectRow, EffectRow.vendor == "loomio")
        if row.status in ("planned", "sending") and row.not_before <= work.real_now() and row.key not in tried
    ]:
        for key in waiting:
            perform(work, key)
        tried.update(waiting)


def loomio_ledger(work: Workshop) -> dict[str, str]:
    return {row.key: row.status for row in rows(work, EffectRow, EffectRow.vendor == "loomio")}


def said_on(work: Workshop, issue_number: int) -> list[str]:
    """Which words Trellis plans to say on an issue, in alphabetical order of their keys."""
    comments = rows(work, EffectRow, EffectRow.kind == "CommentOnIssue")
    return [row.payload["body"]["name"] for row in comments if row.payload["issue_number"] == issue_number]


def standing(work: Workshop) -> list[tuple[str, bool]]:
    """Each ticket's state, and whether it has a thread."""
    return [(row.state, row.topic_id is not None) for row in rows(work, TicketRow)]


def threads(played: Played) -> list[str]:
    return [one.title for one in played.server.sandbox.world.discussions.values() if "(GT" in one.title]


def comments(played: Played) -> list[str]:
    return [one.body for one in played.server.sandbox.world.remarks.values()]


def fault(played: Played, path: str, name: str) -> None:
    client = played.server.sandbox.app.test_client()
    sent = {"side": "loomio", "method": "POST", "path": path, "fault": name}
    assert client.post("/_control/faults", json=sent).status_code == 200


TITLE = f"Golden tickets {YEAR} (GT year {YEAR})"


# -- one thread for all ------------------------------------------------------------------------------------------------


def test_everybody_who_waits_is_served_by_the_one_thread_each_in_their_own_way(work: Workshop, played: Played) -> None:
    claims(work, 1, Exit.PROPOSAL, cost=480)
    claims(work, 2, Exit.THREAD)
    assert loomio_ledger(work) == {THREAD_OF_THE_YEAR: "planned"}
    in_loomio(work)

    assert loomio_ledger(work) == {
        THREAD_OF_THE_YEAR: "done",
        f"proposal:{SLUG}:1:1": "done",
        f"thread-asks:{SLUG}:2:1": "done",
    }
    assert threads(played) == [TITLE]
    assert [one.title for one in played.polls()] == ["Golden ticket: Idea 1 (GT-0001)"]
    [told] = comments(played)
    assert told.startswith("Bo Moreau would like to use a golden ticket (GT-0002):\n\n**Idea 2**")
    assert standing(work) == [("proposed", True), ("thread started", True)]
    assert (said_on(work, 21), said_on(work, 22)) == (["ticket-proposed"], ["ticket-thread"])
    [moment] = rows(work, TeamMomentRow)
    assert (moment.rhythm, moment.turn) == ("golden-tickets", str(YEAR))


@pytest.mark.parametrize("wanted", [Exit.PROPOSAL, Exit.THREAD])
def test_whoever_claims_when_the_thread_is_there_goes_on_in_it_at_once(
    work: Workshop, played: Played, wanted: Exit
) -> None:
    claims(work, 1, Exit.THREAD)
    in_loomio(work)
    claims(work, 2, wanted, cost=480)
    in_loomio(work)

    assert threads(played) == [TITLE]
    assert standing(work)[1] == ("proposed" if wanted is Exit.PROPOSAL else "thread started", True)
    assert said_on(work, 22) == ["ticket-proposed" if wanted is Exit.PROPOSAL else "ticket-thread"]
    assert set(loomio_ledger(work).values()) == {"done"}


def test_the_next_year_has_a_thread_of_its_own(work: Workshop, played: Played, clock: Clock) -> None:
    claims(work, 1, Exit.THREAD)
    in_loomio(work)
    clock.now += timedelta(days=366)
    claims(work, 2, Exit.THREAD)
    in_loomio(work)

    assert threads(played) == [TITLE, f"Golden tickets {YEAR + 1} (GT year {YEAR + 1})"]


def test_a_ticket_withdrawn_is_told_in_the_thread_it_shares_and_the_others_stay(
    work: Workshop, played: Played, says: Says
) -> None:
    for person_id in (1, 2):
        claims(work, person_id, Exit.PROPOSAL, cost=480)
    in_loomio(work)
    says("ada", "/withdraw")
    in_loomio(work)

    assert standing(work) == [("withdrawn", True), ("proposed", True)]
    assert comments(played) == [
        "GT-0001 withdrawn: Ada Moreau has taken it back. There is nothing left to decide here; thank you for thinking "
        "along."
    ]


# -- minds that change while a thread is on its way --------------------------------------------------------------------


def test_the_first_may_withdraw_while_the_thread_is_on_its_way_and_the_second_still_gets_it(
    work: Workshop, played: Played, says: Says
) -> None:
    for person_id in (1, 2):
        claims(work, person_id, Exit.PROPOSAL, cost=480)
    says("ada", "/withdraw")
    in_loomio(work)

    assert threads(played) == [TITLE]
    assert [one.title for one in played.polls()] == ["Golden ticket: Idea 2 (GT-0002)"]
    assert comments(played) == [], "nobody there ever heard of the first"
    assert standing(work) == [("withdrawn", False), ("proposed", True)]


def test_a_thread_given_up_because_nobody_wanted_it_is_started_for_whoever_wants_it_later(
    work: Workshop, played: Played, says: Says
) -> None:
    claims(work, 1, Exit.PROPOSAL, cost=480)
    says("ada", "/withdraw")
    in_loomio(work)
    assert (loomio_ledger(work), threads(played)) == ({THREAD_OF_THE_YEAR: "not needed"}, [])

    claims(work, 2, Exit.PROPOSAL, cost=480)
    in_loomio(work)

    assert threads(played) == [TITLE]
    assert [one.title for one in played.polls()] == ["Golden ticket: Idea 2 (GT-0002)"]
    assert standing(work) == [("withdrawn", False), ("proposed", True)]


def test_what_was_only_observed_does_not_keep_the_years_thread_from_those_who_come_later(
    work: Workshop, played: Played, clock: Clock
) -> None:
    silent = replace(PER_YEAR, organisation=replace(PER_YEAR.organisation, mode=Mode.OBSERVE))
    observing = at_work(work, clock, silent)
    claims(observing, 1, Exit.PROPOSAL, cost=480)
    in_loomio(observing)
    assert (loomio_ledger(work), threads(played)) == ({THREAD_OF_THE_YEAR: "withheld"}, [])

    claims(work, 2, Exit.PROPOSAL, cost=480)
    in_loomio(work)

    assert threads(played) == [TITLE]
    assert standing(work) == [("proposed", True), ("proposed", True)]
    assert sorted(one.title for one in played.polls()) == [
        "Golden ticket: Idea 1 (GT-0001)",
        "Golden ticket: Idea 2 (GT-0002)",
    ]


@pytest.mark.parametrize("again", ["/thread", "/proposal"])
def test_a_ticket_with_a_thread_of_its_own_may_change_its_mind_and_back(
    work: Workshop, played: Played, clock: Clock, again: str
) -> None:
    own = at_work(work, clock, PER_TICKET, loomio=lambda _: played.ours)
    claims(own, 1, Exit.THREAD)
    comment = Comment(id=1, author="ada", body="/talk", created_at=clock(), url="https://github.com/c/1")
    follow_comment(own, PER_TICKET, 21, comment)
    in_loomio(own)
    assert (loomio_ledger(own), threads(played)) == ({f"thread:{SLUG}:1": "not needed"}, [])

    follow_comment(own, PER_TICKET, 21, replace(comment, id=2, body=again))
    in_loomio(own)

    assert threads(played) == ["Golden ticket: Idea 1 (GT-0001)"]
    assert standing(own) == [("proposed" if again == "/proposal" else "thread started", True)]


# -- answers that never came -------------------------------------------------------------------------------------------


def test_a_thread_whose_answer_never_came_is_found_again_and_serves_all_who_wait_by_then(
    work: Workshop, played: Played, clock: Clock, says: Says
) -> None:
    claims(work, 1, Exit.PROPOSAL, cost=480)
    fault(played, "/discussions$", "after_502")
    in_loomio(work)
    assert loomio_ledger(work) == {THREAD_OF_THE_YEAR: "sending"}
    claims(work, 2, Exit.PROPOSAL, cost=480)
    says("ada", "/withdraw")
    clock.now += 2 * MINUTE
    in_loomio(work)

    assert threads(played) == [TITLE]
    assert [one.title for one in played.polls()] == ["Golden ticket: Idea 2 (GT-0002)"]
    assert standing(work) == [("withdrawn", False), ("proposed", True)]


@pytest.mark.parametrize("locale", ["en", "de", "es", "fr", "pt_BR"])
def test_what_is_told_in_a_thread_in_any_language_is_found_again_and_not_said_twice(
    work: Workshop, played: Played, clock: Clock, says: Says, locale: str
) -> None:
    work.database.transact(lambda session: setattr(session.get_one(PersonRow, 1), "locale", locale))
    claims(work, 1, Exit.THREAD)
    in_loomio(work)
    [asks] = comments(played)
    fault(played, "/comments$", "after_502")
    says("ada", "/withdraw")
    in_loomio(work)
    assert loomio_ledger(work)[f"thread-withdrawn:{SLUG}:1:2"] == "sending"
    clock.now += 2 * MINUTE
    in_loomio(work)

    assert set(loomio_ledger(work).values()) == {"done"}
    first, second = comments(played)
    assert (first, second[:8]) == (asks, "GT-0001 ")
