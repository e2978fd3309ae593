"""Metrics: figures from the database, for whoever bears the token, and nothing of anybody in any label."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy.orm import Session

from store.database import Database
from store.models import DeliveryRow, EffectRow, ExecutorRow, TroubleRow

TOKEN = "an-invented-token-of-at-least-32-letters"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def environ(environ: dict[str, str], request: pytest.FixtureRequest) -> dict[str, str]:
    return environ | ({} if "without" in request.node.name else {"TRELLIS_METRICS_TOKEN": TOKEN})


def scraped(client: FlaskClient) -> dict[str, dict[tuple[str, ...], float]]:
    answer = client.get("/metrics", headers=BEARER)
    assert answer.status_code == 200, answer.text
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    return {
        family.name: {tuple(sorted(one.labels.values())): one.value for one in family.samples}
        for family in text_string_to_metric_families(answer.text)
    }


def test_without_a_token_in_the_settings_there_is_no_such_page(client: FlaskClient) -> None:
    given, other = client.get("/metrics", headers=BEARER), client.get("/nowhere")
    assert (given.status_code, given.json) == (404, other.json)


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", TOKEN, "Bearer ü"],
)
def test_whoever_does_not_bear_the_token_is_turned_away(client: FlaskClient, header: str | None) -> None:
    answer = client.get("/metrics", headers={} if header is None else {"Authorization": header})
    assert (answer.status_code, answer.text) == (401, "")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="metrics"'


def test_the_figures_are_those_of_the_database(client: FlaskClient, database: Database) -> None:
    now = datetime.now(UTC)
    hour = timedelta(hours=1)

    def fill(session: Session) -> None:
        session.add(ExecutorRow(id="worker", beat=1, beat_at=now, ticked_at=now - hour))
        for n in range(3):
            session.add(
                DeliveryRow(
                    id=f"guid-{n}", source="github", event="issues", about="x", body=b"", received_at=now - hour,
                    status="stored" if n else "done", not_before=now - hour,
                )
            )  # fmt: skip
        session.add(
            EffectRow(
                key="nudge:ada", organisation="fennel", kind="Nudge", vendor="mail", payload={"to": "Ada"},
                status="planned", planned_at=now - 2 * hour, not_before=now + hour,
            )
        )  # fmt: skip
        session.add(TroubleRow(organisation="fennel", what="no-access", about="ada-l", since=now))

    database.transact(fill)
    found = scraped(client)
    assert found["trellis_database_answers"] == {(): 1}
    assert found["trellis_deliveries"] == {("done", "github"): 1, ("github", "stored"): 2}
    assert found["trellis_effects"] == {("Nudge", "planned"): 1}
    assert found["trellis_troubles_open"] == {("no-access",): 1}
    assert found["trellis_workers"] == {(): 1}
    assert found["trellis_effects_queued"] == {(): 0}
    assert found["trellis_delivery_overdue_seconds"][()] == pytest.approx(3600, abs=30)
    assert found["trellis_effect_overdue_seconds"][()] == 0
    assert found["trellis_effect_oldest_waiting_seconds"][()] == pytest.approx(7200, abs=30)
    assert found["trellis_clock_tick_timestamp_seconds"][()] == pytest.approx((now - hour).timestamp(), abs=1)
    assert found["trellis_proposals_watched"] == found["trellis_proposals_in_vain"] == {(): 0}
    text = client.get("/metrics", headers=BEARER).text.casefold()
    for word in ("ada", "fennel", "guid-"):
        assert word not in text


def test_a_lost_database_is_a_figure_and_no_error(client: FlaskClient, lose_database: Callable[[], None]) -> None:
    lose_database()
    assert scraped(client) == {"trellis_database_answers": {(): 0}}
