"""Room with the vendors: one log for all processes, pauses kept by all, and whose turn it is when there is little."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest
import responses
from flask import Flask
from sqlalchemy.orm import Session

from app import create_worker
from benchmarks.backlog import work_off
from config.policy import load_policies
from config.settings import BY_NAME, load_settings
from domain.effects import ShowTicketState
from domain.issues import Issue, key_in
from domain.pace import Window, queue_of, turn_of
from domain.ticket_states import TicketState
from domain.ticket_words import label_of
from domain.trouble import Trouble, held_by
from integrations.errors import PacedError, TemporaryError
from integrations.loomio import Loomio
from jobs.pace import SharedPace
from jobs.perform import perform
from jobs.sweep import sweep
from jobs.trouble import lift, note
from jobs.turns import turns
from jobs.workshop import Workshop
from store.accounts import calls_since
from store.database import Database, make_engine
from store.models import AccountRow, CallRow, EffectRow, TicketRow
from tests.house import fresh_database
from tests.scenes import BOTH_DATABASES
from tests.test_jobs_redeliver import order
from tests.test_jobs_trouble import Outside, clock, comment_on, outside, plan, row_of, work
from tests.workroom import OURS, SLUG, Clock, add, at_work, rows

__all__ = ["clock", "outside", "work"]  # fixtures, used by name

WINDOWS = (Window(most=2, seconds=60), Window(most=5, seconds=3600))
OTHER = "the-other"


def pace_of(database: Database, clock: Callable[[], datetime], slug: str = SLUG) -> SharedPace:
    return SharedPace(database=database, organisation=slug, windows=WINDOWS, pause_seconds=60, real_now=clock)


@pytest.fixture
def paced(work: Workshop, outside: Outside, clock: Clock) -> Workshop:
    """The workshop, its GitHub keeping to two writes a minute and five an hour."""
    github = outside.github(pace=pace_of(work.database, clock))
    other = replace(OURS, slug=OTHER)
    return at_work(
        work, clock, OURS, other,
        github=lambda _: github, pace=lambda slug, _: pace_of(work.database, clock, slug),
    )  # fmt: skip


def account(outside: Outside) -> str:
    """Whose room it is: the token's, by what only that token gives."""
    return f"github:{outside.server.url.removeprefix('http://')}/{sha256(b'trellis-bot').hexdigest()[:12]}"


def planned(work: Workshop, key: str, kind: str, slug: str, clock: Clock, minutes: int, held_by: str) -> None:
    """Something that waits for room since so many minutes."""
    columns = {"payload": {}, "vendor": "github", "generation": 1, "planned_at": clock() - timedelta(minutes=minutes)}
    row = EffectRow(
        key=key, organisation=slug, kind=kind, status="planned", not_before=clock(), held_by=held_by, **columns
    )
    add(work, row)


def gone(session: Session, *, key: str) -> None:
    session.delete(session.get_one(EffectRow, key))


def held(work: Workshop) -> dict[str, str | None]:
    return {row.key: row.held_by for row in rows(work, EffectRow)}


def test_what_finds_no_room_waits_with_nothing_under_way_and_goes_in_its_turn(
    paced: Workshop, outside: Outside, clock: Clock
) -> None:
    number = outside.goal()
    keys = [comment_on(paced, number, f"answer:{n}") for n in range(4)]
    for key in keys:
        perform(paced, key)
    here = queue_of(account(outside))
    assert held(paced) == {"answer:0": None, "answer:1": None, "answer:2": here, "answer:3": here}
    assert len(outside.comments(number)) == 2
    waiting = row_of(paced, "answer:2")
    room_at = clock() + timedelta(minutes=1)
    why = f"{account(outside)} takes the next call at {room_at:%H:%M:%S} UTC"
    assert (waiting.status, waiting.last_error, waiting.attempts) == ("planned", why, 0)
    assert waiting.not_before == clock() + timedelta(minutes=1)

    clock.now += timedelta(seconds=30)
    sweep(paced)
    turns(paced)
    assert held(paced)["answer:2"] == here, "there is no room within the next ticks"
    assert paced.intake.underway(["perform:answer:2:1", "perform:answer:2:2"]) == set()

    clock.now += timedelta(seconds=15)
    turns(paced)
    turns(paced)  # another clock gives no turn twice
    assert held(paced)["answer:2"] == held(paced)["answer:3"] == turn_of(account(outside))
    assert row_of(paced, "answer:2").not_before == clock() + timedelta(seconds=15)
    assert paced.intake.underway(["perform:answer:2:2", "perform:answer:3:2"]) == {
        "perform:answer:2:2", "perform:answer:3:2",
    }  # fmt: skip

    perform(paced, "answer:2")
    assert len(outside.comments(number)) == 2, "its turn has not come yet"
    clock.now += timedelta(seconds=15)
    for key in keys:
        perform(paced, key)
    assert [row.status for row in rows(paced, EffectRow)] == ["done"] * 4
    assert len(outside.comments(number)) == 4
    assert [one.at for one in rows(paced, CallRow)] == sorted(one.at for one in rows(paced, CallRow))
    assert len(rows(paced, CallRow)) == 4


def test_whoever_comes_later_waits_behind_and_what_a_person_did_overtakes_what_comes_round(
    paced: Workshop, outside: Outside, clock: Clock
) -> None:
    here = queue_of(account(outside))
    number = outside.goal()
    planned(paced, "nudge:1", "Nudge", SLUG, clock, 9, here)
    answer = comment_on(paced, number)
    perform(paced, answer)
    assert row_of(paced, answer).status == "done", "a nudge that waits does not hold up an answer"
    planned(paced, "answer:0", "CommentOnIssue", SLUG, clock, 9, here)
    later = comment_on(paced, number, "answer:2")
    perform(paced, later)
    assert row_of(paced, later).held_by == here, "an answer waits its turn behind an older one"


def test_turns_go_to_people_first_then_to_organisations_in_turn_oldest_first(
    paced: Workshop, outside: Outside, clock: Clock
) -> None:
    here = queue_of(account(outside))
    for n in range(4):
        planned(paced, f"nudge:{n}", "Nudge", SLUG, clock, 50 - n, here)
    planned(paced, "nudge:other", "Nudge", OTHER, clock, 2, here)
    planned(paced, "answer:1", "CommentOnIssue", SLUG, clock, 1, here)
    given: list[str] = []
    for _ in range(3):
        turns(paced)
        now = [row.key for row in rows(paced, EffectRow, EffectRow.held_by == turn_of(account(outside)))]
        given += sorted(now, key=lambda key: (not key.startswith("answer"), key))
        for key in now:
            pace_of(paced.database, clock, row_of(paced, key).organisation).take(account(outside))
            paced.database.transact(partial(gone, key=key))
        clock.now += timedelta(minutes=1)
    assert given == ["answer:1", "nudge:other", "nudge:0", "nudge:1", "nudge:2"], "and five an hour are five"


def test_a_turn_that_somebody_urgent_took_is_given_again(paced: Workshop, outside: Outside, clock: Clock) -> None:
    number = outside.goal()
    for n in range(3):
        perform(paced, comment_on(paced, number, f"answer:{n}"))
    clock.now += timedelta(minutes=1)
    turns(paced)
    pace = pace_of(paced.database, clock)
    pace.take(account(outside))
    pace.take(account(outside))
    perform(paced, "answer:2")
    assert row_of(paced, "answer:2").held_by == queue_of(account(outside))
    clock.now += timedelta(minutes=1)
    turns(paced)
    perform(paced, "answer:2")
    assert row_of(paced, "answer:2").status == "done"
    assert len(outside.comments(number)) == 3


@pytest.mark.parametrize("database_kind", BOTH_DATABASES)
def test_many_who_take_at_once_are_given_no_more_than_there_is(database_kind: str, tmp_path: Path) -> None:
    at = datetime(2027, 3, 2, 9, tzinfo=UTC)
    with fresh_database(database_kind, tmp_path) as url:
        databases = [Database(make_engine(BY_NAME["DATABASE_URL"].read(url))) for _ in range(3)]
        went, refused = [], []

        def take(database: Database) -> None:
            for _ in range(3):
                try:
                    pace_of(database, lambda: at).take("github:here")
                    went.append(1)
                except PacedError as error:
                    refused.append(error.room_at)

        threads = [threading.Thread(target=take, args=(one,)) for one in databases * 2]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (len(went), len(refused)) == (2, 16)
        assert set(refused) == {at + timedelta(minutes=1)}
        counted = databases[0].transact(lambda session: calls_since(session, "github:here", at - timedelta(hours=1)))
        assert counted == [at, at]
        for database in databases:
            database.dispose()


@pytest.mark.parametrize("limited", [False, True])
def test_what_is_said_on_an_issue_stands_there_in_the_order_it_was_meant(
    paced: Workshop, outside: Outside, clock: Clock, limited: bool
) -> None:
    working = paced if limited else replace(paced, pace=lambda *_: None)
    number = outside.goal()
    first = comment_on(working, number, "answer:1")
    clock.now += timedelta(seconds=1)
    second = comment_on(working, number, "answer:2")
    elsewhere = comment_on(working, outside.goal("bo-fw"), "answer:3")
    order(outside, "faults", side="github", method="POST", path="/comments$", fault="after_502")
    for key in (first, second, elsewhere):
        perform(working, key)
    assert {key: row_of(working, key).status for key in (first, second, elsewhere)} == {
        first: "sending", second: "planned", elsewhere: "done",
    }  # fmt: skip
    waiting = row_of(working, second)
    assert waiting.last_error == "answer:1 is to be said first"
    assert (waiting.held_by, waiting.attempts) == (None, 0), "it does not stand in anybody's way"
    clock.now += timedelta(seconds=61)
    perform(working, first)
    turns(working)
    clock.now += timedelta(minutes=1)
    perform(working, second)
    assert [row_of(working, key).status for key in (first, second)] == ["done", "done"]
    said = [key_in(one) for one in outside.comments(number)]
    assert said == [first, second]


# -- pauses that a vendor asks for ------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["limit_403", "limit_429"])
def test_a_pause_that_github_asks_for_is_kept_by_everybody_and_nothing_is_asked_meanwhile(
    paced: Workshop, outside: Outside, clock: Clock, fault: str
) -> None:
    number = outside.goal()
    perform(paced, comment_on(paced, number, "answer:0"))
    order(outside, "faults", side="github", method="POST", path="/comments$", fault=fault, retry_after=600)
    key = comment_on(paced, number, "answer:1")
    perform(paced, key)
    row = row_of(paced, key)
    assert (row.status, row.held_by, row.attempts) == ("planned", queue_of(account(outside)), 0)
    [kept] = rows(paced, AccountRow)
    assert kept.paused_until is not None
    assert abs(kept.paused_until - (datetime.now(UTC) + timedelta(minutes=10))) < timedelta(seconds=30)

    before = len(outside.world.requests)
    clock.now += timedelta(minutes=2)
    again = comment_on(paced, number, "answer:2")
    perform(paced, again)
    turns(paced)
    assert row_of(paced, again).held_by == queue_of(account(outside))
    assert len(outside.world.requests) == before, "nobody reads or writes during the pause"

    clock.now = kept.paused_until
    turns(paced)
    for one in (key, again):
        perform(paced, one)
    assert [row.status for row in rows(paced, EffectRow)] == ["done"] * 3
    assert len(outside.comments(number)) == 3


def test_a_pause_without_a_length_is_a_minute_and_doubles_while_it_is_asked_for_again(
    work: Workshop, clock: Clock
) -> None:
    pace, began = pace_of(work.database, clock), clock()
    assert pace.pause("github:here", None) == began + timedelta(minutes=1)
    clock.now += timedelta(minutes=2)
    assert pace.pause("github:here", None) == clock() + timedelta(minutes=2)
    clock.now += timedelta(minutes=3)
    assert pace.pause("github:here", None) == clock() + timedelta(minutes=4)
    assert pace.pause("github:here", clock() + timedelta(seconds=5)) == clock() + timedelta(minutes=4)
    clock.now += timedelta(hours=1)
    assert pace.pause("github:here", None) == clock() + timedelta(minutes=1)
    with pytest.raises(PacedError, match=r"^github:here takes the next call at \d\d:\d\d:\d\d UTC$"):
        pace.look("github:here")
    pace.look("github:elsewhere")


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


def test_loomio_is_asked_no_more_often_than_it_allows_reading_included(
    work: Workshop, clock: Clock, wire: responses.RequestsMock
) -> None:
    windows = (Window(most=3, seconds=300),)
    pace = replace(pace_of(work.database, clock), windows=windows)
    loomio = Loomio(address="https://loomio.fennel.example", api_key="k", group_id=7, pace=pace)
    wire.get("https://loomio.fennel.example/api/v1/boot/version", json={"version": "3.1.7"})
    for _ in range(3):
        loomio.version()
        clock.now += timedelta(seconds=10)
    with pytest.raises(PacedError) as raised:
        loomio.version()
    assert raised.value.account == "loomio:loomio.fennel.example"
    assert raised.value.room_at == clock() + timedelta(seconds=270)
    assert len(wire.calls) == 3
    clock.now = raised.value.room_at
    loomio.version()


def test_a_pause_of_loomio_is_kept_too(work: Workshop, clock: Clock, wire: responses.RequestsMock) -> None:
    loomio = Loomio(
        address="https://loomio.fennel.example", api_key="k", group_id=7, pace=pace_of(work.database, clock)
    )
    wire.get("https://loomio.fennel.example/api/v1/boot/version", status=429, body="Retry later\n")
    for _ in range(2):
        with pytest.raises(PacedError):
            loomio.version()
    assert len(wire.calls) == 1


def test_what_was_sent_with_an_unknown_outcome_and_found_no_room_again_gets_a_turn_too(
    paced: Workshop, outside: Outside, clock: Clock
) -> None:
    number = outside.goal()
    for n in range(3):
        perform(paced, comment_on(paced, number, f"answer:{n}"))

    def unknown(session: Session) -> None:
        row = session.get_one(EffectRow, "answer:2")
        row.status, row.sent_at = "sending", clock()

    paced.database.transact(unknown)
    clock.now += timedelta(minutes=1)
    turns(paced)
    assert row_of(paced, "answer:2").held_by == turn_of(account(outside))
    perform(paced, "answer:2")
    assert (row_of(paced, "answer:2").looks, len(outside.comments(number))) == (1, 2), "it looks first, as ever"


def test_a_policy_asks_for_less_than_the_deployment_allows(environ: dict[str, str], app: Flask) -> None:
    file = Path(environ["TRELLIS_ORGANISATIONS"]) / "fennel-works.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("[github]\n", "[github]\nwrites_per_hour = 200\nwrites_per_minute = 50\n"), "utf-8")
    settings = load_settings(environ)
    workshop, _ = create_worker(settings, load_policies(settings.organisations_folder()))
    github, loomio = (workshop.pace("fennel-works", vendor) for vendor in ("github", "loomio"))
    assert github is not None
    assert github.windows == (Window(most=76, seconds=60), Window(most=490, seconds=3600))
    assert github.own_windows == (Window(most=50, seconds=60), Window(most=200, seconds=3600))
    assert loomio is not None
    assert loomio.windows == (Window(most=850, seconds=300),)
    everybody = workshop.pace("", "github")
    assert everybody is not None
    assert (everybody.windows, everybody.own_windows) == (github.windows, ())
    workshop.database.dispose()


def test_an_app_has_room_of_its_own_with_each_owner_it_is_installed_at(
    work: Workshop, outside: Outside, clock: Clock
) -> None:
    adapter = outside.github(app_id="7")
    assert adapter.account == f"{account(outside).rpartition('/')[0]}/app-7@fennel-works"


def test_an_organisation_that_asks_for_less_has_that_much_and_leaves_the_rest_to_others(
    paced: Workshop, outside: Outside, clock: Clock
) -> None:
    def pace(slug: str, _: str) -> SharedPace:
        own = (Window(most=1, seconds=60),) if slug == SLUG else ()
        return replace(pace_of(paced.database, clock, slug), own_windows=own)

    working, here = replace(paced, pace=pace), queue_of(account(outside))
    for n in range(3):
        planned(working, f"a:{n}", "Nudge", SLUG, clock, 50 - n, here)
        planned(working, f"b:{n}", "Nudge", OTHER, clock, 20 - n, here)
    turns(working)
    turn = turn_of(account(outside))
    assert {key for key, held_by in held(working).items() if held_by == turn} == {"a:0", "b:0"}
    pace(SLUG, "github").take(account(outside))
    with pytest.raises(PacedError):
        pace(SLUG, "github").take(account(outside))
    pace(OTHER, "github").take(account(outside))


def test_a_turn_that_is_not_taken_yet_counts_as_its_organisations_own(
    paced: Workshop, outside: Outside, clock: Clock
) -> None:
    def pace(slug: str, _: str) -> SharedPace:
        wide = replace(pace_of(paced.database, clock, slug), windows=(Window(most=4, seconds=60),))
        return replace(wide, own_windows=(Window(most=1, seconds=60),) if slug == SLUG else ())

    working, here = replace(paced, pace=pace), queue_of(account(outside))
    for n in range(3):
        planned(working, f"a:{n}", "Nudge", SLUG, clock, 50 - n, here)
    planned(working, "b:0", "Nudge", OTHER, clock, 20, here)
    turns(working)
    for n in (1, 2):
        planned(working, f"b:{n}", "Nudge", OTHER, clock, 20 - n, here)
    turns(working)
    turn = turn_of(account(outside))
    assert {key for key, held_by in held(working).items() if held_by == turn} == {"a:0", "b:0", "b:1", "b:2"}


def test_a_state_that_takes_two_writes_gets_there_with_room_for_one_at_a_time(
    work: Workshop, outside: Outside, clock: Clock
) -> None:
    one = replace(pace_of(work.database, clock), windows=(Window(most=1, seconds=60),))
    github = outside.github(pace=one)
    working = at_work(work, clock, OURS, github=lambda _: github, pace=lambda *_: one)
    before, after = label_of(TicketState.PROPOSED), label_of(TicketState.BOOKED)
    number = outside.goal()
    for name in (before, after):
        outside.label(name=name)
    outside.wears(number, before)
    ticket = TicketRow(
        organisation=SLUG, number=1, person_id=1, year="2027", state=TicketState.BOOKED.value, opportunity="Weave",
        claimed_at=clock(), issue_number=number,
    )  # fmt: skip
    about = f"ticket:{add(working, ticket).id}"
    key = plan(working, ShowTicketState(key="show:1", about=about, issue_number=number))
    for _ in range(3):
        turns(working)
        perform(working, key)
        clock.now += timedelta(seconds=61)
    assert row_of(working, key).status == "done"
    shown = github.issue(number)
    assert isinstance(shown, Issue)
    assert shown.labels == (after,)
    assert len(rows(working, CallRow)) == 2


def test_a_call_that_finds_no_room_by_a_hair_is_refused_or_counted(work: Workshop, clock: Clock) -> None:
    pace = replace(pace_of(work.database, clock), windows=(Window(most=1, seconds=60),))
    pace.take("github:here")
    clock.now += timedelta(seconds=60) - timedelta(milliseconds=5)

    def slow() -> datetime:
        """Each look at the clock is later, as while a database is busy."""
        clock.now += timedelta(milliseconds=2)
        return clock.now

    went = 1
    with suppress(PacedError):
        replace(pace, real_now=slow).take("github:here")
        went += 1
    assert len(rows(work, CallRow)) == went


def test_refusals_of_calls_that_were_under_way_together_are_one_pause(work: Workshop, clock: Clock) -> None:
    pace = pace_of(work.database, clock)
    assert {pace.pause("github:here", None) for _ in range(8)} == {clock() + timedelta(minutes=1)}


def test_an_instant_that_has_passed_is_no_pause_and_one_far_ahead_is_a_day(work: Workshop, clock: Clock) -> None:
    pace = pace_of(work.database, clock)
    assert pace.pause("github:here", clock() - timedelta(seconds=30)) == clock() + timedelta(minutes=1)
    assert pace.pause("github:there", clock() + timedelta(days=9_000)) == clock() + timedelta(days=1)


def test_a_clock_that_was_far_ahead_holds_nothing_up_once_it_is_right(work: Workshop, clock: Clock) -> None:
    pace, right = pace_of(work.database, clock), clock.now
    clock.now += timedelta(days=400)
    for _ in range(2):
        pace.take("github:here")
    clock.now = right
    pace.take("github:here")


def test_a_process_that_has_just_started_keeps_the_pause(paced: Workshop, outside: Outside, clock: Clock) -> None:
    number = outside.goal()
    pace_of(paced.database, clock).pause(account(outside), clock() + timedelta(hours=1))
    before = len(outside.world.requests)
    perform(paced, comment_on(paced, number))
    assert row_of(paced, "answer:1").held_by == queue_of(account(outside))
    assert len(outside.world.requests) == before


def test_what_waits_for_a_token_that_is_no_more_goes_out_with_the_new_one(
    paced: Workshop, outside: Outside, clock: Clock
) -> None:
    number = outside.goal()
    key = comment_on(paced, number)

    def hold(session: Session) -> None:
        row = session.get_one(EffectRow, key)
        row.held_by, row.generation = queue_of("github:here/old"), 1
        until = clock() + timedelta(hours=24)
        session.add(AccountRow(name="github:here/old", taken=1, pauses_in_a_row=0, paused_until=until))

    paced.database.transact(hold)
    clock.now += timedelta(minutes=50)
    sweep(paced)
    assert row_of(paced, key).held_by == queue_of("github:here/old")
    clock.now += timedelta(minutes=20)
    sweep(paced)
    perform(paced, key)
    assert row_of(paced, key).status == "done"


def test_what_comes_after_a_comment_that_waits_for_an_unlocked_issue_goes_on_with_it(
    paced: Workshop, outside: Outside, clock: Clock
) -> None:
    number = outside.goal()
    first = comment_on(paced, number, "answer:1")
    clock.now += timedelta(seconds=1)
    second = comment_on(paced, number, "answer:2")
    locked = held_by(Trouble.LOCKED, str(number))

    def hold(session: Session) -> None:
        note(paced, session, SLUG, Trouble.LOCKED, str(number))
        row = session.get_one(EffectRow, first)
        row.held_by, row.not_before, row.generation = locked, clock() + timedelta(hours=1), 1

    paced.database.transact(hold)
    perform(paced, second)
    assert row_of(paced, second).held_by == locked
    paced.database.transact(partial(lift, paced, slug=SLUG, troubles={Trouble.LOCKED}, about=str(number)))
    clock.now += timedelta(minutes=1)
    for key in (first, second):
        perform(paced, key)
    assert [row_of(paced, key).status for key in (first, second)] == ["done", "done"]


def test_a_backlog_uses_the_room_of_an_hour_and_never_more(tmp_path: Path) -> None:
    """The whole of 2,000 is `python -m benchmarks.backlog`; here with a tenth of GitHub's limits, for over an hour."""
    done = work_off(60, f"sqlite:///{tmp_path / 'trellis.sqlite'}", tmp_path, scale=10)
    assert (done.refused, done.doubled, done.missing) == (0, 0, 0)
    assert done.by_hour == [49, 11], "of the 50 an hour that GitHub takes, and the rest in the next"
    assert done.first_hour["fennel-works"] == 6, "the smaller organisation is served in full in the first hour"


def test_a_pace_that_cannot_be_counted_is_a_bad_moment_in_which_nothing_was_sent(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """A database without tables, as after an upgrade before `flask migrate`."""
    engine = make_engine(f"sqlite:///{tmp_path / 'empty.sqlite'}")
    pace = pace_of(Database(engine), clock)
    for ask in (pace.take, pace.look):
        with pytest.raises(TemporaryError, match="the pace could not be read or written"):
            ask("github:here")
    until = clock() + timedelta(minutes=7)
    assert pace.pause("github:here", until) == until
    assert pace.pause("github:here", None) == clock() + timedelta(minutes=1)
    assert "a pause of github:here could not be noted (OperationalError)" in caplog.text
    engine.dispose()
