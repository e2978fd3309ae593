"""What opens for the whole team in Loomio, and when the silent are invited."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.moments import shared_moments
from domain.policy import Policy, Weekday
from domain.rhythms import Clock, Interval, Side, Start, TeamPart, Way, Window, Windows
from domain.team import TeamMoment, first_working_day, mention_at, open_now, team_moments
from tests.cast import POLICY, with_rhythms

SPRING = Windows(
    windows=(Window(opens="03-01", closes="04-30"),),
    tells=(Side.MEMBER,),
    done_by=(Way.SPOKE,),
    team=TeamPart.THREAD,
    mention_days_before_close=14,
)
TEAM = with_rhythms(spring=SPRING)


def the_year(policy: Policy, year: int = 2027) -> list[TeamMoment]:
    return list(
        team_moments(policy, since=datetime(year, 1, 1, tzinfo=UTC), until=datetime(year + 1, 1, 1, tzinfo=UTC))
    )


def mention(rhythm: Windows | Interval, policy: Policy = TEAM, year: int = 2027) -> datetime | None:
    [moment] = shared_moments(policy, "spring", rhythm, since=date(year, 3, 1), until=date(year, 4, 30))
    return mention_at(policy, rhythm, moment)


def test_a_thread_opens_in_the_organisations_hour_and_names_its_turn() -> None:
    assert the_year(TEAM) == [
        TeamMoment(
            key="moment:fennel:spring:2027",
            rhythm="spring",
            turn="2027",
            part=TeamPart.THREAD,
            opens_at=datetime(2027, 3, 1, 10, 0, tzinfo=UTC),
            closes_on=date(2027, 4, 30),
        )
    ]
    assert the_year(TEAM)[0].reference() == "spring 2027"


@pytest.mark.parametrize(
    ("opens", "holidays", "opens_on"),
    [
        ("03-01", (), date(2027, 3, 1)),
        ("03-06", (), date(2027, 3, 8)),
        ("03-01", (date(2027, 3, 1), date(2027, 3, 2)), date(2027, 3, 3)),
        ("04-05", (), date(2027, 4, 7)),
    ],
    ids=["a Monday", "a Saturday", "two holidays", "public holidays where the organisation is"],
)
def test_a_thread_opens_on_the_first_working_day(opens: str, holidays: tuple[date, ...], opens_on: date) -> None:
    policy = replace(
        with_rhythms(spring=replace(SPRING, windows=(Window(opens=opens, closes="04-30"),))),
        organisation=replace(POLICY.organisation, holidays=holidays, holidays_of="PT"),
        public_holidays={"PT": {date(2027, 4, 5), date(2027, 4, 6)}},
    )

    assert [one.opens_at.date() for one in the_year(policy)] == [opens_on]


def test_a_window_without_a_working_day_opens_nothing() -> None:
    assert the_year(with_rhythms(spring=replace(SPRING, windows=(Window(opens="03-06", closes="03-07"),)))) == []


@pytest.mark.parametrize(
    "policy",
    [
        with_rhythms(spring=replace(SPRING, on=False)),
        with_rhythms(spring=replace(SPRING, team=None)),
        with_rhythms(spring=replace(SPRING, not_before="goals_set_on")),
        with_rhythms(spring=Clock(since=Start.JOINED, after_days=(3,), team=TeamPart.THREAD)),
        replace(TEAM, loomio=None),
    ],
    ids=["off", "not for the team", "its dates cannot be told", "of each person's own", "no Loomio"],
)
def test_what_opens_nothing_for_the_team(policy: Policy) -> None:
    assert the_year(policy) == []


def test_a_thread_is_open_now_from_its_hour_to_its_last_day() -> None:
    opens_at = datetime(2027, 3, 1, 10, 0, tzinfo=UTC)
    second = timedelta(seconds=1)
    last = datetime(2027, 4, 30, 22, 59, 59, tzinfo=UTC)  # summer time in Lisbon

    assert [bool(list(open_now(TEAM, now=now))) for now in (opens_at - second, opens_at, last, last + second)] == [
        False,
        True,
        True,
        False,
    ]


def test_a_gate_that_moves_leaves_the_thread_its_key() -> None:
    def with_goals(day: date) -> Policy:
        policy = with_rhythms(spring=replace(SPRING, not_before="goals_set_on"))
        return replace(policy, organisation=replace(policy.organisation, milestones={"goals_set_on": (day,)}))

    [before], [after] = the_year(with_goals(date(2027, 3, 3))), the_year(with_goals(date(2027, 3, 10)))
    assert before.key == after.key
    assert (before.opens_at.date(), after.opens_at.date()) == (date(2027, 3, 3), date(2027, 3, 10))


# -- the mention -------------------------------------------------------------------------------------------------------


def test_the_mention_comes_so_many_days_before_the_close() -> None:
    assert mention(SPRING) == datetime(2027, 4, 16, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("rhythm", "policy"),
    [
        (replace(SPRING, mention_days_before_close=None), TEAM),
        (replace(SPRING, team=None), TEAM),
        (SPRING, replace(TEAM, loomio=None)),
        (replace(SPRING, mention_days_before_close=60), TEAM),
        (replace(SPRING, mention_days_before_close=90), TEAM),
        (replace(SPRING, before="budget_final_on"), TEAM),
    ],
    ids=["no wish for one", "no thread", "no Loomio", "on the opening day", "before it opens", "dates unknown"],
)
def test_when_there_is_no_mention(rhythm: Windows, policy: Policy) -> None:
    assert mention(rhythm, policy) is None


def test_a_mention_on_a_holiday_moves_on_and_never_past_the_close() -> None:
    policy = replace(TEAM, organisation=replace(POLICY.organisation, holidays=(date(2027, 4, 16),)))

    assert mention(SPRING, policy) == datetime(2027, 4, 19, 9, 0, tzinfo=UTC)
    at_weekend = replace(SPRING, windows=(Window(opens="03-01", closes="03-28"),), mention_days_before_close=1)
    assert mention(at_weekend) is None, "the next working day lies after the close"


WEEKDAYS = st.sets(st.sampled_from(Weekday), min_size=1).map(lambda found: tuple(sorted(found)))
ANYWHERE = st.sampled_from(
    [ZoneInfo(name) for name in ("Pacific/Pago_Pago", "Pacific/Kiritimati", "America/Santiago", "Australia/Lord_Howe")]
)


@st.composite
def teams(draw: st.DrawFn) -> Policy:
    opens_on = date(2027, 1, 1) + timedelta(days=draw(st.integers(0, 720)))
    rhythm = Interval(
        anchor_on=opens_on,
        every_days=draw(st.integers(5, 100)),
        open_days=draw(st.integers(0, 60)),
        team=TeamPart.THREAD,
        mention_days_before_close=draw(st.integers(0, 40)),
    )
    organisation = replace(
        POLICY.organisation,
        zone=draw(ANYWHERE),
        working_days=draw(WEEKDAYS),
        nudge_at=time(draw(st.integers(0, 23)), draw(st.integers(0, 59))),
        holidays=tuple(opens_on + timedelta(days=n) for n in draw(st.sets(st.integers(0, 30), max_size=8))),
    )
    return replace(with_rhythms(team=rhythm), organisation=organisation)


@settings(max_examples=150, deadline=None)
@given(policy=teams(), seam=st.integers(0, 800 * 24 * 60))
def test_every_thread_opens_once_on_a_working_day_and_its_mention_lies_between(policy: Policy, seam: int) -> None:
    since, until = datetime(2026, 12, 1, tzinfo=UTC), datetime(2029, 3, 1, tzinfo=UTC)
    middle = since + timedelta(minutes=seam)
    whole = list(team_moments(policy, since=since, until=until))
    halves = [*team_moments(policy, since=since, until=middle), *team_moments(policy, since=middle, until=until)]
    assert halves == whole
    assert len({one.key for one in whole}) == len(whole)
    zone, rhythm = policy.organisation.zone, policy.rhythms["team"]
    assert isinstance(rhythm, Interval)
    opened = {one.turn: one for one in whole}
    for moment in shared_moments(policy, "team", rhythm, since=date(2027, 1, 1), until=date(2028, 12, 1)):
        at, thread = mention_at(policy, rhythm, moment), opened.get(moment.turn)
        working = [day for day in _days(moment.opens_on, moment.closes_on) if _works(policy, day)]
        assert (thread is not None) is bool(working)
        if thread is not None:
            assert thread.opens_at.astimezone(zone).date() == working[0] == first_working_day(policy, moment.opens_on)
        if at is not None:
            assert thread is not None
            assert thread.opens_at < at
            assert at.astimezone(zone).date() in working


def _days(first: date, last: date) -> Iterator[date]:
    for n in range((last - first).days + 1):
        yield first + timedelta(days=n)


def _works(policy: Policy, day: date) -> bool:
    return Weekday.of(day) in policy.organisation.working_days and day not in policy.organisation.holidays
