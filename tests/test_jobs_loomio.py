"""Loomio and the ledger: nothing half-made, parked where nobody can look; and looks that come to nothing."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import responses

from domain.effects import Effect, Say, StartTeamPoll, StartTeamThread
from domain.policy import LoomioPolicy
from integrations.loomio import Loomio
from integrations.loomio_legacy import LegacyLoomio
from jobs.perform import perform
from jobs.record import plan_effect
from jobs.watch import watch
from jobs.workshop import Workshop
from store.models import EffectRow, ProposalRow
from tests.test_both_dialects import Played, in_five_days
from tests.test_integrations_loomio import poll_reply
from tests.test_webhooks_loomio import watched
from tests.workroom import OURS, SLUG, Clock, at_work, rows
from webhooks.loomio import look_soon

WIRE = "https://loomio.fennel.example"
MINUTE = timedelta(minutes=1)
THREAD = StartTeamThread(
    key="moment:fennel-works:spring-growth:2027",
    about="moment:spring-growth:2027",
    reference="spring-growth 2027",
    body=Say(name="thread-spring-growth", values={"organisation": "Fennel Works", "closes_on": "2027-04-30"}),
    closes_on=date(2027, 4, 30),
)
POLL = StartTeamPoll(
    key="moment:fennel-works:policy-poll:2027",
    about="moment:policy-poll:2027",
    reference="policy-poll 2027",
    body=Say(name="poll-policy-poll", values={"organisation": "Fennel Works", "closes_on": "2027-12-18"}),
    closes_on=date(2027, 12, 18),
    options=Say(name="options-policy-poll"),
    closes_at=in_five_days(),
)


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime.now(UTC))


@pytest.fixture
def version() -> str:
    return "3.0.20"


@pytest.fixture
def played(version: str) -> Iterator[Played]:
    played = Played(version)
    yield played
    played.server.stop()


@pytest.fixture
def work(workshop: Workshop, clock: Clock, played: Played) -> Workshop:
    return at_work(workshop, clock, OURS, loomio=lambda _: played.ours)


def attempt(work: Workshop, effect: Effect) -> EffectRow:
    """Plan an effect, unless it is planned, attempt it once and give its row."""
    work.database.transact(lambda session: plan_effect(work, session, SLUG, effect))
    perform(work, effect.key)
    [row] = rows(work, EffectRow, EffectRow.key == effect.key)
    return row


def again(work: Workshop, effect: Effect) -> EffectRow:
    """What `flask effects retry` does, and the attempt that follows."""

    def retry(session: Any) -> None:
        row = session.get_one(EffectRow, effect.key)
        assert row.status == "parked"
        row.status = "planned" if row.sent_at is None else "sending"

    work.database.transact(retry)
    return attempt(work, effect)


def team_threads(played: Played) -> int:
    return sum("(spring-growth 2027)" in one.title for one in played.server.sandbox.world.discussions.values())


def fault(played: Played, path: str, name: str) -> None:
    client = played.server.sandbox.app.test_client()
    sent = {"side": "loomio", "method": "POST", "path": path, "fault": name}
    assert client.post("/_control/faults", json=sent).status_code == 200


# -- the ledger -------------------------------------------------------------------------------------------------------


def test_in_the_wrong_dialect_nothing_is_sent_and_setting_it_right_sends_it_once(
    work: Workshop, played: Played
) -> None:
    wrong = replace(work, loomio=lambda _: played.speaking(Loomio))
    row = attempt(wrong, THREAD)
    assert (row.status, row.sent_at) == ("parked", None)
    assert row.last_error == (
        f"Loomio at {played.server.url}/loomio is version 3.0.20 and speaks the legacy dialect, but the policy says "
        'dialect = "current". Nothing is sent to it, for the wrong dialect loses half of what it says without a word. '
        'Set dialect = "legacy" in [loomio] (or upgrade it to 3.1.3 or later), then: flask effects retry --all'
    )
    assert [one.method for one in played.server.sandbox.world.requests] == ["GET"]
    assert again(work, THREAD).status == "done"
    assert team_threads(played) == 1


def test_where_nobody_can_look_an_unknown_outcome_waits_for_a_person(
    work: Workshop, played: Played, clock: Clock
) -> None:
    fault(played, "/discussions$", "after_502")
    assert attempt(work, THREAD).status == "sending"
    clock.now += 2 * MINUTE
    row = attempt(work, THREAD)
    assert (row.status, row.sent_at) == ("parked", None)
    assert row.last_error == (
        "the call's outcome is not known, and Loomio before 3.0.24 does not list discussions (it answered 404). "
        "Somebody has to look there. If there is nothing, or you delete it: "
        "flask effects retry moment:fennel-works:spring-growth:2027"
    )
    assert team_threads(played) == 1
    # Whoever looked says by trying again that it is not there.
    for one in list(played.server.sandbox.world.discussions.values()):
        if "spring-growth" in one.title:
            played.rules.discard_discussion(one)
    assert again(work, THREAD).status == "done"
    assert team_threads(played) == 2


@pytest.mark.parametrize("version", ["3.0.24", "3.8.1"])
def test_where_one_can_look_it_is_found_and_not_sent_again(work: Workshop, played: Played, clock: Clock) -> None:
    fault(played, "/discussions$", "after_502")
    assert attempt(work, THREAD).status == "sending"
    clock.now += 2 * MINUTE
    assert attempt(work, THREAD).status == "done"
    assert team_threads(played) == 1


def test_a_refusal_that_may_have_saved_waits_for_a_person_where_nobody_can_look(work: Workshop, played: Played) -> None:
    played.demote()
    row = attempt(work, POLL)
    assert (row.status, row.sent_at) == ("parked", None)
    assert row.last_error == (
        "Loomio does not accept the bot's key, or not for this; flask doctor tells more; it may have been saved all "
        "the same, and Loomio before 3.0.24 does not list polls (it answered 404). Somebody has to look there. "
        "If there is nothing, or you delete it: flask effects retry moment:fennel-works:policy-poll:2027"
    )
    assert len(played.polls()) == 1


@pytest.mark.parametrize("version", ["3.0.24", "3.1.2"])
def test_a_refusal_that_saved_is_looked_up_at_once(work: Workshop, played: Played) -> None:
    played.demote()
    row = attempt(work, POLL)
    assert (row.status, row.external_id) == ("done", played.polls()[0].key)
    assert len(played.polls()) == 1


@pytest.mark.parametrize("version", ["3.8.1"])
def test_a_dialect_that_cannot_be_asked_for_just_now_is_asked_for_later(
    work: Workshop, played: Played, clock: Clock
) -> None:
    client = played.server.sandbox.app.test_client()
    sent = {"side": "loomio", "method": "GET", "path": "/boot/version", "fault": "before_503"}
    assert client.post("/_control/faults", json=sent).status_code == 200
    row = attempt(work, THREAD)
    assert (row.status, row.sent_at, team_threads(played)) == ("planned", None, 0)
    clock.now += MINUTE
    assert attempt(work, THREAD).status == "done"


# -- looking ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as wire:
        yield wire


@pytest.fixture
def watching(workshop: Workshop, clock: Clock) -> Workshop:
    """A worker that watches one proposal, due now."""
    loomio = Loomio(address=WIRE, api_key="invented-loomio-key", group_id=7)
    watched(workshop.database, look_at=clock.now, organisation=SLUG)
    return at_work(workshop, clock, OURS, loomio=lambda _: loomio)


def proposal(work: Workshop) -> ProposalRow:
    [row] = rows(work, ProposalRow)
    return row


def hint(work: Workshop, clock: Clock) -> None:
    loomio = work.policies[SLUG].loomio
    assert isinstance(loomio, LoomioPolicy)
    gap = timedelta(seconds=loomio.least_seconds_between_looks)
    work.database.transact(partial(look_soon, slug=SLUG, gap=gap, now=clock.now))


def test_however_many_hints_come_while_loomio_is_down_it_is_asked_once_a_minute_at_most(
    watching: Workshop, clock: Clock, wire: responses.RequestsMock
) -> None:
    down = wire.get(f"{WIRE}/api/b2/polls/Key7", status=502, body="<html>")
    began = clock.now
    while clock.now < began + 10 * MINUTE:
        hint(watching, clock)
        watch(watching)
        clock.now += timedelta(seconds=5)
    assert down.call_count <= 11
    assert proposal(watching).looks_in_vain == down.call_count
    assert proposal(watching).last_error == "Loomio answered 502"


def test_a_pause_that_loomio_asks_for_is_kept(watching: Workshop, clock: Clock, wire: responses.RequestsMock) -> None:
    headers = {"Retry-After": "900"}
    wire.get(f"{WIRE}/api/b2/polls/Key7", status=429, body="Retry later\n", headers=headers)
    watch(watching)
    look_at = proposal(watching).look_at
    assert look_at is not None
    assert timedelta(seconds=890) < look_at - clock.now <= timedelta(seconds=910)


def test_a_poll_that_loomio_does_not_close_is_told_of_once(
    watching: Workshop, clock: Clock, wire: responses.RequestsMock, caplog: pytest.LogCaptureFixture
) -> None:
    found = poll_reply(key="Key7", closed_at=None)
    wire.get(f"{WIRE}/api/b2/polls/Key7", json=found)
    watching.database.transact(lambda session: _due(session, datetime(2027, 3, 8, 13, 59, tzinfo=UTC)))
    clock.now = datetime(2027, 3, 8, 13, 59, tzinfo=UTC)
    watch(watching)
    assert proposal(watching).last_error is None
    for minutes in (5, 20, 35):
        clock.now = datetime(2027, 3, 8, 14, minutes, tzinfo=UTC)
        watch(watching)
    why = (
        "voting ended at 2027-03-08 12:00 UTC and Loomio has not closed it. Does its hourly job run? "
        "Until it does, nothing is counted"
    )
    assert proposal(watching).last_error == why
    assert [one.getMessage() for one in caplog.records if one.levelname == "WARNING"] == [f"watch proposal Key7: {why}"]


def _due(session: Any, at: datetime) -> None:
    session.get_one(ProposalRow, 1).look_at = at


@pytest.mark.parametrize("speaker", [Loomio, LegacyLoomio])
def test_what_is_read_once_is_not_read_again_before_its_time(
    watching: Workshop, clock: Clock, wire: responses.RequestsMock, speaker: type[Loomio]
) -> None:
    loomio = speaker(address=WIRE, api_key="invented-loomio-key", group_id=7)
    reading = replace(watching, loomio=lambda _: loomio)
    closing = (clock.now + timedelta(days=2)).isoformat()
    look = wire.get(f"{WIRE}/api/b2/polls/Key7", json=poll_reply(key="Key7", closed_at=None, closing_at=closing))
    began = clock.now
    for minutes in range(10):
        clock.now = began + minutes * MINUTE
        watch(reading)
    assert look.call_count == 1
    assert proposal(reading).looked_at == began
