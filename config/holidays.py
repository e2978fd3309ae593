"""Public holidays by country or region (`PT`, `DE-BE`), from the `holidays` package.

The years are worked out as they are asked for. https://holidays.readthedocs.io

The package loads a country when it is asked for, but its folder of countries imports all 250 as soon as one of them is,
which took 8 MB of each process. Here the folder stands without having run, so that a country is one file.
"""

import sys
from collections.abc import Container, Iterator, Mapping
from datetime import date
from importlib.util import find_spec, module_from_spec

import holidays
from holidays.registry import EntityLoader

COUNTRIES = "holidays.countries"
if COUNTRIES not in sys.modules and (spec := find_spec(COUNTRIES)):
    sys.modules[COUNTRIES] = module_from_spec(spec)


class PublicHolidays(Mapping[str, Container[date]]):
    """Every calendar the package knows, by code. Two are equal: they hold the same."""

    def __init__(self) -> None:
        self._made: dict[str, Container[date]] = {}

    def __getitem__(self, code: str) -> Container[date]:
        """Give the calendar of a code.

        Raises KeyError when there is none.
        """
        if code not in self._made:
            self._made[code] = _Calendar(code)
        return self._made[code]

    def __iter__(self) -> Iterator[str]:
        """Name the countries; regions are many more."""
        return iter(sorted(_countries()))

    def __len__(self) -> int:
        """Count the countries."""
        return len(_countries())


class _Calendar(Container[date]):
    """One calendar, a set of days per year, so that asking is quick."""

    def __init__(self, code: str) -> None:
        country, _, region = code.partition("-")
        if country not in _countries():
            raise KeyError(code)  # the package would look a name up among all it has, its own modules too
        try:
            self._days = holidays.country_holidays(country, subdiv=region or None)
        except NotImplementedError as error:
            raise KeyError(code) from error
        self._years: dict[int, frozenset[date]] = {}

    def __contains__(self, day: object) -> bool:
        if not isinstance(day, date):
            return False
        if day.year not in self._years:
            # Asking about a day works its year out; what else is known by then belongs to other years.
            known = day in self._days
            self._years[day.year] = frozenset(one for one in self._days if one.year == day.year)
            return known
        return day in self._years[day.year]


def _countries() -> frozenset[str]:
    """Give the codes of all countries; `list_supported_countries` gives the same and loads every country for it."""
    return frozenset(EntityLoader.get_country_codes())


def holidays_problem(code: str) -> str | None:
    """Say what is wrong with a code, None when there is a calendar for it."""
    try:
        PublicHolidays()[code]
    except KeyError:
        return f"{code!r} is not a country or region with known holidays, such as PT or DE-BE"
    return None
