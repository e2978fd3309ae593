"""Cut GitHub's published contract down to what Trellis uses, for `tests/github_contract.py`.

Run it again only to move to newer packages. In an empty folder outside the checkout:

    npm pack @octokit/openapi@23.0.2 @octokit/openapi-webhooks@12.1.0 @octokit/webhooks-examples@7.6.1
    for archive in *.tgz; do mkdir "${archive%.tgz}" && tar xzf "$archive" -C "${archive%.tgz}"; done

and then, in the checkout, `python tests/contract/cut.py FOLDER`. The same packages always give the same files (on one
version of zlib), so a change in git is a change at GitHub or in the lists below.
"""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

HERE = Path(__file__).parent

OPENAPI = "@octokit/openapi"
WEBHOOKS = "@octokit/openapi-webhooks"
EXAMPLES = "@octokit/webhooks-examples"
VERSIONS = {OPENAPI: "23.0.2", WEBHOOKS: "12.1.0", EXAMPLES: "7.6.1"}

REPO = "/repos/{owner}/{repo}"
ISSUE = REPO + "/issues/{issue_number}"
ALL = "get post put patch delete"
# Each path with the methods to keep. A call that is not here is a problem to the judge, so a new one is a decision.
PATHS = {
    REPO: ALL,
    REPO + "/issues": "get post",
    ISSUE: "get patch",
    ISSUE + "/comments": "get post",
    REPO + "/issues/comments": "get",
    REPO + "/issues/comments/{comment_id}": ALL,
    ISSUE + "/labels": "get post put",
    ISSUE + "/labels/{name}": "delete",
    ISSUE + "/assignees": "post delete",
    REPO + "/labels": "get post",
    REPO + "/labels/{name}": ALL,
    REPO + "/assignees": "get",
    REPO + "/assignees/{assignee}": "get",
    REPO + "/installation": "get",
    REPO + "/contents/{path}": "get put",
    REPO + "/git/ref/{ref}": "get",
    REPO + "/git/refs": "post",
    REPO + "/git/refs/{ref}": "patch",
    REPO + "/pulls": "get post",
    REPO + "/hooks": "get",
    REPO + "/hooks/{hook_id}/deliveries": ALL,
    REPO + "/hooks/{hook_id}/deliveries/{delivery_id}": ALL,
    REPO + "/hooks/{hook_id}/deliveries/{delivery_id}/attempts": ALL,
    "/app": "get",
    "/app/installations/{installation_id}": ALL,
    "/app/installations/{installation_id}/access_tokens": "post",
    "/app/hook/deliveries": ALL,
    "/app/hook/deliveries/{delivery_id}": ALL,
    "/app/hook/deliveries/{delivery_id}/attempts": ALL,
    "/user": ALL,
    "/users/{username}": ALL,
    "/rate_limit": ALL,
}
EXAMPLE_EVENTS = ("issues", "issue_comment", "ping", "installation", "installation_repositories", "label", "repository")
# Schemas are kept for one event more than examples: the packages show no example of it.
SCHEMA_EVENTS = (*EXAMPLE_EVENTS, "installation_target")

# Prose and samples are most of the weight and judge nothing.
PROSE = {"description", "summary", "example", "examples", "externalDocs", "tags"}
# GitHub tells a folder's listing from a file by a property, which a list does not have: validators then refuse every
# listing. The alternatives exclude each other without it.
MISLEADING = {"discriminator"}
# In these the keys are names that GitHub chose, so a property called "description" stays.
NAME_MAPS = {"properties", "patternProperties", "schemas", "parameters", "headers", "content", "paths", "webhooks"}
VALUES = {"default", "enum", "const"}
# Says that {path} may hold slashes; no other extension is read by the judge.
KEPT_EXTENSION = "x-multi-segment"


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def cut(folder: Path) -> None:
    """Write the three data files and the licence text beside this script, from the packages unpacked in FOLDER."""
    packages = find_packages(folder)
    rest = read_json(packages[OPENAPI] / "generated" / "api.github.com.json")
    webhooks = read_json(packages[WEBHOOKS] / "generated" / "api.github.com.json")
    events = read_json(packages[EXAMPLES] / "api.github.com" / "index.json")
    write_packed("github-rest.json.gz", cut_rest(rest))
    write_packed("github-webhooks.json.gz", cut_webhooks(webhooks))
    write_packed("webhook-examples.json.gz", cut_examples(events))
    (HERE / "LICENSE-octokit.txt").write_text(licence_text(packages), encoding="utf-8")


def find_packages(folder: Path) -> dict[str, Path]:
    """Where each package lies; stops when one is missing or of another version than this script was written for."""
    found: dict[str, Path] = {}
    for manifest in sorted(folder.glob("**/package.json")):
        about = read_json(manifest)
        if VERSIONS.get(about.get("name")) == about.get("version"):
            found[about["name"]] = manifest.parent
    missing = [f"{name}@{version}" for name, version in VERSIONS.items() if name not in found]
    if missing:
        raise click.UsageError(f"not found under {folder}: {', '.join(missing)}")
    return found


def cut_rest(spec: dict[str, Any]) -> dict[str, Any]:
    """The REST document with the paths above, and the components that they reach."""
    paths = {}
    for path, methods in PATHS.items():
        whole = spec["paths"][path]
        shared = {key: value for key, value in whole.items() if key not in ALL.split()}
        paths[path] = shared | {method: whole[method] for method in methods.split() if method in whole}
    return with_components(spec, "paths", paths)


def cut_webhooks(spec: dict[str, Any]) -> dict[str, Any]:
    """The webhook document with the events above, and the schemas that they reach."""
    kept = {}
    for name, item in spec["webhooks"].items():
        # The name alone will not do: "repository-ruleset-created" is another event than "repository".
        event = item["post"]["operationId"].partition("/")[0].replace("-", "_")
        if event in SCHEMA_EVENTS:
            body = item["post"]["requestBody"]
            kept[name] = {"post": {"requestBody": body, "responses": {"200": {"description": ""}}}}
    return with_components(spec, "webhooks", kept)


def cut_examples(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The example payloads of the events above, each with its event and its action (ping has none)."""
    return [
        {"event": event["name"], "action": payload.get("action"), "payload": payload}
        for event in events
        if event["name"] in EXAMPLE_EVENTS
        for payload in event["examples"]
    ]


def with_components(spec: dict[str, Any], part: str, kept: dict[str, Any]) -> dict[str, Any]:
    """A document of the kept part and everything it refers to, directly or not, in the order of the original."""
    kept = without_prose(kept, keys_are_names=True)
    reached: dict[tuple[str, str], Any] = {}
    waiting = list(references(kept))
    while waiting:
        section, name = place = waiting.pop()
        if place not in reached:
            reached[place] = without_prose(spec["components"][section][name])
            if section == "responses":
                reached[place].setdefault("description", "")
            waiting.extend(references(reached[place]))
    components = {
        section: {name: reached[section, name] for name in names if (section, name) in reached}
        for section, names in spec["components"].items()
        if any(place[0] == section for place in reached)
    }
    info = {key: spec["info"][key] for key in ("title", "version", "license")}
    head = {"openapi": spec["openapi"], "info": info, "servers": spec["servers"]}
    return {**head, part: kept, "components": components}


def references(node: object) -> Iterator[tuple[str, str]]:
    """Section and name of every component that the node points to."""
    if isinstance(node, dict):
        target = node.get("$ref")
        if isinstance(target, str):
            section, name = target.removeprefix("#/components/").split("/")
            yield section, name
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def without_prose(node: Any, *, keys_are_names: bool = False) -> Any:
    """The same node without texts, samples, extensions and what misleads; it stays valid OpenAPI."""
    if isinstance(node, list):
        return [without_prose(value) for value in node]
    if not isinstance(node, dict):
        return node
    lean = {}
    for key, value in node.items():
        if keys_are_names:
            lean[key] = without_prose(value)
        elif key == "responses":
            # OpenAPI wants a description of every response, be it empty.
            lean[key] = {
                status: reply if "$ref" in reply else {"description": "", **without_prose(reply)}
                for status, reply in value.items()
            }
        elif key in VALUES:
            lean[key] = value
        elif key == KEPT_EXTENSION or not (key in PROSE | MISLEADING or key.startswith("x-")):
            lean[key] = without_prose(value, keys_are_names=key in NAME_MAPS)
    return lean


def licence_text(packages: dict[str, Path]) -> str:
    """The notices as shipped, each under the name and version of its package."""
    parts = [
        "The *.json.gz files in this folder are cut, by cut.py, from these npm packages. All three are under the MIT"
        " License.\n"
    ]
    for name, version in VERSIONS.items():
        shipped = packages[name] / "LICENSE"
        if shipped.exists():
            notice = shipped.read_text(encoding="utf-8").strip()
        else:
            about = read_json(packages[name] / "package.json")
            notice = (
                f"Ships no licence file. Its package.json says: license {about['license']}, author {about['author']},"
                f" repository {about['repository']}.\nThe permission notice is that of the MIT License, as above."
            )
        parts.append(f"{'=' * 100}\n{name} {version}\n{'=' * 100}\n\n{notice}\n")
    return "\n".join(parts)


def read_json(path: Path) -> Any:
    """What the file holds."""
    return json.loads(path.read_text(encoding="utf-8"))


def write_packed(name: str, content: object) -> None:
    """Write compact JSON, packed without time or name so that the bytes depend on the content alone."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    packed = io.BytesIO()
    # GzipFile and not gzip.compress: the latter's header differs between Python versions.
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=packed, mtime=0) as stream:
        stream.write(text)
    (HERE / name).write_bytes(packed.getvalue())
    click.echo(f"{name}: {len(packed.getvalue()):,} bytes, {len(text):,} unpacked")


if __name__ == "__main__":
    cut()
