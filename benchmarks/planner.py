"""The planner: a year for 1,000 people over all rhythms, and a tick with one person due among 1,000 and 100,000.

`python -m benchmarks.planner` prints a table and ends with 1 when a bound of the design does not hold: two seconds for
the year, and at most twice the tick for a hundred times the people.
"""

import sys
import tempfile
from argparse import ArgumentParser
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import insert, update

from app import collect_rarely, create_app, create_worker
from benchmarks.machine import machine_line, timed, unit_seconds
from config.policy import load_policies, load_policy
from config.settings import load_settings
from domain.moments import Standing
from domain.objectives import Objective, ObjectiveState
from domain.people import Person
from domain.planner import plan
from domain.policy import Policy
from domain.rhythms import Role
from jobs.nudge import nudge, policy_print, undisturbed
from jobs.workshop import Workshop
from store.models import ObjectiveRow, OrganisationRow, PersonRow, RelationRow

PEOPLE = 1_000
MANY = 100_000
YEAR = (datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC))
ZONES = ("Asia/Kathmandu", "Europe/Berlin", "America/Halifax", "Africa/Lagos")
MOST_SECONDS_A_YEAR = 2.0
MOST_TIMES_THE_TICK = 2.0
TICKS = 25
POLICY = """profile = "everything"
[organisation]
name = "Fennel Works"
mode = "on"
zone = "Europe/Lisbon"
holidays_of = "PT"
hours_from = 00:00:00
hours_until = 23:59:59
nudge_at = 00:00:00
working_days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
[organisation.milestones]
goals_set_on = [2026-09-11, 2027-09-10]
budget_final_on = [2026-11-13, 2027-11-12]
[github]
repository = "fennel-works/learning"
[loomio]
address = "https://loomio.fennel.example"
group_id = 7
[channels]
order = ["github", "mail"]
sender = "Trellis <trellis@fennel.example>"
"""


def main() -> int:
    """Measure, print, and say whether the bounds hold."""
    ArgumentParser(description=(__doc__ or "").splitlines()[0]).parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "organisations").mkdir()
        file = folder / "organisations" / "fennel-works.toml"
        file.write_text(POLICY, encoding="utf-8")
        policy = load_policy(file)
        collect_rarely()  # as every process of Trellis does
        unit = unit_seconds()
        year, messages = a_year(policy)
        few, many = a_tick(folder, PEOPLE), a_tick(folder, MANY)
    print(f"{machine_line()}; one unit (a million additions) is {unit * 1000:.0f} ms")
    print("| what | time | in units | bound |")
    print("|---|---|---|---|")
    rhythms = len(policy.rhythms)
    print(
        f"| a year, {PEOPLE:,} people, {rhythms} rhythms, {messages:,} messages | {year:.2f} s | {year / unit:.1f} "
        f"| {MOST_SECONDS_A_YEAR:g} s |"
    )
    print(f"| a tick, one due among {PEOPLE:,} | {few * 1000:.1f} ms | {few / unit:.2f} | |")
    ratio = many / few
    print(f"| a tick, one due among {MANY:,} | {many * 1000:.1f} ms | {many / unit:.2f} | |")
    print(f"| the latter over the former | {ratio:.2f} | | {MOST_TIMES_THE_TICK:g} |")
    return 0 if year <= MOST_SECONDS_A_YEAR and ratio <= MOST_TIMES_THE_TICK else 1


def a_year(policy: Policy) -> tuple[float, int]:
    """Plan a year for everybody; gives the seconds and the number of messages.

    The best of five counts: whatever else the machine does only adds to what planning takes.
    """
    standings = [a_standing(number) for number in range(PEOPLE)]
    # Once before, so that nothing is loaded meanwhile; its result is not kept, as no process keeps one.
    messages = len(plan(policy, standings, since=YEAR[0], until=YEAR[1]).messages)

    def plan_all() -> None:
        undisturbed(lambda: plan(policy, standings, since=YEAR[0], until=YEAR[1]))

    return min(timed(plan_all, times=1) for _ in range(5)), messages


def a_standing(number: int) -> Standing:
    """Make one of many: a manager for every eight, a buddy and a partner each, in four zones."""
    handle = f"p{number}"
    relations = {
        Role.MANAGER: f"p{number // 8}",
        Role.BUDDY: f"p{(number + 1) % PEOPLE}",
        Role.PARTNER: f"p{(number + 7) % PEOPLE}",
    }
    person = Person(
        id=number,
        handle=handle,
        name=handle.title(),
        github_login=handle,
        loomio_username=handle,
        mail=f"{handle}@fennel.example",
        zone=ZoneInfo(ZONES[number % len(ZONES)]),
        joined_on=date(2026, number % 12 + 1, 3),
        well_working=number % 10 == 0,
        coordinator=number % 50 == 0,
        relations={role: other for role, other in relations.items() if other != handle},
    )
    objective = Objective(
        id=number,
        person_id=number,
        title="Something new",
        state=ObjectiveState.ACTIVE,
        issue_number=number + 1,
        opened_at=datetime(2026, 12, 1, tzinfo=UTC),
    )
    return Standing(person=person, objective=objective)


def a_tick(folder: Path, people: int) -> float:
    """Give the seconds a tick takes when exactly one of so many people is due and hears something."""
    environ = {
        "DATABASE_URL": f"sqlite:///{folder / f'{people}.sqlite'}",
        "TRELLIS_ORGANISATIONS": str(folder / "organisations"),
        "GITHUB_TOKEN": "invented",
        "TRELLIS_LOG_LEVEL": "ERROR",
    }
    done = create_app(environ).test_cli_runner().invoke(args=["migrate"])
    if done.exit_code:
        raise SystemExit(done.output)
    settings = load_settings(environ)
    workshop, _ = create_worker(settings, load_policies(settings.organisations_folder()))
    populate(workshop, people)
    due = iter(range(1, people + 1, people // (TICKS + 1)))

    def tick() -> None:
        nudge(workshop)

    taken = []
    for _ in range(TICKS):
        chosen = next(due)
        workshop.database.transact(
            lambda session, chosen=chosen: (
                session.execute(  # type: ignore[misc]
                    update(PersonRow).where(PersonRow.id == chosen).values(look_at=workshop.now())
                )
                and None
            )
        )
        taken.append(timed(tick, times=1))
    workshop.database.dispose()
    return sorted(taken)[len(taken) // 2]


def populate(workshop: Workshop, people: int) -> None:
    """Fill a database with people, their goals and whom they talk with."""
    opened_at = workshop.now() - timedelta(days=30)
    numbers = range(1, people + 1)
    rows = [
        {
            "id": number,
            "organisation": "fennel-works",
            "handle": f"p{number}",
            "name": f"P {number}",
            "github_login": f"p{number}",
            "mail": f"p{number}@fennel.example",
            "joined_on": date(2020, 1, 6),
            "coordinator": False,
            "look_at": workshop.now() + timedelta(days=3_650),
        }
        for number in numbers
    ]
    goals = [
        {
            "organisation": "fennel-works",
            "person_id": number,
            "title": "Something new",
            "why": "",
            "state": "active",
            "issue_number": number,
            "opened_at": opened_at,
        }
        for number in numbers
    ]
    relations = [
        {"organisation": "fennel-works", "person_id": number, "role": "manager", "other": f"p{(number - 1) // 8 + 1}"}
        for number in numbers
        if (number - 1) // 8 + 1 != number
    ]
    known = [{"slug": slug, "policy_print": policy_print(one)} for slug, one in workshop.policies.items()]
    tables = ((OrganisationRow, known), (PersonRow, rows), (ObjectiveRow, goals), (RelationRow, relations))
    for table, values in tables:
        for start in range(0, len(values), 5_000):
            some = values[start : start + 5_000]
            workshop.database.transact(
                lambda session, table=table, some=some: session.execute(insert(table), some) and None  # type: ignore[misc]
            )


if __name__ == "__main__":
    sys.exit(main())
