"""Calendars at secret addresses: somebody's moments or the team's, days and titles only, each entry named for good."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import click
import pytest
from click.testing import CliRunner, Result
from flask import Flask
from flask.testing import FlaskClient
from icalendar import Calendar
from sqlalchemy import select
from werkzeug.test import TestResponse

from commands.bench import Bench
from commands.calendar import calendar_group
from config.settings import load_settings
from domain.agenda import Entry
from domain.policy import Policy
from domain.rhythms import Role, Side, TeamPart, Window, Windows
from jobs.workshop import Workshop
from store.database import Database
from store.feeds import feed_of, make_feed, revoke_feeds
from store.models import Base, FeedRow, HeldRow, PersonRow, RelationRow
from tests.cast import NOW, with_rhythms
from web.calendar import calendar_blueprint, uid
from web.pages import pages_blueprint

ADA, BO, CY = 1, 2, 3
SPRING = Windows(windows=(Window(opens="03-01", closes="04-30"),), partners=(Role.MANAGER,), private=True)
RECAP = Windows(windows=(Window(opens="12-06", closes="12-17"),), tells=(Side.MEMBER,))
RHYTHMS = with_rhythms(big_picture=SPRING, year_recap=RECAP)
# Of Ada's talk with Bo in 2027. If this has to change, every entry in everybody's calendar is doubled.
UID_FOR_GOOD = "281577e9-7fc3-5e85-8aed-f773879b868b"


@pytest.fixture
def fennel(database: Database) -> Database:
    """Ada, who is Bo's manager and has Cy as hers."""

    def fill(session: Any) -> None:
        for number, handle, name in ((ADA, "ada", "Ada Moreau"), (BO, "bo", "Bo Thapa"), (CY, "cy", "Cy Okafor")):
            session.add(PersonRow(id=number, organisation="fennel", handle=handle, name=name))
        session.flush()
        session.add(RelationRow(organisation="fennel", person_id=BO, role="manager", other="ada"))
        session.add(RelationRow(organisation="fennel", person_id=ADA, role="manager", other="cy"))

    database.transact(fill)
    return database


Make = Callable[..., FlaskClient]


@pytest.fixture
def make(fennel: Database) -> Make:
    def make(policy: Policy = RHYTHMS, now: datetime = NOW) -> FlaskClient:
        app = Flask("trellis", static_folder=None)
        app.register_blueprint(pages_blueprint([], None))
        app.register_blueprint(calendar_blueprint(fennel, {policy.slug: policy}, lambda: now))
        return app.test_client()

    return make


@pytest.fixture
def adas(fennel: Database) -> str:
    return address(fennel, ADA)


@pytest.fixture
def teams(fennel: Database) -> str:
    return address(fennel, None)


def address(database: Database, person_id: int | None, slug: str = "fennel") -> str:
    token = database.transact(lambda session: make_feed(session, slug, person_id, now=NOW))
    return f"/calendar/{token}.ics"


def change(database: Database, person_id: int, **values: Any) -> None:
    def write(session: Any) -> None:
        for name, value in values.items():
            setattr(session.get_one(PersonRow, person_id), name, value)

    database.transact(write)


def events(answer: TestResponse) -> list[Any]:
    """The entries, as icalendar's own parser reads them."""
    assert answer.status_code == 200
    return list(Calendar.from_ical(answer.data).walk("VEVENT"))


def titles(answer: TestResponse) -> list[str]:
    return [str(one["SUMMARY"]) for one in events(answer)]


def days(answer: TestResponse) -> list[tuple[date, date]]:
    return [(one["DTSTART"].dt, one["DTEND"].dt) for one in events(answer)]


def uids(answer: TestResponse) -> list[str]:
    return [str(one["UID"]) for one in events(answer)]


def everything(database: Database) -> dict[str, list[str]]:
    def read(session: Any) -> dict[str, list[str]]:
        tables = Base.metadata.sorted_tables
        return {one.name: sorted(map(repr, session.execute(select(one)))) for one in tables}

    return database.transact(read)


# -- what it shows -----------------------------------------------------------------------------------------------------


def test_a_persons_calendar_holds_their_moments_and_those_they_are_a_partner_of(make: Make, adas: str) -> None:
    answer = make().get(adas)
    assert [(one, *span) for one, span in zip(titles(answer), days(answer), strict=True)] == [
        ("The bigger picture", date(2027, 3, 1), date(2027, 5, 1)),
        ("The bigger picture, together – Bo Thapa", date(2027, 3, 1), date(2027, 5, 1)),
        ("Your own year, read again", date(2027, 12, 6), date(2027, 12, 18)),
        ("The bigger picture", date(2028, 3, 1), date(2028, 5, 1)),
        ("The bigger picture, together – Bo Thapa", date(2028, 3, 1), date(2028, 5, 1)),
    ]


def test_an_entry_lasts_whole_days_and_leaves_the_person_free(make: Make, adas: str) -> None:
    answer = make(with_rhythms(year_recap=RECAP)).get(adas)
    (entry,) = events(answer)
    assert entry["TRANSP"] == "TRANSPARENT"
    assert b"DTSTART;VALUE=DATE:20271206\r\nDTEND;VALUE=DATE:20271218\r\n" in answer.data
    assert "CLASS" not in entry


def test_nothing_that_is_asked_stands_in_a_calendar_and_private_titles_are_marked(make: Make, adas: str) -> None:
    found = events(make().get(adas))
    allowed = {"UID", "DTSTAMP", "LAST-MODIFIED", "SUMMARY", "DTSTART", "DTEND", "TRANSP", "CLASS"}
    assert all(set(one) <= allowed for one in found)
    assert [str(one.get("CLASS", "")) for one in found] == ["PRIVATE", "PRIVATE", "", "PRIVATE", "PRIVATE"]


def test_what_is_done_leaves_the_calendar(fennel: Database, make: Make, adas: str) -> None:
    for person_id in (ADA, BO):
        row = HeldRow(person_id=person_id, rhythm="big-picture", turn="2027", how="held", day=date(2027, 3, 2))
        fennel.transact(lambda session, row=row: session.add(row))  # type: ignore[misc]
    assert [span[0].year for span in days(make().get(adas))] == [2027, 2028, 2028]


def test_titles_are_in_the_persons_language(fennel: Database, make: Make, adas: str) -> None:
    change(fennel, ADA, locale="de")
    assert titles(make().get(adas))[:2] == ["Das große Ganze", "Das große Ganze, gemeinsam – Bo Thapa"]


def test_the_calendar_reaches_from_sixty_days_ago_to_four_hundred_ahead(make: Make, adas: str) -> None:
    policy = with_rhythms(year_recap=RECAP)
    found = {
        now: [span[0] for span in days(make(policy, now=now).get(adas))]
        for now in (
            datetime(2028, 2, 15, 12, tzinfo=UTC),  # 60 days after the last day
            datetime(2028, 2, 16, 12, tzinfo=UTC),
            datetime(2027, 11, 2, 12, tzinfo=UTC),  # 400 days before the first day of 2028
            datetime(2027, 11, 1, 12, tzinfo=UTC),
        )
    }
    in_2027, in_2028 = date(2027, 12, 6), date(2028, 12, 6)
    assert list(found.values()) == [[in_2027, in_2028], [in_2028], [in_2027, in_2028], [in_2027]]


def test_the_team_calendar_names_nobody(make: Make, teams: str) -> None:
    policy = with_rhythms(big_picture=SPRING, year_recap=RECAP, spring_growth=replace(SPRING, team=TeamPart.THREAD))
    answer = make(policy).get(teams)
    assert titles(answer) == [
        "The spring conversation about people",
        "Your own year, read again",
        "The spring conversation about people",
    ]
    for name in ("Ada", "Moreau", "Bo", "Cy", "Okafor"):
        assert name not in answer.text
    assert not any("CLASS" in one for one in events(answer))


def test_who_has_left_has_an_empty_calendar_that_is_still_one(fennel: Database, make: Make, adas: str) -> None:
    change(fennel, ADA, left_on=date(2027, 3, 2))
    answer = make().get(adas)
    assert events(answer) == []
    assert str(Calendar.from_ical(answer.data)["X-WR-CALNAME"]) == "Trellis – Fennel Works"


def test_somebody_who_leaves_is_gone_from_their_partners_calendar(fennel: Database, make: Make, adas: str) -> None:
    change(fennel, BO, left_on=date(2027, 3, 1))
    assert not any("Bo" in one for one in titles(make().get(adas)))


# -- that calendar programs read it ------------------------------------------------------------------------------------


def test_the_calendar_says_its_name_and_how_often_to_look(make: Make, adas: str) -> None:
    lines = make().get(adas).text.split("\r\n")
    assert lines[0] == "BEGIN:VCALENDAR"
    assert lines[-2:] == ["END:VCALENDAR", ""]
    assert {
        "VERSION:2.0",
        "PRODID:-//Trellis//calendar//EN",
        "X-WR-CALNAME:Trellis – Fennel Works",
        "NAME:Trellis – Fennel Works",
        "REFRESH-INTERVAL;VALUE=DURATION:PT12H",
        "X-PUBLISHED-TTL:PT12H",
    } <= set(lines)
    assert not any(line.startswith("METHOD") for line in lines)


@pytest.mark.parametrize(
    "name",
    [
        "Okafor, Cy; the \\ elder",
        "Bo\nEND:VEVENT\nThapa",
        "Zoë Åström-Nguyễn 結衣 🌱",
        "A very long name, " * 12 + "the end",
        "ñ" * 120,
    ],
)
def test_any_name_comes_through_whole_in_lines_of_seventy_five_bytes(
    fennel: Database, make: Make, adas: str, name: str
) -> None:
    change(fennel, BO, name=name)
    policy = replace(RHYTHMS, organisation=replace(RHYTHMS.organisation, name=name))
    answer = make(policy).get(adas)
    assert titles(answer)[1] == f"The bigger picture, together – {name}"
    assert len(events(answer)) == 5
    # RFC 5545, 3.3.11. The parser leaves what it has no type for as it travels, so these two are read by hand.
    escaped = name.replace("\\", "\\\\").replace(",", "\\,").replace(";", "\\;").replace("\n", "\\n")
    unfolded = answer.data.replace(b"\r\n ", b"").decode().split("\r\n")
    assert {f"NAME:Trellis – {escaped}", f"X-WR-CALNAME:Trellis – {escaped}"} <= set(unfolded)
    assert all(len(line) <= 75 for line in answer.data.split(b"\r\n"))
    assert b"\n" not in answer.data.replace(b"\r\n", b"")


def test_a_moment_that_ends_on_leap_day_is_over_on_the_first_of_march(make: Make, adas: str) -> None:
    leap = with_rhythms(year_recap=replace(RECAP, windows=(Window(opens="02-29", closes="02-29"),)))
    assert days(make(leap).get(adas)) == [
        (date(2027, 2, 28), date(2027, 3, 1)),
        (date(2028, 2, 29), date(2028, 3, 1)),
    ]


# -- that it stays the same, or is seen to move ------------------------------------------------------------------------


def test_an_entry_keeps_its_name_when_its_days_move(make: Make, adas: str) -> None:
    before = make().get(adas)
    moved = replace(SPRING, windows=(Window(opens="03-08", closes="05-15"),), not_before="goals_set_on")
    organisation = replace(RHYTHMS.organisation, milestones={"goals_set_on": (date(2027, 3, 10), date(2028, 3, 10))})
    policy = replace(RHYTHMS, rhythms={**RHYTHMS.rhythms, "big-picture": moved}, organisation=organisation)
    after = make(policy).get(adas)
    assert sorted(uids(before)) == sorted(uids(after))
    assert dict(zip(uids(after), days(after), strict=True))[uids(before)[0]] == (date(2027, 3, 10), date(2027, 5, 16))


def test_every_entry_has_a_name_of_its_own_and_the_same_every_day(make: Make, adas: str) -> None:
    today, tomorrow = make().get(adas), make(now=NOW + timedelta(days=1)).get(adas)
    assert len(set(uids(today))) == 5
    assert uids(today) == uids(tomorrow)
    assert all(str(UUID(one)) == one for one in uids(today))


def test_the_name_of_an_entry_is_the_same_for_good() -> None:
    entry = Entry(
        rhythm="big-picture",
        turn="2027",
        side=Side.PARTNER,
        member_id=BO,
        opens_on=date(2027, 3, 1),
        closes_on=date(2027, 4, 30),
        private=True,
    )
    assert uid("fennel", entry) == UID_FOR_GOOD
    others = [
        replace(entry, rhythm="look-ahead"),
        replace(entry, turn="2028"),
        replace(entry, side=Side.MEMBER),
        replace(entry, side=None, member_id=None),
        replace(entry, member_id=CY),
    ]
    assert len({uid("thistle", entry), *(uid("fennel", one) for one in (entry, *others))}) == 7
    assert uid("fennel", replace(entry, opens_on=date(2027, 3, 9), closes_on=date(2027, 5, 9))) == UID_FOR_GOOD


def test_nothing_new_is_the_same_bytes_all_day_and_is_not_sent_again(make: Make, adas: str) -> None:
    morning = make(now=datetime(2027, 3, 2, 0, 5, tzinfo=UTC)).get(adas)
    evening = make(now=datetime(2027, 3, 2, 23, 55, tzinfo=UTC))
    assert evening.get(adas).data == morning.data
    again = evening.get(adas, headers={"If-None-Match": morning.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert evening.get(adas, headers={"If-None-Match": '"another"'}).status_code == 200


def test_what_changed_is_sent(fennel: Database, make: Make, adas: str) -> None:
    before = make().get(adas)
    change(fennel, BO, name="Bo T.")
    again = make().get(adas, headers={"If-None-Match": before.headers["ETag"]})
    assert (again.status_code, titles(again)[1]) == (200, "The bigger picture, together – Bo T.")


def test_the_day_is_the_one_where_the_person_is(fennel: Database, make: Make, adas: str) -> None:
    change(fennel, ADA, zone="Asia/Kathmandu")
    answer = make(now=datetime(2027, 3, 2, 19, 0, tzinfo=UTC)).get(adas)
    assert {one["DTSTAMP"].dt for one in events(answer)} == {datetime(2027, 3, 3, tzinfo=UTC)}


# -- who may see it ----------------------------------------------------------------------------------------------------


def test_it_is_kept_by_nobody_but_the_program_that_asked(make: Make, adas: str) -> None:
    answer = make().get(adas)
    assert answer.content_type == "text/calendar; charset=utf-8"
    assert set(answer.headers["Cache-Control"].split(", ")) == {"private", "no-cache"}
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_looking_changes_nothing_ever(fennel: Database, make: Make, adas: str, teams: str, method: str) -> None:
    before = everything(fennel)
    for place in (adas, teams, "/calendar/guessed.ics"):
        answer = make().open(place, method=method)
        assert bool(answer.data) is (method == "GET")
    assert everything(fennel) == before


def test_only_the_hash_of_an_address_is_kept(fennel: Database, adas: str) -> None:
    token = adas.removeprefix("/calendar/").removesuffix(".ics")
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", token)
    rows = fennel.transact(lambda session: list(session.scalars(select(FeedRow))))
    assert [(one.token_hash, one.organisation, one.person_id, one.made_at) for one in rows] == [
        (hashlib.sha256(token.encode()).hexdigest(), "fennel", ADA, NOW)
    ]
    assert token not in str(everything(fennel))


def test_an_address_that_was_taken_back_answers_like_one_that_never_was(
    fennel: Database, make: Make, adas: str, teams: str
) -> None:
    elsewhere, second = address(fennel, None, slug="thistle"), address(fennel, ADA)
    assert fennel.transact(lambda session: revoke_feeds(session, "fennel", ADA)) == 2
    (row,) = fennel.transact(lambda session: list(session.scalars(select(FeedRow).filter_by(organisation="fennel"))))
    places = [adas, second, elsewhere, f"/calendar/{row.token_hash}.ics", "/calendar/guessed.ics"]
    places.append(f"/calendar/{'x' * 2_000}.ics")
    answers = [make().get(one) for one in places]
    assert {(one.status_code, one.text, str(one.headers)) for one in answers} == {
        (404, answers[0].text, str(answers[0].headers))
    }
    assert make().get(teams).status_code == 200


def test_taking_back_one_persons_addresses_leaves_everybody_elses(fennel: Database) -> None:
    places = {who: address(fennel, who) for who in (ADA, BO, None)}
    assert fennel.transact(lambda session: revoke_feeds(session, "fennel", None)) == 1
    assert fennel.transact(lambda session: revoke_feeds(session, "thistle", ADA)) == 0

    def whose(session: Any) -> list[int | None]:
        tokens = [one.removeprefix("/calendar/").removesuffix(".ics") for one in places.values()]
        return [row.person_id for row in (feed_of(session, token) for token in tokens) if row is not None]

    assert fennel.transact(whose) == [ADA, BO]


# -- flask calendar ----------------------------------------------------------------------------------------------------


@pytest.fixture
def group(workshop: Workshop, environ: dict[str, str]) -> Callable[..., Result]:
    """Runs `flask calendar …` for the organisation of the app's environment, which has one person, ada."""
    ada = PersonRow(organisation="fennel-works", handle="ada", name="Ada Moreau")
    workshop.database.transact(lambda session: session.add(ada))

    def run(*args: str, **changes: str | None) -> Result:
        said = {name: value for name, value in (environ | changes).items() if value is not None}
        bench = Bench(workshop=workshop, settings=load_settings(said), make_worker=lambda: pytest.fail("no work here"))
        made: click.Group = calendar_group(bench)
        return CliRunner().invoke(made, args)

    return run


def feeds(workshop: Workshop) -> list[tuple[str, int | None]]:
    def read(session: Any) -> list[tuple[str, int | None]]:
        return [(one.organisation, one.person_id) for one in session.scalars(select(FeedRow))]

    return workshop.database.transact(read)


def test_an_address_is_shown_once_and_works(workshop: Workshop, group: Callable[..., Result]) -> None:
    done = group("link", "ada")
    assert (done.exit_code, feeds(workshop)) == (0, [("fennel-works", 1)])
    found = re.fullmatch(r"https://trellis\.fennel\.example(/calendar/\S{43}\.ics)\n", done.stdout)
    assert found is not None
    assert "It is shown this once: only its hash is kept." in done.stderr
    app = Flask("trellis")
    app.register_blueprint(calendar_blueprint(workshop.database, workshop.policies, workshop.now))
    assert Calendar.from_ical(app.test_client().get(found[1]).data)["X-WR-CALNAME"] == "Trellis – Fennel Works"


def test_without_a_public_address_the_path_is_shown_and_the_reason(group: Callable[..., Result]) -> None:
    done = group("link", "--team", TRELLIS_PUBLIC_URL=None, TRELLIS_SECRET_KEY=None)
    assert done.exit_code == 0
    assert re.fullmatch(r"/calendar/\S{43}\.ics\n", done.stdout)
    assert "TRELLIS_PUBLIC_URL is not set." in done.stderr


def test_addresses_are_taken_back(workshop: Workshop, group: Callable[..., Result]) -> None:
    for whose in ("ada", "ada", "--team"):
        group("link", whose)
    assert len(feeds(workshop)) == 3
    done = group("revoke", "ada")
    assert (done.exit_code, done.output, feeds(workshop)) == (0, "2 taken back.\n", [("fennel-works", None)])
    assert group("revoke", "ada").output == "There was no address to take back.\n"
    assert group("revoke", "--team").output == "1 taken back.\n"
    assert feeds(workshop) == []


@pytest.mark.parametrize("command", ["link", "revoke"])
@pytest.mark.parametrize(
    ("args", "why"),
    [
        ((), "Name one person by handle, or say --team."),
        (("ada", "--team"), "Name one person by handle, or say --team."),
        (("eve",), "Nobody in fennel-works has the handle 'eve'. Known: ada"),
        (("ada", "--organisation", "thistle"), "Which organisation?"),
    ],
)
def test_a_command_that_is_about_nobody_says_so_and_changes_nothing(
    workshop: Workshop, group: Callable[..., Result], command: str, args: tuple[str, ...], why: str
) -> None:
    done = group(command, *args)
    assert done.exit_code == 1
    assert why in done.output
    assert feeds(workshop) == []
