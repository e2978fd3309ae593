"""The roster is a spreadsheet anybody can keep: read whole, or refused with every problem and its line."""

from datetime import date
from pathlib import Path

import pytest

from config.errors import ConfigError
from config.roster import CHOICES, COLUMNS, RosterEntry, load_roster
from domain.rhythms import Role

ADA = RosterEntry(
    handle="ada",
    name="Ada Moreau",
    github_login=None,
    loomio_username=None,
    mail=None,
    zone=None,
    locale=None,
    working_days=None,
    hours_from=None,
    hours_until=None,
    joined_on=None,
    left_on=None,
    coordinator=False,
    well_working=False,
    channel=None,
    holidays_of=None,
    choices=[],
    own_rhythms={},
    relations={},
)


def a_roster(folder: Path, text: str) -> Path:
    file = folder / "people.csv"
    file.write_text(text, encoding="utf-8")
    return file


def problems(folder: Path, text: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as refused:
        load_roster(a_roster(folder, text))
    return refused.value.problems


def test_only_handle_and_name_are_needed(tmp_path: Path) -> None:
    assert load_roster(a_roster(tmp_path, "handle,name\nada,Ada Moreau\n")) == [ADA]


def test_every_column_is_read(tmp_path: Path) -> None:
    columns = ",".join(COLUMNS)
    text = (
        f'{columns}\ncy,"Okafor, Cy",@Cy-O,cyo,cy@fennel.example,Europe/Berlin,pt_BR,mon tue  wed thu,08:30,16:00,'
        "2020-03-15,2027-10-01,yes,yes,mail,DE-BE,bo,dee,eve,fay,gus,hal,career-talk  ticket-name,"
        "two-weekly=off weekly=28 look-ahead=on\n"
    )

    assert load_roster(a_roster(tmp_path, text)) == [
        RosterEntry(
            handle="cy",
            name="Okafor, Cy",
            github_login="cy-o",
            loomio_username="cyo",
            mail="cy@fennel.example",
            zone="Europe/Berlin",
            locale="pt_BR",
            working_days=["mon", "tue", "wed", "thu"],
            hours_from="08:30",
            hours_until="16:00",
            joined_on=date(2020, 3, 15),
            left_on=date(2027, 10, 1),
            coordinator=True,
            well_working=True,
            channel="mail",
            holidays_of="DE-BE",
            choices=["career-talk", "ticket-name"],
            own_rhythms={"two-weekly": {"on": False}, "weekly": {"every_days": 28}, "look-ahead": {"on": True}},
            relations={
                "manager": "bo",
                "tech_lead": "dee",
                "coach": "eve",
                "buddy": "fay",
                "partner": "gus",
                "trusted": "hal",
            },
        )
    ]


@pytest.mark.parametrize(
    "text",
    [
        "name,handle\nAda Moreau,ada\n",
        " handle , name \n ada , Ada Moreau \n",
        "\ufeffhandle,name\nada,Ada Moreau\n",
        "handle,name\r\nada,Ada Moreau\r\n",
        "handle,name,coordinator,zone\nada,Ada Moreau,no,\n",
        "handle,name,zone\nada,Ada Moreau\n",
        "handle,name\n\nada,Ada Moreau\n\n",
    ],
    ids=["order", "blanks", "a spreadsheet's first character", "line ends", "empty cells", "short line", "empty lines"],
)
def test_what_spreadsheets_make_of_a_file_does_not_matter(tmp_path: Path, text: str) -> None:
    assert load_roster(a_roster(tmp_path, text)) == [ADA]


def test_all_problems_are_told_at_once_with_their_lines(tmp_path: Path) -> None:
    text = (
        "handle,name,zone,working_days,hours_from,hours_until,joined_on,left_on,coordinator\n"
        "Ada!,,Europe/Lisboa,mon tuesday,9:30,25:00,1.3.2027,2027-02-30,maybe\n"
        "bo,Bo Thapa,,,,,,,\n"
        ",Cy Okafor,,,,,,,,one more\n"
    )

    assert problems(tmp_path, text) == (
        "people.csv, line 2: name is empty",
        "people.csv, line 2: handle 'Ada!': lower-case letters, digits and dashes only",
        "people.csv, line 2: zone 'Europe/Lisboa' is not a time zone such as Europe/Lisbon",
        "people.csv, line 2: working day 'tuesday' is not known",
        "people.csv, line 2: hours_from '9:30' is not a time such as 09:30",
        "people.csv, line 2: hours_until '25:00' is not a time such as 09:30",
        "people.csv, line 2: joined_on '1.3.2027' is not a date such as 2027-03-01",
        "people.csv, line 2: left_on '2027-02-30' is not a date such as 2027-03-01",
        "people.csv, line 2: coordinator: yes, no or empty",
        "people.csv, line 4: handle is empty",
        "people.csv, line 4: more cells than columns",
    )


def test_an_unknown_column_and_a_needed_one_are_told_before_any_line_is_read(tmp_path: Path) -> None:
    assert problems(tmp_path, "handle,surname\n!,x\n") == (
        "people.csv: column 'surname' is not known here",
        "people.csv: column 'name' is needed",
    )
    assert problems(tmp_path, "") == (
        "people.csv: column 'handle' is needed",
        "people.csv: column 'name' is needed",
    )


def test_a_handle_or_a_login_stands_there_once(tmp_path: Path) -> None:
    text = "handle,name,github_login\nada,Ada Moreau,Ada-M\nada,Another Ada,\nbo,Bo Thapa,@ada-m\ncy,Cy,\n"

    assert problems(tmp_path, text) == (
        "people.csv: handle 'ada' stands there twice",
        "people.csv: github_login 'ada-m' stands there twice",
    )


def test_hours_that_end_before_they_begin_are_refused(tmp_path: Path) -> None:
    """Nobody could ever be written to, as in the organisation's own hours."""
    found = problems(tmp_path, "handle,name,hours_from,hours_until\nada,Ada Moreau,17:00,09:00\n")

    assert len(found) == 1
    assert found[0].startswith("people.csv, line 2: hours_from")


def test_leaving_before_joining_is_refused(tmp_path: Path) -> None:
    found = problems(tmp_path, "handle,name,joined_on,left_on\nada,Ada Moreau,2027-03-01,2026-03-01\n")

    assert len(found) == 1
    assert found[0].startswith("people.csv, line 2: left_on")


def test_a_column_that_stands_there_twice_is_refused(tmp_path: Path) -> None:
    """The second would quietly win over the first."""
    found = problems(tmp_path, "handle,name,zone,zone\nada,Ada Moreau,Europe/Lisbon,Europe/Berlin\n")

    assert len(found) == 1
    assert found[0].startswith("people.csv: column 'zone' ")


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    latin = tmp_path / "latin.csv"
    latin.write_bytes("handle,name\nze,Zé\n".encode("latin-1"))

    for file, error in ((latin, "UnicodeDecodeError"), (tmp_path / "missing.csv", "FileNotFoundError")):
        with pytest.raises(ConfigError) as refused:
            load_roster(file)
        assert refused.value.problems == (f"{file.name}: cannot be read ({error})",)


# -- who they are to others, and what they chose -----------------------------------------------------------------------


def one(folder: Path, **cells: str) -> RosterEntry:
    """The only line of a roster with these cells besides the needed ones."""
    [entry] = load_roster(a_roster(folder, f"handle,name,{','.join(cells)}\nada,Ada,{','.join(cells.values())}\n"))
    return entry


def refused(folder: Path, **cells: str) -> list[str]:
    """What is wrong with the only line of such a roster, without its place."""
    found = problems(folder, f"handle,name,{','.join(cells)}\nada,Ada,{','.join(cells.values())}\n")
    assert all(line.startswith("people.csv, line 2: ") for line in found)
    return [line.removeprefix("people.csv, line 2: ") for line in found]


def test_there_is_a_column_for_every_role_and_a_word_for_each() -> None:
    assert {role.value for role in Role} <= set(COLUMNS)
    assert [what for name, what in COLUMNS.items() if name == "tech_lead"] == ["handle of their tech lead"]


@pytest.mark.parametrize("role", list(Role))
def test_nobody_is_anything_to_themselves(tmp_path: Path, role: Role) -> None:
    assert refused(tmp_path, **{role.value: "ada"}) == [f"{role.value}: nobody is that to themselves"]


def test_a_relation_may_name_somebody_who_is_not_in_the_file(tmp_path: Path) -> None:
    """A roster may be ahead of itself; what stays wrong is told by `flask people import` and in the report."""
    entry = one(tmp_path, manager="bo", coach="", partner="nobody-yet")

    assert entry.relations == {"manager": "bo", "partner": "nobody-yet"}


@pytest.mark.parametrize("said", ["github", "mail", "page"])
def test_a_way_is_one_of_three(tmp_path: Path, said: str) -> None:
    assert one(tmp_path, channel=said).channel == said


@pytest.mark.parametrize("said", ["GitHub", "email", "chat", "mail page"])
def test_another_way_is_refused(tmp_path: Path, said: str) -> None:
    assert refused(tmp_path, channel=said) == [f"channel {said!r}: one of github, mail, page, or empty"]


@pytest.mark.parametrize("said", ["Portugal", "pt", "PT-XX", "Europe/Lisbon"])
def test_holidays_of_nowhere_are_refused(tmp_path: Path, said: str) -> None:
    assert refused(tmp_path, holidays_of=said) == [
        f"holidays_of: {said!r} is not a country or region with known holidays, such as PT or DE-BE"
    ]


@pytest.mark.parametrize("said", ["ada@example.org", "ada.m+learning@mail.fennel.example", "ada@münchen.example"])
def test_a_mail_address_is_taken_as_it_is(tmp_path: Path, said: str) -> None:
    assert one(tmp_path, mail=said).mail == said


@pytest.mark.parametrize(
    "said", ["ada", "ada@", "@example.org", "ada@@example.org", "Ada <ada@example.org>", "a@b.c d@e.f", "a@b;c@d"]
)
def test_what_is_no_mail_address_is_refused(tmp_path: Path, said: str) -> None:
    """One cell that holds two addresses would send one person's private words to another."""
    assert refused(tmp_path, mail=said) == [f"mail {said!r} is not an address such as ada@example.org"]


@pytest.mark.parametrize("said", ["en", "pt_BR", "pt_PT", "ne", "gsw"])
def test_a_language_is_taken_whether_there_are_words_in_it_or_not(tmp_path: Path, said: str) -> None:
    assert one(tmp_path, locale=said).locale == said


@pytest.mark.parametrize("said", ["pt-BR", "PT", "pt_br", "English", "e", "en_GB.UTF-8", "../en"])
def test_what_is_no_language_is_refused(tmp_path: Path, said: str) -> None:
    assert refused(tmp_path, locale=said) == [f"locale {said!r} is not a language such as de, en, es, fr, pt_BR"]


@pytest.mark.parametrize("column", ["coordinator", "well_working"])
@pytest.mark.parametrize("said", ["Yes", "true", "1", "x"])
def test_yes_is_said_in_one_way(tmp_path: Path, column: str, said: str) -> None:
    assert refused(tmp_path, **{column: said}) == [f"{column}: yes, no or empty"]


def test_choices_are_words_that_are_known(tmp_path: Path) -> None:
    assert one(tmp_path, choices=" ".join(CHOICES)).choices == ["career-talk", "ticket-name"]
    assert refused(tmp_path, choices="career-talk ticket career") == [
        "choice 'ticket' is not known; known: career-talk, ticket-name",
        "choice 'career' is not known; known: career-talk, ticket-name",
    ]


@pytest.mark.parametrize(
    ("said", "own"),
    [
        ("two-weekly=off", {"two-weekly": {"on": False}}),
        ("weekly=on", {"weekly": {"on": True}}),
        ("two-weekly=28", {"two-weekly": {"every_days": 28}}),
        ("weekly=on weekly=10", {"weekly": {"on": True, "every_days": 10}}),
        ("weekly=10 weekly=20", {"weekly": {"every_days": 20}}),
    ],
)
def test_a_person_has_a_say_of_their_own(tmp_path: Path, said: str, own: dict[str, dict[str, bool | int]]) -> None:
    assert one(tmp_path, rhythms=said).own_rhythms == own


@pytest.mark.parametrize(
    "said", ["two-weekly", "two-weekly=", "=off", "weekly=0", "weekly=1000", "weekly=Off", "a=b=off", "weekly=-7"]
)
def test_a_say_that_cannot_be_read_is_refused(tmp_path: Path, said: str) -> None:
    why = f"rhythms {said!r}: a rhythm's name, =, then on, off or a number of days"

    assert refused(tmp_path, rhythms=said) == [why]


def test_every_new_problem_of_a_line_is_told_at_once(tmp_path: Path) -> None:
    cells = {
        "well_working": "maybe",
        "channel": "pigeon",
        "holidays_of": "XX",
        "mail": "ada",
        "locale": "English",
        "choices": "raise",
        "rhythms": "weekly",
        "manager": "ada",
    }

    assert refused(tmp_path, **cells) == [
        "well_working: yes, no or empty",
        "channel 'pigeon': one of github, mail, page, or empty",
        "holidays_of: 'XX' is not a country or region with known holidays, such as PT or DE-BE",
        "mail 'ada' is not an address such as ada@example.org",
        "locale 'English' is not a language such as de, en, es, fr, pt_BR",
        "choice 'raise' is not known; known: career-talk, ticket-name",
        "rhythms 'weekly': a rhythm's name, =, then on, off or a number of days",
        "manager: nobody is that to themselves",
    ]


def test_dates_are_compared_as_dates_however_they_are_written(tmp_path: Path) -> None:
    entry = one(tmp_path, joined_on="20270301", left_on="2027-10-01")

    assert (entry.joined_on, entry.left_on) == (date(2027, 3, 1), date(2027, 10, 1))
