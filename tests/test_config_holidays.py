"""Public holidays by country and region; a code that does not exist is told, and asking is quick and repeatable."""

import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import holidays
import pytest

from config.holidays import PublicHolidays, holidays_problem


def days_of(code: str, year: int) -> list[str]:
    calendar, first = PublicHolidays()[code], date(year, 1, 1)
    days = (first + timedelta(days=n) for n in range(366))
    return [day.isoformat() for day in days if day in calendar and day.year == year]


def test_a_country_has_its_public_holidays() -> None:
    assert days_of("PT", 2027) == [
        "2027-01-01",
        "2027-03-26",
        "2027-03-28",
        "2027-04-25",
        "2027-05-01",
        "2027-05-27",
        "2027-06-10",
        "2027-08-15",
        "2027-10-05",
        "2027-11-01",
        "2027-12-01",
        "2027-12-08",
        "2027-12-25",
    ]


def test_a_region_has_days_that_its_country_has_not() -> None:
    womens_day = date(2027, 3, 8)

    assert womens_day in PublicHolidays()["DE-BE"]
    assert womens_day not in PublicHolidays()["DE"]
    assert date(2027, 10, 3) in PublicHolidays()["DE"], "and those of the country are the region's too"
    assert date(2027, 10, 3) in PublicHolidays()["DE-BE"]


def test_movable_feasts_move_with_the_year() -> None:
    portugal = PublicHolidays()["PT"]

    good_fridays = [date(2025, 4, 18), date(2026, 4, 3), date(2027, 3, 26), date(2028, 4, 14)]
    assert [day in portugal for day in good_fridays] == [True] * 4
    assert [day.replace(year=2030) in portugal for day in good_fridays] == [False] * 4


def test_years_may_be_asked_for_in_any_order_and_again() -> None:
    """The package works a year out when it is first asked; what we keep of it must not depend on what came before."""
    calendar = PublicHolidays()["PT"]
    asked = [date(2028, 1, 1), date(2026, 12, 25), date(2027, 6, 10), date(2027, 6, 11), date(2027, 1, 1)]

    first = [day in calendar for day in asked]

    assert first == [True, True, True, False, True]
    assert [day in calendar for day in reversed(asked)] == list(reversed(first))
    assert all(day not in calendar for day in (date(2027, 6, 9), date(2027, 7, 1)))


def test_the_last_and_first_days_of_a_year_are_right_whichever_year_was_asked_first() -> None:
    """Some holidays are observed in the year before or after: 2028-01-01 is a Saturday, so 2027-12-31 is a day off."""
    one, other = PublicHolidays()["US"], PublicHolidays()["US"]

    assert date(2027, 12, 31) in one
    assert date(2028, 1, 1) in one
    assert date(2028, 1, 1) in other
    assert date(2027, 12, 31) in other
    assert date(2027, 12, 30) not in other


def test_asking_the_year_before_first_does_not_hide_a_day_observed_in_it() -> None:
    calendar = PublicHolidays()["US"]

    assert date(2027, 7, 1) not in calendar
    assert date(2027, 12, 31) in calendar


def test_what_is_no_day_is_no_holiday() -> None:
    calendar = PublicHolidays()["PT"]

    assert "2027-01-01" not in calendar
    assert 20270101 not in calendar


def test_a_calendar_is_made_once_and_kept() -> None:
    known = PublicHolidays()

    assert known["PT"] is known["PT"]
    assert known["PT"] is not known["ES"]


def test_all_countries_are_there() -> None:
    known = PublicHolidays()

    assert len(known) == len(list(known)) > 150
    assert {"PT", "DE", "NP", "US"} <= set(known)
    assert list(known) == sorted(known)


def test_they_are_all_the_countries_the_package_knows() -> None:
    assert set(PublicHolidays()) == set(holidays.list_supported_countries())


def test_a_country_is_loaded_without_all_the_others() -> None:
    """All of them were 8 MB in each process. Åland's build on Finland's."""
    code = """
import sys
from datetime import date
from config.holidays import PublicHolidays, holidays_problem
assert holidays_problem("XX")
assert date(2027, 4, 25) in PublicHolidays()["PT"] and date(2027, 12, 6) in PublicHolidays()["AX"]
print(*sorted(name for name in sys.modules if name.startswith("holidays.countries.")))
"""
    root = Path(__file__).parent.parent
    said = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True).stdout
    assert {"holidays.countries.portugal", "holidays.countries.aland_islands"} <= set(said.split())
    assert len(said.split()) <= 5


def test_whoever_came_before_with_all_countries_is_left_alone() -> None:
    code = """
from holidays.countries import Portugal
from config.holidays import PublicHolidays
from holidays.countries import Spain
from datetime import date
assert date(2027, 4, 25) in PublicHolidays()["PT"] and date(2027, 10, 12) in PublicHolidays()["ES"]
"""
    subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parent.parent, check=True)


@pytest.mark.parametrize(
    "code",
    ["XX", "", "-", "DE-XX", "DE-BE-X", "pt", "PT BR", "42", "Portugal", "HolidayBase", "registry", "constants", "ECB"],
)
def test_a_code_that_does_not_exist_is_no_calendar(code: str) -> None:
    """Names count as little as the package's own insides, which it would happily look among."""
    with pytest.raises(KeyError):
        PublicHolidays()[code]
    assert holidays_problem(code) == f"{code!r} is not a country or region with known holidays, such as PT or DE-BE"


@pytest.mark.parametrize("code", ["PT", "PRT", "DE-BE", "BR-SP", "NP", "AS", "PT-"])
def test_a_code_that_exists_has_no_problem(code: str) -> None:
    assert holidays_problem(code) is None
