"""GitHub's answers, as our records: issues, comments, and the lists that PyGithub leaves as they came."""

from typing import Any

from github.Issue import Issue as VendorIssue
from github.IssueComment import IssueComment as VendorComment

from domain.issues import CloseReason, Comment, Issue


def issue_of(found: VendorIssue) -> Issue:
    """Read an issue; whoever has no account any more is `ghost`, as on GitHub's own pages."""
    reason = found.state_reason
    known = {one.value for one in CloseReason}
    return Issue(
        number=found.number,
        title=found.title,
        body=found.body or "",
        author=found.user.login if found.user else "ghost",
        url=found.html_url,
        open=found.state == "open",
        close_reason=CloseReason(reason) if found.state == "closed" and reason in known else None,
        labels=tuple(label.name for label in found.labels),
        assignees=tuple(person.login for person in found.assignees),
        locked=bool(found.locked),
        targets_done=_sub_issues(found, "completed"),
        targets_total=_sub_issues(found, "total"),
        created_at=found.created_at,
        updated_at=found.updated_at,
    )


def comment_of(found: VendorComment) -> Comment:
    """Read a comment."""
    return Comment(
        id=found.id,
        author=found.user.login if found.user else "ghost",
        body=found.body or "",
        created_at=found.created_at,
        url=found.html_url,
    )


def rows(found: Any) -> list[dict[str, Any]]:
    """Give the records of a list.

    Raises TypeError when the answer is none.
    """
    if not isinstance(found, list):
        raise TypeError("no list in the answer")  # a redirect, which PyGithub neither follows nor reports
    return [one for one in found if isinstance(one, dict)]


def _sub_issues(found: VendorIssue, which: str) -> int:
    """Read the summary of an issue's sub-issues, which older servers leave out."""
    summary = found._rawData.get("sub_issues_summary")
    counted = summary.get(which) if isinstance(summary, dict) else None
    return counted if isinstance(counted, int) else 0
