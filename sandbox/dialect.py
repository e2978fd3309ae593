"""What differs between Loomio's versions, as far as an API client notices."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Dialect:
    """The answers of one version to the questions of an API client."""

    version: tuple[int, ...]
    bearer: bool  # the key travels in a header; else as a parameter
    nested: bool  # discussions and polls are sent under their own name
    topics: bool  # polls hang on topics; else on discussions, and neither takes the other's name for it
    edits: bool  # PATCH, DELETE, groups and threads exist
    lists: bool  # polls and discussions can be listed
    search: bool
    whole_hours: bool  # closing times lose their minutes
    tells_on_open: bool  # voters are notified unless told not to
    float_scores: bool
    most_voter_ids: int
    limit_and_offset: bool  # lists are paged by these names; else only by per and from
    tells_reopened: bool  # a poll that is opened again is told to the chat
    limit_answers: bool  # the daily limit on invitations is a 429; else a 500
    refusal: str  # how a 403 speaks: "message", "number" or "exception"


def dialect_of(version: str) -> Dialect:
    """Return the dialect of a version such as 3.8.1; what lies between 3.0.20 and 3.1.3 is partly a guess.

    When polls moved to topics, witnesses disagree; so that a client can be tried on both, 3.0.24 is as one of them
    says (discussions), and 3.0.21 to 3.0.23 are as the other says (topics).
    """
    number = tuple(int(part) for part in version.split(".") if part.isdigit())
    current = number >= (3, 1, 3)
    refusal = "message" if number >= (3, 1, 1) else "number" if number >= (3, 0, 24) else "exception"
    return Dialect(
        version=number,
        bearer=current,
        nested=current,
        topics=number >= (3, 1, 0) or (3, 0, 20) < number < (3, 0, 24),
        edits=number >= (3, 1, 0),
        lists=number >= (3, 0, 24),
        search=number >= (3, 8, 0),
        whole_hours=current,
        tells_on_open=current,
        float_scores=current,
        most_voter_ids=50 if current else 500,
        limit_and_offset=number >= (3, 0, 24),
        tells_reopened=number >= (3, 1, 0),
        limit_answers=number >= (3, 1, 0),
        refusal=refusal,
    )
