"""GitHub's REST API under /github, the part an issue-keeping service uses: which address leads where.

Each endpoint runs under the world's lock, which the gate in `sandbox.faults` takes.
"""

from collections.abc import Callable
from typing import Any

from flask import Blueprint

from sandbox.github_app import App
from sandbox.github_app_shapes import HOOK_ID
from sandbox.github_comments import Comments
from sandbox.github_door import Door
from sandbox.github_errors import GitHubError, Moved
from sandbox.github_files import Files
from sandbox.github_hooks import Hooks
from sandbox.github_issues import Issues
from sandbox.github_labels import Labels
from sandbox.github_people import People
from sandbox.github_rules import GitHubRules
from sandbox.world import World


def create_github(world: World, rules: GitHubRules) -> Blueprint:
    """Return the API as a blueprint."""
    blueprint = Blueprint("github", __name__, url_prefix="/github")
    door = Door(world)
    people, app, hooks = People(world, door), App(world, door), Hooks(world, rules.courier, door)
    issues, comments = Issues(world, rules, door), Comments(world, rules, door)
    labels, files = Labels(rules, door), Files(rules, door)
    blueprint.before_request(door.admit)
    blueprint.after_request(door.sign_off)
    blueprint.register_error_handler(GitHubError, door.refuse)
    blueprint.register_error_handler(Moved, door.point_elsewhere)

    def of_repository(rule: str, view: Callable[..., Any], *methods: str) -> None:
        endpoint = f"{view.__name__}_{'_'.join(methods)}"
        for prefix, form in (("/repos/<owner>/<name>", "by_name"), ("/repositories/<int:repository_id>", "by_id")):
            blueprint.add_url_rule(prefix + rule, f"{endpoint}_{form}", door.with_repository(view), methods=methods)

    of_repository("", people.show_repository, "GET")
    of_repository("/issues", issues.list_issues, "GET")
    of_repository("/issues", issues.create_issue, "POST")
    of_repository("/issues/<int:number>", issues.show_issue, "GET")
    of_repository("/issues/<int:number>", issues.edit_issue, "PATCH")
    of_repository("/issues/<int:number>/comments", comments.list_comments, "GET")
    of_repository("/issues/<int:number>/comments", comments.create_comment, "POST")
    of_repository("/issues/comments", comments.list_all_comments, "GET")
    of_repository("/issues/comments/<int:comment_id>", comments.show_comment, "GET")
    of_repository("/issues/comments/<int:comment_id>", comments.edit_comment, "PATCH")
    of_repository("/issues/comments/<int:comment_id>", comments.delete_comment, "DELETE")
    of_repository("/issues/<int:number>/labels", labels.list_issue_labels, "GET")
    of_repository("/issues/<int:number>/labels", labels.add_labels, "POST")
    of_repository("/issues/<int:number>/labels", labels.replace_labels, "PUT")
    of_repository("/issues/<int:number>/labels", labels.remove_labels, "DELETE")
    of_repository("/issues/<int:number>/labels/<path:label_name>", labels.remove_label, "DELETE")
    of_repository("/issues/<int:number>/assignees", issues.add_assignees, "POST")
    of_repository("/issues/<int:number>/assignees", issues.remove_assignees, "DELETE")
    of_repository("/issues/<int:number>/lock", issues.lock_issue, "PUT")
    of_repository("/issues/<int:number>/lock", issues.unlock_issue, "DELETE")
    of_repository("/labels", labels.list_labels, "GET")
    of_repository("/labels", labels.create_label, "POST")
    of_repository("/labels/<path:label_name>", labels.show_label, "GET")
    of_repository("/labels/<path:label_name>", labels.edit_label, "PATCH")
    of_repository("/labels/<path:label_name>", labels.delete_label, "DELETE")
    of_repository("/assignees", people.list_assignees, "GET")
    of_repository("/assignees/<login>", people.check_assignee, "GET")
    of_repository("/git/ref/<path:name_of_ref>", files.show_reference, "GET")
    of_repository("/git/refs", files.create_reference, "POST")
    of_repository("/git/refs/<path:name_of_ref>", files.move_reference, "PATCH")
    of_repository("/contents/<path:path>", files.show_file, "GET")
    of_repository("/contents/<path:path>", files.write_file, "PUT")
    of_repository("/pulls", files.list_pulls, "GET")
    of_repository("/pulls", files.create_pull, "POST")
    of_repository("/installation", app.show_repository_installation, "GET")
    of_repository("/hooks", hooks.list_hooks, "GET")
    of_repository(f"/hooks/{HOOK_ID}/deliveries", hooks.list_hook_deliveries, "GET")
    of_repository(f"/hooks/{HOOK_ID}/deliveries/<int:delivery_id>", hooks.show_hook_delivery, "GET")
    of_repository(f"/hooks/{HOOK_ID}/deliveries/<int:delivery_id>/attempts", hooks.redeliver_to_hook, "POST")

    add = blueprint.add_url_rule
    add("/user", view_func=people.show_me)
    add("/users/<login>", view_func=people.show_user)
    add("/rate_limit", view_func=door.show_rate_limit)
    add("/app", view_func=app.show_app)
    add("/app/installations", view_func=app.list_installations)
    add("/app/installations/<int:installation_id>", view_func=app.show_installation)
    add("/app/installations/<int:installation_id>/access_tokens", view_func=app.create_token, methods=["POST"])
    add("/app/hook/deliveries", view_func=hooks.list_app_deliveries)
    add("/app/hook/deliveries/<int:delivery_id>", view_func=hooks.show_app_delivery)
    add("/app/hook/deliveries/<int:delivery_id>/attempts", view_func=hooks.redeliver_to_app, methods=["POST"])
    add("/<path:anything>", view_func=door.nothing_here, methods=["GET", "POST", "PATCH", "PUT", "DELETE"])
    return blueprint
