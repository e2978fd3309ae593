"""`flask effects`: what is parked is explained to whoever looks after Trellis, and tried again when they say so."""

from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask

from commands.effects import WHAT, WHERE_TO_LOOK
from jobs.attempt import MOST_ATTEMPTS
from store.database import Database
from store.memory import KINDS
from store.models import EffectRow, TimelineRow

TUESDAY = datetime(2027, 1, 5, 10, tzinfo=UTC)
KEY = "thread:fennel-works:7"


def parked(database: Database, key: str = KEY, **changes: Any) -> None:
    said = {
        "organisation": "fennel-works",
        "kind": "StartThread",
        "vendor": "loomio",
        "payload": {"about": "ticket:7"},
        "status": "parked",
        "last_error": "Loomio does not accept the bot's key, or not for this",
        "attempts": 1,
        "planned_at": TUESDAY,
        "not_before": TUESDAY,
    } | changes
    database.transact(lambda session: session.add(EffectRow(key=key, **said)))


def run(app: Flask, *arguments: str, expect: int = 0) -> str:
    done = app.test_cli_runner().invoke(args=["effects", *arguments])
    assert done.exit_code == expect, done.output
    return done.output


def test_what_is_parked_is_explained_what_it_was_why_it_stopped_and_what_to_do(app: Flask, database: Database) -> None:
    parked(database)
    assert run(app, "list").splitlines() == [
        "parked   thread:fennel-works:7",
        "  what   start a ticket's thread in Loomio (ticket:7), for fennel-works, planned at 2027-01-05 10:00 UTC",
        "  why    Loomio does not accept the bot's key, or not for this",
        "  sent   nothing was sent, so trying again sends it once",
        "  do     flask doctor tells whether the key, the group and the dialect are right. "
        "Then: flask effects retry thread:fennel-works:7",
    ]


def test_a_call_without_an_answer_is_explained_to_be_looked_for_first(app: Flask, database: Database) -> None:
    parked(database, sent_at=TUESDAY, attempts=MOST_ATTEMPTS)
    *_, why, sent, _ = run(app, "list").splitlines()
    assert why.endswith("it was tried again and again for more than a day")
    assert sent.startswith("  sent   a call was made at 2027-01-05 10:00 UTC and its answer never came; ")
    assert sent.endswith("trying again looks for its work first")


def test_a_reason_that_says_what_to_do_itself_is_not_talked_over(app: Flask, database: Database) -> None:
    why = f"nothing can be listed there. Somebody has to look there. If there is nothing: flask effects retry {KEY}"
    parked(database, last_error=why)
    assert run(app, "list").splitlines()[2:] == [f"  why    {why}", "  sent   see above"]


def test_what_only_waits_is_a_line(app: Flask, database: Database) -> None:
    parked(database, status="planned", last_error="GitHub asks for a pause")
    assert run(app, "list").split() == f"planned {KEY} 1 tries GitHub asks for a pause".split()


def test_every_kind_of_effect_and_every_vendor_has_its_words() -> None:
    assert set(WHAT) == set(KINDS)
    assert set(WHERE_TO_LOOK) == {"github", "loomio", "mail", "chat"}


@pytest.mark.parametrize(("sent_at", "status"), [(None, "planned"), (TUESDAY, "sending")])
def test_a_retry_sends_what_was_not_sent_looks_for_what_may_have_been_and_is_noted(
    app: Flask, database: Database, sent_at: datetime | None, status: str
) -> None:
    parked(database, sent_at=sent_at, attempts=MOST_ATTEMPTS, looks=2)
    parked(database, "thread:fennel-works:8")
    assert run(app, "retry", KEY) == "1 on their way again.\n"
    row = database.transact(lambda session: session.get_one(EffectRow, KEY))
    assert (row.status, row.attempts, row.looks, row.generation) == (status, 0, 0, 1)
    [line] = database.transact(lambda session: session.query(TimelineRow).all())
    assert (line.organisation, line.what, line.about) == ("fennel-works", "effect retried", "ticket:7")
    assert line.details == {"effect": KEY, "kind": "StartThread"}
    assert run(app, "retry", "--all") == "1 on their way again.\n"
    assert run(app, "retry", "--all") == "Nothing is parked.\n"


def test_what_is_not_parked_cannot_be_tried_again_and_says_why(app: Flask, database: Database) -> None:
    parked(database, status="done")
    assert run(app, "retry", KEY, expect=1) == (
        f"Error: {KEY} is not parked, it is done. Only what is parked can be tried again.\n"
    )
    assert "There is no effect other" in run(app, "retry", "other", expect=1)
    assert "Name one key, or say --all" in run(app, "retry", expect=1)
