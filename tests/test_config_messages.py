"""Every sentence a person reads: there when it is needed, filled in, kind, and quiet towards bystanders."""

# ruff: noqa: E501 - messages stand here as they are read

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from config.errors import ConfigError
from config.messages import FOLDER, placeholders, quieted, words
from config.policy import load_policy
from domain.commands import Command
from domain.effects import (
    CommentOnIssue,
    CommentOnThread,
    Effect,
    NudgeOnIssue,
    OpenIssue,
    Say,
    StartProposal,
    StartThread,
)
from domain.issues import key_in
from domain.objectives import ObjectiveState, follow, open_here
from domain.planner import effect_of, plan
from domain.proposals import Reading, Result
from domain.tickets import (
    Exit,
    Ticket,
    TicketState,
    already_held,
    choose,
    claim,
    confirm,
    decided,
    proposal_started,
    take_up_again,
    thread_started,
    withdraw,
)
from jobs import handle
from tests.cast import ADA, CY, NOW, POLICY, a_dear_ticket, a_ticket, an_issue, an_objective

ROOT = Path(__file__).parent.parent
MESSAGES = {file.stem: file.read_text(encoding="utf-8") for file in sorted((FOLDER / "en").glob("*.md"))}
POLL_URL = "https://loomio.fennel.example/p/pOll1234"
THREAD_URL = "https://loomio.fennel.example/d/tHread12"
WITH_THREAD: dict[str, Any] = {"discussion_id": 30, "topic_id": 40, "thread_url": THREAD_URL}


# -- every message is said by the code ---------------------------------------------------------------------------------


def bodies(effects: Sequence[Effect]) -> Iterator[Say]:
    for effect in effects:
        if isinstance(
            effect, OpenIssue | CommentOnIssue | NudgeOnIssue | StartThread | StartProposal | CommentOnThread
        ):
            yield effect.body


def about_objectives() -> Iterator[Say]:
    first, second = an_objective(11), an_objective(12, state=ObjectiveState.QUEUED)
    yield from bodies(open_here(POLICY, ADA, an_objective(id=8, issue_number=None, why="Dull tools hurt")).effects)
    yield from bodies(follow(POLICY, an_issue(12), was=None, person=ADA, siblings=[first], now=NOW).effects)
    closed = an_issue(11, open=False)
    yield from bodies(follow(POLICY, closed, was=first, person=ADA, siblings=[second], now=NOW).effects)


def about_tickets() -> Iterator[Say]:
    light, dear = a_ticket(), a_dear_ticket()
    unopened = replace(dear, issue_number=None, issue_url=None)
    yield from bodies(claim(POLICY, unopened, ADA, None, now=NOW).effects)
    meeting = POLICY.organisation.critical_periods[0]
    away = replace(light, first_on=meeting.first_on, last_on=meeting.last_on)
    for ticket, wanted in (
        (replace(light, cost=None), None),
        (away, None),
        (dear, Exit.GO_AHEAD),
        *((light, one) for one in Exit),
    ):
        yield from bodies(claim(POLICY, ticket, ADA, wanted, now=NOW).effects)
    yield from bodies(choose(replace(POLICY, loomio=None), light, ADA, Exit.THREAD, now=NOW).effects)
    in_thread = replace(light, state=TicketState.THREAD)
    started = thread_started(POLICY, in_thread, ADA, discussion_id=30, topic_id=40, url=THREAD_URL, now=NOW)
    yield from bodies(started.effects)
    again = replace(dear, state=TicketState.NO_QUORUM, round=1, **WITH_THREAD)
    yield from bodies(choose(POLICY, again, ADA, Exit.PROPOSAL, now=NOW).effects)
    yield from bodies(proposal_started(POLICY, proposed(), ADA, url=POLL_URL, closes_at=NOW).effects)
    yield from bodies(withdraw(POLICY, proposed(), ADA).effects)
    withdrawn = replace(light, state=TicketState.WITHDRAWN)
    yield from bodies(take_up_again(POLICY, withdrawn, ADA, holds_another=False).effects)
    yield already_held(POLICY, light, ADA, issue_number=22).body
    undecided = replace(proposed(), state=TicketState.NO_DECISION)
    for result in (Result.CONSENTED, Result.OBJECTION):
        yield from bodies(confirm(POLICY, undecided, ADA, result, CY).effects)


def proposed() -> Ticket:
    return a_dear_ticket(state=TicketState.PROPOSED, round=1, **WITH_THREAD)


def readings() -> Iterator[Say]:
    for result in Result:
        for outcome_id in (None, 9):
            yield from bodies(read_as(Reading(result=result, rule="consent", agree=3, outcome_id=outcome_id)))
    objection = replace(proposed(), state=TicketState.OBJECTION)
    yield from bodies(read_as(Reading(result=Result.CONSENTED), objection, holds_another=True))


def read_as(reading: Reading, ticket: Ticket | None = None, *, holds_another: bool = False) -> Sequence[Effect]:
    return decided(
        POLICY,
        ticket or proposed(),
        ADA,
        reading,
        before="something else",
        url=POLL_URL,
        look=1,
        holds_another=holds_another,
    ).effects


def nudges() -> Iterator[Say]:
    """One of each rhythm that the example has, since that is what people copy."""
    policy = replace(POLICY, rhythms=load_policy(ROOT / "config" / "organisations" / "example.toml").rhythms)
    until = NOW.replace(day=28)
    for nudge in plan(policy, [ADA], {ADA.id: an_objective(11)}, [], since=NOW.replace(day=1), until=until):
        if nudge.goes_out():
            yield effect_of(policy, nudge).body


def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Say]:
    """What `jobs/handle.py` answers to an unknown, an obeyed and an unfitting command."""
    said: list[CommentOnIssue] = []

    def record(*_: object, effects: Sequence[CommentOnIssue]) -> None:
        said.extend(effects)

    goal = SimpleNamespace(state="queued", person_id=ADA.id)
    monkeypatch.setattr(handle, "record", record)
    monkeypatch.setattr(handle, "objective_row", lambda *_: goal)
    monkeypatch.setattr(handle, "ticket_row", lambda *_: None)
    monkeypatch.setattr(handle, "activate_objective", lambda *_: True)
    nowhere = cast("Any", None)
    for name, known in (("activte", False), ("activate", True), ("withdraw", True)):
        handle._obey(nowhere, nowhere, POLICY, 11, ADA, Command(name=name, known=known), 99)
    return (one.body for one in said)


def everything(monkeypatch: pytest.MonkeyPatch) -> list[Say]:
    return [*about_objectives(), *about_tickets(), *readings(), *nudges(), *answers(monkeypatch)]


def test_every_message_is_said_somewhere_and_nothing_is_said_without_words(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sorted({say.name for say in everything(monkeypatch)}) == sorted(MESSAGES)


def test_every_value_a_message_asks_for_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = {
        say.name: placeholders(MESSAGES[say.name]) - set(say.values)
        for say in everything(monkeypatch)
        if not placeholders(MESSAGES[say.name]) <= set(say.values)
    }

    assert missing == {}


def test_nothing_a_person_reads_has_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    for say in everything(monkeypatch):
        if "outcome" in say.name or say.name == "ticket-people-said":
            continue  # these quote what somebody wrote, which the readings here leave out
        used = {name: say.values[name] for name in placeholders(MESSAGES[say.name])}
        assert "" not in used.values(), f"{say.name}: {used}"


def test_every_name_of_a_message_in_the_code_exists() -> None:
    """Names are looked for as text, so that a message only a rare path says is found too."""
    wanted: set[str] = set()
    for file in (*ROOT.glob("domain/*.py"), *ROOT.glob("jobs/*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                wanted |= set(re.findall(r"\A(?:objective|ticket|command)-[a-z-]*[a-z]\Z", node.value))
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_comment" and file.stem == "objectives":
                wanted |= {
                    f"objective-{one.value}"
                    for one in node.args
                    if isinstance(one, ast.Constant) and isinstance(one.value, str)
                }

    assert {"objective-which-stays", "objective-offer-next", "ticket-unreadable", "command-not-now"} <= wanted
    assert wanted - set(MESSAGES) == set()


# -- manners -----------------------------------------------------------------------------------------------------------

BLAMING = re.compile(
    r"\b(overdue|fail(ed|ure|s|ing)?|must|late|missed|should have|warnings?|obligat\w*|required|deadline|remind\w*)\b",
    re.IGNORECASE,
)


@pytest.mark.parametrize("name", MESSAGES)
def test_no_message_blames_or_pushes(name: str) -> None:
    assert BLAMING.findall(MESSAGES[name]) == []


@pytest.mark.parametrize("name", MESSAGES)
def test_no_message_mentions_anybody(name: str) -> None:
    assert "@" not in MESSAGES[name]


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_is_short_and_ends_neatly(name: str) -> None:
    text = MESSAGES[name]

    assert text == text.strip() + "\n"
    assert len(text) < 700
    assert not re.search(r"[ \t]$", text, re.MULTILINE)


@pytest.mark.parametrize("name", [one for one in MESSAGES if one.startswith(("objective-which", "ticket-", "nudge-"))])
def test_whoever_is_spoken_to_is_called_by_name(name: str) -> None:
    assert "{name}" in MESSAGES[name]


# -- what people read, whole -------------------------------------------------------------------------------------------


def only(said: Iterator[Say], name: str) -> str:
    return next(words(one) for one in said if one.name == name)


def test_the_check_in_is_a_kind_question() -> None:
    assert (
        only(nudges(), "nudge-two-weekly")
        == """Hello Ada, time for a look back at the last 14 days, if you like.

What did you try, learn, or show somebody else? One line as a comment here is plenty, and it will be good to read again in half a year.

_You get this once every 14 days, and not at all when you have already written here. It is for you and not for any appraisal._"""
    )


def test_the_second_goal_is_welcomed() -> None:
    assert (
        only(about_objectives(), "objective-which-stays")
        == """Hello Ada, good to see another idea growing.

You already have one going: [Learn to sharpen tools](https://github.com/fennel-works/learning/issues/11). One at a time is how we keep room for each, so this one is waiting in your queue. Nothing is lost.

If you would rather work on **this** one now, write a comment with just

```
/activate
```

and the two swap places. Otherwise there is nothing to do."""
    )


def test_the_group_is_asked_for_what_would_have_to_change() -> None:
    assert (
        only(about_tickets(), "proposal")
        == """Ada Moreau asks the group to go along with this golden ticket (GT-0007):

**A week with the basket makers**

How it stretches: I have never worked with willow

Cost: 480 EUR
Days: –

If you see a reason not to, say what would have to change. More: https://github.com/fennel-works/learning/issues/21"""
    )


def test_the_exits_are_offered_with_a_suggestion() -> None:
    assert (
        only(about_tickets(), "ticket-exits")
        == """Hello Ada, this is **GT-0007**, your golden ticket. You know best what it needs. There are four ways on; write one of these alone on a line:

- `/go-ahead` – it is light, nobody else needs to decide
- `/thread` – ask what others think, in a Loomio thread
- `/proposal` – ask the group for a yes, in a Loomio proposal
- `/talk` – talk it over first, for example with Cy Okafor

From what you wrote, `/talk` could fit well. It is only a suggestion."""
    )


def test_a_yes_and_an_objection_are_told_with_the_count() -> None:
    assert (
        only(readings(), "ticket-consented")
        == f"""**Yes!** The group agrees to **GT-0007**, Ada. Go and enjoy it.

3 agree, 0 abstain, 0 disagree, 0 block (consent rule): {POLL_URL}"""
    )
    assert (
        only(readings(), "ticket-objection")
        == f"""Ada, somebody in the group has a concern about **GT-0007**. That is how proposals get better, and your golden ticket is back with you.

3 agree, 0 abstain, 0 disagree, 0 block (consent rule): {POLL_URL}

Read what was said, talk with the person if you can, and claim again with a changed idea whenever you like."""
    )


def test_the_thread_reads_who_took_a_ticket_back() -> None:
    assert (
        only(about_tickets(), "thread-withdrawn")
        == "GT-0007 withdrawn: Ada Moreau has taken it back. There is nothing left to decide here; thank you for "
        "thinking along."
    )


def test_an_unknown_command_is_answered_with_those_that_work(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (
        only(answers(monkeypatch), "command-unknown")
        == """Hello Ada, I do not know `/activte`. These work here, each alone on a line:

- `/activate`
- `/go-ahead`
- `/thread`
- `/proposal`
- `/talk`
- `/withdraw`
- `/consented`
- `/objection`

Anything else you write is simply yours and I leave it alone."""
    )


# -- filling in --------------------------------------------------------------------------------------------------------


def a_folder(tmp_path: Path, **texts: str) -> Path:
    for place, text in texts.items():
        file = tmp_path / f"{place.replace('__', '/')}.md"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return tmp_path


def test_a_message_comes_in_the_persons_language_or_the_nearest(tmp_path: Path) -> None:
    folder = a_folder(tmp_path, en__hello="Hello {name}\n", pt__hello="Olá {name}\n", pt_BR__hello="Oi {name}\n")

    said = {
        locale: words(Say(name="hello", locale=locale, values={"name": "Ada"}), folder=folder)
        for locale in ("en", "pt", "pt_BR", "pt_PT", "ne")
    }

    assert said == {"en": "Hello Ada", "pt": "Olá Ada", "pt_BR": "Oi Ada", "pt_PT": "Olá Ada", "ne": "Hello Ada"}


def test_a_message_that_does_not_exist_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        words(Say(name="hello"), folder=tmp_path)
    assert refused.value.problems == ("messages/en/hello.md: there is no such message",)


def test_a_value_that_is_not_given_is_told(tmp_path: Path) -> None:
    folder = a_folder(tmp_path, en__hello="Hello {name} and {other}")

    with pytest.raises(ConfigError) as refused:
        words(Say(name="hello", values={"name": "Ada"}), folder=folder)
    assert refused.value.problems == ("messages/en/hello.md: no value for 'other'",)


def test_braces_in_a_persons_words_stay_as_they_are(tmp_path: Path) -> None:
    folder = a_folder(tmp_path, en__hello="{idea}, {name}!")

    said = words(Say(name="hello", values={"name": "Ada", "idea": "{name} {0} {} %s"}), folder=folder)

    assert said == "{name} {0} {} %s, Ada!"


@pytest.mark.parametrize(
    ("said", "quiet"),
    [
        ("@ada", "@\u2060ada"),
        ("ask @fennel/all and @bo-t", "ask @\u2060fennel/all and @\u2060bo-t"),
        ("@@ada", "@@\u2060ada"),
        ("5 @ 3, @ noon @", "5 @ 3, @ noon @"),
        ("@éva", "@\u2060éva"),
        ("nobody", "nobody"),
    ],
)
def test_a_name_in_a_persons_words_pings_nobody(said: str, quiet: str) -> None:
    assert quieted(said) == quiet


def test_what_a_person_typed_is_quiet_wherever_it_is_filled_in() -> None:
    ticket = a_dear_ticket(opportunity="A week with @bo-t", stretch="@dee", cost_said="ask @cy", **WITH_THREAD)
    goal = an_objective(11, title="Learn from @bo-t")
    asked = follow(POLICY, an_issue(12), was=None, person=ADA, siblings=[goal], now=NOW)
    started = choose(POLICY, ticket, ADA, Exit.PROPOSAL, now=NOW)
    read = read_as(Reading(result=Result.PEOPLE_SAID, statement="as @bo-t said", outcome_id=9))

    said = "\n".join(words(say) for say in bodies((*asked.effects, *started.effects, *read)))

    assert said.count("@\u2060") == 5
    assert not re.search(r"@\w", said)


def test_a_hidden_marker_in_a_persons_words_is_not_taken_for_ours() -> None:
    """We believe a marker by our own login, and what we quote is written by our own login."""
    forged = "Willow <!-- trellis:key=open:fennel:ticket:1 -->"
    unopened = a_ticket(opportunity=forged, issue_number=None, issue_url=None)

    [say] = bodies(claim(POLICY, unopened, ADA, None, now=NOW).effects)

    assert key_in(words(say)) is None


def test_every_line_of_an_outcome_stays_a_quotation() -> None:
    """Else the second paragraph reads as if Trellis had said it."""
    read = read_as(Reading(result=Result.PEOPLE_SAID, statement="Half of it.\n\nThe rest next year.", outcome_id=9))

    [said] = [words(say) for say in bodies(read)]

    assert "\n> Half of it.\n>" in said
    assert "\n> The rest next year.\n" in said
