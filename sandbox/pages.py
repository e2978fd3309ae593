"""Pages on which a person plays a member of the co-op: issues, threads, votes, mail, chat and the clock."""

import json
import shlex
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import TYPE_CHECKING, Any

from flask import Blueprint, abort, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from sandbox.forms import FORMS, render_body
from sandbox.markdown import render
from sandbox.people import MEMBERS, REPOSITORY_ID, login_of
from sandbox.world import Account, Discussion, Issue, Json, Person, Poll, PollOption, PullRequest, Repository, Stance

if TYPE_CHECKING:
    from sandbox.app import Sandbox

COOKIE = "sandbox_person"
PLAN_TIMEOUT_SECONDS = 60
AFTER_CLOSING = timedelta(minutes=10)
AFTER_NUDGE = timedelta(minutes=1)
# Before a letter's own HTML, in a frame without scripts: nothing is fetched from elsewhere, links open beside.
LETTER_FRAME = (
    '<!doctype html><meta charset="utf-8"><base target="_blank">'
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
    'img-src data:">'
)
CLOSE_REASONS = {"completed", "not_planned"}


def create_pages(sandbox: "Sandbox") -> Blueprint:
    """Return the pages as a blueprint."""
    blueprint = Blueprint("pages", __name__)
    pages = Pages(sandbox)
    blueprint.app_context_processor(pages.common)
    blueprint.app_errorhandler(404)(pages.nothing_here)
    blueprint.app_template_filter("markdown")(render)
    blueprint.app_template_filter("moment")(moment)

    def route(rule: str, view: Callable[..., ResponseReturnValue], *methods: str, locked: bool = True) -> None:
        shown = pages.under_lock(view) if locked else view
        blueprint.add_url_rule(rule, view.__name__, shown, methods=methods or ("GET",))

    route("/", pages.home)
    route("/me", pages.become, "POST")
    # Not under the lock: it may run a command for a while, and that command may ask the sandbox something.
    route("/clock", pages.move_clock, "POST", locked=False)
    route("/issues/new/<slug>", pages.new_issue)
    route("/issues/new/<slug>", pages.open_issue, "POST")
    route("/issues/<int:number>", pages.show_issue)
    route("/issues/<int:number>/edit", pages.show_edit)
    route("/issues/<int:number>/edit", pages.edit_issue, "POST")
    route("/issues/<int:number>/comment", pages.comment, "POST")
    route("/issues/<int:number>/state", pages.set_state, "POST")
    route("/issues/<int:number>/labels", pages.change_labels, "POST")
    route("/issues/<int:number>/assignees", pages.change_assignees, "POST")
    route("/pulls/<int:number>", pages.show_pull)
    route("/pulls/<int:number>/merge", pages.merge_pull, "POST")
    route("/threads/<key>", pages.show_thread)
    route("/threads/<key>/comment", pages.remark, "POST")
    route("/polls/<key>", pages.show_poll)
    route("/polls/<key>/vote", pages.vote, "POST")
    route("/polls/<key>/close", pages.close_poll, "POST")
    route("/polls/<key>/reopen", pages.reopen_poll, "POST")
    route("/polls/<key>/outcome", pages.publish_outcome, "POST")
    route("/mail", pages.show_mail)
    route("/mail/<int:letter_id>", pages.show_letter)
    route("/chat", pages.show_chat)
    return blueprint


def moment(value: datetime | None) -> str:
    """Return a time as people read it."""
    return value.strftime("%a %-d %b %Y, %H:%M UTC") if value else ""


@dataclass(frozen=True)
class Row:
    """One option of a poll with what is known of its votes."""

    option: PollOption
    votes: list[Stance]
    percent: int


class Pages:
    """The views; the reader is whoever the cookie says."""

    def __init__(self, sandbox: "Sandbox") -> None:
        self.sandbox = sandbox
        self.world = sandbox.world

    def under_lock(self, view: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
        """Return the view, run and rendered while nothing else changes."""

        @wraps(view)
        def locked(**values: Any) -> ResponseReturnValue:
            with self.world.lock:
                return view(**values)

        return locked

    # What every page needs

    def common(self) -> Json:
        """Return what the frame around each page shows."""
        closing = self._next_closing()
        return {
            "me": self._me(),
            "members": [self._person(username) for username in MEMBERS],
            "now": self.world.now(),
            "next_closing": closing,
            "here": request.full_path.rstrip("?") if request.method == "GET" else "/",
            "service_url": self.world.settings.service_url,
            "person_by_id": self.world.people,
            "letters": len(self.world.letters),
            "posts": len(self.world.posts),
            "watching": request.args.get("watch") == "1",
            "status_of": self.sandbox.loomio.status_of,
        }

    def _me(self) -> Person:
        username = request.cookies.get(COOKIE, "")
        return self._person(username if username in MEMBERS else next(iter(MEMBERS)))

    def _person(self, username: str) -> Person:
        person = self.world.person_named(username)
        if person is None:
            abort(404)
        return person

    def _my_account(self) -> Account:
        return self.world.accounts[login_of(self._me().username)]

    def _next_closing(self) -> datetime | None:
        open_polls = [p for p in self.world.polls.values() if self.sandbox.loomio.status_of(p) in {"open", "lapsed"}]
        return min((poll.closing_at for poll in open_polls if poll.closing_at), default=None)

    # The frame

    def nothing_here(self, _: Exception) -> tuple[str, int]:
        """Say kindly that there is no such page."""
        with self.world.lock:
            return render_template("nothing.html"), 404

    def home(self) -> ResponseReturnValue:
        """Everything at a glance."""
        repository = self.world.repositories[REPOSITORY_ID]
        issues = sorted(repository.issues.values(), key=lambda issue: issue.number, reverse=True)
        polls = [poll for poll in self.world.polls.values() if poll.discarded_at is None]
        threads = [thread for thread in self.world.discussions.values() if thread.discarded_at is None]
        sent = [delivery for delivery in self.world.deliveries if delivery.delivered_at]
        return render_template(
            "home.html",
            repository=repository,
            open_issues=[issue for issue in issues if issue.state == "open"],
            closed_issues=[issue for issue in issues if issue.state == "closed"],
            threads=sorted(threads, key=lambda thread: -thread.id),
            polls_of={t.id: [p for p in polls if p.topic_id == t.topic_id] for t in threads},
            lone_polls=[poll for poll in polls if poll.discussion_id is None],
            last_delivery=sent[-1] if sent else None,
            done=self._steps_done(repository, polls),
            refresh=None if request.args.get("still") == "1" else 5,
        )

    def _steps_done(self, repository: Repository, polls: list[Poll]) -> list[bool]:
        def labelled(name: str) -> list[Issue]:
            return [i for i in repository.issues.values() if name in {label.name for label in repository.labels_of(i)}]

        goals = labelled("ILO")
        authors = [issue.author for issue in goals]
        return [
            bool(goals),
            len(authors) > len(set(authors)),
            bool(labelled("golden-ticket")),
            any(stance.cast_at for poll in polls for stance in poll.stances),
            any(poll.closed_at for poll in polls),
            self.world.clock.offset_seconds > 0,
        ]

    def become(self) -> ResponseReturnValue:
        """Play another member."""
        username = request.form.get("username", "")
        response = redirect(_back())
        if username in MEMBERS:
            response.set_cookie(COOKIE, username, httponly=True, samesite="Lax")
        return response

    def move_clock(self) -> ResponseReturnValue:
        """Move sandbox time forward; never back from here."""
        move = request.form.get("move", "")
        if move == "nudge":
            self._move_to_nudge()
        else:
            with self.world.lock:
                now = self.world.now()
                closing = self._next_closing()
                targets = {"hour": now + timedelta(hours=1), "day": now + timedelta(days=1)}
                if closing:
                    targets["closing"] = closing + AFTER_CLOSING
                if move in targets:
                    self._move_to(targets[move])
                else:
                    flash("There is no open poll to move past.")
        return redirect(_back())

    def _move_to(self, target: datetime) -> None:
        if target > self.world.now():
            self.world.clock.move_to(target)
            self.sandbox.moved_clock()
        flash(f"It is now {moment(self.world.now())}.")

    def _move_to_nudge(self) -> None:
        planned, problem = self._planned()
        with self.world.lock:
            later = [at for at in planned if at > self.world.now()]
            if problem:
                flash(problem)
            elif not later:
                flash("Trellis plans no nudge from here on. Open a learning goal first, or move a day ahead.")
            else:
                self._move_to(later[0] + AFTER_NUDGE)

    def _planned(self) -> tuple[list[datetime], str | None]:
        """Ask Trellis when it means to nudge somebody."""
        command = shlex.split(self.world.settings.plan_command)
        if not command:
            return [], "Nobody told this sandbox how to ask Trellis for its plan (--plan-command)."
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=PLAN_TIMEOUT_SECONDS, check=False)
            # A plan under which somebody would hear too much is told with code 1, and is a plan still.
            if done.returncode != 0 and not done.stdout.strip():
                last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
                return [], f"Trellis could not tell its plan: {last}"
            moments = [datetime.fromisoformat(str(entry["at"])) for entry in json.loads(done.stdout)["messages"]]
        except (OSError, subprocess.TimeoutExpired) as error:
            return [], f"Trellis could not be asked for its plan: {error}"
        except (ValueError, KeyError, TypeError):
            return [], "Trellis answered with something that is not a plan."
        return sorted(at if at.tzinfo else at.replace(tzinfo=UTC) for at in moments), None

    # Issues

    def _find_issue(self, number: int) -> tuple[Repository, Issue]:
        asked = request.values.get("repository", type=int) or REPOSITORY_ID
        repository = self.world.repositories.get(asked)
        if repository is None:
            abort(404)
        if number in repository.moved:
            asked, number = repository.moved[number]
            repository = self.world.repositories[asked]
        if number not in repository.issues:
            abort(404)
        return repository, repository.issues[number]

    def _to_issue(self, repository: Repository, issue: Issue) -> ResponseReturnValue:
        where = "" if repository.id == REPOSITORY_ID else f"?repository={repository.id}"
        return redirect(f"/issues/{issue.number}{where}")

    def new_issue(self, slug: str) -> ResponseReturnValue:
        """The form of a new issue."""
        if slug == "blank":
            return render_template("blank.html")
        if slug not in FORMS:
            abort(404)
        return render_template("form.html", form=FORMS[slug])

    def open_issue(self, slug: str) -> ResponseReturnValue:
        """Open the issue as GitHub would; a form's label sticks whoever fills it in."""
        title = request.form.get("title", "").strip()
        if not title:
            flash("An issue needs a title.")
            return redirect(request.path)
        labels = [name.strip() for name in request.form.get("labels", "").split(",") if name.strip()]
        body, assignees = request.form.get("body", ""), []
        if slug != "blank":
            form = FORMS.get(slug) or abort(404)
            body = render_body(form, {key: request.form.getlist(key) for key in request.form})
            labels = [form.label]
            assignees = [self._my_account().login] if form.assigns_author else []
        repository = self.world.repositories[REPOSITORY_ID]
        issue = self.sandbox.github.open_issue(repository, self._my_account(), title, body, labels, assignees)
        return self._to_issue(repository, issue)

    def _find_pull(self, number: int) -> tuple[Repository, PullRequest]:
        repository = self.world.repositories[REPOSITORY_ID]
        return repository, repository.pulls.get(number) or abort(404)

    def show_pull(self, number: int) -> ResponseReturnValue:
        """A pull request with the files it brings."""
        repository, pull = self._find_pull(number)
        files = {} if pull.closed_at else self.sandbox.github.changed_by(repository, pull)
        shown = {path: content.decode("utf-8", "replace") for path, content in files.items()}
        return render_template("pull.html", repository=repository, pull=pull, files=shown)

    def merge_pull(self, number: int) -> ResponseReturnValue:
        """Bring its files into the repository."""
        repository, pull = self._find_pull(number)
        if not pull.closed_at:
            self.sandbox.github.merge_pull(repository, pull, self._my_account())
        return redirect(request.path.removesuffix("/merge"))

    def show_issue(self, number: int) -> ResponseReturnValue:
        """An issue with its conversation."""
        repository, issue = self._find_issue(number)
        return render_template(
            "issue.html",
            repository=repository,
            issue=issue,
            labels=repository.labels_of(issue),
            other_labels=[label for label in repository.labels if label.id not in issue.label_ids],
            accounts=self.world.accounts,
            assignable=[login_of(username) for username in MEMBERS if login_of(username) not in issue.assignees],
            refresh=5 if request.args.get("watch") == "1" else None,
        )

    def show_edit(self, number: int) -> ResponseReturnValue:
        """The form that changes an issue's title and text."""
        repository, issue = self._find_issue(number)
        return render_template("edit.html", repository=repository, issue=issue)

    def edit_issue(self, number: int) -> ResponseReturnValue:
        """Change title and text."""
        repository, issue = self._find_issue(number)
        title = request.form.get("title", "").strip() or issue.title
        self.sandbox.github.edit_text(repository, issue, self._my_account(), title, request.form.get("body", ""))
        return self._to_issue(repository, issue)

    def comment(self, number: int) -> ResponseReturnValue:
        """Write a comment."""
        repository, issue = self._find_issue(number)
        body = request.form.get("body", "")
        if issue.locked:
            flash("This conversation is locked.")
        elif body.strip():
            self.sandbox.github.add_comment(repository, issue, self._my_account(), body)
        return self._to_issue(repository, issue)

    def set_state(self, number: int) -> ResponseReturnValue:
        """Close or reopen."""
        repository, issue = self._find_issue(number)
        wanted = request.form.get("state", "")
        if wanted in CLOSE_REASONS:
            self.sandbox.github.set_state(repository, issue, self._my_account(), "closed", wanted)
        elif wanted == "open":
            self.sandbox.github.set_state(repository, issue, self._my_account(), "open")
        return self._to_issue(repository, issue)

    def change_labels(self, number: int) -> ResponseReturnValue:
        """Put a label on or take it off."""
        repository, issue = self._find_issue(number)
        names = [label.name for label in repository.labels_of(issue)]
        added, removed = request.form.get("add", "").strip(), request.form.get("remove", "")
        wanted = [name for name in names if name != removed] + ([added] if added else [])
        self.sandbox.github.set_labels(repository, issue, self._my_account(), wanted)
        return self._to_issue(repository, issue)

    def change_assignees(self, number: int) -> ResponseReturnValue:
        """Assign or unassign somebody."""
        repository, issue = self._find_issue(number)
        added, removed = request.form.get("add", ""), request.form.get("remove", "")
        wanted = [login for login in issue.assignees if login != removed] + ([added] if added else [])
        self.sandbox.github.set_assignees(repository, issue, self._my_account(), wanted)
        return self._to_issue(repository, issue)

    # Threads and polls

    def _find_thread(self, key: str) -> Discussion:
        return next((thread for thread in self.world.discussions.values() if thread.key == key), None) or abort(404)

    def _find_poll(self, key: str) -> Poll:
        return next((poll for poll in self.world.polls.values() if poll.key == key), None) or abort(404)

    def show_thread(self, key: str) -> ResponseReturnValue:
        """A thread with its comments and polls."""
        thread = self._find_thread(key)
        return render_template(
            "thread.html",
            thread=thread,
            polls=[poll for poll in self.world.polls.values() if poll.topic_id == thread.topic_id],
            remarks=[remark for remark in self.world.remarks.values() if remark.discussion_id == thread.id],
            refresh=5 if request.args.get("watch") == "1" else None,
        )

    def remark(self, key: str) -> ResponseReturnValue:
        """Write a comment in a thread."""
        thread = self._find_thread(key)
        body = request.form.get("body", "")
        if body.strip():
            self.sandbox.loomio.add_remark(thread, self._me(), body, "md", "Discussion", thread.id)
        return redirect(f"/threads/{key}")

    def show_poll(self, key: str) -> ResponseReturnValue:
        """A poll with its options, its votes as far as they may be seen, and what the reader may do."""
        poll, me = self._find_poll(key), self._me()
        mine = next((stance for stance in poll.stances if stance.user_id == me.id), None)
        decided = [stance for stance in poll.stances if stance.cast_at]
        hidden = poll.closed_at is None and (
            poll.settings["hide_results"] == "until_closed"
            or (poll.settings["hide_results"] == "until_vote" and not (mine and mine.cast_at))
        )
        rows = []
        for option in sorted(poll.options, key=lambda option: option.priority):
            votes = [stance for stance in decided if stance.option_id == option.id]
            rows.append(Row(option, votes, round(100 * len(votes) / len(decided)) if decided else 0))
        return render_template(
            "poll.html",
            poll=poll,
            thread=self.world.discussions.get(poll.discussion_id or 0),
            status=self.sandbox.loomio.status_of(poll),
            rows=rows,
            decided=decided,
            undecided=[stance for stance in poll.stances if stance.cast_at is None],
            mine=mine,
            hidden=hidden,
            outcome=poll.current_outcome,
            may_manage=self.sandbox.loomio.is_admin(me, poll.group_id) or poll.author_id == me.id,
            refresh=5 if request.args.get("watch") == "1" else None,
        )

    def vote(self, key: str) -> ResponseReturnValue:
        """Cast the reader's vote."""
        poll = self._find_poll(key)
        chosen = request.form.get("option", type=int)
        option = next((option for option in poll.options if option.id == chosen), None)
        if option is None:
            flash("Choose one of the options.")
        else:
            self._try(
                lambda: self.sandbox.loomio.vote(poll, self._me(), option, request.form.get("reason", "").strip())
            )
        return redirect(f"/polls/{key}")

    def close_poll(self, key: str) -> ResponseReturnValue:
        """Close now."""
        poll = self._find_poll(key)
        if self._may_manage(poll):
            self._try(lambda: self.sandbox.loomio.close_poll(poll, self._me()))
        return redirect(f"/polls/{key}")

    def reopen_poll(self, key: str) -> ResponseReturnValue:
        """Open again for three days."""
        poll = self._find_poll(key)
        if self._may_manage(poll):
            self._try(lambda: self.sandbox.loomio.reopen_poll(poll, self._me()))
        return redirect(f"/polls/{key}")

    def publish_outcome(self, key: str) -> ResponseReturnValue:
        """Publish what the group decided."""
        poll = self._find_poll(key)
        chosen = request.form.get("option", type=int)
        option = next((option for option in poll.options if option.id == chosen), None)
        statement = request.form.get("statement", "").strip()
        if not statement:
            flash("An outcome needs a statement.")
        elif self._may_manage(poll):
            self._try(lambda: self.sandbox.loomio.publish_outcome(poll, self._me(), statement, option))
        return redirect(f"/polls/{key}")

    def _may_manage(self, poll: Poll) -> bool:
        if self.sandbox.loomio.is_admin(self._me(), poll.group_id) or poll.author_id == self._me().id:
            return True
        flash("Only a coordinator of the group may do that. Ada is one.")
        return False

    # Mail and chat

    def show_mail(self) -> ResponseReturnValue:
        """Every letter, the newest first."""
        post_office = self.sandbox.post_office
        return render_template(
            "mail.html",
            mailbox=self.world.letters[::-1],
            mail_port=post_office.port if post_office else None,
            refresh=5 if request.args.get("watch") == "1" else None,
        )

    def show_letter(self, letter_id: int) -> ResponseReturnValue:
        """One letter, as a mail program would show it and as plain text."""
        letter = next((letter for letter in self.world.letters if letter.id == letter_id), None) or abort(404)
        unsubscribe = letter.headers.get("List-Unsubscribe", "").strip("<>")
        return render_template(
            "letter.html",
            letter=letter,
            shown=LETTER_FRAME + letter.html,
            unsubscribe=unsubscribe if unsubscribe.startswith(("http://", "https://")) else None,
            one_click="List-Unsubscribe-Post" in letter.headers,
        )

    def show_chat(self) -> ResponseReturnValue:
        """Every message in every room, the newest first."""
        return render_template(
            "chat.html",
            messages=self.world.posts[::-1],
            address=self.world.base_url.replace("http://", "json://"),
            refresh=5 if request.args.get("watch") == "1" else None,
        )

    @staticmethod
    def _try(act: Callable[[], object]) -> None:
        try:
            act()
        except ValueError as error:
            flash(str(error))


def _back() -> str:
    """Return the page the button was on; only one of ours."""
    wanted = request.form.get("next", "/")
    return wanted if wanted.startswith("/") and not wanted.startswith("//") else "/"
