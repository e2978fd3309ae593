"""The stand-in for a team chat under /chat/<room>: takes what apprise posts to `json://` addresses."""

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from sandbox.world import Post, World


def create_chat(world: World) -> Blueprint:
    """Return the rooms as a blueprint; any name is a room."""
    blueprint = Blueprint("chat", __name__, url_prefix="/chat")

    def post(room: str) -> ResponseReturnValue:
        """{"title", "message"}: a message to the room."""
        sent = request.get_json(silent=True)
        if not isinstance(sent, dict) or not str(sent.get("message") or "").strip():
            return jsonify({"error": "send a message as JSON"}), 400
        made = Post(world.next_id("post"), room, str(sent.get("title") or ""), str(sent["message"]), world.now())
        world.posts.append(made)
        return jsonify({"id": made.id})

    blueprint.add_url_rule("/<room>", "post", post, methods=["POST"])
    return blueprint
