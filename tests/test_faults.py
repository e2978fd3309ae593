"""Faults, caused: in each there is exactly one issue, comment, thread and poll in the end.

The sandbox does the work and then holds its answer, breaks the connection or answers 502; the worker is killed outright
between the outgoing call and its record.
"""

import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.house import House
from tests.processes import Process
from tests.scenes import claim, close_poll, house, on_postgresql, proposed

__all__ = ["house"]  # a fixture, used by name

COMMENTS = r"/issues/\d+/comments$"


def by_trellis(house: House) -> dict[str, list[Any]]:
    """Give everything Trellis left outside: titles of issues, threads and polls, and comments."""
    world = house.world()
    issues = [one for one in world["issues"] if one["author"] == "trellis-bot"]
    return {
        "issues": [one["title"] for one in issues],
        "comments": [
            comment["body"].rsplit("key=", 1)[-1].split(" ")[0]
            for one in world["issues"]
            for comment in one["comments"]
            if comment["author"] == "trellis-bot"
        ],
        "threads": [one["title"] for one in world["discussions"] if "GT-" in one["title"]],
        "polls": [one["title"] for one in world["polls"]],
    }


def until_done(house: House, key: str) -> None:
    house.wait_for(
        f"{key} to be done", lambda: house.rows("SELECT 1 FROM effects WHERE key = :k AND status = 'done'", k=key)
    )
    house.wait_until_quiet()


WHOLE_TICKET = {
    "issues": ["Golden ticket: RubyConf (GT-0001)"],
    "comments": ["ticket-say:fennel-works:1:proposed:1"],
    "threads": ["Golden ticket: RubyConf (GT-0001)"],
    "polls": ["Golden ticket: RubyConf (GT-0001)"],
}

# What is called, how to see that the other side has done it, and the fault's place.
BOUNDARIES: dict[str, tuple[str, str, Callable[[dict[str, list[Any]]], bool]]] = {
    "issue": ("github", r"/issues$", lambda left: bool(left["issues"])),
    "thread": ("loomio", r"/discussions$", lambda left: bool(left["threads"])),
    "poll": ("loomio", r"/polls$", lambda left: bool(left["polls"])),
    "comment": ("github", COMMENTS, lambda left: bool(left["comments"])),
}


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_worker_killed_between_the_call_and_its_record_doubles_nothing(house: House, boundary: str) -> None:
    side, path, happened = BOUNDARIES[boundary]
    house.fault(side, "POST", path, "after_hang", seconds=30)
    worker = house.start_worker()
    house.ask("ticket.request", person="bo", opportunity="RubyConf", cost="480 EUR")
    house.wait_for(f"the {boundary} on the other side", lambda: happened(by_trellis(house)))
    house.kill(worker)
    house.control("release")
    house.start_worker()
    until_done(house, "ticket-say:fennel-works:1:proposed:1")
    assert by_trellis(house) == WHOLE_TICKET
    assert house.ticket_state() == "proposed"


@pytest.mark.parametrize(
    ("house", "fault"),
    [("sqlite", one) for one in ("after_502", "reset_after", "after_hang", "garbage_after")]
    + [on_postgresql("after_hang")],
    indirect=["house"],
)
def test_an_answer_that_does_not_tell_is_looked_up_before_it_is_repeated(house: House, fault: str) -> None:
    for side, path, _ in BOUNDARIES.values():
        house.fault(side, "POST", path, fault, seconds=20)
    house.start_worker()
    house.ask("ticket.request", person="bo", opportunity="RubyConf", cost="480 EUR")
    until_done(house, "ticket-say:fennel-works:1:proposed:1")
    assert by_trellis(house) == WHOLE_TICKET


@pytest.mark.parametrize(
    ("house", "on_github", "on_loomio"),
    [
        ("sqlite", "before_500", "before_503"),
        ("sqlite", "reset_before", "reset_before"),
        ("sqlite", "limit_403", "limit_429"),
        ("sqlite", "limit_429", "before_500"),
        on_postgresql("reset_before", "before_503"),
    ],
    indirect=["house"],
)
def test_a_call_that_did_nothing_is_made_again_and_done_once(house: House, on_github: str, on_loomio: str) -> None:
    house.fault("github", "POST", r"/issues$", on_github, retry_after=1)
    house.fault("loomio", "POST", r"/polls$", on_loomio, retry_after=1)
    house.start_worker()
    house.ask("ticket.request", person="bo", opportunity="RubyConf", cost="480 EUR")
    until_done(house, "ticket-say:fennel-works:1:proposed:1")
    assert by_trellis(house) == WHOLE_TICKET


def test_doubled_deliveries_are_handled_once(house: House) -> None:
    house.control("deliveries", mode="double")
    house.start_worker()
    first = house.open_issue("ada-fw", "Read a map")
    house.wait_for("the first", lambda: house.objectives() == {first: "active"})
    second = house.open_issue("ada-fw", "Bake bread")
    ticket = claim(house)
    poll = proposed(house)
    house.wait_until_quiet()
    assert house.objectives() == {first: "active", second: "queued"}
    left = by_trellis(house)
    assert sorted(left["comments"]) == ["ticket-say:fennel-works:1:proposed:1", f"which-stays:fennel-works:{second}"]
    assert left["polls"] == [poll["title"]]
    assert house.issue(ticket)["labels"] == ["golden-ticket", "ticket: proposed"]
    assert house.rows("SELECT id FROM deliveries GROUP BY id HAVING count(*) > 1") == []


def test_deliveries_out_of_order_end_where_the_issue_is(house: House) -> None:
    house.start_worker()
    house.control("deliveries", mode="hold")
    number = house.open_issue("ada-fw", "Read a map")
    house.as_person("ada-fw", "PATCH", f"/issues/{number}", title="Draw a map")
    house.as_person("ada-fw", "PATCH", f"/issues/{number}", state="closed", state_reason="completed")
    house.as_person("ada-fw", "PATCH", f"/issues/{number}", state="open")
    house.control("deliveries/flush", order="reverse")
    house.control("deliveries", mode="normal")
    house.wait_for("active", lambda: house.objectives() == {number: "active"})
    house.wait_until_quiet()
    assert house.rows("SELECT title, state, closing FROM objectives") == [("Draw a map", "active", None)]
    assert house.rows("SELECT key FROM effects") == []


def put_to_sleep(house: House, worker: Process) -> None:
    """Stop a worker outright, at a moment when it does not hold SQLite's one write lock (see README)."""
    for _ in range(50):
        worker.send_signal(signal.SIGSTOP)
        if not house.is_locked():
            return
        worker.send_signal(signal.SIGCONT)
        time.sleep(0.05)
    raise AssertionError("the worker held the lock all the time")


def test_a_worker_that_slept_too_long_is_taken_over_and_ends_itself(house: House) -> None:
    sleeper = house.start_worker()
    house.wait_for("its lease", lambda: house.rows("SELECT id FROM executors"))
    house.fault("github", "POST", r"/issues$", "before_hang", seconds=60)
    house.ask("objective.open", person="ada", title="Read a map")
    # Only once the call is on the wire: stopped just before it, the sleeper would make it after waking (see README).
    house.wait_for("the call", lambda: any(one["fault"] == "before_hang" for one in house.calls()))
    put_to_sleep(house, sleeper)
    house.control("release")
    house.start_worker()
    house.wait_for("the issue", lambda: len(house.objectives()) == 1)
    sleeper.send_signal(signal.SIGCONT)
    assert sleeper.wait(timeout=30) in (70, 71)
    house.wait_until_quiet()
    assert by_trellis(house)["issues"] == ["Read a map"], house.said()


def test_a_worker_that_is_asked_to_stop_gives_its_lease_back_and_loses_nothing(house: House) -> None:
    worker = house.start_worker()
    house.wait_for("its lease", lambda: house.rows("SELECT id FROM executors"))
    for n in range(5):
        house.ask("objective.open", person="ada", title=f"Goal {n}")
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(timeout=30) == 0
    assert house.rows("SELECT id FROM executors") == []
    house.start_worker()
    house.wait_for("all five", lambda: len(house.objectives()) == 5)
    house.wait_until_quiet()
    assert sorted(by_trellis(house)["issues"]) == [f"Goal {n}" for n in range(5)]


def test_work_the_engine_lost_sight_of_is_found_by_the_sweep(house: House) -> None:
    number = house.open_issue("ada-fw", "Read a map")
    house.wait_for("the deliveries", lambda: len(house.rows("SELECT id FROM deliveries")) == 3)
    schema = "" if house.engine.dialect.name == "sqlite" else "dbos."
    with house.engine.begin() as connection:
        connection.exec_driver_sql(f"DELETE FROM {schema}workflow_status")
        connection.exec_driver_sql("UPDATE deliveries SET not_before = '2026-01-01 00:00:00+00:00'")
    house.start_worker()
    house.wait_for("active", lambda: house.objectives() == {number: "active"})


def test_two_workers_share_the_work_and_one_killed_loses_nothing(house: House) -> None:
    workers = [house.start_worker(), house.start_worker()]
    people = ("ada", "bo", "cy", "dee")
    for round_ in range(3):
        for handle in people:
            house.ask("objective.open", person=handle, title=f"Goal {round_} of {handle}")
        if round_ == 1:
            house.kill(workers[0])
    house.wait_for("every issue", lambda: len(house.objectives()) == 12)
    house.wait_until_quiet()
    left = by_trellis(house)
    assert sorted(left["issues"]) == sorted(f"Goal {n} of {one}" for n in range(3) for one in people)
    assert len(left["comments"]) == 8  # the second and third of each are asked about, once
    assert (
        sorted(state for _, state in house.rows("SELECT id, state FROM objectives")) == ["active"] * 4 + ["queued"] * 8
    )


def test_what_no_delivery_told_is_found_by_reconciling(house: House) -> None:
    house.kill(house.web)  # every delivery is lost from here on
    number = house.open_issue("ada-fw", "Read a map")
    house.flask("tick")
    assert house.objectives() == {number: "active"}


def test_what_was_parked_goes_out_once_its_cause_is_gone(house: House) -> None:
    house.start_worker()
    house.control("loomio/key", key="another-key")
    ticket = claim(house)
    why = "Loomio does not accept the bot's key"  # "nothing is parked" would be said as well, a moment too early
    house.wait_for("parked", lambda: why in house.flask("effects", "list"))
    assert "LOOK  fennel-works: 1 effects are parked" in house.flask("doctor", expect=1)
    house.control("loomio/key", key="fennel-loomio-key")
    assert house.flask("effects", "retry", "--all") == "1 on their way again.\n"
    proposed(house)
    house.wait_until_quiet()
    assert len(house.ours(ticket)) == 1
    assert len(by_trellis(house)["threads"]) == 1


def test_an_organisation_that_observes_sends_nothing(house: House) -> None:
    policy = house.folder / "organisations" / "fennel-works.toml"
    policy.write_text(policy.read_text().replace('mode = "on"', 'mode = "observe"'))
    house.start_worker()
    first = house.open_issue("ada-fw", "Read a map")
    house.wait_for("the first", lambda: house.objectives() == {first: "active"})
    second = house.open_issue("ada-fw", "Bake bread")
    claim(house)
    house.wait_for("both", lambda: len(house.objectives()) == 2 and house.ticket_state() == "proposed")
    house.wait_until_quiet()
    assert by_trellis(house) == {"issues": [], "comments": [], "threads": [], "polls": []}
    assert house.objectives()[second] == "queued"
    assert {row[0] for row in house.rows("SELECT status FROM effects")} == {"withheld"}


def test_a_bad_row_never_stops_the_others(house: House) -> None:
    house.start_worker()
    first = house.open_issue("ada-fw", "Read a map")
    house.wait_for("the first", lambda: house.objectives() == {first: "active"})
    with house.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE people SET zone = 'Nowhere/At all' WHERE handle = 'cy'")
    house.open_issue("cy-fw", "Swim")
    time.sleep(1)
    with house.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE people SET zone = NULL WHERE handle = 'cy'")
    second = house.open_issue("bo-fw", "Knot a net")
    house.wait_for("all three", lambda: len(house.objectives()) == 3)
    assert house.objectives()[second] == "active"


def test_what_happens_while_a_proposal_is_looked_at_is_seen_by_the_next_look(house: House) -> None:
    house.start_worker()
    claim(house)
    poll = proposed(house)
    house.vote(poll["key"], ada="agree")
    house.wait_until_quiet()
    # The look reads the poll as it is now; its answer is on its way for long enough that the closing overtakes it.
    house.fault("loomio", "GET", rf"/polls/{poll['key']}", "after_hang", seconds=1.5)

    def looks() -> int:
        return sum(f"/polls/{poll['key']}" in one["path"] for one in house.calls())

    before = looks()
    assert house.hint().status_code == 200
    house.wait_for("the look", lambda: looks() > before)
    close_poll(house)
    house.wait_for("no quorum", lambda: house.ticket_state() == "no quorum")
