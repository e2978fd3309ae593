"""Two processes claim the golden ticket of one person at the same moment: one gets it, the other is told."""

from concurrent.futures import ThreadPoolExecutor

from tests.house import House
from tests.scenes import house

__all__ = ["house"]  # a fixture, used by name


def at_once(house: House, *commands: tuple[str, ...]) -> list[tuple[int, str, str]]:
    """Run `flask` commands at once, each in a process of its own, and give what each exited with and said."""
    with ThreadPoolExecutor(len(commands)) as pool:
        return list(pool.map(lambda arguments: house.ran(*arguments), commands))


def test_two_claims_at_the_same_moment_are_one_ticket(house: House) -> None:
    opportunities = ("Weave willow", "Speak at RubyConf")
    said = at_once(house, *(("ticket", "request", "bo", "--opportunity", one) for one in opportunities))

    assert sorted(code for code, _, _ in said) == [0, 1], said
    [(_, out, _)] = [one for one in said if one[0] == 0]
    [(_, _, refused)] = [one for one in said if one[0] == 1]
    assert out.startswith("GT-0001: the golden ticket of Bo ")
    assert refused.startswith("Error: Bo ")
    assert "holds a golden ticket for this ticket year already" in refused
    kept = opportunities[[code for code, _, _ in said].index(0)]
    assert house.rows("SELECT number, state, opportunity FROM tickets") == [(1, "exits offered", kept)]
    assert house.rows("SELECT kind FROM effects") == [("OpenIssue",)]

    house.start_worker()
    house.wait_for("the issue", lambda: house.ticket_state() == "agreed by the member")
    house.wait_until_quiet()
    issues = [one["title"] for one in house.world()["issues"] if "GT-" in one["title"]]
    assert issues == [f"Golden ticket: {kept} (GT-0001)"]


def test_two_people_who_claim_at_the_same_moment_have_a_ticket_and_a_number_each(house: House) -> None:
    said = at_once(house, *(("ticket", "request", one, "--opportunity", f"Idea of {one}") for one in ("ada", "bo")))

    assert [code for code, _, _ in said] == [0, 0], said
    assert sorted(house.rows("SELECT number FROM tickets")) == [(1,), (2,)]
