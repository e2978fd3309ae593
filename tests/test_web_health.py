"""Health: alive is alive, ready says what is amiss in plain words, and however often it is asked it stays cheap."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, event, insert
from sqlalchemy.orm import Session

from config.settings import BY_NAME
from domain.pace import queue_of
from jobs.attempt import WAITING
from store.accounts import UNSENT
from store.database import Database, make_engine
from store.models import Base, DeliveryRow, EffectRow, ExecutorRow, PersonRow, ProposalRow, TicketRow, TroubleRow
from store.vitals import STORED, Vitals, figures, reader, vitals
from tests.house import address_of, on_server
from tests.scenes import BOTH_DATABASES
from web.health import Finding, Limits, Looking, State, Unwell, findings

NOW = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
LIMITS = Limits(beat_seconds=45, tick_seconds=180)
WELL = Vitals(
    workers=1,
    beat_at=NOW - timedelta(seconds=1),
    ticked_at=NOW - timedelta(seconds=10),
    delivery_due_since=None,
    effect_due_since=NOW - timedelta(seconds=2),
    effects_parked=0,
    effects_queued=0,
    deliveries_parked=0,
    github_at=NOW - timedelta(days=20),
    troubles={},
    watched=2,
    in_vain=0,
)


def judged(seen: Vitals | Unwell) -> dict[str, Finding]:
    return {one.name: one for one in findings(seen, now=NOW, limits=LIMITS)}


def states(seen: Vitals | Unwell) -> dict[str, State]:
    return {name: one.state for name, one in judged(seen).items() if one.state is not State.FINE}


def at_work(database: Database) -> None:
    now = datetime.now(UTC)
    worker = insert(ExecutorRow).values(id="a-worker", beat=1, beat_at=now, ticked_at=now)
    database.transact(lambda session: session.execute(worker))


# -- what is judged ----------------------------------------------------------------------------------------------------


def test_a_quiet_house_with_a_worker_is_ready_however_long_github_was_silent() -> None:
    assert states(WELL) == {}
    assert judged(WELL)["github"].seconds == 20 * 86_400


@pytest.mark.parametrize(
    ("change", "name", "why"),
    [
        ({"workers": 0, "beat_at": None, "ticked_at": NOW}, "worker", "no worker is running"),
        ({"beat_at": NOW - timedelta(seconds=46)}, "worker", "46 s ago; 45 s is the most"),
        ({"beat_at": NOW + timedelta(hours=1)}, "worker", "3600 s ahead: the clocks of these machines differ"),
        ({"ticked_at": None}, "clock", "has come round yet"),
        ({"ticked_at": NOW - timedelta(seconds=181)}, "clock", "181 s ago; 180 s is the most"),
        ({"delivery_due_since": NOW - timedelta(seconds=901)}, "deliveries", "due for 901 s and nobody"),
        ({"effect_due_since": NOW - timedelta(seconds=901)}, "effects", "due for 901 s and nobody"),
    ],
)
def test_whatever_keeps_the_work_from_being_done_makes_it_not_ready(
    change: dict[str, datetime | None], name: str, why: str
) -> None:
    seen = replace(WELL, **change)  # type: ignore[arg-type]

    assert states(seen) == {name: State.DOWN}
    assert why in judged(seen)[name].why


@pytest.mark.parametrize(
    ("seen", "name", "why"),
    [
        (replace(WELL, troubles={"archived": 1, "locked": 2}), "github", "open troubles: archived (1), locked (2)"),
        (replace(WELL, in_vain=1), "loomio", "1 of 2 proposals could not be read: is the bot's key still good?"),
        (replace(WELL, effects_parked=3), "effects", "3 are parked"),
        (
            replace(WELL, effects_parked=3, effects_queued=9),
            "effects",
            "for a person; 9 wait until GitHub, Loomio, mail or chat takes more",
        ),
        (replace(WELL, deliveries_parked=3), "deliveries", "3 are parked"),
    ],
)
def test_what_a_vendor_keeps_up_is_told_and_turns_no_delivery_away(seen: Vitals, name: str, why: str) -> None:
    assert states(seen) == {name: State.LOOK}
    assert why in judged(seen)[name].why


def test_effects_that_wait_for_somebodys_morning_are_not_overdue() -> None:
    assert states(replace(WELL, effect_due_since=NOW + timedelta(hours=14))) == {}


def test_what_counts_as_waiting_is_what_the_jobs_take_up() -> None:
    assert {*STORED, *UNSENT} == set(WAITING)


# -- what is read ------------------------------------------------------------------------------------------------------


@pytest.fixture(params=BOTH_DATABASES)
def filled(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database in which something of everything lies, and much that is long done."""
    name = f"vitals_{uuid.uuid4().hex[:12]}"
    if request.param == "postgresql":
        on_server(f'CREATE DATABASE "{name}"')
    engine = make_engine(
        BY_NAME["DATABASE_URL"].read(address_of(name))
        if request.param == "postgresql"
        else f"sqlite:///{tmp_path / 'one.sqlite'}"
    )
    Base.metadata.create_all(engine)
    with Session(engine) as session, session.begin():
        fill(session)
    yield engine
    engine.dispose()
    if request.param == "postgresql":
        on_server(f'DROP DATABASE "{name}" WITH (FORCE)')


def fill(session: Session) -> None:
    ago = timedelta(minutes=1)
    session.add(ExecutorRow(id="long-dead", beat=9, beat_at=NOW - 90 * ago, ticked_at=None))
    session.add(ExecutorRow(id="alive", beat=3, beat_at=NOW - ago, ticked_at=NOW - 2 * ago))
    session.add(ExecutorRow(id="from-before-0005", beat=1))
    for n, (source, status, minutes) in enumerate(
        [("github", "done", 50), ("github", "ignored", 40), ("goals", "done", 30), ("goals", "stored", 20),
         ("github", "stored", 35), ("github", "parked", 60)]
    ):  # fmt: skip
        at = NOW - minutes * ago
        row = {"source": source, "status": status, "received_at": at, "not_before": at}
        session.add(DeliveryRow(id=f"delivery-{n}", event="issues", about="github:1#1", body=b"{}", **row))
    for n, (kind, status, minutes) in enumerate(
        [("Nudge", "done", 500), ("Nudge", "planned", 10), ("Nudge", "planned", -600), ("OpenIssue", "sending", 25),
         ("OpenIssue", "parked", 70), ("CommentOnIssue", "planned", 45)]
    ):  # fmt: skip
        at = NOW - minutes * ago
        row = {"kind": kind, "status": status, "not_before": at, "planned_at": min(at, NOW - 80 * ago)}
        row["held_by"] = queue_of("github:here") if kind == "CommentOnIssue" else None
        session.add(EffectRow(key=f"effect-{n}", organisation="fennel", vendor="github", payload={}, **row))
    for n, gone in enumerate((None, None, NOW)):
        trouble = {"organisation": "fennel", "what": "locked", "about": str(n), "since": NOW}
        session.add(TroubleRow(gone_at=gone, **trouble))
    ada = PersonRow(organisation="fennel", handle="ada", name="Ada Lindqvist")
    session.add(ada)
    session.flush()
    ticket = TicketRow(
        organisation="fennel", number=1, person_id=ada.id, year="2027", state="proposed", opportunity="Secret wish",
        claimed_at=NOW,
    )  # fmt: skip
    session.add(ticket)
    session.flush()
    for round_, (look_at, in_vain) in enumerate([(NOW, 0), (NOW, 4), (None, 2)]):
        said = {"poll_key": "k", "url": "https://loomio.example/p/k", "closes_at": NOW}
        session.add(
            ProposalRow(
                organisation="fennel", ticket_id=ticket.id, round=round_, look_at=look_at, looks_in_vain=in_vain, **said
            )
        )


def test_vitals_are_read_as_they_lie_in_the_tables(filled: Engine) -> None:
    ago = timedelta(minutes=1)
    assert vitals(reader(filled)) == Vitals(
        workers=3,
        beat_at=NOW - ago,
        ticked_at=NOW - 2 * ago,
        delivery_due_since=NOW - 35 * ago,
        effect_due_since=NOW - 25 * ago,
        effects_parked=1,
        effects_queued=1,
        deliveries_parked=1,
        github_at=NOW - 35 * ago,
        troubles={"locked": 2},
        watched=2,
        in_vain=1,
    )


def test_figures_are_counted_by_kind_and_status(filled: Engine) -> None:
    found = figures(reader(filled))
    assert found.deliveries[("github", "done")] == 1
    assert sum(found.deliveries.values()) == 6
    assert found.effects == {
        ("Nudge", "done"): 1, ("Nudge", "planned"): 2, ("OpenIssue", "parked"): 1, ("OpenIssue", "sending"): 1,
        ("CommentOnIssue", "planned"): 1,
    }  # fmt: skip
    assert found.delivery_waits_since == NOW - timedelta(minutes=35)
    assert found.effect_waits_since == NOW - timedelta(minutes=80)


def test_reading_needs_no_lock_that_a_writer_holds(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'one.sqlite'}")
    Base.metadata.create_all(engine)
    with engine.begin() as connection:  # holds the one write lock
        connection.execute(insert(ExecutorRow).values(id="a", beat=0))
        started = time.monotonic()
        assert vitals(reader(engine)).workers == 0
        assert time.monotonic() - started < 1
    engine.dispose()


# -- one look at a time ------------------------------------------------------------------------------------------------


def test_a_hundred_questions_at_once_are_one_look() -> None:
    looks: list[float] = []

    def look() -> int:
        looks.append(time.monotonic())
        time.sleep(0.1)
        return len(looks)

    looking = Looking(look, fresh_seconds=0.5)
    with ThreadPoolExecutor(20) as pool:
        seen = list(pool.map(lambda _: looking.latest(), range(100)))
    assert seen == [1] * 100
    assert looks == looks[:1]
    time.sleep(0.5)
    assert looking.latest() == 2


def test_a_look_that_does_not_come_back_keeps_nobody_waiting_and_is_not_begun_twice() -> None:
    over, looks = threading.Event(), []

    def look() -> str:
        looks.append(1)
        over.wait(10)
        return "seen"

    looking = Looking(look, fresh_seconds=0.2, patience_seconds=0.1)
    started = time.monotonic()
    assert [looking.latest() for _ in range(3)] == [None] * 3
    assert time.monotonic() - started < 1
    assert len(looks) == 1
    over.set()
    time.sleep(0.05)
    assert looking.latest() == "seen"


def test_a_look_that_breaks_is_logged_and_followed_by_another(caplog: pytest.LogCaptureFixture) -> None:
    answers = iter(["", "seen"])

    def look() -> str:
        one = next(answers)
        if not one:
            raise ValueError("nobody thought of this")
        return one

    looking = Looking(look)
    assert (looking.latest(), looking.latest()) == (None, "seen")
    assert "nobody thought of this" in caplog.text


# -- the pages ---------------------------------------------------------------------------------------------------------


def test_alive_touches_nothing(client: FlaskClient, lose_database: Callable[[], None]) -> None:
    lose_database()
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"alive": True})


def test_ready_with_a_worker_at_work(client: FlaskClient, database: Database) -> None:
    at_work(database)
    answer = client.get("/readyz")
    assert answer.status_code == 200, answer.text
    assert answer.json is not None
    assert (answer.json["ready"], answer.json["not_ready"]) == (True, [])
    assert list(answer.json["checks"]) == ["clock", "database", "deliveries", "effects", "github", "loomio", "worker"]
    assert {one["state"] for one in answer.json["checks"].values()} == {"fine"}
    assert answer.headers["Cache-Control"] == "no-store"


def test_not_ready_without_a_worker_and_the_page_says_so(client: FlaskClient) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["not_ready"] == ["worker", "clock"]
    why = "no worker is running: what comes in is stored and waits"
    assert answer.json["checks"]["worker"] == {"state": "down", "why": why}


def test_not_ready_without_the_database_and_no_word_of_where_it_is(
    client: FlaskClient, lose_database: Callable[[], None]
) -> None:
    lose_database()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["not_ready"] == ["database"]
    assert "sqlite" not in answer.text


def test_tables_of_another_version_are_not_ready(client: FlaskClient, database: Database) -> None:
    with database.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE executors DROP COLUMN beat_at")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "flask migrate" in answer.text


def test_ready_asks_the_database_once_a_second_however_often_it_is_asked(
    client: FlaskClient, database: Database, engines: list[Engine]
) -> None:
    at_work(database)
    begun: list[int] = []
    event.listen(engines[0], "begin", lambda _: begun.append(1))
    assert {client.get("/readyz").status_code for _ in range(50)} == {200}
    assert len(begun) <= 2


def test_ready_tells_nothing_of_anybody(client: FlaskClient, database: Database) -> None:
    database.transact(fill)
    text = client.get("/readyz").text.casefold()
    for word in ("ada", "lindqvist", "wish", "fennel", "loomio.example", "invented", "delivery-", "effect-"):
        assert word not in text
