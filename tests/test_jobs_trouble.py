"""What is amiss on GitHub holds work up and loses nothing: told once, over by itself, against the stand-in GitHub."""

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from domain.effects import CommentOnIssue, Effect, Say, ShowTicketState
from domain.trouble import FOR_GOOD, Trouble
from integrations.github import GitHub
from integrations.github_connection import Connection
from integrations.pace import Pace
from jobs.handle import follow_issue, handle
from jobs.objectives import open_objective
from jobs.perform import perform
from jobs.reconcile import reconcile
from jobs.record import plan_effect
from jobs.repository import connected_github
from jobs.trouble import lift, note, open_troubles
from jobs.trouble_looks import follow_outside, look_outside
from jobs.trouble_news import news, said
from jobs.workshop import Workshop
from sandbox.serving import Server
from sandbox.settings import Settings
from sandbox.world import Issue, Repository
from store.models import DeliveryRow, EffectRow, ObjectiveRow, OrganisationRow, PersonRow, TicketRow, TroubleRow
from store.queries import people_of, person_by_handle
from tests.github_wire import app_pem
from tests.workroom import OURS, SLUG, Clock, add, add_person, at_work, rows, statuses

HOUR = timedelta(hours=1)
SECRET_WORDS = "Zanzibar"  # stands in titles, bodies and comments, and nowhere else


class Outside:
    """The stand-in GitHub, and what people do there."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.world, self.rules = server.sandbox.world, server.sandbox.github

    @property
    def repository(self) -> Repository:
        return self.world.repositories[4001]

    def github(self, *, pace: Pace | None = None, app_id: str | None = None) -> GitHub:
        """Our adapter for it, without a gap between writes: as the App of that number, or else by the bot's token."""
        return GitHub(
            Connection(
                api_url=f"{self.server.url}/github",
                repository_name="fennel-works/learning",
                token="trellis-bot" if app_id is None else None,
                app_id=app_id,
                app_private_key=None if app_id is None else app_pem(),
                write_gap_seconds=None,
                pace=pace,
            )
        )

    def do(self, act: Callable[..., Any], *arguments: Any) -> Any:
        with self.world.lock:
            return act(*arguments)

    def control(self, path: str, **sent: Any) -> None:
        answer = self.server.sandbox.app.test_client().post(f"/_control/github/{path}", json=sent)
        assert answer.status_code == 200, answer.text

    def label(self, **sent: str) -> None:
        """Rename, delete or make the label ILO, by its present name."""
        admin, home = self.world.accounts["trellis-bot"], self.repository
        label = home.label_named(sent["was"]) if "was" in sent else None
        if label is None:
            self.do(self.rules.create_label, home, admin, sent["name"], "2f6f4f", None)
        elif "name" in sent:
            self.do(self.rules.edit_label, home, label, admin, sent["name"], label.color, label.description)
        else:
            self.do(self.rules.delete_label, home, label, admin)

    def goal(self, login: str = "ada-fw", *labels: str) -> int:
        author = self.world.accounts[login]
        title = f"Learn of {SECRET_WORDS}"
        made: Issue = self.do(self.rules.open_issue, self.repository, author, title, "", labels or ("ILO",), (login,))
        return made.number

    def wears(self, number: int, *labels: str) -> None:
        issue, ada = self.repository.issues[number], self.world.accounts["ada-fw"]
        self.do(self.rules.set_labels, self.repository, issue, ada, labels)

    def comments(self, number: int) -> list[str]:
        return [one.body for one in self.repository.issues[number].comments if one.author.startswith("trellis")]

    def last_delivery(self, event: str) -> dict[str, Any]:
        return [one.payload for one in self.world.deliveries if one.event == event][-1]


@pytest.fixture
def outside() -> Iterator[Outside]:
    server = Server(Settings(port=0, service_url="http://127.0.0.1:9"))
    server.start()
    yield Outside(server)
    server.stop()


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime.now(UTC))


@pytest.fixture
def work(workshop: Workshop, clock: Clock, outside: Outside) -> Workshop:
    github = outside.github()
    work = at_work(workshop, clock, OURS, github=lambda _: github)
    add_person(work, "ada", github_login="ada-fw")
    add_person(work, "bo", github_login="bo-fw")
    return work


def comment_on(work: Workshop, number: int, key: str = "answer:1") -> str:
    say = Say(name="objective-activated", values={"name": SECRET_WORDS})
    return plan(work, CommentOnIssue(key=key, about=f"issue:{number}", issue_number=number, body=say))


def plan(work: Workshop, effect: Effect) -> str:
    assert work.database.transact(lambda session: plan_effect(work, session, SLUG, effect))
    return effect.key


def row_of(work: Workshop, key: str) -> EffectRow:
    return rows(work, EffectRow, EffectRow.key == key)[0]


def amiss(work: Workshop) -> list[tuple[str, str]]:
    found = work.database.transact(lambda session: open_troubles(session, SLUG))
    return [(one.trouble.value, one.about) for one in found]


def told(work: Workshop) -> list[str]:
    return work.database.transact(lambda session: news(work, session, OURS))


def states(work: Workshop) -> dict[int | None, str]:
    return {row.issue_number: row.state for row in rows(work, ObjectiveRow)}


def follow(work: Workshop, number: int) -> None:
    follow_issue(work, OURS, connected_github(work, SLUG), number)


GUIDS = count(1)


def deliver(work: Workshop, event: str, payload: dict[str, Any]) -> DeliveryRow:
    guid = f"delivery-{next(GUIDS):05}"
    body, now = json.dumps(payload).encode(), work.real_now()
    row = DeliveryRow(
        id=guid, source="github", event=event, about="github", body=body, received_at=now, status="stored",
        not_before=now,
    )  # fmt: skip
    add(work, row)
    handle(work, guid)
    return rows(work, DeliveryRow, DeliveryRow.id == guid)[0]


# -- the repository, and our way to it --------------------------------------------------------------------------------

CAUSES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "archived": ("repository", {"archived": True}, {"archived": False}),
    "issues-off": ("repository", {"has_issues": False}, {"has_issues": True}),
    "out-of-reach": ("repository", {"hidden": True}, {"hidden": False}),
    "credentials": ("access", {"token_refused": True}, {"token_refused": False}),
}


@pytest.mark.parametrize("what", CAUSES)
def test_what_cannot_be_written_waits_is_told_once_and_goes_out_when_its_cause_is_gone(
    work: Workshop, outside: Outside, clock: Clock, what: str
) -> None:
    path, begin, end = CAUSES[what]
    number = outside.goal()
    reconcile(work)
    outside.control(path, **begin)
    key = comment_on(work, number)
    for _ in range(3):
        perform(work, key)
        clock.now += HOUR
    assert (row_of(work, key).status, row_of(work, key).held_by) == ("planned", f"{what}:")
    assert amiss(work) == [(what, "")]
    [line] = told(work)
    assert line.startswith("**")
    assert told(work) == []
    outside.control(path, **end)
    reconcile(work)
    assert amiss(work) == []
    assert (row_of(work, key).held_by, row_of(work, key).not_before) == (None, clock.now)
    [over] = told(work)
    what = line[2:].partition(".**")[0]
    assert over == f"**Over.** {what}: this is no longer so, and whatever waited for it goes on by itself."
    perform(work, key)
    assert statuses(work) == {key: "done"}
    assert len(outside.comments(number)) == 1
    assert states(work) == {number: "active"}
    assert (told(work), len(rows(work, TroubleRow))) == ([], 1)


@pytest.mark.parametrize("what", CAUSES)
def test_the_hourly_look_notices_it_before_anything_is_written_and_closes_no_goal(
    work: Workshop, outside: Outside, what: str
) -> None:
    path, begin, end = CAUSES[what]
    number = outside.goal()
    reconcile(work)
    outside.control(path, **begin)
    reconcile(work)
    reconcile(work)
    assert (amiss(work), states(work)) == ([(what, "")], {number: "active"})
    assert len(told(work)) == 1
    outside.control(path, **end)
    reconcile(work)
    assert (amiss(work), states(work)) == ([], {number: "active"})


def test_even_the_first_look_at_a_repository_that_is_out_of_sight_is_told(work: Workshop, outside: Outside) -> None:
    outside.control("repository", hidden=True)
    reconcile(work)
    assert amiss(work) == [("out-of-reach", "")]
    outside.control("repository", hidden=False)
    reconcile(work)
    assert amiss(work) == []


def test_waiting_is_never_longer_than_an_hour_and_never_ends_in_giving_up(
    work: Workshop, outside: Outside, clock: Clock
) -> None:
    number = outside.goal()
    outside.control("repository", archived=True)
    outside.world.limits.per_minute = outside.world.limits.per_hour = 1_000  # this test is in more of a hurry
    key = comment_on(work, number)
    waits = []
    for _ in range(130):
        perform(work, key)
        waits.append(row_of(work, key).not_before - clock.now)
        clock.now = row_of(work, key).not_before
    assert waits == sorted(waits)
    assert (waits[0] < timedelta(minutes=1), waits[-1]) == (True, HOUR)
    outside.control("repository", archived=False)
    perform(work, key)
    assert statuses(work) == {key: "done"}


def test_a_write_that_is_taken_shows_that_it_is_over_and_lets_the_others_go_on(
    work: Workshop, outside: Outside, clock: Clock
) -> None:
    number = outside.goal()
    outside.control("repository", archived=True)
    first, second = comment_on(work, number, "answer:1"), comment_on(work, number, "answer:2")
    perform(work, first)
    perform(work, second)
    outside.control("repository", archived=False)
    clock.now += HOUR
    perform(work, first)
    assert amiss(work) == []
    assert (row_of(work, second).held_by, row_of(work, second).not_before) == (None, clock.now)
    perform(work, second)
    assert len(outside.comments(number)) == 2


def test_a_trouble_that_comes_again_is_told_again(work: Workshop, outside: Outside) -> None:
    outside.goal()
    for _ in range(2):
        outside.control("repository", archived=True)
        reconcile(work)
        assert len(told(work)) == 1
        outside.control("repository", archived=False)
        reconcile(work)
        assert told(work)[0].startswith("**Over.**")


def test_one_that_is_over_before_anybody_was_told_is_never_told(work: Workshop, outside: Outside) -> None:
    outside.control("repository", archived=True)
    reconcile(work)
    outside.control("repository", archived=False)
    reconcile(work)
    assert told(work) == []


@pytest.mark.parametrize("archived", [True, False])
def test_a_delivery_about_the_repository_is_a_reason_to_look_and_not_believed(
    work: Workshop, outside: Outside, archived: bool
) -> None:
    reconcile(work)
    outside.control("repository", archived=True)
    outside.control("repository", archived=archived)
    payload = outside.last_delivery("repository") | {"action": "unarchived"}
    assert deliver(work, "repository", payload).status == "done"
    assert amiss(work) == ([("archived", "")] if archived else [])


@pytest.mark.parametrize(
    ("action", "shown"), [("archived", "archived"), ("archived\n2027-01-01 ERROR a line nobody wrote", "(strange)")]
)
def test_a_delivery_that_leads_to_a_refusal_is_one_line_of_the_log_whatever_it_says(
    work: Workshop, outside: Outside, caplog: pytest.LogCaptureFixture, action: str, shown: str
) -> None:
    caplog.set_level(logging.INFO)
    outside.control("repository", archived=True)
    outside.control("access", token_refused=True)
    payload = outside.last_delivery("repository") | {"action": action}
    assert deliver(work, "repository", payload).status == "done"
    assert amiss(work) == [("credentials", "")]
    assert f"{SLUG}: repository.{shown} looked into: " in caplog.text
    assert "nobody wrote" not in caplog.text


def test_a_delivery_that_cannot_be_followed_for_now_waits_too(work: Workshop, outside: Outside, clock: Clock) -> None:
    number = outside.goal()
    reconcile(work)
    outside.control("access", token_refused=True)
    row = deliver(work, "issues", outside.last_delivery("issues"))
    assert (row.status, row.held_by) == ("stored", "credentials:")
    outside.control("access", token_refused=False)
    reconcile(work)
    [row] = rows(work, DeliveryRow, DeliveryRow.id == row.id)
    assert (row.held_by, row.not_before) == (None, clock.now)
    handle(work, row.id)
    assert rows(work, DeliveryRow, DeliveryRow.id == row.id)[0].status == "done"
    assert states(work) == {number: "active"}


def test_a_repository_of_nobody_we_serve_is_left_alone(work: Workshop, outside: Outside) -> None:
    outside.control("repository", archived=True)
    payload = outside.last_delivery("repository")
    payload["repository"] |= {"id": 1, "full_name": "somebody/else"}
    assert deliver(work, "repository", payload).status == "ignored"
    assert amiss(work) == []


def test_a_renamed_repository_goes_on_under_its_number_and_its_new_name_is_learned(
    work: Workshop, outside: Outside
) -> None:
    number = outside.goal()
    reconcile(work)
    outside.control("repository", rename="fennel-works/growing")
    assert deliver(work, "repository", outside.last_delivery("repository")).status == "done"
    key = comment_on(work, number)
    perform(work, key)
    assert (statuses(work), amiss(work)) == ({key: "done"}, [])
    assert [row.repository_name for row in rows(work, OrganisationRow)] == ["fennel-works/growing"]


def test_what_one_right_does_not_cover_waits_and_the_rest_goes_on(
    work: Workshop, outside: Outside, clock: Clock
) -> None:
    number = outside.goal("bo-fw", "golden-ticket")
    [bo] = rows(work, PersonRow, PersonRow.handle == "bo")
    ticket = TicketRow(
        organisation=SLUG, number=1, person_id=bo.id, year="2027", state="agreed by the member", opportunity="x",
        claimed_at=work.now(), issue_number=number,
    )  # fmt: skip
    add(work, ticket)
    outside.control("access", role="read", **{"as": "trellis-bot"})
    label = plan(work, ShowTicketState(key="show:1", about="ticket:1", issue_number=number))
    perform(work, label)
    spoken = comment_on(work, number)
    perform(work, spoken)
    assert statuses(work) == {label: "planned", spoken: "done"}
    assert amiss(work) == [("not-allowed", "ShowTicketState")]
    outside.control("access", role="push", **{"as": "trellis-bot"})
    clock.now += HOUR
    perform(work, label)
    assert (row_of(work, label).status, amiss(work)) == ("done", [])


# -- the App ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def as_app(work: Workshop, outside: Outside) -> Workshop:
    outside.world.hook_kind = "integration"
    github = outside.github(app_id="55")
    return replace(work, github=lambda _: github)


@pytest.mark.parametrize("state", ["suspended", "uninstalled"])
@pytest.mark.parametrize("told_by", ["a write", "a delivery", "the clock"])
def test_an_app_that_is_suspended_or_uninstalled_waits_to_come_back(
    as_app: Workshop, outside: Outside, state: str, told_by: str
) -> None:
    number = outside.goal()
    reconcile(as_app)
    outside.control("access", app=state)
    key = comment_on(as_app, number)
    if told_by == "a delivery":
        assert deliver(as_app, "installation", outside.last_delivery("installation")).status == "done"
    elif told_by == "the clock":
        reconcile(as_app)
    else:
        perform(as_app, key)
        assert row_of(as_app, key).held_by == f"{state}:"
    assert amiss(as_app) == [(state, "")]
    assert states(as_app) == {number: "active"}
    outside.control("access", app="installed")
    assert deliver(as_app, "installation", outside.last_delivery("installation")).status == "done"
    assert amiss(as_app) == []
    perform(as_app, key)
    assert statuses(as_app) == {key: "done"}


def test_an_installation_of_somebody_elses_app_is_left_alone(as_app: Workshop, outside: Outside) -> None:
    outside.control("access", app="suspended")
    payload = outside.last_delivery("installation")
    payload["installation"]["account"] |= {"login": "somebody-else"}
    assert follow_outside(as_app, "installation", payload["action"], payload) == "ignored"
    assert amiss(as_app) == []


# -- the label --------------------------------------------------------------------------------------------------------


@pytest.fixture
def goals(work: Workshop, outside: Outside) -> list[int]:
    numbers = [outside.goal("ada-fw"), outside.goal("bo-fw")]
    reconcile(work)
    assert states(work) == dict.fromkeys(numbers, "active")
    return numbers


@pytest.mark.parametrize("told_by", ["a delivery", "the clock", "an edit"])
def test_a_renamed_label_closes_no_goal_and_is_told_once(
    work: Workshop, outside: Outside, goals: list[int], told_by: str
) -> None:
    outside.label(was="ILO", name="Learning")
    if told_by == "a delivery":
        assert deliver(work, "label", outside.last_delivery("label")).status == "done"
    elif told_by == "an edit":
        issue, ada = outside.repository.issues[goals[0]], outside.world.accounts["ada-fw"]
        outside.do(outside.rules.edit_text, outside.repository, issue, ada, "Read a map", None)
        follow(work, goals[0])
    reconcile(work)
    reconcile(work)
    assert states(work) == dict.fromkeys(goals, "active")
    [line] = told(work)
    assert line.startswith("**A label is not there any more.** The label ILO is not in fennel-works/learning")
    outside.label(was="Learning", name="ILO")
    assert deliver(work, "label", outside.last_delivery("label")).status == "done"
    assert amiss(work) == []
    assert [one.partition(":")[0] for one in told(work)] == ["**Over.** A label is not there any more"]
    reconcile(work)
    assert states(work) == dict.fromkeys(goals, "active")
    assert (told(work), statuses(work)) == ([], {})


def test_a_label_made_anew_is_on_no_goal_and_each_stays_until_it_carries_it_again(
    work: Workshop, outside: Outside, goals: list[int]
) -> None:
    first, second = goals
    outside.label(was="ILO")
    reconcile(work)
    assert len(told(work)) == 1
    outside.label(name="ILO")
    reconcile(work)
    assert states(work) == dict.fromkeys(goals, "active")
    lines = told(work)
    assert lines[0].startswith(f"**Goals without their label.** #{first} and #{second} lost the label ILO")
    assert lines[1].startswith("**Over.** A label is not there any more: this is no longer so")
    outside.wears(first, "ILO")
    follow(work, first)
    assert amiss(work) == [("unlabelled", str(second))]
    # From here on it is an ordinary goal: its person takes the label off, and it is none any more.
    outside.wears(first)
    follow(work, first)
    assert states(work) == {first: "closed", second: "active"}
    issue, bo = outside.repository.issues[second], outside.world.accounts["bo-fw"]
    outside.do(outside.rules.set_state, outside.repository, issue, bo, "closed", "completed")
    follow(work, second)
    assert (states(work)[second], amiss(work)) == ("closed", [])


def test_a_label_made_anew_before_anybody_looked_closes_no_goal_either(
    work: Workshop, outside: Outside, clock: Clock, goals: list[int]
) -> None:
    outside.label(was="ILO")
    outside.label(name="ILO")
    clock.now += timedelta(minutes=5)
    reconcile(work)
    assert states(work) == dict.fromkeys(goals, "active")
    assert amiss(work) == [("unlabelled", str(number)) for number in goals]


def test_a_policy_that_goes_by_another_label_closes_no_goal(
    work: Workshop, outside: Outside, clock: Clock, goals: list[int]
) -> None:
    outside.label(was="ILO", name="Learning")
    reconcile(work)
    renamed = replace(OURS, github=replace(OURS.github, objective_label="Learning"))
    work = replace(work, policies={SLUG: renamed})
    reconcile(work)
    assert (states(work), amiss(work)) == (dict.fromkeys(goals, "active"), [])


def test_a_goal_that_loses_its_label_alone_is_a_goal_no_more(
    work: Workshop, outside: Outside, goals: list[int]
) -> None:
    outside.wears(goals[0])
    follow(work, goals[0])
    assert states(work) == {goals[0]: "closed", goals[1]: "active"}
    assert amiss(work) == []


def test_a_label_that_comes_back_while_a_goal_is_read_closes_it_not(
    work: Workshop, outside: Outside, goals: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    github, read = connected_github(work, SLUG), GitHub.issue
    outside.label(was="ILO", name="Learning")

    def slowly(self: GitHub, number: int) -> Any:
        seen = read(self, number)
        if outside.repository.label_named("ILO") is None:
            outside.label(was="Learning", name="ILO")  # between this read and whatever is asked next
        return seen

    monkeypatch.setattr(GitHub, "issue", slowly)
    follow_issue(work, OURS, github, goals[0])
    assert (states(work), amiss(work)) == (dict.fromkeys(goals, "active"), [])


def test_opening_an_issue_waits_so_that_the_label_is_not_made_anew(
    work: Workshop, outside: Outside, goals: list[int]
) -> None:
    outside.label(was="ILO", name="Learning")
    add_person(work, "cy", github_login="cy-fw")
    key = open_for(work, "cy")
    perform(work, key)
    assert (row_of(work, key).status, row_of(work, key).held_by) == ("planned", "label-missing:ILO")
    assert outside.repository.label_named("ILO") is None
    outside.label(was="Learning", name="ILO")
    reconcile(work)
    perform(work, key)
    assert row_of(work, key).status == "done"
    assert states(work) == dict.fromkeys([*goals, goals[-1] + 1], "active")


def test_a_repository_that_never_had_the_label_gets_it_with_the_first_goal(work: Workshop, outside: Outside) -> None:
    outside.label(was="ILO")
    reconcile(work)
    assert amiss(work) == []
    perform(work, open_for(work, "ada"))
    assert outside.repository.label_named("ILO") is not None


def open_for(work: Workshop, handle: str) -> str:
    def write(session: Any) -> None:
        person = person_by_handle(people_of(session, SLUG), handle)
        assert person is not None
        open_objective(work, session, OURS, person, title=f"See {SECRET_WORDS}", why="", asked_by=None)

    work.database.transact(write)
    return [row.key for row in rows(work, EffectRow) if row.kind == "OpenIssue"][-1]


# -- one issue, one person --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("told_by", ["a delivery", "the clock"])
def test_a_comment_on_a_locked_issue_waits_for_it_to_be_unlocked(
    work: Workshop, outside: Outside, goals: list[int], told_by: str
) -> None:
    locked, other = goals
    outside.control(f"issues/{locked}/lock")
    keys = [comment_on(work, locked, "answer:1"), comment_on(work, other, "answer:2")]
    for key in keys:
        perform(work, key)
    assert statuses(work) == {"answer:1": "planned", "answer:2": "done"}
    assert amiss(work) == [("locked", str(locked))]
    [line] = told(work)
    assert line.startswith(f"**A locked conversation.** #{locked} on GitHub takes no comments")
    reconcile(work)
    assert amiss(work) == [("locked", str(locked))]
    outside.control(f"issues/{locked}/unlock")
    if told_by == "a delivery":
        deliver(work, "issues", outside.last_delivery("issues"))
    else:
        reconcile(work)
    assert amiss(work) == []
    perform(work, keys[0])
    assert len(outside.comments(locked)) == 1
    assert told(work)[0].startswith("**Over.** A locked conversation: this is no longer so")


def test_whoever_cannot_be_assigned_keeps_their_goal_and_is_named_once(work: Workshop, outside: Outside) -> None:
    add_person(work, "eve", github_login="Eve")
    perform(work, open_for(work, "eve"))
    [objective] = rows(work, ObjectiveRow)
    reconcile(work)
    assert (objective.state, outside.repository.issues[objective.issue_number or 0].assignees) == ("active", [])
    assert amiss(work) == [("no-access", "eve")]
    [line] = told(work)
    assert "GitHub did not take eve (eve) as assignee" in line
    reconcile(work)
    assert (told(work), states(work)) == ([], {objective.issue_number: "active"})
    outside.control("access", role="triage", **{"as": "eve"})
    reconcile(work)
    assert amiss(work) == []
    assert told(work)[0].startswith("**Over.** Somebody cannot be assigned: this is no longer so")


def test_a_goal_whose_label_was_dropped_is_kept_and_the_role_is_told(work: Workshop, outside: Outside) -> None:
    outside.control("access", role="read", **{"as": "trellis-bot"})
    perform(work, open_for(work, "ada"))
    [objective] = rows(work, ObjectiveRow)
    number = objective.issue_number or 0
    follow(work, number)
    reconcile(work)
    assert states(work) == {number: "active"}
    assert amiss(work) == [("role", ""), ("unlabelled", str(number))]
    outside.control("access", role="push", **{"as": "trellis-bot"})
    outside.wears(number, "ILO")
    reconcile(work)
    assert (states(work), amiss(work)) == ({number: "active"}, [])


def test_a_dropped_label_does_no_harm_when_the_delivery_overtakes_our_own_answer(
    work: Workshop, outside: Outside
) -> None:
    outside.control("access", role="read", **{"as": "trellis-bot"})
    key = open_for(work, "ada")
    body = f"Hello\n\n<!-- trellis:key={key} -->"
    bot = outside.world.accounts["trellis-bot"]
    made: Issue = outside.do(outside.rules.open_issue, outside.repository, bot, "See", body, (), ("ada-fw",))
    follow(work, made.number)
    assert states(work) == {made.number: "active"}


@pytest.mark.parametrize("how", ["delete", "transfer"])
def test_what_was_to_be_said_on_an_issue_that_went_away_is_let_go_and_told_once(
    work: Workshop, outside: Outside, clock: Clock, goals: list[int], how: str
) -> None:
    gone, other = goals
    key = comment_on(work, gone)
    outside.control(f"issues/{gone}/{how}")
    for _ in range(4):  # a comment on a moved issue is of unknown outcome at first: it is looked for twice
        perform(work, key)
        clock.now += HOUR
    follow(work, gone)
    assert statuses(work) == {key: "not needed"}
    assert states(work) == {gone: "closed", other: "active"}
    [line] = told(work)
    assert line.startswith(f"**An issue went away.** #{gone} was deleted or moved to another repository.")
    reconcile(work)
    assert (told(work), amiss(work)) == ([], [])


# -- what is said of it -----------------------------------------------------------------------------------------------


def test_every_trouble_can_be_said_and_nothing_private_is_in_it_or_in_the_log(
    work: Workshop, outside: Outside, goals: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    outside.control(f"issues/{goals[0]}/lock")
    outside.control("access", role="read", **{"as": "trellis-bot"})
    perform(work, comment_on(work, goals[0]))
    outside.label(was="ILO", name="Learning")
    outside.control("repository", archived=True)
    perform(work, comment_on(work, goals[1], "answer:2"))
    reconcile(work)
    found = work.database.transact(lambda session: said(session, OURS, open_troubles(session, SLUG)))
    assert [title for title, _ in found] == [
        "The repository is archived",
        "A label is not there any more",
        "A locked conversation",
    ]
    assert SECRET_WORDS not in caplog.text + json.dumps(found)


@pytest.mark.parametrize("trouble", Trouble)
def test_each_kind_has_a_line_of_its_own_when_it_begins_and_when_it_ends(work: Workshop, trouble: Trouble) -> None:
    about = {"label-missing": "ILO", "no-access": "ada-fw", "not-allowed": "CommentOnIssue"}.get(trouble.value, "7")
    work.database.transact(lambda session: note(work, session, SLUG, trouble, about))
    [line] = told(work)
    work.database.transact(lambda session: lift(work, session, SLUG, {trouble}, about))
    over = told(work)
    assert line.startswith("**")
    assert not {"{", "}", "\n"} & set(line)
    assert len(over) == (0 if trouble in FOR_GOOD else 1)


def test_another_organisation_hears_nothing_of_it(work: Workshop, outside: Outside) -> None:
    outside.control("repository", archived=True)
    look_outside(work, OURS)
    other = replace(OURS, slug="other")
    assert work.database.transact(lambda session: news(work, session, other)) == []
    assert work.database.transact(lambda session: open_troubles(session, "other")) == []
