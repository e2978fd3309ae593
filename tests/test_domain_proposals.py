"""What a poll means, when it closes and when it is looked at again; a person's outcome outranks every count."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from domain.policy import LoomioPolicy, VoteRule
from domain.proposals import (
    ICON_OF,
    ICONS,
    OptionCount,
    Outcome,
    Poll,
    Reading,
    Result,
    closing_time,
    next_look,
    read,
)
from tests.cast import LOOMIO, a_poll

CLOSED_AT = datetime(2027, 3, 1, 10, 5, tzinfo=UTC)
NOW = CLOSED_AT + timedelta(minutes=10)
MAJORITY = replace(LOOMIO, rule=VoteRule.MAJORITY)


def an_outcome(icon: str | None) -> Outcome:
    return Outcome(id=9, statement="Go, and tell us about it", icon=icon)


def an_option(icon: str | None, voter_count: int, *, test_passed: bool | None = None) -> OptionCount:
    return OptionCount(option_id=50, icon=icon, name="An option", voter_count=voter_count, test_passed=test_passed)


def a_reading(
    result: Result, rule: str, agree: int = 0, abstain: int = 0, disagree: int = 0, block: int = 0
) -> Reading:
    return Reading(result=result, rule=rule, agree=agree, abstain=abstain, disagree=disagree, block=block)


# -- before there is anything to count ---------------------------------------------------------------------------------


def test_a_poll_that_was_taken_down_is_cancelled_whatever_was_said_before() -> None:
    poll = a_poll(5, discarded_at=NOW, outcome=an_outcome("agree"))

    assert read(poll, LOOMIO, now=NOW) == Reading(result=Result.CANCELLED, rule="discarded")


@pytest.mark.parametrize(
    ("closing_at", "result", "rule"),
    [
        (NOW + timedelta(seconds=1), Result.OPEN, ""),
        (NOW, Result.LAPSED, ""),
        (NOW - timedelta(hours=1, minutes=59, seconds=59), Result.LAPSED, ""),
        (NOW - timedelta(hours=2), Result.LAPSED, "not closed by Loomio"),
        (NOW - timedelta(days=30), Result.LAPSED, "not closed by Loomio"),
        (None, Result.OPEN, ""),
    ],
    ids=["open", "just lapsed", "almost two hours late", "two hours late", "its job never ran", "a draft"],
)
def test_nothing_is_counted_before_loomio_has_closed_the_poll(
    closing_at: datetime | None, result: Result, rule: str
) -> None:
    poll = a_poll(5, block=1, closed_at=None, closing_at=closing_at)

    assert read(poll, LOOMIO, now=NOW) == Reading(result=result, rule=rule)


def test_counts_that_loomio_shows_before_the_closing_are_not_passed_on() -> None:
    # `until_vote` hides them from people, and yet the API gives them (facts on Loomio, 3.4).
    poll = a_poll(5, 1, closed_at=None, closing_at=NOW + timedelta(days=1))

    assert read(poll, LOOMIO, now=NOW) == Reading(result=Result.OPEN)


def test_a_poll_that_was_reopened_is_open_and_then_read_anew() -> None:
    closed = a_poll(5)
    reopened = replace(closed, closed_at=None, closing_at=NOW + timedelta(days=3))
    closed_again = replace(a_poll(5, disagree=1), closed_at=NOW + timedelta(days=3))

    readings = [read(closed, LOOMIO, now=NOW), read(reopened, LOOMIO, now=NOW)]
    readings.append(read(closed_again, LOOMIO, now=NOW + timedelta(days=4)))

    assert readings == [
        a_reading(Result.CONSENTED, "consent", 5),
        Reading(result=Result.OPEN),
        a_reading(Result.OBJECTION, "consent", 5, disagree=1),
    ]
    assert len({one.fingerprint() for one in readings}) == 3


def test_the_outcome_of_a_poll_that_was_reopened_waits_for_its_closing() -> None:
    poll = a_poll(5, closed_at=None, closing_at=NOW + timedelta(days=1), outcome=an_outcome("agree"))

    assert read(poll, LOOMIO, now=NOW) == Reading(result=Result.OPEN)


# -- a person's outcome ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("icon", "result"),
    [
        ("agree", Result.CONSENTED),
        ("disagree", Result.OBJECTION),
        ("block", Result.OBJECTION),
        ("abstain", Result.NO_DECISION),
        (None, Result.PEOPLE_SAID),
        ("thumbs-up", Result.PEOPLE_SAID),
    ],
)
def test_a_persons_outcome_outranks_the_count(icon: str | None, result: Result) -> None:
    poll = a_poll(1, 1, 1, 1, quorum_count=8, outcome=an_outcome(icon))

    assert read(poll, LOOMIO, now=NOW) == Reading(
        result=result,
        rule="human outcome",
        agree=1,
        abstain=1,
        disagree=1,
        block=1,
        statement="Go, and tell us about it",
        outcome_id=9,
    )


def test_a_persons_outcome_is_read_while_the_results_are_hidden() -> None:
    assert read(a_poll(counts=None, outcome=an_outcome("agree")), LOOMIO, now=NOW) == Reading(
        result=Result.CONSENTED, rule="human outcome", statement="Go, and tell us about it", outcome_id=9
    )


# -- the count ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "votes", "result", "rule"),
    [
        (LOOMIO, (3, 0, 0, 0), Result.CONSENTED, "consent"),
        (LOOMIO, (1, 5, 0, 0), Result.CONSENTED, "consent"),
        (LOOMIO, (9, 0, 1, 0), Result.OBJECTION, "consent"),
        (LOOMIO, (9, 0, 0, 1), Result.OBJECTION, "block"),
        (LOOMIO, (9, 0, 1, 1), Result.OBJECTION, "block"),
        (LOOMIO, (0, 3, 0, 0), Result.NO_DECISION, "nobody agreed"),
        (LOOMIO, (0, 0, 0, 0), Result.NO_DECISION, "nobody agreed"),
        (MAJORITY, (3, 0, 2, 0), Result.CONSENTED, "majority"),
        (MAJORITY, (3, 9, 2, 0), Result.CONSENTED, "majority"),
        (MAJORITY, (2, 0, 2, 0), Result.NO_DECISION, "majority"),
        (MAJORITY, (2, 0, 3, 0), Result.OBJECTION, "majority"),
        (MAJORITY, (9, 0, 0, 1), Result.OBJECTION, "block"),
        (MAJORITY, (0, 3, 2, 0), Result.NO_DECISION, "nobody agreed"),
        (replace(MAJORITY, majority_percent=66), (2, 0, 1, 0), Result.CONSENTED, "majority"),
        (replace(MAJORITY, majority_percent=67), (2, 0, 1, 0), Result.NO_DECISION, "majority"),
        (replace(MAJORITY, majority_percent=75), (3, 0, 1, 0), Result.NO_DECISION, "majority"),
    ],
)
def test_a_closed_vote_is_read_by_the_policys_rule(
    policy: LoomioPolicy, votes: tuple[int, int, int, int], result: Result, rule: str
) -> None:
    assert read(a_poll(*votes), policy, now=NOW) == a_reading(result, rule, *votes)


@pytest.mark.parametrize(
    ("decided_count", "result"), [(4, Result.NO_QUORUM), (5, Result.CONSENTED), (None, Result.NO_QUORUM)]
)
def test_under_quorum_nothing_is_decided(decided_count: int | None, result: Result) -> None:
    poll = a_poll(3, 1, quorum_count=5, decided_count=decided_count)

    rule = "quorum" if result is Result.NO_QUORUM else "consent"
    assert read(poll, LOOMIO, now=NOW) == a_reading(result, rule, 3, 1)


@pytest.mark.parametrize(
    ("quorum_percent", "result"),
    [(50, Result.CONSENTED), (51, Result.NO_QUORUM), (100, Result.NO_QUORUM), (None, Result.CONSENTED)],
)
def test_without_a_quorum_of_loomios_own_the_policys_share_of_those_asked_counts(
    quorum_percent: int | None, result: Result
) -> None:
    rule = "quorum" if result is Result.NO_QUORUM else "consent"
    policy = replace(LOOMIO, quorum_percent=quorum_percent)

    assert read(a_poll(3, 1, voters_count=8), policy, now=NOW) == a_reading(result, rule, 3, 1)


def test_loomios_own_quorum_goes_before_the_policys() -> None:
    policy = replace(LOOMIO, quorum_percent=100)

    assert read(a_poll(3, quorum_count=2), policy, now=NOW) == a_reading(Result.CONSENTED, "consent", 3)


def test_consent_and_objection_are_read_like_agree_and_disagree() -> None:
    named = (replace(an_option("agree", 4), name="Consent"), replace(an_option("disagree", 1), name="Objection"))

    assert read(a_poll(counts=named), LOOMIO, now=NOW) == a_reading(Result.OBJECTION, "consent", 4, disagree=1)
    assert read(a_poll(counts=named[:1]), LOOMIO, now=NOW) == a_reading(Result.CONSENTED, "consent", 4)


def test_every_word_that_loomio_knows_has_an_icon_that_is_counted() -> None:
    assert {ICON_OF[word] for word in ("consent", "looks_good", "accept")} == {"agree"}
    assert {ICON_OF[word] for word in ("objection", "object", "decline")} == {"disagree"}
    assert ICON_OF["veto"] == "block"
    assert set(ICON_OF.values()) == set(ICONS)


def test_under_quorum_even_a_block_decides_nothing() -> None:
    assert read(a_poll(block=1, quorum_count=5), LOOMIO, now=NOW) == a_reading(Result.NO_QUORUM, "quorum", block=1)


def test_an_option_whose_own_rule_did_not_hold_decides_nothing() -> None:
    poll = a_poll(counts=(an_option("agree", 3, test_passed=False), an_option("abstain", 1, test_passed=True)))

    assert read(poll, LOOMIO, now=NOW) == a_reading(Result.NO_DECISION, "option rule", 3, 1)


def test_options_are_known_by_icon_and_counted_together() -> None:
    poll = a_poll(counts=(an_option("agree", 2), an_option("agree", 1), an_option("abstain", 0)))

    assert read(poll, LOOMIO, now=NOW) == a_reading(Result.CONSENTED, "consent", 3)


@pytest.mark.parametrize("icon", [None, "thumbs-up"])
def test_votes_for_an_option_nobody_knows_are_left_to_people(icon: str | None) -> None:
    poll = a_poll(counts=(an_option("agree", 3), an_option(icon, 1)))

    assert read(poll, LOOMIO, now=NOW) == Reading(result=Result.UNREADABLE, rule="unknown option")


def test_an_option_nobody_knows_and_nobody_chose_is_harmless() -> None:
    poll = a_poll(counts=(an_option("agree", 3), an_option(None, 0)))

    assert read(poll, LOOMIO, now=NOW) == a_reading(Result.CONSENTED, "consent", 3)


@pytest.mark.parametrize(
    ("since_closing", "result"),
    [(timedelta(minutes=59, seconds=59), Result.LAPSED), (timedelta(hours=1), Result.UNREADABLE)],
)
def test_results_hidden_after_the_closing_get_an_hour_before_people_are_asked(
    since_closing: timedelta, result: Result
) -> None:
    assert read(a_poll(counts=None), LOOMIO, now=CLOSED_AT + since_closing) == Reading(
        result=result, rule="results hidden"
    )


# -- fingerprints ------------------------------------------------------------------------------------------------------

BASE = Reading(result=Result.CONSENTED, rule="consent", agree=3)


def test_a_fingerprint_is_one_word() -> None:
    assert BASE.fingerprint() == "consented:consent:3-0-0-0:"
    reading = Reading(result=Result.NO_DECISION, rule="human outcome", abstain=2, outcome_id=9)
    assert reading.fingerprint() == "no-decision:human-outcome:0-2-0-0:9"
    assert replace(reading, statement="Not now").fingerprint() == "no-decision:human-outcome:0-2-0-0:9-a0e63d7c"


def test_an_outcome_that_is_replaced_or_whose_words_are_edited_is_a_new_reading() -> None:
    first = a_poll(5, outcome=an_outcome("agree"))
    edited = replace(first, outcome=replace(an_outcome("agree"), statement="Go, and share it by June"))
    replaced = replace(first, outcome=replace(an_outcome("agree"), id=10))

    found = [read(one, LOOMIO, now=NOW).fingerprint() for one in (first, first, edited, replaced)]

    assert found[0] == found[1]
    assert len(set(found)) == 3


@pytest.mark.parametrize(
    "change",
    [
        {"result": Result.OBJECTION},
        {"rule": "majority"},
        {"agree": 4},
        {"abstain": 1},
        {"disagree": 1},
        {"block": 1},
        {"outcome_id": 1},
        {"statement": "Go"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_fingerprint_changes_with_what_the_reading_says(change: dict[str, Any]) -> None:
    assert replace(BASE, **change).fingerprint() != BASE.fingerprint()


# -- closing -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "closes_at"),
    [
        (datetime(2027, 3, 2, 9, 30, tzinfo=UTC), datetime(2027, 3, 9, 10, 0, tzinfo=UTC)),
        (datetime(2027, 3, 2, 9, 0, tzinfo=UTC), datetime(2027, 3, 9, 9, 0, tzinfo=UTC)),
        (datetime(2027, 3, 2, 9, 0, 0, 1, tzinfo=UTC), datetime(2027, 3, 9, 10, 0, tzinfo=UTC)),
        (datetime(2027, 12, 31, 23, 59, 59, tzinfo=UTC), datetime(2028, 1, 8, 0, 0, tzinfo=UTC)),
        (
            datetime(2027, 3, 2, 9, 0, tzinfo=timezone(timedelta(hours=5, minutes=45))),
            datetime(2027, 3, 9, 4, 0, tzinfo=UTC),
        ),
    ],
    ids=["half past", "on the hour", "just after it", "over the year", "asked in Kathmandu"],
)
def test_a_proposal_closes_on_a_whole_hour_and_never_early(now: datetime, closes_at: datetime) -> None:
    found = closing_time(LOOMIO, now=now)

    assert found == closes_at
    assert found.tzinfo is UTC


# -- looking again -----------------------------------------------------------------------------------------------------

CLOSING_AT = datetime(2027, 3, 1, 10, 0, tzinfo=UTC)
AN_OPEN_POLL = a_poll(closed_at=None, closing_at=CLOSING_AT)


@pytest.mark.parametrize(
    ("poll", "now", "look_at"),
    [
        (AN_OPEN_POLL, CLOSING_AT - timedelta(days=2), CLOSING_AT - timedelta(days=2) + timedelta(minutes=10)),
        (AN_OPEN_POLL, CLOSING_AT - timedelta(minutes=4), CLOSING_AT),
        (AN_OPEN_POLL, CLOSING_AT, CLOSING_AT + timedelta(minutes=2)),
        (AN_OPEN_POLL, CLOSING_AT + timedelta(minutes=59), CLOSING_AT + timedelta(minutes=61)),
        (AN_OPEN_POLL, CLOSING_AT + timedelta(hours=1), CLOSING_AT + timedelta(minutes=70)),
        (replace(AN_OPEN_POLL, closing_at=None), CLOSING_AT, CLOSING_AT + timedelta(minutes=10)),
        (a_poll(3), CLOSED_AT, CLOSED_AT + timedelta(hours=1)),
        (a_poll(3), CLOSED_AT + timedelta(days=29, hours=23), CLOSED_AT + timedelta(days=30)),
        (a_poll(3), CLOSED_AT + timedelta(days=30), None),
        (replace(AN_OPEN_POLL, discarded_at=CLOSING_AT), CLOSING_AT, None),
    ],
    ids=[
        "long before closing",
        "shortly before closing",
        "at closing",
        "in the hour after",
        "when Loomio stays behind",
        "without a closing time",
        "closed",
        "closed almost a month ago",
        "closed a month ago",
        "taken down",
    ],
)
def test_a_poll_is_looked_at_most_often_when_people_wait_for_it(
    poll: Poll, now: datetime, look_at: datetime | None
) -> None:
    assert next_look(poll, LOOMIO, now=now) == look_at
