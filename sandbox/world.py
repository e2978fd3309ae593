"""Everything that exists in the sandbox, in memory behind one lock."""

import hashlib
import itertools
import random
import string
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sandbox.clock import Clock
from sandbox.settings import Settings

Json = dict[str, Any]
Role = Literal["admin", "push", "triage", "read"]


@dataclass
class Account:
    """A GitHub account and what it may do in the co-op's repositories."""

    id: int
    login: str
    name: str
    role: Role
    kind: Literal["User", "Bot", "Organization"] = "User"

    @property
    def may_triage(self) -> bool:
        """Whether labels and assignees sent by this account are kept."""
        return self.role != "read"

    @property
    def may_push(self) -> bool:
        """Whether this account may write to the repository itself."""
        return self.role in {"admin", "push"}


@dataclass
class Label:
    """A label of a repository."""

    id: int
    name: str
    color: str = "ededed"
    description: str | None = None


@dataclass
class IssueComment:
    """A comment under an issue."""

    id: int
    author: str
    body: str
    created_at: datetime
    updated_at: datetime


@dataclass
class Issue:
    """An issue; labels are held by id, so a renamed label stays on."""

    id: int
    number: int
    title: str
    body: str | None
    author: str
    created_at: datetime
    updated_at: datetime
    state: Literal["open", "closed"] = "open"
    state_reason: str | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None
    locked: bool = False
    label_ids: list[int] = field(default_factory=list)
    assignees: list[str] = field(default_factory=list)
    comments: list[IssueComment] = field(default_factory=list)


@dataclass
class Commit:
    """Every file as it was after one change; `sha` is invented from all of it."""

    parent: str | None
    message: str
    author: str
    at: datetime
    files: dict[str, bytes]

    @property
    def sha(self) -> str:
        """The name of this commit: the same for the same change, as on GitHub."""
        said = (self.parent, self.message, self.author, self.at.isoformat(), sorted(self.files.items()))
        return hashlib.sha1(repr(said).encode()).hexdigest()


@dataclass
class PullRequest:
    """A wish to bring one branch into another; its number is one of the issues' row."""

    id: int
    number: int
    title: str
    body: str | None
    author: str
    head: str
    base: str
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None = None
    merged_at: datetime | None = None


@dataclass
class Repository:
    """A repository with its issues, its labels and the traces of what was moved away."""

    id: int
    full_name: str
    created_at: datetime
    private: bool = False
    archived: bool = False
    has_issues: bool = True
    hidden: bool = False
    former_names: list[str] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    issues: dict[int, Issue] = field(default_factory=dict)
    deleted: set[int] = field(default_factory=set)
    moved: dict[int, tuple[int, int]] = field(default_factory=dict)
    last_number: int = 0
    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    pulls: dict[int, PullRequest] = field(default_factory=dict)

    @property
    def owner(self) -> str:
        """The login in front of the slash."""
        return self.full_name.split("/")[0]

    @property
    def name(self) -> str:
        """The name behind the slash."""
        return self.full_name.split("/")[1]

    def files_on(self, branch: str) -> dict[str, bytes]:
        """Return every file of a branch, by its path."""
        return self.commits[self.branches[branch]].files

    def label_named(self, name: str) -> Label | None:
        """Return the label of this name; GitHub ignores case here."""
        return next((label for label in self.labels if label.name.lower() == name.lower()), None)

    def labels_of(self, issue: Issue) -> list[Label]:
        """Return the labels on an issue, in the order they were put on."""
        by_id = {label.id: label for label in self.labels}
        return [by_id[label_id] for label_id in issue.label_ids if label_id in by_id]


@dataclass
class Person:
    """A Loomio user."""

    id: int
    username: str
    name: str
    api_key: str
    bot: bool = False


@dataclass
class Membership:
    """One person's place in a Loomio group."""

    id: int
    group_id: int
    user_id: int
    admin: bool
    created_at: datetime
    accepted_at: datetime | None


@dataclass
class Group:
    """A Loomio group."""

    id: int
    key: str
    handle: str
    name: str
    created_at: datetime


@dataclass
class Discussion:
    """A Loomio thread; from 3.1 on its counters live on a topic with its own id."""

    id: int
    key: str
    topic_id: int
    group_id: int | None
    title: str
    description: str
    description_format: str
    author_id: int
    created_at: datetime
    updated_at: datetime
    private: bool = True
    closed_at: datetime | None = None
    discarded_at: datetime | None = None
    tags: list[str] = field(default_factory=list)
    versions_count: int = 0


@dataclass
class PollOption:
    """One thing a voter may choose."""

    id: int
    name: str
    icon: str | None
    meaning: str
    prompt: str
    priority: int
    color: str
    test_operator: str | None = None
    test_percent: int | None = None
    test_against: str | None = None


@dataclass
class Stance:
    """One voter's vote, cast or not yet."""

    id: int
    user_id: int
    option_id: int | None = None
    reason: str = ""
    cast_at: datetime | None = None


@dataclass
class Outcome:
    """What people published as the result of a poll."""

    id: int
    poll_id: int
    statement: str
    author_id: int
    created_at: datetime
    poll_option_id: int | None = None
    review_on: str | None = None
    latest: bool = True
    versions_count: int = 0


@dataclass
class Poll:
    """A Loomio poll of any type; Trellis asks for proposals."""

    id: int
    key: str
    title: str
    poll_type: str
    author_id: int
    created_at: datetime
    group_id: int | None
    topic_id: int
    discussion_id: int | None
    details: str = ""
    details_format: str = "md"
    closing_at: datetime | None = None
    closed_at: datetime | None = None
    opened_at: datetime | None = None
    discarded_at: datetime | None = None
    settings: Json = field(default_factory=dict)
    options: list[PollOption] = field(default_factory=list)
    stances: list[Stance] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    versions_count: int = 0
    told_closing_soon: bool = False

    @property
    def current_outcome(self) -> Outcome | None:
        """The outcome that holds now; earlier ones were replaced."""
        return next((outcome for outcome in self.outcomes if outcome.latest), None)


@dataclass
class Remark:
    """A comment in a Loomio thread."""

    id: int
    discussion_id: int
    body: str
    body_format: str
    author_id: int
    created_at: datetime
    parent_type: str
    parent_id: int


@dataclass
class TopicItem:
    """One line of a Loomio thread's history."""

    id: int
    sequence_id: int
    kind: str
    topic_id: int
    actor_id: int | None
    itemable_type: str
    itemable_id: int
    created_at: datetime


@dataclass
class Notice:
    """A notification Loomio would have sent to people; kept so that tests can see who was told."""

    kind: str
    poll_id: int
    user_ids: list[int]
    at: datetime


@dataclass
class Delivery:
    """One webhook request, planned or sent."""

    id: int
    side: Literal["github", "loomio"]
    guid: str
    event: str
    action: str | None
    url: str
    headers: dict[str, str]
    body: bytes
    payload: Json
    repository_id: int | None = None
    installation_id: int | None = None
    redelivery: bool = False
    delivered_at: datetime | None = None
    duration: float = 0.0
    status: str = "pending"
    status_code: int = 0
    response_headers: dict[str, str] = field(default_factory=dict)
    response_body: str = ""


@dataclass
class Letter:
    """An e-mail the sandbox took; a second one under the same Message-ID is a second one."""

    id: int
    sender: str
    to: list[str]
    subject: str
    text: str
    html: str
    message_id: str
    headers: dict[str, str]
    at: datetime


@dataclass
class Post:
    """A message in a room of the team's chat."""

    id: int
    room: str
    title: str
    body: str
    at: datetime


@dataclass
class Seen:
    """One API request the sandbox received, or one attempt to hand it a letter."""

    n: int
    side: str
    method: str
    path: str
    query: str
    body: Any
    at: datetime
    status: int | None = None
    fault: str | None = None


@dataclass
class Limits:
    """How many writes GitHub lets one account make, in real time."""

    per_minute: int = 80
    per_hour: int = 500


class World:
    """The whole state; whoever reads or changes it holds the lock."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.lock = threading.RLock()
        self.clock = Clock(settings.clock_file)
        self.base_url = f"http://127.0.0.1:{settings.port}"
        self.clear()

    def clear(self) -> None:
        """Forget everything; the seed is planted by sandbox.people."""
        self._counters: defaultdict[str, itertools.count[int]] = defaultdict(lambda: itertools.count(1))
        # Seeded, so that keys are the same at every start: a picture in the documentation stays true.
        self.chance = random.Random(1602)
        self.accounts: dict[str, Account] = {}
        self.repositories: dict[int, Repository] = {}
        self.installation_tokens: set[str] = set()
        self.limits = Limits()
        # Real time on purpose: the limits protect GitHub's machines, which do not skip a day with our clock. A trial
        # that lasts hours brings a clock of its own.
        self.limits_clock: Callable[[], float] = time.monotonic
        self.writes: defaultdict[str, deque[float]] = defaultdict(deque)
        self.requests_made: defaultdict[str, int] = defaultdict(int)
        self.hook_kind: Literal["repository", "integration"] = "repository"
        self.installed: Literal["installed", "suspended", "uninstalled"] = "installed"  # the App
        self.installation_id = 66
        self.token_refused = False  # the bot account's token ran out
        self.people: dict[int, Person] = {}
        self.groups: dict[int, Group] = {}
        self.memberships: list[Membership] = []
        self.discussions: dict[int, Discussion] = {}
        self.polls: dict[int, Poll] = {}
        self.remarks: dict[int, Remark] = {}
        self.items: list[TopicItem] = []
        self.notices: list[Notice] = []
        self.loomio_version = self.settings.loomio_version
        self.loomio_webhook_url = self.settings.loomio_webhook_url
        self.closing_lag_seconds = 300
        self.letters: list[Letter] = []
        self.posts: list[Post] = []
        self.deliveries: list[Delivery] = []
        self.requests: list[Seen] = []

    def next_id(self, kind: str, start: int = 1) -> int:
        """Return the next number of a kind, counted from the given start."""
        return start - 1 + next(self._counters[kind])

    def new_key(self) -> str:
        """Return an eight-character key as Loomio makes them: never digits alone."""
        letters = string.ascii_letters + string.digits
        while True:
            key = "".join(self.chance.choices(letters, k=8))
            if not key.isdigit():
                return key

    def now(self) -> datetime:
        """Return sandbox time."""
        return self.clock.now()

    def person_named(self, username: str) -> Person | None:
        """Return the Loomio user of this name."""
        return next((person for person in self.people.values() if person.username == username), None)
