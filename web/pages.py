"""The front page, the answer to whatever is not there or not well, and what every answer carries."""

import logging
from collections.abc import Sequence
from urllib.parse import urlsplit

from flask import Blueprint, Response, jsonify, render_template, request
from flask.blueprints import BlueprintSetupState
from sqlalchemy.exc import DBAPIError, InternalError, OperationalError
from werkzeug.exceptions import HTTPException, RequestHeaderFieldsTooLarge, RequestURITooLarge

log = logging.getLogger(__name__)

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
# A year, for this host alone: what its neighbours do is not for us to say.
ONLY_ENCRYPTED = "max-age=31536000"
# As the Procfile tells gunicorn, so that every server keeps to them.
LONGEST_ADDRESS, LONGEST_HEADER, MOST_HEADERS = 2_048, 8_190, 64


def pages_blueprint(behaviours: Sequence[str], public_url: str | None) -> Blueprint:
    """Make the routes. `behaviours` are the lines of README; nothing about any person is shown.

    `public_url` is where people reach us; behind a proxy it tells that they come by https, which a request may not.
    """
    public = urlsplit(public_url or "")
    encrypted_host = public.netloc.casefold() if public.scheme == "https" else None
    bp = Blueprint("pages", __name__, template_folder="templates", static_folder="static", static_url_path="/static")

    @bp.get("/")
    def front() -> str:
        # Docstrings mark code with backticks; every second part between them is code.
        return render_template("front.html", behaviours=[line.split("`") for line in behaviours])

    @bp.record_once
    def never_redirect(state: BlueprintSetupState) -> None:
        # `//calendar/…` would be sent to `/calendar/…` on whatever host the request names: a redirect to elsewhere.
        state.app.url_map.merge_slashes = False

    @bp.before_app_request
    def keep_heads_small() -> None:
        if len(request.path) + len(request.query_string) > LONGEST_ADDRESS:
            raise RequestURITooLarge("That address is longer than any of ours.")
        if len(request.headers) > MOST_HEADERS or any(len(value) > LONGEST_HEADER for _, value in request.headers):
            raise RequestHeaderFieldsTooLarge("That request has more headers, or longer ones, than we read.")

    @bp.app_errorhandler(HTTPException)
    def refused(error: HTTPException) -> tuple[Response, int]:
        answer = jsonify({"message": error.description})
        answer.headers.update([(name, value) for name, value in error.get_headers() if name != "Content-Type"])
        return answer, error.code or 500

    @bp.app_errorhandler(InternalError)  # read-only, in PostgreSQL's words
    @bp.app_errorhandler(OperationalError)  # full, locked for too long, gone for a moment
    def no_database(error: DBAPIError) -> tuple[Response, int]:
        # What was asked stands in the error too, and is not logged.
        why = str(error.orig).partition("\n")[0]
        log.error("%s %s: the database did not take part (%s)", request.method, _route(), why)
        answer = jsonify({"message": "Our database cannot do that just now. Please try again in a minute."})
        answer.headers["Retry-After"] = "60"
        return answer, 503

    @bp.app_errorhandler(Exception)
    def went_wrong(error: Exception) -> tuple[Response, int]:
        log.error("%s %s: went wrong in a way nobody thought of", request.method, _route(), exc_info=error)
        return jsonify({"message": "Something went wrong here. It is in the log, and trying again may help."}), 500

    @bp.after_app_request
    def harden(response: Response) -> Response:
        for name, value in SECURITY_HEADERS.items():
            response.headers.setdefault(name, value)
        # Over plain http the header means nothing, and may not be sent (RFC 6797, 7.2).
        if request.is_secure or (encrypted_host and request.headers.get("Host", "").casefold() == encrypted_host):
            response.headers.setdefault("Strict-Transport-Security", ONLY_ENCRYPTED)
        return response

    return bp


def _route() -> str:
    """Name where a request went. Its path, which Flask would log, may show what opens a letter's link or a calendar."""
    return "no page of ours" if request.url_rule is None else request.url_rule.rule
