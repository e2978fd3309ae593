"""What can happen in Loomio: threads, polls, votes, closing, outcomes, and the chat messages they cause."""

import json
import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sandbox.deliveries import Courier
from sandbox.dialect import Dialect, dialect_of
from sandbox.world import (
    Delivery,
    Discussion,
    Group,
    Json,
    Membership,
    Notice,
    Outcome,
    Person,
    Poll,
    PollOption,
    Remark,
    Stance,
    TopicItem,
    World,
)

POLL_TYPES = frozenset(
    {"proposal", "poll", "count", "score", "ranked_choice", "meeting", "dot_vote", "check", "question", "stv"}
)
POLL_DEFAULTS: Json = {
    "anonymous": False,
    "hide_results": "off",
    "specified_voters_only": False,
    "notify_on_closing_soon": "nobody",
    "stance_reason_required": "optional",
    "show_none_of_the_above": False,
    "quorum_pct": None,
    "agree_target": None,
    "chart_type": "pie",
    "poll_template_id": None,
    "poll_template_key": None,
    "reason_prompt": None,
    "process_name": None,
    "process_subtitle": None,
    "shuffle_options": False,
    "limit_reason_length": True,
    "notify_on_open": True,
    "tags": [],
}
WORD_OF_TYPE = {"proposal": "proposal", "poll": "poll"}


@dataclass(frozen=True)
class KnownOption:
    """An option Loomio recognises and dresses up."""

    name: str
    icon: str
    color: str
    meaning: str
    prompt: str


KNOWN_OPTIONS = {
    "agree": KnownOption("Agree", "agree", "#2f7d4f", "I support the proposal", "What speaks for it?"),
    "abstain": KnownOption("Abstain", "abstain", "#c9971c", "Choosing not to, or unable to vote", "Why abstain?"),
    "disagree": KnownOption(
        "Disagree", "disagree", "#c2571a", "Something needs to be changed before I can support it", "What would help?"
    ),
    "block": KnownOption(
        "Block", "block", "#9b2f3a", "I block this proposal and think it should not proceed", "What is at stake?"
    ),
    "consent": KnownOption("Consent", "agree", "#2f7d4f", "I can live with it", ""),
    "objection": KnownOption("Objection", "disagree", "#c2571a", "I have a reasoned objection", "What is it?"),
    "object": KnownOption("Object", "disagree", "#c2571a", "I have a reasoned objection", "What is it?"),
    "veto": KnownOption("Veto", "block", "#9b2f3a", "This must not happen", ""),
    "looks_good": KnownOption("Looks good", "agree", "#2f7d4f", "Looks good to me", ""),
    "accept": KnownOption("Accept", "agree", "#2f7d4f", "I accept", ""),
    "decline": KnownOption("Decline", "disagree", "#c2571a", "I decline", ""),
}
OTHER_COLORS = ("#2b6ca3", "#7a4fa3", "#3f7f7a", "#8a6d3b", "#5b5f97")
ALLOWED_TAGS = (
    "a b blockquote br code del em h1 h2 h3 h4 hr i img li ol p pre s span strong table tbody td th thead tr u ul"
)


class TooManyInvitationsError(Exception):
    """The day's invitations are used up; what was saved before stays."""


class LoomioRules:
    """The acts of people, programs and time in Loomio."""

    def __init__(self, world: World, courier: Courier) -> None:
        self.world = world
        self.courier = courier
        # How many voters may still be made today, by everybody together; None: as many as one likes.
        self.invitations_left: int | None = None

    @property
    def dialect(self) -> Dialect:
        """How the pretended version behaves."""
        return dialect_of(self.world.loomio_version)

    # Looking things up

    def membership(self, person: Person, group_id: int | None) -> Membership | None:
        """Return a person's place in a group."""
        return next((m for m in self.world.memberships if m.user_id == person.id and m.group_id == group_id), None)

    def is_admin(self, person: Person, group_id: int | None) -> bool:
        """Whether a person coordinates a group."""
        place = self.membership(person, group_id)
        return place is not None and place.admin

    def voters_of(self, group_id: int | None) -> list[Person]:
        """Return who is asked by default: accepted members who are not bots."""
        places = [m for m in self.world.memberships if m.group_id == group_id and m.accepted_at is not None]
        people = [self.world.people[place.user_id] for place in places]
        return [person for person in people if not person.bot]

    def discussion_of_topic(self, topic_id: int) -> Discussion | None:
        """Return the thread a topic belongs to, if it is not that of a lone poll."""
        return next((d for d in self.world.discussions.values() if d.topic_id == topic_id), None)

    def status_of(self, poll: Poll) -> str:
        """Return what Loomio itself never says in one word."""
        if poll.discarded_at:
            return "discarded"
        if poll.closed_at:
            return "closed"
        if poll.closing_at is None:
            return "draft"
        return "lapsed" if poll.closing_at <= self.world.now() else "open"

    # Threads

    def start_discussion(self, author: Person, group: Group | None, sent: Json) -> Discussion:
        """Start a thread; without a group it is a private one that nobody finds."""
        now = self.world.now()
        discussion = Discussion(
            id=self.world.next_id("discussion", 601),
            key=self.world.new_key(),
            topic_id=self.world.next_id("topic", 701),
            group_id=group.id if group else None,
            title=str(sent["title"]),
            description=cleaned(sent.get("description")),
            description_format=str(sent.get("description_format") or "md"),
            author_id=author.id,
            created_at=now,
            updated_at=now,
            private=bool(sent.get("private", True)),
            tags=list(sent.get("tags") or []),
        )
        self.world.discussions[discussion.id] = discussion
        self._note("new_discussion", discussion.topic_id, author.id, "Discussion", discussion.id)
        if sent.get("recipient_audience") == "group" and group:
            self._tell("new_discussion", 0, [person.id for person in self.voters_of(group.id)])
        return discussion

    def edit_discussion(self, discussion: Discussion, actor: Person, sent: Json) -> None:
        """Change a thread's title or text."""
        if sent.get("title"):
            discussion.title = str(sent["title"])
        if "description" in sent:
            discussion.description = cleaned(sent["description"])
        discussion.updated_at = self.world.now()
        discussion.versions_count += 1
        self._note("discussion_edited", discussion.topic_id, actor.id, "Discussion", discussion.id)
        self._chat(f"{actor.name} edited the discussion: [{discussion.title}]({self._thread_link(discussion)})")

    def discard_discussion(self, discussion: Discussion) -> None:
        """Throw a thread away, and its polls with it."""
        now = self.world.now()
        discussion.discarded_at = now
        for poll in self.world.polls.values():
            if poll.topic_id == discussion.topic_id:
                poll.discarded_at = now

    def add_remark(
        self, discussion: Discussion, author: Person, body: str, body_format: str, parent_type: str, parent_id: int
    ) -> Remark:
        """Write a comment in a thread."""
        remark = Remark(
            id=self.world.next_id("remark", 1001),
            discussion_id=discussion.id,
            body=cleaned(body),
            body_format=body_format,
            author_id=author.id,
            created_at=self.world.now(),
            parent_type=parent_type,
            parent_id=parent_id,
        )
        self.world.remarks[remark.id] = remark
        self._note("new_comment", discussion.topic_id, author.id, "Comment", remark.id)
        named = set(re.findall(r"@([a-z0-9]+)", body))
        mentioned = [person.id for person in self.world.people.values() if person.username in named]
        if mentioned:
            self._tell("user_mentioned", 0, mentioned)
        return remark

    # Polls

    def start_poll(self, author: Person, group_id: int | None, discussion: Discussion | None, sent: Json) -> Poll:
        """Save a poll and, if it has a closing time, open it to its voters."""
        now = self.world.now()
        poll = Poll(
            id=self.world.next_id("poll", 801),
            key=self.world.new_key(),
            title=str(sent["title"]),
            poll_type=str(sent["poll_type"]),
            author_id=author.id,
            created_at=now,
            group_id=group_id,
            topic_id=discussion.topic_id if discussion else self.world.next_id("topic", 701),
            discussion_id=discussion.id if discussion else None,
            details=cleaned(sent.get("details")),
            details_format=str(sent.get("details_format") or "md"),
            closing_at=sent.get("closing_at"),
        )
        poll.settings = POLL_DEFAULTS | {key: sent[key] for key in POLL_DEFAULTS if sent.get(key) is not None}
        if poll.settings["quorum_pct"] is not None:
            poll.settings["quorum_pct"] = min(100, max(0, int(poll.settings["quorum_pct"])))
        if poll.settings["anonymous"] and self.dialect.nested:
            poll.settings |= {
                "hide_results": "until_closed",
                "stance_reason_required": "disabled",
                "notify_on_closing_soon": "undecided_voters",
            }
        self.world.polls[poll.id] = poll
        poll.options = self.options_from(sent)
        if poll.closing_at is not None:
            poll.opened_at = now
        self._invite(poll, sent)
        self._note("poll_created", poll.topic_id, author.id, "Poll", poll.id)
        voters = [stance.user_id for stance in poll.stances]
        tells = sent.get("notify_on_open", True) if self.dialect.tells_on_open else sent.get("notify_recipients")
        if poll.opened_at and tells:
            self._tell("poll_created", poll.id, [user_id for user_id in voters if user_id != author.id])
        self._chat(f"{author.name} started a {self._word(poll)}: {self._poll_link(poll)}")
        return poll

    def _invite(self, poll: Poll, sent: Json) -> None:
        voters = [] if poll.settings["specified_voters_only"] else self.voters_of(poll.group_id)
        chosen = [int(user_id) for user_id in sent.get("recipient_user_ids") or []]
        if sent.get("recipient_audience") == "group":
            voters = self.voters_of(poll.group_id)
        known = {person.id for person in voters}
        voters += [self.world.people[i] for i in chosen if i in self.world.people and i not in known]
        voters = [person for person in voters if not person.bot]
        if self.invitations_left is not None:
            if len(voters) > self.invitations_left:
                raise TooManyInvitationsError
            self.invitations_left -= len(voters)
        poll.stances = [Stance(self.world.next_id("stance", 3001), person.id) for person in voters]

    def options_from(self, sent: Json) -> list[PollOption]:
        """Return options as Loomio stores them: known words become labels with an icon, others stay as they are."""
        wanted: Iterable[Json] = [{"name": name} for name in sent.get("options") or []]
        wanted = sent.get("poll_options_attributes") or wanted
        options = []
        for priority, one in enumerate(wanted):
            word = str(one["name"])
            known = KNOWN_OPTIONS.get(word)
            options.append(
                PollOption(
                    id=self.world.next_id("option", 4001),
                    name=known.name if known else word,
                    icon=one.get("icon") or (known.icon if known else None),
                    meaning=str(one.get("meaning") or (known.meaning if known else "")),
                    prompt=str(one.get("prompt") or (known.prompt if known else "")),
                    priority=int(one.get("priority", priority)),
                    color=known.color if known else OTHER_COLORS[priority % len(OTHER_COLORS)],
                    test_operator=one.get("test_operator"),
                    test_percent=one.get("test_percent"),
                    test_against=one.get("test_against"),
                )
            )
        return sorted(options, key=lambda option: option.priority)

    def edit_poll(self, poll: Poll, actor: Person, sent: Json) -> None:
        """Change an open poll; a list of options replaces the old ones, votes and all."""
        if sent.get("title"):
            poll.title = str(sent["title"])
        if "details" in sent:
            poll.details = cleaned(sent["details"])
        if "closing_at" in sent:
            poll.closing_at = sent["closing_at"]
            poll.opened_at = poll.opened_at or (self.world.now() if poll.closing_at else None)
            poll.told_closing_soon = False
        for key in ("notify_on_closing_soon", "quorum_pct", "stance_reason_required", "agree_target", "reason_prompt"):
            if key in sent:
                poll.settings[key] = sent[key]
        if "options" in sent:
            # Compared by stored name: "agree" is not "Agree", so sending it again loses every vote for it.
            stored = {option.name: option for option in poll.options}
            kept = [stored[name] for name in sent["options"] if name in stored]
            fresh = self.options_from({"options": [name for name in sent["options"] if name not in stored]})
            poll.options = [*kept, *fresh]
            kept_ids = {option.id for option in kept}
            for stance in poll.stances:
                if stance.option_id not in kept_ids:
                    stance.option_id = stance.cast_at = None
        poll.versions_count += 1
        self._note("poll_edited", poll.topic_id, actor.id, "Poll", poll.id)
        told = [int(user_id) for user_id in sent.get("recipient_user_ids") or []]
        audience = sent.get("recipient_audience")
        if audience in {"voters", "undecided_voters"}:
            told += [s.user_id for s in poll.stances if audience == "voters" or s.cast_at is None]
        if told:
            self._tell("poll_edited", poll.id, told)
        self._chat(f"{actor.name} updated the {self._word(poll)}: {self._poll_link(poll)}")

    def vote(self, poll: Poll, person: Person, option: PollOption, reason: str) -> Stance:
        """Cast or change a vote; raise ValueError with the sentence a voter would read."""
        if self.status_of(poll) != "open":
            raise ValueError("Voting is not open on this poll.")
        stance = next((stance for stance in poll.stances if stance.user_id == person.id), None)
        if stance is None:
            raise ValueError(f"{person.name} is not among the voters of this poll.")
        kind = "stance_updated" if stance.cast_at else "stance_created"
        stance.option_id, stance.reason, stance.cast_at = option.id, reason, self.world.now()
        actor_id = None if poll.settings["anonymous"] else person.id
        self._note(kind, poll.topic_id, actor_id, "Stance", stance.id)
        return stance

    def close_poll(self, poll: Poll, actor: Person) -> None:
        """Close by hand, which only an open poll allows."""
        if self.status_of(poll) != "open":
            raise ValueError("Not authorized to close Poll.")
        poll.closed_at = self.world.now()
        self._note("poll_closed_by_user", poll.topic_id, actor.id, "Poll", poll.id)
        self._chat(f"{actor.name} closed the {self._word(poll)}: {self._poll_link(poll)}")

    def reopen_poll(self, poll: Poll, actor: Person, closing_at: datetime | None = None) -> None:
        """Open a closed poll again, for three days unless told until when."""
        if self.status_of(poll) != "closed" or poll.settings["anonymous"]:
            raise ValueError("Not authorized to reopen Poll.")
        poll.closed_at = None
        poll.closing_at = closing_at or whole_hour(self.world.now() + timedelta(days=3))
        poll.told_closing_soon = False
        self._note("poll_reopened", poll.topic_id, actor.id, "Poll", poll.id)
        if self.dialect.tells_reopened:
            self._chat(f"{actor.name} reopened the {self._word(poll)}: {self._poll_link(poll)}")

    def discard_poll(self, poll: Poll) -> None:
        """Throw a poll away; it answers from now on with blanks."""
        poll.discarded_at = self.world.now()

    def publish_outcome(self, poll: Poll, author: Person, statement: str, option: PollOption | None) -> Outcome:
        """Publish what was decided; it replaces an earlier outcome."""
        if self.status_of(poll) != "closed":
            raise ValueError("Not authorized to create Outcome.")
        before = poll.current_outcome
        for outcome in poll.outcomes:
            outcome.latest = False
        outcome = Outcome(
            id=self.world.next_id("outcome", 901),
            poll_id=poll.id,
            statement=cleaned(statement),
            author_id=author.id,
            created_at=self.world.now(),
            poll_option_id=option.id if option else None,
        )
        poll.outcomes.append(outcome)
        self._note("outcome_created", poll.topic_id, author.id, "Outcome", outcome.id)
        verb = "updated the" if before else "published a"
        self._chat(f"{author.name} {verb} {self._word(poll)} outcome: {self._poll_link(poll)}")
        return outcome

    def edit_outcome(self, poll: Poll, author: Person, statement: str) -> Outcome:
        """Change the words of what was decided; the outcome stays the same one."""
        outcome = poll.current_outcome
        if outcome is None:
            raise ValueError("Not authorized to update Outcome.")
        outcome.statement = cleaned(statement)
        outcome.versions_count += 1
        self._chat(f"{author.name} updated the {self._word(poll)} outcome: {self._poll_link(poll)}")
        return outcome

    def pass_time(self) -> None:
        """Do what Loomio's periodic job does: close what is past its time, warn a day before."""
        now = self.world.now()
        lag = timedelta(seconds=self.world.closing_lag_seconds)
        for poll in self.world.polls.values():
            if poll.closed_at or poll.discarded_at or poll.closing_at is None:
                continue
            if poll.closing_at + lag <= now:
                poll.closed_at = poll.closing_at + lag
                self._chat(f"{self._word(poll)} has closed: {self._poll_link(poll)}")
            elif not poll.told_closing_soon and poll.closing_at - timedelta(days=1) <= now < poll.closing_at:
                self._warn_closing_soon(poll)

    def _warn_closing_soon(self, poll: Poll) -> None:
        poll.told_closing_soon = True
        audience = poll.settings["notify_on_closing_soon"]
        told = {
            "author": [poll.author_id],
            "voters": [stance.user_id for stance in poll.stances],
            "undecided_voters": [stance.user_id for stance in poll.stances if stance.cast_at is None],
        }.get(audience, [])
        # A poll that never lived a whole day before its end gets no reminder.
        if told and poll.opened_at and poll.closing_at and poll.closing_at - poll.opened_at >= timedelta(days=1):
            self._tell("poll_closing_soon", poll.id, told)

    # Telling

    def _note(self, kind: str, topic_id: int, actor_id: int | None, itemable_type: str, itemable_id: int) -> None:
        sequence = sum(1 for item in self.world.items if item.topic_id == topic_id)
        self.world.items.append(
            TopicItem(
                id=self.world.next_id("item", 2001),
                sequence_id=sequence,
                kind=kind,
                topic_id=topic_id,
                actor_id=actor_id,
                itemable_type=itemable_type,
                itemable_id=itemable_id,
                created_at=self.world.now(),
            )
        )

    def _tell(self, kind: str, poll_id: int, user_ids: list[int]) -> None:
        self.world.notices.append(Notice(kind, poll_id, user_ids, self.world.now()))

    def _word(self, poll: Poll) -> str:
        return WORD_OF_TYPE.get(poll.poll_type, "poll")

    def _thread_link(self, discussion: Discussion) -> str:
        return f"{self.world.base_url}/loomio/d/{discussion.key}/{slug(discussion.title)}"

    def _poll_link(self, poll: Poll) -> str:
        discussion = self.world.discussions.get(poll.discussion_id or 0)
        if discussion is None:
            link = f"{self.world.base_url}/loomio/p/{poll.key}"
        else:
            # The poll's own key is not in the message when it lives in a thread.
            number = next(
                (i.sequence_id for i in self.world.items if i.kind == "poll_created" and i.itemable_id == poll.id), 0
            )
            link = f"{self._thread_link(discussion)}/{number}"
        return f"[{poll.title}]({link})"

    def _chat(self, text: str) -> None:
        """Post a chat message: no signature, no id, no kind of event."""
        url = self.world.loomio_webhook_url
        if not url:
            return
        payload: Json = {
            "text": f"{text}\n",
            "icon_url": f"{self.world.base_url}/static/avatar.svg",
            "username": "Loomio",
        }
        self.courier.hand_over(
            Delivery(
                id=self.world.next_id("delivery", 90001),
                side="loomio",
                guid=str(uuid.uuid4()),
                event="chat",
                action=None,
                url=url,
                headers={
                    "Content-Type": "application/json; charset=utf-8",
                    "Accept": "*/*",
                    "User-Agent": "Ruby",
                    "Connection": "close",
                },
                body=json.dumps(payload).encode(),
                payload=payload,
            )
        )


def cleaned(text: object) -> str:
    """Return a text as Loomio keeps it: comments and unknown tags vanish, so a hidden marker does not survive."""
    without_comments = re.sub(r"<!--.*?-->", "", str(text or ""), flags=re.DOTALL)
    allowed = "|".join(ALLOWED_TAGS.split())
    return re.sub(rf"</?(?!(?:{allowed})\b)[A-Za-z][^>]*>", "", without_comments)


def whole_hour(moment: datetime) -> datetime:
    """Return the hour a moment lies in."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def slug(title: str) -> str:
    """Return a title as it appears in an address."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "untitled"
