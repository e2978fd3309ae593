"""Who imports whom: `domain` ← `config`, `store`, `integrations` ← `jobs`, `webhooks`, `web` ← `commands` ← app."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = ("app", "commands", "config", "domain", "integrations", "jobs", "sandbox", "store", "web", "webhooks")
MAY: dict[str, set[str]] = {
    "domain": set(),
    "config": {"domain"},
    "store": {"domain", "config"},  # config: only the migrations' own environment
    "integrations": {"domain"},
    "jobs": {"domain", "config", "store", "integrations"},
    "webhooks": {"domain", "config", "store"},
    "web": {"domain", "config", "store"},
    "commands": {"domain", "config", "store", "integrations", "jobs"},
    "app": {"domain", "config", "store", "integrations", "jobs", "webhooks", "web", "commands"},
    "sandbox": set(),
}


def imports_of(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def files_of(package: str) -> list[Path]:
    return [ROOT / "app.py"] if package == "app" else sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("package", OURS)
def test_imports_point_inwards_only(package: str) -> None:
    found = {(str(file.relative_to(ROOT)), name) for file in files_of(package) for name in imports_of(file)}
    outside = {(file, name) for file, name in found if name in OURS and name != package and name not in MAY[package]}
    assert found, f"{package} has no files: is the path right?"
    assert outside == set()


def test_the_domain_uses_the_standard_library_only() -> None:
    used = {name for file in files_of("domain") for name in imports_of(file)} - {"domain"}
    assert used <= sys.stdlib_module_names
    assert used.isdisjoint({"os", "io", "pathlib", "socket", "sqlite3", "time", "random", "logging", "urllib", "http"})


def test_nothing_but_the_port_knows_the_engine() -> None:
    users = {
        str(file.relative_to(ROOT)) for package in OURS for file in files_of(package) if "dbos" in imports_of(file)
    }
    assert users == {"jobs/durable.py"}


@pytest.mark.parametrize("package", [one for one in OURS if one != "app"])
def test_every_folder_says_what_belongs_there_and_what_never_does(package: str) -> None:
    said = ast.get_docstring(ast.parse((ROOT / package / "__init__.py").read_text(encoding="utf-8"))) or ""
    assert "Never here:" in said or "imports nothing" in said.casefold()
    assert len(said.splitlines()) >= 3
