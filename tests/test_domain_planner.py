"""Who hears what and when: manners, partners, gates, mentions, and every silence with its reason."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import permutations
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from domain.course import Message, Silence
from domain.moments import Asked, Commitment, Held, How, Standing
from domain.parts import Ask
from domain.people import OwnRhythm, Pause, Person, Snooze
from domain.planner import Outlook, plan
from domain.policy import CapsPolicy, Channel, ChannelsPolicy, Policy, TicketPolicy, Weekday, YearRule
from domain.rhythms import (
    Audience,
    Clock,
    Entitlement,
    Interval,
    Need,
    Rhythm,
    Role,
    Side,
    Start,
    TeamPart,
    Way,
    Window,
    Windows,
)
from domain.sending import effect_of
from tests.cast import (
    ADA,
    BO,
    BY_MAIL,
    CY,
    DEE,
    NO_CAP,
    POLICY,
    a_standing,
    after,
    an_objective,
    by_mail,
    with_rhythms,
)

MAILED = replace(POLICY, channels=BY_MAIL)
A = by_mail(ADA)
B = by_mail(BO, zone=None)
C = by_mail(CY, zone=None, working_days=None)
D = by_mail(DEE, zone=None, working_days=None, hours_from=None, hours_until=None)
MEMBER, PARTNER, COORDINATOR = Side.MEMBER, Side.PARTNER, Side.COORDINATOR
MARCH, APRIL = date(2027, 3, 1), date(2027, 4, 1)  # a Monday and a Thursday


def utc(day: date, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


def look(
    policy: Policy,
    *standings: Standing,
    since: date = MARCH,
    until: date = APRIL,
    only: Iterable[int] | None = None,
) -> Outlook:
    wanted = None if only is None else set(only)
    return plan(policy, standings, since=utc(since), until=utc(until), only=wanted, with_silences=True)


def said(outlook: Outlook) -> list[tuple[str, str, list[str]]]:
    """Each message as handle, day and its parts."""
    return [
        (one.handle, one.on.isoformat()[5:], [f"{part.rhythm} {part.ask.value}" for part in one.parts])
        for one in outlook.messages
    ]


def heard(outlook: Outlook) -> set[tuple[str, str, str, str, int]]:
    """Who hears what, whenever and in whatever order."""
    return {
        (one.handle, part.rhythm, part.turn, part.ask.value, part.member_id)
        for one in outlook.messages
        for part in one.parts
    }


def on_days(outlook: Outlook, handle: str = "ada") -> list[str]:
    return [one.on.isoformat()[5:] for one in outlook.messages if one.handle == handle]


def why(outlook: Outlook, rhythm: str, handle: str = "ada") -> list[tuple[str, str]]:
    return [(one.rule, one.why) for one in outlook.silences if (one.rhythm, one.handle) == (rhythm, handle)]


def silences_of(outlook: Outlook, rhythm: str) -> Sequence[Silence]:
    return [one for one in outlook.silences if one.rhythm == rhythm]


def weekly(day: date = MARCH, open_days: int = 2, every_days: int = 7, **changes: Any) -> Interval:
    rhythm = Interval(anchor_on=day, every_days=every_days, open_days=open_days, tells=(MEMBER,))
    return replace(rhythm, **changes)


def once(opens: str, closes: str, **changes: Any) -> Windows:
    return replace(Windows(windows=(Window(opens=opens, closes=closes),), tells=(MEMBER,)), **changes)


# -- own days and hours ------------------------------------------------------------------------------------------------


def test_everybody_is_written_to_on_their_own_day_and_in_their_own_hours() -> None:
    found = look(POLICY, *[a_standing(one) for one in (ADA, BO, CY, DEE)], until=date(2027, 3, 8))

    assert [(one.handle, one.due_at) for one in found.messages] == [
        ("bo", datetime(2027, 3, 2, 4, 15, tzinfo=UTC)),
        ("cy", datetime(2027, 3, 2, 9, 0, tzinfo=UTC)),
        ("ada", datetime(2027, 3, 2, 10, 0, tzinfo=UTC)),
        ("dee", datetime(2027, 3, 3, 21, 0, tzinfo=UTC)),  # Wednesday, their first working day, 10:00 there
    ]


def test_the_span_has_its_first_instant_and_not_its_last() -> None:
    due = datetime(2027, 3, 2, 10, 0, tzinfo=UTC)
    day = timedelta(days=1)

    assert [one.due_at for one in plan(POLICY, [a_standing()], since=due, until=due + day).messages] == [due]
    assert plan(POLICY, [a_standing()], since=due - day, until=due).messages == ()
    assert plan(POLICY, [a_standing()], since=due, until=due).messages == ()


def test_what_could_have_been_said_before_waits_for_the_first_hour_of_theirs() -> None:
    def first(since: datetime) -> datetime:
        return plan(POLICY, [a_standing()], since=since, until=since + timedelta(days=3)).messages[0].due_at

    assert first(utc(date(2027, 3, 2), 11, 30)) == utc(date(2027, 3, 2), 11, 30)
    assert first(utc(date(2027, 3, 2), 16, 59)) == utc(date(2027, 3, 2), 16, 59)
    assert first(utc(date(2027, 3, 2), 17, 0)) == utc(date(2027, 3, 3), 10, 0)
    assert first(utc(date(2027, 3, 3), 3, 0)) == utc(date(2027, 3, 3), 10, 0)


def test_an_hour_outside_a_persons_own_becomes_their_first() -> None:
    late, early = replace(A, hours_from=time(11)), replace(A, hours_until=time(10))

    assert [one.due_at.hour for one in look(POLICY, a_standing(late), until=date(2027, 3, 8)).messages] == [11]
    assert [one.due_at.hour for one in look(POLICY, a_standing(early), until=date(2027, 3, 8)).messages] == [9]


def test_a_clock_change_never_pushes_a_message_out_of_its_persons_hours() -> None:
    """The clock skips 02:00 to 03:00, which are all the hours this person has; the next day has them again."""
    night = replace(A, zone=ZoneInfo("Europe/Berlin"), hours_from=time(2), hours_until=time(3))
    policy = with_rhythms(MAILED, spring=once("03-28", "03-30"))

    found = look(policy, a_standing(replace(night, working_days=tuple(Weekday))))

    assert [one.due_at for one in found.messages] == [datetime(2027, 3, 29, 0, 0, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("person", "day"),
    [
        (replace(A, pauses=(Pause(first_on=MARCH, last_on=date(2027, 3, 3)),)), "03-04"),
        (replace(A, pauses=(Pause(first_on=date(2027, 2, 18), last_on=MARCH),)), "03-09"),
        (replace(A, joined_on=date(2027, 3, 3)), "03-10"),
        (replace(A, working_days=(Weekday.FRI,)), "03-05"),
        (replace(A, holidays_of="PT"), "03-03"),
        (replace(A, left_on=date(2027, 3, 2)), "03-01"),
    ],
    ids=["leave", "settling in after long leave", "settling in after joining", "Fridays", "holidays", "leaving"],
)
def test_a_message_waits_for_the_first_day_that_is_theirs(person: Person, day: str) -> None:
    policy = replace(
        with_rhythms(MAILED, spring=once("03-01", "03-20")),
        public_holidays={"PT": {MARCH, date(2027, 3, 2)}},
    )

    assert on_days(look(policy, a_standing(person))) == [day]


@pytest.mark.parametrize(
    "person",
    [
        replace(A, pauses=(Pause(first_on=MARCH),)),
        replace(A, pauses=(Pause(first_on=MARCH, last_on=date(2027, 3, 20)),)),
        replace(A, left_on=MARCH),
        replace(A, joined_on=date(2027, 3, 14)),
        replace(A, working_days=()),
    ],
)
def test_a_moment_without_a_day_of_theirs_is_left_out_and_says_why(person: Person) -> None:
    found = look(with_rhythms(MAILED, spring=once("03-01", "03-20")), a_standing(person))

    assert found.messages == ()
    assert why(found, "spring") == [("day", "no working day of theirs while it is open (leave, holiday, days off)")]


# -- caps --------------------------------------------------------------------------------------------------------------


def test_what_waits_on_one_day_is_one_message() -> None:
    policy = with_rhythms(MAILED, spring=once("03-01", "04-30"), quarter=once("03-01", "03-31"), log=weekly())

    found = look(policy, a_standing(A), until=date(2027, 3, 8))

    assert [(handle, day, sorted(parts)) for handle, day, parts in said(found)] == [
        ("ada", "03-01", ["log first", "quarter first", "spring first"])
    ]


@pytest.mark.parametrize(
    ("per_week", "days"),
    [
        (1, ["03-01", "03-08"]),
        (2, ["03-01", "03-02", "03-08", "03-09"]),
        (3, ["03-01", "03-02", "03-03", "03-08", "03-09", "03-10"]),
        (7, ["03-01", "03-02", "03-03", "03-04", "03-05", "03-08", "03-09", "03-10"]),
        (0, []),
    ],
)
def test_a_rolling_week_holds_so_many_messages_and_a_day_holds_one(per_week: int, days: list[str]) -> None:
    """Eight things, one wanted on each working day from 1 March on, each open for long."""
    rhythms = {f"r{n}": once(f"03-{day:02}", "04-30") for n, day in enumerate((1, 2, 3, 4, 5, 8, 9, 10))}
    policy = with_rhythms(MAILED, caps=CapsPolicy(per_week=per_week), **rhythms)

    found = look(policy, a_standing(A), until=date(2027, 3, 12))

    assert on_days(found) == days


def test_what_would_be_lost_to_the_cap_comes_along_early() -> None:
    policy = with_rhythms(
        MAILED, spring=once("03-01", "04-30"), short=once("03-03", "03-05"), long=once("03-03", "03-20")
    )

    assert said(look(policy, a_standing(A))) == [
        ("ada", "03-01", ["spring first", "short first"]),
        ("ada", "03-08", ["long first"]),
    ]


def test_what_would_be_lost_to_a_cap_of_two_comes_along_early_too() -> None:
    policy = with_rhythms(
        MAILED,
        caps=CapsPolicy(per_week=2),
        one=once("03-01", "04-30"),
        two=once("03-02", "04-30"),
        short=once("03-03", "03-05"),
    )

    found = look(policy, a_standing(A))

    assert ("ada", "short", "2027", "first", 1) in heard(found), why(found, "short")
    assert len(on_days(found)) == 2


def test_what_was_looked_at_early_and_put_off_keeps_its_own_day() -> None:
    """On the 1st, `soon` would come along, were it not put off that day; it is wanted from the 5th on as before."""
    policy = with_rhythms(MAILED, now=once("03-01", "03-31"), soon=once("03-05", "03-07"))
    snooze = Snooze(first_on=MARCH, last_on=MARCH, rhythm="soon")

    found = look(policy, a_standing(A, snoozes=(snooze,)))

    assert [one.on for one in silences_of(found, "soon")] == [date(2027, 3, 5)]


@pytest.mark.timeout(5)
def test_two_things_looked_at_early_and_put_off_do_not_chase_each_other() -> None:
    """Planning went round and round for ever with two of these; with one it did not."""
    soon: dict[str, Any] = {f"soon_{n}": once("03-02", "03-07") for n in (1, 2)}
    policy = with_rhythms(MAILED, now=once("03-01", "03-31"), **soon)
    snoozes = tuple(Snooze(first_on=MARCH, last_on=MARCH, rhythm=f"soon-{n}") for n in (1, 2))

    found = look(policy, a_standing(A, snoozes=snoozes))

    assert said(found) == [("ada", "03-01", ["now first"])]


def test_what_is_lost_to_the_cap_says_so() -> None:
    policy = with_rhythms(MAILED, spring=once("03-02", "03-03"))
    earlier = Asked(
        rhythm="x",
        turn="1",
        side=MEMBER,
        member_id=1,
        ask=Ask.FIRST,
        at=utc(MARCH, 10),
        on=MARCH,
        closes_on=MARCH,
    )

    found = look(policy, a_standing(A, asked=(earlier,)))

    assert found.messages == ()
    assert [rule for rule, _ in why(found, "spring")] == ["caps"]


def test_the_messages_of_one_person_do_not_count_for_another() -> None:
    policy = with_rhythms(MAILED, spring=once("03-01", "04-30"))
    [first] = look(policy, a_standing(A)).messages

    assert on_days(look(policy, *after([a_standing(A), a_standing(B)], [first])), "bo") == ["03-01"]


# -- again, pause, silence ---------------------------------------------------------------------------------------------

SPRING = once("03-01", "04-30", again_after_days=(30, 47))


def test_a_moment_is_asked_about_three_times_and_then_no_more() -> None:
    policy = with_rhythms(MAILED, spring=replace(SPRING, again_after_days=(14, 28, 35, 42)))

    assert said(look(policy, a_standing(A), until=date(2027, 6, 1))) == [
        ("ada", "03-01", ["spring first"]),
        ("ada", "03-15", ["spring again"]),
        ("ada", "03-29", ["spring pause"]),
    ]


def test_the_next_ask_leaves_two_weeks_at_least() -> None:
    late = replace(A, pauses=(Pause(first_on=MARCH, last_on=date(2027, 3, 21)),))
    policy = with_rhythms(MAILED, spring=SPRING)

    assert on_days(look(policy, a_standing(late), until=date(2027, 6, 1))) == ["03-29", "04-12", "04-26"]


@pytest.mark.parametrize("how", list(How))
def test_what_is_done_is_not_asked_about(how: How) -> None:
    held = Held(rhythm="spring", turn="2027", how=how, on=date(2027, 3, 5))
    policy = with_rhythms(MAILED, spring=SPRING)

    found = look(policy, a_standing(A, held=(held,)))

    assert (found.messages, why(found, "spring")) == ((), [("done", f"{how.value} on 2027-03-05")])


TWO_WEEKLY = replace(weekly(date(2027, 1, 5), every_days=14, open_days=3), done_by=(Way.WROTE,), fades=True)
FADING = with_rhythms(MAILED, two_weekly=TWO_WEEKLY)


def the_year(policy: Policy, *standings: Standing, since: date = date(2027, 1, 1)) -> Outlook:
    return look(policy, *standings, since=since, until=date(2028, 1, 1))


def test_a_rhythm_without_an_answer_fades_comes_later_asks_for_a_pause_and_falls_silent() -> None:
    found = the_year(FADING, a_standing(A))

    assert said(found)[:4] == [
        ("ada", "01-05", ["two-weekly first"]),
        ("ada", "02-02", ["two-weekly again"]),
        ("ada", "03-16", ["two-weekly pause"]),
        ("ada", "06-22", ["two-weekly first"]),  # the first turn after 90 days
    ]
    assert {rule for rule, _ in why(found, "two-weekly")} == {"decay"}
    silent = [one for one in found.silences if one.rule == "decay"]
    assert len(silent) + len(found.messages) == 26, "every turn of the year is said or has its reason"


def test_a_fading_rhythm_asks_once_in_a_message_however_many_turns_are_open() -> None:
    """Turns may overlap after downtime, or when one comes along early; the first of two has found no answer yet."""
    often = weekly(every_days=4, open_days=8, fades=True)

    found = look(with_rhythms(MAILED, often=often), a_standing(A), since=date(2027, 3, 8), until=APRIL)

    for one in found.messages:
        assert [part.rhythm for part in one.parts] == ["often"], "asked about once in a message"


@pytest.mark.parametrize("answer", ["wrote", "held", "not needed"])
def test_an_answer_starts_a_fading_rhythm_anew(answer: str) -> None:
    [first, again] = look(FADING, a_standing(A), since=date(2027, 1, 1), until=date(2027, 2, 10)).messages
    [standing] = after([a_standing(A)], [first, again])
    if answer == "wrote":
        standing = replace(standing, objective=an_objective(11, last_wrote_at=utc(date(2027, 2, 3))))
    else:
        held = Held(rhythm="two-weekly", turn="2027-02-02", how=How(answer), on=date(2027, 2, 3))
        standing = replace(standing, held=(held,))

    found = look(FADING, standing, since=date(2027, 2, 10), until=date(2027, 4, 1))

    expected = ["03-02", "03-30"] if answer == "wrote" else ["02-16", "03-16"]  # what was written counts for the 16th
    assert on_days(found) == expected
    assert said(found)[0][2] == ["two-weekly first"]


def test_after_the_third_ask_one_helper_hears_in_private_and_once() -> None:
    member = replace(A, relations={Role.PARTNER: "bo", Role.MANAGER: "dee"})
    found = the_year(FADING, a_standing(member), a_standing(B), a_standing(D))

    told = [(one.handle, one.on, part) for one in found.messages for part in one.parts if part.ask is Ask.AVAILABLE]
    thirds = [one.on for one in found.messages for part in one.parts if part.ask is Ask.PAUSE and part.member_id == 1]
    assert len(thirds) == 2
    mine = [one for one in told if one[2].member_id == 1]
    assert [handle for handle, _, _ in mine] == ["bo", "bo"], "once for each time"
    assert all(part.private and part.side is PARTNER for _, _, part in mine)
    assert all(on > third for (_, on, _), third in zip(mine, thirds, strict=True))


def test_a_helper_does_not_hear_of_it_before_the_person_does() -> None:
    """On Kiritimati it is already tomorrow when ada, in Pago Pago, is asked the third time."""
    member = replace(A, zone=ZoneInfo("Pacific/Pago_Pago"), relations={Role.PARTNER: "bo"})
    helper = replace(B, zone=ZoneInfo("Pacific/Kiritimati"))
    quiet = {"two-weekly": OwnRhythm(on=False)}

    found = the_year(FADING, a_standing(member), a_standing(replace(helper, own_rhythms=quiet)))

    third = next(one for one in found.messages if one.parts[0].ask is Ask.PAUSE)
    told = next(one for one in found.messages if one.parts[0].ask is Ask.AVAILABLE)
    assert told.due_at > third.due_at


def test_a_helper_never_hears_it_by_github() -> None:
    member = replace(ADA, relations={Role.PARTNER: "bo"})
    policy = with_rhythms(POLICY, two_weekly=TWO_WEEKLY)
    both = ChannelsPolicy(order=(Channel.GITHUB, Channel.MAIL), sender="trellis@fennel.example")

    nobody = the_year(policy, a_standing(member), a_standing(BO))
    assert not [part for one in nobody.messages for part in one.parts if part.ask is Ask.AVAILABLE]
    found = the_year(replace(policy, channels=both), a_standing(member), a_standing(B))
    with_it = [one for one in found.messages if any(part.ask is Ask.AVAILABLE for part in one.parts)]
    assert with_it
    assert all(one.ways == (Channel.MAIL,) for one in with_it)


def test_a_helper_is_not_called_to_somebody_who_answered_after_all() -> None:
    member = replace(A, relations={Role.PARTNER: "bo"})
    until = date(2027, 3, 17)
    messages = look(FADING, a_standing(member), since=date(2027, 1, 1), until=until).messages
    [standing] = after([a_standing(member)], messages)
    answered = replace(standing, objective=an_objective(11, last_wrote_at=utc(date(2027, 3, 16), 12)))

    assert messages[-1].parts[0].ask is Ask.PAUSE
    asks = [part.ask for one in look(FADING, answered, a_standing(B), since=until).messages for part in one.parts]
    assert Ask.AVAILABLE not in asks
    asks = [part.ask for one in look(FADING, standing, a_standing(B), since=until).messages for part in one.parts]
    assert Ask.AVAILABLE in asks


def test_whoever_wrote_is_not_asked_for_that_turn() -> None:
    def on(wrote_at: datetime) -> list[str]:
        standing = a_standing(A, objective=an_objective(11, last_wrote_at=wrote_at))
        return on_days(look(FADING, standing, until=date(2027, 3, 10)))

    assert on(datetime(2027, 2, 16, 23, 59, tzinfo=UTC)) == ["03-02"]
    assert on(datetime(2027, 2, 17, tzinfo=UTC)) == []


# -- snooze ------------------------------------------------------------------------------------------------------------


def test_of_two_open_turns_that_were_put_off_the_earlier_is_said_wherever_the_plan_began() -> None:
    # Turns of 7 and 10 April are both open on Monday the 12th; the snooze ends on Saturday the 10th.
    policy = with_rhythms(MAILED, talk=weekly(date(2027, 3, 20), open_days=5, every_days=3, fades=True))
    me = a_standing(B, snoozes=(Snooze(first_on=MARCH, last_on=date(2027, 4, 10)),))
    for since in (MARCH, date(2027, 4, 12)):
        [first, *_] = look(policy, me, since=since, until=date(2027, 4, 13)).messages
        assert [part.turn for part in first.parts] == ["2027-04-07"]


@pytest.mark.parametrize(
    ("snooze", "days"),
    [
        (Snooze(first_on=MARCH, last_on=date(2027, 3, 9)), {"spring": "03-10", "log": "03-10"}),
        (Snooze(first_on=MARCH, last_on=date(2027, 3, 9), rhythm="spring"), {"spring": "03-10", "log": "03-01"}),
        (Snooze(first_on=MARCH, rhythm="spring", turn="2027"), {"log": "03-01"}),
        (Snooze(first_on=MARCH, rhythm="spring"), {"log": "03-01"}),
        (Snooze(first_on=MARCH), {}),
        (Snooze(first_on=date(2027, 2, 1), last_on=date(2027, 2, 28)), {"spring": "03-01", "log": "03-01"}),
        (Snooze(first_on=MARCH, rhythm="spring", turn="2026"), {"spring": "03-01", "log": "03-01"}),
        (Snooze(first_on=MARCH, last_on=date(2027, 4, 30)), {}),
    ],
    ids=[
        "all until",
        "a rhythm until",
        "this turn",
        "a rhythm",
        "everything",
        "over",
        "another turn",
        "past the close",
    ],
)
def test_later_holds_for_what_was_meant_and_as_long_as_was_said(snooze: Snooze, days: dict[str, str]) -> None:
    policy = with_rhythms(MAILED, spring=once("03-01", "04-30"), log=once("03-01", "04-15"))
    found = look(policy, a_standing(A, snoozes=(snooze,)), until=date(2027, 6, 1))

    assert {part.rhythm: one.on.isoformat()[5:] for one in found.messages for part in one.parts} == days
    silent = {one.rhythm for one in found.silences if one.rule == "snooze"}
    assert silent >= {"spring", "log"} - set(days)


def test_a_snooze_of_everything_holds_for_what_concerns_others_too() -> None:
    member = replace(A, relations={Role.MANAGER: "bo"})
    policy = with_rhythms(MAILED, talk=once("03-01", "04-30", partners=(Role.MANAGER,), tells=(PARTNER,)))
    later = Snooze(first_on=MARCH, last_on=date(2027, 3, 9))

    found = look(policy, a_standing(member), a_standing(B, snoozes=(later,)))
    assert on_days(found, "bo") == ["03-10"]


# -- returning ---------------------------------------------------------------------------------------------------------

BACK = Clock(since=Start.LEAVE_ENDED, after_days=(0,), open_days=30, tells=(MEMBER,))


def test_after_a_long_leave_comes_a_quiet_week_and_one_soft_message_by_itself() -> None:
    policy = with_rhythms(MAILED, log=once("03-01", "04-30"), back=BACK, other=once("03-24", "04-30"))
    away = replace(A, pauses=(Pause(first_on=date(2027, 2, 20), last_on=date(2027, 3, 16)),))

    assert said(look(policy, a_standing(away), until=date(2027, 4, 10))) == [
        ("ada", "03-24", ["back first"]),
        ("ada", "03-31", ["log first", "other first"]),
    ]


def test_a_second_leave_right_after_the_first_is_welcomed_once() -> None:
    pauses = (
        Pause(first_on=date(2027, 2, 1), last_on=date(2027, 2, 20)),
        Pause(first_on=date(2027, 2, 24), last_on=date(2027, 3, 8)),
    )

    found = look(with_rhythms(MAILED, back=BACK), a_standing(replace(A, pauses=pauses)), since=date(2027, 2, 1))

    assert on_days(found) == ["03-16"], "one return, however many leaves came before it"


# -- first run and downtime --------------------------------------------------------------------------------------------


def test_a_first_run_in_the_middle_of_things_is_one_message_and_drops_what_is_over() -> None:
    policy = with_rhythms(
        MAILED,
        spring=once("03-01", "04-30"),
        prep=once("02-01", "02-20"),
        log=weekly(),
        quarter=Interval(anchor_on=date(2027, 1, 1), every_months=3, open_days=90, tells=(MEMBER,)),
    )

    found = look(policy, a_standing(A), since=date(2027, 3, 9), until=date(2027, 3, 15))

    assert [(day, sorted(parts)) for _, day, parts in said(found)] == [
        ("03-09", ["log first", "quarter first", "spring first"])
    ]


def test_three_days_of_downtime_make_one_message() -> None:
    policy = with_rhythms(
        MAILED, caps=NO_CAP, one=once("03-02", "03-20"), two=once("03-03", "03-20"), three=once("03-04", "03-04")
    )

    found = look(policy, a_standing(A), since=date(2027, 3, 5), until=date(2027, 3, 12))

    assert [(day, sorted(parts)) for _, day, parts in said(found)] == [("03-05", ["one first", "two first"])]


# -- whom it is for ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rhythm", "person", "hears"),
    [
        (once("03-01", "04-30", who=Audience.COORDINATORS), A, False),
        (once("03-01", "04-30", who=Audience.COORDINATORS), C, True),
        (once("03-01", "04-30", who=Audience.WELL_WORKING), A, False),
        (once("03-01", "04-30", who=Audience.WELL_WORKING), replace(A, well_working=True), True),
        (once("03-01", "04-30", choice="career-talk"), A, False),
        (once("03-01", "04-30", choice="career-talk"), replace(A, choices=frozenset({"career-talk"})), True),
        (once("03-01", "04-30", on=False), A, False),
        (once("03-01", "04-30", on=False), replace(A, own_rhythms={"any": OwnRhythm(on=True)}), True),
        (once("03-01", "04-30"), replace(A, own_rhythms={"any": OwnRhythm(on=False)}), False),
        (once("03-01", "04-30"), replace(A, channel=Channel.PAGE), False),
        (once("03-01", "04-30", private=True), ADA, False),
        (once("03-01", "04-30", needs=(Need.NO_OBJECTIVE,)), A, False),
    ],
)
def test_a_rhythm_is_for_whom_it_is_for_and_says_so(rhythm: Rhythm, person: Person, hears: bool) -> None:
    policy = with_rhythms(replace(MAILED, channels=replace(BY_MAIL, order=(Channel.GITHUB, Channel.MAIL))), any=rhythm)

    found = look(policy, a_standing(person))

    assert [one.rhythm for one in found.silences] == ([] if hears else ["any"])
    assert bool(found.messages) is hears


def test_ones_own_length_of_an_interval_goes_before_the_organisations() -> None:
    own = replace(A, own_rhythms={"log": OwnRhythm(every_days=21)})
    policy = with_rhythms(MAILED, log=weekly())

    assert on_days(look(policy, a_standing(own), until=date(2027, 4, 15))) == ["03-01", "03-22", "04-12"]
    assert on_days(look(policy, a_standing(A), until=date(2027, 3, 20))) == ["03-01", "03-08", "03-15"]


def test_a_private_part_is_never_in_a_message_that_goes_by_github() -> None:
    order = replace(BY_MAIL, order=(Channel.GITHUB, Channel.MAIL))
    policy = with_rhythms(replace(MAILED, channels=order), private=once("03-01", "04-30", private=True), log=weekly())

    [together, alone] = look(policy, a_standing(A), until=date(2027, 3, 10)).messages
    assert (len(together.parts), together.ways) == (2, (Channel.MAIL,))
    assert (len(alone.parts), alone.ways) == (1, (Channel.GITHUB, Channel.MAIL))
    [public] = look(policy, a_standing(ADA), until=date(2027, 3, 5)).messages
    assert ([part.rhythm for part in public.parts], public.ways) == (["log"], (Channel.GITHUB,))


UNUSED = Entitlement(after_months=(5, 10), needs=(Need.UNUSED_TICKET,), tells=(MEMBER,), private=True)


@pytest.mark.parametrize("rule", list(YearRule))
@pytest.mark.parametrize("joined_on", [None, date(2024, 2, 29), date(2020, 7, 31)])
def test_an_unused_ticket_is_recalled_twice_in_its_year_and_never_once_it_is_held(
    rule: YearRule, joined_on: date | None
) -> None:
    policy = replace(with_rhythms(MAILED, unused=UNUSED), ticket=TicketPolicy(year=rule))
    person = replace(A, joined_on=joined_on)
    found = look(policy, a_standing(person), since=date(2026, 1, 1), until=date(2031, 1, 1))
    years = [part.turn.partition("-")[0] for one in found.messages for part in one.parts]

    assert set(map(years.count, years[2:-2])) == {2}
    held = a_standing(person, ticket_years=frozenset({"2028"}))
    found = look(policy, held, since=date(2026, 1, 1), until=date(2031, 1, 1))
    assert "2028" not in {part.turn.partition("-")[0] for one in found.messages for part in one.parts}
    assert {one.rule for one in found.silences if one.turn.startswith("2028")} == {"done"}


def test_a_new_ticket_is_not_told_of_to_somebody_whose_year_began_before_they_came() -> None:
    policy = replace(
        with_rhythms(MAILED, unused=replace(UNUSED, after_months=(0, 5, 10))), ticket=TicketPolicy(year=YearRule.JOINED)
    )
    person = replace(A, joined_on=date(2027, 3, 1))

    found = look(policy, a_standing(person), since=date(2026, 1, 1), until=date(2027, 12, 31))

    assert {part.turn for one in found.messages for part in one.parts} == {"2027-m0", "2027-m5"}


# -- partners ----------------------------------------------------------------------------------------------------------

TALK = once("03-01", "04-30", partners=(Role.MANAGER, Role.TECH_LEAD), tells=(MEMBER, PARTNER))
TALKING = with_rhythms(MAILED, talk=TALK)
FALLING_BACK = replace(TALKING, organisation=replace(POLICY.organisation, fallback_contact="cy"))
MANAGED = replace(A, relations={Role.MANAGER: "bo", Role.TECH_LEAD: "dee"})


def sides(outlook: Outlook) -> set[tuple[str, Side, int]]:
    return {(one.handle, part.side, part.member_id) for one in outlook.messages for part in one.parts}


def about_ada(outlook: Outlook) -> set[tuple[str, Side]]:
    return {(handle, side) for handle, side, member_id in sides(outlook) if member_id == 1}


def test_each_side_of_a_talk_hears_its_own_part_and_the_partners_once() -> None:
    policy = with_rhythms(MAILED, talk=replace(TALK, again_after_days=(14, 30)))
    found = look(policy, *map(a_standing, (MANAGED, B, C, D)), until=date(2027, 6, 1))

    mine = [
        (one.handle, part.side, part.ask) for one in found.messages for part in one.parts if part.member_id == ADA.id
    ]
    assert sorted(mine) == sorted(
        [
            ("ada", MEMBER, Ask.FIRST),
            ("ada", MEMBER, Ask.AGAIN),
            ("ada", MEMBER, Ask.PAUSE),
            ("bo", PARTNER, Ask.FIRST),
            ("dee", PARTNER, Ask.FIRST),
            ("bo", PARTNER, Ask.AVAILABLE),
        ]
    )


def test_nobody_is_their_own_partner() -> None:
    found = look(TALKING, a_standing(replace(A, relations={Role.MANAGER: "ada"})))

    assert sides(found) == {("ada", MEMBER, 1)}


def test_for_a_partner_who_left_the_fallback_contact_hears() -> None:
    people = [a_standing(one) for one in (MANAGED, replace(B, left_on=date(2027, 2, 1)), C, D)]

    assert about_ada(look(FALLING_BACK, *people)) == {("ada", MEMBER), ("cy", PARTNER), ("dee", PARTNER)}
    assert about_ada(look(TALKING, *people)) == {("ada", MEMBER), ("dee", PARTNER)}


def test_for_a_partner_who_leaves_before_their_first_day_the_fallback_contact_hears() -> None:
    leaving = replace(
        B, left_on=date(2027, 3, 20), pauses=(Pause(first_on=date(2027, 2, 20), last_on=date(2027, 3, 19)),)
    )
    people = [a_standing(one) for one in (MANAGED, leaving, C, D)]

    whole = look(FALLING_BACK, *people)
    from_their_leaving = look(FALLING_BACK, *people, since=date(2027, 3, 22))

    assert ("cy", PARTNER) in about_ada(from_their_leaving)
    assert ("cy", PARTNER) in about_ada(whole), "the preview of the whole month says what the run does"


@pytest.mark.parametrize("since", [MARCH, date(2027, 3, 22)])
def test_a_partner_who_joins_while_it_is_open_hears_of_it_whenever_it_is_planned(since: date) -> None:
    joining = replace(B, joined_on=date(2027, 3, 8))

    found = look(TALKING, *map(a_standing, (MANAGED, joining, D)), since=since, until=date(2027, 5, 1))

    assert ("bo", PARTNER) in about_ada(found)


@pytest.mark.parametrize("since", [MARCH, date(2027, 3, 22)])
def test_a_coordinator_who_joins_while_it_is_open_hears_of_it_whenever_it_is_planned(since: date) -> None:
    lonely = with_rhythms(MAILED, talk=replace(TALK, tells=(PARTNER, COORDINATOR)))
    joining = replace(C, joined_on=date(2027, 3, 8))

    found = look(lonely, *map(a_standing, (A, joining)), since=since, until=date(2027, 5, 1))

    assert ("cy", COORDINATOR) in about_ada(found)


def test_where_nobody_is_a_partner_a_coordinator_hears_when_the_rhythm_says_so() -> None:
    alone = [a_standing(one) for one in (A, C)]
    lonely = with_rhythms(MAILED, talk=replace(TALK, tells=(PARTNER, COORDINATOR)))

    assert about_ada(look(TALKING, *alone)) == {("ada", MEMBER)}
    assert about_ada(look(lonely, *alone)) == {("cy", COORDINATOR)}
    assert about_ada(look(lonely, *map(a_standing, (MANAGED, B, C)))) == {("bo", PARTNER)}


def test_a_partners_message_waits_while_the_member_is_away() -> None:
    away = replace(MANAGED, pauses=(Pause(first_on=MARCH, last_on=date(2027, 3, 4)),))
    gone = replace(MANAGED, pauses=(Pause(first_on=MARCH),))

    assert on_days(look(TALKING, a_standing(away), a_standing(replace(B, relations={}))), "bo")[0] == "03-01"
    only_partner = with_rhythms(MAILED, talk=replace(TALK, tells=(PARTNER,)))
    assert on_days(look(only_partner, a_standing(away), a_standing(B)), "bo") == ["03-05"]
    found = look(only_partner, a_standing(gone), a_standing(B))
    assert (on_days(found, "bo"), [one.rule for one in found.silences]) == ([], ["member"])


def test_what_was_looked_at_early_and_waits_for_the_member_keeps_its_own_day() -> None:
    """The same, with ada away on the day on which bo's message would come along."""
    short = replace(TALK, windows=(Window(opens="03-05", closes="03-07"),), tells=(PARTNER,))
    policy = with_rhythms(MAILED, talk=short, log=once("03-01", "03-31"))
    away = replace(MANAGED, pauses=(Pause(first_on=date(2027, 2, 27), last_on=date(2027, 3, 2)),))

    found = look(policy, a_standing(away), a_standing(B))

    assert [one.on for one in silences_of(found, "talk")] == [date(2027, 3, 5)]


def test_nobody_is_talked_about_before_they_join_but_to_their_buddy() -> None:
    soon = replace(A, joined_on=date(2027, 3, 15), relations={Role.MANAGER: "bo", Role.BUDDY: "dee"})
    welcome = Clock(
        since=Start.JOINED, after_days=(-7,), open_days=14, partners=(Role.BUDDY,), tells=(PARTNER, COORDINATOR)
    )
    policy = with_rhythms(MAILED, talk=TALK, welcome=welcome)

    found = look(policy, *map(a_standing, (soon, B, D)))

    days = {(one.handle, part.rhythm): one.on for one in found.messages for part in one.parts if part.member_id == 1}
    assert days == {
        ("dee", "welcome"): date(2027, 3, 8),
        ("bo", "talk"): date(2027, 3, 15),
        ("ada", "talk"): date(2027, 3, 22),
    }
    nobody = look(policy, *map(a_standing, (replace(soon, relations={}), B, C)))
    assert ("cy", COORDINATOR, 1) in sides(nobody)


def test_nobody_is_talked_about_after_they_left() -> None:
    gone = replace(MANAGED, left_on=date(2027, 2, 28))

    assert about_ada(look(TALKING, *map(a_standing, (gone, B, D)))) == set()


def test_a_partner_who_switched_it_off_is_not_told_and_the_others_are() -> None:
    off = replace(B, own_rhythms={"talk": OwnRhythm(on=False)})

    assert about_ada(look(TALKING, *map(a_standing, (MANAGED, off, D)))) == {("ada", MEMBER), ("dee", PARTNER)}


def test_a_member_who_switched_it_off_is_not_talked_about_either() -> None:
    off = replace(MANAGED, own_rhythms={"talk": OwnRhythm(on=False)})

    assert about_ada(look(TALKING, *map(a_standing, (off, B, D)))) == set()


LOOK_BACK = Clock(since=Start.LOOK_BACK, after_days=(0,), open_days=30, private=True)
PROMISE = Commitment(id=4, promised_by="bo", made_on=date(2026, 12, 1), look_back_on=date(2027, 3, 8))


def test_a_promise_is_looked_back_on_by_both_sides() -> None:
    policy = with_rhythms(MAILED, look_back=LOOK_BACK)
    found = look(policy, a_standing(A, commitments=(PROMISE,)), a_standing(B), a_standing(D))

    assert sides(found) == {("ada", MEMBER, 1), ("bo", PARTNER, 1)}
    mine = look(policy, a_standing(A, commitments=(replace(PROMISE, promised_by="ada"),)), a_standing(B))
    assert sides(mine) == {("ada", MEMBER, 1)}
    settled = look(policy, a_standing(A, commitments=(replace(PROMISE, closed=True),)), a_standing(B))
    assert sides(settled) == set()


def test_a_promise_of_somebody_who_left_is_looked_back_on_by_the_fallback_contact() -> None:
    policy = replace(with_rhythms(MAILED, look_back=LOOK_BACK), organisation=FALLING_BACK.organisation)
    gone = replace(B, left_on=date(2027, 2, 1))

    found = look(policy, a_standing(A, commitments=(PROMISE,)), a_standing(gone), a_standing(C))

    assert sides(found) == {("ada", MEMBER, 1), ("cy", PARTNER, 1)}


# -- gates -------------------------------------------------------------------------------------------------------------

AHEAD = once(
    "09-01", "10-31", not_before="goals_set_on", before="budget_final_on", private=True, again_after_days=(21,)
)


def gated(goals: date | None, budget: date | None, rhythm: Rhythm = AHEAD) -> Policy:
    dates = {"goals_set_on": goals, "budget_final_on": budget}
    milestones = {name: (day,) for name, day in dates.items() if day is not None}
    return replace(
        with_rhythms(MAILED, look_ahead=rhythm), organisation=replace(POLICY.organisation, milestones=milestones)
    )


GOALS, BUDGET = date(2027, 9, 13), date(2027, 10, 18)
AUTUMN: dict[str, Any] = {"since": date(2027, 7, 1), "until": date(2027, 12, 1)}
TWO = (a_standing(A), a_standing(C))


def test_in_a_gate_people_hear_from_the_one_date_to_the_other() -> None:
    found = look(gated(GOALS, BUDGET), *TWO, **AUTUMN)

    assert on_days(found) == ["09-13", "10-04"]
    assert {part.ask for one in found.messages for part in one.parts} == {Ask.FIRST, Ask.AGAIN}


@pytest.mark.parametrize(
    ("goals", "budget"), [(None, BUDGET), (GOALS, None), (None, None), (BUDGET, GOALS), (GOALS, GOALS)]
)
def test_without_the_dates_nobody_but_a_coordinator_hears_and_once(goals: date | None, budget: date | None) -> None:
    policy = gated(goals, budget)
    found = look(policy, *TWO, **AUTUMN)

    assert said(found) == [("cy", "08-04", ["look-ahead dates"])], "four weeks before the window opens"
    assert [one.rule for one in found.silences if one.handle == "ada"] == ["dates"]
    again = look(policy, *after(TWO, found.messages), since=date(2027, 8, 5), until=date(2027, 12, 1))
    assert again.messages == ()


def test_the_dates_are_asked_for_as_early_when_little_is_planned_at_a_time() -> None:
    policy, standings = gated(None, None), list(TWO)
    messages: list[Message] = []
    day = date(2027, 7, 26)
    while day < date(2027, 9, 10):
        found = look(policy, *standings, since=day, until=day + timedelta(days=7))
        messages += found.messages
        standings = after(standings, found.messages)
        day += timedelta(days=7)

    assert [(one.handle, one.on) for one in messages] == [("cy", date(2027, 8, 4))]


@pytest.mark.parametrize(
    "rhythm", [replace(AHEAD, on=False), replace(AHEAD, tells=(PARTNER,)), replace(AHEAD, tells=())]
)
def test_whose_dates_are_asked_for(rhythm: Windows) -> None:
    """A rhythm that is off needs no dates; one that tells only partners, or only opens a thread, needs them as well."""
    rhythm = replace(rhythm, team=TeamPart.THREAD)
    found = look(gated(None, None, rhythm), *TWO, **AUTUMN)

    assert said(found) == ([("cy", "08-04", ["look-ahead dates"])] if rhythm.on else [])


@pytest.mark.parametrize("person", [replace(C, mail=None), replace(C, channel=Channel.PAGE)], ids=["no way", "page"])
def test_a_coordinator_without_a_way_gets_no_message_that_cannot_be_sent(person: Person) -> None:
    """A message without a way is a mention; one that is no mention and has none could never be sent."""
    log = once("08-04", "08-10")
    order = replace(BY_MAIL, order=(Channel.GITHUB, Channel.MAIL))
    policy = replace(gated(None, None), channels=order)
    policy = replace(policy, rhythms={**policy.rhythms, "log": log})

    found = look(policy, a_standing(A), a_standing(person), **AUTUMN)

    for one in found.messages:
        assert effect_of(one)
    public = [one for one in found.messages if one.handle == "cy" for part in one.parts if part.rhythm == "log"]
    assert bool(public) is (person.channel is None), "what may go by GitHub still goes"


def test_when_the_budget_date_moves_people_are_told_once_more_and_only_once() -> None:
    standings = after(TWO, look(gated(GOALS, BUDGET), *TWO, since=date(2027, 9, 1), until=date(2027, 9, 20)).messages)
    moved = gated(GOALS, date(2027, 10, 11))

    found = look(moved, *standings, since=date(2027, 9, 22), until=date(2027, 9, 30))
    assert said(found) == [("ada", "09-22", ["look-ahead moved"]), ("cy", "09-22", ["look-ahead moved"])]
    assert {(part.turn, part.closes_on) for one in found.messages for part in one.parts} == {
        ("2027", date(2027, 10, 10))
    }
    told = after(standings, found.messages)
    later = look(moved, *told, since=date(2027, 9, 23), until=date(2027, 12, 1))
    assert Ask.MOVED not in {part.ask for one in later.messages for part in one.parts}


def test_whoever_was_not_asked_yet_or_is_done_is_not_told_that_the_date_moved() -> None:
    [message, *_] = look(gated(GOALS, BUDGET), a_standing(A), **AUTUMN).messages
    [asked] = after([a_standing(A)], [message])
    held = Held(rhythm="look-ahead", turn="2027", how=How.HELD, on=date(2027, 9, 15))
    moved = gated(GOALS, date(2027, 10, 11))

    assert look(moved, replace(asked, held=(held,)), since=date(2027, 9, 22), until=date(2027, 12, 1)).messages == ()
    fresh = look(moved, a_standing(A), since=date(2027, 9, 22), until=date(2027, 12, 1))
    assert {part.ask for one in fresh.messages for part in one.parts} == {Ask.FIRST, Ask.AGAIN}


def test_one_message_does_not_speak_of_one_moment_twice() -> None:
    """The date moves on the very day on which a second ask is due."""
    [message, *_] = look(gated(GOALS, BUDGET), a_standing(A), **AUTUMN).messages
    [asked] = after([a_standing(A)], [message])

    found = look(gated(GOALS, date(2027, 10, 15)), asked, since=date(2027, 10, 4), until=date(2027, 12, 1))

    for one in found.messages:
        moments = [(part.rhythm, part.turn, part.side, part.member_id) for part in one.parts]
        assert len(set(moments)) == len(moments)


# -- mentions ----------------------------------------------------------------------------------------------------------

SHARED = once(
    "03-01", "04-30", team=TeamPart.THREAD, mention_days_before_close=14, done_by=(Way.SPOKE,), tells=(MEMBER,)
)
SHARING = with_rhythms(MAILED, shared=SHARED)
ON_LOOMIO = replace(A, loomio_username="ada")
SPRINGTIME: dict[str, Any] = {"until": date(2027, 6, 1)}


def mentions(outlook: Outlook, handle: str = "ada") -> list[datetime]:
    found = [one for one in outlook.messages if one.handle == handle and one.parts[0].ask is Ask.MENTION]
    assert all(one.ways == () and len(one.parts) == 1 for one in found)
    return [one.due_at for one in found]


def test_the_silent_are_invited_once_by_the_comment_in_the_thread() -> None:
    found = look(SHARING, a_standing(ON_LOOMIO), a_standing(B), **SPRINGTIME)

    assert mentions(found) == [datetime(2027, 4, 16, 9, 0, tzinfo=UTC)]
    assert mentions(found, "bo") == [], "nobody by that name in Loomio"
    told = after([a_standing(ON_LOOMIO)], found.messages)
    assert look(SHARING, *told, since=date(2027, 4, 16), until=date(2027, 6, 1)).messages == ()


def test_a_mention_names_nobody_who_spoke_snoozed_or_is_away() -> None:
    spoke = Held(rhythm="shared", turn="2027", how=How.SPOKE, on=date(2027, 4, 1))
    away = replace(ON_LOOMIO, pauses=(Pause(first_on=date(2027, 4, 14), last_on=date(2027, 4, 18)),))

    for standing in (
        a_standing(ON_LOOMIO, held=(spoke,)),
        a_standing(ON_LOOMIO, snoozes=(Snooze(first_on=MARCH, rhythm="shared"),)),
        a_standing(away),
        a_standing(replace(ON_LOOMIO, working_days=(Weekday.MON,))),
        a_standing(replace(ON_LOOMIO, left_on=date(2027, 4, 16))),
        a_standing(replace(ON_LOOMIO, own_rhythms={"shared": OwnRhythm(on=False)})),
    ):
        assert mentions(look(SHARING, standing, **SPRINGTIME)) == []


@pytest.mark.parametrize(
    ("zone", "hears"),
    [("Europe/Lisbon", True), ("Asia/Kathmandu", True), ("Pacific/Pago_Pago", False), ("America/Los_Angeles", False)],
)
def test_a_mention_names_people_in_their_own_hours_only(zone: str, hears: bool) -> None:
    person = replace(ON_LOOMIO, zone=ZoneInfo(zone))

    assert bool(mentions(look(SHARING, a_standing(person), **SPRINGTIME))) is hears


def test_a_mention_counts_toward_the_cap() -> None:
    near = replace(SHARING, rhythms={**SHARING.rhythms, "log": once("04-19", "04-30")})
    found = look(near, a_standing(ON_LOOMIO), since=date(2027, 4, 1), until=date(2027, 6, 1))

    assert on_days(found) == ["04-01", "04-16", "04-23"]
    before = replace(SHARING, rhythms={**SHARING.rhythms, "log": once("04-13", "04-30")})
    found = look(before, a_standing(ON_LOOMIO), since=date(2027, 4, 1), until=date(2027, 6, 1))
    assert mentions(found) == []
    assert [rule for rule, _ in why(found, "shared")] == ["caps"]


def test_a_mention_does_not_put_off_the_next_ask() -> None:
    """Planned at once or bit by bit, the second ask comes on the same day."""
    policy = with_rhythms(MAILED, shared=replace(SHARED, mention_days_before_close=31, again_after_days=(37,)))
    whole = look(policy, a_standing(ON_LOOMIO), **SPRINGTIME)
    early = look(policy, a_standing(ON_LOOMIO), until=date(2027, 4, 2))
    rest = look(policy, *after([a_standing(ON_LOOMIO)], early.messages), since=date(2027, 4, 2), until=date(2027, 6, 1))

    assert mentions(whole) == [datetime(2027, 3, 30, 9, 0, tzinfo=UTC)]
    assert said(early) + said(rest) == said(whole)


def test_what_closes_on_the_day_of_a_mention_is_not_lost_to_it() -> None:
    """What would be lost to the cap comes along early, or the comment does without one name."""
    policy = replace(SHARING, rhythms={**SHARING.rhythms, "short": once("04-16", "04-19")})

    found = look(policy, a_standing(ON_LOOMIO), **SPRINGTIME)

    assert ("ada", "short", "2027", "first", 1) in heard(found), why(found, "short")


def test_a_thread_without_letters_of_its_own_still_invites_the_silent() -> None:
    policy = with_rhythms(MAILED, shared=replace(SHARED, tells=()))

    assert said(look(policy, a_standing(ON_LOOMIO), **SPRINGTIME)) == [("ada", "04-16", ["shared mention"])]


def test_a_mention_names_only_whom_the_rhythm_is_for() -> None:
    policy = with_rhythms(MAILED, shared=replace(SHARED, who=Audience.WELL_WORKING))

    assert mentions(look(policy, a_standing(ON_LOOMIO), **SPRINGTIME)) == []
    member = replace(ON_LOOMIO, well_working=True)
    assert len(mentions(look(policy, a_standing(member), **SPRINGTIME))) == 1


# -- order and subsets -------------------------------------------------------------------------------------------------

CROWD = (
    a_standing(replace(MANAGED, loomio_username="ada")),
    a_standing(replace(B, relations={Role.MANAGER: "cy"}, loomio_username="bo")),
    a_standing(C),
    a_standing(replace(D, relations={Role.MANAGER: "bo"}, pauses=(Pause(first_on=date(2027, 2, 1), last_on=MARCH),))),
)
MANY: dict[str, Rhythm] = {
    "talk": replace(TALK, again_after_days=(14, 28)),
    "two-weekly": TWO_WEEKLY,
    "shared": SHARED,
    "back": BACK,
    "ahead": replace(AHEAD, windows=(Window(opens="04-01", closes="05-15"),)),
    "short": once("03-03", "03-05"),
}
BUSY = replace(MAILED, rhythms=MANY)


def test_the_order_of_people_changes_nothing_but_the_order_of_parts() -> None:
    expected = heard(look(BUSY, *CROWD, until=date(2027, 8, 1)))
    for some in permutations(CROWD):
        found = look(BUSY, *some, until=date(2027, 8, 1))
        assert heard(found) == expected


def test_the_order_of_rhythms_changes_nothing_but_the_order_of_parts() -> None:
    expected = look(BUSY, *CROWD, until=date(2027, 8, 1))
    for n, names in enumerate(permutations(MANY)):
        if n % 37 == 0:
            found = look(replace(BUSY, rhythms={name: MANY[name] for name in names}), *CROWD, until=date(2027, 8, 1))
            assert heard(found) == heard(expected)
            assert [(one.key, one.due_at) for one in found.messages] == [
                (one.key, one.due_at) for one in expected.messages
            ]


def test_two_comments_on_one_day_name_somebody_by_no_rule_of_the_files_order() -> None:
    one, two = replace(SHARED, again_after_days=()), replace(SHARED, windows=(Window(opens="03-08", closes="04-30"),))
    first = look(with_rhythms(MAILED, one=one, two=two), a_standing(ON_LOOMIO), **SPRINGTIME)
    second = look(with_rhythms(MAILED, two=two, one=one), a_standing(ON_LOOMIO), **SPRINGTIME)

    assert heard(first) == heard(second)


def test_planning_for_some_is_planning_for_all_and_looking_at_theirs() -> None:
    whole = look(BUSY, *CROWD, until=date(2027, 8, 1))
    for wanted in ({1}, {2}, {3}, {4}, {1, 2}, {2, 4}):
        found = look(BUSY, *CROWD, until=date(2027, 8, 1), only=wanted)
        assert found.messages == tuple(one for one in whole.messages if one.person_id in wanted)


def test_silences_are_told_when_asked_for_and_change_nothing() -> None:
    found = plan(BUSY, CROWD, since=utc(MARCH), until=utc(date(2027, 8, 1)))

    assert found.silences == ()
    assert found.messages == look(BUSY, *CROWD, until=date(2027, 8, 1)).messages


def test_a_key_is_one_day_of_one_person() -> None:
    messages = look(BUSY, *CROWD, until=date(2027, 8, 1)).messages

    assert len({one.key for one in messages}) == len(messages)
    assert messages[0].key == f"nudge:fennel:{messages[0].handle}:{messages[0].on.isoformat()}"
    assert list(messages) == sorted(messages, key=lambda one: (one.due_at, one.handle))


def test_no_people_and_no_rhythms_are_nothing() -> None:
    assert look(BUSY) == Outlook(messages=(), silences=())
    assert look(replace(MAILED, rhythms={}), *CROWD) == Outlook(messages=(), silences=())
    assert plan(BUSY, CROWD, since=utc(APRIL), until=utc(MARCH)).messages == ()


def test_a_very_long_leave_is_no_reason_to_plan_otherwise_bit_by_bit() -> None:
    """What is open past the leave waits for its end, however far the plan looks."""
    away = replace(A, pauses=(Pause(first_on=date(2027, 3, 2), last_on=date(2027, 4, 12)),))
    policy = with_rhythms(MAILED, one=once("03-01", "03-31"), two=once("03-03", "05-31"))

    near = look(policy, a_standing(away), until=date(2027, 3, 2))
    far = look(policy, a_standing(away), until=date(2027, 6, 30))

    assert said(far) == [("ada", "03-01", ["one first"]), ("ada", "04-20", ["two first"])]
    assert said(near) == said(far)[:1]
    assert silences_of(far, "two") == []
