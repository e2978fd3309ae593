"""What members write on an issue: obeyed once, by those who may, answered once, and nothing private told of it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from domain.effects import CommentOnIssue, Effect, Say, TellChat
from domain.issues import Comment
from integrations.chat import Chat
from jobs.listen import follow_comment
from jobs.objectives import activate_record
from jobs.workshop import Workshop
from store.memory import effect_of
from store.models import EffectRow, ObjectiveRow, PauseRow, PersonRow, RelationRow, TicketRow, TimelineRow
from store.queries import person_by_id
from tests.cast import BY_MAIL, issue_url
from tests.workroom import OURS, SLUG, TUESDAY, Clock, add, add_objective, add_person, at_work, rows

POLICY = replace(OURS, channels=replace(BY_MAIL, team_chat=True), rhythms={})
DAY = timedelta(days=1)
TODAY = date(2027, 1, 5)


@pytest.fixture
def clock() -> Clock:
    return Clock(TUESDAY)


@pytest.fixture
def work(workshop: Workshop, clock: Clock) -> Workshop:
    room = Chat(url="json://127.0.0.1:9/team")
    return at_work(workshop, clock, POLICY, chat=lambda _: (room,))


Says = Callable[..., None]


@pytest.fixture
def says(work: Workshop, clock: Clock) -> Says:
    """Somebody comments on an issue; each comment has an id of its own unless a test gives one."""
    count = iter(range(900, 1000))

    def say(body: str, *, by: str = "ada", number: int = 11, comment_id: int = 0) -> None:
        comment_id = comment_id or next(count)
        url = f"https://github.com/c/{comment_id}"
        comment = Comment(id=comment_id, author=by, body=body, created_at=clock(), url=url)
        follow_comment(work, POLICY, number, comment)

    return say


def planned(work: Workshop) -> list[Effect]:
    """Everything that is to be sent."""
    return [effect_of(row.kind, row.payload) for row in rows(work, EffectRow)]


def answer(
    name: str, command: str, *, to: str = "Ada", comment_id: int = 900, number: int = 11, **values: str
) -> CommentOnIssue:
    return CommentOnIssue(
        key=f"answer:{SLUG}:{comment_id}:{command}",
        about=f"issue:{number}",
        issue_number=number,
        body=Say(name=name, values={"name": to, "command": command} | values),
    )


def timeline(work: Workshop) -> list[tuple[str, dict[str, Any]]]:
    return [(row.what, row.details) for row in rows(work, TimelineRow)]


def states(work: Workshop) -> dict[int | None, str]:
    return {row.issue_number: row.state for row in rows(work, ObjectiveRow)}


def pauses(work: Workshop) -> list[tuple[date, date | None]]:
    return [(row.first_on, row.last_on) for row in rows(work, PauseRow)]


def add_ticket(work: Workshop, person_id: int, **columns: Any) -> TicketRow:
    """Give somebody a light ticket of 2027 whose exits lie before them."""
    said = {
        "organisation": SLUG, "number": 1, "year": "2027", "state": "exits offered", "opportunity": "Weave willow",
        "claimed_at": TUESDAY, "issue_number": 21, "issue_url": issue_url(21), "cost": 0, "currency": "EUR",
    } | columns  # fmt: skip
    return add(work, TicketRow(person_id=person_id, **said))


@pytest.fixture
def ada(work: Workshop) -> int:
    """Ada, with an active goal on issue 11."""
    person = add_person(work)
    add_objective(work, person)
    return person


# -- who may, and once -------------------------------------------------------------------------------------------------


def test_the_same_comment_told_twice_is_obeyed_and_answered_once(work: Workshop, says: Says, ada: int) -> None:
    for _ in range(2):
        says("/queue", comment_id=900)

    link = f"1. [Learn to sharpen tools]({issue_url(11)})"
    assert planned(work) == [answer("answer-queue", "queue", queue=link)]
    assert states(work) == {11: "queued"}
    assert timeline(work) == [("command given", {"command": "queue"}), ("objective queued", {})]


def test_words_added_to_a_comment_later_are_obeyed_and_those_before_not_again(
    work: Workshop, says: Says, ada: int
) -> None:
    says("/queue", comment_id=900)
    says("/queue\n/activate", comment_id=900)

    assert states(work) == {11: "active"}
    assert [one.key for one in planned(work)] == [f"answer:{SLUG}:900:activate", f"answer:{SLUG}:900:queue"]


@pytest.mark.parametrize(
    "command", ["/activate", "/queue", "/done", "/tried", "/help-wanted", "/partner @ada", "/wake"]
)
def test_a_goal_is_its_persons_and_whoever_else_tries_is_told_once(
    work: Workshop, says: Says, ada: int, command: str
) -> None:
    add_person(work, "bo")
    says(command, by="bo")

    name = command.split(" ")[0][1:]
    assert planned(work) == [answer("command-not-yours", name, to="Bo")]
    assert (states(work), rows(work, RelationRow)) == ({11: "active"}, [])


@pytest.mark.parametrize("author", ["stranger", "bo"])
@pytest.mark.parametrize("body", ["/activate", "/offer A hand", "/safety-note It may well fail", "/nonsense", "Hello"])
def test_whoever_is_no_member_or_has_left_just_talks(
    work: Workshop, says: Says, ada: int, author: str, body: str
) -> None:
    add_person(work, "bo", left_on=TODAY)
    says(body, by=author)

    assert (planned(work), timeline(work)) == ([], [])


def test_whoever_leaves_tomorrow_may_still_end_their_goal(work: Workshop, says: Says) -> None:
    add_objective(work, add_person(work, left_on=TODAY + DAY))
    says("/done")

    assert [one.key for one in planned(work)] == [f"close:{SLUG}:11:20270105T100000"]


def test_a_coordinator_who_has_left_settles_nothing(work: Workshop, says: Says) -> None:
    add_ticket(work, add_person(work), state="no decision")
    add_person(work, "cy", coordinator=True, left_on=TODAY)
    says("/consented", by="cy", number=21)

    assert ([row.state for row in rows(work, TicketRow)], planned(work)) == (["no decision"], [])


@pytest.mark.parametrize("body", ["> /done", "```\n/done\n```", "    /done", "Then /done", "/done it is"])
def test_what_is_quoted_in_code_or_within_a_line_is_talk(work: Workshop, says: Says, ada: int, body: str) -> None:
    says(body)

    assert planned(work) == []
    assert timeline(work) == [("person wrote", {})]


def test_an_unknown_word_is_answered_with_those_that_work_here(work: Workshop, says: Says) -> None:
    add_ticket(work, add_person(work))
    says("/approve", number=21)

    names = (
        "go-ahead", "thread", "proposal", "talk", "bucket", "funded", "not-funded", "booked", "used", "shared", "ilo",
        "withdraw", "consented", "objection",
    )  # fmt: skip
    known = "\n".join(f"- `/{name}`" for name in names)
    assert planned(work) == [answer("command-unknown", "approve", number=21, known=known)]


@pytest.mark.parametrize("words", ["²", "somewhere", "1000"])
def test_a_place_that_is_none_changes_nothing_and_is_answered(work: Workshop, says: Says, ada: int, words: str) -> None:
    says(f"/queue {words}")

    assert planned(work) == [answer("command-not-now", "queue")]
    assert states(work) == {11: "active"}


def test_a_comment_on_an_issue_of_nobodys_says_nothing(work: Workshop, says: Says, ada: int) -> None:
    says("/done", number=99)

    assert planned(work) == []


# -- the queue, and what is kept between two ---------------------------------------------------------------------------


def test_activating_parks_what_was_active_and_the_database_never_holds_two(
    work: Workshop, says: Says, ada: int
) -> None:
    add_objective(work, ada, 12, state="queued")
    says("/activate", number=12)

    assert states(work) == {11: "queued", 12: "active"}
    assert planned(work) == [answer("objective-activated", "activate", number=12)]


def test_a_goal_kept_between_two_is_named_nowhere(work: Workshop, says: Says, ada: int) -> None:
    add_objective(work, ada, 12, title="Say no more often", state="queued", visibility="partner", issue_url=None)
    work.database.transact(lambda session: setattr(session.get(ObjectiveRow, 2), "issue_number", None))
    says("/queue")
    says("/help-wanted")

    assert [one.body.name for one in planned(work) if isinstance(one, CommentOnIssue)] == [
        "answer-queue",
        "answer-help-wanted-nobody",
    ]
    assert "Say no" not in str(planned(work)) + str(timeline(work))


def test_a_goal_kept_between_two_is_activated_where_it_is_kept_and_only_by_its_person(work: Workshop, ada: int) -> None:
    said = {"organisation": SLUG, "title": "Say no", "state": "queued", "visibility": "partner", "opened_at": TUESDAY}
    record = add(work, ObjectiveRow(person_id=ada, **said)).id
    bo = add_person(work, "bo")

    def activated(person_id: int, objective_id: int) -> bool:
        def work_in(session: Any) -> bool:
            person = person_by_id(session, person_id)
            return activate_record(work, session, POLICY, person, objective_id)

        return work.database.transact(work_in)

    assert not activated(bo, record)
    assert not activated(ada, 1), "one with an issue is activated there"
    assert not activated(ada, 99)
    assert activated(ada, record)
    assert not activated(ada, record)
    assert states(work) == {11: "queued", None: "active"}
    assert planned(work) == []
    assert "Say no" not in str(timeline(work))


# -- a hand ------------------------------------------------------------------------------------------------------------


def test_whoever_offered_a_hand_is_told_when_one_is_wanted_unless_they_are_away_or_gone(
    work: Workshop, says: Says, ada: int
) -> None:
    bo, cy, dee = (add_person(work, name) for name in ("bo", "cy", "dee"))
    for name in ("bo", "cy", "dee", "bo"):
        says("/offer I could show you", by=name)
    add(work, PauseRow(person_id=cy, first_on=TODAY, last_on=TODAY))

    work.database.transact(lambda session: setattr(session.get_one(PersonRow, dee), "left_on", TODAY))
    says("/help-wanted")

    *thanks, wanted, chat = sorted(planned(work), key=lambda one: (isinstance(one, TellChat), one.key))
    assert thanks == [
        answer("answer-offer", "offer", to=name, comment_id=900 + n, owner="Ada")
        for n, name in enumerate(["Bo", "Cy", "Dee", "Bo"])
    ]
    assert wanted == answer("answer-help-wanted", "help-wanted", comment_id=904, people_mentions="bo")
    assert chat == TellChat(
        key=f"chat:help:{SLUG}:904:0",
        about="objective:1",
        room=0,
        body=Say(
            name="chat-help-wanted",
            values={"name": "Ada", "title": "Learn to sharpen tools", "url": issue_url(11)},
        ),
    )
    assert "show you" not in str(timeline(work)), "what they offered stays in their comment"
    assert bo != cy


def test_nobody_offers_a_hand_to_themselves(work: Workshop, says: Says, ada: int) -> None:
    says("/offer I could show me")

    assert planned(work) == [answer("command-not-now", "offer")]


@pytest.mark.parametrize("said", ["bo-fw", "@Bo-FW", "bo", "@BO", "Bo.", "@bo please"])
def test_a_partner_is_chosen_by_login_or_handle_however_it_is_written(
    work: Workshop, says: Says, ada: int, said: str
) -> None:
    add_person(work, "bo", github_login="bo-fw")
    says(f"/partner {said}")

    assert [(row.person_id, row.role, row.other) for row in rows(work, RelationRow)] == [(ada, "partner", "bo")]
    assert planned(work) == [answer("answer-partner", "partner", partner="Bo")]
    assert ("partner chosen", {}) in timeline(work)


def test_another_partner_takes_the_place_of_the_one_before(work: Workshop, says: Says, ada: int) -> None:
    add_person(work, "bo")
    add_person(work, "cy")
    for name in ("bo", "cy", "cy"):
        says(f"/partner {name}")

    assert [(row.role, row.other) for row in rows(work, RelationRow)] == [("partner", "cy")]
    assert [what for what, _ in timeline(work)].count("partner chosen") == 2


@pytest.mark.parametrize("said", ["", "@ada", "@stranger", "@gone", "@"])
def test_somebody_unknown_gone_or_oneself_is_no_partner(work: Workshop, says: Says, ada: int, said: str) -> None:
    add_person(work, "gone", left_on=TODAY)
    says(f"/partner {said}")

    assert planned(work) == [answer("answer-partner-unknown", "partner")]
    assert rows(work, RelationRow) == []


# -- leave -------------------------------------------------------------------------------------------------------------


def test_leave_lasts_to_the_day_somebody_names_and_its_last_day_is_told(work: Workshop, says: Says, ada: int) -> None:
    says("/pause until 2027-01-18")

    assert pauses(work) == [(TODAY, date(2027, 1, 17))]
    assert planned(work) == [answer("answer-pause", "pause", last_on="2027-01-17")]
    assert timeline(work) == [("command given", {"command": "pause"}), ("paused", {})]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([], [(date(2027, 1, 5), date(2027, 1, 12))]),
        ([(date(2027, 1, 4), date(2027, 3, 1))], [(date(2027, 1, 4), date(2027, 1, 12))]),
        ([(date(2027, 1, 4), date(2027, 1, 5))], [(date(2027, 1, 4), date(2027, 1, 12))]),
        ([(date(2027, 1, 1), None)], [(date(2027, 1, 1), date(2027, 1, 12))]),
        (
            [(date(2026, 12, 1), date(2027, 2, 1)), (date(2027, 1, 2), None)],
            [(date(2026, 12, 1), date(2027, 1, 12))],
        ),
        (
            [(date(2026, 7, 1), date(2026, 7, 31)), (date(2027, 2, 1), date(2027, 2, 5))],
            [
                (date(2026, 7, 1), date(2026, 7, 31)),
                (date(2027, 2, 1), date(2027, 2, 5)),
                (date(2027, 1, 5), date(2027, 1, 12)),
            ],
        ),
    ],
    ids=["none", "a longer one", "a shorter one", "an open end", "two at once", "those before and after"],
)
def test_what_somebody_says_last_about_their_leave_counts(
    work: Workshop,
    says: Says,
    ada: int,
    before: list[tuple[date, date | None]],
    after: list[tuple[date, date | None]],
) -> None:
    for first_on, last_on in before:
        add(work, PauseRow(person_id=ada, first_on=first_on, last_on=last_on))
    says("/pause 1 week")

    assert pauses(work) == after


@pytest.mark.parametrize("words", ["", "all", "this time", "until yesterday", "until 2027-01-05", "until 2027-02-30"])
def test_leave_without_an_end_that_can_be_read_is_asked_about(work: Workshop, says: Says, ada: int, words: str) -> None:
    says(f"/pause {words}".strip())

    assert (pauses(work), planned(work)) == ([], [answer("answer-pause-unclear", "pause")])


def test_whoever_is_back_sooner_says_so(work: Workshop, says: Says, clock: Clock, ada: int) -> None:
    says("/pause 2 weeks")
    clock.now += 3 * DAY
    says("/wake")

    assert pauses(work) == [(TODAY, TODAY + 2 * DAY)]
    assert planned(work)[-1] == answer("answer-awake", "wake", comment_id=901)


def test_leave_taken_back_on_its_first_day_never_was(work: Workshop, says: Says, ada: int) -> None:
    add(work, PauseRow(person_id=ada, first_on=TODAY + DAY, last_on=TODAY + 2 * DAY))
    says("/pause 2 weeks")
    says("/wake")

    assert pauses(work) == [(TODAY + DAY, TODAY + 2 * DAY)]


# -- an end, and what is safe to try -----------------------------------------------------------------------------------


def test_how_a_goal_ended_is_kept_and_may_be_said_anew(work: Workshop, says: Says) -> None:
    add_objective(work, add_person(work), state="closed", closing="learned", closed_at=TUESDAY)
    says("/tried")
    says("/paused")

    [row] = rows(work, ObjectiveRow)
    assert (row.state, row.closing) == ("closed", "paused")
    assert planned(work) == [
        answer("answer-closed-tried", "tried"),
        answer("answer-closed-paused", "paused", comment_id=901),
    ]


def test_the_safety_note_may_be_the_leads_and_its_words_stay_in_the_comment(
    work: Workshop, says: Says, ada: int
) -> None:
    add_person(work, "bo")
    says("/safety-note", by="bo")
    says("/safety-note It may well look odd", by="bo")

    assert [row.safety_noted for row in rows(work, ObjectiveRow)] == [True]
    assert planned(work) == [
        answer("answer-safety-how", "safety-note", to="Bo"),
        answer("answer-safety-noted", "safety-note", to="Bo", comment_id=901),
    ]
    assert "odd" not in str(timeline(work))


# -- on a ticket -------------------------------------------------------------------------------------------------------


def test_a_ticket_opens_its_goal_and_later_activates_it_because_its_member_says_so(
    work: Workshop, says: Says, ada: int
) -> None:
    add_ticket(work, ada, state="agreed by the member", opportunity="\nWeave willow\nfor a week")
    says("/ilo", number=21)

    opened = rows(work, ObjectiveRow)[1]
    assert (opened.title, opened.state) == ("Weave willow", "queued")
    assert [(row.kind, row.key) for row in rows(work, EffectRow)] == [("OpenIssue", f"open:{SLUG}:objective:2")]
    says("/ilo", number=21)
    assert [row.state for row in rows(work, ObjectiveRow)] == ["queued", "active"]
    says("/ilo", number=21)
    assert planned(work)[:-1] == [answer("command-not-now", "ilo", number=21, comment_id=902)]


def test_a_yes_that_comes_again_never_makes_its_goal_the_active_one(work: Workshop, says: Says, ada: int) -> None:
    policy = replace(POLICY, ticket=replace(POLICY.ticket, opens_objective=True))
    add_person(work, "cy", coordinator=True)
    row = add_ticket(work, ada, state="no decision")
    comment = Comment(id=900, author="cy", body="/consented", created_at=TUESDAY, url="https://github.com/c/900")
    follow_comment(work, policy, 21, comment)
    assert [one.state for one in rows(work, ObjectiveRow)] == ["active", "queued"]

    # The group is asked once more, and agrees once more.
    work.database.transact(lambda session: setattr(session.get(TicketRow, row.id), "state", "no decision"))
    follow_comment(work, policy, 21, replace(comment, id=901))
    assert [one.state for one in rows(work, ObjectiveRow)] == ["active", "queued"]
    assert [one.state for one in rows(work, TicketRow)] == ["consented"]


def test_a_ticket_given_back_last_year_is_taken_up_as_one_of_this_year(
    work: Workshop, says: Says, clock: Clock, ada: int
) -> None:
    add_ticket(work, ada, state="cancelled")
    clock.now = datetime(2028, 1, 11, 10, tzinfo=UTC)
    says("/go-ahead", number=21)

    assert [(row.year, row.state) for row in rows(work, TicketRow)] == [("2028", "agreed by the member")]


def test_a_ticket_given_back_is_not_taken_up_when_this_years_is_elsewhere(
    work: Workshop, says: Says, clock: Clock, ada: int
) -> None:
    add_ticket(work, ada, state="cancelled")
    add_ticket(work, ada, number=2, issue_number=22, year="2028")
    clock.now = datetime(2028, 1, 11, 10, tzinfo=UTC)
    says("/go-ahead", number=21)

    assert [(row.year, row.state) for row in rows(work, TicketRow)] == [
        ("2027", "cancelled"),
        ("2028", "exits offered"),
    ]
    assert planned(work) == [answer("command-not-now", "go-ahead", number=21)]


@pytest.mark.parametrize("command", ["/funded", "/consented", "/not-funded", "/objection"])
def test_what_the_group_decides_is_not_for_its_member_to_say(work: Workshop, says: Says, command: str) -> None:
    add_ticket(work, add_person(work), state="no decision", bucket_url="https://buckets.example/willow")
    says(command, number=21)

    assert planned(work) == [answer("command-not-yours", command[1:], number=21)]
