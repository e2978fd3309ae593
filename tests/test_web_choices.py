"""The page where a person answers, puts off or stops what they hear: looking changes nothing, twice is once."""

import re
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from html import escape, unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from markupsafe import Markup
from sqlalchemy import select, text
from werkzeug.test import TestResponse

from config.links import CHOICES_DAYS, STOP_DAYS, Links, Named
from domain.policy import Policy
from domain.rhythms import Clock, Interval, Role, Side, Start, Window, Windows
from store.database import Database
from store.models import LONG_AGO, AskedRow, Base, HeldRow, ObjectiveRow, PersonRow, RelationRow, SnoozeRow, TimelineRow
from tests.cast import NOW, POLICY, with_rhythms
from web.choices import LARGEST_ANSWER_BYTES, choices_blueprint, html_of
from web.pages import pages_blueprint

SECRET = "an-invented-secret-of-at-least-32-letters"
LINKS = Links("https://trellis.fennel.example", SECRET)
ADA, BO, CY, DEE = 1, 2, 3, 4
TODAY = date(2027, 3, 2)
KEY = "nudge:fennel:ada:2027-03-02"
NUDGED = Named(slug="fennel", person_id=ADA, effect_key=KEY)
SPRING = (Window(opens="03-01", closes="04-30"),)
BOTH = (Side.MEMBER, Side.PARTNER)
RHYTHMS = with_rhythms(
    career_talk=Windows(windows=SPRING, partners=(Role.MANAGER,), tells=BOTH, private=True),
    big_picture=Windows(windows=SPRING, partners=(Role.MANAGER,), tells=BOTH, private=True),
    two_weekly=Interval(anchor_on=date(2027, 1, 5), every_days=14, open_days=5, tells=(Side.MEMBER,)),
    buddy_welcome=Clock(
        since=Start.JOINED, after_days=(-7,), partners=(Role.BUDDY,), tells=(Side.PARTNER, Side.COORDINATOR)
    ),
    ticket_counts=Windows(windows=SPRING, tells=(Side.MEMBER,), private=True),
    look_ahead=Windows(windows=SPRING, tells=(Side.MEMBER,), before="budget_final_on"),
)
CAREER, CHECK_IN, BOS_TALK = "career-talk|2027", "two-weekly|2027-03-02", "big-picture|2027|partner|2"


@pytest.fixture
def fennel(database: Database) -> Database:
    """Ada, whose manager is Cy; Bo, whose manager is Ada; Dee, who joins next week. Ada was asked three things."""

    def fill(session: Any) -> None:
        for number, handle, name in ((ADA, "ada", "Ada Moreau"), (BO, "bo", "Bo Thapa"), (CY, "cy", "Cy Okafor")):
            session.add(PersonRow(id=number, organisation="fennel", handle=handle, name=name, look_at=NOW))
        session.add(PersonRow(id=DEE, organisation="fennel", handle="dee", name="Dee", joined_on=date(2027, 3, 9)))
        session.flush()
        session.get_one(PersonRow, CY).coordinator = True
        for person_id, other in ((ADA, "cy"), (BO, "ada")):
            session.add(RelationRow(organisation="fennel", person_id=person_id, role="manager", other=other))
        ask(session, ADA, "career-talk", "2027")
        ask(session, ADA, "two-weekly", "2027-03-02")
        ask(session, ADA, "big-picture", "2027", side="partner", member_id=BO)

    database.transact(fill)
    return database


def ask(session: Any, person_id: int, rhythm: str, turn: str, *, key: str = KEY, **changes: Any) -> None:
    row = {"side": "member", "member_id": person_id, "ask": "first", "closes_on": date(2027, 4, 30)} | changes
    session.add(AskedRow(person_id=person_id, rhythm=rhythm, turn=turn, at=NOW, day=TODAY, effect_key=key, **row))


Make = Callable[..., FlaskClient]


@pytest.fixture
def make(fennel: Database) -> Make:
    def make(policy: Policy = RHYTHMS, links: Links = LINKS, now: datetime = NOW) -> FlaskClient:
        app = Flask("trellis", static_folder=None)
        app.register_blueprint(pages_blueprint([], None))
        app.register_blueprint(choices_blueprint(fennel, {policy.slug: policy}, links, lambda: now))
        return app.test_client()

    return make


@pytest.fixture
def site(make: Make) -> FlaskClient:
    return make()


def place(named: Named = NUDGED, *, stop: bool = False) -> str:
    """The address of a link; the same one all the time, although a link carries the second it was made in."""
    return made_once(named, stop)


@cache
def made_once(named: Named, stop: bool) -> str:
    return made_now(named, stop=stop)


def made_now(named: Named = NUDGED, *, stop: bool = False) -> str:
    url = LINKS.stop_url(named) if stop else LINKS.choices_url(named)
    assert url is not None
    return url.removeprefix("https://trellis.fennel.example")


def named_as(person_id: int, effect_key: str = "") -> Named:
    return Named(slug="fennel", person_id=person_id, effect_key=effect_key)


def choose(site: FlaskClient, choice: str, part: str = "", named: Named = NUDGED) -> TestResponse:
    return site.post(place(named), data={"choice": choice, "part": part})


def change(database: Database, person_id: int, **values: Any) -> None:
    def write(session: Any) -> None:
        for name, value in values.items():
            setattr(session.get_one(PersonRow, person_id), name, value)

    database.transact(write)


def everything(database: Database) -> dict[str, list[str]]:
    """Every row of every table of ours."""

    def read(session: Any) -> dict[str, list[str]]:
        tables = Base.metadata.sorted_tables
        return {one.name: sorted(map(repr, session.execute(select(one)))) for one in tables}

    return database.transact(read)


def kept(database: Database) -> tuple[list[Any], list[Any]]:
    """What was said to be done, and what was put off."""

    def read(session: Any) -> tuple[list[Any], list[Any]]:
        held = session.scalars(select(HeldRow).order_by(HeldRow.id))
        put_off = session.scalars(select(SnoozeRow).order_by(SnoozeRow.id))
        return (
            [(one.person_id, one.rhythm, one.turn, one.how, one.day) for one in held],
            [(one.person_id, one.rhythm, one.turn, one.first_on, one.last_on) for one in put_off],
        )

    return database.transact(read)


def timeline(database: Database) -> list[tuple[Any, ...]]:
    def read(session: Any) -> list[tuple[Any, ...]]:
        rows = session.scalars(select(TimelineRow).order_by(TimelineRow.id))
        return [(one.organisation, one.at, one.what, one.person_id, one.about, one.details) for one in rows]

    return database.transact(read)


def looked_at_anew(database: Database) -> set[int]:
    return set(database.transact(lambda session: session.scalars(select(PersonRow.id).filter_by(look_at=LONG_AGO))))


def plain(page: str) -> str:
    return unescape(" ".join(Markup(page).striptags().split()))


def cards(page: str) -> dict[str, list[str]]:
    """The labels of the buttons by the part they are about; '' for those about everything."""
    found = {}
    for form in re.findall(r"<form.*?</form>", page, re.DOTALL):
        part = re.search(r'name="part" value="([^"]*)"', form)
        labels = re.findall(r"<button[^>]*>(.*?)</button>", form)
        found[unescape(part[1]) if part else ""] = labels
    return found


ANSWERS = ["We had it", "Not needed this time", "Ask again in a week", "Not again this time round"]
STOP_ALL, WAKE = "Nothing more until I say so", "Let me hear from Trellis again"

# -- looking -----------------------------------------------------------------------------------------------------------


def test_the_page_shows_each_part_of_the_message_with_its_words_and_its_answers(site: FlaskClient) -> None:
    answer = site.get(place())
    said = plain(answer.text)
    assert (answer.status_code, answer.content_type) == (200, "text/html; charset=utf-8")
    assert said.startswith(
        "What you hear from Trellis – Trellis What you hear from Trellis "
        "Hello Ada. Here you can answer what is open, put it off, or switch it off."
    )
    assert "Where would you like to go from here? You said that you like to talk about this now and then." in said
    assert "Until April 30, 2027 could be a good time, with Cy Okafor." in said
    assert "Which path do you see for yourself, and what could next year add to it?" in said
    assert "A look back, if you like What did you try, learn or show somebody else in the last 14 days?" in said
    assert "The bigger picture, together – Bo Thapa Until April 30, 2027 is a good time for an hour with Bo" in said
    assert "What you see here is for you alone. It is not for any appraisal." in said
    assert cards(answer.text) == {CAREER: ANSWERS, CHECK_IN: ANSWERS, BOS_TALK: ANSWERS, "": [STOP_ALL]}
    assert [said.index(one) for one in ("Where would", "A look back", "The bigger")] == sorted(
        said.index(one) for one in ("Where would", "A look back", "The bigger")
    )


@pytest.mark.parametrize(
    ("own", "organisation", "tag", "title"),
    [
        (None, "en", "en", "What you hear from Trellis"),
        (None, "de", "de", "Was du von Trellis hörst"),
        ("de", "en", "de", "Was du von Trellis hörst"),
        ("de_AT", "en", "de", "Was du von Trellis hörst"),
        ("nl", "de", "en", "What you hear from Trellis"),
    ],
)
def test_the_page_speaks_the_persons_language_and_says_which_it_is(
    fennel: Database, make: Make, own: str | None, organisation: str, tag: str, title: str
) -> None:
    change(fennel, ADA, locale=own)
    site = make(replace(RHYTHMS, organisation=replace(RHYTHMS.organisation, locale=organisation)))
    for page in (site.get(place()).text, site.get(place(stop=True)).text):
        assert f'<html lang="{tag}">' in page
    assert f"<h1>{title}</h1>" in site.get(place()).text


def test_a_brazilian_page_says_so_as_browsers_write_it(fennel: Database, site: FlaskClient) -> None:
    change(fennel, ADA, locale="pt_BR")
    assert '<html lang="pt-BR">' in site.get(place()).text


@pytest.mark.parametrize("query", ["\xed\xa0\x80", "thanks=\xff", "%ed%a0%80", "&&=;%"])
def test_a_query_that_is_no_text_does_no_harm(make: Make, query: str) -> None:
    assert make().get(place(), environ_overrides={"QUERY_STRING": query}).status_code == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
@pytest.mark.parametrize("stop", [False, True])
@pytest.mark.parametrize("asked", ["", "?choice=snooze-all", "?choice=held&part=career-talk%7C2027", "?thanks=1"])
def test_looking_changes_nothing_ever(fennel: Database, site: FlaskClient, method: str, stop: bool, asked: str) -> None:
    before = everything(fennel)
    assert len(before["asked"]) == 3
    for named in (NUDGED, named_as(ADA)):
        answer = site.open(place(named, stop=stop) + asked, method=method)
        assert answer.status_code == 200
        assert bool(answer.data) is (method == "GET")
    assert everything(fennel) == before


def test_a_page_about_nothing_in_particular_shows_what_is_open_today(fennel: Database, site: FlaskClient) -> None:
    page = site.get(place(named_as(ADA))).text
    assert set(cards(page)) == {CAREER, "big-picture|2027", CHECK_IN, "ticket-counts|2027", "", *TALKS_WITH_BO}
    assert choose(site, "held", "big-picture|2027", named_as(ADA)).status_code == 303
    assert kept(fennel)[0] == [(ADA, "big-picture", "2027", "held", TODAY)]
    assert "big-picture|2027" not in cards(site.get(place(named_as(ADA))).text)


TALKS_WITH_BO = ("career-talk|2027|partner|2", BOS_TALK)


@pytest.mark.parametrize(
    ("targets", "shown"),
    [
        ({}, "Your goal just now: Learn to sharpen tools"),
        ({"targets_done": 2, "targets_total": 5}, "Your goal just now: Learn to sharpen tools (2 of 5 targets)"),
    ],
)
def test_the_page_shows_ones_own_goal_and_how_far_its_targets_are(
    fennel: Database, site: FlaskClient, targets: dict[str, int], shown: str
) -> None:
    goal = {"organisation": "fennel", "title": "Learn to sharpen tools", "state": "active", "opened_at": NOW}
    fennel.transact(lambda session: session.add(ObjectiveRow(person_id=ADA, issue_number=11, **goal, **targets)))

    assert f'<p class="goal">{shown}</p>' in site.get(place()).text
    assert "goal" not in site.get(place(named_as(BO))).text.split("<h1", 1)[1].split("<form", 1)[0]


def test_when_nothing_is_open_the_page_says_so_and_can_still_switch_everything_off(make: Make) -> None:
    page = make(with_rhythms()).get(place(named_as(ADA))).text
    assert "Nothing is open for you at the moment." in plain(page)
    assert cards(page) == {"": [STOP_ALL]}


def test_a_message_that_nobody_remembers_shows_nothing_of_another(site: FlaskClient) -> None:
    page = site.get(place(replace(NUDGED, effect_key="nudge:fennel:ada:2026-01-01"))).text
    assert cards(page) == {"": [STOP_ALL]}


def test_a_link_names_only_its_own_persons_parts(site: FlaskClient) -> None:
    page = site.get(place(named_as(BO, KEY))).text
    assert (cards(page), "Ada" in page) == ({"": [STOP_ALL]}, False)


def test_a_rhythm_that_the_policy_has_no_more_is_not_shown(make: Make) -> None:
    kept_on = {name: one for name, one in RHYTHMS.rhythms.items() if name != "career-talk"}
    assert set(cards(make(replace(RHYTHMS, rhythms=kept_on)).get(place()).text)) == {CHECK_IN, BOS_TALK, ""}


def test_what_speaks_of_everybody_counts_everybody(fennel: Database, site: FlaskClient) -> None:
    def fill(session: Any) -> None:
        for number in range(10, 16):
            session.add(PersonRow(id=number, organisation="fennel", handle=f"p{number}", name="Somebody"))
        ask(session, DEE, "ticket-counts", "2027", key="counts")

    fennel.transact(fill)
    change(fennel, DEE, joined_on=None)
    page = plain(site.get(place(named_as(DEE, "counts"))).text)
    assert re.search(r"\b10\b", page)
    assert "fewer than five" not in page


def test_a_helper_is_told_in_words_of_their_own(fennel: Database, site: FlaskClient) -> None:
    fennel.transact(
        lambda session: ask(
            session, CY, "career-talk", "2027", key="help", side="partner", member_id=ADA, ask="available"
        )
    )
    page = site.get(place(named_as(CY, "help"))).text
    assert "Ada Moreau" in page
    assert "Where would you like to go" not in page


def test_names_are_shown_as_they_were_typed_and_never_become_a_tag_or_a_link(
    fennel: Database, site: FlaskClient
) -> None:
    names = ["<b>Bo</b>", "[Bo](https://bad.example)", "![](https://bad.example/x.png)", "<https://bad.example>"]
    names += ["<script>x</script>", "&lt;i&gt;", "[b]: https://bad.example", "<bo@bad.example>"]
    for name in names:
        change(fennel, BO, name=name)
        page = site.get(place()).text
        assert not re.search(r"<(b|i|a|img|script)\b", page)
        assert unescape(page).count(name) + unescape(page).count(name.replace("@", "@\u2060")) >= 2, name


@pytest.mark.parametrize(
    "typed", ["<div>here</div>", "<script>here</script>", "[here]: https://bad.example", "<!-- here -->"]
)
def test_what_looks_like_markup_is_text_at_the_start_of_a_line_as_well(typed: str) -> None:
    assert html_of(f"{typed}\n\n[here] and _this_") == (f"<p>{escape(typed)}</p>\n<p>[here] and <em>this</em></p>")


# -- answering ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("choice", "held", "put_off"),
    [
        ("held", [(ADA, "career-talk", "2027", "held", TODAY)], []),
        ("not-needed", [(ADA, "career-talk", "2027", "not needed", TODAY)], []),
        ("snooze-week", [], [(ADA, "career-talk", "2027", TODAY, date(2027, 3, 9))]),
        ("snooze-cycle", [], [(ADA, "career-talk", "2027", TODAY, None)]),
        ("snooze-all", [], [(ADA, None, None, TODAY, None)]),
    ],
)
def test_a_choice_is_kept_thanked_for_and_shown_as_chosen_and_twice_is_once(
    fennel: Database, site: FlaskClient, choice: str, held: list[Any], put_off: list[Any]
) -> None:
    answer = choose(site, choice, CAREER)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{place()}?thanks=1")
    assert kept(fennel) == (held, put_off)
    assert looked_at_anew(fennel) == {ADA, CY, DEE}  # dee was never looked at; cy is whom ada names
    once = everything(fennel)
    assert len(once["timeline"]) == 1
    assert choose(site, choice, CAREER).status_code == 303
    assert everything(fennel) == once

    page = site.get(answer.headers["Location"]).text
    assert 'role="status">✓ Thank you. It is noted, and there is nothing else to do.<' in page
    marked = re.findall(r'<button name="choice" value="([^"]+)"[^>]*aria-current="true">✓ ', page)
    assert marked == [choice]
    assert "Thank you" not in site.get(place()).text


def test_the_timeline_says_who_said_what_kind_of_thing_and_never_which_moment(
    fennel: Database, site: FlaskClient
) -> None:
    choose(site, "held", CAREER)
    choose(site, "not-needed", BOS_TALK)
    choose(site, "snooze-week", CAREER)
    choose(site, "snooze-all")
    choose(site, "wake")
    assert timeline(fennel) == [
        ("fennel", NOW, "moment held", ADA, "person:1", {"how": "held"}),
        ("fennel", NOW, "moment held", ADA, "person:2", {"how": "not needed"}),
        ("fennel", NOW, "put off", ADA, "person:1", {"until": "2027-03-09"}),
        ("fennel", NOW, "put off", ADA, "person:1", {"until": "further notice"}),
        ("fennel", NOW, "hears from us again", ADA, "person:1", {}),
    ]
    assert "career" not in str(everything(fennel)["timeline"])


def test_minds_may_change(fennel: Database, site: FlaskClient) -> None:
    choose(site, "snooze-cycle", CAREER)
    choose(site, "snooze-week", CHECK_IN)
    choose(site, "snooze-week", CAREER)
    choose(site, "held", CAREER)
    choose(site, "not-needed", CAREER)
    assert kept(fennel) == (
        [(ADA, "career-talk", "2027", "not needed", TODAY)],
        [
            (ADA, "two-weekly", "2027-03-02", TODAY, date(2027, 3, 9)),
            (ADA, "career-talk", "2027", TODAY, date(2027, 3, 9)),
        ],
    )


def test_two_clicks_at_once_are_one(fennel: Database, site: FlaskClient) -> None:
    answers: list[int] = []
    clicks = [
        threading.Thread(
            target=lambda: answers.append(choose(site.application.test_client(), "snooze-all").status_code)
        )
        for _ in range(4)
    ]
    for click in clicks:
        click.start()
    for click in clicks:
        click.join()
    assert answers == [303] * 4
    assert (len(kept(fennel)[1]), len(timeline(fennel))) == (1, 1)


def test_who_put_something_off_may_hear_from_us_again(fennel: Database, site: FlaskClient) -> None:
    assert cards(site.get(place()).text)[""] == [STOP_ALL]
    choose(site, "snooze-all")
    choose(site, "snooze-week", CHECK_IN)
    assert cards(site.get(place()).text)[""] == [f"✓ {STOP_ALL}", WAKE]
    assert choose(site, "wake").status_code == 303
    assert kept(fennel) == ([], [])
    assert cards(site.get(place()).text)[""] == [STOP_ALL]
    choose(site, "wake")
    assert [one[2] for one in timeline(fennel)].count("hears from us again") == 1


def test_what_is_over_is_not_offered_to_be_woken(make: Make, site: FlaskClient) -> None:
    choose(site, "snooze-week", CAREER)
    assert WAKE in cards(make(now=NOW + timedelta(days=7)).get(place()).text)[""]
    assert WAKE not in cards(make(now=NOW + timedelta(days=8)).get(place()).text)[""]


def test_today_is_the_day_where_the_person_is(fennel: Database, make: Make) -> None:
    change(fennel, ADA, zone="Asia/Kathmandu")
    site = make(now=datetime(2027, 3, 2, 19, 0, tzinfo=UTC))
    choose(site, "held", CAREER)
    choose(site, "snooze-all")
    assert kept(fennel) == (
        [(ADA, "career-talk", "2027", "held", date(2027, 3, 3))],
        [(ADA, None, None, date(2027, 3, 3), None)],
    )


@pytest.mark.parametrize(
    ("choice", "part"),
    [
        ("held", ""),
        ("held", "big-picture|2027"),
        ("held", "big-picture|2027|partner|3"),
        ("held", "career-talk|2028"),
        ("snooze-week", "look-ahead|2027"),
        ("close-it", CAREER),
        ("", CAREER),
        ("HELD", CAREER),
    ],
)
def test_only_what_the_message_holds_may_be_chosen_and_else_nothing_changes(
    fennel: Database, site: FlaskClient, choice: str, part: str
) -> None:
    before = everything(fennel)
    answer = choose(site, choice, part)
    assert answer.status_code == 400
    assert "That is not one of the answers this page has now, so nothing was changed." in plain(answer.text)
    assert set(cards(answer.text)) == {CAREER, CHECK_IN, BOS_TALK, ""}
    assert everything(fennel) == before


def test_an_answer_of_more_than_a_few_kilobytes_is_refused(fennel: Database, site: FlaskClient) -> None:
    before = everything(fennel)
    data = {"choice": "held", "part": CAREER, "more": "x" * LARGEST_ANSWER_BYTES}
    assert site.post(place(), data=data).status_code == 413
    assert site.post(place(), data=data, content_type="multipart/form-data").status_code == 413
    assert everything(fennel) == before


# -- at somebody's side ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("choice", "how"), [("held", "held"), ("not-needed", "not needed")])
def test_a_partners_word_is_kept_for_the_member_and_not_for_their_own_moment_of_that_name(
    fennel: Database, site: FlaskClient, choice: str, how: str
) -> None:
    assert choose(site, choice, BOS_TALK).status_code == 303
    assert kept(fennel) == ([(BO, "big-picture", "2027", how, TODAY)], [])


def test_a_partners_word_never_replaces_the_members(fennel: Database, site: FlaskClient) -> None:
    fennel.transact(
        lambda session: session.add(
            HeldRow(person_id=BO, rhythm="big-picture", turn="2027", how="not needed", day=date(2027, 3, 1))
        )
    )
    before = everything(fennel)
    assert choose(site, "held", BOS_TALK).status_code == 303
    assert everything(fennel) == before


def test_a_members_word_replaces_a_partners_and_what_we_guessed(fennel: Database, site: FlaskClient) -> None:
    fennel.transact(
        lambda session: session.add(
            HeldRow(person_id=ADA, rhythm="career-talk", turn="2027", how="spoke", day=date(2027, 3, 1))
        )
    )
    choose(site, "not-needed", CAREER)
    assert kept(fennel)[0] == [(ADA, "career-talk", "2027", "not needed", date(2027, 3, 1))]


def test_a_partner_sees_neither_what_the_member_said_nor_their_own_word_on_another_talk(
    fennel: Database, site: FlaskClient
) -> None:
    before = site.get(place()).text

    def say(session: Any) -> None:
        for person_id, how in ((ADA, "held"), (BO, "not needed")):
            session.add(HeldRow(person_id=person_id, rhythm="big-picture", turn="2027", how=how, day=TODAY))

    fennel.transact(say)
    assert site.get(place()).text == before


def test_later_is_only_for_who_says_it(fennel: Database, site: FlaskClient) -> None:
    choose(site, "snooze-cycle", BOS_TALK)
    assert kept(fennel) == ([], [(ADA, "big-picture", "2027", TODAY, None)])


@pytest.mark.parametrize(
    ("rhythm", "turn", "changes"),
    [
        ("buddy-welcome", "d-7", {"member_id": DEE}),
        ("look-ahead", "2027", {"member_id": CY, "ask": "dates"}),
    ],
)
def test_a_coordinator_can_only_say_later_since_nothing_was_to_be_had(
    fennel: Database, site: FlaskClient, rhythm: str, turn: str, changes: dict[str, Any]
) -> None:
    fennel.transact(lambda session: ask(session, CY, rhythm, turn, key="task", side="coordinator", **changes))
    cy, part = named_as(CY, "task"), f"{rhythm}|{turn}|coordinator|{changes['member_id']}"
    assert cards(site.get(place(cy)).text) == {part: ANSWERS[2:], "": [STOP_ALL]}
    before = everything(fennel)
    for choice in ("held", "not-needed"):
        assert choose(site, choice, part, cy).status_code == 400
    assert everything(fennel) == before
    assert choose(site, "snooze-cycle", part, cy).status_code == 303


def test_a_coordinator_reads_which_dates_are_wanted(fennel: Database, site: FlaskClient) -> None:
    fennel.transact(
        lambda session: ask(
            session, CY, "look-ahead", "2027", key="dates", side="coordinator", member_id=CY, ask="dates"
        )
    )
    said = plain(site.get(place(named_as(CY, "dates"))).text)
    assert "budget_final_on is not known yet for the window from March 1, 2027 to April 30, 2027." in said


# -- stopping ----------------------------------------------------------------------------------------------------------


def test_stopping_is_asked_about_first(site: FlaskClient) -> None:
    page = site.get(place(stop=True)).text
    assert "Switch everything off? Trellis will send you nothing more until you say so." in plain(page)
    assert cards(page) == {"": [STOP_ALL]}


@pytest.mark.parametrize(
    "body",
    [
        {"data": {"List-Unsubscribe": "One-Click"}},
        {"data": {"List-Unsubscribe": "One-Click"}, "content_type": "multipart/form-data"},
        {"data": {}},
    ],
)
def test_one_click_stops_everything_without_a_cookie_and_twice_is_once(
    fennel: Database, site: FlaskClient, body: dict[str, Any]
) -> None:
    answer = site.post(place(stop=True), **body)
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    assert "✓ Thank you. It is noted" in plain(answer.text)
    assert cards(answer.text) == {}
    assert kept(fennel) == ([], [(ADA, None, None, TODAY, None)])
    assert [one[2:] for one in timeline(fennel)] == [("put off", ADA, "person:1", {"until": "further notice"})]
    once = everything(fennel)
    assert site.post(place(stop=True), **body).status_code == 200
    assert everything(fennel) == once


def test_an_end_said_earlier_gives_way_to_stopping_for_good(fennel: Database, site: FlaskClient) -> None:
    earlier = SnoozeRow(person_id=ADA, first_on=TODAY, last_on=date(2027, 3, 5))
    fennel.transact(lambda session: session.add(earlier))
    site.post(place(stop=True))
    assert kept(fennel)[1] == [(ADA, None, None, TODAY, None)]


# -- links that do not work --------------------------------------------------------------------------------------------


def aged(monkeypatch: pytest.MonkeyPatch, days: int, *, stop: bool) -> str:
    """A link made so many days ago."""
    made = datetime.now(UTC) - timedelta(days=days)
    with monkeypatch.context() as patched:
        patched.setattr("itsdangerous.timed.time.time", made.timestamp)
        return made_now(stop=stop)


@pytest.mark.parametrize(("stop", "days"), [(False, CHOICES_DAYS), (True, STOP_DAYS)])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_old_link_and_an_invented_one_and_one_about_nobody_get_the_very_same_answer(
    fennel: Database,
    site: FlaskClient,
    make: Make,
    monkeypatch: pytest.MonkeyPatch,
    stop: bool,
    days: int,
    method: str,
) -> None:
    path = "stop" if stop else "choices"
    salted = URLSafeTimedSerializer(SECRET, salt=f"trellis.{path}")
    other_key = URLSafeTimedSerializer(SECRET[::-1], salt=f"trellis.{path}").dumps(["fennel", ADA, KEY])
    places = [
        aged(monkeypatch, days + 1, stop=stop),
        place(stop=stop) + "x",
        place(stop=not stop).replace("/choices/" if stop else "/stop/", f"/{path}/"),
        f"/{path}/guessed",
        f"/{path}/{other_key}",
        f"/{path}/{salted.dumps(['fennel', ADA])}",
        place(named_as(99, KEY), stop=stop),
        place(Named(slug="thistle", person_id=ADA, effect_key=KEY), stop=stop),
    ]
    before = everything(fennel)
    answers = [site.open(one, method=method, data={"choice": "snooze-all"}) for one in places]
    answers.append(make(links=Links(None, None)).open(place(stop=stop), method=method))
    assert {(one.status_code, one.text, str(one.headers)) for one in answers} == {
        (404, answers[0].text, str(answers[0].headers))
    }
    said = plain(answers[0].text)
    assert "This link was used already, or it has grown old." in said
    assert '<html lang="en">' in answers[0].text
    assert everything(fennel) == before


@pytest.mark.parametrize(("stop", "days"), [(False, CHOICES_DAYS), (True, STOP_DAYS)])
def test_a_link_works_to_its_last_day(
    site: FlaskClient, monkeypatch: pytest.MonkeyPatch, stop: bool, days: int
) -> None:
    assert site.get(aged(monkeypatch, days - 1, stop=stop)).status_code == 200


@pytest.mark.parametrize(
    ("accepts", "tag", "word"),
    [
        ("de-DE,de;q=0.9,en;q=0.5", "de", "Dieser Link"),
        ("pt-BR", "pt-BR", "link"),
        ("nl", "en", "This link"),
        ("", "en", "This link"),
    ],
)
def test_a_link_that_does_not_work_says_so_in_the_browsers_language(
    site: FlaskClient, accepts: str, tag: str, word: str
) -> None:
    page = site.get("/choices/guessed", headers={"Accept-Language": accepts}).text
    assert f'<html lang="{tag}">' in page
    assert word in page


def test_who_has_left_sees_nothing_any_more_but_may_still_stop_it(fennel: Database, site: FlaskClient) -> None:
    change(fennel, ADA, left_on=date(2027, 3, 3))
    assert site.get(place()).status_code == 200
    change(fennel, ADA, left_on=TODAY)
    assert site.get(place()).text == site.get("/choices/guessed").text
    assert choose(site, "held", CAREER).status_code == 404
    assert kept(fennel) == ([], [])
    assert site.post(place(stop=True)).status_code == 200


# -- safety and looks --------------------------------------------------------------------------------------------------


def answers_of_all_kinds(site: FlaskClient) -> list[TestResponse]:
    return [
        site.get(place()),
        choose(site, "held", CAREER),
        choose(site, "held", "nothing"),
        site.get(place(stop=True)),
        site.post(place(stop=True)),
        site.get("/choices/guessed"),
        site.post("/stop/guessed"),
    ]


def test_every_answer_is_kept_by_nobody_and_tells_nobody_where_it_came_from(site: FlaskClient) -> None:
    for answer in answers_of_all_kinds(site):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == (
            "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; "
            "frame-ancestors 'none'"
        )
        assert "Set-Cookie" not in answer.headers


def test_the_pages_have_no_script_and_nothing_from_elsewhere(site: FlaskClient) -> None:
    for answer in answers_of_all_kinds(site):
        for forbidden in ("<script", "style=", "onclick", "<img", "http://", "https://"):
            assert forbidden not in answer.text


def test_what_the_pages_load_is_there(site: FlaskClient) -> None:
    styles = re.findall(r'<link rel="stylesheet" href="([^"]+)">', site.get(place()).text)
    assert styles == ["/static/trellis.css", "/static/answers.css"]
    assert [site.get(one, buffered=True).status_code for one in styles] == [200, 200]


def test_every_button_says_what_it_is_about_to_who_cannot_see_the_page(site: FlaskClient) -> None:
    page = site.get(place()).text
    buttons = re.findall(r"<button[^>]*>", page)
    described = [re.search(r'aria-describedby="([^"]+)"', one) for one in buttons]
    assert len(buttons) == 13
    assert all(one is not None and f'id="{one[1]}"' in page for one in described)


def test_each_organisation_sees_only_itself(fennel: Database, make: Make) -> None:
    thistle = make(replace(POLICY, slug="thistle"))
    assert thistle.get(place(Named(slug="thistle", person_id=ADA, effect_key=KEY))).status_code == 404


def test_the_database_holds_a_foreign_key_for_every_word(fennel: Database, site: FlaskClient) -> None:
    choose(site, "held", CAREER)
    assert fennel.transact(lambda session: list(session.execute(text("PRAGMA foreign_key_check")))) == []
