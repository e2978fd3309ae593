"""The report of the day: at the hour, on working days, with something to tell or while observing, each finding once."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from config.messages import words
from domain.effects import CommentOnIssue, MentionInThread, Nudge, Say, SendReport
from domain.parts import Ask, Part
from domain.policy import Channel, Mode, Policy
from domain.rhythms import Interval, Role, Side, Window, Windows
from integrations.mail import Mail
from jobs.letters import report_letter
from jobs.nudge import nudge
from jobs.record import plan_effect
from jobs.report import MOST_LINES, report
from jobs.workshop import Workshop
from store.memory import effect_of
from store.models import EffectRow, OrganisationRow
from tests.workroom import OURS, SLUG, TUESDAY, Clock, add_objective, add_person, at_work, rows, send_all

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
CHANNELS = replace(OURS.channels, report_to="cy@fennel.example")
REPORTED = replace(OURS, channels=CHANNELS)
OBSERVING = replace(REPORTED, organisation=replace(OURS.organisation, mode=Mode.OBSERVE))
NOTHING = "nothing"
KATHMANDU = ZoneInfo("Asia/Kathmandu")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make(workshop: Workshop, clock: Clock) -> Callable[..., Workshop]:
    """A workshop with a mail server that nobody asks anything of: reports are planned here, not sent."""

    def make(policy: Policy = REPORTED, **changes: Any) -> Workshop:
        mail = Mail(host="127.0.0.1", port=9, tls="none")
        return at_work(workshop, clock, policy, **({"mail": mail} | changes))

    return make


@pytest.fixture
def work(make: Callable[..., Workshop]) -> Workshop:
    return make()


def reports(work: Workshop) -> list[SendReport]:
    found = [effect_of(row.kind, row.payload) for row in rows(work, EffectRow, EffectRow.kind == "SendReport")]
    return [one for one in found if isinstance(one, SendReport)]


def told(work: Workshop) -> dict[str, str]:
    """The values of the only report."""
    [one] = reports(work)
    return dict(one.body.values)


def park(work: Workshop, key: str = "answer:1", why: str = "GitHub does not accept the token") -> None:
    """Something that went wrong, so that there is something to tell."""
    effect = CommentOnIssue(key=key, about="issue:1", issue_number=1, body=Say(name="objective-activated"))

    def write(session: Any) -> None:
        assert plan_effect(work, session, SLUG, effect)
        row = session.get(EffectRow, key)
        row.status, row.last_error = "parked", why

    work.database.transact(write)


def a_nudge(work: Workshop, key: str, status: str, *, error: str | None = None, person_id: int = 1) -> None:
    """One message of this day with what became of it."""
    part = Part("two-weekly", "2027-01-05", Side.MEMBER, Ask.FIRST, person_id, date(2027, 1, 5), date(2027, 1, 8))
    secret = part._replace(rhythm="career-talk", turn="2027", ask=Ask.PAUSE, private=True)
    effect = Nudge(
        key=key, about=f"person:{person_id}", person_id=person_id, on=date(2027, 1, 5), due_at=TUESDAY,
        way=Channel.MAIL, other_ways=(), parts=(part, secret),
    )  # fmt: skip

    def write(session: Any) -> None:
        assert plan_effect(work, session, SLUG, effect)
        row = session.get(EffectRow, key)
        row.status, row.last_error = status, error

    work.database.transact(write)


# -- when --------------------------------------------------------------------------------------------------------------


def test_it_is_written_once_a_day_at_the_hour(work: Workshop, clock: Clock) -> None:
    park(work)
    clock.now = TUESDAY - timedelta(seconds=1)
    report(work)
    assert reports(work) == []

    for minutes in (0, 1, 60, 600):
        clock.now = TUESDAY + timedelta(minutes=minutes)
        report(work)
    clock.now = TUESDAY + DAY
    report(work)

    assert [one.key for one in reports(work)] == ["report:fennel-works:2027-01-05", "report:fennel-works:2027-01-06"]


@pytest.mark.parametrize(
    ("day", "why"),
    [
        (date(2027, 1, 9), "a Saturday"),
        (date(2027, 1, 10), "a Sunday"),
        (date(2027, 12, 24), "a day off of the organisation"),
        (date(2027, 1, 6), "a public holiday"),
    ],
)
def test_it_waits_for_a_working_day(make: Callable[..., Workshop], clock: Clock, day: date, why: str) -> None:
    public = replace(REPORTED.organisation, holidays_of="XX")
    work = make(replace(REPORTED, organisation=public, public_holidays={"XX": {date(2027, 1, 6)}}))
    park(work)

    clock.now = datetime(day.year, day.month, day.day, 15, tzinfo=UTC)
    report(work)

    assert reports(work) == [], why


def test_the_hour_is_the_organisations_own(make: Callable[..., Workshop], clock: Clock) -> None:
    work = make(replace(REPORTED, organisation=replace(REPORTED.organisation, zone=KATHMANDU)))
    park(work)

    clock.now = datetime(2027, 1, 5, 4, 14, tzinfo=UTC)
    report(work)
    assert reports(work) == []
    clock.now = datetime(2027, 1, 5, 4, 15, tzinfo=UTC)
    report(work)

    assert [one.key for one in reports(work)] == ["report:fennel-works:2027-01-05"]


def test_a_weekend_is_told_on_monday(work: Workshop, clock: Clock) -> None:
    add_person(work)
    clock.now = datetime(2027, 1, 8, 10, tzinfo=UTC)
    report(work)
    clock.now = datetime(2027, 1, 9, 12, tzinfo=UTC)
    a_nudge(work, "nudge:fennel-works:ada:2027-01-09", "done")
    clock.now = datetime(2027, 1, 11, 10, tzinfo=UTC)
    report(work)

    assert told(work)["sent"] == "- 2027-01-05 ada, by mail: two-weekly (first), career-talk (pause)"


def told_of(work: Workshop, heading: str) -> list[int]:
    """How many lines each report has under a heading."""
    said = [one.body.values[heading] for one in reports(work)]
    return [0 if one == NOTHING else len(one.splitlines()) for one in said]


def test_what_was_told_is_not_told_again(work: Workshop, clock: Clock) -> None:
    """At the hour of the report most messages go out: some are done before it is written, and some after."""
    add_person(work)
    clock.now = TUESDAY - HOUR
    a_nudge(work, "nudge:one", "done")
    clock.now = TUESDAY
    a_nudge(work, "nudge:two", "done")
    clock.now = TUESDAY + timedelta(minutes=10)
    report(work)
    clock.now = TUESDAY + timedelta(minutes=11)
    a_nudge(work, "nudge:three", "done")
    for n in (1, 2):
        clock.now = TUESDAY + n * DAY + timedelta(minutes=3)
        report(work)

    assert told_of(work, "sent") == [1, 2]


def test_nothing_is_lost_that_took_longer_than_a_day(work: Workshop, clock: Clock) -> None:
    add_person(work)
    clock.now = TUESDAY - HOUR
    a_nudge(work, "nudge:one", "planned", error="GitHub asks for a pause")
    clock.now = TUESDAY
    report(work)

    assert told(work)["withheld"] == (
        "- 2027-01-05 ada, by mail: two-weekly (first), career-talk (pause): GitHub asks for a pause"
    )


@pytest.mark.parametrize(
    "missing",
    [{"mail": None}, {"report_to": ""}, {"sender": ""}],
    ids=["no mail server", "nobody to tell", "no sender"],
)
def test_without_a_way_there_is_none(make: Callable[..., Workshop], missing: dict[str, Any]) -> None:
    channels = {name: value for name, value in missing.items() if name != "mail"}
    work = make(
        replace(REPORTED, channels=replace(CHANNELS, **channels)), **({"mail": None} if "mail" in missing else {})
    )
    park(work)

    report(work)

    assert reports(work) == []


def test_each_organisation_hears_of_itself_alone(make: Callable[..., Workshop], clock: Clock) -> None:
    work = make()
    moss = replace(OBSERVING, slug="moss", channels=replace(CHANNELS, report_to="mo@moss.example"))
    both = at_work(work, clock, REPORTED, moss)
    park(both)
    add_person(both, "mo", organisation="moss", mail=None)

    report(both)

    ours, theirs = reports(both)
    assert (ours.to_address, theirs.to_address) == ("cy@fennel.example", "mo@moss.example")
    assert (ours.body.values["unreachable"], theirs.body.values["unreachable"]) == (NOTHING, "- mo")
    assert theirs.body.values["problems"] == NOTHING


# -- whether -----------------------------------------------------------------------------------------------------------


def test_without_anything_to_tell_there_is_no_letter(work: Workshop, clock: Clock) -> None:
    add_person(work)
    for n in range(3):
        clock.now = TUESDAY + n * DAY
        report(work)

    assert reports(work) == []


def test_while_observing_it_comes_every_day_so_that_silence_is_told_too(
    make: Callable[..., Workshop], clock: Clock
) -> None:
    work = make(OBSERVING)
    add_person(work)
    for n in range(2):
        clock.now = TUESDAY + n * DAY
        report(work)

    assert [one.body.values["withheld"] for one in reports(work)] == [NOTHING, NOTHING]


def test_that_somebody_is_out_of_reach_is_no_news_by_itself(work: Workshop) -> None:
    """It would make a letter of every day; it stands in the next one that has something to tell."""
    add_person(work, mail=None)

    report(work)
    assert reports(work) == []


# -- what --------------------------------------------------------------------------------------------------------------


def test_the_whole_letter(make: Callable[..., Workshop], clock: Clock) -> None:
    """What was sent, what was not and why, whom nothing reaches, and what somebody should look at."""
    look_ahead = Windows(
        windows=(Window(opens="02-01", closes="03-31"),), not_before="goals_set_on", tells=(Side.MEMBER,), private=True
    )
    policy = replace(REPORTED, rhythms={**REPORTED.rhythms, "look-ahead": look_ahead})
    work = make(policy)
    ada = add_person(work, relations={"manager": "nobody"})
    add_person(work, "bo", mail=None)
    add_person(work, "cy", mail=None)
    add_person(work, "dee", mail=None, left_on=date(2027, 1, 1))
    clock.now = TUESDAY - HOUR
    a_nudge(work, "nudge:1", "done", person_id=ada)
    a_nudge(work, "nudge:2", "not needed", error="they wrote already", person_id=ada)
    a_nudge(work, "nudge:3", "planned", person_id=ada)
    a_nudge(work, "nudge:4", "done", person_id=4_000)
    park(work, key="answer:fennel-works:900:held")
    clock.now = TUESDAY

    report(work)

    [effect] = reports(work)
    assert effect.to_address == "cy@fennel.example"
    letter = report_letter(policy, effect)
    assert (letter.subject, letter.to_address, letter.sender) == (
        "Trellis at Fennel Works", "cy@fennel.example", "Trellis <trellis@fennel.example>",
    )  # fmt: skip
    assert (
        letter.text
        == """What Trellis did on January 5, 2027.

Sent

- 2027-01-05 ada, by mail: two-weekly (first), career-talk (pause)
- 2027-01-05 somebody, by mail: two-weekly (first), career-talk (pause)

Held back, and why

- 2027-01-05 ada, by mail: two-weekly (first), career-talk (pause): they wrote already
- 2027-01-05 ada, by mail: two-weekly (first), career-talk (pause): it is still on its way

People no message reaches

- bo
- cy

Worth a look

- parked: answer:fennel-works:900:held: GitHub does not accept the token
- look-ahead 2027: goals_set_on is not set for the window from 2027-02-01 to 2027-03-31
- ada: manager nobody: nobody has the handle nobody"""
    )
    assert "<strong>Sent</strong>" in letter.html
    assert "<li>bo</li>" in letter.html


def test_the_letter_comes_in_the_organisations_language(make: Callable[..., Workshop]) -> None:
    work = make(replace(OBSERVING, organisation=replace(OBSERVING.organisation, locale="de")))

    report(work)

    [effect] = reports(work)
    assert words(effect.body).startswith("# Trellis bei Fennel Works\n\n")
    assert "5. Januar 2027" in words(effect.body)
    assert told(work)["sent"] == "nichts"


def test_no_private_word_is_in_it(make: Callable[..., Workshop], clock: Clock) -> None:
    """Only which rhythm it was: the words themselves are for those they are for."""
    work = make(replace(OBSERVING, rhythms={"career-talk": replace(_career_talk(), choice="")}))
    add_person(work)
    nudge(work)
    send_all(work)
    clock.now += DAY
    report(work)

    assert told(work)["withheld"] == (
        "- 2027-01-05 ada, by mail: career-talk (first): the organisation observes: nothing is sent"
    )


def _career_talk() -> Windows:
    return Windows(windows=(Window(opens="01-01", closes="02-28"),), private=True, tells=(Side.MEMBER,))


def test_while_observing_everything_that_would_have_left_is_in_it(make: Callable[..., Workshop], clock: Clock) -> None:
    work = make(OBSERVING)
    ada = add_person(work)
    add_objective(work, ada)
    nudge(work)
    park_free = CommentOnIssue(key="answer:x", about="issue:1", issue_number=1, body=Say(name="objective-activated"))
    mention = MentionInThread(
        key="observed:mention:x", about="moment:x:2027", rhythm="x", turn="2027", discussion_id=1, topic_id=2,
        mark="(x 2027)", person_ids=(ada,), body=Say(name="team-mention"),
    )  # fmt: skip
    work.database.transact(lambda session: [plan_effect(work, session, SLUG, one) for one in (park_free, mention)])
    send_all(work)

    clock.now = TUESDAY + DAY
    report(work)

    assert told(work)["sent"] == NOTHING
    assert sorted(line.partition(": ")[0] for line in told(work)["withheld"].splitlines()) == [
        "- 2027-01-05 ada, by mail",
        "- answer:x",
        "- observed:mention:x",
    ]


def test_a_report_is_not_told_of_in_the_next_one(make: Callable[..., Workshop], clock: Clock) -> None:
    work = make(OBSERVING)
    report(work)

    def done(session: Any) -> None:
        session.get(EffectRow, "report:fennel-works:2027-01-05").status = "done"

    work.database.transact(done)
    clock.now = TUESDAY + DAY
    report(work)

    assert [one.body.values["sent"] for one in reports(work)] == [NOTHING, NOTHING]


def test_a_very_long_day_is_cut(work: Workshop, clock: Clock) -> None:
    clock.now = TUESDAY - HOUR
    for n in range(MOST_LINES + 5):
        a_nudge(work, f"nudge:{n:04}", "done")
    clock.now = TUESDAY
    report(work)

    assert len(told(work)["sent"].splitlines()) == MOST_LINES


def test_what_is_parked_is_told_every_day_until_somebody_looks(work: Workshop, clock: Clock) -> None:
    park(work)
    for n in range(2):
        clock.now = TUESDAY + n * DAY
        report(work)

    line = "- parked: answer:1: GitHub does not accept the token"
    assert [one.body.values["problems"] for one in reports(work)] == [line, line]


def test_windows_that_wait_for_a_date_are_told_two_months_ahead(make: Callable[..., Workshop], clock: Clock) -> None:
    window = Windows(windows=(Window(opens="03-10", closes="03-31"),), before="budget_final_on", tells=(Side.MEMBER,))
    work = make(replace(REPORTED, rhythms={"look-ahead": window, "spending-asks": replace(window, on=False)}))

    clock.now = datetime(2027, 1, 8, 10, tzinfo=UTC)
    report(work)
    assert reports(work) == []
    clock.now = datetime(2027, 1, 11, 10, tzinfo=UTC)
    report(work)

    assert told(work)["problems"] == (
        "- look-ahead 2027: budget_final_on is not set for the window from 2027-03-10 to 2027-03-31"
    )


# -- findings ----------------------------------------------------------------------------------------------------------


TALK = Interval(anchor_on=date(2027, 6, 1), every_months=3, partners=(Role.MANAGER,), private=True)


def test_each_finding_is_told_once_for_good(make: Callable[..., Workshop], clock: Clock) -> None:
    work = make(replace(OBSERVING, rhythms={"quarterly-talk": TALK}))
    add_person(work, relations={"manager": "gone"})
    add_person(work, "bo")
    report(work)
    clock.now += DAY
    report(work)
    add_person(work, "eve", relations={"manager": "bo", "coach": "nowhere"})
    clock.now += DAY
    report(work)

    assert [one.body.values["problems"].splitlines() for one in reports(work)] == [
        [
            "- ada: manager gone: nobody has the handle gone",
            "- ada: nobody to talk with (manager)",
            "- bo: nobody to talk with (manager)",
        ],
        [NOTHING],
        ["- eve: coach nowhere: nobody has the handle nowhere"],
    ]


def test_a_finding_alone_is_worth_a_letter(make: Callable[..., Workshop]) -> None:
    work = make(replace(REPORTED, rhythms={}))
    add_person(work, relations={"manager": "gone"})

    report(work)

    assert told(work)["problems"] == "- ada: manager gone: nobody has the handle gone"


def test_the_day_is_remembered_when_there_was_nothing_to_tell(work: Workshop) -> None:
    report(work)

    [row] = rows(work, OrganisationRow)
    assert row.reported_on == date(2027, 1, 5)
