"""From a planned message to what arrives: a letter on a real mail server, or a comment over GitHub's wire."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
import responses
from itsdangerous import TimestampSigner

from config.links import Links, Named
from config.messages import locales
from domain.policy import Channel, ChannelsPolicy, Policy
from domain.rhythms import Interval, Role, Side, Way
from integrations.mail import Mail
from jobs.nudge import nudge
from jobs.perform import perform
from jobs.report import report
from jobs.workshop import Workshop
from store.models import EffectRow, HeldRow, ObjectiveRow, PersonRow, TimelineRow
from store.standings import last_parts
from tests.github_wire import comment_reply, fixture, issue_reply, repository_reply
from tests.test_integrations_mail import DROP, Server, read
from tests.workroom import (
    OURS,
    SLUG,
    TUESDAY,
    TWO_WEEKLY,
    Clock,
    add,
    add_objective,
    add_person,
    at_work,
    keys,
    rows,
    send_all,
    statuses,
)

API = "https://api.github.com:443"
HOME = f"{API}/repositories/4001"
FIRST = "nudge:fennel-works:ada:2027-01-05"
LINKS = Links("https://trellis.fennel.example", "an-invented-secret-of-at-least-32-letters")
WROTE = replace(TWO_WEEKLY, done_by=(Way.WROTE,))
BOTH_WAYS = ChannelsPolicy(order=(Channel.GITHUB, Channel.MAIL), sender="Trellis <trellis@fennel.example>")
ON_ISSUES = replace(OURS, channels=BOTH_WAYS, rhythms={"two-weekly": WROTE})


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def work(workshop: Workshop, clock: Clock, server: Server) -> Workshop:
    mail = Mail(host="127.0.0.1", port=server.port, tls="none")
    return at_work(workshop, clock, OURS, mail=mail, links=LINKS)


@pytest.fixture
def github() -> Iterator[responses.RequestsMock]:
    """GitHub as Trellis first meets it, with an issue on which nobody has written."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as wire:
        wire.get(f"{API}/repos/fennel-works/learning", json=repository_reply())
        wire.get(f"{HOME}/issues/11", json=issue_reply(11))
        yield wire


def under(work: Workshop, policy: Policy) -> Workshop:
    return replace(work, policies={policy.slug: policy})


def text_of(letter: EmailMessage, kind: str = "plain") -> str:
    body = letter.get_body((kind,))
    assert isinstance(body, EmailMessage)
    return str(body.get_content()).replace("\r\n", "\n")


def status(work: Workshop, key: str = FIRST) -> tuple[str, str | None]:
    [row] = rows(work, EffectRow, EffectRow.key == key)
    return row.status, row.last_error


def commented(github: responses.RequestsMock) -> list[str]:
    return [
        json.loads(str(one.request.body, "utf-8") if isinstance(one.request.body, bytes) else str(one.request.body))[
            "body"
        ]
        for one in github.calls
        if one.request.method == "POST"
    ]


def end(work: Workshop, goal: int) -> None:
    """A goal is closed, now."""

    def close(session: Any) -> None:
        row = session.get(ObjectiveRow, goal)
        row.state, row.closed_at = "closed", work.real_now()

    work.database.transact(close)


# -- letters -----------------------------------------------------------------------------------------------------------


def test_a_letter_arrives_with_its_links(work: Workshop, server: Server) -> None:
    ada = add_person(work)

    nudge(work)
    send_all(work)

    letter = server.letter()
    assert (letter["From"], letter["To"], letter["Subject"]) == (
        "Trellis <trellis@fennel.example>", "Ada Moreau <ada@fennel.example>", "A look back, if you like",
    )  # fmt: skip
    assert text_of(letter).startswith("Hello Ada,\n\nthis comes round at the moment.")
    assert "<h3>A look back, if you like</h3>" in text_of(letter, "html")
    [token] = re.findall(r"https://trellis\.fennel\.example/choices/(\S+)", text_of(letter))
    mine = Named(slug=SLUG, person_id=ada, effect_key=FIRST)
    assert LINKS.read_choices(token) == mine
    stop = str(letter["List-Unsubscribe"]).strip("<>").removeprefix("https://trellis.fennel.example/stop/")
    assert LINKS.read_stop(stop) == mine
    assert status(work) == ("done", None)
    assert [row.what for row in rows(work, TimelineRow)] == ["nudge sent"]


def test_the_link_in_the_html_part_can_be_clicked(work: Workshop, server: Server) -> None:
    add_person(work)
    nudge(work)
    send_all(work)

    plain, html = text_of(server.letter()), text_of(server.letter(), "html")
    [token] = re.findall(r"https://trellis\.fennel\.example/choices/([\w.-]+)", plain)
    assert f'href="https://trellis.fennel.example/choices/{token}"' in html


def test_no_letter_of_a_link_is_taken_for_markdown(
    work: Workshop, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signature may hold `_-`, which closes an emphasis; a few in a hundred do."""
    ada = add_person(work)
    named = Named(slug=SLUG, person_id=ada, effect_key=FIRST)
    for second in range(2_000):
        monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda _, second=second: 1_800_000_000 + second)
        url = str(LINKS.choices_url(named))
        if re.search("_[-.]", url):
            break
    nudge(work)
    send_all(work)

    assert url in text_of(server.letter())
    assert url in text_of(server.letter(), "html")


@pytest.mark.parametrize("locale", [*locales(), "pt", "ne"])
def test_a_letter_arrives_in_every_language(work: Workshop, server: Server, locale: str) -> None:
    add_person(work, locale=locale)

    nudge(work)
    send_all(work)

    assert status(work) == ("done", None)
    assert len(server.contents) == 1


@pytest.mark.parametrize(("locale", "tag"), [("de", "de"), ("pt_BR", "pt-BR"), ("ne", "en")])
def test_a_letter_says_in_which_language_it_is(work: Workshop, server: Server, locale: str, tag: str) -> None:
    """RFC 3282; a letter for which there are no words yet is in English, and says so."""
    add_person(work, locale=locale)

    nudge(work)
    send_all(work)

    assert server.letter()["Content-Language"] == tag


def test_the_report_of_a_portuguese_organisation_arrives(work: Workshop, clock: Clock, server: Server) -> None:
    policy = replace(
        OURS,
        organisation=replace(OURS.organisation, locale="pt_BR"),
        channels=replace(OURS.channels, report_to="cy@fennel.example"),
        rhythms={"quarterly-talk": Interval(anchor_on=date(2027, 6, 1), every_months=3, partners=(Role.MANAGER,))},
    )
    add_person(work)

    report(under(work, policy))
    send_all(under(work, policy))

    assert statuses(work) == {"report:fennel-works:2027-01-05": "done"}


def test_what_somebody_typed_is_no_html_in_a_letter(work: Workshop, server: Server) -> None:
    """Names come from a spreadsheet that many may write in."""
    talk = Interval(
        anchor_on=date(2027, 1, 5), every_months=3, open_days=30, partners=(Role.MANAGER,), tells=(Side.PARTNER,)
    )
    talks = under(work, replace(OURS, rhythms={"quarterly-talk": talk}))
    add_person(work, name="Ada <img src=x onerror=alert(1)> [M](javascript:alert(1))", relations={"manager": "bo"})
    add_person(work, "bo")

    nudge(talks)
    send_all(talks)

    html = text_of(server.letter(), "html")
    assert "<img" not in html
    assert 'href="javascript' not in html


def test_a_person_without_a_mail_address_any_more_is_not_written_to(work: Workshop, server: Server) -> None:
    ada = add_person(work)
    nudge(work)

    def lose(session: Any) -> None:
        session.get(PersonRow, ada).mail = None

    work.database.transact(lose)
    send_all(work)

    assert status(work) == ("not needed", "no way to reach them any more")
    assert server.contents == []


def test_a_letter_whose_answer_never_came_is_sent_again_under_the_same_id(
    work: Workshop, clock: Clock, server: Server
) -> None:
    """Nobody can look a letter up; mail systems know a repeat by its Message-ID."""
    add_person(work)
    nudge(work)
    server.answers["content"] = DROP
    perform(work, FIRST)
    assert status(work)[0] == "sending"

    del server.answers["content"]
    for minutes in (2, 6, 10, 15, 30):
        clock.now = TUESDAY + timedelta(minutes=minutes)
        perform(work, FIRST)

    first, *others = [read(one)["Message-ID"] for one in server.contents]
    assert status(work)[0] == "done"
    assert set(others) == {first}


def test_what_was_done_meanwhile_is_not_sent(work: Workshop, server: Server) -> None:
    ada = add_person(work)
    nudge(work)
    add(work, HeldRow(person_id=ada, rhythm="two-weekly", turn="2027-01-05", how="held", day=date(2027, 1, 5)))

    send_all(work)

    assert status(work) == ("not needed", "held on 2027-01-05")
    assert server.contents == []


def test_a_message_that_waited_too_long_waits_for_the_morning(work: Workshop, clock: Clock, server: Server) -> None:
    add_person(work)
    nudge(work)
    clock.now = TUESDAY + timedelta(hours=9)  # seven in the evening
    send_all(work)

    [row] = rows(work, EffectRow)
    assert (row.status, row.last_error) == ("planned", "outside the person's own hours")
    assert row.not_before == TUESDAY + timedelta(hours=23)
    assert server.contents == []


# -- comments ----------------------------------------------------------------------------------------------------------


def test_a_comment_goes_on_the_persons_goal(work: Workshop, github: responses.RequestsMock, server: Server) -> None:
    on_issues = under(work, ON_ISSUES)
    add_objective(on_issues, add_person(on_issues))
    github.get(f"{HOME}/issues/11/comments", json=[])
    github.post(f"{HOME}/issues/11/comments", json=comment_reply(), status=201)

    nudge(on_issues)
    send_all(on_issues)

    [body] = commented(github)
    assert body.startswith("Hello Ada,\n\n")
    assert "`/held`" in body
    assert body.endswith(f"<!-- trellis:key={FIRST} -->")
    assert "trellis.fennel.example/choices" not in body, "a link that answers for somebody is not for all to see"
    assert (status(work), server.contents) == (("done", None), [])


def test_whoever_wrote_a_minute_ago_is_not_asked(work: Workshop, github: responses.RequestsMock) -> None:
    """The delivery of their comment may still be on its way, so GitHub itself is asked."""
    on_issues = under(work, ON_ISSUES)
    add_objective(on_issues, add_person(on_issues))
    mine = comment_reply(body="I tried it", created_at="2027-01-05T09:58:00Z")
    mine["user"] = mine["user"] | {"login": "Ada"}
    github.get(f"{HOME}/issues/11/comments", json=[mine])

    nudge(on_issues)
    send_all(on_issues)

    assert status(work) == ("not needed", "they wrote already")
    assert commented(github) == []


def test_our_own_comments_do_not_count_as_theirs(work: Workshop, github: responses.RequestsMock) -> None:
    on_issues = under(work, ON_ISSUES)
    add_objective(on_issues, add_person(on_issues))
    github.get(f"{HOME}/issues/11/comments", json=[comment_reply(created_at="2027-01-05T09:58:00Z")])
    github.post(f"{HOME}/issues/11/comments", json=comment_reply(), status=201)

    nudge(on_issues)
    send_all(on_issues)

    assert status(work) == ("done", None)


@pytest.fixture
def rerouted(work: Workshop, github: responses.RequestsMock) -> Workshop:
    """Ada's issue is locked by the time of the message, which goes by mail instead."""
    on_issues = under(work, ON_ISSUES)
    add_objective(on_issues, add_person(on_issues))
    github.get(f"{HOME}/issues/11/comments", json=[])
    github.post(
        f"{HOME}/issues/11/comments", json={"message": "Unable to create comment because issue is locked."}, status=403
    )
    nudge(on_issues)
    send_all(on_issues)
    return on_issues


def test_a_comment_that_github_refuses_becomes_a_letter(rerouted: Workshop, server: Server) -> None:
    assert statuses(rerouted) == {FIRST: "not needed", f"{FIRST}:mail": "done"}
    assert text_of(server.letter()).startswith("Hello Ada,")
    assert "/held" not in text_of(server.letter())


def test_the_link_of_a_letter_that_came_instead_leads_to_what_it_says(rerouted: Workshop, server: Server) -> None:
    """The page shows the parts of the message that the link names."""
    [token] = re.findall(r"https://trellis\.fennel\.example/choices/(\S+)", text_of(server.letter()))
    named = LINKS.read_choices(token)
    assert named is not None

    parts = rerouted.database.transact(
        lambda session: last_parts(session, named.person_id, effect_key=named.effect_key)
    )

    assert [(one.rhythm, one.turn) for one in parts] == [("two-weekly", "2027-01-05")]


def test_a_goal_that_ended_meanwhile_leaves_the_letter(
    work: Workshop, clock: Clock, github: responses.RequestsMock, server: Server
) -> None:
    on_issues = under(work, ON_ISSUES)
    goal = add_objective(on_issues, add_person(on_issues))
    nudge(on_issues)

    end(work, goal)
    send_all(on_issues)

    assert statuses(work) == {FIRST: "not needed", f"{FIRST}:mail": "done"}
    assert len(server.contents) == 1
    assert keys(work) == [FIRST, f"{FIRST}:mail"]


def test_a_comment_whose_answer_never_came_is_looked_for_where_it_was_sent(
    work: Workshop, clock: Clock, github: responses.RequestsMock, server: Server
) -> None:
    """Its person may have ended that goal meanwhile, or begun another: neither is a reason to say it twice."""
    on_issues = under(work, ON_ISSUES)
    ada = add_person(on_issues)
    goal = add_objective(on_issues, ada)
    github.get(f"{HOME}/issues/11/comments", json=[])
    github.post(f"{HOME}/issues/11/comments", status=502)
    nudge(on_issues)
    perform(on_issues, FIRST)
    assert status(work)[0] == "sending"

    end(work, goal)
    add_objective(on_issues, ada, 12)
    [body] = commented(github)
    github.replace("GET", f"{HOME}/issues/11/comments", json=[comment_reply(body=body)])
    github.get(f"{API}/user", json=fixture("user.get__bot"))
    clock.now = TUESDAY + timedelta(minutes=10)
    perform(on_issues, FIRST)

    assert statuses(work) == {FIRST: "done"}
    assert (commented(github), server.contents) == ([body], [])


def test_a_comment_that_never_arrived_becomes_a_letter_once_its_goal_has_ended(
    work: Workshop, clock: Clock, github: responses.RequestsMock, server: Server
) -> None:
    on_issues = under(work, ON_ISSUES)
    goal = add_objective(on_issues, add_person(on_issues))
    github.get(f"{HOME}/issues/11/comments", json=[])
    github.post(f"{HOME}/issues/11/comments", status=502)
    nudge(on_issues)
    perform(on_issues, FIRST)

    end(work, goal)
    for minutes in (5, 10, 15):
        clock.now = TUESDAY + timedelta(minutes=minutes)
        perform(on_issues, FIRST)
    send_all(on_issues)

    assert statuses(work) == {FIRST: "not needed", f"{FIRST}:mail": "done"}
    assert (len(commented(github)), len(server.contents)) == (1, 1)
