"""The roster is a spreadsheet anybody can keep: read whole, or refused with every problem and its line."""

from datetime import date
from pathlib import Path

import pytest

from config.errors import ConfigError
from config.roster import COLUMNS, RosterEntry, load_roster

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
        "2020-03-15,2027-10-01,yes\n"
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
