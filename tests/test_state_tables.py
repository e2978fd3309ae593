"""The states people read about are the states the code asks: one table, its picture, and the pages that show them."""

from itertools import product
from pathlib import Path

import pytest

from domain.state_tables import OBJECTIVE_STEPS, TICKET_STEPS, TOGETHER, picture, tables
from domain.ticket_states import GIVEN_BACK, MOVES, OPEN_TO_CHOICE, UNDECIDED, Deed, TicketState, may

ROOT = Path(__file__).parent.parent


def test_the_page_of_states_is_what_the_code_says() -> None:
    assert (ROOT / "docs/states.md").read_text(encoding="utf-8") == tables(), "flask states > docs/states.md"


def test_readme_draws_both_machines() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    assert picture(OBJECTIVE_STEPS) in readme
    assert picture(TICKET_STEPS, TOGETHER) in readme


def test_every_deed_has_one_row_and_every_state_is_reached_and_has_a_next_step_or_an_end() -> None:
    assert [one.deed for one in MOVES] == list(Deed)
    reached = {one.to for one in MOVES} | {TicketState.OFFERED}
    left = {state for one in MOVES for state in one.sources}
    assert reached == set(TicketState)
    assert set(TicketState) - left == {TicketState.SHARED, TicketState.LAPSED}


@pytest.mark.parametrize(("deed", "state"), list(product(Deed, TicketState)))
def test_nothing_moves_a_ticket_that_is_shared_or_lapsed(deed: Deed, state: TicketState) -> None:
    if state in (TicketState.SHARED, TicketState.LAPSED):
        assert not may(deed, state)
    if state is TicketState.USED:
        assert may(deed, state) is (deed is Deed.SHARE)


def test_what_is_undecided_may_be_withdrawn_and_what_was_given_back_holds_nothing() -> None:
    assert all(may(Deed.WITHDRAW, one) for one in UNDECIDED)
    assert not any(may(Deed.WITHDRAW, one) for one in GIVEN_BACK)
    assert TicketState.PROPOSED not in OPEN_TO_CHOICE, "what is being voted on is not asked a second time"
    assert not may(Deed.LAPSE, TicketState.PROPOSED), "a vote is waited for"
    assert not may(Deed.LAPSE, TicketState.BOOKED), "what is booked stays booked"
