"""What a golden ticket could be for: read from files, shown a few at a time, and to everybody another few."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from config.errors import ConfigError
from config.policy import OPPORTUNITIES, load_policy, opportunities
from config.prompts import around_of, prompt
from domain.parts import Ask, Part
from domain.policy import Opportunity, Policy
from domain.rhythms import Entitlement, Need, Side
from tests.cast import ADA, POLICY, a_standing, with_rhythms

TODAY = date(2027, 9, 30)
LEAST = '[organisation]\nname = "Fennel"\nzone = "Europe/Lisbon"\n[github]\nrepository = "fennel-works/learning"\n'
GUEST = Opportunity(title="Eight weeks as a guest", url="https://example.org/guest", until_on=TODAY)
FOUR = (GUEST, Opportunity(title="A course"), Opportunity(title="An exchange"), Opportunity(title="A journey"))


def a_file(folder: Path, text: str, name: str = "opportunities.toml") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def problems(file: Path) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        opportunities(file)
    return list(refused.value.problems)


# -- the files ---------------------------------------------------------------------------------------------------------


def test_the_list_that_is_shipped_can_be_read_and_so_can_what_it_shows_how_to_write(tmp_path: Path) -> None:
    opportunities()
    shown = [line.removeprefix("# ") for line in OPPORTUNITIES.read_text(encoding="utf-8").splitlines()]
    start = shown.index("[[opportunities]]")

    assert opportunities(a_file(tmp_path, "\n".join(shown[start:]))) == (
        Opportunity(
            title="Eight weeks as a guest of a neighbouring co-op",
            url="https://example.org/residency",
            until_on=date(2027, 9, 30),
        ),
    )


def test_an_empty_list_is_fine(tmp_path: Path) -> None:
    assert opportunities(a_file(tmp_path, "")) == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[opportunities]]\n", ["opportunities[0].title: is needed"]),
        ('[[opportunities]]\ntitle = " "\n', ["opportunities[0].title: is empty"]),
        ("[[opportunities]]\ntitle = 7\n", ["opportunities[0].title: 7 is not text in quotes"]),
        (
            '[[opportunities]]\ntitle = "A"\nlink = "x"\n',
            ["opportunities[0].link: not a key of this table; known here: title, url, until_on"],
        ),
        (
            '[[opportunities]]\ntitle = "A"\nuntil_on = "2027-09-30"\n',
            ["opportunities[0].until_on: '2027-09-30' is not a date such as 2027-03-01 (no quotes)"],
        ),
        ('[opportunities]\ntitle = "A"\n', ["opportunities: {'title': 'A'} is not a list such as [{'title': 'A'}]"]),
        ('[[opportunity]]\ntitle = "A"\n', ["opportunity: not known here; [[opportunities]] is"]),
    ],
)
def test_what_cannot_be_used_is_told_by_file_place_and_reason(tmp_path: Path, text: str, said: list[str]) -> None:
    assert problems(a_file(tmp_path, text)) == [f"opportunities.toml: {line}" for line in said]


@pytest.mark.parametrize("url", ["http://example.org/x", "javascript:alert(1)", "example.org", "//example.org"])
def test_an_address_that_is_not_safe_is_refused(tmp_path: Path, url: str) -> None:
    text = f'[[opportunities]]\ntitle = "Fine"\n[[opportunities]]\ntitle = "A"\nurl = "{url}"\n'
    [problem] = problems(a_file(tmp_path, text))

    assert problem.startswith(f"opportunities.toml: opportunities[1].url: {url!r} ")


@pytest.mark.parametrize("text", ["[[opportunities]", None])
def test_a_file_that_cannot_be_read_is_told_in_a_sentence(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "opportunities.toml" if text is None else a_file(tmp_path, text)
    [problem] = problems(file)

    assert problem.startswith("opportunities.toml: cannot be read: ")


def test_an_organisation_adds_its_own_before_what_is_there_for_all(tmp_path: Path) -> None:
    own = '[[opportunities]]\ntitle = "A week with the basket makers"\n'

    policy = load_policy(a_file(tmp_path, LEAST + own, "fennel.toml"))

    assert policy.opportunities == (Opportunity(title="A week with the basket makers"), *opportunities())


def test_an_organisations_own_are_checked_as_well(tmp_path: Path) -> None:
    own = '[[opportunities]]\ntitle = ""\n'

    with pytest.raises(ConfigError) as refused:
        load_policy(a_file(tmp_path, LEAST + own, "fennel.toml"))
    assert list(refused.value.problems) == ["fennel.toml: opportunities[0].title: is empty"]


# -- what a person is shown --------------------------------------------------------------------------------------------


def reminder(
    there: tuple[Opportunity, ...], *, reader_id: int = 0, today: date = TODAY, policy: Policy = POLICY
) -> str:
    """The words of the reminder, from where it speaks of opportunities."""
    rhythm = Entitlement(needs=(Need.UNUSED_TICKET,), after_months=(6,))
    policy = replace(with_rhythms(policy, ticket_unused=rhythm), opportunities=there)
    reader = replace(ADA, id=reader_id)
    part = Part(
        rhythm="ticket-unused",
        turn="2027-m6",
        side=Side.MEMBER,
        ask=Ask.FIRST,
        member_id=reader_id,
        counts_from_on=today,
        closes_on=today,
        private=False,
    )
    around = around_of(policy, [a_standing(reader)], reader_id, today)
    assert around is not None
    _, text = prompt(around, [part], "en")
    return text.partition("leaving the ticket unused is fine.")[2].strip()


def test_without_opportunities_nothing_is_said_of_any() -> None:
    assert reminder(()) == ""


def test_three_are_shown_at_most_and_not_everybody_sees_the_same() -> None:
    intro = "Perhaps one of these speaks to you:\n\n"

    assert reminder(FOUR) == f"{intro}- [Eight weeks as a guest](https://example.org/guest)\n- A course\n- An exchange"
    assert reminder(FOUR, reader_id=2) == (
        f"{intro}- An exchange\n- A journey\n- [Eight weeks as a guest](https://example.org/guest)"
    )


def test_fewer_than_three_are_shown_once_each() -> None:
    assert reminder(FOUR[1:3], reader_id=1) == "Perhaps one of these speaks to you:\n\n- An exchange\n- A course"


def test_an_opportunity_is_shown_to_its_last_day_and_not_after() -> None:
    assert "guest" in reminder((GUEST,))
    assert reminder((GUEST,), today=date(2027, 10, 1)) == ""
