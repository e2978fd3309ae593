"""Both dialects of Loomio: our own adapter against a stand-in of each version, and a whole ticket on the oldest."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from domain.policy import HideResults, LoomioPolicy
from domain.proposals import Poll, Reading, Result, read, whole_hour_after
from integrations.errors import CannotLookError, PermanentError, UnknownOutcomeError
from integrations.loomio import Group, Loomio, Thread
from integrations.loomio_legacy import LegacyLoomio
from sandbox.loomio_rules import LoomioRules
from sandbox.serving import Server
from sandbox.settings import Settings
from sandbox.world import Poll as TheirPoll
from tests.cast import LOOMIO
from tests.house import House, fresh_database
from tests.scenes import claim, close_poll, proposed

LEGACY = ("3.0.20", "3.0.22", "3.0.24", "3.1.0", "3.1.2")
CURRENT = ("3.1.3", "3.8.1")
WITHOUT_LISTS = ("3.0.20", "3.0.22")
WITHOUT_ITEMS = ("3.0.20", "3.0.22", "3.0.24")


class Played:
    """A stand-in of one version over real HTTP, its people, and our adapter in the dialect it speaks."""

    def __init__(self, version: str) -> None:
        self.server = Server(Settings(port=0, loomio_version=version))
        self.server.start()
        self.ours = self.speaking(LegacyLoomio if version in LEGACY else Loomio)

    def speaking(self, speaker: type[Loomio]) -> Loomio:
        """Our adapter in a dialect of the test's choice."""
        return speaker(address=f"{self.server.url}/loomio", api_key="fennel-loomio-key", group_id=7, call_seconds=5)

    @property
    def rules(self) -> LoomioRules:
        """What people can do there."""
        return self.server.sandbox.loomio

    def upgrade(self, version: str) -> None:
        """Make it another version, with everything that is in it."""
        self.server.sandbox.world.loomio_version = version

    def demote(self) -> None:
        """Take the coordinator's role from the bot."""
        for place in self.server.sandbox.world.memberships:
            place.admin = False

    def polls(self) -> list[TheirPoll]:
        """Every poll there is."""
        return list(self.server.sandbox.world.polls.values())

    def titles(self) -> list[str]:
        """Every thread that carries one of our references."""
        return [one.title for one in self.server.sandbox.world.discussions.values() if "GT-" in one.title]

    def vote(self, **choices: str) -> None:
        """Vote in the newest poll: `ada="agree"`."""
        poll = self.polls()[-1]
        for username, icon in choices.items():
            person = self.server.sandbox.world.person_named(username)
            assert person is not None
            self.rules.vote(poll, person, next(one for one in poll.options if one.icon == icon), "")

    def close(self) -> None:
        """Close the newest poll by hand."""
        self.rules.close_poll(self.polls()[-1], self.server.sandbox.world.people[11])


@pytest.fixture
def version() -> str:
    """The version that is played; a test chooses by parametrizing this."""
    return "3.8.1"


@pytest.fixture
def played(version: str) -> Iterator[Played]:
    played = Played(version)
    yield played
    played.server.stop()


def start(loomio: Loomio) -> Thread:
    return loomio.start_thread(title="Golden ticket: mapping (GT-0007)", description="Why", private=True)


def propose(loomio: Loomio, thread: Thread, **changes: Any) -> Poll:
    said: dict[str, Any] = {
        "topic_id": thread.topic_id,
        "title": "Golden ticket: mapping (GT-0007)",
        "details": "Why",
        "options": ("agree", "abstain", "disagree", "block"),
        "closing_at": whole_hour_after(datetime.now(UTC) + timedelta(days=5)),
        "quorum_percent": 50,
    }
    return loomio.start_poll(**said | changes)


def reading(poll: Poll, policy: LoomioPolicy = LOOMIO) -> Reading:
    return read(poll, policy, now=datetime.now(UTC))


# -- the same life in every version -----------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [*LEGACY, *CURRENT])
def test_a_proposal_lives_the_same_life_in_every_version(played: Played, version: str) -> None:
    loomio = played.ours
    loomio.check_dialect()
    own = None if version in WITHOUT_ITEMS else 20
    assert loomio.group() == Group(id=7, name="Fennel Works", own_user_id=own, own_admin=True)
    thread = start(loomio)
    poll = propose(loomio, thread)
    ours = played.polls()[-1]
    assert (ours.discussion_id, ours.group_id, ours.settings["quorum_pct"]) == (thread.discussion_id, 7, 50)
    assert [option.icon for option in ours.options] == ["agree", "abstain", "disagree", "block"]
    comment = loomio.comment(discussion_id=thread.discussion_id, body="Hello @ada (GT-0007 hello)")
    # Everybody heard of it once, whichever way this version is asked to tell them.
    told = [(one.kind, one.user_ids) for one in played.server.sandbox.world.notices]
    assert told == [("poll_created", [11, 12, 13, 14]), ("user_mentioned", [11])]
    assert reading(loomio.poll(poll.key)).result is Result.OPEN
    played.vote(ada="agree", bo="abstain")
    played.close()
    consented = reading(loomio.poll(poll.key))
    assert consented == Reading(result=Result.CONSENTED, rule="consent", agree=1, abstain=1)
    played.rules.publish_outcome(ours, played.server.sandbox.world.people[11], "Not this year", ours.options[2])
    declined = reading(loomio.poll(poll.key))
    assert (declined.result, declined.rule, declined.statement) == (Result.OBJECTION, "human outcome", "Not this year")
    played.rules.edit_outcome(ours, played.server.sandbox.world.people[11], "Not this year, sorry")
    assert reading(loomio.poll(poll.key)).fingerprint() != declined.fingerprint()
    played.rules.reopen_poll(ours, played.server.sandbox.world.people[11])
    assert reading(loomio.poll(poll.key)).result is Result.OPEN
    if version in WITHOUT_ITEMS:
        with pytest.raises(CannotLookError):
            loomio.find_comment(thread.topic_id, "(GT-0007 hello)")
        with pytest.raises(CannotLookError):
            loomio.speakers(thread.topic_id)
    else:
        assert loomio.find_comment(thread.topic_id, "(GT-0007 hello)") == comment
        assert loomio.speakers(thread.topic_id) == {"trellis", "ada", "bo"}
    played.rules.discard_poll(ours)
    assert reading(loomio.poll(poll.key)) == Reading(result=Result.CANCELLED, rule="discarded")


@pytest.mark.parametrize("version", [*LEGACY, *CURRENT])
def test_what_was_made_is_found_again_wherever_the_version_can_be_asked(played: Played, version: str) -> None:
    loomio = played.ours
    thread = start(loomio)
    poll = propose(loomio, thread)
    found = loomio.find_poll("GT-0007", topic_id=thread.topic_id)
    assert found is not None
    assert (found.id, found.key, found.topic_id) == (poll.id, poll.key, poll.topic_id)
    if version in WITHOUT_LISTS:
        with pytest.raises(CannotLookError):
            loomio.find_thread("GT-0007")
        with pytest.raises(CannotLookError):
            loomio.find_poll("GT-0008", topic_id=thread.topic_id)
    else:
        assert loomio.find_thread("GT-0007") == thread
        assert loomio.find_poll("GT-0008", topic_id=thread.topic_id) is None


@pytest.mark.parametrize("version", ["3.0.20", "3.8.1"])
def test_consent_in_two_words_hidden_and_anonymous_is_read_all_the_same(played: Played, version: str) -> None:
    loomio = played.ours
    thread = start(loomio)
    asked: dict[str, Any] = {"options": ("consent", "objection"), "anonymous": True}
    poll = propose(loomio, thread, **asked, hide_results=HideResults.UNTIL_CLOSED)
    assert loomio.poll(poll.key).counts is None
    played.vote(ada="agree", bo="agree", cy="disagree")
    assert reading(loomio.poll(poll.key)).result is Result.OPEN
    played.close()
    assert reading(loomio.poll(poll.key)) == Reading(result=Result.OBJECTION, rule="consent", agree=2, disagree=1)


@pytest.mark.parametrize("version", ["3.0.20", "3.8.1"])
def test_a_poll_whose_closing_job_never_ran_is_said_to_be_so(played: Played, version: str) -> None:
    poll = propose(played.ours, start(played.ours))
    played.vote(ada="agree", bo="agree")
    found = played.ours.poll(poll.key)
    assert found.closing_at is not None
    later = found.closing_at + timedelta(hours=3)
    assert read(found, LOOMIO, now=later) == Reading(result=Result.LAPSED, rule="not closed by Loomio")


@pytest.mark.parametrize("version", ["3.0.20", "3.8.1"])
def test_an_options_own_rule_and_a_quorum_of_loomios_decide_before_the_count(played: Played, version: str) -> None:
    poll = propose(played.ours, start(played.ours))
    agree = played.polls()[-1].options[0]
    agree.test_operator, agree.test_percent, agree.test_against = "gte", 75, "voter_percent"
    played.vote(ada="agree")
    played.close()
    assert reading(played.ours.poll(poll.key)) == Reading(result=Result.NO_QUORUM, rule="quorum", agree=1)
    played.rules.reopen_poll(played.polls()[-1], played.server.sandbox.world.people[11])
    played.vote(bo="agree")
    played.close()
    assert reading(played.ours.poll(poll.key)) == Reading(result=Result.NO_DECISION, rule="option rule", agree=2)


def test_options_that_were_edited_away_lose_their_votes_and_are_read_as_they_are_now(played: Played) -> None:
    poll = propose(played.ours, start(played.ours), quorum_percent=None)
    played.vote(ada="agree", bo="agree")
    ours = played.polls()[-1]
    played.rules.edit_poll(ours, played.server.sandbox.world.people[11], {"options": ["agree", "Wait a year"]})
    played.vote(cy="agree")
    waits = ours.options[1]
    assert waits.icon is None
    played.rules.vote(ours, played.server.sandbox.world.people[14], waits, "")
    played.close()
    assert reading(played.ours.poll(poll.key)) == Reading(result=Result.UNREADABLE, rule="unknown option")


# -- where it goes wrong quietly --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("version", "wrong"), [("3.0.20", Loomio), ("3.0.24", Loomio), ("3.1.2", Loomio)])
def test_todays_dialect_opens_no_door_of_an_older_loomio(played: Played, version: str, wrong: type[Loomio]) -> None:
    with pytest.raises(PermanentError, match="speaks the legacy dialect"):
        played.speaking(wrong).check_dialect()
    with pytest.raises(PermanentError):
        start(played.speaking(wrong))
    assert played.titles() == []


@pytest.mark.parametrize("version", CURRENT)
def test_the_old_dialect_leaves_a_stray_on_todays_loomio_which_is_why_the_version_comes_first(played: Played) -> None:
    old = played.speaking(LegacyLoomio)
    with pytest.raises(PermanentError, match="speaks the current dialect"):
        old.check_dialect()
    assert played.titles() == []
    with pytest.raises(PermanentError, match="Loomio made a thread outside the group: id 602, group None"):
        start(old)
    with pytest.raises(PermanentError, match="Loomio made a poll that is not what was asked for"):
        old.start_team_poll(title="T", details="", options=("a", "b"), closing_at=in_five_days())


def in_five_days() -> datetime:
    return whole_hour_after(datetime.now(UTC) + timedelta(days=5))


@pytest.mark.parametrize("version", ["3.0.20", "3.0.24", "3.1.2"])
def test_a_refusal_after_saving_warns_and_what_was_saved_is_found(played: Played, version: str) -> None:
    thread = start(played.ours)
    played.demote()
    with pytest.raises(PermanentError) as raised:
        propose(played.ours, thread)
    assert raised.value.may_have_happened is True
    found = played.ours.find_poll("GT-0007", topic_id=thread.topic_id)
    assert found is not None
    assert [one.key for one in played.polls()] == [found.key]


@pytest.mark.parametrize("version", ["3.0.20", "3.8.1"])
def test_the_daily_limit_on_invitations_leaves_the_outcome_unknown_in_both(played: Played, version: str) -> None:
    thread = start(played.ours)
    played.rules.invitations_left = 3
    with pytest.raises(UnknownOutcomeError):
        propose(played.ours, thread)
    assert played.ours.find_poll("GT-0007", topic_id=thread.topic_id) is not None


@pytest.mark.parametrize("version", [*LEGACY, *CURRENT])
def test_a_rotated_key_and_a_public_thread_in_a_private_group_are_told_plainly(played: Played, version: str) -> None:
    with pytest.raises(PermanentError, match="private must be private"):
        played.ours.start_thread(title="T (GT-0007)", description="", private=False)
    played.server.sandbox.world.people[20].api_key = "rotated"
    with pytest.raises(PermanentError, match="does not accept the bot's key"):
        played.ours.group()
    assert played.titles() == []


@pytest.mark.parametrize("version", ["3.0.24", "3.1.2", "3.8.1"])
def test_a_bot_without_a_role_is_told_from_a_dead_key(played: Played, version: str) -> None:
    played.demote()
    assert played.ours.group().own_admin is False


@pytest.mark.parametrize("version", ["3.0.20", "3.0.24"])
def test_a_thread_from_before_an_upgrade_goes_on_after_it(played: Played, version: str) -> None:
    thread = start(played.ours)
    assert thread.topic_id == -thread.discussion_id
    played.upgrade("3.8.1")
    today = played.speaking(Loomio)
    poll = propose(today, thread)
    assert played.polls()[-1].discussion_id == thread.discussion_id
    assert poll.topic_id == played.polls()[-1].topic_id
    comment = today.comment(discussion_id=thread.discussion_id, body="(GT-0007 hello)")
    assert today.find_comment(thread.topic_id, "(GT-0007 hello)") == comment


# -- a whole ticket on the oldest -------------------------------------------------------------------------------------


def test_a_ticket_goes_all_its_way_on_the_oldest_loomio(tmp_path: Path) -> None:
    with fresh_database("sqlite", tmp_path) as url, House(url, tmp_path, SANDBOX_LOOMIO_VERSION="3.0.20") as house:
        words = house.policy_file.read_text(encoding="utf-8")
        house.policy_file.write_text(words.replace("days_open = 5\n", 'days_open = 5\ndialect = "legacy"\n'), "utf-8")
        house.start_worker()
        number = claim(house)
        poll = proposed(house)
        assert poll["discussion_id"] == house.world()["discussions"][-1]["id"]
        house.vote(poll["key"], ada="agree", cy="agree", dee="abstain")
        close_poll(house)
        house.wait_for("the decision", lambda: house.ticket_state() == "consented")
        house.wait_until_quiet()
        said = house.ours(number)[1]
        assert said.startswith("**Yes!** The group agrees to **GT-0001**, Bo.")
        assert "2 agree, 1 abstain, 0 disagree, 0 block" in said
        assert f"{house.sandbox_url}/loomio/p/{poll['key']}" in said
        assert house.issue(number)["labels"] == ["golden-ticket", "ticket: consented"]
        asked = [one for one in house.calls() if one["side"] == "loomio" and one["method"] == "POST"]
        assert [(one["path"], "group_id" in one["body"] or "discussion_id" in one["body"]) for one in asked] == [
            ("/api/b2/discussions", True),
            ("/api/b2/polls", True),
        ]
