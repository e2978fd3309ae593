"""The repository's files on GitHub: each call as it goes over the wire, and what it gives back."""

import base64
from typing import Any

import pytest
import responses

from integrations.errors import UnknownOutcomeError
from integrations.github import GitHub
from integrations.github_files import Files, RepositoryFile
from tests.github_wire import API, COMMIT, HOME, fixture, github, places, repository_reply, sent, wire

__all__ = ["github", "wire"]  # fixtures, used by name

BRANCH = "trellis/issue-forms"
FORM = ".github/ISSUE_TEMPLATE/ilo.yml"
PULL = "https://github.com/fennel-works/learning/pull/2"


@pytest.fixture
def files(github: GitHub) -> Files:
    return Files(github.connection)


def branch_reply(commit: str = COMMIT) -> dict[str, Any]:
    git = f"{API}/repos/fennel-works/learning/git"
    return {
        "ref": f"refs/heads/{BRANCH}",
        "node_id": "MDM6UmVmcmVmcy9oZWFkcy90cmVsbGlz",
        "url": f"{git}/refs/heads/{BRANCH}",
        "object": {"type": "commit", "sha": commit, "url": f"{git}/commits/{commit}"},
    }


def file_reply(text: str = "name: Ziel ✓\n", **changes: Any) -> dict[str, Any]:
    place = f"{API}/repos/fennel-works/learning/contents/{FORM}"
    return {
        "type": "file",
        "encoding": "base64",
        "size": len(text.encode()),
        "name": "ilo.yml",
        "path": FORM,
        "content": base64.encodebytes(text.encode()).decode(),
        "sha": "3d21ec53a331a6f037a91c368710b99387d012c1",
        "url": place,
        "git_url": None,
        "html_url": None,
        "download_url": None,
        "_links": {"self": place, "git": None, "html": None},
    } | changes


def pull_reply(**changes: Any) -> Any:
    return fixture("pull_request.get__of_the_forms") | changes


def test_the_default_branch_is_asked_for(files: Files, wire: responses.RequestsMock) -> None:
    wire.get(HOME, json=repository_reply(default_branch="trunk"))
    assert files.default_branch() == "trunk"


def test_a_branch_is_read_with_the_slash_in_its_name(files: Files, wire: responses.RequestsMock) -> None:
    wire.get(f"{HOME}/git/ref/heads/{BRANCH}", json=branch_reply())
    assert files.branch_head(BRANCH) == COMMIT
    assert places(wire) == ["GET /repositories/4001/git/ref/heads/trellis/issue-forms"]


def test_a_branch_or_file_that_is_not_there_is_none(files: Files, wire: responses.RequestsMock) -> None:
    wire.get(f"{HOME}/git/ref/heads/{BRANCH}", status=404, json={"message": "Not Found"})
    wire.get(f"{HOME}/contents/{FORM}", status=404, json={"message": "No commit found for the ref"})
    assert files.branch_head(BRANCH) is None
    assert files.file(FORM, branch=BRANCH) is None


def test_a_branch_is_made_and_one_that_is_there_begins_anew(files: Files, wire: responses.RequestsMock) -> None:
    wire.post(f"{HOME}/git/refs", status=201, json=branch_reply())
    wire.patch(f"{HOME}/git/refs/heads/{BRANCH}", json=branch_reply())
    files.make_branch(BRANCH, COMMIT)
    files.move_branch(BRANCH, COMMIT)
    assert sent(wire) == [
        ("POST", "/repositories/4001/git/refs", {"ref": "refs/heads/trellis/issue-forms", "sha": COMMIT}),
        ("PATCH", "/repositories/4001/git/refs/heads/trellis/issue-forms", {"sha": COMMIT, "force": True}),
    ]


def test_a_branch_that_came_to_point_elsewhere_is_looked_at_again(files: Files, wire: responses.RequestsMock) -> None:
    wire.post(f"{HOME}/git/refs", status=201, json=branch_reply("0" * 40))
    with pytest.raises(UnknownOutcomeError):
        files.make_branch(BRANCH, COMMIT)


def test_a_file_is_read_whole_whatever_its_letters(files: Files, wire: responses.RequestsMock) -> None:
    wire.get(f"{HOME}/contents/{FORM}", json=file_reply())
    assert files.file(FORM, branch=BRANCH) == RepositoryFile(
        text="name: Ziel ✓\n", sha="3d21ec53a331a6f037a91c368710b99387d012c1"
    )
    assert places(wire) == [f"GET /repositories/4001/contents/{FORM}?ref=trellis%2Fissue-forms"]


@pytest.mark.parametrize(("replaces", "status"), [(None, 201), ("3d21ec53", 200)])
def test_a_file_is_written_and_says_which_one_it_replaces(
    files: Files, wire: responses.RequestsMock, replaces: str | None, status: int
) -> None:
    written = {key: value for key, value in file_reply().items() if value is not None and key != "_links"}
    wire.put(f"{HOME}/contents/{FORM}", status=status, json={"content": written, "commit": {"sha": COMMIT}})
    files.write_file(FORM, "name: Ziel ✓\n", branch=BRANCH, message="Add it", replaces=replaces)
    ((method, place, body),) = sent(wire)
    assert (method, place) == ("PUT", f"/repositories/4001/contents/{FORM}")
    assert base64.b64decode(body.pop("content")).decode() == "name: Ziel ✓\n"
    assert body == {"message": "Add it", "branch": BRANCH} | ({"sha": replaces} if replaces else {})


def test_the_open_pull_request_of_our_branch_is_found(files: Files, wire: responses.RequestsMock) -> None:
    ours = pull_reply()
    other = ours | {"html_url": "https://github.com/x", "head": ours["head"] | {"label": "eve:trellis/issue-forms"}}
    wire.get(HOME, json=repository_reply())
    wire.get(f"{HOME}/pulls", json=[other, ours])
    assert files.pull_request_from(BRANCH) == PULL
    assert places(wire)[-1] == (
        "GET /repositories/4001/pulls?head=fennel-works%3Atrellis%2Fissue-forms&per_page=100&state=open"
    )


def test_without_a_pull_request_of_our_branch_there_is_none(files: Files, wire: responses.RequestsMock) -> None:
    wire.get(HOME, json=repository_reply())
    wire.get(f"{HOME}/pulls", json=[])
    assert files.pull_request_from(BRANCH) is None


def test_a_pull_request_is_opened_and_gives_its_address(files: Files, wire: responses.RequestsMock) -> None:
    wire.post(f"{HOME}/pulls", status=201, json=pull_reply())
    assert files.open_pull_request(title="Forms", body="Three", branch=BRANCH, into="main") == PULL
    assert sent(wire) == [
        ("POST", "/repositories/4001/pulls", {"title": "Forms", "body": "Three", "head": BRANCH, "base": "main"})
    ]
