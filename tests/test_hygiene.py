"""Hygiene of the outside, whole: what happens to a repository, its labels and issues loses nothing and closes nothing.

On SQLite only: the database plays no part in it. `test_jobs_trouble.py` goes through every cause.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house import House, fresh_database

REPORTED = {'order = ["github", "mail"]': 'order = ["github", "mail"]\nreport_to = "cy@fennel.example"'}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with fresh_database("sqlite", tmp_path) as url, House(url, tmp_path) as house:
        yield house


def amiss(house: House) -> list[tuple[str, str]]:
    return [(what, about) for what, about in house.rows("SELECT what, about FROM troubles WHERE gone_at IS NULL")]


def reports(house: House) -> list[str]:
    return [one["text"] for one in house.letters() if one["to"].startswith("cy")]


def test_what_is_meant_for_an_archived_repository_goes_out_when_it_is_writable_again(house: House) -> None:
    house.start_worker()
    first = house.open_issue("ada-fw", "Read a map")
    house.wait_for("the goal", lambda: house.objectives() == {first: "active"})
    house.control("github/repository", archived=True)
    house.wait_for("the trouble", lambda: amiss(house) == [("archived", "")])
    house.flask("objective", "open", "bo", "--title", "Knot a net")
    house.wait_for("the wait", lambda: house.rows("SELECT 1 FROM effects WHERE held_by = 'archived:'"))
    assert "LOOK  fennel-works: The repository is archived. fennel-works/learning is" in house.flask("doctor", expect=1)
    house.control("github/repository", archived=False)
    house.wait_for("the issue", lambda: len(house.objectives()) == 2)
    house.wait_until_quiet()
    assert amiss(house) == []
    assert house.rows("SELECT status FROM effects") == [("done",)]
    assert [one["title"] for one in house.world()["issues"] if one["author"] == "trellis-bot"] == ["Knot a net"]


def test_a_renamed_label_closes_nobodys_goal_and_one_report_says_so(house: House) -> None:
    house.change_policy(**REPORTED)
    house.control("clock", to="2027-03-01T12:00:00+00:00")
    house.start_worker()
    goals = [house.open_issue(f"{name}-fw", f"Goal of {name}") for name in ("ada", "bo", "dee")]
    house.wait_for("the goals", lambda: len(house.objectives()) == 3)
    house.as_person("trellis-bot", "PATCH", "/labels/ILO", new_name="Learning")
    house.as_person("ada-fw", "PATCH", f"/issues/{goals[0]}", title="Another title")
    house.wait_for("the title", lambda: house.rows("SELECT 1 FROM objectives WHERE title = 'Another title'"))
    house.flask("tick")
    assert house.objectives() == dict.fromkeys(goals, "active")
    house.control("clock", to="2027-03-02T10:30:00+00:00")
    house.flask("tick")
    house.wait_for("the report", lambda: len(reports(house)) == 1)
    assert "A label is not there any more. The label ILO is not in fennel-works/learning" in reports(house)[0]
    house.as_person("trellis-bot", "PATCH", "/labels/Learning", new_name="ILO")
    house.wait_for("the end", lambda: amiss(house) == [])
    house.control("clock", to="2027-03-03T10:30:00+00:00")
    house.flask("tick")
    house.wait_for("the second report", lambda: len(reports(house)) == 2)
    assert "Over. A label is not there any more: this is no longer so" in reports(house)[1]
    assert "The label ILO is not in" not in reports(house)[1]
    house.as_person("ada-fw", "DELETE", f"/issues/{goals[0]}/labels/ILO")
    house.wait_for(
        "one alone", lambda: house.objectives() == {goals[0]: "closed", goals[1]: "active", goals[2]: "active"}
    )
    assert "Another title" not in house.said()


def test_an_answer_on_a_locked_issue_waits_until_it_is_unlocked_and_a_moved_one_is_closed_kindly(house: House) -> None:
    house.start_worker()
    first = house.open_goal("ada-fw", "Read a map")
    second = house.open_issue("ada-fw", "Bake bread")
    house.wait_for("the question", lambda: house.ours(second))
    house.control(f"github/issues/{second}/lock")
    house.as_person("ada-fw", "POST", f"/issues/{first}/comments", body="/snooze soon")
    house.control(f"github/issues/{second}/comments", body="/activate", **{"as": "ada-fw"})
    house.wait_for("the swap", lambda: house.objectives() == {first: "queued", second: "active"})
    house.wait_for("the trouble", lambda: amiss(house) == [("locked", str(second))])
    assert len(house.ours(second)) == 1
    house.control(f"github/issues/{second}/unlock")
    house.wait_for("the answer", lambda: len(house.ours(second)) == 2)
    house.wait_until_quiet()
    assert amiss(house) == []
    house.control("github/repository", rename="fennel-works/growing")
    house.control(f"github/issues/{second}/transfer")
    house.wait_for("the end", lambda: house.objectives()[second] == "closed")
    house.wait_until_quiet()
    assert amiss(house) == [("issue-gone", str(second))]
    assert house.rows("SELECT count(*) FROM effects WHERE status = 'parked'") == [(0,)]
    assert house.rows("SELECT repository_name FROM organisations") == [("fennel-works/growing",)]
