"""What people say on an ILO, on the running program: the queue in their order, an end in their words, a hand."""

from tests.house import House
from tests.scenes import house

__all__ = ["house"]  # a fixture, used by name


def say(house: House, login: str, number: int, words: str) -> None:
    house.as_person(login, "POST", f"/issues/{number}/comments", body=words)


def test_a_goal_is_done_says_how_it_ended_and_makes_room_in_the_order_of_its_person(house: House) -> None:
    house.start_worker()
    titles = ("Read a map", "Bake bread", "Swim")
    first, second, third = (house.open_goal("ada-fw", title) for title in titles)
    house.wait_until_quiet()
    assert house.objectives() == {first: "active", second: "queued", third: "queued"}
    say(house, "ada-fw", third, "/queue first")
    house.wait_for("the order", lambda: len(house.ours(third)) == 2)
    say(house, "ada-fw", first, "That was it.\n\n/done")
    house.wait_for("closed", lambda: house.objectives()[first] == "closed")
    house.wait_until_quiet()
    assert house.issue(first)["state"] == "closed"
    assert house.objectives() == {first: "closed", second: "queued", third: "queued"}, "nothing opens by itself"
    assert len(house.ours(third)) == 3, "the head of the queue is offered"
    assert len(house.ours(second)) == 1
    say(house, "ada-fw", first, "/tried")
    house.wait_for(
        "how it ended",
        lambda: house.rows("SELECT closing FROM objectives WHERE issue_number = :n", n=first) == [("tried",)],
    )
    house.wait_until_quiet()
    [asked, questions] = house.ours(first)
    assert asked.startswith("Hello Ada, this one has come to its end.")
    assert questions.startswith("Thank you for trying, Ada.")
    assert questions.count("\n") == 5, "four questions, and no more"


def test_a_hand_is_offered_wanted_and_told_to_those_who_offered(house: House) -> None:
    house.start_worker()
    number = house.open_issue("ada-fw", "Read a map")
    house.wait_for("active", lambda: house.objectives() == {number: "active"})
    say(house, "bo-fw", number, "/offer I walk a lot")
    house.wait_for("the thanks", lambda: len(house.ours(number)) == 1)
    say(house, "bo-fw", number, "/activate")
    house.wait_for("the refusal", lambda: len(house.ours(number)) == 2)
    say(house, "ada-fw", number, "> /done\n\n```\n/done\n```\n\n/help-wanted")
    house.wait_for("the call", lambda: len(house.ours(number)) == 3)
    house.wait_until_quiet()
    thanks, refusal, call = house.ours(number)
    assert thanks.startswith("Thank you, Bo. Ada sees your offer here")
    assert refusal.startswith("Hello Bo, `/activate` is for somebody else here")
    assert "@bo-fw" in call
    assert "Ada would welcome a hand" in call
    assert house.objectives() == {number: "active"}, "what is quoted, or in a code block, is no command"


def test_a_goal_kept_between_two_has_no_issue_and_still_counts(house: House) -> None:
    house.start_worker()
    house.flask("objective", "open", "ada", "--title", "Say no more often", "--partner-only")
    number = house.open_issue("ada-fw", "Read a map")
    house.wait_for("the question", lambda: house.ours(number))
    house.wait_until_quiet()
    assert house.rows("SELECT state, visibility FROM objectives ORDER BY id") == [
        ("active", "partner"),
        ("queued", "team"),
    ]
    assert [one["title"] for one in house.world()["issues"][1:]] == ["Read a map"]
    assert "Say no more often" not in str(house.world()), "what is kept between two is named nowhere"
    house.flask("objective", "close", "ada", "1", "--as", "learned")
    house.wait_for("the offer", lambda: len(house.ours(number)) == 2)
    assert "there is room again" in house.ours(number)[1]
