"""README says what the code does, in the code's own words."""

import re
from pathlib import Path

from app import BEHAVIOURS, behaviours
from domain.commands import OBJECTIVE_WORDS, TICKET_WORDS, table
from jobs.schedule import JOBS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_behaviour_is_a_line_of_readme_in_the_words_of_its_docstring() -> None:
    listed = README.split("## What it does", 1)[1].split("\n## ", 1)[0]
    lines = re.findall(r"^- (.+?) \(`([\w/]+\.py)`\)$", listed, re.MULTILINE)
    assert lines == [
        (line, name.replace(".", "/") + ".py") for line, name in zip(behaviours(), BEHAVIOURS, strict=True)
    ]


def test_every_file_and_command_readme_names_exists() -> None:
    named = set(re.findall(r"\]\(([^)#:]+)\)", README))
    assert named
    assert [one for one in named if not (ROOT / one).exists()] == []


def test_every_job_of_the_clock_has_a_behaviour_of_its_own() -> None:
    assert {f"jobs.{job.name()}" for job in JOBS} <= set(BEHAVIOURS)
    assert len({job.name() for job in JOBS}) == len(JOBS)
    assert all(job.every_ticks >= 1 and job.what_for for job in JOBS)


def test_every_word_people_can_write_is_explained() -> None:
    assert table(OBJECTIVE_WORDS) in README
    assert table(TICKET_WORDS) in README
