"""What should be, by what people did and saw, compared with the sandbox's world and our database.

Nothing here asks the product what it meant to do: what people opened, wished for, voted and closed decides. Only where
the ledger says that something is done is it held to its own word.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.chaos.scenario import GOAL, MEMBERS, QUIET, Scenario
from tests.house import House

BOT = "trellis-bot"
SLUG = "fennel-works"
MARKER = re.compile(r"<!-- trellis:key=(\S+) -->")
ISSUE = re.compile(r"/issues/(\d+)")
ENDED_WELL = ("done", "withheld", "not needed")
KEEPS_A_MARK = ("OpenIssue", "CommentOnIssue")
# What a ticket's issue is told, in the order of its states; readings count up by themselves.
IN_ORDER = ("proposed:1", "reading:1000", "confirmed:", "booked", "used", "shared")


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be."""

    kind: str  # lost, doubled, wrong state, wrong order
    what: str


class Truth:
    """Everything there is at the end, read once."""

    def __init__(self, house: House, scenario: Scenario) -> None:
        self.scenario = scenario
        asked = f"{house.sandbox_url}/_control"
        world = house.session.get(
            f"{asked}/world?only=issues,polls,discussions,comments,posts,letters,people", timeout=120
        )
        self.world: dict[str, Any] = world.json()
        self.carried: list[dict[str, Any]] = house.session.get(f"{asked}/deliveries", timeout=120).json()
        self.calls: list[dict[str, Any]] = house.session.get(f"{asked}/requests", timeout=120).json()
        self.deliveries = dict(house.rows("SELECT id, status FROM deliveries"))
        self.errors = dict(house.rows("SELECT id, last_error FROM deliveries WHERE status NOT IN ('done', 'ignored')"))
        self.effects = house.rows("SELECT key, kind, status, last_error FROM effects")
        self.objectives = {
            number: (state, title, login)
            for number, state, title, login in house.rows(
                "SELECT o.issue_number, o.state, o.title, p.github_login FROM objectives o "
                "JOIN people p ON p.id = o.person_id"
            )
        }
        self.tickets = house.rows("SELECT opportunity, state, number FROM tickets")
        self.timeline = {row[0] for row in house.rows("SELECT key FROM timeline WHERE key IS NOT NULL")}
        self.letters = {(one["message_id"], to) for one in self.world["letters"] for to in one["to"]}
        self.issues = {one["number"]: one for one in self.world["issues"]}

    def findings(self) -> list[Finding]:
        """Compare."""
        checks = (
            self._deliveries, self._wishes, self._ledger, self._marks, self._loomio, self._goals, self._tickets,
            self._labels, self._commands, self._order, self._chat, self._nudges,
        )  # fmt: skip
        return [finding for check in checks for finding in check()]

    def doubled_letters(self) -> int:
        """Count letters that came again under their Message-ID, which mail programs show once."""
        return sum(n - 1 for n in Counter(one["message_id"] for one in self.world["letters"]).values())

    def _nudges_on_goals(self) -> list[str]:
        return [key for _, key, _ in self._said() if key.startswith(f"nudge:{SLUG}:")]

    def nudges_on_goals(self) -> int:
        """Count the nudges that stand on somebody's goal."""
        return len(self._nudges_on_goals())

    def never_told(self) -> int:
        """Count issues whose whole life passed before anybody here heard of them."""
        return sum(number not in self.objectives for number, _ in self._by_people())

    # -- what came in --------------------------------------------------------------------------------------------------

    def _deliveries(self) -> Iterator[Finding]:
        made = {one["guid"] for one in self.carried if one["side"] == "github"}
        taken = {one["guid"] for one in self.carried if one["side"] == "github" and one["status"] == "OK"}
        for guid in sorted(made - self.deliveries.keys()):
            yield Finding("lost", f"delivery {guid}: {'taken with 2xx' if guid in taken else 'never arrived'}")
        for key, status in self.deliveries.items():
            if status not in ("done", "ignored"):
                yield Finding("lost", f"delivery {key} is {status}: {self.errors.get(key)}")

    def _wishes(self) -> Iterator[Finding]:
        for wish in self.scenario.wishes:
            if f"goals:{SLUG}:{wish.id}" not in self.deliveries:
                yield Finding("lost", f"the wish {wish.title!r} was taken and is not stored")
            # People edit titles of goals, and only ever add to them.
            yield from _once(f"the issue wished for, {wish.title!r}", self._issues_called(wish.title))

    def _issues_called(self, title: str) -> list[int]:
        return [number for number, one in self.issues.items() if title in one["title"] and one["author"] == BOT]

    # -- what went out -------------------------------------------------------------------------------------------------

    def _ledger(self) -> Iterator[Finding]:
        for key, _, status, error in self.effects:
            if status not in ENDED_WELL:
                yield Finding("lost", f"effect {key} is {status}: {error}")

    def _marks(self) -> Iterator[Finding]:
        there = Counter(key for _, key, _ in self._said())
        for key, times in there.items():
            if times > 1:
                yield Finding("doubled", f"{key} stands {times} times on GitHub")
        states = {key: status for key, _, status, _ in self.effects}
        for key in there:
            if states.get(key) != "done":
                yield Finding("wrong state", f"{key} stands on GitHub and is {states.get(key)} in the ledger")
        for key, kind, status, _ in self.effects:
            if status == "done" and kind in KEEPS_A_MARK and key not in there:
                yield Finding("lost", f"{key} is done in the ledger and nowhere on GitHub")

    def _said(self) -> Iterator[tuple[int, str, int]]:
        """Everything of ours on GitHub: the issue, the key, the comment's id (0 for the issue itself)."""
        for number, issue in self.issues.items():
            texts = [(issue["author"], issue["body"], 0)]
            texts += [(one["author"], one["body"], one["id"]) for one in issue["comments"]]
            for author, text, comment_id in texts:
                if author == BOT and (found := MARKER.findall(text or "")):
                    yield number, found[-1], comment_id

    def _loomio(self) -> Iterator[Finding]:
        bots = {one["id"] for one in self.world["people"] if one["bot"]}
        for what in ("discussions", "polls"):
            titles = Counter(one["title"] for one in self.world[what] if one["author_id"] in bots)
            for title, times in titles.items():
                if times > 1:
                    yield Finding("doubled", f"{what}: {title} {times} times")
        remarks = Counter(
            (one["discussion_id"], one["body"]) for one in self.world["comments"] if one["author_id"] in bots
        )
        for (_, body), times in remarks.items():
            if times > 1:
                yield Finding("doubled", f"in a thread, {times} times: {body[:60]}")
        for claim in self.scenario.claims:
            if claim.plan != "light":
                polls = [one["key"] for one in self.world["polls"] if claim.opportunity in one["title"]]
                yield from _once(f"the poll on {claim.opportunity}", polls)

    def _chat(self) -> Iterator[Finding]:
        """A room is told at most once; when its answer never came, perhaps not at all (nobody can look)."""
        asked = Counter(number for number, word in self.scenario.commands.values() if word == "help-wanted")
        told = Counter(int(found[1]) for one in self.world["posts"] if (found := ISSUE.search(one["body"])))
        for number, times in told.items():
            if times > asked[number]:
                yield Finding(
                    "doubled", f"the room was asked {times} times to help with #{number}, not {asked[number]}"
                )

    # -- where things stand --------------------------------------------------------------------------------------------

    def _by_people(self) -> Iterator[tuple[int, dict[str, Any]]]:
        for number, issue in self.issues.items():
            if issue["title"].startswith("Goal "):
                yield number, issue

    def _goals(self) -> Iterator[Finding]:
        active: Counter[str] = Counter()
        for number, issue in self._by_people():
            shown = issue["state"] == "open" and (GOAL in issue["labels"] or self._label_was_dropped(number, issue))
            known = self.objectives.get(number)
            if known is None:
                if shown:
                    yield Finding("lost", f"goal #{number} is open on GitHub and unknown here")
                continue
            state, title, login = known
            active[login] += state == "active"
            if shown != (state != "closed"):
                yield Finding("wrong state", f"goal #{number} is {issue['state']} {issue['labels']} and {state} here")
            if title != issue["title"]:
                yield Finding("wrong state", f"goal #{number} is called {issue['title']!r}, here {title!r}")
            if issue["assignees"] and login not in issue["assignees"]:
                yield Finding("wrong state", f"goal #{number} is {issue['assignees']}'s, here {login}'s")
        for login, many in active.items():
            if many > 1:
                yield Finding("wrong state", f"{login} has {many} active goals")

    def _label_was_dropped(self, number: int, issue: dict[str, Any]) -> bool:
        """Whether GitHub kept the label from us when we opened the issue: then the goal stays until it is there."""
        return issue["author"] == BOT and GOAL not in issue["labels"]

    def _tickets(self) -> Iterator[Finding]:
        for claim in self.scenario.claims:
            states = [state for opportunity, state, _ in self.tickets if opportunity == claim.opportunity]
            yield from _once(f"the ticket of {claim.opportunity} ({claim.plan})", states)
            if states and states[0] != claim.expected:
                yield Finding("wrong state", f"{claim.opportunity} ({claim.plan}) is {states[0]}, not {claim.expected}")

    def _labels(self) -> Iterator[Finding]:
        dropped = {
            int(found[1])
            for one in self.calls
            if one["fault"] == "drop_labels" and (found := re.search(r"/issues/(\d+)/labels$", one["path"]))
        }
        for claim in self.scenario.claims:
            for number, issue in self.issues.items():
                if claim.opportunity in (issue["body"] or "") and number not in dropped:
                    shown = [one for one in issue["labels"] if one.startswith("ticket: ")]
                    if shown != [f"ticket: {claim.expected}"]:
                        yield Finding("wrong state", f"#{number} ({claim.plan}) shows {shown}, not {claim.expected}")

    def _commands(self) -> Iterator[Finding]:
        answered = {key for _, key, _ in self._said()}
        for comment, (number, word) in self.scenario.commands.items():
            if f"command:{comment}:{word}" not in self.timeline:
                yield Finding("lost", f"/{word} in comment {comment} on #{number} was not heard")
            elif (
                word == "abracadabra"
                and number in self.objectives
                and f"answer:{SLUG}:{comment}:{word}" not in answered
            ):
                yield Finding("lost", f"/{word} in comment {comment} on #{number} got no answer")

    def _nudges(self) -> Iterator[Finding]:
        """The one rhythm fell due once: everybody has heard of it, on their goal or by letter."""
        told = Counter(key.split(":")[2] for key in self._nudges_on_goals())
        told += Counter(to.partition("@")[0] for _, to in self.letters)
        for one in MEMBERS + QUIET:
            yield from _once(f"the nudge of {one}", range(told[one]))

    def _order(self) -> Iterator[Finding]:
        told: defaultdict[str, list[tuple[int, int, str]]] = defaultdict(list)
        for _, key, comment_id in self._said():
            if key.startswith(f"ticket-say:{SLUG}:"):
                ticket, _, what = key.removeprefix(f"ticket-say:{SLUG}:").partition(":")
                rank = next((n for n, one in enumerate(IN_ORDER) if what.startswith(one)), None)
                if rank is not None:
                    told[ticket].append((comment_id, rank, what))
        for ticket, lines in told.items():
            ranks = [rank for _, rank, _ in sorted(lines)]
            if ranks != sorted(ranks):
                yield Finding("wrong order", f"ticket {ticket}: {', '.join(what for *_, what in sorted(lines))}")


def _once(what: str, found: Iterable[object]) -> Iterator[Finding]:
    times = len(list(found))
    if times != 1:
        yield Finding("lost" if times == 0 else "doubled", f"{what}: {times} times")
