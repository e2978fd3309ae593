"""Every sentence a person reads: there when it is needed, filled in, kind, and quiet towards bystanders."""

# ruff: noqa: E501 - messages stand here as they are read

import ast
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

import config.messages
from config.errors import ConfigError
from config.messages import (
    FOLDER,
    LOCALE,
    NOBODY_NAMED,
    asked_for,
    has_message,
    locales,
    placeholders,
    quieted,
    rhythms_with_words,
    titled,
    words,
)
from config.policy import load_policy, load_profile
from config.prompts import Around
from domain.effects import (
    CommentOnIssue,
    CommentOnThread,
    Effect,
    OpenIssue,
    Say,
    StartProposal,
    StartTeamPoll,
    StartTeamThread,
    StartThread,
)
from domain.issues import Comment, key_in
from domain.later import read_later
from domain.moments import DateFlaw, Standing
from domain.objective_deeds import end_record
from domain.objectives import Closing, ObjectiveState, Visibility, follow, open_here
from domain.parts import Ask, Part
from domain.policy import Channel, Opportunity, Policy, ThreadsOf
from domain.proposals import Reading, Result
from domain.rhythms import Side, Start
from domain.team import team_moments
from domain.ticket import Ticket
from domain.ticket_states import Deed, Exit, TicketState
from domain.ticket_use import fill_bucket, fund, go_on, how_was_it
from domain.ticket_votes import confirm, decided, proposal_started
from domain.tickets import already_held, choose, claim, not_yet, take_up_again, thread_started, withdraw
from domain.trouble import Trouble
from jobs.digest import digest
from jobs.listen import follow_comment
from jobs.nudge import nudge
from jobs.team import team_effect
from jobs.workshop import Workshop
from store.memory import effect_of
from store.models import EffectRow, TicketRow
from tests.cast import ADA, CY, NOW, POLICY, a_dear_ticket, a_ticket, an_issue, an_objective
from tests.workroom import OURS, TUESDAY, Clock, add, add_objective, add_person, at_work, rows
from web.choices import Choice

ROOT = Path(__file__).parent.parent
MESSAGES = {file.stem: file.read_text(encoding="utf-8") for file in sorted((FOLDER / "en").glob("*.md"))}
POLL_URL = "https://loomio.fennel.example/p/pOll1234"
THREAD_URL = "https://loomio.fennel.example/d/tHread12"
WITH_THREAD: dict[str, Any] = {"discussion_id": 30, "topic_id": 40, "thread_url": THREAD_URL}


# -- every message is said by the code ---------------------------------------------------------------------------------


def bodies(effects: Sequence[Effect]) -> Iterator[Say]:
    for effect in effects:
        if isinstance(
            effect,
            OpenIssue
            | CommentOnIssue
            | StartThread
            | StartProposal
            | CommentOnThread
            | StartTeamThread
            | StartTeamPoll,
        ):
            yield effect.body


def about_objectives() -> Iterator[Say]:
    first, second = an_objective(11), an_objective(12, state=ObjectiveState.QUEUED)
    yield from bodies(open_here(POLICY, ADA, an_objective(id=8, issue_number=None, why="Dull tools hurt")).effects)
    yield from bodies(follow(POLICY, an_issue(12), was=None, person=ADA, siblings=[first], now=NOW).effects)
    closed = an_issue(11, open=False)
    yield from bodies(follow(POLICY, closed, was=first, person=ADA, siblings=[second], now=NOW).effects)
    private = replace(first, issue_number=None, issue_url=None, visibility=Visibility.PARTNER)
    yield from bodies(follow(POLICY, an_issue(12), was=None, person=ADA, siblings=[private], now=NOW).effects)
    gone = end_record(POLICY, private, ADA, [second], Closing.LEARNED, now=NOW)
    assert gone is not None
    yield from bodies(gone.effects)
    half = "### What do I want to learn?\n\nSharpening\n\n### Why does it matter to me?\n\n_No response_"
    yield from bodies(follow(POLICY, an_issue(12, body=half), was=None, person=ADA, siblings=[], now=NOW).effects)


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
    yield from bodies(
        choose(replace(POLICY, loomio=None), light, ADA, Exit.THREAD, holds_another=False, now=NOW).effects
    )
    in_thread = replace(light, state=TicketState.THREAD)
    started = thread_started(POLICY, in_thread, ADA, discussion_id=30, topic_id=40, url=THREAD_URL, now=NOW)
    yield from bodies(started.effects)
    again = replace(dear, state=TicketState.NO_QUORUM, round=1, **WITH_THREAD)
    yield from bodies(choose(POLICY, again, ADA, Exit.PROPOSAL, holds_another=False, now=NOW).effects)
    yield from bodies(proposal_started(POLICY, proposed(), ADA, url=POLL_URL, closes_at=NOW).effects)
    yield from bodies(withdraw(POLICY, proposed(), ADA).effects)
    withdrawn = replace(light, state=TicketState.WITHDRAWN)
    yield from bodies(take_up_again(POLICY, withdrawn, ADA, holds_another=False).effects)
    yield already_held(POLICY, light, ADA, issue_number=22).body
    yield not_yet(POLICY, ADA, begins_on=NOW.date(), issue_number=22).body
    yield from bodies(list(after_a_yes()))
    poor = replace(POLICY, ticket=replace(POLICY.ticket, has_money=False))
    for wanted in (None, Exit.GO_AHEAD):
        yield from bodies(claim(poor, dear, ADA, wanted, now=NOW).effects)
    assert POLICY.loomio is not None
    shared = replace(POLICY, loomio=replace(POLICY.loomio, threads=ThreadsOf.YEAR))
    yield from bodies(choose(shared, light, ADA, Exit.THREAD, holds_another=False, now=NOW).effects)
    undecided = replace(proposed(), state=TicketState.NO_DECISION)
    for result in (Result.CONSENTED, Result.OBJECTION):
        yield from bodies(confirm(POLICY, undecided, ADA, result, CY).effects)


def after_a_yes() -> Iterator[Effect]:
    """Everything that is said between a yes and the telling of it."""
    ticket = a_dear_ticket(state=TicketState.CONSENTED, last_on=date(2027, 2, 1))
    yield from how_was_it(POLICY, ticket, ADA, today=date(2027, 3, 1)).effects
    for deed in (Deed.BOOK, Deed.USE, Deed.SHARE):
        decision = go_on(POLICY, ticket, ADA, deed)
        assert decision.ticket is not None
        ticket = decision.ticket
        yield from decision.effects
    open_one = fill_bucket(POLICY, a_dear_ticket(), ADA, "https://bucket.example.org/7")
    assert open_one.ticket is not None
    yield from open_one.effects
    for funded in (True, False):
        yield from fund(POLICY, open_one.ticket, ADA, CY, funded=funded).effects
    yield from read_as(Reading(result=Result.OBJECTION, rule="consent"), ticket)


def proposed() -> Ticket:
    return a_dear_ticket(state=TicketState.PROPOSED, round=1, **WITH_THREAD)


RULES = [file.stem.removeprefix("rule-").replace("-", " ") for file in (FOLDER / "en").glob("rule-*.md")]


def readings() -> Iterator[Say]:
    for result in Result:
        for outcome_id in (None, 9):
            yield from bodies(read_as(Reading(result=result, rule="consent", agree=3, outcome_id=outcome_id)))
    for rule in RULES:
        yield from bodies(read_as(Reading(result=Result.CONSENTED, rule=rule)))
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


def everything_on(folder: Path) -> Policy:
    """The profile that has every rhythm, all of them on, with Loomio."""
    off = "".join(f"[rhythms.{name}]\non = true\n" for name, one in load_profile("everything")["rhythms"].items())
    file = folder / "fennel.toml"
    file.write_text(
        'profile = "everything"\n[organisation]\nname = "Fennel Works"\nzone = "Europe/Lisbon"\n'
        "[organisation.milestones]\ngoals_set_on = [2027-09-10]\nbudget_final_on = [2027-11-12]\n"
        '[github]\nrepository = "a/b"\n[loomio]\naddress = "https://loomio.fennel.example"\ngroup_id = 7\n' + off,
        encoding="utf-8",
    )
    return load_policy(file)


def parts_of(policy: Policy, ask: Ask) -> Iterator[Part]:
    """Every side of every rhythm that is told of it, as the planner would."""
    for name, rhythm in policy.rhythms.items():
        for side in rhythm.tells:
            somebody = side is not Side.PARTNER or rhythm.partners or getattr(rhythm, "since", None) is Start.LOOK_BACK
            if somebody:
                yield Part(name, "2027", side, ask, ADA.id, date(2027, 3, 1), date(2027, 4, 30))


def digests(policy: Policy) -> Iterator[str]:
    """Every part there can be, by each way."""
    policy = replace(policy, opportunities=(Opportunity(title="A month with the basket makers"),))
    standings = [Standing(person=one) for one in (ADA, CY)]
    around = Around(
        policy=policy,
        reader=standings[0],
        members={one.person.id: one for one in standings},
        people={one.person.handle: one.person for one in standings},
        everybody=standings,
        today=date(2027, 3, 2),
    )
    spring = Part("look-ahead", "2027", Side.MEMBER, Ask.MOVED, ADA.id, date(2027, 3, 1), date(2027, 10, 31))
    parts = [part for ask in (Ask.FIRST, Ask.AGAIN, Ask.PAUSE) for part in parts_of(policy, ask)]
    parts += [spring, spring._replace(ask=Ask.DATES), spring._replace(ask=Ask.AVAILABLE, side=Side.PARTNER)]
    for part in parts:
        yield digest(around, [part], way=Channel.MAIL, choices_url=None).text
    yield digest(around, parts, way=Channel.MAIL, choices_url="https://trellis.fennel.example/choices/x").text
    yield digest(around, parts, way=Channel.GITHUB, choices_url=None).text


def for_the_team(policy: Policy) -> Iterator[Say]:
    since, until = datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
    for moment in team_moments(policy, since=since, until=until):
        effect = team_effect(policy, moment)
        yield from bodies([effect])
        if isinstance(effect, StartTeamPoll):
            yield effect.options


def answers(workshop: Workshop) -> list[Say]:
    """What is answered to commands: unknown ones, obeyed ones, and those that do not fit."""
    work = at_work(workshop, Clock(), OURS)
    ada = add_person(work, name=ADA.name)
    add_objective(work, ada)
    add_objective(work, ada, 12, state="queued")
    dear = {"opportunity": "x", "claimed_at": TUESDAY, "organisation": OURS.slug, "state": "exits offered"}
    add(work, TicketRow(number=7, person_id=ada, year="2027", issue_number=21, **dear))
    nudge(work)
    ended = add_objective(work, ada, 13, state="closed")
    assert ended
    add_person(work, "bo", name="Bo Tran")
    said = [
        (21, "/activte"),
        (12, "/activate"),
        (12, "/queue first"),
        (12, "/partner nobody-here"),
        (12, "/help-wanted"),
        (12, "/partner bo"),
        (12, "/pause soon"),
        (12, "/safety-note"),
        (12, "/safety-note It may well look odd"),
        (13, "/learned"),
        (13, "/tried"),
        (13, "/changed-course"),
        (13, "/paused"),
        (12, "/withdraw"),
        (12, "/held"),
        (12, "/snooze"),
        (12, "/snooze soon"),
        (12, "/wake"),
        (12, "/activte"),
        (12, "/log"),
    ]
    others = [(12, "/offer I could show you how"), (12, "/activate")]
    last = [(12, "/help-wanted"), (12, "/pause 2 weeks"), (12, "/learned")]
    everything = [("ada", *one) for one in said] + [("bo", *one) for one in others] + [("ada", *one) for one in last]
    for number, (login, issue, body) in enumerate(everything):
        comment = Comment(id=900 + number, author=login, body=body, created_at=TUESDAY, url="https://github.com/c")
        follow_comment(work, OURS, issue, comment)
    found = [effect_of(row.kind, row.payload) for row in rows(work, EffectRow, EffectRow.kind == "CommentOnIssue")]
    return list(bodies(found))


def by_the_domain() -> list[Say]:
    return [*about_objectives(), *about_tickets(), *readings()]


def on_pages() -> set[str]:
    """The words of the pages: named in the code, or after what may be chosen there."""
    source = (ROOT / "web" / "choices.py").read_text(encoding="utf-8")
    named = {
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"page-[a-z-]*[a-z]", node.value)
    }
    return named | {f"page-{one}" for one in Choice}


# Said by jobs that have tests of their own: test_jobs_report.py and test_jobs_team.py hold their whole texts.
CHAT = {"chat-team-moment", "chat-help-wanted", "chat-celebrate"}
HELD_ELSEWHERE = (
    CHAT
    | {"report-day", "report-nothing", "team-mention"}
    | {
        f"part-dates-{one.value}"
        for one in DateFlaw  # and test_jobs_digest.py these
    }
    | {"trouble-over", *(f"trouble-{one.value}" for one in Trouble)}  # and test_jobs_trouble.py these
)


def test_every_message_is_said_somewhere_and_nothing_is_said_without_words(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: set[str] = set()
    found = config.messages._found

    def note(folder: Path, locale: str, name: str) -> tuple[str, str]:
        said.add(name)
        return found(folder, locale, name)

    monkeypatch.setattr(config.messages, "_found", note)
    policy = everything_on(tmp_path)
    said.clear()
    for text in digests(policy):
        assert "{" not in text
    for say in [*by_the_domain(), *for_the_team(policy), *answers(workshop)]:
        words(say)

    assert sorted(said | on_pages() | HELD_ELSEWHERE) == sorted(MESSAGES)


def test_every_value_a_message_asks_for_is_given(workshop: Workshop, tmp_path: Path) -> None:
    missing = {
        say.name: placeholders(MESSAGES[say.name]) - set(say.values) - set(say.spoken)
        for say in [*by_the_domain(), *for_the_team(everything_on(tmp_path)), *answers(workshop)]
        if not placeholders(MESSAGES[say.name]) <= {*say.values, *say.spoken}
    }

    assert missing == {}


def test_nothing_a_person_reads_has_a_gap(workshop: Workshop, tmp_path: Path) -> None:
    for say in [*by_the_domain(), *for_the_team(everything_on(tmp_path)), *answers(workshop)]:
        if "outcome" in say.name or say.name == "ticket-people-said":
            continue  # these quote what somebody wrote, which the readings here leave out
        used = {name: say.values[name] for name in placeholders(MESSAGES[say.name]) - set(say.spoken)}
        assert "" not in used.values(), f"{say.name}: {used}"


SAID = ROOT / "tests" / "fixtures" / "words.said__in_english.md"


def test_every_text_a_person_reads_is_whole_and_as_it_was_last_read(workshop: Workshop, tmp_path: Path) -> None:
    """A change of words, or of what fills them in, shows here as a person would read it.

    `WRITE_WORDS=1 pytest tests/test_config_messages.py` writes the file anew; then read what changed in it.
    """
    said = [*by_the_domain(), *for_the_team(everything_on(tmp_path)), *answers(workshop)]
    texts = sorted({(one.name, words(one)) for one in said})
    page = "\n".join(f"<!-- {name} -->\n\n{text.strip()}\n" for name, text in texts)
    if "WRITE_WORDS" in os.environ:
        SAID.write_text(page, encoding="utf-8")

    assert page == SAID.read_text(encoding="utf-8")


@pytest.mark.parametrize("locale", [*locales(), "pt", "pt_PT", "de_AT", "ne"])
def test_every_part_of_every_rhythm_can_be_said_in_every_language(tmp_path: Path, locale: str) -> None:
    policy = everything_on(tmp_path)
    own = replace(policy, organisation=replace(policy.organisation, locale=locale))

    for text in digests(own):
        assert "{" not in text
        assert "\n### \n" not in text
    for say in for_the_team(own):
        assert "{" not in words(say)


def test_every_name_of_a_message_in_the_code_exists() -> None:
    """Names are looked for as text, so that a message only a rare path says is found too."""
    wanted: set[str] = set()
    for file in (*ROOT.glob("domain/*.py"), *ROOT.glob("jobs/*.py"), *ROOT.glob("web/*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                wanted |= set(
                    re.findall(
                        r"\A(?:objective|ticket|command|answer|part|digest|report|page|team|chat)-[a-z-]*[a-z]\Z",
                        node.value,
                    )
                )
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "comment_on":
                wanted |= {
                    f"objective-{one.value}"
                    for one in node.args
                    if isinstance(one, ast.Constant) and isinstance(one.value, str)
                }

    assert {"objective-missing", "objective-closed", "ticket-unreadable", "command-not-now"} <= wanted
    assert {"answer-held", "part-again", "digest-hello", "report-day", "page-expired", "team-mention"} <= wanted
    assert wanted - set(MESSAGES) - NO_MESSAGES == set()


# Look like names of messages and are something else: a key of the roster's choices, the name of a command's group.
NO_MESSAGES = {"ticket-name", "ticket-counts"}


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


@pytest.mark.parametrize(
    "name", [one for one in MESSAGES if one.startswith(("objective-which", "ticket-", "answer-", "digest-hello"))]
)
def test_whoever_is_spoken_to_is_called_by_name(name: str) -> None:
    assert "{name}" in MESSAGES[name]


# -- what people read, whole -------------------------------------------------------------------------------------------


TITLED = (
    "nudge-",
    "poll-",
    "report-day",
    "trouble-",
    "chat-celebrate",
    "chat-help-wanted",
    *(f"thread-{one}" for one in rhythms_with_words()),
)


@pytest.mark.parametrize("name", MESSAGES)
def test_what_becomes_a_part_a_thread_or_a_letter_has_a_title_and_nothing_else_has(name: str) -> None:
    title, body = titled(MESSAGES[name])

    assert bool(title) is name.startswith(TITLED)
    assert len(title) <= 50, "more does not fit a subject line"
    assert body
    assert not title.endswith(".")


def only(said: Sequence[Say] | Iterator[Say], name: str) -> str:
    return next(words(one) for one in said if one.name == name)


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


CONSENT = "With consent, a yes stands as long as nobody disagrees or blocks; one disagreement is a reason to talk."


def test_a_yes_and_an_objection_are_told_with_the_count() -> None:
    assert (
        only(readings(), "ticket-consented")
        == f"""**Yes!** The group agrees to **GT-0007**, Ada. Go and enjoy it.

3 agree, 0 abstain, 0 disagree, 0 block. {CONSENT} {POLL_URL}

Once it is arranged, `/booked`; `/ilo` opens the learning goal that goes with it. Each alone on a line, and only if you like."""
    )
    assert (
        only(readings(), "ticket-objection")
        == f"""Ada, somebody in the group has a concern about **GT-0007**. That is how proposals get better, and your golden ticket is back with you.

3 agree, 0 abstain, 0 disagree, 0 block. {CONSENT} {POLL_URL}

Read what was said, talk with the person if you can, and claim again with a changed idea whenever you like."""
    )


def test_the_thread_reads_who_took_a_ticket_back() -> None:
    assert (
        only(about_tickets(), "thread-withdrawn")
        == "GT-0007 withdrawn: Ada Moreau has taken it back. There is nothing left to decide here; thank you for "
        "thinking along."
    )


def test_an_unknown_command_is_answered_with_those_that_work(workshop: Workshop) -> None:
    on_ticket, _, on_goal = (words(one) for one in answers(workshop) if one.name == "command-unknown")

    assert (
        on_ticket
        == """Hello Ada, I do not know `/activte`. These work here, each alone on a line:

- `/go-ahead`
- `/thread`
- `/proposal`
- `/talk`
- `/bucket`
- `/funded`
- `/not-funded`
- `/booked`
- `/used`
- `/shared`
- `/ilo`
- `/withdraw`
- `/consented`
- `/objection`

Anything else you write is simply yours and I leave it alone."""
    )
    assert (
        on_goal
        == """Hello Ada, I do not know `/activte`. These work here, each alone on a line:

- `/activate`
- `/queue`
- `/done`
- `/learned`
- `/tried`
- `/changed-course`
- `/paused`
- `/log`
- `/offer`
- `/help-wanted`
- `/partner`
- `/safety-note`
- `/pause`
- `/held`
- `/not-needed`
- `/snooze`
- `/wake`

Anything else you write is simply yours and I leave it alone."""
    )


def test_a_word_about_a_moment_is_answered_in_one_line(workshop: Workshop) -> None:
    found = answers(workshop)

    assert only(found, "answer-held") == "Thank you, Ada. Noted; you will not be asked about it again this time."
    assert (
        only(found, "answer-snoozed")
        == "Of course, Ada. It is quiet for now. `/wake` alone on a line has it back whenever you like."
    )
    assert only(found, "answer-awake") == "Good to have you back, Ada. What comes round reaches you again."
    assert (
        only(found, "answer-snooze-unclear")
        == """I could not read until when, Ada. Any of these works, alone on a line:

- `/snooze` – a week
- `/snooze 2 weeks`
- `/snooze until 2027-05-01`
- `/snooze this time`
- `/snooze all`"""
    )


def test_what_an_answer_teaches_is_what_can_be_read() -> None:
    taught = re.findall(r"`/snooze ?(.*?)`", MESSAGES["answer-snooze-unclear"] + MESSAGES["digest-footer-github"])

    assert len(taught) == 7
    assert [one for one in taught if read_later(one, today=date(2027, 1, 5)) is None] == []


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


def test_a_language_is_served_by_its_kin_before_english(tmp_path: Path) -> None:
    """There are Brazilian words and no Portuguese ones; somebody from Lisbon reads them rather than English."""
    folder = a_folder(
        tmp_path, en__hello="Hello", pt_BR__hello="Oi", de__hello="Hallo", de__bye="Tschüss", en__bye="Bye"
    )

    said = {
        locale: words(Say(name="hello", locale=locale), folder=folder)
        for locale in ("pt", "pt_BR", "pt_PT", "de_AT", "d", "e", "p", "")
    }

    assert said == {
        "pt": "Oi", "pt_BR": "Oi", "pt_PT": "Oi", "de_AT": "Hallo", "d": "Hello", "e": "Hello", "p": "Hello", "": "Hello",
    }  # fmt: skip
    assert words(Say(name="bye", locale="pt_BR"), folder=folder) == "Bye", "message by message"


@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("en", "Until March 4, 2027"),
        ("de", "Bis 4. März 2027"),
        ("fr", "Jusqu'au 4 mars 2027"),
        ("es", "Hasta el 4 de marzo de 2027"),
        ("pt_BR", "Até 4 de março de 2027"),
        ("pt", "Até 4 de março de 2027"),
        ("ne", "Until March 4, 2027"),
    ],
)
def test_a_date_is_written_out_in_the_language_of_the_words_around_it(tmp_path: Path, locale: str, said: str) -> None:
    """For Nepali there are no words: an English sentence has an English date in it."""
    folder = a_folder(
        tmp_path,
        en__until="Until {closes_on}",
        de__until="Bis {closes_on}",
        fr__until="Jusqu'au {closes_on}",
        es__until="Hasta el {closes_on}",
        pt_BR__until="Até {closes_on}",
    )

    assert words(Say(name="until", locale=locale, values={"closes_on": "2027-03-04"}), folder=folder) == said


def test_the_first_of_a_month_is_written_as_the_language_does(tmp_path: Path) -> None:
    folder = a_folder(tmp_path, en__until="{closes_on}", fr__until="{closes_on}", pt_BR__until="{closes_on}")
    said = {
        one: words(Say(name="until", locale=one, values={"closes_on": "2027-03-01"}), folder=folder)
        for one in ("en", "fr", "pt_BR")
    }

    assert said == {"en": "March 1, 2027", "fr": "1 mars 2027", "pt_BR": "1 de março de 2027"}


@pytest.mark.parametrize("name", sorted(NOBODY_NAMED))
def test_a_list_of_nobody_has_words_in_every_language(name: str) -> None:
    for locale in locales():
        message = next(one for one in MESSAGES if "{" + name + "}" in MESSAGES[one])
        values = dict.fromkeys(placeholders(MESSAGES[message]), "7") | {"closes_on": "2027-03-04", name: ""}
        said = words(Say(name=message, locale=locale, values=values))
        assert words(Say(name=NOBODY_NAMED[name], locale=locale)) in said


def test_names_become_a_list_and_one_name_stays_a_name(tmp_path: Path) -> None:
    folder = a_folder(tmp_path, en__with="With {partner_names}.", de__with="Mit {partner_names}.")

    def said(locale: str, *names: str) -> str:
        return words(Say(name="with", locale=locale, values={"partner_names": "\n".join(names)}), folder=folder)

    assert said("en", "Bo, of Fennel") == "With Bo, of Fennel."
    assert said("en", "Bo", "Cy") == "With Bo and Cy."
    assert said("en", "Bo", "Cy", "Dee") == "With Bo, Cy, and Dee."
    assert said("de", "Bo", "Cy", "Dee") == "Mit Bo, Cy und Dee."


def test_a_value_that_only_ends_like_a_date_of_ours_has_to_be_one(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Invalid isoformat"):
        words(Say(name="x", values={"closes_on": "soon"}), folder=a_folder(tmp_path, en__x="{closes_on}"))


def test_the_words_of_rhythms_are_known_by_their_names() -> None:
    known = rhythms_with_words()

    assert set(load_profile("everything")["rhythms"]) == set(known)
    assert has_message("nudge-two-weekly")
    assert not has_message("nudge-two-weeky")
    assert asked_for("nudge-two-weekly") == {"days"}
    assert asked_for("nudge-two-weeky") == set()


def test_every_language_has_a_name_that_the_roster_takes() -> None:
    assert [one for one in locales() if not LOCALE.fullmatch(one)] == []
    assert locales() == ["de", "en", "es", "fr", "pt_BR"]


@pytest.mark.parametrize(
    ("text", "title", "body"),
    [
        ("# A title\n\nA body\n\nand more", "A title", "A body\n\nand more"),
        ("# A title", "A title", ""),
        ("No title\n\n# not here", "", "No title\n\n# not here"),
        ("## no title of ours", "", "## no title of ours"),
        ("", "", ""),
    ],
)
def test_a_title_is_taken_from_the_words_below_it(text: str, title: str, body: str) -> None:
    assert titled(text) == (title, body)


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
    started = choose(POLICY, ticket, ADA, Exit.PROPOSAL, holds_another=False, now=NOW)
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
