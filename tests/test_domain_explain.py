"""`explain`: each rule's word about one day, and a conclusion that is always the plan's."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from config.policy import load_policy
from domain.course import Message
from domain.explain import Explained, Explanation, Outcome, What, explain
from domain.moments import Held, How, Standing, moments_of
from domain.parts import ASKS, Ask
from domain.people import OwnRhythm, Pause, Snooze
from domain.planner import plan
from domain.policy import CapsPolicy, Channel, Policy
from domain.rhythms import Audience, Role, Side, Window, Windows
from domain.rules import own_rhythm
from tests.cast import ADA, BO, BY_MAIL, CY, NOW, POLICY, a_standing, after, by_mail, with_rhythms
from tests.test_commands_plan import BEGINS, ENDS, EVERYTHING, the_team

CHECK_IN = date(2027, 3, 2)  # today, and ada's hour is half an hour away
TALK = Windows(
    windows=(Window(opens="03-01", closes="04-30"),), partners=(Role.MANAGER,), private=True, again_after_days=(30,)
)


@pytest.fixture
def everything(tmp_path: Path) -> Policy:
    file = tmp_path / "fennel.toml"
    file.write_text(EVERYTHING, encoding="utf-8")
    return load_policy(file)


def explained(
    standing: Standing | None = None,
    *others: Standing,
    policy: Policy = POLICY,
    on: date = CHECK_IN,
    now: datetime = NOW,
    rhythm: str | None = None,
    said_by: dict[str, str] | None = None,
) -> Explanation:
    me = standing or a_standing()
    return explain(policy, [me, *others], me.person.id, on, now, rhythm, said_by)


def the_one(found: Explanation) -> Explained:
    [moment] = found.moments
    return moment


def against(found: Explanation) -> list[tuple[str, str]]:
    """What has a word against it, on the day or about its one moment."""
    verdicts = [*found.day, *(one for moment in found.moments for one in moment.verdicts)]
    return [(one.rule, one.why) for one in verdicts if not one.allows]


def silence(found: Explanation) -> str:
    [outcome] = the_one(found).outcomes
    assert outcome.what is What.SILENT
    return outcome.why


# -- one moment --------------------------------------------------------------------------------------------------------


def test_what_goes_out_is_told_with_its_instant_and_way_and_nothing_speaks_against_it() -> None:
    found = explained(said_by={"two-weekly": "the profile 2i2c has it so"})

    assert against(found) == []
    assert the_one(found).outcomes == (
        Outcome(
            what=What.GOES_OUT,
            ask=Ask.FIRST,
            on=CHECK_IN,
            at=datetime(2027, 3, 2, 10, 0, tzinfo=UTC),
            ways=(Channel.GITHUB,),
        ),
    )
    assert [one.why for one in the_one(found).verdicts if one.rule == "rhythm"] == [
        "it is on (the profile 2i2c has it so)"
    ]
    assert not found.past


def test_what_went_out_is_told_from_what_was_asked_with_what_shared_its_message() -> None:
    policy = with_rhythms(replace(POLICY, channels=BY_MAIL), two_weekly=POLICY.rhythms["two-weekly"], talk=TALK)
    me = a_standing(by_mail(ADA))
    [message, *_] = plan(policy, [me], since=NOW, until=NOW + timedelta(days=1)).messages
    later = datetime(2027, 3, 20, 12, 0, tzinfo=UTC)

    found = explained(*after([me], [message]), policy=policy, now=later, rhythm="two-weekly")

    assert found.past
    assert the_one(found).outcomes == (
        Outcome(what=What.WENT_OUT, ask=Ask.FIRST, on=CHECK_IN, at=message.due_at, together_with=("talk",)),
    )
    assert ("asked", "asked on 2027-03-02 (first)") in against(found)


def test_a_past_day_on_which_nothing_went_out_says_that_it_is_over() -> None:
    found = explained(now=datetime(2027, 3, 20, 12, 0, tzinfo=UTC))

    assert silence(found) == "it was over on 2027-03-05, and nothing is known to have gone out"


@pytest.mark.parametrize(
    ("changes", "rule", "why"),
    [
        ({"objective": None}, "needs", "there is no active ILO"),
        (
            {"held": (Held(rhythm="two-weekly", turn="2027-03-02", how=How.NOT_NEEDED, on=CHECK_IN),)},
            "done",
            "not needed on 2027-03-02",
        ),
        ({"snoozes": (Snooze(first_on=CHECK_IN, rhythm="two-weekly"),)}, "snooze", "put off until further notice"),
    ],
)
def test_a_silence_has_the_reason_of_the_rule_that_speaks_against(changes: dict[str, Any], rule: str, why: str) -> None:
    found = explained(a_standing(**changes))

    assert (rule, why) in against(found)
    assert silence(found) == why


def test_an_answer_on_the_goal_is_seen_although_nobody_said_that_it_is_done() -> None:
    me = a_standing()
    assert me.objective is not None
    wrote = replace(me.objective, last_wrote_at=NOW - timedelta(days=1))

    found = explained(replace(me, objective=wrote))

    assert ("done", "they wrote already") in against(found)
    assert silence(found) == "they wrote already"


@pytest.mark.parametrize(
    ("changes", "on", "rule", "why"),
    [
        ({"pauses": (Pause(first_on=CHECK_IN),)}, CHECK_IN, "leave", "on leave until further notice"),
        (
            {"pauses": (Pause(first_on=date(2027, 2, 1), last_on=date(2027, 2, 27)),)},
            CHECK_IN,
            "leave",
            "settling in until 2027-03-06",
        ),
        ({"joined_on": date(2027, 3, 20)}, CHECK_IN, "member", "they join on 2027-03-20"),
        ({"left_on": CHECK_IN}, CHECK_IN, "member", "they left on 2027-03-02"),
        ({}, date(2027, 3, 6), "working day", "Saturday is no working day of theirs"),
        ({}, date(2027, 12, 24), "holiday", "a holiday of the organisation"),
    ],
)
def test_a_day_says_itself_what_is_wrong_with_it(changes: dict[str, Any], on: date, rule: str, why: str) -> None:
    found = explained(a_standing(replace(ADA, **changes)), on=on)

    assert [(one.rule, one.why) for one in found.day if not one.allows] == [(rule, why)]


@pytest.mark.parametrize(
    ("own", "said_by", "why"),
    [
        (None, {"two-weekly": "the organisation's choice"}, "it is on (the organisation's choice)"),
        (OwnRhythm(on=False), {}, "they switched it off for themselves (their own choice)"),
        (
            OwnRhythm(every_days=28),
            {},
            "it is on (the policy says so; every 28 days is their own choice)",
        ),
    ],
)
def test_whose_choice_it_is_goes_from_the_person_to_the_organisation(
    own: OwnRhythm | None, said_by: dict[str, str], why: str
) -> None:
    me = replace(ADA, own_rhythms={"two-weekly": own} if own is not None else {})

    found = explained(a_standing(me), said_by=said_by)

    assert [one.why for one in the_one(found).verdicts if one.rule == "rhythm"] == [why]


def test_the_message_that_took_the_week_is_named() -> None:
    policy = with_rhythms(two_weekly=POLICY.rhythms["two-weekly"], weekly=replace(TALK, private=False))
    me = a_standing()
    [first] = plan(policy, [me], since=NOW - timedelta(days=1), until=NOW).messages
    assert (first.on, [part.rhythm for part in first.parts]) == (date(2027, 3, 1), ["weekly", "two-weekly"])
    alone = first._replace(parts=first.parts[:1])

    found = explained(*after([me], [alone]), policy=policy, rhythm="two-weekly")

    assert ("caps", "the message of 2027-03-01 (weekly) took the week") in against(found)
    assert silence(found) == "another message goes out within the week, and none of its days is left then"


def test_a_rhythm_that_faded_says_so() -> None:
    me = a_standing()
    heard = after([me], plan(POLICY, [me], since=datetime(2027, 2, 16, tzinfo=UTC), until=NOW).messages)

    found = explained(*heard)

    assert ("faded", "the last one found no answer yet; the next comes later") in against(found)


# -- the other side ----------------------------------------------------------------------------------------------------


def test_a_partner_hears_of_each_one_apart() -> None:
    policy = with_rhythms(replace(POLICY, channels=BY_MAIL), talk=TALK)
    ada, bo = (a_standing(by_mail(one, relations={Role.MANAGER: "cy"})) for one in (ADA, BO))
    bo = replace(bo, person=replace(bo.person, pauses=(Pause(first_on=date(2027, 2, 1)),)))

    found = explained(a_standing(by_mail(CY)), ada, bo, policy=policy)

    assert [(one.about, one.side, [it.what for it in one.outcomes]) for one in found.moments] == [
        ("cy", Side.MEMBER, [What.GOES_OUT, What.GOES_OUT]),
        ("ada", Side.PARTNER, [What.GOES_OUT]),
        ("bo", Side.PARTNER, [What.SILENT]),
    ]
    assert found.moments[2].outcomes[0].why == "bo is away"
    assert [one.why for one in found.moments[2].verdicts if not one.allows] == ["bo is away"]


# -- what is not open --------------------------------------------------------------------------------------------------


def test_what_is_not_open_says_when_it_comes_round_next_or_why_it_does_not() -> None:
    soon = Windows(windows=(Window(opens="05-01", closes="05-31"),))
    policy = with_rhythms(
        look_ahead=soon,
        weekly=replace(soon, on=False),
        celebrations=replace(soon, tells=()),
        safe_to_fail=replace(soon, who=Audience.WELL_WORKING),
        spending_asks=replace(soon, not_before="budget"),
    )

    found = explained(policy=policy, said_by={"weekly": "the organisation's choice"})

    assert found.moments == ()
    assert [(one.rhythm, one.next_on, one.why) for one in found.not_open] == [
        ("look-ahead", date(2027, 5, 1), ""),
        ("weekly", None, "switched off (the organisation's choice)"),
        ("celebrations", None, "for the team as a whole; nobody is written to by name"),
        ("safe-to-fail", None, "it is for the well-working group"),
        ("spending-asks", date(2027, 5, 1), "budget is not set for the window from 2027-05-01 to 2027-05-31"),
    ]


def test_a_cap_of_nothing_is_told() -> None:
    found = explained(policy=replace(POLICY, caps=CapsPolicy(per_week=0)))

    assert ("caps", "the cap is 0: nobody hears anything") in against(found)
    assert [one.what for one in the_one(found).outcomes] == [What.SILENT]


def test_nobody_and_nothing_unknown_is_explained() -> None:
    with pytest.raises(KeyError):
        explain(POLICY, [a_standing()], 99, CHECK_IN, NOW)
    with pytest.raises(KeyError):
        explained(rhythm="nonesuch")


# -- the same as the plan ----------------------------------------------------------------------------------------------


def told(found: Explanation, what: What) -> set[tuple[Any, ...]]:
    return {
        (one.rhythm, one.turn, one.side, one.about, outcome.ask, outcome.on)
        for one in found.moments
        for outcome in one.outcomes
        if outcome.what is what
    }


def planned(policy: Policy, standings: Sequence[Standing], messages: Sequence[Message], handle: str, on: date) -> Any:
    """Everything the plan says to a person about moments that are open on a day."""
    by_id = {one.person.id: one for one in standings}
    found = set()
    for message in messages:
        for part in message.parts:
            member = by_id[part.member_id]
            if part.ask is Ask.AVAILABLE:
                is_open = part.counts_from_on <= on <= part.closes_on
            else:
                rhythm = own_rhythm(policy, member.person, part.rhythm)
                open_then = moments_of(policy, part.rhythm, rhythm, member, since=on, until=on)
                is_open = part.turn in [one.turn for one in open_then]
            if is_open and message.handle == handle:
                found.add((part.rhythm, part.turn, part.side, member.person.handle, part.ask, message.on))
    return found


def test_explaining_a_day_agrees_with_the_plan_for_every_rhythm(everything: Policy) -> None:
    standings = the_team()
    messages = plan(everything, standings, since=BEGINS, until=ENDS + timedelta(days=90)).messages
    covered: set[str] = set()
    for on in (date(2027, 1, 5) + timedelta(days=17 * n) for n in range(21)):
        for one in standings:
            found = explain(everything, standings, one.person.id, on, BEGINS)
            assert told(found, What.GOES_OUT) == planned(everything, standings, messages, one.person.handle, on)
            assert told(found, What.WENT_OUT) == set()
            named = {it.rhythm for it in found.moments} | {it.rhythm for it in found.not_open}
            assert named == set(everything.rhythms)
            assert "the plan has nothing about it" not in [it.why for x in found.moments for it in x.outcomes]
            covered |= {it.rhythm for it in found.moments}

    assert {"two-weekly", "big-picture", "onboarding", "ticket-unused", "look-ahead", "buddy-welcome"} <= covered


def test_what_went_out_and_what_goes_out_still_are_told_apart(everything: Policy) -> None:
    standings, now = the_team(), datetime(2027, 3, 10, tzinfo=UTC)
    heard = after(standings, plan(everything, standings, since=BEGINS, until=now).messages)
    messages = plan(everything, heard, since=now, until=now + timedelta(days=120)).messages

    for one in heard:
        found = explain(everything, heard, one.person.id, date(2027, 3, 8), now)

        asked = {(it.rhythm, it.turn, it.ask) for it in one.asked if it.ask in ASKS}
        went_out = {(it[0], it[1], it[4]) for it in told(found, What.WENT_OUT) if it[4] in ASKS}
        assert went_out <= asked
        assert went_out
        assert found.past
        assert told(found, What.GOES_OUT) == planned(everything, heard, messages, one.person.handle, found.on)
