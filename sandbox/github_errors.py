"""How GitHub says no: answers that are not a success, raised wherever one is found out."""

from sandbox.world import Json

DOCS = "https://docs.github.com/rest"


class GitHubError(Exception):
    """An answer that is not a success."""

    def __init__(self, status: int, message: str, errors: list[Json] | None = None, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.body: Json = {"message": message, "documentation_url": DOCS, "status": str(status)}
        if errors is not None:
            self.body["errors"] = errors
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class Moved(Exception):  # noqa: N818  (not an error: a signpost)
    """What was asked for lives at another address."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


def invalid(resource: str, field: str, code: str, message: str | None = None) -> GitHubError:
    """Return a 422 about one field."""
    error: Json = {"resource": resource, "field": field, "code": code}
    if message:
        error["message"] = message
    return GitHubError(422, "Validation Failed", [error])


def not_found() -> GitHubError:
    """Return the 404 that also means: not yours to see."""
    return GitHubError(404, "Not Found")
