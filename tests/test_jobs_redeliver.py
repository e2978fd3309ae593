"""What GitHub could not deliver is asked for once more, once per failure, against the stand-in GitHub."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from config.links import Links
from domain.policy import Mode
from integrations.github_deliveries import Deliveries, FailedDelivery, Hook
from jobs import redeliver as job
from jobs.prune import prune
from jobs.reconcile import reconcile
from jobs.redeliver import hooks_of_ours, redeliver
from jobs.repository import connected_github
from jobs.workshop import Workshop
from store.models import DeliveryRow, ObjectiveRow, OrganisationRow, RedeliveryRow, TimelineRow
from tests.test_jobs_trouble import Outside, clock, outside, work
from tests.workroom import OURS, SLUG, TUESDAY, Clock, add, add_objective, add_person, at_work, rows

__all__ = ["clock", "outside", "work"]  # fixtures, used by name

DAY = timedelta(days=1)
ATTEMPTS = "/deliveries/"


def order(outside: Outside, where: str, /, **sent: object) -> None:
    answer = outside.server.sandbox.app.test_client().post(f"/_control/{where}", json=sent)
    assert answer.status_code == 200, answer.text


def settle(outside: Outside) -> None:
    """Wait until every delivery has failed or arrived."""
    courier = outside.server.sandbox.courier
    for _ in range(500):
        if courier.idle():
            return
        courier._wake.acquire()
        courier._wake.wait(0.01)
        courier._wake.release()
    raise AssertionError("deliveries never came to rest")


def goal(outside: Outside) -> list[str]:
    """Have ada open a goal whose deliveries all fail, and give their GUIDs, oldest first."""
    before = len(outside.world.deliveries)
    outside.goal()
    settle(outside)
    return [one.guid for one in outside.world.deliveries[before:]]


def asked(outside: Outside) -> list[str]:
    """The attempts that were asked for again, by their number, in order."""
    return [
        one.path.split(ATTEMPTS)[1].split("/")[0]
        for one in outside.world.requests
        if one.method == "POST" and one.path.endswith("/attempts")
    ]


def numbers(outside: Outside, *guids: str) -> list[str]:
    """The first attempt of each delivery, by its number."""
    return [str(next(one.id for one in outside.world.deliveries if one.guid == guid)) for guid in guids]


def store(work: Workshop, guid: str) -> None:
    columns = {"source": "github", "event": "issues", "about": "github", "body": b"{}", "status": "done"}
    add(work, DeliveryRow(id=guid, received_at=work.real_now(), not_before=work.real_now(), **columns))


def test_what_failed_is_asked_for_once_and_again_only_when_it_failed_again(work: Workshop, outside: Outside) -> None:
    guids = goal(outside)
    assert len(guids) > 1
    order(outside, "deliveries", mode="hold")  # what is asked for now takes its time
    redeliver(work)
    redeliver(work)
    assert asked(outside) == numbers(outside, *guids)
    order(outside, "deliveries/flush")
    settle(outside)  # and fails once more
    redeliver(work)
    second = [str(one.id) for one in outside.world.deliveries[len(guids) : 2 * len(guids)]]
    assert asked(outside)[len(guids) :] == second


def test_what_arrived_all_the_same_is_not_asked_for(work: Workshop, outside: Outside) -> None:
    first, *others = goal(outside)
    store(work, first)
    redeliver(work)
    assert asked(outside) == numbers(outside, *others)


def test_what_failed_once_comes_before_what_failed_again_and_an_hour_asks_for_so_many(
    work: Workshop, outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "MOST_ASKED", 2)
    first = goal(outside)
    redeliver(work)
    assert asked(outside) == numbers(outside, *first[:2])
    settle(outside)
    [organisation] = rows(work, OrganisationRow)
    assert organisation.redelivered_at is None  # not everything was asked for
    second = goal(outside)
    redeliver(work)
    assert asked(outside)[2:] == numbers(outside, *[*first[2:], *second][:2])


def test_it_looks_back_as_far_as_it_has_looked_and_three_days_at_most(
    work: Workshop, outside: Outside, clock: Clock
) -> None:
    goal(outside)
    outside.world.deliveries[0].delivered_at = clock.now - 4 * DAY
    redeliver(work)
    [organisation] = rows(work, OrganisationRow)
    assert organisation.redelivered_at is not None
    assert abs(organisation.redelivered_at - clock.now) < timedelta(minutes=5)
    assert numbers(outside, outside.world.deliveries[0].guid)[0] not in asked(outside)
    before = asked(outside)
    settle(outside)
    for one in outside.world.deliveries:  # whatever else it may be: nothing that old is looked at again
        one.delivered_at = clock.now - timedelta(hours=2)
        one.id += 1_000_000
    redeliver(work)
    assert asked(outside) == before


@pytest.mark.parametrize("fault", ["after_502", "before_500", "limit_403"])
def test_an_answer_that_does_not_come_leaves_it_to_the_next_time(
    work: Workshop, outside: Outside, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    first, *_ = goal(outside)
    order(outside, "deliveries", mode="hold")
    order(outside, "faults", side="github", method="POST", path="/attempts$", fault=fault, count=1)
    with caplog.at_level(logging.INFO):
        redeliver(work)
    assert "not this time" in caplog.text
    assert rows(work, RedeliveryRow) == []
    redeliver(work)
    assert asked(outside)[:2] == numbers(outside, first, first)


def test_what_was_claimed_by_a_worker_that_died_before_asking_is_asked_for_later(
    work: Workshop, outside: Outside, clock: Clock
) -> None:
    first, *others = goal(outside)
    order(outside, "deliveries", mode="hold")
    [number] = numbers(outside, first)
    add(work, RedeliveryRow(id=int(number), asked_at=clock.now))
    redeliver(work)
    assert asked(outside) == numbers(outside, *others)
    [organisation] = rows(work, OrganisationRow)
    claimed = next(one for one in outside.world.deliveries if str(one.id) == number)
    assert organisation.redelivered_at is not None
    assert claimed.delivered_at is not None
    assert organisation.redelivered_at <= claimed.delivered_at  # it has not been passed over
    clock.now += job.COMES_WITHIN + timedelta(seconds=1)
    redeliver(work)
    assert asked(outside).count(number) == 1


def test_what_github_has_forgotten_meanwhile_is_let_go(work: Workshop, outside: Outside) -> None:
    [lost, *_] = goal(outside)
    redeliver(work)
    gone = FailedDelivery(id=7, guid=lost, at=TUESDAY, redelivery=False, repository_id=4001, hook_id=77)
    job._ask_for(work, Deliveries(connected_github(work, SLUG).connection), gone)
    job._ask_for(work, Deliveries(connected_github(work, SLUG).connection), gone)
    assert asked(outside).count("7") == 1


def test_a_token_that_may_not_read_webhooks_is_no_error(
    work: Workshop, outside: Outside, caplog: pytest.LogCaptureFixture
) -> None:
    goal(outside)
    order(outside, "github/access", **{"as": "trellis-bot", "role": "triage"})
    with caplog.at_level(logging.INFO):
        redeliver(work)
    assert asked(outside) == []
    assert "not this time" in caplog.text
    assert [one for one in caplog.records if one.levelno > logging.INFO] == []


def test_an_organisation_that_observes_asks_for_nothing(work: Workshop, outside: Outside, clock: Clock) -> None:
    goal(outside)
    silent = replace(OURS, organisation=replace(OURS.organisation, mode=Mode.OBSERVE))
    redeliver(at_work(work, clock, silent))
    assert asked(outside) == []


def test_an_app_asks_as_itself_once_for_all_its_organisations_and_for_nobody_elses(
    work: Workshop, outside: Outside, clock: Clock
) -> None:
    order(outside, "deliveries", hook="integration")
    guids = goal(outside)
    outside.world.deliveries[0].repository_id = 9_999  # of somebody else who installed the App
    apps = {slug: outside.github(app_id="55") for slug in ("fennel-works", "second")}
    at_app = at_work(work, clock, OURS, replace(OURS, slug="second"), github=lambda slug: apps[slug])
    redeliver(at_app)
    assert asked(outside) == numbers(outside, *guids[1:])
    lists = [one.path for one in outside.world.requests if one.path.endswith("/app/hook/deliveries")]
    assert len(lists) == 1


def test_only_webhooks_that_lead_to_us_are_ours() -> None:
    ours = Hook(id=1, address="https://trellis.fennel.example/webhooks/github")
    rehearsal = Hook(id=2, address="https://rehearsal.fennel.example/webhooks/github")
    other = Hook(id=3, address="https://chat.example/hooks/github")
    assert hooks_of_ours([ours, rehearsal, other], "https://trellis.fennel.example") == [ours]
    assert hooks_of_ours([ours, rehearsal, other], None) == [ours, rehearsal]
    assert hooks_of_ours([rehearsal, other], "http://10.0.0.7:8000") == [rehearsal]
    assert hooks_of_ours([other], None) == []


def test_a_webhook_of_somebody_else_is_left_alone(work: Workshop, outside: Outside) -> None:
    outside.world.settings = replace(outside.world.settings, service_url="http://127.0.0.1:9/else?")
    goal(outside)
    redeliver(replace(work, links=Links("https://trellis.fennel.example", None)))
    assert asked(outside) == []


def test_what_was_asked_for_is_forgotten_once_github_has_forgotten_it(work: Workshop, clock: Clock) -> None:
    add(work, RedeliveryRow(id=12_345_678_901, asked_at=clock.now - 15 * DAY))
    add(work, RedeliveryRow(id=12_345_678_902, asked_at=clock.now - 3 * DAY))
    prune(work)
    assert [one.id for one in rows(work, RedeliveryRow)] == [12_345_678_902]


# -- what reconciling repairs -----------------------------------------------------------------------------------------


def said(work: Workshop) -> list[tuple[str, dict[str, str]]]:
    """What the timeline says people wrote."""
    lines = rows(work, TimelineRow, TimelineRow.what.in_(("command given", "person wrote")))
    return [(one.what, one.details) for one in lines]


def write(outside: Outside, number: int, body: str) -> None:
    """Ada writes, a second after whatever happened last: GitHub tells times to the second."""
    clock = outside.world.clock
    clock.set_offset(clock.offset_seconds + 1)
    ada = outside.world.accounts["ada-fw"]
    outside.do(outside.rules.add_comment, outside.repository, outside.repository.issues[number], ada, body)


def close(outside: Outside, number: int) -> None:
    ada = outside.world.accounts["ada-fw"]
    outside.do(outside.rules.set_state, outside.repository, outside.repository.issues[number], ada, "closed", None)


def lose_label(outside: Outside, number: int) -> None:
    outside.wears(number, "question")


@pytest.mark.parametrize("then", [close, lose_label])
def test_a_comment_on_a_goal_that_is_closed_by_then_is_read_by_reconciling(
    work: Workshop, outside: Outside, clock: Clock, then: Callable[[Outside, int], None]
) -> None:
    number = outside.goal()
    reconcile(work)
    assert said(work) == []
    write(outside, number, "/log Read the first map")
    then(outside, number)
    reconcile(work)
    wrote = [("person wrote", {}), ("command given", {"command": "log"})]
    assert said(work) == wrote
    write(outside, number, "/tried")  # how it ended is said when it is closed already
    reconcile(work)
    reconcile(work)
    assert said(work) == [*wrote, ("command given", {"command": "tried"})]


def test_what_was_said_before_trellis_came_is_no_command(work: Workshop, outside: Outside) -> None:
    number = outside.goal()
    write(outside, number, "/done")
    for _ in range(3):
        reconcile(work)
    assert said(work) == []
    assert [one.state for one in rows(work, ObjectiveRow)] == ["active"]
    write(outside, number, "/log Read the first map")
    reconcile(work)
    assert said(work) == [("person wrote", {}), ("command given", {"command": "log"})]


def test_what_is_said_before_a_first_reading_went_well_is_a_command_all_the_same(
    work: Workshop, outside: Outside
) -> None:
    number, other = outside.goal(), outside.goal("bo-fw")
    fault = partial(order, outside, "faults", side="github", method="GET", path=f"/issues/{other}$")
    fault(fault="before_500", count=3)
    reconcile(work)
    write(outside, number, "/log Read the first map")
    reconcile(work)
    assert said(work) == [("person wrote", {}), ("command given", {"command": "log"})]


def test_as_long_as_there_is_nothing_to_see_nothing_counts_as_read(
    work: Workshop, outside: Outside, clock: Clock
) -> None:
    clock.now += timedelta(hours=1)
    reconcile(work)
    clock.now -= timedelta(hours=1)
    number = outside.goal()
    reconcile(work)
    write(outside, number, "/log Read the first map")
    reconcile(work)
    assert said(work) == [("person wrote", {}), ("command given", {"command": "log"})]


def test_a_comment_on_an_issue_that_is_none_of_ours_is_left_alone(work: Workshop, outside: Outside) -> None:
    reconcile(work)
    write(outside, outside.goal("ada-fw", "question"), "/log Nothing of ours")
    reconcile(work)
    assert said(work) == []


def test_as_long_as_an_issue_could_not_be_read_nothing_written_on_it_is_passed_over(
    work: Workshop, outside: Outside, clock: Clock
) -> None:
    number, other = outside.goal(), outside.goal("bo-fw")
    reconcile(work)
    write(outside, number, "/log Read the first map")
    fault = partial(order, outside, "faults", side="github", method="GET", path=f"/issues/{number}$")
    fault(fault="before_500", count=3)
    close(outside, other)
    reconcile(work)
    assert said(work) == []
    clock.now += timedelta(days=1)
    reconcile(work)
    assert said(work) == [("person wrote", {}), ("command given", {"command": "log"})]


def test_what_happened_while_our_clock_was_an_hour_ahead_is_read_all_the_same(
    work: Workshop, outside: Outside, clock: Clock
) -> None:
    number = outside.goal()
    right = clock.now
    clock.now = right + timedelta(hours=1)
    reconcile(work)
    reconcile(work)
    clock.now = right
    outside.goal("bo-fw")
    write(outside, number, "/log Read the first map")
    reconcile(work)
    assert said(work) == [("person wrote", {}), ("command given", {"command": "log"})]
    assert len(rows(work, ObjectiveRow)) == 2


def test_a_goal_that_cannot_be_followed_does_not_stop_the_others(
    work: Workshop, outside: Outside, caplog: pytest.LogCaptureFixture
) -> None:
    bad = outside.goal("cy-fw")
    add_objective(work, add_person(work, "cy", github_login="cy-fw"), bad, state="of no kind we know")
    number = outside.goal()
    with caplog.at_level(logging.ERROR):
        reconcile(work)
    assert [one.message for one in caplog.records] == [
        f"reconcile fennel-works: issue {bad} went wrong in a way nobody thought of"
    ]
    assert number in [one.issue_number for one in rows(work, ObjectiveRow)]
    [organisation] = rows(work, OrganisationRow)
    assert organisation.reconciled_at is None  # the next time begins where this one did
