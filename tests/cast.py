"""The people most tests are about, their organisation, and things of theirs with sensible defaults.

ada learns (Lisbon), bo learns in another zone (Kathmandu), cy coordinates and works Monday to Thursday (Berlin), dee is
far west and part time (Pago Pago). `NOW` is a Tuesday morning in Lisbon.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from domain.course import Message
from domain.issues import Issue
from domain.moments import Asked, Standing
from domain.objectives import Objective, ObjectiveState
from domain.parts import Part
from domain.people import Person
from domain.policy import (
    CapsPolicy,
    Channel,
    ChannelsPolicy,
    CriticalPeriod,
    GitHubPolicy,
    LoomioPolicy,
    Mode,
    OrganisationPolicy,
    Policy,
    TicketPolicy,
    Weekday,
)
from domain.proposals import ICONS, OptionCount, Poll
from domain.rhythms import Interval, Need, Rhythm, Side, Way
from domain.ticket import Ticket
from domain.ticket_states import TicketState

NOW = datetime(2027, 3, 2, 9, 30, tzinfo=UTC)

ADA = Person(id=1, handle="ada", name="Ada Moreau", github_login="ada-m")
BO = Person(id=2, handle="bo", name="Bo Thapa", github_login="Bo-T", zone=ZoneInfo("Asia/Kathmandu"))
CY = Person(
    id=3,
    handle="cy",
    name="Cy Okafor",
    github_login="cy-o",
    zone=ZoneInfo("Europe/Berlin"),
    working_days=(Weekday.MON, Weekday.TUE, Weekday.WED, Weekday.THU),
    coordinator=True,
)
DEE = Person(
    id=4,
    handle="dee",
    name="Dee",
    github_login="dee-w",
    zone=ZoneInfo("Pacific/Pago_Pago"),
    working_days=(Weekday.WED, Weekday.THU),
    hours_from=time(8),
    hours_until=time(12),
)

LOOMIO = LoomioPolicy(address="https://loomio.fennel.example", group_id=7)
POLICY = Policy(
    slug="fennel",
    organisation=OrganisationPolicy(
        name="Fennel Works",
        mode=Mode.ON,
        zone=ZoneInfo("Europe/Lisbon"),
        holidays=(date(2027, 12, 24),),
        critical_periods=(
            CriticalPeriod(name="the annual meeting", first_on=date(2027, 5, 10), last_on=date(2027, 5, 14)),
        ),
    ),
    github=GitHubPolicy(repository="fennel-works/learning"),
    loomio=LOOMIO,
    ticket=TicketPolicy(ask=("Cy Okafor",)),
    rhythms={
        "two-weekly": Interval(
            anchor_on=date(2027, 1, 5),
            every_days=14,
            open_days=3,
            tells=(Side.MEMBER,),
            needs=(Need.OBJECTIVE,),
            done_by=(Way.WROTE,),
            fades=True,
        )
    },
)
BY_MAIL = ChannelsPolicy(order=(Channel.MAIL,), sender="Trellis <trellis@fennel.example>")
NO_CAP = CapsPolicy(per_week=7)


def with_rhythms(policy: Policy = POLICY, *, caps: CapsPolicy | None = None, **rhythms: Rhythm) -> Policy:
    """The policy with these rhythms and no others; `look_ahead` stands for look-ahead."""
    named = {name.replace("_", "-"): rhythm for name, rhythm in rhythms.items()}
    return replace(policy, rhythms=named, caps=caps or policy.caps)


def by_mail(person: Person, **changes: Any) -> Person:
    """The person, to be reached by mail."""
    return replace(person, mail=f"{person.handle}@fennel.example", **changes)


def a_standing(person: Person = ADA, **changes: Any) -> Standing:
    """A person with an active goal of theirs, whom nothing was asked yet."""
    return replace(Standing(person=person, objective=an_objective(10 + person.id, person_id=person.id)), **changes)


def asked_by(message: Message) -> tuple[Asked, ...]:
    """What is remembered of a message once it is on its way."""
    return tuple(asked_as(part, at=message.due_at, on=message.on) for part in message.parts)


def asked_as(part: Part, *, at: datetime, on: date) -> Asked:
    """What is remembered of one part that went out."""
    return Asked(
        rhythm=part.rhythm,
        turn=part.turn,
        side=part.side,
        member_id=part.member_id,
        ask=part.ask,
        at=at,
        on=on,
        closes_on=part.closes_on,
    )


def after(standings: Sequence[Standing], messages: Iterable[Message]) -> list[Standing]:
    """Everybody as they stand once these messages are on their way."""
    heard: dict[int, tuple[Asked, ...]] = {}
    for message in messages:
        heard[message.person_id] = heard.get(message.person_id, ()) + asked_by(message)
    return [replace(one, asked=one.asked + heard.get(one.person.id, ())) for one in standings]


def issue_url(number: int) -> str:
    return f"https://github.com/fennel-works/learning/issues/{number}"


def an_issue(number: int = 11, **changes: Any) -> Issue:
    """An open ILO of ada's."""
    issue = Issue(
        number=number,
        title="Learn to sharpen tools",
        body="",
        author="ada-m",
        url=issue_url(number),
        open=True,
        close_reason=None,
        labels=("ILO",),
        assignees=("ada-m",),
        locked=False,
        created_at=datetime(2027, 3, 1, 8, 0, tzinfo=UTC),
        updated_at=datetime(2027, 3, 1, 8, 0, tzinfo=UTC),
    )
    return replace(issue, **changes)


def an_objective(number: int = 11, **changes: Any) -> Objective:
    """What is remembered of `an_issue(number)`: ada's active goal, stored."""
    objective = Objective(
        id=100 + number,
        person_id=ADA.id,
        title="Learn to sharpen tools",
        state=ObjectiveState.ACTIVE,
        issue_number=number,
        issue_url=issue_url(number),
        issue_updated_at=datetime(2027, 3, 1, 8, 0, tzinfo=UTC),
        opened_at=datetime(2027, 3, 1, 8, 0, tzinfo=UTC),
    )
    return replace(objective, **changes)


def a_ticket(**changes: Any) -> Ticket:
    """Ada's light ticket of 2027, stored, with an issue, its exits not chosen yet."""
    ticket = Ticket(
        id=5,
        number=7,
        person_id=ADA.id,
        year="2027",
        state=TicketState.OFFERED,
        opportunity="A week with the basket makers",
        stretch="I have never worked with willow",
        currency="EUR",
        claimed_at=NOW,
        issue_number=21,
        issue_url=issue_url(21),
    )
    return replace(ticket, **changes)


def a_dear_ticket(**changes: Any) -> Ticket:
    """The same ticket, at a price."""
    return a_ticket(**{"cost": Decimal(480), "cost_said": "480 EUR", **changes})


def a_poll(agree: int = 0, abstain: int = 0, disagree: int = 0, block: int = 0, **changes: Any) -> Poll:
    """A closed poll without quorum or outcome, with these votes."""
    votes = dict(zip(ICONS, (agree, abstain, disagree, block), strict=True))
    counts = tuple(
        OptionCount(option_id=30 + n, icon=icon, name=icon.title(), voter_count=voters)
        for n, (icon, voters) in enumerate(votes.items())
    )
    poll = Poll(
        id=3,
        key="pOll1234",
        url="https://loomio.fennel.example/p/pOll1234",
        group_id=7,
        topic_id=40,
        title="Golden ticket: A week with the basket makers (GT-0007)",
        closing_at=datetime(2027, 3, 1, 10, 0, tzinfo=UTC),
        closed_at=datetime(2027, 3, 1, 10, 5, tzinfo=UTC),
        discarded_at=None,
        counts=counts,
        voters_count=8,
        decided_count=sum(votes.values()),
        quorum_count=None,
        outcome=None,
    )
    return replace(poll, **changes)
