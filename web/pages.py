"""The front page, and what a load balancer asks."""

from collections.abc import Callable, Sequence

from flask import Blueprint, Response, jsonify, render_template
from werkzeug.exceptions import HTTPException

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def pages_blueprint(behaviours: Sequence[str], is_ready: Callable[[], bool]) -> Blueprint:
    """Make the routes. `behaviours` are the lines of README; nothing about any person is shown."""
    bp = Blueprint("pages", __name__, template_folder="templates", static_folder="static", static_url_path="/static")

    @bp.get("/")
    def front() -> str:
        # Docstrings mark code with backticks; every second part between them is code.
        return render_template("front.html", behaviours=[line.split("`") for line in behaviours])

    @bp.get("/healthz")
    def alive() -> Response:
        return jsonify({"alive": True})

    @bp.get("/readyz")
    def ready() -> tuple[Response, int]:
        ok = is_ready()
        return jsonify({"ready": ok, "database": ok}), 200 if ok else 503

    @bp.app_errorhandler(HTTPException)
    def refused(error: HTTPException) -> tuple[Response, int]:
        answer = jsonify({"message": error.description})
        answer.headers.update([(name, value) for name, value in error.get_headers() if name != "Content-Type"])
        return answer, error.code or 500

    @bp.after_app_request
    def harden(response: Response) -> Response:
        for name, value in SECURITY_HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    return bp
