"""What GitHub Apps alone need is loaded for them alone, whole, and before threads use it."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def run(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_a_token_needs_no_cryptography() -> None:
    run("""
import sys
from integrations.github import GitHub
from integrations.github_connection import Connection
from jobs.reconcile import reconcile
from jobs.redeliver import redeliver
GitHub(Connection(api_url="https://api.github.com", repository_name="fennel-works/learning", token="t"))
assert "cryptography" not in sys.modules and "jwt.algorithms" not in sys.modules
""")


def test_an_app_has_what_it_signs_with_before_its_first_call() -> None:
    run("""
import sys
from integrations.github_connection import Connection
Connection(api_url="https://api.github.com", repository_name="a/b", app_id="1", app_private_key="k")
assert "cryptography" in sys.modules
import jwt, github.Auth
assert jwt is github.Auth.jwt and jwt.decode(jwt.encode({"iss": "1"}, "k" * 32), "k" * 32, ["HS256"]) == {"iss": "1"}
""")


def test_what_was_imported_before_stays_as_it_is_and_what_is_not_there_is_missed() -> None:
    run("""
import jwt, sys
decode = jwt.decode
before = list(sys.meta_path)
import integrations
assert sys.meta_path == before
from integrations.when_used import load_when_used
load_when_used("no_such_module")
try:
    import no_such_module
except ModuleNotFoundError as error:
    assert error.name == "no_such_module"
else:
    raise AssertionError
import github.Auth
assert github.Auth.jwt.decode is decode
""")
