"""`flask people`, `moment`, `support`: what a coordinator notes at the command line is kept, and planned for anew."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app import create_app
from config.clock import real_now
from config.roster import COLUMNS
from store.database import Database
from store.models import (
    LONG_AGO,
    Base,
    CommitmentRow,
    HeldRow,
    PauseRow,
    PersonRow,
    RelationRow,
    SnoozeRow,
    TimelineRow,
)

TUESDAY = datetime(2027, 1, 5, 12, tzinfo=UTC)
LATER = datetime(2027, 6, 1, tzinfo=UTC)
ROSTER = """handle,name,mail,manager,coach,coordinator,well_working,channel,holidays_of,choices,rhythms,locale,zone
ada,Ada Moreau,ada@fennel.example,cy,,,,mail,DE-BE,career-talk,two-weekly=off,pt_BR,
bo,Bo Thapa,bo@fennel.example,cy,ada,,,,,,,,Asia/Kathmandu
cy,Cy Okafor,cy@fennel.example,bo,,yes,yes,,,,,,
"""

Flask_ = Callable[..., Result]


@pytest.fixture
def flask(environ: dict[str, str], database: Database, tmp_path: Path) -> Flask_:
    """Runs a command on a Tuesday in January 2027, at noon in Lisbon."""
    clock = tmp_path / "clock"
    clock.write_text(str(int((TUESDAY - real_now()).total_seconds())), encoding="utf-8")
    runner = create_app(environ | {"TRELLIS_CLOCK_FILE": str(clock)}).test_cli_runner()

    def run(*arguments: str, exit_code: int = 0) -> Result:
        done = runner.invoke(args=list(arguments))
        assert done.exit_code == exit_code, done.output
        return done

    return run


@pytest.fixture
def import_(flask: Flask_, tmp_path: Path) -> Callable[..., Result]:
    def run(text: str = ROSTER, exit_code: int = 0) -> Result:
        file = tmp_path / "people.csv"
        file.write_text(text, encoding="utf-8")
        return flask("people", "import", str(file), exit_code=exit_code)

    return run


def all_of(database: Database, table: type[Base]) -> list[Any]:
    return database.transact(lambda session: list(session.scalars(select(table))))


def person(database: Database, handle: str) -> PersonRow:
    [row] = [one for one in all_of(database, PersonRow) if one.handle == handle]
    return row  # type: ignore[no-any-return] # `all_of` gives rows of any table


def plan_later(database: Database) -> None:
    """As if everybody had been planned for just now."""
    database.transact(lambda session: session.execute(update(PersonRow).values(look_at=LATER)))


def looked_at_anew(database: Database) -> list[str]:
    return sorted(one.handle for one in all_of(database, PersonRow) if one.look_at == LONG_AGO)


# -- the roster --------------------------------------------------------------------------------------------------------


def test_a_roster_is_kept_with_everything_in_it(import_: Callable[..., Result], database: Database) -> None:
    done = import_()

    assert done.output == "3 added, 0 updated, nobody removed.\n"
    ada, cy = person(database, "ada"), person(database, "cy")
    assert (ada.channel, ada.holidays_of, ada.choices, ada.own_rhythms) == (
        "mail", "DE-BE", ["career-talk"], {"two-weekly": {"on": False}},
    )  # fmt: skip
    assert (ada.coordinator, cy.coordinator, ada.well_working, cy.well_working) == (False, True, False, True)
    assert (ada.added_on, ada.locale) == (date(2027, 1, 5), "pt_BR")
    found = {(one.person_id, one.role, one.other) for one in all_of(database, RelationRow)}
    bo = person(database, "bo")
    assert found == {
        (ada.id, "manager", "cy"), (bo.id, "manager", "cy"), (bo.id, "coach", "ada"), (cy.id, "manager", "bo"),
    }  # fmt: skip


def test_importing_again_changes_what_changed_and_has_everybody_looked_at_anew(
    import_: Callable[..., Result], database: Database
) -> None:
    import_()
    before = person(database, "bo")
    plan_later(database)

    done = import_("handle,name,manager,coach,trusted\nbo,Bo T.,ada,,cy\n")

    assert done.output == "0 added, 1 updated, nobody removed.\n"
    bo = person(database, "bo")
    assert (bo.id, bo.name, bo.added_on) == (before.id, "Bo T.", date(2027, 1, 5))
    mine = {(one.role, one.other) for one in all_of(database, RelationRow) if one.person_id == bo.id}
    assert mine == {("manager", "ada"), ("trusted", "cy")}
    assert len(all_of(database, PersonRow)) == 3
    assert looked_at_anew(database) == ["ada", "bo", "cy"]


def test_a_roster_with_a_problem_changes_nothing(import_: Callable[..., Result], database: Database) -> None:
    done = import_("handle,name,channel\nada,Ada,pigeon\nbo,Bo,mail\n", exit_code=2)

    assert done.stderr == "people.csv, line 2: channel 'pigeon': one of github, mail, page, or empty\n"
    assert all_of(database, PersonRow) == []


def test_a_rhythm_the_organisation_has_not_is_refused(import_: Callable[..., Result], database: Database) -> None:
    done = import_("handle,name,rhythms\nada,Ada,two-weekly=off weekl=on\nbo,Bo,spring=7\n", exit_code=1)

    assert done.output == "Error: rhythms that fennel-works does not have: ada: weekl, bo: spring\n"
    assert all_of(database, PersonRow) == []


def test_what_is_not_right_about_relations_is_told_and_kept(import_: Callable[..., Result], database: Database) -> None:
    done = import_("handle,name,manager,left_on\nada,Ada,nobody-yet,\nbo,Bo,cy,\ncy,Cy,bo,2026-12-31\n")

    assert done.output.splitlines() == [
        "3 added, 0 updated, nobody removed.",
        "LOOK  ada: manager nobody-yet: nobody has the handle nobody-yet",
        "LOOK  ada: nobody to talk with (coach, manager, tech_lead)",
        "LOOK  bo: manager cy: cy is not a member any more",
        "LOOK  bo: nobody to talk with (coach, manager, tech_lead)",
    ]
    assert len(all_of(database, RelationRow)) == 3


def test_the_help_names_every_column(flask: Flask_) -> None:
    said = flask("people", "import", "--help").output

    assert [name for name in COLUMNS if f"{name}:" not in said] == []


def test_leave_is_kept_without_a_reason_and_planned_for(
    import_: Callable[..., Result], flask: Flask_, database: Database
) -> None:
    import_()
    plan_later(database)

    done = flask("people", "pause", "ada", "--from", "2027-02-01", "--until", "2027-02-14")
    flask("people", "pause", "bo", "--from", "2027-02-01")

    assert done.output == "Ada Moreau hears nothing from 2027-02-01 until 2027-02-14.\n"
    kept = [(one.person_id, one.first_on, one.last_on) for one in all_of(database, PauseRow)]
    assert kept == [
        (person(database, "ada").id, date(2027, 2, 1), date(2027, 2, 14)),
        (person(database, "bo").id, date(2027, 2, 1), None),
    ]
    assert looked_at_anew(database) == ["ada", "bo", "cy"], "and whoever goes with them"


def test_leave_does_not_end_before_it_begins(import_: Callable[..., Result], flask: Flask_, database: Database) -> None:
    import_()

    done = flask("people", "pause", "ada", "--from", "2027-02-14", "--until", "2027-02-01", exit_code=1)

    assert done.output == "Error: The last day comes before the first.\n"
    assert all_of(database, PauseRow) == []


# -- moments -----------------------------------------------------------------------------------------------------------


def held(database: Database) -> list[tuple[str, str, str, date]]:
    return [(one.rhythm, one.turn, one.how, one.day) for one in all_of(database, HeldRow)]


def test_a_moment_is_noted_as_held(import_: Callable[..., Result], flask: Flask_, database: Database) -> None:
    import_()
    plan_later(database)

    done = flask("moment", "held", "ada", "quarterly-targets")

    assert done.output == "Ada Moreau: quarterly-targets (2027-01-01) is noted as held on 2027-01-05.\n"
    assert held(database) == [("quarterly-targets", "2027-01-01", "held", date(2027, 1, 5))]
    assert looked_at_anew(database) == ["ada", "cy"]
    assert [one.what for one in all_of(database, TimelineRow)] == ["moment held"]


def test_a_moment_of_another_day_is_noted_as_not_needed(
    import_: Callable[..., Result], flask: Flask_, database: Database
) -> None:
    import_()

    done = flask("moment", "held", "ada", "big-picture", "--not-needed", "--on", "2027-03-10")

    assert done.output == "Ada Moreau: big-picture (2027-1) is noted as not needed on 2027-03-10.\n"
    assert held(database) == [("big-picture", "2027-1", "not needed", date(2027, 3, 10))]


def test_a_moment_that_is_not_open_or_does_not_exist_is_told(
    import_: Callable[..., Result], flask: Flask_, database: Database
) -> None:
    import_()

    closed = flask("moment", "held", "ada", "big-picture", exit_code=1)
    unknown = flask("moment", "held", "ada", "bigger-picture", exit_code=1)
    nobody = flask("moment", "held", "zed", "big-picture", exit_code=1)

    assert closed.output == "Error: No moment of big-picture is open for Ada Moreau on 2027-01-05.\n"
    assert unknown.output.startswith("Error: fennel-works has no rhythm 'bigger-picture'. Known: big-picture, ")
    assert "zed" in nobody.output
    assert held(database) == []


def test_the_timeline_does_not_tell_which_private_moment_was_held(
    import_: Callable[..., Result], flask: Flask_, database: Database
) -> None:
    """Rule 6: career, well-being and the like never reach the timeline."""
    import_()

    flask("moment", "held", "ada", "career-talk", "--on", "2027-03-10")

    [line] = all_of(database, TimelineRow)
    assert "career" not in f"{line.about}{line.details}{line.key}"


@pytest.mark.parametrize(
    ("words", "more", "said", "kept"),
    [
        ((), (), "of anything until further notice", (None, None, None)),
        (("all",), (), "of anything until further notice", (None, None, None)),
        (("2 weeks",), (), "of anything until 2027-01-19", (None, None, date(2027, 1, 19))),
        (
            ("until 2027-05-01",),
            ("--rhythm", "two-weekly"),
            "of two-weekly until 2027-04-30",
            ("two-weekly", None, date(2027, 4, 30)),
        ),
    ],
)
def test_what_somebody_hears_is_put_off(
    import_: Callable[..., Result],
    flask: Flask_,
    database: Database,
    words: tuple[str, ...],
    more: tuple[str, ...],
    said: str,
    kept: tuple[str | None, str | None, date | None],
) -> None:
    import_()
    plan_later(database)

    done = flask("moment", "snooze", "ada", *words, *more)

    assert done.output == f"Ada Moreau hears nothing {said}.\n"
    [row] = all_of(database, SnoozeRow)
    assert (row.rhythm, row.turn, row.last_on) == kept
    assert "ada" in looked_at_anew(database)

    flask("moment", "wake", "ada")
    assert all_of(database, SnoozeRow) == []


@pytest.mark.parametrize("words", ["soon", "this time", "until 2020-01-01"])
def test_what_cannot_be_put_off_is_told(
    import_: Callable[..., Result], flask: Flask_, database: Database, words: str
) -> None:
    import_()

    done = flask("moment", "snooze", "ada", words, exit_code=1)

    assert done.output == f"Error: {words!r}: say '2 weeks', 'until 2027-05-01' or 'all'\n"
    assert all_of(database, SnoozeRow) == []


def test_a_rhythm_that_does_not_exist_cannot_be_put_off(
    import_: Callable[..., Result], flask: Flask_, database: Database
) -> None:
    """A typing mistake would otherwise look as if it had worked."""
    import_()

    flask("moment", "snooze", "ada", "2 weeks", "--rhythm", "two-weeky", exit_code=1)

    assert all_of(database, SnoozeRow) == []


# -- promises ----------------------------------------------------------------------------------------------------------


def test_a_promise_is_looked_back_on_after_three_to_six_months(
    import_: Callable[..., Result], flask: Flask_, database: Database
) -> None:
    import_()
    plan_later(database)

    first = flask("support", "commit", "ada", "--by", "cy")
    second = flask("support", "commit", "ada", "--by", "bo", "--look-back-on", "2027-07-05")

    assert first.output == "Promise 1: Ada Moreau and Cy Okafor look back on 2027-04-05.\n"
    assert second.output == "Promise 2: Ada Moreau and Bo Thapa look back on 2027-07-05.\n"
    ada = person(database, "ada").id
    kept = [(one.person_id, one.promised_by, one.made_on, one.look_back_on, one.closed) for one in promises(database)]
    assert kept == [
        (ada, "cy", date(2027, 1, 5), date(2027, 4, 5), False),
        (ada, "bo", date(2027, 1, 5), date(2027, 7, 5), False),
    ]
    assert "ada" in looked_at_anew(database)


def promises(database: Database) -> list[CommitmentRow]:
    def read(session: Session) -> list[CommitmentRow]:
        return list(session.scalars(select(CommitmentRow).order_by(CommitmentRow.id)))

    return database.transact(read)


@pytest.mark.parametrize("day", ["2027-04-04", "2027-07-06", "2026-12-01"])
def test_a_look_back_too_early_or_too_late_is_refused(
    import_: Callable[..., Result], flask: Flask_, database: Database, day: str
) -> None:
    import_()

    done = flask("support", "commit", "ada", "--by", "cy", "--look-back-on", day, exit_code=1)

    assert done.output == "Error: A look back lies between 2027-04-05 and 2027-07-05.\n"
    assert promises(database) == []


def test_nobody_promises_to_themselves_or_for_a_stranger(
    import_: Callable[..., Result], flask: Flask_, database: Database
) -> None:
    import_()

    assert (
        flask("support", "commit", "ada", "--by", "ada", exit_code=1).output == "Error: A promise needs two people.\n"
    )
    flask("support", "commit", "ada", "--by", "zed", exit_code=1)

    assert promises(database) == []


def test_a_promise_is_closed_once(import_: Callable[..., Result], flask: Flask_, database: Database) -> None:
    import_()
    flask("support", "commit", "ada", "--by", "cy")

    assert flask("support", "close", "1").output == "Promise 1 is closed.\n"
    for number in ("1", "2"):
        done = flask("support", "close", number, exit_code=1)
        assert done.output == f"Error: There is no open promise {number}.\n"
    assert [one.closed for one in promises(database)] == [True]
