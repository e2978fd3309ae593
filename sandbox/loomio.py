"""Loomio's user API (b2) under /loomio: what an automation may do there, and the ways it goes wrong quietly."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, NoReturn

from flask import Blueprint, Response, g, jsonify, redirect, request

from sandbox.dialect import Dialect
from sandbox.faults import fault_to_play
from sandbox.loomio_rules import POLL_TYPES, LoomioRules, TooManyInvitationsError, whole_hour
from sandbox.loomio_shapes import COMPACT_DROPS, PLURALS, LoomioShapes, stamp
from sandbox.world import Discussion, Group, Json, Person, Poll, World

LONGEST_TITLE = 150
LONGEST_TEXT = 100_000
NO_ENTRY = "You are not authorized to access this page."


def _words(text: str) -> list[str]:
    return text.split()


RECIPIENTS = _words(
    "recipient_audience recipient_user_ids recipient_emails recipient_chatbot_ids recipient_message notify_recipients"
)
# What the app lets into each resource; anything else inside the resource is a 400.
PERMITTED = {
    "discussion": {
        *_words("group_id title description description_format private tags newest_first max_depth"),
        *_words("discussion_template_id discussion_template_key document_ids link_previews files image_files"),
        *RECIPIENTS,
    },
    "poll": {
        *_words("title poll_type group_id topic_id details details_format options poll_options_attributes"),
        *_words("closing_at opening_at notify_on_open specified_voters_only anonymous hide_results"),
        *_words("notify_on_closing_soon quorum_pct stance_reason_required reason_prompt limit_reason_length"),
        *_words("shuffle_options show_none_of_the_above agree_target chart_type process_name process_subtitle"),
        *_words("poll_option_name_format min_score max_score minimum_stance_choices maximum_stance_choices"),
        *_words("dots_per_person meeting_duration default_duration_in_days poll_template_id poll_template_key"),
        *_words("tags template vote_weights_enabled allow_comments allow_reactions"),
        *RECIPIENTS,
    },
    "comment": set(_words("discussion_id body body_format parent_id parent_type files image_files link_previews")),
}
# A flat JSON body is wrapped by the framework, and the wrapper keeps only columns of the table: the rest is lost.
NOT_COLUMNS = {"group_id", "options", "poll_options_attributes", "private", "tags", *RECIPIENTS}


class LoomioError(Exception):
    """An answer that is not a success."""

    def __init__(self, status: int, body: Json) -> None:
        super().__init__(str(body))
        self.status = status
        self.body = body


def create_loomio(world: World, rules: LoomioRules) -> Blueprint:
    """Return the API and the public addresses as a blueprint."""
    blueprint = Blueprint("loomio", __name__, url_prefix="/loomio")
    api = LoomioApi(world, rules)
    blueprint.register_error_handler(LoomioError, api.refuse)

    def route(method: str, rule: str, view: Callable[..., Any], since: str = "always") -> None:
        blueprint.add_url_rule(f"/api/b2{rule}", view.__name__, api.admitted(view, since), methods=[method])

    route("GET", "/groups", api.list_groups, "edits")
    route("GET", "/groups/<which>", api.show_group, "edits")
    route("POST", "/discussions", api.create_discussion)
    route("GET", "/discussions", api.list_discussions, "lists")
    route("GET", "/discussions/<which>", api.show_discussion)
    route("PATCH", "/discussions/<which>", api.edit_discussion, "edits")
    route("DELETE", "/discussions/<which>", api.discard_discussion, "edits")
    route("POST", "/polls", api.create_poll)
    route("GET", "/polls", api.list_polls, "lists")
    route("GET", "/polls/<which>", api.show_poll)
    route("PATCH", "/polls/<which>", api.edit_poll, "edits")
    route("DELETE", "/polls/<which>", api.discard_poll, "edits")
    route("POST", "/comments", api.create_comment)
    route("GET", "/memberships", api.list_memberships)
    route("GET", "/threads", api.list_threads, "edits")
    route("GET", "/threads/<int:topic_id>", api.show_thread, "edits")
    route("GET", "/threads/<int:topic_id>/items", api.list_items, "edits")
    route("GET", "/search", api.search, "search")
    blueprint.add_url_rule("/api/v1/boot/version", view_func=api.show_version)
    blueprint.add_url_rule("/up", view_func=lambda: Response("ok", content_type="text/plain"), endpoint="up")
    for tail in ("", "/<slug>", "/<slug>/<sequence>"):
        blueprint.add_url_rule(f"/d/<key>{tail}", f"thread_page{tail.count('/')}", api.thread_page)
        blueprint.add_url_rule(f"/p/<key>{tail}", f"poll_page{tail.count('/')}", api.poll_page)
    everything = ["GET", "POST", "PATCH", "PUT", "DELETE"]
    blueprint.add_url_rule("/api/<path:anything>", view_func=api.nothing_here, methods=everything)
    return blueprint


class LoomioApi:
    """The endpoints; each runs under the world's lock. Every success is a 200, creation included."""

    def __init__(self, world: World, rules: LoomioRules) -> None:
        self.world = world
        self.rules = rules

    @property
    def _dialect(self) -> Dialect:
        return self.rules.dialect

    @property
    def _shapes(self) -> LoomioShapes:
        return LoomioShapes(self.world, self.rules, g.reader)

    # Coming in and going out

    def admitted(self, view: Callable[..., Any], since: str) -> Callable[..., Any]:
        """Return the view behind the check of version and key."""

        def checked(**values: Any) -> Any:
            if since != "always" and not getattr(self._dialect, since):
                raise self._missing()
            g.reader = self._reader()
            return view(**values)

        return checked

    def refuse(self, error: LoomioError) -> tuple[Response, int]:
        """Answer with a refusal."""
        return jsonify(error.body), error.status

    def _reader(self) -> Person:
        body = _parameters()
        if self._dialect.bearer:
            scheme, _, key = request.headers.get("Authorization", "").partition(" ")
            if scheme != "Bearer":
                key = str(body.get("api_key") or "")
            if "api_key" in request.args:
                key = ""  # an address ends up in logs, so a key in one is refused
        else:
            key = str(request.args.get("api_key") or body.get("api_key") or "")
        person = next((person for person in self.world.people.values() if key and person.api_key == key), None)
        if person is None:
            raise self._forbidden(NO_ENTRY)
        return person

    def _forbidden(self, message: str) -> LoomioError:
        if self._dialect.refusal == "message":
            return LoomioError(403, {"error": message})
        if self._dialect.refusal == "number":
            return LoomioError(403, {"error": 403})
        return LoomioError(403, {"exception": "CanCan::AccessDenied", "error": NO_ENTRY})

    def _missing(self) -> LoomioError:
        if self._dialect.refusal == "exception":
            return LoomioError(404, {"exception": "ActiveRecord::RecordNotFound", "error": "Couldn't find the record"})
        return LoomioError(404, {"error": 404})

    def _unpermitted(self) -> LoomioError:
        if self._dialect.refusal == "exception":
            exception = "ActionController::UnpermittedParameters"
            return LoomioError(400, {"exception": exception, "error": "found unpermitted parameter"})
        return LoomioError(400, {"error": 400})

    def _answer(self, envelope: Json) -> Response:
        """Answer, without the kinds of record the client did not want."""
        dropped = [PLURALS.get(name, name) for name in request.args.get("exclude_types", "").split()]
        if request.args.get("compact") == "1" and self._dialect.search:
            dropped += [PLURALS.get(name, f"{name}s") for name in COMPACT_DROPS]
        root = envelope["meta"]["root"]
        return jsonify({key: value for key, value in envelope.items() if key == root or key not in dropped})

    def _sent(self, resource: str, permitted: set[str]) -> Json:
        """Return the attributes as this version would understand the body, losses included."""
        body = _parameters()
        body.pop("api_key", None)
        nested = body.get(resource)
        if not self._dialect.nested:
            # The wrapper is thrown away, so whatever came inside it is gone.
            return {key: value for key, value in body.items() if key in permitted}
        if isinstance(nested, dict):
            if set(nested) - permitted:
                raise self._unpermitted()
            return nested
        if request.is_json:
            kept = {key: value for key, value in body.items() if key in permitted - NOT_COLUMNS}
            if not kept:
                raise self._unpermitted()
            return kept
        if set(body) - permitted:
            raise self._unpermitted()
        return body

    # Groups and members

    def list_groups(self) -> Response:
        """GET /groups: all one is in, and so the way to ask whether a key lives."""
        places = [place for place in self.world.memberships if place.user_id == g.reader.id]
        groups = [self._shapes.group(self.world.groups[place.group_id]) for place in places]
        mine = [self._shapes.membership(place) for place in places]
        return self._answer(self._shapes.envelope("groups", groups, {"memberships": mine}, len(groups)))

    def show_group(self, which: str) -> Response:
        """GET /groups/ID|KEY|HANDLE."""
        for group in self.world.groups.values():
            if which in {str(group.id), group.key, group.handle}:
                place = self.rules.membership(g.reader, group.id)
                if place is None:
                    raise self._forbidden("Not authorized to show Group.")
                mine: dict[str, Iterable[Json]] = {"memberships": [self._shapes.membership(place)]}
                return self._answer(self._shapes.envelope("groups", [self._shapes.group(group)], mine))
        raise self._missing()

    def list_memberships(self) -> Response:
        """GET /memberships?group_id=: in no order; to outsiders, an empty list."""
        group = self._asked_group(hide=False)
        insider = self.rules.membership(g.reader, group.id)
        if not self._dialect.search and not (insider and insider.admin):
            raise self._forbidden("User is not an admin")
        places = [place for place in self.world.memberships if place.group_id == group.id and insider]
        self.world.chance.shuffle(places)
        page = self._page(places)
        sideloads: dict[str, Iterable[Json]] = {
            "users": self._shapes.users(place.user_id for place in page),
            "groups": [self._shapes.group(group)],
        }
        rows = [self._shapes.membership(place) for place in page]
        return self._answer(self._shapes.envelope("memberships", rows, sideloads, len(places)))

    def _asked_group(self, hide: bool = True) -> Group:
        asked = request.args.get("group_id", "")
        group = self.world.groups.get(int(asked)) if asked.isdigit() else None
        if group is None:
            raise self._missing()
        if hide and self.rules.membership(g.reader, group.id) is None:
            raise self._forbidden(NO_ENTRY)
        return group

    def _page(self, records: list[Any]) -> list[Any]:
        asked = request.args if self._dialect.limit_and_offset else {}
        limit = asked.get("limit") or request.args.get("per") or "50"
        offset = asked.get("offset") or request.args.get("from") or "0"
        start = int(offset) if offset.isdigit() else 0
        return records[start : start + (int(limit) if limit.isdigit() else 50)]

    def _old_enough(self, records: list[Any]) -> list[Any]:
        fault = fault_to_play(request.environ, "list_lag")
        if fault is None:
            return records
        now = self.world.now()
        return [record for record in records if (now - record.created_at).total_seconds() >= fault.seconds]

    # Threads

    def create_discussion(self) -> Response:
        """POST /discussions."""
        sent = self._sent("discussion", PERMITTED["discussion"])
        self._check_text(sent, "title", "description")
        group = self._group_to_write(sent.get("group_id"), "create Discussion")
        if group and sent.get("private") is False:
            raise LoomioError(422, {"errors": {"private": ["must be private"]}})
        discussion = self.rules.start_discussion(g.reader, group, sent)
        return self._discussion_answer(discussion)

    def _group_to_write(self, group_id: Any, deed: str) -> Group | None:
        if group_id in {None, ""}:
            return None
        group = self.world.groups.get(_whole(group_id) or 0)
        if group is None:
            raise self._missing()
        if self.rules.membership(g.reader, group.id) is None:
            raise self._forbidden(f"Not authorized to {deed}.")
        return group

    def _check_text(self, sent: Json, *names: str) -> None:
        errors: dict[str, list[str]] = {}
        for name in names:
            text = sent.get(name)
            longest = LONGEST_TITLE if name == "title" else LONGEST_TEXT
            if name == "title" and not str(text or "").strip():
                errors[name] = ["can't be blank"]
            elif len(str(text or "")) > longest:
                errors[name] = [f"is too long (maximum is {longest} characters)"]
        if errors:
            raise LoomioError(422, {"errors": errors})

    def _discussion_answer(self, discussion: Discussion) -> Response:
        around = self._shapes.around_discussions([discussion])
        return self._answer(self._shapes.envelope("discussions", [self._shapes.discussion(discussion)], around))

    def _find_discussion(self, which: str, deed: str = "show") -> Discussion:
        for discussion in self.world.discussions.values():
            if which in {str(discussion.id), discussion.key}:
                if not self._may_see(discussion):
                    raise self._forbidden(f"Not authorized to {deed} Discussion.")
                return discussion
        raise self._missing()

    def _may_see(self, record: Discussion | Poll) -> bool:
        if record.group_id is None:
            return bool(record.author_id == g.reader.id)
        return self.rules.membership(g.reader, record.group_id) is not None

    def _may_manage(self, record: Discussion | Poll) -> bool:
        return bool(record.author_id == g.reader.id) or self.rules.is_admin(g.reader, record.group_id)

    def show_discussion(self, which: str) -> Response:
        """GET /discussions/ID|KEY, with the open polls inside."""
        return self._discussion_answer(self._find_discussion(which))

    def list_discussions(self) -> Response:
        """GET /discussions?group_id=&status=."""
        group = self._asked_group()
        status = request.args.get("status", "all" if self._dialect.edits else "open")
        found = [
            discussion
            for discussion in self.world.discussions.values()
            if discussion.group_id == group.id
            and discussion.discarded_at is None
            and (status == "all" or (discussion.closed_at is not None) == (status == "closed"))
        ]
        found = self._old_enough(sorted(found, key=lambda discussion: -discussion.id))
        page = self._page(found)
        rows = [self._shapes.discussion(discussion) for discussion in page]
        around = self._shapes.around_discussions(page)
        return self._answer(self._shapes.envelope("discussions", rows, around, len(found)))

    def edit_discussion(self, which: str) -> Response:
        """PATCH /discussions/ID|KEY; group and tags are ignored."""
        discussion = self._find_discussion(which, "update")
        if not self._may_manage(discussion):
            raise self._forbidden("Not authorized to update Discussion.")
        sent = self._sent("discussion", PERMITTED["discussion"])
        if "title" in sent:
            self._check_text(sent, "title", "description")
        self.rules.edit_discussion(discussion, g.reader, sent)
        return self._discussion_answer(discussion)

    def discard_discussion(self, which: str) -> Response:
        """DELETE /discussions/ID|KEY."""
        discussion = self._find_discussion(which, "discard")
        if not self._may_manage(discussion):
            raise self._forbidden("Not authorized to discard Discussion.")
        self.rules.discard_discussion(discussion)
        return self._discussion_answer(discussion)

    # Polls

    def _poll_attributes(self) -> Json:
        permitted = set(PERMITTED["poll"])
        if not self._dialect.topics:
            permitted = (permitted - {"topic_id"}) | {"discussion_id", "voter_can_add_options"}
        strange = {"discussion_id", "topic_id"} - permitted
        if not self._dialect.nested and strange & set(_parameters()):
            raise self._unpermitted()
        sent = dict(self._sent("poll", permitted))
        if "closing_at" in sent:
            sent["closing_at"] = self._closing_time(sent["closing_at"])
        return sent

    def _closing_time(self, value: Any) -> datetime | None:
        if value in {None, ""}:
            return None
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            raise LoomioError(422, {"errors": {"closing_at": ["is invalid"]}}) from None
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        if self._dialect.whole_hours:
            moment = whole_hour(moment)  # 17:59 becomes 17:00, and so may lie in the past
        if moment <= self.world.now():
            raise LoomioError(422, {"errors": {"closing_at": ["Must be in the future"]}})
        return moment

    def create_poll(self) -> Response:
        """POST /polls."""
        sent = self._poll_attributes()
        self._check_text(sent, "title", "details")
        poll_type = sent.get("poll_type")
        if not poll_type:
            raise LoomioError(422, {"errors": {"poll_type": ["can't be blank"]}})
        if poll_type not in POLL_TYPES:
            raise LoomioError(422, {"errors": {"poll_type": ["is not included in the list"]}})
        discussion = self._thread_for(sent)
        if discussion is None:
            group = self._group_to_write(sent.get("group_id"), "create Poll")
            group_id = group.id if group else None
        else:
            group_id = discussion.group_id
            if not self._dialect.topics and sent.get("group_id") not in {None, group_id}:
                raise LoomioError(422, {"errors": {"group_id": ["does not match the discussion"]}})
        try:
            poll = self.rules.start_poll(g.reader, group_id, discussion, sent)
        except TooManyInvitationsError:
            if self._dialect.limit_answers:
                raise LoomioError(429, {"flash": {"error": "Daily invitation limit reached"}}) from None
            raise LoomioError(500, {"error": 500}) from None
        announces = sent.get("recipient_audience") == "group" or (
            not self._dialect.tells_on_open and sent.get("notify_recipients")
        )
        if announces and group_id is not None and not self.rules.is_admin(g.reader, group_id):
            # Saved, then refused, once more: who may raise a motion may not always tell everybody.
            raise self._forbidden("Not authorized to announce Poll.")
        if poll.settings["anonymous"] and poll.closing_at is None and self._dialect.nested:
            # Saved, then refused: saving and inviting are two steps, and only the second one failed.
            raise self._forbidden(NO_ENTRY)
        return self._poll_answer(poll)

    def _thread_for(self, sent: Json) -> Discussion | None:
        discussion: Discussion | None
        if self._dialect.topics:
            if sent.get("topic_id") is None:
                return None
            discussion = self.rules.discussion_of_topic(_whole(sent["topic_id"]) or 0)
        else:
            if sent.get("discussion_id") is None:
                return None
            discussion = self.world.discussions.get(_whole(sent["discussion_id"]) or 0)
        if discussion is None:
            raise self._missing()
        if not self._may_see(discussion) or discussion.closed_at or discussion.discarded_at:
            raise self._forbidden("Not authorized to create Poll.")
        return discussion

    def _poll_answer(self, poll: Poll) -> Response:
        # Open polls of the same thread slip into the same array, so nobody may take the first one blindly.
        neighbours = [
            other
            for other in self.world.polls.values()
            if other.topic_id == poll.topic_id and other is not poll and self.rules.status_of(other) == "open"
        ]
        around = self._shapes.around_polls([poll], neighbours)
        return self._answer(self._shapes.envelope("polls", [self._shapes.poll(poll)], around))

    def _find_poll(self, which: str, deed: str = "show") -> Poll:
        for poll in self.world.polls.values():
            if which in {str(poll.id), poll.key}:
                if not self._may_see(poll):
                    raise self._forbidden(f"Not authorized to {deed} Poll.")
                return poll
        raise self._missing()

    def show_poll(self, which: str) -> Response:
        """GET /polls/ID|KEY."""
        return self._poll_answer(self._find_poll(which))

    def list_polls(self) -> Response:
        """GET /polls?group_id=&status=, newest first."""
        group = self._asked_group()
        wanted = {
            "active": {"open", "lapsed"},
            "closed": {"closed"},
            "all": {"open", "lapsed", "closed", "draft"},
        }.get(request.args.get("status", "active"), {"open", "lapsed"})
        found = [
            poll
            for poll in self.world.polls.values()
            if poll.group_id == group.id and self.rules.status_of(poll) in wanted
        ]
        found = self._old_enough(sorted(found, key=lambda poll: (poll.created_at, poll.id), reverse=True))
        page = self._page(found)
        rows = [self._shapes.poll(poll) for poll in page]
        return self._answer(self._shapes.envelope("polls", rows, self._shapes.around_polls(page), len(found)))

    def edit_poll(self, which: str) -> Response:
        """PATCH /polls/ID|KEY: the way to extend; never send options."""
        poll = self._find_poll(which, "update")
        if poll.closed_at or poll.discarded_at or not self._may_manage(poll):
            raise self._forbidden("Not authorized to update Poll.")
        sent = self._poll_attributes()
        if "title" in sent:
            self._check_text(sent, "title", "details")
        self.rules.edit_poll(poll, g.reader, sent)
        return self._poll_answer(poll)

    def discard_poll(self, which: str) -> Response:
        """DELETE /polls/ID|KEY."""
        poll = self._find_poll(which, "discard")
        if not self._may_manage(poll):
            raise self._forbidden("Not authorized to discard Poll.")
        self.rules.discard_poll(poll)
        return self._poll_answer(poll)

    # Comments

    def create_comment(self) -> Response:
        """POST /comments: flat JSON now, a form before 3.1.3; the other shape is a 400 each time."""
        body = _parameters()
        if request.is_json != self._dialect.nested or "comment" in body:
            raise self._unpermitted()
        sent = {key: value for key, value in body.items() if key in PERMITTED["comment"]}
        sent.setdefault("discussion_id", request.args.get("discussion_id"))
        if sent["discussion_id"] in {None, ""}:
            raise self._forbidden("Not authorized to create Comment.")
        discussion = self.world.discussions.get(_whole(sent["discussion_id"]) or 0)
        if discussion is None:
            raise self._missing()
        if not self._may_see(discussion) or discussion.closed_at or discussion.discarded_at:
            raise self._forbidden("Not authorized to create Comment.")
        if not str(sent.get("body") or "").strip():
            raise LoomioError(422, {"errors": {"body": ["can't be blank"]}})
        self._check_text(sent, "body")
        parent_type = str(sent.get("parent_type") or "Discussion")
        parent_id = _whole(sent.get("parent_id")) or discussion.id
        homes: dict[str, Iterable[int]] = {
            "Discussion": self.world.discussions,
            "Poll": self.world.polls,
            "Comment": self.world.remarks,
            "Stance": (stance.id for poll in self.world.polls.values() for stance in poll.stances),
        }
        if parent_id not in set(homes.get(parent_type, ())):
            raise LoomioError(500, {"error": 500})
        remark = self.rules.add_remark(
            discussion, g.reader, str(sent["body"]), str(sent.get("body_format") or "md"), parent_type, parent_id
        )
        sideloads: dict[str, Iterable[Json]] = {
            "users": self._shapes.users([remark.author_id]),
            "discussions": [self._shapes.discussion(discussion)],
        }
        return self._answer(self._shapes.envelope("comments", [self._shapes.remark(remark)], sideloads))

    # Threads by topic, and search

    def _may_see_topic(self, topic_id: int) -> bool:
        discussion = self.rules.discussion_of_topic(topic_id)
        if discussion is not None:
            return self._may_see(discussion)
        return any(poll.topic_id == topic_id and self._may_see(poll) for poll in self.world.polls.values())

    def list_threads(self) -> Response:
        """GET /threads, newest activity first."""
        topic_ids = {d.topic_id for d in self.world.discussions.values()}
        topic_ids |= {p.topic_id for p in self.world.polls.values()}
        topics = [self._shapes.topic(topic_id) for topic_id in topic_ids if self._may_see_topic(topic_id)]
        topics.sort(key=lambda topic: topic["last_activity_at"] or "", reverse=True)
        page = self._page(topics)
        return self._answer(self._shapes.envelope("threads", page, {}, len(topics)))

    def show_thread(self, topic_id: int) -> Response:
        """GET /threads/TOPIC."""
        if not self._may_see_topic(topic_id):
            raise self._missing()
        return self._answer(self._shapes.envelope("threads", [self._shapes.topic(topic_id)], {}))

    def list_items(self, topic_id: int) -> Response:
        """GET /threads/TOPIC/items: the whole history, votes included, in order."""
        if not self._may_see_topic(topic_id):
            raise self._missing()
        items = sorted((i for i in self.world.items if i.topic_id == topic_id), key=lambda item: item.sequence_id)
        discussion = self.rules.discussion_of_topic(topic_id)
        polls = [poll for poll in self.world.polls.values() if poll.topic_id == topic_id]
        remarks = [r for r in self.world.remarks.values() if discussion and r.discussion_id == discussion.id]
        shapes = self._shapes
        sideloads = shapes.around_polls((), polls) | {
            "discussions": [shapes.discussion(discussion)] if discussion else [],
            "comments": [shapes.remark(remark) for remark in remarks],
            "stances": [
                shapes.stance(poll, stance)
                for poll in polls
                for stance in poll.stances
                if stance.cast_at and (poll.closed_at or poll.settings["hide_results"] != "until_closed")
            ],
            "outcomes": [shapes.outcome(poll, outcome) for poll in polls for outcome in poll.outcomes],
            "users": shapes.users(item.actor_id for item in items),
        }
        return self._answer(shapes.envelope("items", [shapes.item(item) for item in items], sideloads, len(items)))

    def search(self) -> Response:
        """GET /search?query=: at most 20 hits."""
        query = request.args.get("query", "").lower()
        group_id = _whole(request.args.get("group_id"))
        wanted = set((request.args.get("types") or request.args.get("type") or "").replace(",", " ").split())
        hits: list[tuple[datetime, Json]] = []

        def look(kind: str, record_id: int, text: str, at: datetime, home: Discussion | Poll, **more: Any) -> None:
            if query not in text.lower() or (wanted and kind not in wanted) or not self._may_see(home):
                return
            if group_id is not None and home.group_id != group_id:
                return
            hit: Json = {"id": len(hits) + 1, "searchable_type": kind, "searchable_id": record_id, **more}
            hits.append((at, hit | {"highlight": text[:200], "authored_at": stamp(at), "group_id": home.group_id}))

        for thread in self.world.discussions.values():
            if thread.discarded_at is None:
                text = f"{thread.title} {thread.description}"
                more = {"discussion_key": thread.key, "discussion_title": thread.title}
                look("Discussion", thread.id, text, thread.created_at, thread, **more)
        for poll in self.world.polls.values():
            if poll.discarded_at is None:
                more = {"poll_id": str(poll.id), "poll_key": poll.key, "poll_title": poll.title}
                look("Poll", poll.id, f"{poll.title} {poll.details}", poll.created_at, poll, **more)
        for remark in self.world.remarks.values():
            home = self.world.discussions[remark.discussion_id]
            look("Comment", remark.id, remark.body, remark.created_at, home, discussion_key=home.key)
        hits.sort(key=lambda pair: pair[0], reverse=True)
        found = [hit for _, hit in hits][:20]
        return self._answer(self._shapes.envelope("search_results", found, {}))

    # Public addresses

    def show_version(self) -> Response:
        """GET /api/v1/boot/version: public."""
        version = self.world.loomio_version
        return jsonify({"version": version, "release": f"sandbox-{version}", "reload": False, "notice": None})

    def thread_page(self, key: str, **_: str) -> Any:
        """/d/KEY: the page of a thread."""
        return redirect(f"/threads/{key}")

    def poll_page(self, key: str, **_: str) -> Any:
        """/p/KEY: the page of a poll."""
        return redirect(f"/polls/{key}")

    def nothing_here(self, anything: str) -> NoReturn:  # noqa: ARG002
        """Any other address."""
        raise self._missing()


def _parameters() -> Json:
    """Return the body, from JSON or a form; `options[]` is a list."""
    if request.is_json:
        sent = request.get_json(silent=True)
        return dict(sent) if isinstance(sent, dict) else {}
    return {
        key.removesuffix("[]"): values if key.endswith("[]") else values[-1] for key, values in request.form.lists()
    }


def _whole(value: Any) -> int | None:
    text = str(value)
    return int(text) if text.isdigit() else None
