"""What one message says, whole: the parts in a person's language, one greeting, one footer, nothing twice."""

# ruff: noqa: E501 - messages stand here as they are read

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from config.policy import load_policy
from config.prompts import Around
from domain.moments import Commitment, Standing
from domain.parts import Ask, Part
from domain.people import Pause, Person
from domain.policy import Channel, Policy
from domain.rhythms import Interval, Role, Side, Window, Windows
from jobs.digest import Digest, digest, plain
from tests.cast import ADA, BO, CY, DEE

TODAY = date(2027, 3, 2)
CHOICES = "https://trellis.fennel.example/choices/t0ken"
EVERYTHING = """profile = "everything"
[organisation]
name = "Fennel Works"
zone = "Europe/Lisbon"
[github]
repository = "fennel-works/learning"
"""
CYS = {Role.MANAGER: "cy"}
COACHED = replace(ADA, relations={Role.MANAGER: "cy", Role.COACH: "bo"})


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    """The profile that has every rhythm."""
    file = tmp_path_factory.mktemp("policy") / "fennel.toml"
    file.write_text(EVERYTHING, encoding="utf-8")
    return load_policy(file)


def around(policy: Policy, reader: Person | Standing, *others: Person | Standing, today: date = TODAY) -> Around:
    """Whom a digest may speak of."""
    everybody = [one if isinstance(one, Standing) else Standing(person=one) for one in (reader, *others)]
    return Around(
        policy=policy,
        reader=everybody[0],
        members={one.person.id: one for one in everybody},
        people={one.person.handle: one.person for one in everybody},
        everybody=everybody,
        today=today,
    )


def part(rhythm: str, member: Person = ADA, **changes: Any) -> Part:
    """A first word to a member about their own moment of spring."""
    mine = Part(
        rhythm=rhythm,
        turn="2027",
        side=Side.MEMBER,
        ask=Ask.FIRST,
        member_id=member.id,
        counts_from_on=date(2027, 3, 1),
        closes_on=date(2027, 4, 30),
    )
    return mine._replace(**changes)


def on_issue(found: Around, *parts: Part) -> Digest:
    return digest(found, parts, way=Channel.GITHUB, choices_url=None)


def by_letter(found: Around, *parts: Part, choices_url: str | None = CHOICES) -> Digest:
    return digest(found, parts, way=Channel.MAIL, choices_url=choices_url)


def said(found: Around, *parts: Part) -> list[str]:
    """Only what stands between the greeting and the footer, a section each."""
    text = by_letter(found, *parts).text
    sections = text.split("\n\n### ")[1:]
    footer = sections[-1].rindex("\n\n_")
    return [*sections[:-1], sections[-1][:footer]]


# -- a whole message ---------------------------------------------------------------------------------------------------


def for_ada(policy: Policy, locale: str) -> Digest:
    parts = [
        part("two-weekly", turn="2027-03-02", ask=Ask.AGAIN),
        part("quarterly-targets", turn="2027-01-01", ask=Ask.PAUSE),
    ]
    return on_issue(around(policy, replace(COACHED, locale=locale), BO, CY), *parts)


def for_cy(policy: Policy, locale: str, *, dates: bool = True) -> Digest:
    ada, bo = replace(ADA, relations=CYS), replace(BO, relations=CYS)
    october = date(2027, 10, 31)
    wanted = [part("look-ahead", CY, side=Side.COORDINATOR, ask=Ask.DATES, closes_on=october)] if dates else []
    return by_letter(
        around(policy, replace(CY, locale=locale), ada, bo),
        part("big-picture", CY, turn="2027-1"),
        part("big-picture", ada, turn="2027-1", side=Side.PARTNER),
        part("big-picture", bo, turn="2027-1", side=Side.PARTNER),
        part("look-ahead", CY, ask=Ask.MOVED, closes_on=october),
        part("two-weekly", ada, turn="2027-03-02", side=Side.PARTNER, ask=Ask.AVAILABLE),
        *wanted,
    )


def test_a_comment_on_a_goal_in_english(policy: Policy) -> None:
    found = for_ada(policy, "en")

    assert found.subject == "A look back, if you like · A new quarter for your goal"
    assert (
        found.text
        == """Hello Ada,

this comes round at the moment. Take from it what is useful to you.

### A look back, if you like

_This is the second time. It comes once more at most, and then it is quiet._

What did you try, learn or show somebody else in the last 14 days? One line as a comment on your goal is plenty, and it will be good to read again in half a year.

Did somebody help you, or do something well? A thank-you belongs here too.

This does not come when you have already written.

### A new quarter for your goal

_This is the third time. Shall we pause it? Without an answer, Trellis is quiet about it until it comes round anew._

A large goal is easier in small pieces. Which one or two steps would you enjoy finishing in the next three months?

You can write them as checkboxes in the description of your goal. What you noted there before shows how far you have come. A talk about it with Cy Okafor may help.

Leaving the goal as it is, or changing it, is just as good.

_Why this? It is part of how your team helps each other learn (Fennel Works). It is yours, and not for any appraisal._
_To answer, write one of these alone on a line in a comment: `/held`, `/not-needed`, `/snooze 2 weeks`, `/snooze all`._
_No answer is fine too: it grows quieter by itself._"""
    )


def test_a_letter_in_english(policy: Policy) -> None:
    found = for_cy(policy, "en")

    assert (
        found.subject
        == "The bigger picture · The bigger picture, together · Looking ahead to next year · Being easy to reach · Dates that Trellis would like to know"
    )
    assert (
        found.text
        == """Hello Cy,

this comes round at the moment. Take from it what is useful to you.

### The bigger picture

Until April 30, 2027, would you like an hour with somebody you trust to look at the bigger picture? It goes both ways, in any form that suits you.

- What did you think this time would be like, and how did it turn out?
- What comes easily now that was hard before?
- Where was help welcome, and where did you give more than anybody asked?
- Who is better off because of your work, in the team and outside it?

If you wrote notes on the way, read them first: there is usually more in them than one remembers.

### The bigger picture, together

Until April 30, 2027 is a good time for an hour with Ada Moreau and Bo Thapa to look at the bigger picture. It is a talk in both directions, in any form that suits you.

- Say what you saw growing, with an example.
- Ask where help was welcome, and what would help from here on.
- Say what you learned yourself, and ask what you could do differently.

What is said stays between you. Trellis only keeps whether it took place, and "not needed" is a good answer.

### Looking ahead to next year

_The date has moved: there is now time until October 31, 2027._

### Being easy to reach

It has been quiet for a while between Trellis and Ada Moreau, and that is quite all right. There is nothing to ask about and nothing to follow up.

If you meet anyway, let them know that you are there, should they like company or help with something.

### Dates that Trellis would like to know

Looking ahead to next year waits, since Trellis does not guess dates: `goals_set_on` is not known yet for the window from September 1, 2027 to October 31, 2027.

The dates stand under `organisation.milestones` in the policy file, for example `goals_set_on` for the day next year's goals are there and `budget_final_on` for the day the budget is final. The first comes before the second.

Once they are there, it comes by itself.

_Why this? It is part of how your team helps each other learn (Fennel Works). It is yours, and not for any appraisal._
_Answer, postpone or switch off anything here: <https://trellis.fennel.example/choices/t0ken>_
_No answer is fine too: it grows quieter by itself._"""
    )


def test_a_comment_on_a_goal_in_german(policy: Policy) -> None:
    found = for_ada(policy, "de")

    assert found.subject == "Ein Blick zurück, wenn du magst · Ein neues Quartal für dein Ziel"
    assert (
        found.text
        == """Hallo Ada,

das hier ist gerade an der Reihe. Nimm dir davon, was dir nützt.

### Ein Blick zurück, wenn du magst

_Das ist das zweite Mal. Es kommt höchstens noch einmal, dann ist Ruhe._

Was hast du in den letzten 14 Tagen probiert, gelernt oder anderen gezeigt? Eine Zeile als Kommentar bei deinem Ziel reicht völlig, und in einem halben Jahr liest du sie gern wieder.

Hat dir jemand geholfen oder etwas gut gemacht? Auch ein Danke hat hier Platz.

Wenn du schon geschrieben hast, kommt das hier nicht.

### Ein neues Quartal für dein Ziel

_Das ist das dritte Mal. Wollen wir es ruhen lassen? Ohne Antwort bleibt Trellis dazu still, bis es von Neuem an der Reihe ist._

Ein großes Ziel ist in kleinen Stücken leichter. Welche ein oder zwei Schritte würdest du in den nächsten drei Monaten gern zu Ende bringen?

Du kannst sie als Kästchen zum Abhaken in die Beschreibung deines Ziels schreiben. Was du dort früher notiert hast, zeigt, wie weit du gekommen bist. Vielleicht hilft ein Gespräch darüber mit Cy Okafor.

Das Ziel zu lassen, wie es ist, oder es zu ändern, ist genauso gut.

_Warum das hier? Es gehört dazu, wie ihr einander im Team beim Lernen helft (Fennel Works). Es ist für dich und fließt in keine Beurteilung ein._
_Zum Antworten schreib eines davon allein in eine Zeile eines Kommentars: `/held`, `/not-needed`, `/snooze 2 weeks`, `/snooze all`._
_Keine Antwort ist auch in Ordnung: Dann wird es von selbst ruhiger._"""
    )


def test_a_letter_in_german(policy: Policy) -> None:
    found = for_cy(policy, "de", dates=False)

    assert (
        found.subject
        == "Das große Ganze · Das große Ganze, gemeinsam · Ein Blick auf das nächste Jahr · Leicht zu erreichen sein"
    )
    assert (
        found.text
        == """Hallo Cy,

das hier ist gerade an der Reihe. Nimm dir davon, was dir nützt.

### Das große Ganze

Magst du bis 30. April 2027 mit einer Person deines Vertrauens eine Stunde lang auf das große Ganze schauen? Es geht in beide Richtungen, in jeder Form, die euch passt.

- Wie hattest du dir diese Zeit vorgestellt, und wie ist sie geworden?
- Was geht dir jetzt leicht von der Hand, das früher schwer war?
- Wo war Hilfe willkommen, und wo hast du mehr gegeben, als irgendwer erbeten hat?
- Wem geht es durch deine Arbeit besser, im Team und darüber hinaus?

Falls du unterwegs Notizen gemacht hast, lies sie vorher: Meist steht mehr darin, als im Gedächtnis bleibt.

### Das große Ganze, gemeinsam

Bis 30. April 2027 ist Raum für eine Stunde mit Ada Moreau und Bo Thapa, um auf das große Ganze zu schauen. Es ist ein Gespräch in beide Richtungen, in jeder Form, die euch passt.

- Sag, was du hast wachsen sehen, mit einem Beispiel.
- Frag, wo Hilfe willkommen war und was von jetzt an helfen würde.
- Sag, was du selbst gelernt hast, und frag, was du anders machen könntest.

Was gesagt wird, bleibt unter euch. Trellis merkt sich nur, ob es stattgefunden hat, und „nicht nötig“ ist eine gute Antwort.

### Ein Blick auf das nächste Jahr

_Der Termin hat sich verschoben: Jetzt ist Zeit bis 31. Oktober 2027._

### Leicht zu erreichen sein

Bei Ada Moreau ist es hier seit einer Weile ruhig, und das ist völlig in Ordnung. Es gibt nichts zu erfragen und nichts nachzuhalten.

Wenn ihr euch ohnehin begegnet, lass wissen, dass du da bist, falls Gesellschaft oder etwas Hilfe willkommen ist.

_Warum das hier? Es gehört dazu, wie ihr einander im Team beim Lernen helft (Fennel Works). Es ist für dich und fließt in keine Beurteilung ein._
_Hier kannst du alles beantworten, aufschieben oder abschalten: <https://trellis.fennel.example/choices/t0ken>_
_Keine Antwort ist auch in Ordnung: Dann wird es von selbst ruhiger._"""
    )


@pytest.mark.parametrize("locale", ["en", "de", "es", "fr", "pt_BR"])
def test_a_message_comes_whole_in_every_language(policy: Policy, locale: str) -> None:
    for found in (for_ada(policy, locale), for_cy(policy, locale)):
        assert "{" not in found.text
        assert found.text == found.text.strip()
        assert "\n\n\n" not in found.text
    english = for_ada(policy, "en").text
    assert for_ada(policy, locale).text.count("### ") == english.count("### ")
    assert (for_ada(policy, locale).text == english) is (locale == "en")


def test_what_keeps_a_date_from_being_told_is_said_in_the_readers_language(policy: Policy) -> None:
    """The sentence about the dates is put together from words of Trellis like any other."""
    assert "is not known yet for the window" in for_cy(policy, "en").text
    assert (
        "`goals_set_on` ist für die Zeit vom 1. September 2027 bis 31. Oktober 2027 noch nicht"
        in for_cy(policy, "de").text
    )


def test_the_organisations_language_holds_for_whoever_has_none(policy: Policy) -> None:
    german = replace(policy, organisation=replace(policy.organisation, locale="de"))

    assert on_issue(around(german, ADA), part("self-prep")).text.startswith("Hallo Ada,\n")
    assert on_issue(around(german, replace(ADA, locale="en")), part("self-prep")).text.startswith("Hello Ada,\n")


# -- greeting and footer -----------------------------------------------------------------------------------------------


def test_there_is_one_greeting_and_one_footer_however_many_parts(policy: Policy) -> None:
    text = by_letter(around(policy, ADA), part("self-prep"), part("weekly"), part("ticket-renewal")).text

    assert text.count("Hello Ada") == text.count("_Why this?") == text.count(CHOICES) == 1
    assert text.count("\n### ") == 3


def test_a_comment_says_how_to_answer_in_a_comment_and_a_letter_where_to_click(policy: Policy) -> None:
    found = around(policy, ADA)

    assert "`/held`" in on_issue(found, part("self-prep")).text
    assert CHOICES not in on_issue(found, part("self-prep")).text
    letter = by_letter(found, part("self-prep")).text
    assert "`/held`" not in letter
    assert letter.endswith(f"<{CHOICES}>_\n_No answer is fine too: it grows quieter by itself._")


def test_a_letter_without_links_names_a_person_who_can_help(policy: Policy) -> None:
    letter = by_letter(around(policy, ADA), part("self-prep"), choices_url=None).text

    assert letter.endswith(
        "\n\n_Why this? It is part of how your team helps each other learn (Fennel Works). It is yours, and not for any appraisal._\n"
        "_A coordinator can change how often you hear from Trellis, or switch it off for you._"
    )


def test_a_subject_names_each_part_once(policy: Policy) -> None:
    found = around(policy, replace(CY, relations={}), replace(ADA, relations=CYS), replace(BO, relations=CYS))
    parts = [
        part("onboarding", ADA, turn="m3", side=Side.PARTNER),
        part("onboarding", BO, turn="m3", side=Side.PARTNER, ask=Ask.AGAIN),
        part("self-prep", CY),
    ]

    assert by_letter(found, *parts).subject == "How are the first months going? · Some questions only for yourself"


# -- several people in one part ----------------------------------------------------------------------------------------

TEAM = (replace(ADA, relations=CYS), replace(BO, relations=CYS), replace(DEE, relations=CYS))


def of_partner(rhythm: str, *members: Person, turns: Sequence[str] = ("2027-03-01",) * 3, **changes: Any) -> list[Part]:
    return [
        part(rhythm, one, turn=turn, side=Side.PARTNER, **changes) for one, turn in zip(members, turns, strict=False)
    ]


def test_one_talk_with_two_people_is_one_part_that_names_both(policy: Policy) -> None:
    [section] = said(around(policy, CY, *TEAM), *of_partner("reverse-offer", *TEAM[:2]))

    assert section.startswith(
        "This time, you could ask first\n\nIs there something you could do so that learning gets easier for Ada Moreau "
        "and Bo Thapa? You could ask,"
    )


@pytest.mark.parametrize(
    ("locale", "named"),
    [
        ("en", "Ada Moreau, Bo Thapa, and Dee"),
        ("de", "Ada Moreau, Bo Thapa und Dee"),
        ("es", "Ada Moreau, Bo Thapa y Dee"),
        ("fr", "Ada Moreau, Bo Thapa et Dee"),
        ("pt", "Ada Moreau, Bo Thapa e Dee"),
    ],
)
def test_names_are_put_in_a_list_as_the_language_does(policy: Policy, locale: str, named: str) -> None:
    [section] = said(around(policy, replace(CY, locale=locale), *TEAM), *of_partner("stay-available", *TEAM))

    assert named in section


def test_people_whose_own_clocks_fall_together_share_a_part_and_its_earliest_day(policy: Policy) -> None:
    """Their turns are their own; what is said is the same, and nobody's day may pass unsaid."""
    parts = of_partner("onboarding", *TEAM[:2], turns=("m3", "m6"))
    parts = [parts[0]._replace(closes_on=date(2027, 3, 25)), parts[1]._replace(closes_on=date(2027, 3, 18))]

    [section] = said(around(policy, CY, *TEAM), *parts)

    assert "Until March 18, 2027 is a good time for a talk with Ada Moreau and Bo Thapa" in section


def test_two_turns_of_one_rhythm_are_two_parts(policy: Policy) -> None:
    sections = said(
        around(policy, CY, *TEAM), *of_partner("quarterly-talk", *TEAM[:2], turns=("2027-01-15", "2027-04-15"))
    )

    assert [one.partition("\n")[0] for one in sections] == ["A quarterly talk, both ways"] * 2


def test_being_easy_to_reach_is_said_once_whatever_went_unanswered(policy: Policy) -> None:
    parts = [
        *of_partner("self-prep", ADA, turns=("2027",), ask=Ask.AVAILABLE),
        *of_partner("big-picture", ADA, BO, turns=("2027-1", "2027-1"), ask=Ask.AVAILABLE),
    ]

    [section] = said(around(policy, CY, *TEAM), *parts)

    assert section.startswith(
        "Being easy to reach\n\nIt has been quiet for a while between Trellis and Ada Moreau and Bo"
    )


def test_somebody_named_twice_is_named_once(policy: Policy) -> None:
    """Manager and coach of the same person hear of them once."""
    [section] = said(around(policy, CY, *TEAM), *of_partner("reverse-offer", ADA, ADA))

    assert section.count("Ada Moreau") == 1


def test_what_somebody_hears_of_themselves_stays_apart_from_what_they_hear_of_others(policy: Policy) -> None:
    parts = [part("protect-time", CY, turn="ilo1-d3"), *of_partner("protect-time", ADA, turns=("ilo2-d3",))]

    sections = said(around(policy, CY, *TEAM), *parts)

    assert [one.partition("\n")[0] for one in sections] == ["Room for your new goal", "Room for a new goal"]


# -- who is named ------------------------------------------------------------------------------------------------------


def named_in(policy: Policy, reader: Person, *others: Person, today: date = TODAY) -> str:
    [section] = said(around(policy, reader, *others, today=today), part("big-picture", reader, turn="2027-1"))
    return section.partition("an hour with ")[2].partition(" to look")[0]


def test_a_talk_names_everybody_it_is_with(policy: Policy) -> None:
    assert named_in(policy, COACHED, BO, CY) == "Cy Okafor and Bo Thapa"


def test_nobody_to_talk_with_is_somebody_they_trust(policy: Policy) -> None:
    assert named_in(policy, ADA, BO, CY) == "somebody you trust"
    assert named_in(policy, replace(ADA, relations={Role.MANAGER: "gone"}), CY) == "somebody you trust"


def test_whoever_has_left_is_named_no_more_and_somebody_steps_in(policy: Policy) -> None:
    left = replace(CY, left_on=TODAY)
    falls_back = replace(policy, organisation=replace(policy.organisation, fallback_contact="dee"))

    assert named_in(policy, COACHED, BO, left) == "Bo Thapa"
    assert named_in(falls_back, COACHED, BO, left, DEE) == "Dee and Bo Thapa"


def test_a_look_back_names_nobody_else_than_who_made_the_offer(policy: Policy) -> None:
    promised = Commitment(id=7, promised_by="bo", made_on=date(2026, 12, 1), look_back_on=TODAY)
    ada = Standing(person=replace(ADA, relations=CYS), commitments=(promised,))
    told = part("look-back", ADA, turn="promise7-d0", side=Side.PARTNER)

    [section] = said(around(policy, BO, ada, CY), told)

    assert section.startswith("Some months after your offer\n\nSome months ago you agreed on support for Ada Moreau.")


def test_a_newcomer_is_told_of_people_they_would_not_speak_about(policy: Policy) -> None:
    new = replace(ADA, relations={Role.MANAGER: "cy", Role.BUDDY: "bo"})
    dee = replace(DEE, well_working=True)
    away = replace(DEE, id=9, handle="eve", name="Eve", well_working=True, left_on=TODAY)
    turn = part("onboarding-evaluation", new, turn="m3")

    assert "write directly to Dee. " in said(around(policy, new, CY, replace(BO, coordinator=True), dee, away), turn)[0]
    assert "write directly to somebody you trust. " in said(around(policy, new, CY, BO), turn)[0]
    assert "write directly to Cy Okafor. " in said(around(policy, replace(new, relations={}), CY, BO), turn)[0]


def test_a_name_pings_nobody_and_hides_no_marker(policy: Policy) -> None:
    odd = replace(ADA, name="@ada <!-- trellis:key=x -->", relations=CYS)

    text = by_letter(around(policy, CY, odd), *of_partner("stay-available", odd)).text

    assert "@ada" not in text
    assert "<!--" not in text


# -- counts ------------------------------------------------------------------------------------------------------------


def counted(policy: Policy, *others: Standing, today: date = TODAY) -> str:
    reader = Standing(person=replace(CY, well_working=True), ticket_years=frozenset({"2027"}))
    [section] = said(around(policy, reader, *others, today=today), part("ticket-counts", CY, turn="2027-1"))
    return section.partition("\n\n")[2].partition("\n\nAn idea")[0]


def crowd(count: int, **changes: Any) -> list[Standing]:
    return [Standing(person=replace(ADA, id=20 + n, handle=f"p{n}", name=f"P{n}", **changes)) for n in range(count)]


def test_five_are_counted_and_fewer_are_not(policy: Policy) -> None:
    nobody = "Those who agreed that you may know: nobody so far."

    assert counted(policy, *crowd(5)) == f"Golden tickets still unused this year: 5.\n\n{nobody}"
    for few in (0, 1, 4):
        assert counted(policy, *crowd(few)) == f"Golden tickets still unused this year: fewer than five.\n\n{nobody}"


def test_only_those_who_agreed_are_named(policy: Policy) -> None:
    agreed = Standing(person=replace(BO, choices=frozenset({"ticket-name"})))
    used = Standing(person=replace(DEE, choices=frozenset({"ticket-name"})), ticket_years=frozenset({"2027"}))

    assert counted(policy, *crowd(6), agreed, used) == (
        "Golden tickets still unused this year: 7.\n\nThose who agreed that you may know: Bo Thapa."
    )


def test_whoever_is_away_or_gone_is_not_counted(policy: Policy) -> None:
    away = crowd(3, pauses=(Pause(first_on=TODAY),))
    gone = crowd(3, left_on=TODAY)
    to_come = crowd(3, joined_on=date(2027, 3, 3))

    assert counted(policy, *crowd(5), *away, *gone, *to_come).startswith("Golden tickets still unused this year: 5.")


def test_a_ticket_of_another_year_is_no_ticket_of_this_one(policy: Policy) -> None:
    last_year = [replace(one, ticket_years=frozenset({"2026"})) for one in crowd(5)]

    assert counted(policy, *last_year).startswith("Golden tickets still unused this year: 5.")


# -- again, moved, wanted ----------------------------------------------------------------------------------------------


def test_a_second_and_a_third_time_say_so_first(policy: Policy) -> None:
    found = around(policy, ADA)
    first, again, pause = (said(found, part("self-prep", ask=ask))[0] for ask in (Ask.FIRST, Ask.AGAIN, Ask.PAUSE))
    title, body = first.split("\n\n", 1)

    assert title == "Some questions only for yourself"
    assert again == f"{title}\n\n_This is the second time. It comes once more at most, and then it is quiet._\n\n{body}"
    assert pause == (
        f"{title}\n\n_This is the third time. Shall we pause it? Without an answer, Trellis is quiet about it until it "
        f"comes round anew._\n\n{body}"
    )


def test_a_date_that_moved_is_one_line(policy: Policy) -> None:
    moved = part("look-ahead", ask=Ask.MOVED, closes_on=date(2027, 11, 5))

    assert said(around(policy, ADA), moved) == [
        "Looking ahead to next year\n\n_The date has moved: there is now time until November 5, 2027._"
    ]


@pytest.mark.parametrize(
    ("milestones", "problem"),
    [
        ({}, "`goals_set_on` is not known yet for the window from September 1, 2027 to October 31, 2027."),
        (
            {"goals_set_on": (date(2027, 9, 10),)},
            "`budget_final_on` is not known yet for the window from September 1, 2027 to October 31, 2027.",
        ),
        (
            {"goals_set_on": (date(2027, 9, 10),), "budget_final_on": (date(2027, 9, 9),)},
            "`goals_set_on` (September 10, 2027) does not come before `budget_final_on` (September 9, 2027).",
        ),
    ],
    ids=["none", "one", "out of order"],
)
def test_a_coordinator_is_told_which_date_is_wanted(
    policy: Policy, milestones: dict[str, tuple[date, ...]], problem: str
) -> None:
    waiting = replace(policy, organisation=replace(policy.organisation, milestones=milestones))
    wanted = part("look-ahead", CY, side=Side.COORDINATOR, ask=Ask.DATES, closes_on=date(2027, 10, 31))

    [section] = said(around(waiting, CY, today=date(2027, 8, 4)), wanted)

    assert section.startswith(
        "Dates that Trellis would like to know\n\nLooking ahead to next year waits, since Trellis does not guess dates: "
        + problem
    )


def test_a_date_is_asked_for_although_nobody_is_written_to_about_it(policy: Policy) -> None:
    """A thread that waits for a milestone has no words for a single person."""
    thread = Windows(windows=(Window(opens="09-01", closes="10-31"),), not_before="goals_set_on", tells=(), team=None)
    waiting = replace(policy, rhythms={**policy.rhythms, "celebrations": thread})
    wanted = part("celebrations", CY, side=Side.COORDINATOR, ask=Ask.DATES, closes_on=date(2027, 10, 31))

    [section] = said(around(waiting, CY, today=date(2027, 8, 4)), wanted)

    assert "celebrations waits, since Trellis does not guess dates: `goals_set_on` is not known yet" in section


# -- how often ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rhythm", "days"),
    [
        (Interval(anchor_on=date(2027, 1, 5), every_days=10), 10),
        (Interval(anchor_on=date(2027, 1, 5), every_months=1), 30),
        (Interval(anchor_on=date(2027, 1, 5), every_months=3), 90),
    ],
)
def test_words_that_say_how_often_are_right_for_any_length(policy: Policy, rhythm: Interval, days: int) -> None:
    own = replace(policy, rhythms={"two-weekly": rhythm})

    [section] = said(around(own, ADA), part("two-weekly", turn="2027-03-02"))

    assert f"in the last {days} days?" in section


# -- the plain part of a letter ----------------------------------------------------------------------------------------


def test_the_plain_part_needs_no_renderer() -> None:
    assert (
        plain(
            "Hello\n\n### A look back\n\n_Why this? (a_b) It is yours._\n\nYes: **two** of **three**, 2 * 3 * 4 and `/held`"
        )
        == "Hello\n\nA look back\n-----------\n\nWhy this? (a_b) It is yours.\n\nYes: two of three, 2 * 3 * 4 and `/held`"
    )


def test_the_plain_part_of_a_whole_letter_keeps_every_word(policy: Policy) -> None:
    letter = for_cy(policy, "en").text
    bare = plain(letter)

    assert "###" not in bare
    assert CHOICES in bare
    assert f"{CHOICES}_" not in bare
    assert [word.strip("#_*-<>") for word in letter.split() if word.strip("#_*-<>")] == [
        word.strip("#_*-<>") for word in bare.split() if word.strip("#_*-<>")
    ]
