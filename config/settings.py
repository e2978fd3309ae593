"""Settings: the environment as one typed object, every problem reported at once.

Secrets and addresses live in the environment (or in a file named by `NAME_FILE`), choices live in the policy files.
`SETTINGS` is the one list; a test holds it and `.env.example` together. No secret has a default.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url

from config.address import SAID_WRONG, is_safe
from config.errors import ConfigError
from config.logs import FORMATS
from config.mail_address import SmtpParts, smtp_parts


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One variable: its name, what for, how it is read, and what holds when it is not set.

    `per_organisation` settings may also be given as `NAME_<SLUG>`; that value wins for that organisation.
    """

    name: str
    what_for: str
    read: Callable[[str], Any]
    default: Any = None
    secret: bool = False
    per_organisation: bool = False


def _text(said: str) -> str:
    return said


def _path(said: str) -> Path:
    return Path(said)


def _list(said: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in said.split(",") if part.strip())


def _number(said: str) -> int:
    value = int(said)
    if value < 0:
        raise ValueError("is negative")
    return value


def _seconds(said: str) -> float:
    value = float(said)
    if not value > 0:
        raise ValueError("is not above zero")
    if not isfinite(value):
        raise ValueError("is endless")
    return value


def _at_least_one(said: str) -> int:
    value = _number(said)
    if value == 0:
        raise ValueError("is not above zero")
    return value


def _address(said: str) -> str:
    if not is_safe(said):
        raise ValueError(SAID_WRONG)
    return said.rstrip("/")


def _secret_address(said: str) -> str:
    if not is_safe(said):
        raise ValueError(SAID_WRONG)
    return said


def _database(said: str) -> str:
    # Hosting platforms hand out the short names; the driver is ours to choose.
    for short in ("postgres://", "postgresql://"):
        if said.startswith(short):
            return "postgresql+psycopg://" + said.removeprefix(short)
    if not said.startswith(("sqlite:///", "postgresql+psycopg://")):
        raise ValueError("is neither sqlite:///FILE nor postgresql://…")
    return said


def _mail_server(said: str) -> SmtpParts:
    return smtp_parts(said)


def _rooms(said: str) -> tuple[str, ...]:
    return tuple(said.split())


def _long_secret(said: str) -> str:
    if len(said) < LEAST_SECRET:
        raise ValueError(f"is shorter than {LEAST_SECRET} characters")
    return said


LEAST_SECRET = 32
LEVELS = ("INFO", "WARNING", "ERROR")


def _level(said: str) -> str:
    if said.upper() not in LEVELS:
        # DEBUG is refused: at that level PyGithub logs bodies and installation tokens in clear.
        raise ValueError(f"is not one of {', '.join(LEVELS)}")
    return said.upper()


def _log_format(said: str) -> str:
    if said.lower() not in FORMATS:
        raise ValueError(f"is not one of {', '.join(FORMATS)}")
    return said.lower()


SETTINGS: tuple[Setting, ...] = (
    Setting(
        name="DATABASE_URL",
        what_for="where Trellis remembers",
        read=_database,
        default="sqlite:///var/trellis.sqlite",
        secret=True,
    ),
    Setting(
        name="TRELLIS_ORGANISATIONS",
        what_for="folder of policy files",
        read=_path,
        default=Path("config/organisations"),
    ),
    Setting(name="TRELLIS_PORT", what_for="port of the web part on this machine", read=_number, default=8000),
    Setting(name="TRELLIS_LOG_LEVEL", what_for="INFO, WARNING or ERROR", read=_level, default="INFO"),
    Setting(name="TRELLIS_LOG_FORMAT", what_for="plain or json", read=_log_format, default="plain"),
    Setting(
        name="TRELLIS_METRICS_TOKEN",
        what_for="long random text that opens /metrics; without it there is no such page",
        read=_long_secret,
        secret=True,
    ),
    Setting(
        name="TRELLIS_HEARTBEAT_URL",
        what_for="secret address the worker asks for every minute while its clock goes well",
        read=_secret_address,
        secret=True,
    ),
    Setting(name="GITHUB_API_URL", what_for="GitHub's API", read=_address, default="https://api.github.com"),
    Setting(name="GITHUB_TOKEN", what_for="fine-grained token", read=_text, secret=True, per_organisation=True),
    Setting(name="GITHUB_APP_ID", what_for="id of your GitHub App, instead of a token", read=_text),
    Setting(name="GITHUB_APP_PRIVATE_KEY", what_for="the App's private key (PEM)", read=_text, secret=True),
    Setting(
        name="GITHUB_WEBHOOK_SECRETS",
        what_for="secrets of the GitHub webhook, comma-separated so one can be rotated",
        read=_list,
        default=(),
        secret=True,
    ),
    Setting(
        name="LOOMIO_API_KEY", what_for="key of the Loomio bot account", read=_text, secret=True, per_organisation=True
    ),
    Setting(
        name="LOOMIO_WEBHOOK_TOKEN",
        what_for="unguessable last part of /webhooks/loomio/…",
        read=_text,
        secret=True,
        per_organisation=True,
    ),
    Setting(
        name="GOALS_WEBHOOK_SECRET",
        what_for="Standard Webhooks secret (whsec_…) of /webhooks/goals",
        read=_text,
        secret=True,
        per_organisation=True,
    ),
    Setting(
        name="SMTP_URL", what_for="mail server, such as smtp://user:password@host:587", read=_mail_server, secret=True
    ),
    Setting(
        name="CHAT_URLS",
        what_for="team chat rooms as apprise addresses, separated by spaces",
        read=_rooms,
        default=(),
        secret=True,
        per_organisation=True,
    ),
    Setting(
        name="TRELLIS_PUBLIC_URL",
        what_for="where people reach the web part, for links in letters and calendars",
        read=_address,
    ),
    Setting(
        name="TRELLIS_SECRET_KEY",
        what_for="long random text that signs the links in letters",
        read=_long_secret,
        secret=True,
    ),
    Setting(
        name="TRELLIS_WRITES_PER_MINUTE", what_for="most writes of one account a minute", read=_at_least_one, default=76
    ),
    Setting(
        name="TRELLIS_WRITES_PER_HOUR", what_for="most writes of one account an hour", read=_at_least_one, default=490
    ),
    Setting(
        name="TRELLIS_LOOMIO_CALLS",
        what_for="most requests to one Loomio in five minutes, reading included",
        read=_at_least_one,
        default=850,
    ),
    Setting(
        name="TRELLIS_PAUSE_SECONDS",
        what_for="the pause when GitHub or Loomio asks for one without a length; doubles when it is asked for again",
        read=_seconds,
        default=60.0,
    ),
    Setting(
        name="TRELLIS_WRITE_GAP_SECONDS", what_for="least time between two writes to GitHub", read=_seconds, default=1.0
    ),
    Setting(
        name="TRELLIS_SETTLE_SECONDS",
        what_for="how long a call of unknown outcome settles before Trellis looks for its work",
        read=_seconds,
        default=60.0,
    ),
    Setting(
        name="TRELLIS_CALL_SECONDS", what_for="longest time one outgoing call may take", read=_seconds, default=15.0
    ),
    Setting(name="TRELLIS_BEAT_SECONDS", what_for="how often a worker says it is alive", read=_seconds, default=2.0),
    Setting(
        name="TRELLIS_FENCE_SECONDS",
        what_for="a worker that could not say so for this long stops itself",
        read=_seconds,
        default=15.0,
    ),
    Setting(
        name="TRELLIS_TAKEOVER_SECONDS",
        what_for="a worker silent for this long is taken over",
        read=_seconds,
        default=45.0,
    ),
    Setting(name="TRELLIS_POLL_SECONDS", what_for="how often a worker looks for work", read=_seconds, default=1.0),
    Setting(
        name="TRELLIS_RETRY_SECONDS",
        what_for="the wait after a first attempt that did not work out; doubles each time",
        read=_seconds,
        default=5.0,
    ),
    Setting(name="TRELLIS_TICK_SECONDS", what_for="pace of the clock's quickest jobs", read=_seconds, default=15.0),
    Setting(name="TRELLIS_CLOCK_FILE", what_for="sandbox only: seconds the practice clock is ahead", read=_path),
)
# Facts on GitHub, section 2. A server of your own may take more.
MOST_ON_GITHUB = {"TRELLIS_WRITES_PER_MINUTE": 80, "TRELLIS_WRITES_PER_HOUR": 500}
BY_NAME = {setting.name: setting for setting in SETTINGS}


@dataclass(frozen=True)
class Settings:
    """What the environment says. Values of `per_organisation` settings are looked up with `for_organisation`."""

    values: Mapping[str, Any]
    by_slug: Mapping[tuple[str, str], Any]

    def __repr__(self) -> str:
        """Show names, never secrets."""
        shown = {name: value for name, value in self.values.items() if value is not None and not BY_NAME[name].secret}
        return f"Settings({shown})"

    def text(self, name: str) -> str | None:
        """Give a text setting, None when it is not set."""
        value = self.values[name]
        return None if value is None else str(value)

    def seconds(self, name: str) -> float:
        """Give a length of time in seconds."""
        return float(self.values[name])

    def number(self, name: str) -> int:
        """Give a whole number."""
        return int(self.values[name])

    def path(self, name: str) -> Path | None:
        """Give a path, None when it is not set."""
        value = self.values[name]
        return None if value is None else Path(value)

    def database_url(self) -> str:
        """Give the address of the database, driver included."""
        return str(self.values["DATABASE_URL"])

    def organisations_folder(self) -> Path:
        """Give the folder of policy files."""
        return Path(self.values["TRELLIS_ORGANISATIONS"])

    def webhook_secrets(self) -> tuple[str, ...]:
        """Give every secret the GitHub webhook may be signed with."""
        return tuple(self.values["GITHUB_WEBHOOK_SECRETS"])

    def for_organisation(self, name: str, slug: str) -> str | None:
        """Give the organisation's own value, or the general one, or None."""
        value = self.by_slug.get((name, env_slug(slug)), self.values[name])
        return None if value is None else str(value)

    def rooms(self, slug: str) -> tuple[str, ...]:
        """Give an organisation's chat rooms, its own or those of the deployment."""
        return tuple(self.by_slug.get(("CHAT_URLS", env_slug(slug)), self.values["CHAT_URLS"]))

    def mail_server(self) -> SmtpParts | None:
        """Give the mail server, None when there is none."""
        found = self.values["SMTP_URL"]
        return found if isinstance(found, SmtpParts) else None

    def secrets(self) -> set[str]:
        """Give every secret there is, for the log to blot out."""
        found: set[str] = set()
        given = [*((BY_NAME[name], value) for name, value in self.values.items())]
        given += [(BY_NAME[name], value) for (name, _), value in self.by_slug.items()]
        for setting, value in given:
            if not setting.secret or value is None:
                continue
            if isinstance(value, SmtpParts):
                found.add(value.password or "")
            elif setting.name == "DATABASE_URL":
                found.add(make_url(value).password or "")
            else:
                found |= {value} if isinstance(value, str) else set(value)
        return found - {""}

    def has_credentials(self) -> bool:
        """Say whether anything here talks to a real GitHub or Loomio; without, `make run` starts the sandbox."""
        names = ("GITHUB_TOKEN", "GITHUB_APP_ID", "LOOMIO_API_KEY")
        return any(self.values[name] for name in names) or any(name in names for name, _ in self.by_slug)


def env_slug(slug: str) -> str:
    """Spell an organisation's slug as the tail of an environment variable."""
    return slug.upper().replace("-", "_")


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Read every setting, or raise ConfigError with all problems at once.

    An empty variable counts as not set. `NAME_FILE` names a file whose content is the value (for mounted secrets).
    """
    problems: list[str] = []
    values: dict[str, Any] = {}
    by_slug: dict[tuple[str, str], Any] = {}
    given: set[str] = set()
    for setting in SETTINGS:
        said = _said(environ, setting.name, problems)
        given |= {setting.name} if said is not None else set()
        values[setting.name] = setting.default if said is None else _read(setting, setting.name, said, problems)
        if not setting.per_organisation:
            continue
        prefix = f"{setting.name}_"
        tails = {name.removeprefix(prefix).removesuffix("_FILE") for name in environ if name.startswith(prefix)}
        for tail in sorted(tails - {"", "FILE"}):
            said = _said(environ, prefix + tail, problems)
            if said is not None:
                by_slug[setting.name, tail] = _read(setting, prefix + tail, said, problems)
    problems += _together(values, given)
    if problems:
        raise ConfigError(problems)
    return Settings(values, by_slug)


def _said(environ: Mapping[str, str], name: str, problems: list[str]) -> str | None:
    said = environ.get(name, "").strip()
    file = environ.get(f"{name}_FILE", "").strip()
    if said and file:
        problems.append(f"{name} and {name}_FILE are both set: keep one")
    if file and not said:
        try:
            said = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"{name}_FILE: cannot read {file} ({type(error).__name__})")
    return said or None


def _read(setting: Setting, name: str, said: str, problems: list[str]) -> Any:
    try:
        return setting.read(said)
    except ValueError as error:
        reason = str(error) if str(error).startswith(("is ", "does ")) else "is not a number"
        shown = "" if setting.secret else f" {said!r}"
        problems.append(f"{name}:{shown} {reason}")
        return setting.default


def _together(values: Mapping[str, Any], given: set[str]) -> list[str]:
    """Check what only makes sense together; what was given and cannot be used is told already."""
    problems = []
    if ("GITHUB_APP_ID" in given) != ("GITHUB_APP_PRIVATE_KEY" in given):
        problems.append("GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY belong together: set both or neither")
    if ("TRELLIS_PUBLIC_URL" in given) != ("TRELLIS_SECRET_KEY" in given):
        problems.append("TRELLIS_PUBLIC_URL and TRELLIS_SECRET_KEY belong together: links need both")
    if values["GITHUB_API_URL"] == BY_NAME["GITHUB_API_URL"].default:
        for name, most in MOST_ON_GITHUB.items():
            if values[name] > most:
                problems.append(f"{name}: github.com takes at most {most}, and bans who goes on asking for more")
    beat, fence, takeover = (values[f"TRELLIS_{name}_SECONDS"] for name in ("BEAT", "FENCE", "TAKEOVER"))
    if not beat < fence < takeover:
        problems.append(
            f"TRELLIS_BEAT_SECONDS ({beat:g}) < TRELLIS_FENCE_SECONDS ({fence:g}) < TRELLIS_TAKEOVER_SECONDS "
            f"({takeover:g}) does not hold: a worker has to stop itself before another takes over"
        )
    return problems
