"""The main job, whole: over real HTTP, a process per role, on SQLite and on PostgreSQL."""

import json
from datetime import UTC, datetime
from functools import partial

from tests.house import House
from tests.scenes import claim, close_poll, house, proposed

__all__ = ["house"]  # a fixture, used by name


def test_a_goal_is_queued_kindly_and_swapped_when_its_person_says_so(house: House) -> None:
    house.start_worker()
    first = house.open_issue("ada-fw", "Read a map", "### Why does it matter to me?\n\nI get lost")
    house.wait_for("the first", lambda: house.objectives() == {first: "active"})
    second = house.open_issue("ada-fw", "Bake bread")
    house.wait_for("the question", lambda: house.ours(second))
    house.wait_until_quiet()
    assert house.objectives() == {first: "active", second: "queued"}
    link = f"[Read a map]({house.sandbox_url}/issues/{first})"
    assert house.ours(second) == [
        "Hello Ada, good to see another idea growing.\n\n"
        f"You already have one going: {link}. One at a time is how we keep room for each, so this one is waiting in "
        "your queue. Nothing is lost.\n\n"
        "If you would rather work on **this** one now, write a comment with just\n\n```\n/activate\n```\n\n"
        "and the two swap places. Otherwise there is nothing to do."
    ]
    assert house.ours(first) == []
    house.as_person("ada-fw", "POST", f"/issues/{second}/comments", body="Yes!\n\n/activate")
    house.wait_for("the swap", lambda: house.objectives() == {first: "queued", second: "active"})
    house.wait_until_quiet()
    assert house.ours(second)[1:] == [
        "Done, Ada: this is your active learning goal now. Anything that was active before is waiting in your queue."
    ]
    assert house.issue(first)["state"] == "open"


def test_everything_that_happens_to_an_issue_is_followed(house: House) -> None:
    house.start_worker()
    number = house.open_issue("ada-fw", "Read a map")
    house.wait_for("active", lambda: house.objectives() == {number: "active"})
    house.as_person("ada-fw", "PATCH", f"/issues/{number}", title="Draw a map")
    house.wait_for("the title", lambda: house.rows("SELECT title FROM objectives") == [("Draw a map",)])
    house.as_person("ada-fw", "PATCH", f"/issues/{number}", state="closed", state_reason="not_planned")
    house.wait_for(
        "closed", lambda: house.rows("SELECT state, closing FROM objectives") == [("closed", "changed course")]
    )
    house.as_person("ada-fw", "PATCH", f"/issues/{number}", state="open")
    house.wait_for("reopened", lambda: house.objectives() == {number: "active"})
    house.as_person("ada-fw", "DELETE", f"/issues/{number}/labels/ILO")
    house.wait_for("unlabelled", lambda: house.objectives() == {number: "closed"})
    house.as_person("ada-fw", "POST", f"/issues/{number}/labels", labels=["ILO"])
    house.wait_for("labelled", lambda: house.objectives() == {number: "active"})
    house.as_person("ada-fw", "PATCH", f"/issues/{number}", assignees=["dee-fw"])
    house.wait_for(
        "handed over",
        lambda: house.rows("SELECT p.handle FROM objectives o JOIN people p ON p.id = o.person_id") == [("dee",)],
    )
    house.control(f"github/issues/{number}/transfer")
    house.wait_for("transferred", lambda: house.objectives() == {number: "closed"})
    other = house.open_issue("ada-fw", "Swim")
    house.wait_for("the other", lambda: house.objectives()[other] == "active")
    house.control(f"github/issues/{other}/delete")
    house.wait_for("deleted", lambda: house.objectives()[other] == "closed")
    house.wait_until_quiet()
    assert house.rows("SELECT key FROM effects") == []


def test_a_goal_told_to_trellis_becomes_one_issue_however_often_it_is_told(house: House) -> None:
    house.start_worker()
    house.flask("objective", "open", "ada", "--title", "Read a map", "--why", "I get lost")
    house.wait_for("the issue", lambda: len(house.objectives()) == 1)
    number = next(iter(house.objectives()))
    issue = house.issue(number)
    assert issue["title"] == "Read a map"
    assert [issue["author"], issue["labels"], issue["assignees"]] == ["trellis-bot", ["ILO"], ["ada-fw"]]
    assert issue["body"].startswith(
        "### What do I want to learn?\n\nRead a map\n\n### Why does it matter to me?\n\nI get lost"
    )
    sent = (
        '{"type": "objective.open", "organisation": "fennel-works",'
        ' "data": {"person": "bo", "title": "Knot a net", "why": "By the sea"}}'
    )
    now = datetime.now(UTC)
    for _ in range(3):
        assert house.send("msg-1", now, sent).json() == {"stored": True, "problems": []}
    house.wait_for("the second issue", lambda: len(house.objectives()) == 2)
    house.wait_until_quiet()
    titles = [one["title"] for one in house.world()["issues"] if one["author"] == "trellis-bot"]
    assert titles == ["Read a map", "Knot a net"]


def test_a_ticket_that_costs_money_is_proposed_consented_and_written_back(house: House) -> None:
    house.start_worker()
    number = claim(house)
    poll = proposed(house)
    assert poll["title"] == "Golden ticket: RubyConf 2027 (GT-0001)"
    house.vote(poll["key"], ada="agree", cy="agree", dee="abstain")
    close_poll(house)
    house.wait_for("the decision", lambda: house.ticket_state() == "consented")
    house.wait_until_quiet()
    address = f"{house.sandbox_url}/loomio/p/{poll['key']}"
    assert house.ours(number)[1:] == [
        "**Yes!** The group agrees to **GT-0001**, Bo. Go and enjoy it.\n\n"
        "2 agree, 1 abstain, 0 disagree, 0 block. With consent, a yes stands as long as nobody disagrees or blocks; "
        f"one disagreement is a reason to talk. {address}\n\n"
        "Once it is arranged, `/booked`; `/ilo` opens the learning goal that goes with it. Each alone on a line, and "
        "only if you like."
    ]
    assert house.issue(number)["labels"] == ["golden-ticket", "ticket: consented"]
    assert len(house.world()["polls"]) == 1
    # After the yes: the goal that goes with it, booked, used, asked once for a word about it, shared.
    house.as_person("bo-fw", "POST", f"/issues/{number}/comments", body="/ilo")
    house.wait_for("the goal", lambda: list(house.objectives().values()) == ["active"])
    for word in ("booked", "used", "shared"):
        house.as_person("bo-fw", "POST", f"/issues/{number}/comments", body=f"/{word}")
        house.wait_for(word, partial(lambda wanted: house.ticket_state() == wanted, word))
        house.wait_until_quiet()
    assert house.issue(next(iter(house.objectives())))["title"] == "RubyConf 2027"
    assert [one.partition(".")[0] for one in house.ours(number)[2:]] == [
        "It is booked, Bo",
        "How good, Bo",
        "Thank you for sharing it, Bo",
    ]
    assert house.issue(number)["labels"] == ["golden-ticket", "ticket: shared"]
    # The same ticket year again: told kindly, and no second ticket.
    again = claim(house)
    house.wait_for("the answer", lambda: house.ours(again))
    assert house.rows("SELECT count(*) FROM tickets") == [(1,)]


def test_an_objection_gives_the_ticket_back_and_a_human_outcome_outranks_it(house: House) -> None:
    house.start_worker()
    number = claim(house)
    poll = proposed(house)
    house.vote(poll["key"], ada="agree", cy="disagree")
    close_poll(house)
    house.wait_for("the objection", lambda: house.ticket_state() == "objection")
    house.control("loomio/outcomes", poll_key=poll["key"], username="ada", statement="We talked; go.", option="agree")
    house.wait_for("the outcome", lambda: house.ticket_state() == "consented")
    house.wait_until_quiet()
    said = house.ours(number)
    assert said[1].startswith("Bo, somebody in the group has a concern about **GT-0001**.")
    assert "> We talked; go." in said[2]
    assert len(said) == 3
    assert house.issue(number)["labels"] == ["golden-ticket", "ticket: consented"]


def test_too_few_voices_reopening_and_no_decision_are_states_with_a_next_step(house: House) -> None:
    house.start_worker()
    number = claim(house)
    poll = proposed(house)
    house.vote(poll["key"], ada="agree")
    close_poll(house)
    house.wait_for("no quorum", lambda: house.ticket_state() == "no quorum")
    house.wait_until_quiet()
    assert "`/proposal`" in house.ours(number)[-1]
    house.control(f"loomio/polls/{poll['key']}/reopen", username="ada")
    house.wait_for("reopened", lambda: house.ticket_state() == "proposed")
    house.vote(poll["key"], bo="abstain", ada="abstain", cy="abstain")
    close_poll(house)
    house.wait_for("no decision", lambda: house.ticket_state() == "no decision")
    house.as_person("bo-fw", "POST", f"/issues/{number}/comments", body="/proposal")
    house.wait_for("a second round", lambda: len(house.world()["polls"]) == 2)
    house.wait_for("asked again", lambda: house.rows("SELECT count(*) FROM proposals") == [(2,)])
    second = house.world()["polls"][-1]
    assert second["title"] == "Golden ticket: RubyConf 2027 (GT-0001 round 2)"
    house.as_person("bo-fw", "POST", f"/issues/{number}/comments", body="/withdraw")
    house.wait_for("withdrawn", lambda: house.ticket_state() == "withdrawn")
    house.wait_until_quiet()
    assert len(house.world()["discussions"]) == 2  # the welcome, and one thread for both rounds
    assert house.world()["comments"][-1]["body"].startswith("GT-0001 withdrawn: Bo Lindqvist has taken it back.")
    assert house.issue(number)["labels"] == ["golden-ticket", "ticket: withdrawn"]


def test_a_light_request_is_never_forced_into_a_vote(house: House) -> None:
    house.start_worker()
    number = claim(house, cost="nothing")
    house.wait_for("the answer", lambda: house.ours(number))
    house.wait_until_quiet()
    assert house.ticket_state() == "agreed by the member"
    assert house.world()["polls"] == []
    unclear = claim(house, cost="not sure yet", login="dee-fw")
    house.wait_for("the exits", lambda: house.ours(unclear))
    for command in ("/go-ahead", "/thread", "/proposal", "/talk"):
        assert f"`{command}`" in house.ours(unclear)[0]
    assert house.ticket_state() == "exits offered"
    house.as_person("dee-fw", "POST", f"/issues/{unclear}/comments", body="/thread")
    house.wait_for("the thread", lambda: house.ticket_state() == "thread started" and len(house.ours(unclear)) == 2)
    house.wait_until_quiet()
    assert house.world()["polls"] == []


TWO_WEEKLY = """[rhythms.two-weekly]
kind = "interval"
anchor_on = 2026-01-06
every_days = 14
open_days = 5
tells = ["member"]
needs = ["objective"]
done_by = ["wrote"]
fades = true
"""


def test_a_nudge_comes_once_in_the_persons_own_hours_and_not_when_they_wrote(house: House) -> None:
    house.change_policy(rhythms=TWO_WEEKLY)
    house.control("clock", to="2027-03-01T08:00:00+00:00")  # the day before a check-in
    worker = house.start_worker()
    ada = house.open_issue("ada-fw", "Read a map")
    bo = house.open_issue("bo-fw", "Knot a net")
    house.wait_for("both", lambda: len(house.objectives()) == 2)
    planned = json.loads(house.flask("plan", "--next", "3d", "--json"))["messages"]
    assert [(row["person"], row["at"]) for row in planned] == [
        ("bo", "2027-03-02T09:00:00+00:00"),
        ("ada", "2027-03-02T10:00:00+00:00"),
    ]
    house.as_person("bo-fw", "POST", f"/issues/{bo}/comments", body="Tied a bowline.")
    house.wait_for("what Bo wrote", lambda: house.rows("SELECT 1 FROM objectives WHERE last_wrote_at IS NOT NULL"))
    house.control("clock", to="2027-03-02T10:05:00+00:00")
    house.wait_for("the nudge", lambda: house.ours(ada))
    house.kill(worker)
    house.start_worker()
    house.flask("tick")
    house.wait_until_quiet()
    assert house.ours(ada) == [
        "Hello Ada,\n\nthis comes round at the moment. Take from it what is useful to you.\n\n"
        "### A look back, if you like\n\n"
        "What did you try, learn or show somebody else in the last 14 days? One line as a comment on your goal is "
        "plenty, and it will be good to read again in half a year.\n\n"
        "Did somebody help you, or do something well? A thank-you belongs here too.\n\n"
        "This does not come when you have already written.\n\n"
        "_Why this? It is part of how your team helps each other learn (Fennel Works). It is yours, and not for any "
        "appraisal._\n"
        "_To answer, write one of these alone on a line in a comment: `/held`, `/not-needed`, `/snooze 2 weeks`, "
        "`/snooze all`._\n"
        "_No answer is fine too: it grows quieter by itself._"
    ]
    assert house.ours(bo) == []
    assert house.letters() == []


QUARTERLY = """[rhythms.quarterly-talk]
kind = "interval"
anchor_on = 2027-01-15
every_months = 3
open_days = 45
partners = ["manager"]
private = true
again_after_days = [21]
"""


def test_a_private_prompt_goes_by_mail_to_both_and_one_link_answers_it(house: House) -> None:
    house.change_policy(rhythms=QUARTERLY)
    house.control("clock", to="2027-01-15T06:00:00+00:00")
    house.start_worker()
    house.control("clock", to="2027-01-15T15:30:00+00:00")
    house.wait_for("the letters", lambda: len(house.letters()) == 3)  # Cy does not work on Fridays
    house.wait_until_quiet()
    assert sorted(one["to"] for one in house.letters()) == [f"{name}@fennel.example" for name in ("ada", "bo", "dee")]
    letter = next(one for one in house.letters() if one["to"].startswith("ada"))
    assert letter["subject"] == "A quarterly talk, both ways"
    assert "would you like to look at the quarter with Cy Okafor?" in letter["text"]
    assert letter["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = next(word for word in letter["text"].split() if word.startswith(f"{house.web_url}/choices/"))
    page = house.session.get(link, timeout=10)
    assert page.status_code == 200
    assert house.rows("SELECT count(*) FROM held") == [(0,)]
    said = {"choice": "held", "part": "quarterly-talk|2027-01-15"}
    assert house.session.post(link, data=said, timeout=10).status_code == 200
    assert house.rows("SELECT rhythm, turn, how FROM held") == [("quarterly-talk", "2027-01-15", "held")]
    # Three weeks on, whoever did not answer is asked again; Ada is not, and Cy is not asked about her.
    house.control("clock", to="2027-02-09T15:30:00+00:00")
    house.wait_for("the second letters", lambda: len(house.letters()) > 4)
    house.wait_until_quiet()
    assert not any(one["to"].startswith("ada") for one in house.letters()[3:])
    stop = letter["headers"]["List-Unsubscribe"].strip("<>")
    assert house.session.post(stop, data={"List-Unsubscribe": "One-Click"}, timeout=10).status_code == 200
    house.control("clock", to="2027-04-16T13:00:00+00:00")
    house.wait_for("the next quarter", lambda: len(house.letters()) > 7)
    house.wait_until_quiet()
    assert not any(one["to"].startswith("ada") for one in house.letters()[3:])


def test_a_message_takes_the_next_way_when_the_issue_does_not_take_comments(house: House) -> None:
    house.change_policy(rhythms=TWO_WEEKLY)
    house.control("clock", to="2027-03-01T08:00:00+00:00")
    house.start_worker()
    ada = house.open_issue("ada-fw", "Read a map")
    house.wait_for("the goal", lambda: len(house.objectives()) == 1)
    house.wait_until_quiet()
    house.control(f"github/issues/{ada}/lock")
    house.control("clock", to="2027-03-02T10:05:00+00:00")
    house.wait_for("the letter", lambda: house.letters())
    house.wait_until_quiet()
    assert [(one["to"], one["subject"]) for one in house.letters()] == [
        ("ada@fennel.example", "A look back, if you like")
    ]
    assert house.ours(ada) == []
