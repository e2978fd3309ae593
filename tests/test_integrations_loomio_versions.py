"""Which Loomio speaks which dialect, and what an admin reads when the policy says the other one."""

import pytest

from domain.policy import LoomioDialect
from integrations.loomio_versions import dialect_problem, is_little_known

CURRENT, LEGACY = LoomioDialect.CURRENT, LoomioDialect.LEGACY


@pytest.mark.parametrize("version", ["3.1.3", "3.1.10", "3.8.1", "3.9.0.rc1", "3.10.0", "4.0.0", "10.0.0"])
def test_the_current_dialect_is_spoken_from_3_1_3_on(version: str) -> None:
    assert dialect_problem(version, CURRENT) is None
    assert dialect_problem(version, LEGACY, "https://loomio.example.org") == (
        f"https://loomio.example.org is version {version} and speaks the current dialect, but the policy says "
        'dialect = "legacy". Nothing is sent to it, for the wrong dialect loses half of what it says without a word. '
        'Set dialect = "current" in [loomio], then: flask effects retry --all'
    )


@pytest.mark.parametrize("version", ["3.0.0", "3.0.20", "3.0.24", "3.1.0", "3.1.2"])
def test_the_legacy_dialect_is_spoken_before(version: str) -> None:
    assert dialect_problem(version, LEGACY) is None
    assert dialect_problem(version, CURRENT, "https://loomio.example.org") == (
        f"https://loomio.example.org is version {version} and speaks the legacy dialect, but the policy says "
        'dialect = "current". Nothing is sent to it, for the wrong dialect loses half of what it says without a word. '
        'Set dialect = "legacy" in [loomio] (or upgrade it to 3.1.3 or later), then: flask effects retry --all'
    )


@pytest.mark.parametrize("dialect", LoomioDialect)
@pytest.mark.parametrize("version", ["2.25.4", "1.0.0"])
def test_what_is_older_than_both_is_not_spoken(dialect: LoomioDialect, version: str) -> None:
    assert dialect_problem(version, dialect) == (
        f"Loomio is version {version}, whose API Trellis does not speak. Upgrade it to 3.1.3 or later."
    )


@pytest.mark.parametrize("dialect", LoomioDialect)
@pytest.mark.parametrize("version", ["", "three", "3.8", "3.8.x", "v3.8.1", "None"])
def test_a_version_that_is_none_is_not_guessed_at(dialect: LoomioDialect, version: str) -> None:
    assert dialect_problem(version, dialect) == (
        f"Loomio says its version is {version!r}, which Trellis cannot read. Nothing is sent to it, for the wrong "
        "dialect loses half of what it says without a word. Look at its /api/v1/boot/version."
    )


@pytest.mark.parametrize(
    ("version", "little"),
    [("3.0.20", False), ("3.0.21", True), ("3.0.24", True), ("3.1.2", True), ("3.1.3", False), ("three", False)],
)
def test_only_the_ends_of_the_old_line_were_looked_at_closely(version: str, little: bool) -> None:
    assert is_little_known(version) is little
