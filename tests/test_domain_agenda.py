"""What a page or a calendar shows of a span of days: the planner's moments, whatever sending makes of them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from config.policy import load_policy
from domain.agenda import Entry, agenda, team_agenda
from domain.moments import Commitment, Held, How, Standing
from domain.parts import ASKS
from domain.people import OwnRhythm, Pause, Person
from domain.planner import plan
from domain.policy import Channel, Policy
from domain.rhythms import Audience, Clock, Interval, Role, Side, Start, TeamPart, Way, Window, Windows
from tests.cast import ADA, BO, CY, DEE, POLICY, a_standing, an_objective, by_mail, with_rhythms

BOTH = (Side.MEMBER, Side.PARTNER)
SPRING = Windows(windows=(Window(opens="03-01", closes="04-30"),), partners=(Role.MANAGER,), tells=BOTH, private=True)
RECAP = Windows(windows=(Window(opens="12-06", closes="12-17"),), tells=(Side.MEMBER,))
SPAN = {"since": date(2027, 3, 2), "until": date(2027, 3, 2)}
YEAR = {"since": date(2027, 1, 1), "until": date(2027, 12, 31)}
ADA_WITH_CY = replace(ADA, relations={Role.MANAGER: "cy"})
ADAS_SPRING = Entry(
    rhythm="spring",
    turn="2027",
    side=Side.MEMBER,
    member_id=ADA.id,
    opens_on=date(2027, 3, 1),
    closes_on=date(2027, 4, 30),
    private=True,
)


def shown(
    policy: Policy, reader: Standing, *others: Standing, span: dict[str, date] = SPAN
) -> list[tuple[str, str, Side | None, int | None]]:
    return [(one.rhythm, one.turn, one.side, one.member_id) for one in agenda(policy, reader, others, **span)]


def test_a_moment_is_shown_with_its_first_and_last_day_and_whether_it_is_private() -> None:
    assert agenda(with_rhythms(spring=SPRING), a_standing(), (), **SPAN) == (ADAS_SPRING,)


@pytest.mark.parametrize(
    ("since", "until", "is_shown"),
    [
        (date(2027, 1, 1), date(2027, 2, 28), False),
        (date(2027, 2, 1), date(2027, 3, 1), True),
        (date(2027, 4, 30), date(2027, 5, 9), True),
        (date(2027, 5, 1), date(2027, 5, 9), False),
    ],
)
def test_what_is_open_on_some_day_of_the_span_is_shown(since: date, until: date, is_shown: bool) -> None:
    assert bool(shown(with_rhythms(spring=SPRING), a_standing(), span={"since": since, "until": until})) is is_shown


def test_entries_come_in_the_order_in_which_they_open() -> None:
    policy = with_rhythms(recap=RECAP, spring=SPRING)
    assert [one[0] for one in shown(policy, a_standing(), span=YEAR)] == ["spring", "recap"]


@pytest.mark.parametrize(
    "changes",
    [
        {"held": (Held(rhythm="spring", turn="2027", how=How.HELD, on=date(2027, 3, 1)),)},
        {"held": (Held(rhythm="spring", turn="2027", how=How.NOT_NEEDED, on=date(2027, 3, 1)),)},
        {"person": replace(ADA, own_rhythms={"spring": OwnRhythm(on=False)})},
        {"person": replace(ADA, left_on=date(2027, 3, 1))},
        {"person": replace(ADA, joined_on=date(2027, 5, 1))},
    ],
)
def test_what_is_done_switched_off_or_outside_their_time_here_is_left_out(changes: dict[str, Any]) -> None:
    assert shown(with_rhythms(spring=SPRING), a_standing(**changes)) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"on": False},
        {"who": Audience.COORDINATORS},
        {"choice": "career-talk"},
        {"tells": ()},
        {"not_before": "goals_set_on"},
    ],
)
def test_what_is_off_not_for_them_not_chosen_or_without_dates_is_left_out(changes: dict[str, Any]) -> None:
    assert shown(with_rhythms(spring=replace(SPRING, **changes)), a_standing()) == []


def test_done_in_another_turn_is_not_done_in_this_one() -> None:
    held = (Held(rhythm="spring", turn="2026", how=How.HELD, on=date(2026, 3, 1)),)
    assert len(shown(with_rhythms(spring=SPRING), a_standing(held=held))) == 1


def test_what_they_wrote_already_is_left_out() -> None:
    wrote_at = datetime(2027, 3, 1, 12, tzinfo=UTC)
    assert len(shown(POLICY, a_standing())) == 1
    assert shown(POLICY, a_standing(objective=an_objective(11, last_wrote_at=wrote_at))) == []


def test_being_on_leave_and_out_of_reach_of_any_message_does_not_matter_to_who_looks() -> None:
    away = replace(ADA, mail=None, channel=Channel.PAGE, pauses=(Pause(first_on=date(2027, 2, 1)),))
    assert len(shown(with_rhythms(spring=SPRING), a_standing(away))) == 1


def test_dates_that_move_move_the_same_turn() -> None:
    later = replace(SPRING, windows=(Window(opens="03-08", closes="05-15"),))
    (moved,) = agenda(with_rhythms(spring=later), a_standing(), (), **YEAR)
    assert moved == replace(ADAS_SPRING, opens_on=date(2027, 3, 8), closes_on=date(2027, 5, 15))


def test_a_window_that_ends_on_leap_day_ends_on_the_28th_in_other_years() -> None:
    policy = with_rhythms(recap=replace(RECAP, windows=(Window(opens="02-10", closes="02-29"),)))
    found = agenda(policy, a_standing(), (), since=date(2027, 1, 1), until=date(2028, 12, 31))
    assert [one.closes_on for one in found] == [date(2027, 2, 28), date(2028, 2, 29)]


# -- at somebody's side ------------------------------------------------------------------------------------------------


def test_a_partner_sees_the_members_moment_beside_their_own() -> None:
    found = shown(with_rhythms(spring=SPRING), a_standing(CY), a_standing(ADA_WITH_CY), a_standing(BO))
    assert found == [("spring", "2027", Side.MEMBER, CY.id), ("spring", "2027", Side.PARTNER, ADA.id)]


def test_it_does_not_matter_whether_the_person_is_among_the_others() -> None:
    others = (a_standing(ADA_WITH_CY), a_standing(CY))
    policy = with_rhythms(spring=SPRING)
    assert agenda(policy, a_standing(CY), others, **SPAN) == agenda(policy, a_standing(CY), others[:1], **SPAN)


@pytest.mark.parametrize(
    "member",
    [
        a_standing(ADA_WITH_CY, held=(Held(rhythm="spring", turn="2027", how=How.HELD, on=date(2027, 3, 1)),)),
        a_standing(replace(ADA_WITH_CY, left_on=date(2027, 2, 1))),
        a_standing(replace(ADA_WITH_CY, joined_on=date(2027, 6, 1))),
        a_standing(replace(ADA_WITH_CY, own_rhythms={"spring": OwnRhythm(on=False)})),
        a_standing(replace(ADA, relations={Role.COACH: "cy"})),
    ],
)
def test_a_partner_sees_nothing_of_what_is_done_off_or_not_theirs(member: Standing) -> None:
    assert shown(with_rhythms(spring=replace(SPRING, tells=(Side.PARTNER,))), a_standing(CY), member) == []


def test_a_partner_who_switched_it_off_for_themselves_sees_nothing_of_it() -> None:
    cy = a_standing(replace(CY, own_rhythms={"spring": OwnRhythm(on=False)}))
    assert shown(with_rhythms(spring=SPRING), cy, a_standing(ADA_WITH_CY)) == []


def test_what_the_member_wrote_does_not_hide_the_talk_from_the_partner_as_the_planner_has_it() -> None:
    rhythm = replace(SPRING, tells=(Side.PARTNER,), done_by=(Way.WROTE,))
    ada = a_standing(ADA_WITH_CY, objective=an_objective(11, last_wrote_at=datetime(2027, 3, 1, 12, tzinfo=UTC)))
    assert shown(with_rhythms(spring=rhythm), a_standing(CY), ada) == [("spring", "2027", Side.PARTNER, ADA.id)]


def test_the_fallback_contact_stands_in_for_who_has_left() -> None:
    policy = with_rhythms(spring=SPRING)
    policy = replace(policy, organisation=replace(policy.organisation, fallback_contact="bo"))
    gone = a_standing(replace(CY, left_on=date(2027, 1, 1)))
    found = shown(policy, a_standing(BO), a_standing(ADA_WITH_CY), gone)
    assert ("spring", "2027", Side.PARTNER, ADA.id) in found


def test_who_leaves_before_it_opens_has_no_part_in_it() -> None:
    policy, ada = with_rhythms(spring=SPRING), a_standing(ADA_WITH_CY)
    entry = ("spring", "2027", Side.PARTNER, ADA.id)
    for left_on, has_a_part in ((date(2027, 3, 1), False), (date(2027, 3, 2), True)):
        assert (entry in shown(policy, a_standing(replace(CY, left_on=left_on)), ada, span=YEAR)) is has_a_part


def test_a_partner_sees_nothing_that_has_no_dates() -> None:
    policy = with_rhythms(spring=replace(SPRING, not_before="goals_set_on"))
    assert shown(policy, a_standing(CY), a_standing(ADA_WITH_CY)) == []


def test_a_partner_sees_nothing_that_only_coordinators_hear_of() -> None:
    policy = with_rhythms(spring=replace(SPRING, tells=(Side.COORDINATOR,)))
    assert shown(policy, a_standing(BO), a_standing(replace(ADA, relations={Role.MANAGER: "bo"}))) == []


def test_who_made_a_promise_sees_when_it_is_looked_back_on() -> None:
    rhythm = Clock(since=Start.LOOK_BACK, after_days=(0,), open_days=30, tells=BOTH, private=True)
    promise = Commitment(id=9, promised_by="bo", made_on=date(2026, 12, 1), look_back_on=date(2027, 3, 1))
    ada = a_standing(ADA_WITH_CY, commitments=(promise,))
    policy = with_rhythms(look_back=rhythm)
    assert shown(policy, a_standing(BO), ada, a_standing(CY)) == [
        ("look-back", "promise9-d0", Side.PARTNER, ADA.id),
    ]
    assert shown(policy, a_standing(CY), ada, a_standing(BO)) == []


def test_a_coordinator_sees_a_newcomer_whom_nobody_welcomes_before_they_have_joined() -> None:
    rhythm = Clock(
        since=Start.JOINED,
        after_days=(-7,),
        open_days=4,
        partners=(Role.BUDDY,),
        tells=(Side.PARTNER, Side.COORDINATOR),
    )
    policy, new = with_rhythms(buddy_welcome=rhythm), replace(DEE, joined_on=date(2027, 3, 9))
    entry = ("buddy-welcome", "d-7", Side.COORDINATOR, DEE.id)
    assert shown(policy, a_standing(CY), a_standing(new), a_standing(BO)) == [entry]
    assert shown(policy, a_standing(BO), a_standing(new), a_standing(CY)) == []
    welcomed = a_standing(replace(new, relations={Role.BUDDY: "bo"}))
    assert shown(policy, a_standing(CY), welcomed, a_standing(BO)) == []
    assert shown(policy, a_standing(BO), welcomed, a_standing(CY)) == [
        ("buddy-welcome", "d-7", Side.PARTNER, DEE.id),
    ]


# -- the planner and the agenda ----------------------------------------------------------------------------------------


def everything(tmp_path: Path) -> Policy:
    file = tmp_path / "fennel.toml"
    example = Path(__file__).parent.parent / "config/organisations/example.toml"
    file.write_text(example.read_text(encoding="utf-8").replace('"2i2c"', '"everything"', 1), encoding="utf-8")
    policy = load_policy(file)
    return replace(policy, channels=replace(policy.channels, sender="Trellis <trellis@fennel.example>"))


def everybody() -> Sequence[Standing]:
    def one(person: Person, **changes: Any) -> Standing:
        return a_standing(by_mail(person, joined_on=date(2026, 10, 5), choices=frozenset({"career-talk"})), **changes)

    held = tuple(
        Held(rhythm=name, turn="2027-1", how=How.HELD, on=date(2027, 3, 20)) for name in ("big-picture", "approach")
    )
    promise = Commitment(id=9, promised_by="cy", made_on=date(2027, 1, 1), look_back_on=date(2027, 5, 3))
    relations = {Role.MANAGER: "cy", Role.BUDDY: "bo", Role.TRUSTED: "dee"}
    ada = one(replace(ADA, relations=relations), held=held, commitments=(promise,))
    return ada, one(replace(BO, relations={Role.MANAGER: "ada"})), one(CY), one(replace(DEE, well_working=True))


@pytest.mark.parametrize("handle", ["ada", "bo", "cy", "dee"])
def test_whatever_anybody_is_asked_in_a_year_is_in_their_agenda(handle: str, tmp_path: Path) -> None:
    policy, standings = everything(tmp_path), everybody()
    reader = next(one for one in standings if one.person.handle == handle)
    since = datetime(2027, 1, 4, tzinfo=UTC)
    outlook = plan(policy, standings, since=since, until=since + timedelta(days=365), only=(reader.person.id,))
    asked = {
        (part.rhythm, part.turn, part.side, part.member_id, part.closes_on, part.private)
        for message in outlook.messages
        for part in message.parts
        if part.ask in ASKS
    }
    entries = agenda(policy, reader, standings, since=since.date(), until=since.date() + timedelta(days=366))
    shown_there = {(one.rhythm, one.turn, one.side, one.member_id, one.closes_on, one.private) for one in entries}
    assert len(asked) > 20
    assert asked - shown_there == set()


def test_no_entry_comes_twice(tmp_path: Path) -> None:
    policy, standings = everything(tmp_path), everybody()
    for reader in standings:
        keys = [(one.rhythm, one.turn, one.side, one.member_id) for one in agenda(policy, reader, standings, **YEAR)]
        assert len(keys) == len(set(keys)) > 10


# -- the team ----------------------------------------------------------------------------------------------------------


def team(policy: Policy) -> list[str]:
    return [one.rhythm for one in team_agenda(policy, **YEAR)]


def test_the_teams_agenda_names_nobody_and_holds_no_secret() -> None:
    (entry,) = team_agenda(with_rhythms(spring=replace(SPRING, team=TeamPart.THREAD)), **YEAR)
    assert entry == replace(ADAS_SPRING, side=None, member_id=None, private=False)


def test_the_team_sees_what_opens_for_all_and_the_windows_of_all_that_are_not_private() -> None:
    sharing = Interval(anchor_on=date(2027, 1, 11), every_months=6, open_days=21, tells=(), team=TeamPart.THREAD)
    assert team(with_rhythms(recap=RECAP, sharing=sharing)) == ["sharing", "sharing", "recap"]


@pytest.mark.parametrize(
    "changes",
    [
        {"private": True},
        {"on": False},
        {"who": Audience.WELL_WORKING},
        {"choice": "career-talk"},
        {"before": "budget_final_on"},
    ],
)
def test_the_team_sees_nothing_private_off_for_some_only_or_without_dates(changes: dict[str, Any]) -> None:
    assert team(with_rhythms(recap=RECAP)) == ["recap"]
    assert team(with_rhythms(recap=replace(RECAP, **changes))) == []


def test_the_team_does_not_see_anybodys_own_clock_or_check_in() -> None:
    assert team(POLICY) == []
    assert team(with_rhythms(onboarding=Clock(since=Start.JOINED, after_months=(3,)))) == []
