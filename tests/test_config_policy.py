"""One TOML file per organisation: read whole or refused with file, table, key and a suggestion."""

from dataclasses import replace
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from config.errors import ConfigError
from config.policy import load_policies, load_policy
from domain.policy import (
    CapsPolicy,
    CriticalPeriod,
    GitHubPolicy,
    LoomioPolicy,
    Mode,
    ObjectivesPolicy,
    OrganisationPolicy,
    Policy,
    RhythmPolicy,
    TicketPolicy,
    VoteRule,
    Weekday,
    YearRule,
)

EXAMPLE = (Path(__file__).parent.parent / "config" / "organisations" / "example.toml").read_text(encoding="utf-8")
LEAST = '[organisation]\nname = "Fennel"\nzone = "Europe/Lisbon"\n[github]\nrepository = "fennel-works/learning"\n'
RHYTHM = "[rhythms.two-weekly]\nanchor_on = 2027-01-05\n"


def a_file(folder: Path, text: str, name: str = "fennel.toml") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def changed(said: str, instead: str) -> str:
    """The example with one passage changed; it has to be there, so that no test tests nothing."""
    assert EXAMPLE.count(said) == 1, said
    return EXAMPLE.replace(said, instead)


def problems(folder: Path, text: str, name: str = "fennel.toml") -> tuple[str, ...]:
    with pytest.raises(ConfigError) as refused:
        load_policy(a_file(folder, text, name))
    return refused.value.problems


# -- what is read ------------------------------------------------------------------------------------------------------


def test_the_example_is_no_organisation_until_it_is_copied(tmp_path: Path) -> None:
    a_file(tmp_path, EXAMPLE, "example.toml")
    assert load_policies(tmp_path) == {}

    a_file(tmp_path, EXAMPLE, "fennel-works.toml")
    assert load_policies(tmp_path) == {
        "fennel-works": Policy(
            slug="fennel-works",
            organisation=OrganisationPolicy(
                name="Fennel Works",
                mode=Mode.OBSERVE,
                zone=ZoneInfo("Europe/Lisbon"),
                locale="en",
                working_days=(Weekday.MON, Weekday.TUE, Weekday.WED, Weekday.THU, Weekday.FRI),
                hours_from=time(9),
                hours_until=time(17),
                holidays=(date(2027, 1, 1), date(2027, 12, 24), date(2027, 12, 25)),
                critical_periods=(
                    CriticalPeriod(name="the annual meeting", first_on=date(2027, 5, 10), last_on=date(2027, 5, 14)),
                ),
            ),
            github=GitHubPolicy(
                repository="fennel-works/learning", objective_label="ILO", ticket_label="golden-ticket"
            ),
            loomio=LoomioPolicy(
                address="https://loomio.example.org",
                group_id=7,
                options=("agree", "abstain", "disagree", "block"),
                days_open=7,
                rule=VoteRule.CONSENT,
                majority_percent=50,
                quorum_percent=None,
                look_every_minutes=10,
                least_seconds_between_looks=60,
            ),
            objectives=ObjectivesPolicy(grace_days=14),
            ticket=TicketPolicy(year=YearRule.CALENDAR, money_threshold=Decimal(0), currency="EUR", ask=("Cy Okafor",)),
            caps=CapsPolicy(per_day=1, per_week=1),
            rhythms={
                "two-weekly": RhythmPolicy(
                    anchor_on=date(2027, 1, 5), every_days=14, at=time(10), grace_days=3, on=True
                )
            },
        )
    }


def test_the_example_observes_until_somebody_decides_otherwise(tmp_path: Path) -> None:
    assert load_policy(a_file(tmp_path, LEAST)).organisation.mode is Mode.OBSERVE


def test_little_is_needed_and_the_rest_has_defaults(tmp_path: Path) -> None:
    assert load_policy(a_file(tmp_path, LEAST)) == Policy(
        slug="fennel",
        organisation=OrganisationPolicy(name="Fennel", zone=ZoneInfo("Europe/Lisbon")),
        github=GitHubPolicy(repository="fennel-works/learning"),
    )


def test_a_threshold_keeps_its_cents(tmp_path: Path) -> None:
    policy = load_policy(a_file(tmp_path, changed("money_threshold = 0 ", "money_threshold = 99.90 ")))

    assert policy.ticket.money_threshold == Decimal("99.90")


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "instead", "problem"),
    [
        ("days_open = 7", "day_open = 7", "loomio.day_open: not a key of this table; did you mean days_open?"),
        ("[caps]", "[cap]", "cap: not a key of this table; did you mean caps?"),
        ("every_days", "evry_days", "rhythms.two-weekly.evry_days: not a key of this table; did you mean every_days?"),
        (
            'name = "the annual meeting"',
            'name = "x"\nwhy = "y"',
            "organisation.critical_periods[0].why: not a key of this table; known here: name, first_on, last_on",
        ),
        ("[caps]", "[caps]\nslug = 1", "caps.slug: not a key of this table; known here: per_day, per_week"),
    ],
)
def test_an_unknown_key_is_refused_with_its_place_and_a_suggestion(
    tmp_path: Path, said: str, instead: str, problem: str
) -> None:
    assert problems(tmp_path, changed(said, instead)) == (f"fennel.toml: {problem}",)


@pytest.mark.parametrize(
    ("said", "instead", "problem"),
    [
        ("per_day = 1", 'per_day = "1"', "caps.per_day: '1' is not a whole number"),
        ("per_day = 1", "per_day = true", "caps.per_day: True is not a whole number"),
        ("per_day = 1", "per_day = 1.5", "caps.per_day: 1.5 is not a whole number"),
        ("on = true", "on = 1", "rhythms.two-weekly.on: 1 is not true or false"),
        ('name = "Fennel Works"', "name = 5", "organisation.name: 5 is not text in quotes"),
        (
            "anchor_on = 2027-01-05",
            'anchor_on = "2027-01-05"',
            "rhythms.two-weekly.anchor_on: '2027-01-05' is not a date such as 2027-03-01 (no quotes)",
        ),
        (
            "hours_from = 09:00:00",
            'hours_from = "09:00"',
            "organisation.hours_from: '09:00' is not a time such as 09:30:00 (no quotes)",
        ),
        ("money_threshold = 0", 'money_threshold = "0"', "ticket.money_threshold: '0' is not a number"),
        ("money_threshold = 0", "money_threshold = false", "ticket.money_threshold: False is not a number"),
        (
            '["mon", "tue", "wed"',
            '["mon", "tues", "wed"',
            "organisation.working_days[1]: 'tues' is not known here; did you mean 'tue'?",
        ),
        (
            '["mon", "tue", "wed"',
            '["mon", 2, "wed"',
            "organisation.working_days[1]: 2 is not known here; one of: mon, tue, wed, thu, fri, sat, sun",
        ),
        (
            'mode = "observe"',
            'mode = "obsrve"',
            "organisation.mode: 'obsrve' is not known here; did you mean 'observe'?",
        ),
        (
            'year = "calendar"',
            'year = "moon"',
            "ticket.year: 'moon' is not known here; one of: calendar, fiscal, joined",
        ),
        (
            'zone = "Europe/Lisbon"',
            'zone = "Europe/Lisboa"',
            "organisation.zone: 'Europe/Lisboa' is not a time zone such as 'Europe/Lisbon'",
        ),
        (
            'zone = "Europe/Lisbon"',
            'zone = "../../etc/passwd"',
            "organisation.zone: '../../etc/passwd' is not a time zone such as 'Europe/Lisbon'",
        ),
        ('repository = "fennel-works/learning"', "", "github.repository: is needed"),
        ("first_on = 2027-05-10", "", "organisation.critical_periods[0].first_on: is needed"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_with_its_place(
    tmp_path: Path, said: str, instead: str, problem: str
) -> None:
    assert problems(tmp_path, changed(said, instead)) == (f"fennel.toml: {problem}",)


@pytest.mark.parametrize(
    ("said", "instead", "place"),
    [
        ('ask = ["Cy Okafor"]', 'ask = "Cy Okafor"', "ticket.ask"),
        ('options = ["agree", "abstain", "disagree", "block"]', 'options = "agree"', "loomio.options"),
        ('["mon", "tue", "wed", "thu", "fri"]', '"mon"', "organisation.working_days"),
        ("[2027-01-01, 2027-12-24, 2027-12-25]", "2027-01-01", "organisation.holidays"),
    ],
)
def test_one_value_where_a_list_belongs_is_refused_and_not_taken_apart(
    tmp_path: Path, said: str, instead: str, place: str
) -> None:
    found = problems(tmp_path, changed(said, instead))

    assert len(found) == 1
    assert found[0].startswith(f"fennel.toml: {place}: ")


@pytest.mark.parametrize(
    ("said", "instead", "problem"),
    [
        (
            "hours_until = 17:00:00",
            "hours_until = 09:00:00",
            "organisation.hours_from: comes after hours_until; nobody could ever be written to",
        ),
        (
            "last_on = 2027-05-14",
            "last_on = 2027-05-09",
            "organisation.critical_periods: 'the annual meeting' ends before it begins",
        ),
        ("every_days = 14", "every_days = 0", "rhythms.two-weekly.every_days: at least 1 day"),
        ("grace_days = 3", "grace_days = -1", "rhythms.two-weekly.grace_days: 0 or more days"),
        ("days_open = 7", "days_open = 0", "loomio.days_open: at least 1 day"),
        (
            '["agree", "abstain", "disagree", "block"]',
            '["agree", "agree"]',
            "loomio.options: at least two different options",
        ),
        (
            "# quorum_percent = 50 ",
            "quorum_percent = 0 #",
            "loomio.quorum_percent: between 1 and 100, or leave it out for no quorum",
        ),
        (
            "# quorum_percent = 50 ",
            "quorum_percent = 101 #",
            "loomio.quorum_percent: between 1 and 100, or leave it out for no quorum",
        ),
    ],
)
def test_values_that_make_no_sense_together_are_refused(tmp_path: Path, said: str, instead: str, problem: str) -> None:
    assert problems(tmp_path, changed(said, instead)) == (f"fennel.toml: {problem}",)


@pytest.mark.parametrize(
    ("said", "instead", "place"),
    [
        ("year_starts_month = 1 ", "year_starts_month = 13 ", "organisation.year_starts"),
        ("year_starts_day = 1", "year_starts_day = 32", "organisation.year_starts"),
        ("look_every_minutes = 10", "look_every_minutes = 0", "loomio.look_every_minutes"),
        ("majority_percent = 50 ", "majority_percent = 100 ", "loomio.majority_percent"),
        ("money_threshold = 0 ", "money_threshold = -1 ", "ticket.money_threshold"),
        ("per_week = 1", "per_week = -1", "caps.per_week"),
    ],
    ids=lambda value: value.strip() if " = " in value else "",
)
def test_a_number_that_can_never_work_is_refused(tmp_path: Path, said: str, instead: str, place: str) -> None:
    found = problems(tmp_path, changed(said, instead))

    assert len(found) == 1
    assert found[0].startswith(f"fennel.toml: {place}")


def test_a_rhythm_that_trellis_has_no_words_for_is_refused(tmp_path: Path) -> None:
    """Each rhythm speaks with `nudge-<its name>.md`; without it every nudge would be parked when it is due."""
    [problem] = problems(tmp_path, changed("[rhythms.two-weekly]", "[rhythms.two-weeky]"))

    assert problem.startswith("fennel.toml: rhythms.two-weeky: ")
    assert "two-weekly" in problem


@pytest.mark.parametrize("address", ["http://loomio.example.org", "loomio.example.org"])
def test_loomios_key_is_never_sent_in_clear_to_another_machine(tmp_path: Path, address: str) -> None:
    [problem] = problems(tmp_path, changed("https://loomio.example.org", address))

    assert problem.startswith("fennel.toml: loomio.address: ")


@pytest.mark.parametrize("name", ["Fennel Works.toml", "fennel>.toml"])
def test_a_file_name_that_is_no_slug_is_refused(tmp_path: Path, name: str) -> None:
    """The slug stands in every key: with a blank or `>` in it, the hidden marker is not found again."""
    found = problems(tmp_path, EXAMPLE, name)

    assert len(found) == 1
    assert found[0].startswith(f"{name}: ")


def test_two_organisations_never_share_the_name_of_their_secrets(tmp_path: Path) -> None:
    """GITHUB_TOKEN_FENNEL_WORKS would be the token of both."""
    a_file(tmp_path, LEAST, "fennel-works.toml")
    a_file(tmp_path, LEAST.replace("fennel-works", "other"), "fennel_works.toml")

    with pytest.raises(ConfigError) as refused:
        load_policies(tmp_path)
    assert len(refused.value.problems) == 1
    assert refused.value.problems[0].startswith("fennel_works.toml: ")


def test_all_problems_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    a_file(tmp_path, changed("days_open = 7", "day_open = 7").replace("per_day = 1", "per_day = true"), "one.toml")
    a_file(tmp_path, "slug = 'x'\n" + EXAMPLE, "three.toml")
    a_file(tmp_path, "organisation = = 5", "two.toml")
    a_file(tmp_path, "", "zero.toml")

    with pytest.raises(ConfigError) as refused:
        load_policies(tmp_path)

    assert refused.value.problems == (
        "one.toml: loomio.day_open: not a key of this table; did you mean days_open?",
        "one.toml: caps.per_day: True is not a whole number",
        "three.toml: slug: the file's name is the slug; take this key out",
        "two.toml: not TOML: Invalid value (at line 1, column 16)",
        "zero.toml: organisation: is needed",
        "zero.toml: github: is needed",
    )


def test_a_file_that_is_not_text_is_told(tmp_path: Path) -> None:
    file = tmp_path / "fennel.toml"
    file.write_bytes(b"\xff\xfe")

    with pytest.raises(ConfigError) as refused:
        load_policy(file)
    assert refused.value.problems == ("fennel.toml: cannot be read (UnicodeDecodeError)",)


def test_two_organisations_never_share_a_repository(tmp_path: Path) -> None:
    a_file(tmp_path, LEAST, "ash.toml")
    a_file(tmp_path, LEAST.replace("fennel-works", "Fennel-Works"), "bay.toml")
    a_file(tmp_path, LEAST.replace("fennel-works", "other"), "cress.toml")

    with pytest.raises(ConfigError) as refused:
        load_policies(tmp_path)
    assert refused.value.problems == ("bay.toml: github.repository: Fennel-Works/learning belongs to ash.toml already",)


def test_a_rhythm_without_an_anchor_is_refused(tmp_path: Path) -> None:
    assert load_policy(a_file(tmp_path, LEAST + RHYTHM)).rhythms == {
        "two-weekly": RhythmPolicy(anchor_on=date(2027, 1, 5))
    }
    assert problems(tmp_path, LEAST + RHYTHM.replace("anchor_on", "anchor")) == (
        "fennel.toml: rhythms.two-weekly.anchor_on: is needed",
        "fennel.toml: rhythms.two-weekly.anchor: not a key of this table; did you mean anchor_on?",
    )


def test_each_organisation_has_its_own_policy(tmp_path: Path) -> None:
    a_file(tmp_path, LEAST, "ash.toml")
    a_file(tmp_path, LEAST.replace("fennel-works", "other"), "bay.toml")
    (tmp_path / "notes.md").write_text("not a policy", encoding="utf-8")

    found = load_policies(tmp_path)

    assert list(found) == ["ash", "bay"]
    assert found["bay"] == replace(found["ash"], slug="bay", github=GitHubPolicy(repository="other/learning"))


def test_two_organisations_never_share_a_loomio_group(tmp_path: Path) -> None:
    """GT-0001 of one would be found as GT-0001 of the other."""
    a_file(tmp_path, EXAMPLE, "fennel.toml")
    a_file(tmp_path, EXAMPLE.replace("fennel-works/learning", "moss-farm/learning"), "moss.toml")

    with pytest.raises(ConfigError) as refused:
        load_policies(tmp_path)
    assert refused.value.problems == (
        "moss.toml: loomio.group_id: Loomio group 7 of https://loomio.example.org belongs to fennel.toml already",
    )
