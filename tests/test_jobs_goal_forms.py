"""What a goal's form says and Trellis acts on: who learns beside somebody, and whether the end may be celebrated."""

from dataclasses import replace

import pytest

from domain.effects import Say, TellChat
from domain.issues import CloseReason
from integrations.chat import Chat
from jobs.objectives import follow_objective
from jobs.workshop import Workshop
from store.memory import effect_of
from store.models import EffectRow, ObjectiveRow, RelationRow
from tests.cast import BY_MAIL, an_issue, issue_url
from tests.workroom import OURS, TUESDAY, Clock, add_person, at_work, rows

POLICY = replace(OURS, channels=replace(BY_MAIL, team_chat=True), rhythms={})
ROOM = Chat(url="json://127.0.0.1:9/team")
FORM = """### What do I want to learn?

Sharpening

### Why does it matter to me?

Dull tools hurt

### Partner

{partner}

### Who may know about it?

{visibility}

### How shall we celebrate?

{celebrate}"""


@pytest.fixture
def work(workshop: Workshop) -> Workshop:
    work = at_work(workshop, Clock(TUESDAY), POLICY, chat=lambda _: (ROOM,))
    add_person(work, relations={"partner": "cy"})
    add_person(work, "bo")
    add_person(work, "cy")
    return work


def followed(work: Workshop, said: dict[str, str], *, minutes: int = 0, closed: bool = False) -> None:
    none = "_No response_"
    body = FORM.format(**({"partner": none, "visibility": none, "celebrate": none} | said))
    issue = an_issue(
        body=body,
        author="ada",
        assignees=("ada",),
        open=not closed,
        close_reason=CloseReason.COMPLETED if closed else None,
        updated_at=TUESDAY.replace(minute=minutes),
    )
    work.database.transact(lambda session: follow_objective(work, session, POLICY, issue, None))


def partners(work: Workshop) -> list[str]:
    return [row.other for row in rows(work, RelationRow, RelationRow.role == "partner")]


@pytest.mark.parametrize(
    ("said", "partner"), [("@bo", "bo"), ("bo", "bo"), ("@nobody", "cy"), ("@ada", "cy"), ("_No response_", "cy")]
)
def test_the_form_of_a_new_goal_names_who_learns_beside_somebody(work: Workshop, said: str, partner: str) -> None:
    followed(work, {"partner": said})

    assert partners(work) == [partner]


def test_a_later_edit_of_the_form_leaves_what_was_said_since(work: Workshop) -> None:
    followed(work, {})
    followed(work, {"partner": "@bo"}, minutes=5)

    assert partners(work) == ["cy"]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"celebrate": "Within the team"}, True),
        ({"celebrate": "Not at all, please"}, False),
        ({}, False),
        ({"celebrate": "Within the team", "visibility": "Only my partner and I know more"}, False),
    ],
)
def test_a_learned_goal_is_told_in_the_rooms_only_when_its_person_said_so(
    work: Workshop, said: dict[str, str], told: bool
) -> None:
    followed(work, said)
    followed(work, said, minutes=5, closed=True)
    followed(work, said, minutes=5, closed=True)

    chat = [effect_of(row.kind, row.payload) for row in rows(work, EffectRow, EffectRow.kind == "TellChat")]
    celebrated = TellChat(
        key="chat:celebrate:fennel-works:11:0",
        about="objective:1",
        room=0,
        body=Say(
            name="chat-celebrate",
            values={"name": "Ada Moreau", "title": "Learn to sharpen tools", "url": issue_url(11)},
        ),
    )
    assert chat == ([celebrated] if told else [])
    assert [row.closing for row in rows(work, ObjectiveRow)] == ["learned"]
