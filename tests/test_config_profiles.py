"""The profiles and their words: every moment of the practice comes round in one of them, and each is said kindly."""

import re
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from config.messages import FOLDER, placeholders
from config.policy import PROFILES, load_policy, load_profile, profiles
from domain.rhythms import KINDS, Manners, Side
from tests.test_config_messages import BLAMING

NAMES = ("p2pu", "2i2c", "loomio", "devsummit", "everything")
LOCALES = sorted(folder.name for folder in FOLDER.iterdir() if folder.is_dir())

# -- the practice, row by row ------------------------------------------------------------------------------------------

# Rows that come round at a time of their own.
MOMENTS = {
    1: "the spring conversation about people",
    8: "looking ahead to next year",
    12: "wishes for next year's budget",
    16: "the bigger picture, once or twice a year",
    17: "the longer way, for those who like to talk about it",
    19: "a large goal in steps of a quarter",
    20: "the talk about the quarter",
    21: "asking others how it looks from outside",
    22: "writing it down, and reading it again",
    23: "the look back every two weeks",
    24: "a little learning each week (switched off)",
    25: "room for a new goal",
    26: "thanks, every two weeks",
    27: "celebrating what went well",
    30: "a learning plan for the year",
    37: "goals that shape the next budget",
    39: "a new golden ticket",
    44: "tickets that are still unused",
    45: "keep, change or stop",
    47: "an invitation when there is no goal",
    51: "what everybody is learning, and what the team values",
    53: "nine months of welcome",
    54: "three talks in those months",
    55: "the newcomer's own view, in confidence",
    56: "a buddy before the first day",
    60: "what is safe in a goal that stretches",
    63: "time with somebody trusted",
    64: "how somebody likes to be challenged",
    65: "easy to reach while others learn",
    68: "who feels safe to try",
    70: "which support there is",
    71: "questions for oneself",
    72: "wishes and ideas before the talk",
    73: "from the talk to one's own way, and to a plan",
    75: "whether the support arrived",
    76: "the question the other way round",
}

# Rows without a time of their own, and why.
NOT_MOMENTS = {
    2: "a question of row 1",
    3: "a question of row 1",
    4: "a question of row 1",
    5: "a question of row 1",
    6: "a question of row 1",
    7: "a question of row 1",
    9: "a rule for the window of row 8",
    10: "three questions of row 8",
    11: "a question of row 8",
    13: "who talks with whom: the partners of other moments",
    14: "a check of the roster",
    15: "the manner of all talks",
    18: "a question of row 17",
    28: "at any time, when somebody asks",
    29: "a document, always there",
    31: "a rule for every word",
    32: "a question of row 30",
    33: "a part of the goal",
    34: "what others may answer to row 30",
    35: "answers a goal that was opened",
    36: "a relation; those who hold it hear in row 65",
    38: "a kind of support",
    40: "answers a claim, and has the poll's own time",
    41: "a way beside row 40",
    42: "answers a claim",
    43: "answers a claim",
    46: "a form, when a goal is agreed",
    48: "help with a goal, asked for in row 25",
    49: "a part of the goal",
    50: "a rule for every word",
    52: "whom row 51 is for",
    57: "a relation in either direction, at any time",
    58: "answers a wish",
    59: "a private talk, at any time, kept nowhere",
    61: "a hint when work is given out",
    62: "answers a goal that was closed as tried",
    66: "the manner of row 21",
    67: "left out on purpose",
    69: "a list to look at",
    74: "what comes of row 70",
    77: "at any time, when somebody asks",
}

# Those of them that a rhythm serves along the way, by its words or by its setting.
ALONG_THE_WAY = frozenset({2, 3, 4, 5, 6, 7, 9, 10, 11, 13, 14, 15, 18, 31, 32, 34, 36, 48, 52, 66, 74})


def rhythms(name: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = load_profile(name)["rhythms"]
    return found


EVERYTHING = rhythms("everything")


def served() -> dict[int, list[str]]:
    """Which rhythms each row comes round in."""
    found: dict[int, list[str]] = {}
    for name, rhythm in EVERYTHING.items():
        for row in rhythm["rows"]:
            found.setdefault(row, []).append(name)
    return found


def test_every_row_of_the_practice_was_decided_once() -> None:
    assert sorted([*MOMENTS, *NOT_MOMENTS]) == list(range(1, 78))


def test_every_moment_of_the_practice_comes_round() -> None:
    found = served()
    for row, title in MOMENTS.items():
        sys.stdout.write(f"{row:>2}  {', '.join(found.get(row, ['nowhere'])):<48}  {title}\n")

    assert set(MOMENTS) - set(found) == set()


def test_no_rhythm_claims_a_row_it_does_not_serve() -> None:
    assert set(served()) - set(MOMENTS) == ALONG_THE_WAY
    assert set(NOT_MOMENTS) >= ALONG_THE_WAY


# -- the profiles ------------------------------------------------------------------------------------------------------


def test_the_profiles_are_those_that_are_known() -> None:
    assert profiles() == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_an_organisation_that_only_names_a_profile_has_a_whole_policy(name: str, tmp_path: Path) -> None:
    file = tmp_path / "fennel.toml"
    file.write_text(
        f'profile = "{name}"\n'
        '[organisation]\nname = "Fennel"\nzone = "Europe/Lisbon"\n[github]\nrepository = "fennel-works/learning"\n',
        encoding="utf-8",
    )

    policy = load_policy(file)

    assert {name: type(rhythm) for name, rhythm in policy.rhythms.items()} == {
        name: KINDS[rhythm["kind"]] for name, rhythm in rhythms(name).items()
    }
    assert policy.caps.per_week == 1
    assert [one.value for one in policy.channels.order] == load_profile(name)["channels"]["order"]


@pytest.mark.parametrize("name", NAMES)
def test_a_rhythm_is_the_same_in_every_profile(name: str) -> None:
    assert rhythms(name) == {rhythm: EVERYTHING.get(rhythm) for rhythm in rhythms(name)}


def test_everything_has_every_rhythm() -> None:
    assert {rhythm for name in NAMES for rhythm in rhythms(name)} == set(EVERYTHING)


@pytest.mark.parametrize("name", NAMES)
def test_a_profile_says_in_comments_what_it_brings(name: str) -> None:
    text = (PROFILES / f"{name}.toml").read_text(encoding="utf-8")
    top = text.split("\n\n", 1)[0]

    assert re.fullmatch(r"(#.*\n?)+", top)
    assert "What people get in a year:" in top
    assert re.findall(r"^# .+\n\[rhythms\.([a-z-]+)\]$", text, re.MULTILINE) == list(rhythms(name))


# -- words for each of them --------------------------------------------------------------------------------------------

SUFFIX = {Side.MEMBER: "", Side.PARTNER: "-partner", Side.COORDINATOR: "-coordinator"}
DEFAULT_SIDES = next(one.default for one in fields(Manners) if one.name == "tells")

# Messages about no rhythm of the policy, or in place of one.
GENERIC_NUDGES = {"nudge-be-available-partner", "nudge-dates-wanted-coordinator"}
TICKET_THREADS = {"thread-withdrawn", "thread-of-the-year"}

ONLY_WITH = {
    "nudge-two-weekly": {"days"},
    "nudge-weekly": {"days"},
    "nudge-trusted-check-in": {"days"},
    "nudge-ticket-counts": {"unused", "consented_names"},
    "nudge-onboarding-evaluation": {"confidential_names"},
}
ELSEWHERE: dict[str, set[str]] = {
    "nudge-be-available-partner": {"member_names"},
    "nudge-dates-wanted-coordinator": {"moment", "problem"},
    "digest-hello": {"name"},
    "digest-footer-github": {"policy_name"},
    "digest-footer-mail": {"choices_url", "policy_name"},
    "digest-footer-mail-plain": {"policy_name"},
    "part-again": set(),
    "part-shall-we-pause": set(),
    "part-date-moved": {"closes_on"},
    "part-somebody": set(),
    "part-fewer-than-five": set(),
    "part-nobody-named": set(),
    "team-mention": {"mentions", "closes_on"},
    "chat-team-moment": {"title", "url", "closes_on"},
    "report-day": {"organisation", "day_on", "sent", "withheld", "unreachable", "problems"},
    "report-nothing": set(),
    "page-choices-title": set(),
    "page-choices-intro": {"name"},
    "page-held": set(),
    "page-not-needed": set(),
    "page-snooze-week": set(),
    "page-snooze-cycle": set(),
    "page-snooze-all": set(),
    "page-wake": set(),
    "page-thanks": set(),
    "page-expired": set(),
    "page-stop-title": set(),
    "page-stop-ask": set(),
    "page-private-note": set(),
    "page-nothing-open": set(),
}


def said_by(name: str, rhythm: dict[str, Any]) -> dict[str, set[str]]:
    """The files a rhythm needs, each with the placeholders it may use."""
    found: dict[str, set[str]] = {}
    for side in (Side(one) for one in rhythm.get("tells", DEFAULT_SIDES)):
        file = f"nudge-{name}{SUFFIX[side]}"
        match side:
            case Side.MEMBER:
                may = {"closes_on", "partner_names"} if rhythm.get("partners") else {"closes_on"}
            case Side.PARTNER:
                may = {"member_names", "closes_on"}
            case Side.COORDINATOR:
                may = {"member_names"}
        found[file] = may | ONLY_WITH.get(file, set())
    if "team" in rhythm:
        found[f"{rhythm['team']}-{name}"] = {"closes_on", "organisation"}
    return found


MAY_USE = {file: may for name, rhythm in EVERYTHING.items() for file, may in said_by(name, rhythm).items()} | ELSEWHERE
TITLED = sorted(file for file in MAY_USE if file.startswith(("nudge-", "thread-", "poll-", "report-day")))


def texts(*names: str) -> list[Any]:
    """Those messages in every language they are there in."""
    return [
        pytest.param(file.read_text(encoding="utf-8"), id=f"{file.parent.name}-{file.stem}")
        for locale in LOCALES
        for file in sorted((FOLDER / locale).glob("*.md"))
        if file.stem in names
    ]


def test_every_side_that_is_told_has_words_and_there_are_no_others() -> None:
    there = {file.stem for file in (FOLDER / "en").glob("*.md")}

    assert set(MAY_USE) - there == set()
    assert {one for one in there if one.startswith(("nudge-", "thread-", "poll-"))} - TICKET_THREADS == {
        one for one in MAY_USE if one.startswith(("nudge-", "thread-", "poll-"))
    }
    assert {one for one in ELSEWHERE if one.startswith("nudge-")} == GENERIC_NUDGES


@pytest.mark.parametrize("locale", LOCALES)
def test_only_values_that_are_given_stand_in_the_words(locale: str) -> None:
    asked = {
        name: placeholders((FOLDER / locale / f"{name}.md").read_text(encoding="utf-8"))
        for name in MAY_USE
        if (FOLDER / locale / f"{name}.md").exists()
    }

    assert {name: values - MAY_USE[name] for name, values in asked.items() if not values <= MAY_USE[name]} == {}
    needed = ELSEWHERE | ONLY_WITH
    assert {name: needed[name] - asked[name] for name in asked if not needed.get(name, set()) <= asked[name]} == {}


# -- manners -----------------------------------------------------------------------------------------------------------

# What `BLAMING` does not know: one word more, and what blames or pushes in other languages.
ALSO_BLAMING = {
    "en": r"behind",
    "de": r"überfällig\w*|versäum\w*|\w*scheiter\w*|versag\w*|rückstand|verspätet\w*|frist(en)?|erinnerung(en)?"
    r"|pflicht\w*|verpflicht\w*|du musst|ihr müsst",
    "es": r"vencid[oa]s?|atrasad[oa]s?|retras\w*|fracas\w*|incumpl\w*|recordatorios?|obligatori[oa]s?|obligad[oa]s?"
    r"|debes",
    "fr": r"retards?|échou\w*|échecs?|rappels?|date limite|obligatoires?|tu dois|vous devez|aurai[st] dû|auriez dû",
    "pt": r"vencid[oa]s?|atras\w*|fracass\w*|falhou|falharam|lembretes?|obrigatóri[oa]s?|você deve|deveria ter",
}
EMOJI = re.compile("[\u2600-\u27bf\U0001f000-\U0001faff]")


@pytest.mark.parametrize("text", texts(*MAY_USE))
def test_words_are_calm_and_whole(text: str) -> None:
    body = text.split("\n", 1)[1] if text.startswith("# ") else text

    assert text == text.strip() + "\n"
    assert len(text) < 900
    assert not re.search(r"[@!¡]|[ \t]$|https?:|\]\(|^#", body, re.MULTILINE)
    assert not EMOJI.search(text)


@pytest.mark.parametrize("text", texts(*TITLED))
def test_a_title_fits_a_subject_line(text: str) -> None:
    first, between, *body = text.split("\n")

    assert first.startswith("# ")
    assert len(first) <= len("# ") + 50
    assert placeholders(first) <= {"organisation"}
    assert between == ""
    assert 1 <= len([line for line in body if line]) <= 9


@pytest.mark.parametrize("text", texts(*(set(MAY_USE) - set(TITLED))))
def test_what_is_a_part_of_something_has_no_title(text: str) -> None:
    assert not text.startswith("#")


@pytest.mark.parametrize("locale", LOCALES)
def test_no_word_blames_or_pushes_in_any_language(locale: str) -> None:
    also = re.compile(rf"\b({ALSO_BLAMING[locale.split('_')[0]]})\b", re.IGNORECASE)
    said = {file.stem: file.read_text(encoding="utf-8") for file in sorted((FOLDER / locale).glob("*.md"))}

    found = {name: [*BLAMING.finditer(text), *also.finditer(text)] for name, text in said.items()}
    assert {name: [one.group() for one in words] for name, words in found.items() if words} == {}
