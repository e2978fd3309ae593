"""`flask github`: puts the issue forms where people fill them in."""

from collections.abc import Mapping
from pathlib import Path

import click

from commands.bench import Bench, chosen, organisation_option
from config.forms import forms, issue_forms
from domain.policy import Mode, Policy
from integrations.errors import PermanentError, TemporaryError, UnknownOutcomeError
from integrations.github import GitHub
from integrations.github_connection import Connection
from integrations.github_files import Files

BRANCH = "trellis/issue-forms"
TITLE = "Forms for learning goals, golden tickets and support"
BODY = """\
Three forms for new issues, as Trellis reads them:

{list}

Change hints as you like. Please leave the questions and options as they are: Trellis finds the answers by them. Once \
this is merged, *New issue* shows the forms. Running the same command again renews this pull request.
"""


def github_group(bench: Bench) -> click.Group:
    """Make the group."""

    @click.group("github", help="What Trellis needs in the repository on GitHub.")
    def github() -> None:
        pass

    @github.command("install-forms", help="Write the issue forms, into a folder or as one pull request.")
    @click.option(
        "--to",
        "folder",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="A checkout of the repository: the forms go into .github/ISSUE_TEMPLATE there.",
    )
    @click.option("--force", is_flag=True, help="With --to: also replace forms that read otherwise by now.")
    @click.option(
        "--pull-request",
        "proposing",
        is_flag=True,
        help="Propose them on GitHub. For this the token needs Contents and Pull requests: read and write.",
    )
    @organisation_option
    def install_forms(folder: Path | None, force: bool, proposing: bool, slug: str | None) -> None:
        if (folder is None) is not proposing or (force and folder is None):
            raise click.UsageError("Say where to: --to FOLDER (perhaps with --force), or --pull-request.")
        policy = chosen(bench, slug)
        if folder is not None:
            _write(folder, issue_forms(policy.github), force)
            labels = ", ".join(form.label_under(policy.github) for form in forms())
            click.echo(f"They put on these labels, once the repository has them: {labels}")
        else:
            _propose(_connection(bench, policy), policy)

    return github


# -- into a folder -----------------------------------------------------------------------------------------------------


def _write(folder: Path, files: Mapping[str, str], force: bool) -> None:
    """Write all files or none: half a change is harder to look at than either."""
    try:
        before = {path: _text_of(folder / path) for path in files}
        changed = [path for path, text in files.items() if before[path] not in (None, text)]
        if changed and not force:
            raise click.ClickException(
                "Nothing was written, for these read otherwise by now: " + ", ".join(changed) + ". "
                "Look at them first; --force replaces them."
            )
        for path, text in files.items():
            if before[path] == text:
                click.echo(f"as it was  {folder / path}")
                continue
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8", newline="\n")
            click.echo(f"{'replaced ' if path in changed else 'written  '}  {folder / path}")
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}") from error


def _text_of(file: Path) -> str | None:
    """Read a file; None when there is none. One checked out with CRLF reads the same."""
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None


# -- as a pull request -------------------------------------------------------------------------------------------------


def _connection(bench: Bench, policy: Policy) -> Connection:
    if policy.organisation.mode is Mode.OBSERVE:
        raise click.ClickException(
            f"{policy.slug} is observing, and nothing goes out before its mode is “on”. "
            "Until then, --to FOLDER writes the forms into a checkout of your own."
        )
    github = bench.workshop.github(policy.slug)
    if github is None:
        raise click.ClickException(f"{policy.slug}: no GitHub token or App is set. --to FOLDER needs none.")
    return github.connection.by_hand()


def _propose(connection: Connection, policy: Policy) -> None:
    github = GitHub(connection)
    try:
        number, name = github.repository()
        github.use_repository(number)
        click.echo(_proposed(github, Files(connection), policy, name))
    except PermanentError as error:
        raise click.ClickException(_refusal(error)) from error
    except TemporaryError as error:
        when = f" It may work again from {error.retry_at:%H:%M} UTC." if error.retry_at else ""
        raise click.ClickException(f"{error}. The same command goes on from where this one stopped.{when}") from error
    except UnknownOutcomeError as error:
        raise click.ClickException(f"{error}. Run the same command again: it looks before it writes.") from error


def _proposed(github: GitHub, files: Files, policy: Policy, name: str) -> str:
    """Open the pull request, or renew the one that is open; say which.

    Without an open one the branch begins anew at the default branch: what an earlier one left behind there would only
    get in the way, and GitHub keeps it with the pull request it belonged to.
    """
    wanted, base = issue_forms(policy.github), files.default_branch()
    if all((there := files.file(path, branch=base)) and there.text == text for path, text in wanted.items()):
        return f"{name} has these very forms on {base}. There is nothing to propose."
    url = files.pull_request_from(BRANCH)
    if url is None:
        _begin_branch(files, base)
    changed = [path for path, text in wanted.items() if _renew(files, path, text)]
    for form in forms():
        # A form puts on only labels that exist (facts on GitHub, section 4).
        github.make_label(form.label_under(policy.github), form.name)
    if url is not None:
        return f"{'Renewed' if changed else 'As it was'}: {url}"
    listed = "\n".join(f"- **{form.name}**: {form.about}" for form in forms())
    url = files.open_pull_request(title=TITLE, body=BODY.format(list=listed), branch=BRANCH, into=base)
    return f"Opened: {url}"


def _begin_branch(files: Files, base: str) -> None:
    head = files.branch_head(base)
    if head is None:
        raise PermanentError(f"the repository has no branch {base} yet", status=409)
    if files.branch_head(BRANCH) is None:
        files.make_branch(BRANCH, head)
    else:
        files.move_branch(BRANCH, head)


def _renew(files: Files, path: str, text: str) -> bool:
    there = files.file(path, branch=BRANCH)
    if there is not None and there.text == text:
        return False
    message = f"{'Renew' if there else 'Add'} the form {Path(path).name}"
    files.write_file(path, text, branch=BRANCH, message=message, replaces=there.sha if there else None)
    return True


def _refusal(error: PermanentError) -> str:
    if error.status in (403, 404):
        return (
            f"{error}. For this one command the token, or the App, needs Contents and Pull requests: read and write, "
            "and its account the Write role. Without them, --to FOLDER writes the forms into a checkout of your own."
        )
    if error.status == 409:
        return f"{error}. If the repository is empty, give it a first commit; then run the same command again."
    return f"{error}. --to FOLDER writes the forms into a checkout of your own."
