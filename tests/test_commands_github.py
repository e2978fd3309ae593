"""`flask github install-forms`: the forms come into a folder, or onto GitHub as one pull request and no second one."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy import Engine

from app import create_app
from config.forms import issue_forms
from domain.policy import GitHubPolicy
from sandbox.serving import Server
from sandbox.settings import Settings
from sandbox.world import Repository

Run = Callable[..., Result]
FORMS = issue_forms(GitHubPolicy(repository="fennel-works/learning"))
ILO = ".github/ISSUE_TEMPLATE/ilo.yml"
BRANCH = "trellis/issue-forms"


@pytest.fixture
def there(environ: dict[str, str]) -> Iterator[Server]:
    """A GitHub that really listens, and an environment that leads to it."""
    server = Server(Settings(port=0, service_url="http://127.0.0.1:9"))
    server.start()
    environ |= {
        "GITHUB_API_URL": f"{server.url}/github",
        "GITHUB_TOKEN": "trellis-bot",
        "TRELLIS_WRITE_GAP_SECONDS": "0.001",
    }
    yield server
    server.stop()


@pytest.fixture
def run(environ: dict[str, str], engines: list[Engine]) -> Run:
    """Runs the command as it would be typed; no database is needed for it, and there is none."""

    def typed(*arguments: object) -> Result:
        words = [str(one) for one in ("github", "install-forms", *arguments)]
        return create_app(environ).test_cli_runner().invoke(args=words)

    return typed


@pytest.fixture
def repository(there: Server) -> Repository:
    return there.sandbox.world.repositories[4001]


def change_policy(environ: dict[str, str], before: str, after: str) -> None:
    file = Path(environ["TRELLIS_ORGANISATIONS"]) / "fennel-works.toml"
    policy = file.read_text(encoding="utf-8")
    assert before in policy
    file.write_text(policy.replace(before, after), encoding="utf-8")


def writes(server: Server) -> list[str]:
    return [f"{one.method} {one.path}" for one in server.sandbox.world.requests if one.method != "GET"]


# -- into a folder -----------------------------------------------------------------------------------------------------


def test_the_forms_are_written_where_github_looks_and_what_was_done_is_said(run: Run, tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()

    done = run("--to", checkout)

    assert (done.exit_code, done.output.splitlines()) == (
        0,
        [
            *(f"written    {checkout / path}" for path in FORMS),
            "They put on these labels, once the repository has them: ILO, golden-ticket, support",
        ],
    )
    assert {path: (checkout / path).read_text(encoding="utf-8") for path in FORMS} == FORMS


def test_a_second_time_everything_is_as_it_was(run: Run, tmp_path: Path) -> None:
    run("--to", tmp_path)
    file = tmp_path / ILO
    file.write_text(file.read_text(encoding="utf-8"), encoding="utf-8", newline="\r\n")
    before = file.stat().st_mtime_ns

    done = run("--to", tmp_path)

    assert (done.exit_code, done.output.count("as it was")) == (0, 3)
    assert file.stat().st_mtime_ns == before, "line ends of the checkout are its own affair"


def test_a_form_that_somebody_changed_is_left_alone_with_all_the_others(run: Run, tmp_path: Path) -> None:
    file = tmp_path / ILO
    file.parent.mkdir(parents=True)
    file.write_text("name: Ours\n", encoding="utf-8")

    done = run("--to", tmp_path)

    assert (done.exit_code, done.output) == (
        1,
        f"Error: Nothing was written, for these read otherwise by now: {ILO}. "
        "Look at them first; --force replaces them.\n",
    )
    assert [one.name for one in file.parent.iterdir()] == ["ilo.yml"]
    assert file.read_text(encoding="utf-8") == "name: Ours\n"


def test_forced_it_replaces_and_says_so(run: Run, tmp_path: Path) -> None:
    file = tmp_path / ILO
    file.parent.mkdir(parents=True)
    file.write_bytes(b"\xff\xfe not even text")

    done = run("--to", tmp_path, "--force")

    assert done.exit_code == 0
    assert done.output.splitlines()[0] == f"replaced   {file}"
    assert file.read_text(encoding="utf-8") == FORMS[ILO]


def test_the_labels_are_the_organisations_own(run: Run, environ: dict[str, str], tmp_path: Path) -> None:
    change_policy(environ, 'objective_label = "ILO"', 'objective_label = "learning"')

    assert "learning, golden-ticket, support" in run("--to", tmp_path).output
    assert "labels:\n- learning\n" in (tmp_path / ILO).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "arguments", [(), ("--force",), ("--pull-request", "--force"), ("--to", "/", "--pull-request")], ids=str
)
def test_it_wants_to_be_told_one_place(run: Run, arguments: tuple[str, ...]) -> None:
    done = run(*arguments)

    assert done.exit_code == 2
    assert "Say where to: --to FOLDER (perhaps with --force), or --pull-request." in done.output


def test_a_folder_that_is_not_there_is_not_made(run: Run, tmp_path: Path) -> None:
    assert run("--to", tmp_path / "chekout").exit_code == 2
    assert not (tmp_path / "chekout").exists()


def test_a_folder_in_which_nothing_can_be_put_is_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".github").write_text("a file where a folder is wanted", encoding="utf-8")

    done = run("--to", tmp_path)

    assert done.exit_code == 1
    assert str(tmp_path / ".github") in done.output
    assert "Traceback" not in done.output


# -- as a pull request -------------------------------------------------------------------------------------------------


def test_one_pull_request_is_opened_with_the_forms_and_the_labels_they_put_on(
    run: Run, there: Server, repository: Repository
) -> None:
    done = run("--pull-request")

    assert (done.exit_code, done.output) == (0, f"Opened: {there.url}/pulls/2\n")
    (pull,) = repository.pulls.values()
    assert (pull.head, pull.base, pull.author) == (BRANCH, "main", "trellis-bot")
    assert "- **A golden ticket**: Once a year" in (pull.body or "")
    files = there.sandbox.github.changed_by(repository, pull)
    assert {path: content.decode() for path, content in files.items()} == FORMS
    assert {label.name for label in repository.labels} >= {"ILO", "golden-ticket", "support"}


def test_a_second_time_there_is_no_second_pull_request_and_no_new_commit(
    run: Run, there: Server, repository: Repository
) -> None:
    run("--pull-request")
    head = repository.branches[BRANCH]

    done = run("--pull-request")

    assert (done.exit_code, done.output) == (0, f"As it was: {there.url}/pulls/2\n")
    assert (len(repository.pulls), repository.branches[BRANCH]) == (1, head)


def test_what_changed_meanwhile_is_renewed_in_the_same_pull_request(
    run: Run, there: Server, repository: Repository, environ: dict[str, str]
) -> None:
    run("--pull-request")
    change_policy(environ, 'objective_label = "ILO"', 'objective_label = "learning"')

    done = run("--pull-request")

    assert (done.exit_code, done.output) == (0, f"Renewed: {there.url}/pulls/2\n")
    assert len(repository.pulls) == 1
    assert b"- learning" in repository.files_on(BRANCH)[ILO]
    assert repository.commits[repository.branches[BRANCH]].message == "Renew the form ilo.yml"


def test_once_merged_there_is_nothing_to_propose(run: Run, there: Server, repository: Repository) -> None:
    run("--pull-request")
    there.sandbox.github.merge_pull(repository, repository.pulls[2], there.sandbox.world.accounts["ada-fw"])
    before = writes(there)

    done = run("--pull-request")

    assert (done.exit_code, done.output) == (
        0,
        "fennel-works/learning has these very forms on main. There is nothing to propose.\n",
    )
    assert writes(there) == before


def test_after_an_earlier_pull_request_the_branch_begins_anew(
    run: Run, there: Server, repository: Repository, environ: dict[str, str]
) -> None:
    run("--pull-request")
    there.sandbox.github.merge_pull(repository, repository.pulls[2], there.sandbox.world.accounts["ada-fw"])
    change_policy(environ, 'ticket_label = "golden-ticket"', 'ticket_label = "gold"')

    done = run("--pull-request")

    assert done.output == f"Opened: {there.url}/pulls/3\n"
    assert list(there.sandbox.github.changed_by(repository, repository.pulls[3])) == [
        ".github/ISSUE_TEMPLATE/golden-ticket.yml"
    ]
    assert there.sandbox.github.comes_after(repository, repository.branches[BRANCH], repository.branches["main"])


@pytest.mark.parametrize(
    ("step", "fault"),
    [
        ("/git/refs$", "after_502"),
        ("/contents/.*golden", "before_503"),
        ("/contents/.*golden", "after_502"),
        ("/labels$", "after_502"),
        ("/pulls$", "after_502"),
    ],
)
def test_broken_off_anywhere_the_same_command_goes_on(
    run: Run, there: Server, repository: Repository, step: str, fault: str
) -> None:
    client = there.sandbox.app.test_client()
    for method in ("POST", "PUT"):
        client.post("/_control/faults", json={"side": "github", "method": method, "path": step, "fault": fault})

    first = run("--pull-request")
    second = run("--pull-request")

    assert (first.exit_code, second.exit_code) == (1, 0)
    assert "Run the same command again: it looks before it writes." in first.output
    assert [pull.head for pull in repository.pulls.values()] == [BRANCH]
    assert {path: content.decode() for path, content in repository.files_on(BRANCH).items() if path in FORMS} == FORMS


def test_a_token_that_may_not_write_is_told_what_it_needs(run: Run, there: Server, repository: Repository) -> None:
    there.sandbox.world.accounts["trellis-bot"].role = "triage"

    done = run("--pull-request")

    assert done.exit_code == 1
    assert "needs Contents and Pull requests: read and write" in done.output
    assert "--to FOLDER" in done.output
    assert (repository.pulls, list(repository.branches)) == ({}, ["main"])


def test_a_repository_it_cannot_see_is_told_too(run: Run, repository: Repository) -> None:
    repository.hidden = True

    done = run("--pull-request")

    assert done.exit_code == 1
    assert "not there, or no access" in done.output


def test_an_empty_repository_is_told_what_comes_first(run: Run, repository: Repository) -> None:
    repository.branches.clear()

    done = run("--pull-request")

    assert done.exit_code == 1
    assert "give it a first commit" in done.output


def test_when_github_asks_for_a_pause_the_hour_is_told(run: Run, there: Server) -> None:
    fault = {"side": "github", "method": "POST", "fault": "limit_403", "retry_after": 90}
    there.sandbox.app.test_client().post("/_control/faults", json=fault)

    done = run("--pull-request")

    assert done.exit_code == 1
    assert "GitHub asks for a pause. The same command goes on from where this one stopped." in done.output
    assert "It may work again from " in done.output


def test_while_observing_nothing_goes_to_github(run: Run, there: Server, environ: dict[str, str]) -> None:
    change_policy(environ, 'mode = "on"', 'mode = "observe"')

    done = run("--pull-request")

    assert done.exit_code == 1
    assert "is observing, and nothing goes out" in done.output
    assert there.sandbox.world.requests == []


def test_without_credentials_the_folder_is_pointed_to(run: Run, there: Server, environ: dict[str, str]) -> None:
    del environ["GITHUB_TOKEN"]

    done = run("--pull-request")

    assert (done.exit_code, "no GitHub token or App is set" in done.output) == (1, True)
