"""What invented people do: open goals and tickets, talk, command, vote, change their minds; seeded.

They act on what they see on GitHub and in Loomio, as people do, and remember only what has to come of it in the end.
"""

import json
import random
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import requests
from standardwebhooks.webhooks import Webhook

from tests.house import GOALS_SECRET, House
from tests.scenes import TICKET

MEMBERS = tuple(f"m{n:02}" for n in range(1, 61))
QUIET = tuple(f"q{n:02}" for n in range(1, 13))  # say nothing and wait; every second one has a goal
MOST_OPEN = 2  # goals of one person at a time; whoever has more closes one
FRESH = 8  # goals that nobody ends yet: whose whole life passes unheard, leaves nothing to compare
LOOK_EVERY_SECONDS = 3.0
LIKELIEST_CLAIM = 0.6  # at each look; less in a long run, so that somebody still has a ticket in the end
GIVES_UP_AFTER_SECONDS = 90.0  # a person waits no longer for what they want to see
GOAL, TICKET_LABEL = "ILO", "golden-ticket"
CHATTER = ("Got on well today.", "I asked Bo about it.", "Half a page, and a question.", "Not this week.")
COMMANDS = (
    "/log A page a day",
    "/activate",
    "/offer An hour on Tuesday",
    "/queue first",
    "/abracadabra",
    "/done",
    "/help-wanted",
)
# How a ticket goes on once it is being decided, and where it stands then.
PLANS = (
    "leave",
    "withdraw",
    "consent",
    "object",
    "too few",
    "use",
    "coordinator",
    "outcome",
    "reopen",
    "again",
    "light",
)
VOTES = {
    "object": (("agree", 5), ("block", 1)),
    "again": (("agree", 4), ("block", 2)),
    "outcome": (("agree", 4), ("block", 1)),
    "too few": (("agree", 1),),
    "coordinator": (("agree", 1),),
}
RESULTS = {
    "object": "objection", "again": "objection", "outcome": "objection", "too few": "no quorum",
    "coordinator": "no quorum",
}  # fmt: skip
AFTERWARDS = {"booked": ("/used", "used"), "used": ("/shared", "shared")}


@dataclass
class Wish:
    """A message to the goals door, sent again until it is taken."""

    id: str
    body: str
    title: str
    taken: int = 0


@dataclass
class Claim:
    """One golden ticket, and where it has to stand by what people did."""

    person: str
    opportunity: str
    plan: str
    expected: str
    stage: str = "claimed"
    since: float = field(default_factory=time.monotonic)


class Scenario:
    """The people; `run` in a thread, `stop` from another."""

    def __init__(
        self, house: House, doors: tuple[str, ...], *, seed: int, acts_per_second: float, seconds: float
    ) -> None:
        """`seconds` is how long they have, about."""
        self.wishes: list[Wish] = []
        self.claims: list[Claim] = []
        self.commands: dict[int, tuple[int, str]] = {}  # by comment: issue, word
        self.acts = 0
        self.refused: list[str] = []
        self._house = house
        self._doors = doors
        self._chance = random.Random(seed)
        self._rate = acts_per_second
        self._claims_at_once = min(LIKELIEST_CLAIM, len(MEMBERS) * LOOK_EVERY_SECONDS / seconds)
        self._session = requests.Session()
        self._issues: list[dict[str, Any]] = []
        self._polls: list[dict[str, Any]] = []
        self._planned = list(zip(MEMBERS, self._chance.choices(PLANS, k=len(MEMBERS)), strict=True))
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=one, daemon=True) for one in (self._live, self._send_wishes)]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Do nothing new; what was wished for at the door is still sent until it is taken."""
        self._stopping.set()
        self._threads[0].join(timeout=60)
        self._session.close()

    def all_taken(self) -> bool:
        """Say whether everything sent to the goals door was answered with 2xx."""
        return all(one.taken for one in self.wishes)

    # -- living ------------------------------------------------------------------------------------------------------

    def _live(self) -> None:
        for one in QUIET[::2]:
            self._open_goal(one, f"What {one} is quiet about")
        looked_at = 0.0
        started = time.monotonic()
        while not self._stopping.is_set():
            if time.monotonic() - looked_at > LOOK_EVERY_SECONDS:
                self._look()
                self._go_on_with_tickets()
                looked_at = time.monotonic()
            self._act()
            self.acts += 1
            behind = started + self.acts / self._rate - time.monotonic()
            if behind > 0:
                self._stopping.wait(behind)

    def _look(self) -> None:
        seen = self._session.get(f"{self._house.sandbox_url}/_control/world?only=issues,polls", timeout=60).json()
        self._issues, self._polls = seen["issues"], seen["polls"]

    def _control(self, path: str, **sent: Any) -> dict[str, Any]:
        answer = self._session.post(f"{self._house.sandbox_url}/_control/{path}", json=sent, timeout=60)
        if not answer.ok:
            self.refused.append(f"{path}: {answer.text.strip()}")
            return {}
        found: dict[str, Any] = answer.json()
        return found

    def _act(self) -> None:
        acts: dict[Callable[[], None], int] = {
            self._talk: 60, self._command: 7, self._open: 10, self._wish: 3, self._close: 8, self._reopen: 3,
            self._edit: 6, self._relabel: 4,
        }  # fmt: skip
        [act] = self._chance.choices(list(acts), list(acts.values()))
        act()

    def _goals(self, *, open_: bool = True) -> list[dict[str, Any]]:
        """The goals of the invented people, the younger ones first."""
        state = "open" if open_ else "closed"
        mine = [one for one in self._issues if one["title"].startswith("Goal ") and one["state"] == state]
        return sorted(mine, key=lambda one: -one["number"])[:60]

    def _some_goal(self, *, open_: bool = True, but_the_youngest: int = 0) -> dict[str, Any] | None:
        found = self._goals(open_=open_)[but_the_youngest:]
        return self._chance.choice(found) if found else None

    def _talk(self) -> None:
        goal = self._some_goal()
        if goal is not None:
            self._comment(goal["number"], self._chance.choice(MEMBERS), self._chance.choice(CHATTER))

    def _comment(self, number: int, who: str, body: str) -> None:
        made = self._control(f"github/issues/{number}/comments", **{"as": f"{who}-fw"}, body=body)
        if made and body.startswith("/"):
            self.commands[made["id"]] = (number, body.split()[0][1:])

    def _command(self) -> None:
        goal = self._some_goal(but_the_youngest=FRESH)
        if goal is not None:
            who = (goal["assignees"] or [self._chance.choice(MEMBERS)])[0].removesuffix("-fw")
            self._comment(goal["number"], who, self._chance.choice(COMMANDS))

    def _open(self) -> None:
        who = self._chance.choice(MEMBERS)
        mine = [one for one in self._goals() if f"{who}-fw" in one["assignees"]]
        if len(mine) >= MOST_OPEN:
            self._set_state(mine[-1], "closed")
            return
        self._open_goal(who, f"Goal {self._chance.getrandbits(32):08x} of {who}")

    def _open_goal(self, who: str, title: str) -> None:
        login = f"{who}-fw"
        self._control("github/issues", **{"as": login}, title=title, body="", labels=[GOAL], assignees=[login])

    def _close(self) -> None:
        goal = self._some_goal(but_the_youngest=FRESH)
        if goal is not None:
            self._set_state(goal, "closed")

    def _reopen(self) -> None:
        goal = self._some_goal(open_=False)
        if goal is not None:
            self._set_state(goal, "open")

    def _set_state(self, goal: dict[str, Any], state: str) -> None:
        reason = self._chance.choice(["completed", "not_planned"]) if state == "closed" else None
        self._edit_as_owner(goal, state=state, state_reason=reason)

    def _edit(self) -> None:
        goal = self._some_goal()
        if goal is not None:
            again = f"{goal['title'].split(' (')[0]} ({self._chance.getrandbits(16):04x})"
            self._edit_as_owner(goal, title=again)

    def _relabel(self) -> None:
        goal = self._some_goal(but_the_youngest=FRESH)
        if goal is not None and goal["author"] != "trellis-bot":
            self._edit_as_owner(goal, labels=[] if GOAL in goal["labels"] else [GOAL])

    def _edit_as_owner(self, goal: dict[str, Any], **sent: Any) -> None:
        who = (goal["assignees"] or ["cy-fw"])[0]
        self._control(f"github/issues/{goal['number']}/edit", **{"as": who}, **sent)

    # -- wishes at the goals door ------------------------------------------------------------------------------------

    def _wish(self) -> None:
        who = self._chance.choice(MEMBERS)
        title = f"Goal {self._chance.getrandbits(32):08x} of {who} by the door"
        self._wish_for("objective.open", title, person=who, title=title)

    def _wish_for(self, kind: str, title_: str, **data: str) -> None:
        body = json.dumps({"type": kind, "organisation": "fennel-works", "data": data})
        self.wishes.append(Wish(id=str(uuid.UUID(int=self._chance.getrandbits(128))), body=body, title=title_))

    def _send_wishes(self) -> None:
        """Send as a form tool does: the same id until it is taken, and now and then once more."""
        chance = random.Random(self._chance.getrandbits(32))
        with requests.Session() as session:
            self._send_until_taken(chance, session)

    def _send_until_taken(self, chance: random.Random, session: requests.Session) -> None:
        while not (self._stopping.is_set() and self.all_taken()):
            for wish in [one for one in self.wishes if not one.taken]:
                for _ in range(2 if chance.random() < 0.2 else 1):
                    wish.taken += self._is_taken(session, wish, chance.choice(self._doors))
            time.sleep(0.3)

    def _is_taken(self, session: requests.Session, wish: Wish, door: str) -> bool:
        now = datetime.now(UTC)
        headers = {
            "webhook-id": wish.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(GOALS_SECRET).sign(wish.id, now, wish.body),
            "content-type": "application/json",
        }
        try:
            answer = session.post(f"{door}/webhooks/goals", data=wish.body, headers=headers, timeout=10)
        except requests.RequestException:
            return False
        if 400 <= answer.status_code < 500 and answer.status_code != 401:
            self.refused.append(f"goals door: {answer.status_code} {answer.text}")
        return answer.ok

    # -- golden tickets ------------------------------------------------------------------------------------------------

    def _go_on_with_tickets(self) -> None:
        if self._planned and self._chance.random() < self._claims_at_once:
            person, plan = self._planned.pop()
            self._claim(person, plan)
        for claim in self.claims:
            if claim.stage != "over":
                self._go_on(claim)

    def _claim(self, person: str, plan: str) -> None:
        opportunity = f"Opportunity {self._chance.getrandbits(32):08x}"
        light = plan == "light"
        claim = Claim(person, opportunity, plan, "agreed by the member" if light else "proposed")
        self.claims.append(claim)
        if self._chance.random() < 0.4:
            more = {"decide": "go-ahead"} if light else {"cost": "480 EUR", "decide": "proposal"}
            self._wish_for("ticket.request", opportunity, person=person, opportunity=opportunity, **more)
        else:
            body = TICKET.format(
                cost="0 EUR" if light else "480 EUR", decide="Go ahead, it is light" if light else "Start a proposal"
            ).replace("RubyConf 2027", opportunity)
            self._control(
                "github/issues",
                **{"as": f"{person}-fw"},
                title=f"Ticket of {person}",
                body=body,
                labels=[TICKET_LABEL],
                assignees=[f"{person}-fw"],
            )
        if light or plan == "leave":
            claim.stage = "over"

    def _go_on(self, claim: Claim) -> None:
        issue = next((one for one in self._issues if claim.opportunity in (one["body"] or "")), None)
        poll = next((one for one in self._polls if claim.opportunity in one["title"]), None)
        if time.monotonic() - claim.since > GIVES_UP_AFTER_SECONDS:
            claim.stage = "over"
        elif issue is None or poll is None or f"ticket: {claim.expected}" not in issue["labels"]:
            return
        elif claim.stage == "claimed" and claim.plan == "withdraw":
            self._say(claim, issue, "/withdraw", "withdrawn", claim.person)
        elif claim.stage == "claimed":
            self._vote(claim, poll)
        else:
            self._after_the_vote(claim, issue, poll)

    def _say(self, claim: Claim, issue: dict[str, Any], command: str, then: str, who: str, stage: str = "over") -> None:
        self._comment(issue["number"], who, command)
        self._expect(claim, then, stage)

    def _expect(self, claim: Claim, state: str, stage: str) -> None:
        claim.expected, claim.stage, claim.since = state, stage, time.monotonic()

    def _vote(self, claim: Claim, poll: dict[str, Any]) -> None:
        voters = iter(self._chance.sample([one for one in MEMBERS if one != claim.person], 12))
        for option, count in VOTES.get(claim.plan, (("agree", 6), ("abstain", 1))):
            for _ in range(count):
                self._control("loomio/votes", poll_key=poll["key"], username=next(voters), option=option, reason="")
        self._control(f"loomio/polls/{poll['key']}/close", username="ada")
        self._expect(claim, RESULTS.get(claim.plan, "consented"), "decided")

    def _after_the_vote(self, claim: Claim, issue: dict[str, Any], poll: dict[str, Any]) -> None:
        match claim.plan:
            case "use" if claim.expected == "consented":
                self._say(claim, issue, "/booked", "booked", claim.person, "decided")
            case "use" if claim.expected in AFTERWARDS:
                command, then = AFTERWARDS[claim.expected]
                self._say(claim, issue, command, then, claim.person, "over" if then == "shared" else "decided")
            case "coordinator":
                self._say(claim, issue, "/consented", "consented", "cy")
            case "outcome":
                self._control(
                    "loomio/outcomes", poll_key=poll["key"], username="ada", statement="We try it.", option="agree"
                )
                self._expect(claim, "consented", "over")
            case "reopen":
                self._control(f"loomio/polls/{poll['key']}/reopen", username="ada")
                self._expect(claim, "proposed", "over")
            case "again":
                claim.stage = "over"
                self._claim(claim.person, "consent")
            case _:
                claim.stage = "over"
