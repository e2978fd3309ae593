"""The team's threads and polls: one of each window; the silent are invited once, by the planner's leave."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import responses

from domain.effects import MentionInThread, StartTeamPoll
from domain.moments import How
from domain.people import Snooze
from domain.policy import CapsPolicy, Mode, Policy
from domain.rhythms import Interval, Side, TeamPart, Way, Window, Windows
from integrations.chat import Chat
from integrations.loomio import Loomio
from jobs.nudge import nudge
from jobs.perform import perform
from jobs.team import team
from jobs.workshop import Workshop
from store.memory import effect_of
from store.models import AskedRow, EffectRow, HeldRow, PauseRow, TeamMomentRow
from store.standings import keep_held, keep_snooze, look_anew_at_all
from tests.conftest import Loopback, raw_reply
from tests.test_integrations_loomio import fixture
from tests.workroom import OURS, SLUG, Clock, add, add_person, at_work, keys, look_at, rows, send_all, statuses

WIRE = "https://loomio.fennel.example"
SPRING = Windows(
    windows=(Window(opens="03-01", closes="04-30"),),
    tells=(Side.MEMBER,),
    private=True,
    done_by=(Way.SPOKE,),
    team=TeamPart.THREAD,
    mention_days_before_close=14,
)
KEEP_OR_STOP = Windows(windows=(Window(opens="12-01", closes="12-18"),), tells=(), team=TeamPart.POLL)
POLICY = replace(OURS, rhythms={"spring-growth": SPRING, "policy-poll": KEEP_OR_STOP})
SILENT = replace(POLICY, rhythms={"spring-growth": replace(SPRING, tells=())})
OPENS = datetime(2027, 3, 1, 10, tzinfo=UTC)  # a Monday, at the hour, in Lisbon
THREAD = "moment:fennel-works:spring-growth:2027"
MENTION = "mention:fennel-works:spring-growth:2027"
INVITES = datetime(2027, 4, 16, 9, tzinfo=UTC)  # a Friday, two weeks before the close; ten o'clock in summer time
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    """Loomio, which tells its version to whoever asks before they write; every other answer must be asked for."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as wire:
        version = wire.get(f"{WIRE}/api/v1/boot/version", json={"version": "3.8.1"})
        yield wire
        assert [one.url for one in wire.registered() if one is not version and not one.call_count] == []


@pytest.fixture
def clock() -> Clock:
    return Clock(OPENS)


@pytest.fixture
def work(workshop: Workshop, clock: Clock) -> Workshop:
    loomio = Loomio(address=WIRE, api_key="invented-loomio-key", group_id=7)
    return at_work(workshop, clock, POLICY, loomio=lambda _: loomio)


def under(work: Workshop, policy: Policy) -> Workshop:
    return replace(work, policies={policy.slug: policy})


def thread_reply(title: str) -> Any:
    found = fixture("discussion.create__in_our_group")
    found["discussions"][0]["title"] = title
    return found


def poll_reply(*options: str) -> Any:
    """Loomio's answer to a poll that it has just made."""
    found = fixture("poll.show__closed")
    [row] = [one for one in found["polls"] if one["id"] == 801]
    row |= {"poll_option_names": list(options), "closing_at": "2027-12-18T17:00:00.000Z", "closed_at": None}
    return {"polls": [row], "poll_options": [], "meta": {}}


def items_reply(*usernames: str, kind: str = "new_comment") -> Any:
    """A thread in which these people have spoken."""
    items = [{"id": n, "kind": kind, "actor_id": 50 + n} for n, _ in enumerate(usernames)]
    users = [{"id": 50 + n, "username": name} for n, name in enumerate(usernames)]
    return {"items": items, "users": users, "comments": []}


def hear(wire: responses.RequestsMock, *usernames: str) -> responses.BaseResponse:
    said: responses.BaseResponse = wire.get(f"{WIRE}/api/b2/threads/701/items", json=items_reply(*usernames))
    return said


def sent(wire: responses.RequestsMock, path: str) -> list[Any]:
    return [json.loads(str(one.request.body, "utf-8")) for one in wire.calls if (one.request.url or "").endswith(path)]  # type: ignore[arg-type]


def a_thread(work: Workshop, **columns: Any) -> TeamMomentRow:
    """The thread of spring, as it is remembered once it was started."""
    said = {
        "organisation": SLUG, "rhythm": "spring-growth", "turn": "2027", "closes_on": date(2027, 4, 30),
        "discussion_id": 601, "topic_id": 701, "url": f"{WIRE}/d/Th4readK",
    } | columns  # fmt: skip
    return add(work, TeamMomentRow(**said))


# -- what opens --------------------------------------------------------------------------------------------------------


def test_a_thread_is_planned_when_its_window_opens_at_the_hour(work: Workshop, clock: Clock) -> None:
    clock.now = OPENS - timedelta(seconds=1)
    team(work)
    assert keys(work) == []

    clock.now = OPENS
    team(work)

    [row] = rows(work, EffectRow)
    assert (row.key, row.kind, row.vendor) == (THREAD, "StartTeamThread", "loomio")
    assert row.payload["about"] == "moment:spring-growth:2027"


def test_it_is_planned_once_however_often_the_clock_ticks(
    work: Workshop, clock: Clock, wire: responses.RequestsMock
) -> None:
    start = wire.post(f"{WIRE}/api/b2/discussions", json=thread_reply("The spring conversation (spring-growth 2027)"))
    for n in range(3):
        clock.now = OPENS + n * MINUTE
        team(work)
    send_all(work)
    for n in range(1, 20):
        clock.now = OPENS + n * DAY
        team(work)

    assert keys(work, "StartTeamThread") == [THREAD]
    assert start.call_count == 1
    assert len(rows(work, TeamMomentRow)) == 1


def test_after_downtime_it_still_opens_while_there_is_time(work: Workshop, clock: Clock) -> None:
    clock.now = datetime(2027, 4, 30, 16, tzinfo=UTC)
    team(work)
    assert keys(work) == [THREAD]


def test_after_its_window_it_does_not_open_any_more(work: Workshop, clock: Clock) -> None:
    clock.now = datetime(2027, 5, 1, 10, tzinfo=UTC)
    team(work)

    assert keys(work) == []


def test_a_window_that_opens_on_a_day_off_begins_with_the_next_working_day(work: Workshop, clock: Clock) -> None:
    weekend = replace(SPRING, windows=(Window(opens="02-27", closes="04-30"),))  # a Saturday
    at_weekend = under(work, replace(POLICY, rhythms={"spring-growth": weekend}))
    clock.now = datetime(2027, 2, 28, 23, tzinfo=UTC)
    team(at_weekend)
    assert keys(work) == []

    clock.now = OPENS
    team(at_weekend)
    assert keys(work) == [THREAD]


@pytest.mark.parametrize(
    "policy",
    [
        replace(POLICY, loomio=None),
        replace(POLICY, rhythms={"spring-growth": replace(SPRING, on=False)}),
        replace(POLICY, rhythms={"spring-growth": replace(SPRING, team=None, mention_days_before_close=None)}),
        replace(POLICY, rhythms={"spring-growth": replace(SPRING, not_before="goals_set_on")}),
    ],
    ids=["no Loomio", "switched off", "nothing for the team", "a date is wanted first"],
)
def test_what_is_not_for_the_team_opens_nothing(work: Workshop, policy: Policy) -> None:
    team(under(work, policy))

    assert keys(work) == []


def test_each_turn_has_a_thread_of_its_own(work: Workshop, clock: Clock) -> None:
    quarterly = Interval(anchor_on=date(2027, 3, 1), every_months=3, open_days=21, tells=(), team=TeamPart.THREAD)
    sharing = under(work, replace(POLICY, rhythms={"quarterly-sharing": quarterly}))
    for n in range(200):
        clock.now = OPENS + n * DAY
        team(sharing)

    assert keys(work) == [
        "moment:fennel-works:quarterly-sharing:2027-03-01",
        "moment:fennel-works:quarterly-sharing:2027-06-01",
        "moment:fennel-works:quarterly-sharing:2027-09-01",
    ]


def test_two_organisations_have_threads_of_their_own(work: Workshop, clock: Clock) -> None:
    moss = replace(POLICY, slug="moss")
    team(at_work(work, clock, POLICY, moss))

    assert keys(work) == [THREAD, "moment:moss:spring-growth:2027"]


def test_while_observing_nothing_opens_and_afterwards_it_does(work: Workshop, clock: Clock) -> None:
    observing = under(work, replace(POLICY, organisation=replace(POLICY.organisation, mode=Mode.OBSERVE)))
    team(observing)
    send_all(observing)
    assert statuses(work) == {f"observed:{THREAD}": "withheld"}

    clock.now += DAY
    team(work)
    assert statuses(work) == {f"observed:{THREAD}": "withheld", THREAD: "planned"}


# -- what it says ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("locale", "title", "says"),
    [
        ("en", "The spring conversation about people (spring-growth 2027)", "Until April 30, 2027 there is room at"),
        ("de", "Das Frühlingsgespräch über Menschen (spring-growth 2027)", "30. April 2027"),
    ],
)
def test_a_thread_speaks_the_organisations_language_and_carries_its_sign(
    work: Workshop, wire: responses.RequestsMock, locale: str, title: str, says: str
) -> None:
    wire.post(f"{WIRE}/api/b2/discussions", json=thread_reply(title))
    speaking = under(work, replace(POLICY, organisation=replace(POLICY.organisation, locale=locale)))

    team(speaking)
    send_all(speaking)

    [asked] = sent(wire, "/discussions")
    found = asked["discussion"]
    assert found["group_id"] == 7
    assert found["title"].endswith(" (spring-growth 2027)")
    assert says in found["description"]
    assert not found["description"].startswith("#")
    if locale == "en":
        assert found["title"] == title
    [row] = rows(work, TeamMomentRow)
    assert (row.rhythm, row.turn, row.closes_on, row.discussion_id, row.topic_id, row.url) == (
        "spring-growth", "2027", date(2027, 4, 30), 601, 701, f"{WIRE}/d/Th4readK",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("locale", "options"),
    [("en", ["Keep", "Change", "Stop"]), ("de", ["Behalten", "Ändern", "Beenden"])],
)
def test_a_poll_has_three_options_in_the_organisations_language(
    work: Workshop, clock: Clock, wire: responses.RequestsMock, locale: str, options: list[str]
) -> None:
    wire.post(f"{WIRE}/api/b2/polls", json=poll_reply(*options))
    clock.now = datetime(2027, 12, 1, 10, tzinfo=UTC)
    speaking = under(work, replace(POLICY, organisation=replace(POLICY.organisation, locale=locale)))

    team(speaking)
    send_all(speaking)

    [asked] = sent(wire, "/polls")
    poll = asked["poll"]
    assert poll["options"] == options
    assert (poll["group_id"], poll["poll_type"], poll["closing_at"]) == (7, "poll", "2027-12-18T17:00:00Z")
    assert poll["title"].endswith(" (policy-poll 2027)")
    assert statuses(work) == {"moment:fennel-works:policy-poll:2027": "done"}
    [row] = rows(work, TeamMomentRow)
    assert (row.rhythm, row.discussion_id, row.url) == ("policy-poll", None, f"{WIRE}/p/Ab12Cd34")


def test_a_poll_closes_on_a_whole_hour_at_the_end_of_the_day(work: Workshop, clock: Clock) -> None:
    late = replace(POLICY.organisation, hours_until=datetime(2027, 1, 1, 16, 30).time())  # noqa: DTZ001 - a time of day
    clock.now = datetime(2027, 12, 1, 10, tzinfo=UTC)
    team(under(work, replace(POLICY, organisation=late)))

    [row] = rows(work, EffectRow)
    effect = effect_of(row.kind, row.payload)
    assert isinstance(effect, StartTeamPoll)
    assert effect.closes_at == datetime(2027, 12, 18, 17, tzinfo=UTC)


# -- inviting the silent -----------------------------------------------------------------------------------------------


@pytest.fixture
def people(work: Workshop) -> dict[str, int]:
    """Four people; eve has no account in Loomio."""
    found = {one: add_person(work, one, loomio_username=f"{one.title()}-L") for one in ("ada", "bo", "cy")}
    return found | {"eve": add_person(work, "eve")}


@pytest.fixture
def silent(work: Workshop, clock: Clock, people: dict[str, int]) -> Workshop:
    """A policy with the thread alone, on the day of the invitation."""
    clock.now = INVITES
    return under(work, SILENT)


def invited(work: Workshop) -> list[tuple[int, ...]]:
    found = [effect_of(row.kind, row.payload) for row in rows(work, EffectRow, EffectRow.kind == "MentionInThread")]
    return [one.person_ids for one in found if isinstance(one, MentionInThread)]


def test_those_who_have_not_spoken_are_invited_once_by_one_comment(
    silent: Workshop, clock: Clock, people: dict[str, int], wire: responses.RequestsMock
) -> None:
    a_thread(silent)
    hear(wire, "bo-l", "a-guest")
    comment = wire.post(f"{WIRE}/api/b2/comments", json={"comments": [{"id": 5}]})
    clock.now = INVITES - MINUTE
    team(silent)
    assert invited(silent) == []

    for n in range(4):
        clock.now = INVITES + n * MINUTE
        team(silent)
    send_all(silent)
    clock.now = INVITES + 3 * DAY
    team(silent)

    assert invited(silent) == [(people["ada"], people["cy"])]
    assert comment.call_count == 1
    [said] = sent(wire, "/comments")
    assert said == {
        "discussion_id": 601,
        "body": "@Ada-L @Cy-L there is room for a line here until April 30, 2027. One line is plenty, and silence is "
        "fine.\n\n(spring-growth 2027)",
        "body_format": "md",
    }


def test_who_has_spoken_is_remembered_and_not_asked_by_mail_either(
    silent: Workshop, people: dict[str, int], wire: responses.RequestsMock
) -> None:
    a_thread(silent)
    hear(wire, "BO-L")

    team(silent)

    assert [(row.person_id, row.rhythm, row.turn, row.how, row.day) for row in rows(silent, HeldRow)] == [
        (people["bo"], "spring-growth", "2027", "spoke", date(2027, 4, 16))
    ]


def test_an_invitation_counts_among_what_somebody_hears_in_a_week(
    silent: Workshop, clock: Clock, people: dict[str, int], wire: responses.RequestsMock
) -> None:
    a_thread(silent)
    hear(wire)
    team(silent)
    told = {(row.person_id, row.ask, row.effect_key, row.day) for row in rows(silent, AskedRow)}
    assert told == {(people[one], "mention", MENTION, date(2027, 4, 16)) for one in ("ada", "bo", "cy")}

    weekly = Interval(anchor_on=date(2027, 4, 17), every_days=1, open_days=6, tells=(Side.MEMBER,))
    both = under(silent, replace(SILENT, rhythms={**SILENT.rhythms, "weekly": weekly}))
    for n in range(8):
        clock.now = INVITES + n * DAY
        nudge(both)

    first = {row.person_id: row.day for row in reversed(rows(silent, AskedRow)) if row.rhythm == "weekly"}
    assert {first[people[one]] for one in ("ada", "bo", "cy")} == {date(2027, 4, 23)}
    assert first[people["eve"]] == date(2027, 4, 19)


def test_whoever_the_planner_has_it_not_for_is_not_named(
    silent: Workshop, people: dict[str, int], wire: responses.RequestsMock
) -> None:
    """On leave, put off, done, not at work at that hour, heard something this week already: the same rules as ever."""
    dee = add_person(silent, "dee", loomio_username="dee", zone="Pacific/Pago_Pago")  # half past ten at night
    fay = add_person(silent, "fay", loomio_username="fay", working_days=["mon", "tue"])
    gus = add_person(silent, "gus", loomio_username="gus", left_on=date(2027, 4, 16))
    hal = add_person(silent, "hal", loomio_username="hal")
    add(silent, PauseRow(person_id=people["ada"], first_on=date(2027, 4, 12), last_on=date(2027, 4, 16)))
    snooze = Snooze(first_on=date(2027, 4, 1))
    silent.database.transact(lambda session: keep_snooze(session, people["bo"], snooze))
    silent.database.transact(
        lambda session: keep_held(session, people["cy"], "spring-growth", "2027", How.NOT_NEEDED, date(2027, 3, 8))
    )
    heard = {"member_id": hal, "rhythm": "weekly", "turn": "x", "side": "member", "ask": "first"}
    add(
        silent,
        AskedRow(
            person_id=hal, at=INVITES - DAY, day=date(2027, 4, 15), closes_on=date(2027, 4, 20), effect_key="x", **heard
        ),
    )
    ivy = add_person(silent, "ivy", loomio_username="ivy")
    a_thread(silent)
    hear(wire)

    team(silent)

    assert invited(silent) == [(ivy,)]
    assert {dee, fay, gus, hal} & set(invited(silent)[0]) == set()


def test_with_nobody_to_invite_there_is_no_comment_and_no_second_look(
    silent: Workshop, clock: Clock, wire: responses.RequestsMock
) -> None:
    a_thread(silent)
    asked = hear(wire, "ada-l", "bo-l", "cy-l")
    team(silent)
    clock.now += MINUTE
    team(silent)

    assert invited(silent) == []
    assert asked.call_count == 1
    assert rows(silent, TeamMomentRow)[0].mentioned_at == INVITES


def test_without_a_thread_nobody_is_invited_and_loomio_is_not_asked(
    silent: Workshop, clock: Clock, wire: responses.RequestsMock
) -> None:
    team(silent)

    assert keys(silent, "MentionInThread") == []
    assert list(wire.calls) == []


def test_while_loomio_does_not_answer_nobody_is_invited_and_the_next_tick_asks_again(
    silent: Workshop, clock: Clock, people: dict[str, int], wire: responses.RequestsMock
) -> None:
    """Else everybody would be named, those who have spoken among them."""
    a_thread(silent)
    wire.get(f"{WIRE}/api/b2/threads/701/items", status=503)
    team(silent)
    assert (invited(silent), rows(silent, TeamMomentRow)[0].mentioned_at) == ([], None)

    hear(wire, "ada-l")
    clock.now += MINUTE
    team(silent)
    assert invited(silent) == [(people["bo"], people["cy"])]


def test_a_failing_loomio_holds_no_other_organisation_up(
    silent: Workshop, clock: Clock, wire: responses.RequestsMock
) -> None:
    a_thread(silent)
    wire.get(f"{WIRE}/api/b2/threads/701/items", status=403, json={"error": "no"})
    moss = replace(POLICY, slug="moss")

    team(at_work(silent, clock, SILENT, moss))

    assert "moment:moss:spring-growth:2027" in keys(silent)


def test_whoever_speaks_before_the_comment_leaves_is_not_named_in_it(
    silent: Workshop, people: dict[str, int], wire: responses.RequestsMock
) -> None:
    a_thread(silent)
    wire.get(f"{WIRE}/api/b2/threads/701/items", json=items_reply())
    wire.get(f"{WIRE}/api/b2/threads/701/items", json=items_reply("cy-l", "ada-l"))
    wire.post(f"{WIRE}/api/b2/comments", json={"comments": [{"id": 5}]})
    team(silent)
    assert len(invited(silent)[0]) == 3

    send_all(silent)

    [said] = sent(wire, "/comments")
    assert said["body"].startswith("@Bo-L there is room")


def test_when_everybody_has_spoken_by_then_nothing_is_said(silent: Workshop, wire: responses.RequestsMock) -> None:
    a_thread(silent)
    wire.get(f"{WIRE}/api/b2/threads/701/items", json=items_reply())
    wire.get(f"{WIRE}/api/b2/threads/701/items", json=items_reply("cy-l", "ada-l", "bo-l"))
    team(silent)

    perform(silent, MENTION)

    [row] = rows(silent, EffectRow, EffectRow.key == MENTION)
    assert (row.status, row.last_error) == ("not needed", "everybody has spoken")


def test_whoever_is_looked_at_before_the_comment_is_made_is_looked_at_again_soon(
    silent: Workshop, clock: Clock, people: dict[str, int]
) -> None:
    """The nudges may be planned a moment before the threads: a mention has no message of its own."""
    silent.database.transact(lambda session: look_anew_at_all(session, SLUG))

    nudge(silent)

    assert keys(silent, "Nudge") == []
    assert look_at(silent, people["ada"]) == INVITES + timedelta(minutes=10)


def test_the_comment_is_made_whichever_job_comes_first(
    silent: Workshop, people: dict[str, int], wire: responses.RequestsMock
) -> None:
    a_thread(silent)
    hear(wire)

    nudge(silent)
    team(silent)
    nudge(silent)

    assert invited(silent) == [(people["ada"], people["bo"], people["cy"])]


def test_something_else_of_that_week_does_not_name_and_write_twice(
    silent: Workshop, clock: Clock, people: dict[str, int], wire: responses.RequestsMock
) -> None:
    """Both fall on one day: whoever is written to by mail is not named on top of it, or the other way round."""
    a_thread(silent)
    hear(wire)
    weekly = Interval(anchor_on=date(2027, 4, 16), every_days=7, open_days=5, tells=(Side.MEMBER,))
    both = under(silent, replace(SILENT, caps=CapsPolicy(per_week=1), rhythms={**SILENT.rhythms, "weekly": weekly}))
    nudge(both)
    team(both)
    nudge(both)

    days = [(row.person_id, row.day) for row in rows(both, AskedRow)]
    assert len(days) == len(set(days))


def test_while_observing_nobody_is_invited_for_real(
    silent: Workshop, clock: Clock, people: dict[str, int], wire: responses.RequestsMock
) -> None:
    a_thread(silent)
    hear(wire)
    observing = under(silent, replace(SILENT, organisation=replace(SILENT.organisation, mode=Mode.OBSERVE)))

    team(observing)
    send_all(observing)
    assert statuses(silent)[f"observed:{MENTION}"] == "withheld"

    clock.now += MINUTE
    team(silent)
    assert invited(silent)[1:] == [(people["ada"], people["bo"], people["cy"])]


# -- the chat ----------------------------------------------------------------------------------------------------------


def test_each_room_is_told_once_when_something_opens(
    work: Workshop, clock: Clock, loopback: Loopback, wire: responses.RequestsMock
) -> None:
    wire.add_passthru(loopback.url)
    wire.post(f"{WIRE}/api/b2/discussions", json=thread_reply("The spring conversation (spring-growth 2027)"))
    loopback.answers = [raw_reply(200, "{}")]
    rooms = tuple(Chat(url=loopback.url.replace("http://", "json://") + f"/{one}") for one in ("team", "all"))
    chatty = replace(POLICY, channels=replace(POLICY.channels, team_chat=True))
    telling = at_work(work, clock, chatty, chat=lambda _: rooms)

    team(telling)
    send_all(telling)
    team(telling)
    send_all(telling)

    assert keys(work, "TellChat") == [f"chat:{THREAD}:0", f"chat:{THREAD}:1"]
    assert loopback.asked() == [("POST", "/team"), ("POST", "/all")]
    said = json.loads(loopback.received[0].body)
    assert said["message"] == (
        "The spring conversation (spring-growth 2027) – open until April 30, 2027, for everybody who likes to join in: "
        f"{WIRE}/d/Th4readK"
    )


def test_no_room_is_told_unless_the_policy_says_so(work: Workshop, clock: Clock, wire: responses.RequestsMock) -> None:
    wire.post(f"{WIRE}/api/b2/discussions", json=thread_reply("x (spring-growth 2027)"))
    quiet = at_work(work, clock, POLICY, chat=lambda _: (Chat(url="json://127.0.0.1:9/team"),))

    team(quiet)
    send_all(quiet)

    assert keys(work, "TellChat") == []
