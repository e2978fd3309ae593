"""The rules that never bend are constraints of the database, on both databases."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from config.settings import BY_NAME
from jobs.durable import Intake
from store.database import Database, is_transient, make_engine
from store.models import DeliveryRow, ObjectiveRow, PersonRow, TicketRow
from store.queries import insert_once
from tests.house import fresh_database
from tests.scenes import BOTH_DATABASES
from webhooks.intake import Door, keep

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)


@pytest.fixture(params=BOTH_DATABASES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with fresh_database(request.param, tmp_path) as url:
        database = Database(make_engine(BY_NAME["DATABASE_URL"].read(url)))
        yield database
        database.dispose()


def ada(session: Session) -> int:
    return session.scalars(select(PersonRow.id).where(PersonRow.handle == "ada")).one()


def objective(person_id: int, state: str) -> ObjectiveRow:
    return ObjectiveRow(organisation="fennel-works", person_id=person_id, title="x", why="", state=state, opened_at=NOW)


def ticket(person_id: int, number: int, state: str, year: str = "2027") -> TicketRow:
    return TicketRow(
        organisation="fennel-works", person_id=person_id, number=number, year=year, state=state, opportunity="x",
        claimed_at=NOW,
    )  # fmt: skip


def refused(database: Database, *rows: Any) -> bool:
    """Say whether the database refuses to hold these rows together."""
    try:
        with Session(database.engine) as session, session.begin():
            session.add_all(rows)
    except IntegrityError:
        return True
    return False


def test_nobody_has_two_active_objectives(database: Database) -> None:
    with Session(database.engine) as session:
        me = ada(session)
    assert not refused(database, objective(me, "active"), objective(me, "queued"), objective(me, "closed"))
    assert refused(database, objective(me, "active"))
    assert not refused(database, objective(me, "queued"))


def test_nobody_holds_two_tickets_of_one_year(database: Database) -> None:
    with Session(database.engine) as session:
        me = ada(session)
    assert not refused(database, ticket(me, 1, "proposed"), ticket(me, 2, "objection"), ticket(me, 3, "withdrawn"))
    assert refused(database, ticket(me, 4, "exits offered"))
    assert not refused(database, ticket(me, 5, "consented", year="2028"))


def test_a_delivery_and_its_work_are_stored_together_or_not_at_all(database: Database) -> None:
    class Broken:
        def enqueue(self, *_: object, **__: object) -> None:
            raise RuntimeError("the queue is gone")

    door = Door(database=database, intake=Broken(), now=lambda: NOW, real_now=lambda: NOW)
    with pytest.raises(RuntimeError):
        keep(door, delivery_id="one-delivery", source="github", event="ping", about="github", body=b"{}")
    with Session(database.engine) as session:
        assert session.scalars(select(DeliveryRow)).all() == []


def test_one_delivery_told_by_many_at_once_is_stored_and_enqueued_once(database: Database) -> None:
    intake = Intake(database)
    door = Door(database=database, intake=intake, now=lambda: NOW, real_now=lambda: datetime.now(UTC))
    start, new = Barrier(12), []

    def tell(n: int) -> None:
        start.wait(timeout=20)
        for guid in range(5):
            told = keep(door, delivery_id=f"guid-{guid:04d}", source="github", event="ping", about=f"{n}", body=b"{}")
            new.append((guid, told))

    threads = [Thread(target=tell, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(new) == 60
    assert sorted(guid for guid, told in new if told) == [0, 1, 2, 3, 4]
    assert intake.underway(f"handle:guid-{n:04d}:0" for n in range(6)) == {f"handle:guid-{n:04d}:0" for n in range(5)}


def test_insert_once_tells_new_from_known(database: Database) -> None:
    row = {"organisation": "fennel-works", "handle": "eve", "name": "Eve", "coordinator": False}
    with Session(database.engine) as session, session.begin():
        assert insert_once(session, PersonRow, row)
        assert not insert_once(session, PersonRow, row)


def test_times_are_aware_utc_on_their_way_out_and_naive_ones_never_get_in(database: Database) -> None:
    with Session(database.engine) as session, session.begin():
        session.add(objective(ada(session), "queued"))
    with Session(database.engine) as session:
        found = session.scalars(select(ObjectiveRow.opened_at)).one()
        assert (found, found.tzinfo) == (NOW, UTC)
        session.add(ObjectiveRow(organisation="x", person_id=ada(session), title="x", why="", state="queued",
                                 opened_at=datetime(2027, 3, 1)))  # noqa: DTZ001 - naive on purpose  # fmt: skip
        with pytest.raises(Exception, match="naive time"):
            session.flush()


def test_nobody_writes_over_what_changed_since_they_read_it(database: Database) -> None:
    read, written = Barrier(2), Barrier(2)
    runs: list[str] = []

    def slow(session: Session) -> None:
        row = session.scalars(select(PersonRow).where(PersonRow.handle == "ada")).one()
        runs.append(row.name)
        if len(runs) == 1 and database.engine.dialect.name == "postgresql":  # SQLite lets only one in at a time
            read.wait(timeout=30)
            written.wait(timeout=30)
        row.name += " Lim"

    def quick(session: Session) -> None:
        session.scalars(select(PersonRow).where(PersonRow.handle == "ada")).one().name += " B."

    before = database.transact(lambda session: session.get_one(PersonRow, ada(session)).name)
    first = Thread(target=database.transact, args=(slow,))
    first.start()
    if database.engine.dialect.name == "postgresql":
        read.wait(timeout=30)
        database.transact(quick)
        written.wait(timeout=30)
    else:
        first.join(timeout=30)
        database.transact(quick)
    first.join(timeout=30)
    after = database.transact(lambda session: session.get_one(PersonRow, ada(session)).name)
    assert after in (f"{before} B. Lim", f"{before} Lim B.")


def test_a_lock_that_is_held_for_too_long_is_the_databases_error_and_passes(tmp_path: Path) -> None:
    """Also at the very beginning of a transaction, where nothing of SQLAlchemy's stands between us and the driver."""
    url = f"sqlite:///{tmp_path / 'locked.sqlite'}"
    holder, other = make_engine(url), make_engine(url)

    @event.listens_for(other, "connect")
    def be_impatient(connection: Any, _: Any) -> None:
        connection.execute("PRAGMA busy_timeout = 1")

    def read(session: Session) -> Any:
        return session.scalar(text("SELECT 1"))

    with holder.begin():
        with pytest.raises(OperationalError, match="locked") as refused, other.begin():
            pass
        assert is_transient(refused.value)
        found: list[Any] = []
        held = Thread(target=lambda: found.append(Database(other).transact(read)))
        held.start()
        held.join(timeout=0.2)
        assert (held.is_alive(), found) == (True, []), "it tries again as long as somebody holds the lock"
    held.join(timeout=30)
    assert found == [1]
    holder.dispose()
    other.dispose()
