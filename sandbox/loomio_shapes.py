"""Renders Loomio's JSON: compound envelopes, side-loaded records in no order, results with their traps."""

import math
from collections.abc import Iterable, Sequence
from datetime import datetime

from sandbox.loomio_rules import LoomioRules
from sandbox.world import (
    Discussion,
    Group,
    Json,
    Membership,
    Outcome,
    Person,
    Poll,
    PollOption,
    Remark,
    Stance,
    TopicItem,
    World,
)

PLURALS = {
    "discussion": "discussions",
    "group": "groups",
    "membership": "memberships",
    "outcome": "outcomes",
    "poll": "polls",
    "poll_option": "poll_options",
    "reaction": "reactions",
    "stance": "stances",
    "tag": "tags",
    "topic": "topics",
    "translation": "translations",
    "user": "users",
}
COMPACT_DROPS = ("topic", "group", "parent_group", "membership", "reaction", "tag", "translation")


def stamp(moment: datetime | None) -> str | None:
    """Return a time as Loomio writes it: milliseconds, Z."""
    if moment is None:
        return None
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


class LoomioShapes:
    """Renders records as the pretended version shows them to one reader."""

    def __init__(self, world: World, rules: LoomioRules, reader: Person) -> None:
        self.world = world
        self.rules = rules
        self.reader = reader
        self.dialect = rules.dialect

    def envelope(
        self, root: str, primary: list[Json], sideloads: dict[str, Iterable[Json]], total: int | None = None
    ) -> Json:
        """Return an answer: the records under their root, company around them, everything without order but lists."""
        answer: Json = {root: primary}
        for name, records in sideloads.items():
            merged = {record["id"]: record for record in answer.get(name, [])}
            for record in records:
                merged.setdefault(record["id"], record)
            together = list(merged.values())
            if name != root or total is None:
                self.world.chance.shuffle(together)
            answer[name] = together
        answer["meta"] = {"root": root}
        if total is not None or not self.dialect.topics:
            answer["meta"]["total"] = total
        return answer

    def user(self, person: Person) -> Json:
        """Return a person."""
        return {
            "id": person.id,
            "name": person.name,
            "username": person.username,
            "bot": person.bot,
            "avatar_kind": "initials",
            "avatar_initials": "".join(word[0] for word in person.name.split()).upper(),
            "titles": {},
            "time_zone": "UTC",
            "locale": "en",
        }

    def users(self, user_ids: Iterable[int | None]) -> list[Json]:
        """Return people by id."""
        return [self.user(self.world.people[i]) for i in dict.fromkeys(user_ids) if i in self.world.people]

    def group(self, group: Group) -> Json:
        """Return a group."""
        places = [m for m in self.world.memberships if m.group_id == group.id]
        return {
            "id": group.id,
            "key": group.key,
            "handle": group.handle,
            "name": group.name,
            "full_name": group.name,
            "parent_id": None,
            "enabled": True,
            "memberships_count": len(places),
            "accepted_memberships_count": sum(1 for place in places if place.accepted_at),
            "discussion_privacy_options": "private_only",
            "group_privacy": "closed",
            "members_can_start_discussions": True,
            "members_can_raise_motions": True,
            "members_can_announce": False,
            "members_can_add_guests": False,
            "created_at": stamp(group.created_at),
        }

    def membership(self, place: Membership) -> Json:
        """Return someone's place in a group; addresses are for coordinators."""
        rendered: Json = {
            "id": place.id,
            "group_id": place.group_id,
            "user_id": place.user_id,
            "inviter_id": None,
            "admin": place.admin,
            "delegate": False,
            "title": None,
            "accepted_at": stamp(place.accepted_at),
            "created_at": stamp(place.created_at),
        }
        if self.rules.is_admin(self.reader, place.group_id):
            rendered["user_email"] = f"{self.world.people[place.user_id].username}@fennel.invalid"
        return rendered

    def discussion(self, discussion: Discussion) -> Json:
        """Return a thread."""
        gone = discussion.discarded_at is not None
        rendered: Json = {
            "id": discussion.id,
            "key": discussion.key,
            "group_id": discussion.group_id,
            "title": None if gone else discussion.title,
            "description": None if gone else discussion.description,
            "description_format": None if gone else discussion.description_format,
            "author_id": None if gone else discussion.author_id,
            "created_at": stamp(discussion.created_at),
            "updated_at": stamp(discussion.updated_at),
            "discarded_at": stamp(discussion.discarded_at),
            "versions_count": discussion.versions_count,
            "attachments": [],
        }
        topic = self.topic(discussion.topic_id, discussion)
        if self.dialect.topics:
            rendered["topic_id"] = discussion.topic_id
            rendered["closed_at"] = stamp(discussion.closed_at)
        else:
            polls = [p for p in self.polls_of(discussion) if self.rules.status_of(p) == "open"]
            rendered |= {
                "private": discussion.private,
                "tags": discussion.tags,
                "closed_at": stamp(discussion.closed_at),
                "items_count": topic["items_count"],
                "last_activity_at": topic["last_activity_at"],
                "active_poll_ids": [poll.id for poll in polls],
                "members_count": 0,
                "seen_by_count": 0,
                "pinned_at": None,
            }
        return rendered

    def polls_of(self, discussion: Discussion) -> list[Poll]:
        """Return the polls in a thread."""
        return [poll for poll in self.world.polls.values() if poll.topic_id == discussion.topic_id]

    def topic(self, topic_id: int, discussion: Discussion | None = None) -> Json:
        """Return the counters of a thread or of a lone poll."""
        items = [item for item in self.world.items if item.topic_id == topic_id]
        polls = [poll for poll in self.world.polls.values() if poll.topic_id == topic_id]
        discussion = discussion or self.rules.discussion_of_topic(topic_id)
        owner: Discussion | Poll | None = discussion or (polls[0] if polls else None)
        return {
            "id": topic_id,
            "group_id": owner.group_id if owner else None,
            "items_count": len(items),
            "replies_count": sum(1 for item in items if item.kind == "new_comment"),
            "last_activity_at": stamp(items[-1].created_at) if items else None,
            "locked_at": stamp(discussion.closed_at) if discussion else None,
            "pinned_at": None,
            "private": discussion.private if discussion else True,
            "tags": discussion.tags if discussion else [],
            "topicable_type": "Discussion" if discussion else "Poll",
            "topicable_id": owner.id if owner else None,
            "active_polls_count": sum(1 for poll in polls if self.rules.status_of(poll) == "open"),
            "closed_polls_count": sum(1 for poll in polls if self.rules.status_of(poll) == "closed"),
        }

    def poll(self, poll: Poll) -> Json:
        """Return a poll; there is no status field, and results may be missing."""
        gone = poll.discarded_at is not None
        settings = poll.settings
        decided = [stance for stance in poll.stances if stance.cast_at]
        voters = len(poll.stances)
        quorum = settings["quorum_pct"]
        quorum_count = math.ceil(quorum * voters / 100) if quorum is not None else 0
        options = sorted(poll.options, key=lambda option: option.priority)
        outcome = poll.current_outcome
        mine = next((stance for stance in poll.stances if stance.user_id == self.reader.id), None)
        rendered: Json = {
            "id": poll.id,
            "key": poll.key,
            "title": None if gone else poll.title,
            "details": None if gone else poll.details,
            "details_format": None if gone else poll.details_format,
            "poll_type": poll.poll_type,
            "author_id": None if gone else poll.author_id,
            "group_id": poll.group_id,
            "created_at": stamp(poll.created_at),
            "closing_at": stamp(poll.closing_at),
            "closed_at": stamp(poll.closed_at),
            "discarded_at": stamp(poll.discarded_at),
            "discarded_by": None,
            "content_locale": "en",
            "versions_count": poll.versions_count,
            "poll_option_names": [option.name for option in options],
            "poll_option_ids": [option.id for option in options],
            "voters_count": voters,
            "quorum_pct": quorum,
            "quorum_count": quorum_count,
            "quorum_votes_required": quorum_count - len(decided) if quorum is not None else 0,
            "current_outcome_id": outcome.id if outcome else None,
            "my_stance_id": mine.id if mine else None,
            "result_columns": ["chart", "name", "votes", "votes_cast_percent", "voters"],
            **{key: settings[key] for key in settings if key not in {"quorum_pct", "tags", "notify_on_open"}},
        }
        if self.dialect.topics:
            rendered["topic_id"] = poll.topic_id
        else:
            rendered["discussion_id"] = poll.discussion_id
            rendered["tags"] = settings["tags"]
        if self.dialect.nested:
            rendered |= {
                "opening_at": None,
                "opened_at": stamp(poll.opened_at),
                "notify_on_open": settings["notify_on_open"],
                "voting_system": "anonymous_ballot" if settings["anonymous"] else "stance",
                "weighted_voting": False,
                "vote_weights_enabled": False,
            }
        ballot = settings["anonymous"] and poll.closed_at is None and self.dialect.nested
        if not ballot:
            rendered |= {
                "decided_voters_count": len(decided),
                "undecided_voters_count": voters - len(decided),
                "cast_stances_pct": round(100 * len(decided) / voters) if voters else 0,
            }
        total = self._score(len(decided))
        hidden = settings["hide_results"] == "until_closed" and poll.closed_at is None
        if not hidden:
            rows = self.results(poll, options)
            rendered["results"] = rows
            rendered["stance_counts"] = [row["score"] for row in self._option_rows(poll, options)]
            rendered["total_score"] = total
        elif not self.dialect.nested:
            rendered["total_score"] = total
        return rendered

    def _score(self, points: int) -> float | int:
        return float(points) if self.dialect.float_scores else points

    def results(self, poll: Poll, options: Sequence[PollOption]) -> list[Json]:
        """Return one row an option, then always a row for those who have not voted, with the id -1."""
        rows = self._option_rows(poll, options)
        if poll.poll_type != "proposal":
            rows = sorted(rows, key=lambda row: -row["score"])
        if poll.settings["show_none_of_the_above"]:
            rows.append(self._row(poll, 0, "poll_common_form.none_of_the_above", "i18n", [], len(poll.stances)))
        undecided = [stance for stance in poll.stances if stance.cast_at is None]
        last = self._row(poll, -1, "poll_common_votes_panel.undecided", "i18n", undecided, len(poll.stances))
        last |= {"score": self._score(0), "score_percent": None, "voter_scores": {}}
        return [*rows, last]

    def _option_rows(self, poll: Poll, options: Sequence[PollOption]) -> list[Json]:
        rows = []
        for option in options:
            votes = [stance for stance in poll.stances if stance.cast_at and stance.option_id == option.id]
            row = self._row(poll, option.id, option.name, "plain", votes, len(poll.stances))
            row |= {
                "icon": option.icon,
                "color": option.color,
                "test_operator": option.test_operator,
                "test_against": option.test_against,
                "test_percent": option.test_percent,
            }
            if option.test_operator and option.test_percent is not None:
                measured = row[option.test_against or "score_percent"] or 0
                passed = measured >= option.test_percent
                row["test_result"] = passed if option.test_operator == "gte" else measured <= option.test_percent
            rows.append(row)
        for row in rows:
            row["rank"] = 1 + sum(1 for other in rows if other["score"] > row["score"])
        return rows

    def _row(self, poll: Poll, row_id: int, name: str, name_format: str, votes: Sequence[Stance], voters: int) -> Json:
        cast = sum(1 for stance in poll.stances if stance.cast_at)
        secret = poll.settings["anonymous"]
        shown = [] if secret else [stance.user_id for stance in votes][: self.dialect.most_voter_ids]
        score = self._score(len(votes))
        return {
            "id": row_id,
            "poll_id": poll.id,
            "name": name,
            "name_format": name_format,
            "icon": None,
            "rank": None,
            "score": score,
            "score_percent": 100 * len(votes) / cast if cast else 0,
            "voter_percent": 100 * len(votes) / voters if voters else 0,
            "max_score_percent": None,
            "target_percent": None,
            "average": 1 if votes else 0,
            "voter_count": len(votes),
            "voter_ids": shown,
            "voter_scores": {str(user_id): self._score(1) for user_id in shown},
            "color": "#bbbbbb",
            "test_operator": None,
            "test_against": None,
            "test_percent": None,
            "test_result": None,
        }

    def option(self, poll: Poll, option: PollOption) -> Json:
        """Return an option; it carries no counts."""
        return {
            "id": option.id,
            "poll_id": poll.id,
            "name": option.name,
            "priority": option.priority,
            "color": option.color,
            "icon": option.icon,
            "meaning": option.meaning,
            "prompt": option.prompt,
            "test_operator": option.test_operator,
            "test_percent": option.test_percent,
            "test_against": option.test_against,
        }

    def outcome(self, poll: Poll, outcome: Outcome) -> Json:
        """Return an outcome."""
        return {
            "id": outcome.id,
            "statement": outcome.statement,
            "statement_format": "md",
            "latest": outcome.latest,
            "created_at": stamp(outcome.created_at),
            "review_on": outcome.review_on,
            "poll_id": poll.id,
            "poll_option_id": outcome.poll_option_id,
            "group_id": poll.group_id,
            "author_id": outcome.author_id,
            "event_summary": None,
            "event_location": None,
            "attachments": [],
            "versions_count": outcome.versions_count,
        }

    def stance(self, poll: Poll, stance: Stance) -> Json:
        """Return a vote; secret ones have no participant."""
        return {
            "id": stance.id,
            "poll_id": poll.id,
            "participant_id": None if poll.settings["anonymous"] else stance.user_id,
            "reason": stance.reason,
            "reason_format": "md",
            "option_scores": {str(stance.option_id): 1} if stance.option_id else {},
            "cast_at": stamp(stance.cast_at),
            "latest": True,
        }

    def remark(self, remark: Remark) -> Json:
        """Return a comment."""
        rendered: Json = {
            "id": remark.id,
            "body": remark.body,
            "body_format": remark.body_format,
            "parent_id": remark.parent_id,
            "parent_type": remark.parent_type,
            "author_id": remark.author_id,
            "discussion_id": remark.discussion_id,
            "created_at": stamp(remark.created_at),
            "updated_at": stamp(remark.created_at),
            "discarded_at": None,
            "attachments": [],
            "mentioned_usernames": [],
        }
        discussion = self.world.discussions.get(remark.discussion_id)
        if self.dialect.topics and discussion:
            rendered["topic_id"] = discussion.topic_id
        return rendered

    def item(self, item: TopicItem) -> Json:
        """Return a line of a thread's history."""
        return {
            "id": item.id,
            "sequence_id": item.sequence_id,
            "kind": item.kind,
            "topic_id": item.topic_id,
            "created_at": stamp(item.created_at),
            "actor_id": item.actor_id,
            "itemable_type": item.itemable_type,
            "itemable_id": item.itemable_id,
            "parent_id": None,
            "position_key": f"{item.sequence_id:05d}",
            "pinned": False,
        }

    # What travels along

    def around_polls(self, polls: Sequence[Poll], neighbours: Sequence[Poll] = ()) -> dict[str, Iterable[Json]]:
        """Return the records that come with polls; neighbours in the same thread slip into `polls` too."""
        everyone = [*polls, *neighbours]
        authors = [poll.author_id for poll in everyone]
        outcomes = [(poll, poll.current_outcome) for poll in everyone]
        sideloads: dict[str, Iterable[Json]] = {
            "polls": [self.poll(poll) for poll in neighbours],
            "poll_options": [self.option(poll, option) for poll in everyone for option in poll.options],
            "outcomes": [self.outcome(poll, outcome) for poll, outcome in outcomes if outcome],
            "users": self.users([*authors, *(outcome.author_id for _, outcome in outcomes if outcome)]),
            "stances": [
                self.stance(poll, stance)
                for poll in everyone
                for stance in poll.stances
                if stance.user_id == self.reader.id
            ],
            "groups": self.groups(poll.group_id for poll in everyone),
            "reactions": [],
            "tags": [],
            "translations": [],
        }
        if self.dialect.topics:
            sideloads["topics"] = [self.topic(topic_id) for topic_id in dict.fromkeys(p.topic_id for p in everyone)]
        return sideloads

    def around_discussions(self, discussions: Sequence[Discussion]) -> dict[str, Iterable[Json]]:
        """Return the records that come with threads, their open polls among them."""
        polls = [
            poll
            for discussion in discussions
            for poll in self.polls_of(discussion)
            if self.rules.status_of(poll) == "open"
        ]
        sideloads = self.around_polls((), polls)
        sideloads["users"] = self.users([*(d.author_id for d in discussions), *(p.author_id for p in polls)])
        sideloads["groups"] = self.groups(discussion.group_id for discussion in discussions)
        if self.dialect.topics:
            sideloads["topics"] = [self.topic(discussion.topic_id, discussion) for discussion in discussions]
        return sideloads

    def groups(self, group_ids: Iterable[int | None]) -> list[Json]:
        """Return groups by id."""
        return [self.group(self.world.groups[i]) for i in dict.fromkeys(group_ids) if i in self.world.groups]
