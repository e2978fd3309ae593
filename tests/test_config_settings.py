"""The environment becomes one typed object; everything wrong is told at once, and no secret is ever shown."""

import re
from pathlib import Path

import pytest

from config.errors import ConfigError
from config.mail_address import SmtpParts
from config.settings import LEAST_SECRET, SETTINGS, Settings, env_slug, load_settings

ROOT = Path(__file__).parent.parent
HIDDEN = "hunter2-hunter2-hunter2-hunter2-hunter2"


def problems(**environ: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as refused:
        load_settings(environ)
    return refused.value.problems


def test_nothing_set_is_enough_to_start() -> None:
    settings = load_settings({})

    assert settings.database_url() == "sqlite:///var/trellis.sqlite"
    assert settings.organisations_folder() == Path("config/organisations")
    assert settings.text("GITHUB_API_URL") == "https://api.github.com"
    assert settings.text("GITHUB_TOKEN") is None
    assert settings.path("TRELLIS_CLOCK_FILE") is None
    assert settings.webhook_secrets() == ()
    assert settings.number("TRELLIS_PORT") == 8000
    assert settings.seconds("TRELLIS_SETTLE_SECONDS") == 60.0
    assert settings.mail_server() is None
    assert settings.rooms("fennel") == ()
    assert settings.text("TRELLIS_PUBLIC_URL") is None
    assert settings.text("TRELLIS_SECRET_KEY") is None
    assert not settings.has_credentials()


def test_every_default_and_every_secret_is_as_the_rules_say() -> None:
    keys = [one for one in SETTINGS if re.search("TOKEN|SECRET|KEY|SMTP|CHAT", one.name)]
    assert [one.name for one in keys if not one.secret] == []
    assert [one.name for one in keys if one.default] == [], "no secret has a default"
    assert [one.name for one in SETTINGS if not one.what_for] == []


def test_values_are_read_by_their_kind() -> None:
    settings = load_settings(
        {
            "TRELLIS_PORT": " 8100 ",
            "TRELLIS_CALL_SECONDS": "2.5",
            "TRELLIS_LOG_LEVEL": "warning",
            "GITHUB_API_URL": "https://github.fennel.example/api/v3/",
            "GITHUB_WEBHOOK_SECRETS": "first, second,,",
            "TRELLIS_CLOCK_FILE": "var/clock",
        }
    )

    assert settings.number("TRELLIS_PORT") == 8100
    assert settings.seconds("TRELLIS_CALL_SECONDS") == 2.5
    assert settings.text("TRELLIS_LOG_LEVEL") == "WARNING"
    assert settings.text("GITHUB_API_URL") == "https://github.fennel.example/api/v3"
    assert settings.webhook_secrets() == ("first", "second")
    assert settings.path("TRELLIS_CLOCK_FILE") == Path("var/clock")


def test_an_empty_variable_counts_as_not_set() -> None:
    empty = ("TRELLIS_PORT", "GITHUB_TOKEN_FENNEL", "SMTP_URL", "CHAT_URLS", "CHAT_URLS_FENNEL", "TRELLIS_SECRET_KEY")
    settings = load_settings(dict.fromkeys(empty, "") | {"GITHUB_TOKEN": "  "})

    assert settings.number("TRELLIS_PORT") == 8000
    assert settings.for_organisation("GITHUB_TOKEN", "fennel") is None
    assert settings.mail_server() is None
    assert settings.rooms("fennel") == ()


def test_the_mail_server_is_taken_apart() -> None:
    """How SMTP_URL may be written is told in test_config_mail_address.py."""
    found = load_settings({"SMTP_URL": "smtp://trellis:kept%20quiet@mail.fennel.example"}).mail_server()

    assert found == SmtpParts(
        host="mail.fennel.example", port=587, tls="starttls", user="trellis", password="kept quiet"
    )


def test_chat_rooms_are_separated_by_spaces_and_an_organisations_own_replace_all_of_the_others() -> None:
    settings = load_settings(
        {"CHAT_URLS": " json://127.0.0.1/one  slack://a/b/c\n", "CHAT_URLS_FENNEL_WORKS": "mmosts://fennel.example/t"}
    )

    assert settings.rooms("other") == ("json://127.0.0.1/one", "slack://a/b/c")
    assert settings.rooms("fennel-works") == ("mmosts://fennel.example/t",)


def test_the_address_of_the_web_part_loses_its_last_slash_so_that_links_have_one() -> None:
    settings = load_settings(
        {"TRELLIS_PUBLIC_URL": "https://trellis.fennel.example/", "TRELLIS_SECRET_KEY": "k" * LEAST_SECRET}
    )

    assert settings.text("TRELLIS_PUBLIC_URL") == "https://trellis.fennel.example"
    assert settings.text("TRELLIS_SECRET_KEY") == "k" * LEAST_SECRET


# -- problems ----------------------------------------------------------------------------------------------------------


def test_all_problems_are_told_at_once() -> None:
    assert problems(
        TRELLIS_PORT="eighty",
        TRELLIS_LOG_LEVEL="DEBUG",
        GITHUB_API_URL="http://github.example",
        GITHUB_APP_ID="12",
        TRELLIS_CALL_SECONDS="0",
        TRELLIS_FENCE_SECONDS="60",
    ) == (
        "TRELLIS_PORT: 'eighty' is not a number",
        "TRELLIS_LOG_LEVEL: 'DEBUG' is not one of INFO, WARNING, ERROR",
        "GITHUB_API_URL: 'http://github.example' does not start with https:// (plain http is for this machine only)",
        "TRELLIS_CALL_SECONDS: '0' is not above zero",
        "GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY belong together: set both or neither",
        "TRELLIS_BEAT_SECONDS (2) < TRELLIS_FENCE_SECONDS (60) < TRELLIS_TAKEOVER_SECONDS (45) does not hold: a worker "
        "has to stop itself before another takes over",
    )


@pytest.mark.parametrize("level", ["DEBUG", "debug", "NOTSET", "TRACE", "10"])
def test_a_level_that_would_write_secrets_to_the_log_is_refused(level: str) -> None:
    assert problems(TRELLIS_LOG_LEVEL=level) == (f"TRELLIS_LOG_LEVEL: {level!r} is not one of INFO, WARNING, ERROR",)


@pytest.mark.parametrize(
    ("name", "said", "problem"),
    [
        ("TRELLIS_PORT", "-1", "is negative"),
        ("TRELLIS_PORT", "8000.5", "is not a number"),
        ("TRELLIS_TICK_SECONDS", "-2", "is not above zero"),
        ("TRELLIS_TICK_SECONDS", "nan", "is not above zero"),
        ("TRELLIS_TICK_SECONDS", "soon", "is not a number"),
    ],
)
def test_a_number_that_cannot_be_used_is_refused(name: str, said: str, problem: str) -> None:
    assert problems(**{name: said}) == (f"{name}: {said!r} {problem}",)


@pytest.mark.parametrize("name", ["TRELLIS_WRITES_PER_MINUTE", "TRELLIS_WRITES_PER_HOUR"])
def test_a_budget_of_no_writes_is_refused(name: str) -> None:
    """With none allowed there is no instant at which the next one fits."""
    [problem] = problems(**{name: "0"})

    assert problem.startswith(f"{name}: '0' is ")


def test_more_than_github_takes_is_refused_for_github_and_not_for_a_server_of_ones_own() -> None:
    asked = {"TRELLIS_WRITES_PER_MINUTE": "81", "TRELLIS_WRITES_PER_HOUR": "5000"}
    assert problems(**asked) == (
        "TRELLIS_WRITES_PER_MINUTE: github.com takes at most 80, and bans who goes on asking for more",
        "TRELLIS_WRITES_PER_HOUR: github.com takes at most 500, and bans who goes on asking for more",
    )
    assert (
        load_settings(asked | {"GITHUB_API_URL": "https://github.fennel.example/api/v3"}).number(
            "TRELLIS_WRITES_PER_HOUR"
        )
        == 5000
    )


@pytest.mark.parametrize("name", ["TRELLIS_CALL_SECONDS", "TRELLIS_RETRY_SECONDS"])
def test_an_endless_wait_is_refused(name: str) -> None:
    [problem] = problems(**{name: "inf"})

    assert problem.startswith(f"{name}: 'inf' is ")


@pytest.mark.parametrize(
    "address", ["https://api.github.com", "http://127.0.0.1:8080", "http://localhost:80/api", "http://[::1]:9000"]
)
def test_an_address_is_https_or_this_machine(address: str) -> None:
    assert load_settings({"GITHUB_API_URL": address}).text("GITHUB_API_URL") == address


@pytest.mark.parametrize(
    "address",
    [
        "http://api.github.com",
        "api.github.com",
        "ftp://localhost",
        "http://localhost.fennel.example",
        "http://127.0.0.1.fennel.example",
        "http://localhost@fennel.example",
    ],
)
def test_a_token_is_never_sent_in_clear_to_another_machine(address: str) -> None:
    assert problems(GITHUB_API_URL=address) == (
        f"GITHUB_API_URL: {address!r} does not start with https:// (plain http is for this machine only)",
    )


@pytest.mark.parametrize(
    ("said", "url"),
    [
        ("sqlite:///var/other.sqlite", "sqlite:///var/other.sqlite"),
        ("postgres://u@h/db", "postgresql+psycopg://u@h/db"),
        ("postgresql://u@h/db", "postgresql+psycopg://u@h/db"),
        ("postgresql+psycopg://u@h/db", "postgresql+psycopg://u@h/db"),
    ],
)
def test_a_database_address_gets_our_driver(said: str, url: str) -> None:
    assert load_settings({"DATABASE_URL": said}).database_url() == url


@pytest.mark.parametrize(
    "environ",
    [{"TRELLIS_PUBLIC_URL": "https://trellis.fennel.example"}, {"TRELLIS_SECRET_KEY": "k" * 32}],
    ids=["the address alone", "the key alone"],
)
def test_links_need_both_an_address_and_a_key(environ: dict[str, str]) -> None:
    assert problems(**environ) == ("TRELLIS_PUBLIC_URL and TRELLIS_SECRET_KEY belong together: links need both",)


@pytest.mark.parametrize("key", ["k" * 31, "hunter2"])
def test_a_key_that_could_be_guessed_is_refused_once_and_not_shown(key: str) -> None:
    """Both are set, so that they belong together is not what is wrong."""
    assert problems(TRELLIS_SECRET_KEY=key, TRELLIS_PUBLIC_URL="https://trellis.fennel.example") == (
        "TRELLIS_SECRET_KEY: is shorter than 32 characters",
    )


def test_links_are_never_made_for_an_address_in_clear() -> None:
    assert problems(TRELLIS_SECRET_KEY="k" * 32, TRELLIS_PUBLIC_URL="http://trellis.fennel.example") == (
        "TRELLIS_PUBLIC_URL: 'http://trellis.fennel.example' does not start with https:// "
        "(plain http is for this machine only)",
    )


def test_a_mail_server_that_cannot_be_used_is_told_without_its_password() -> None:
    assert problems(SMTP_URL=f"smtp://trellis:{HIDDEN}@mail.fennel.example/inbox") == (
        "SMTP_URL: does not end after the port (in a user or password, write / ? # : @ as %2F %3F %23 %3A %40)",
    )


# -- values from files -------------------------------------------------------------------------------------------------


def test_a_value_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("from-a-file\n", encoding="utf-8")

    settings = load_settings({"GITHUB_TOKEN_FILE": str(file), "LOOMIO_API_KEY_FENNEL_WORKS_FILE": str(file)})

    assert settings.text("GITHUB_TOKEN") == "from-a-file"
    assert settings.for_organisation("LOOMIO_API_KEY", "fennel-works") == "from-a-file"
    assert settings.for_organisation("LOOMIO_API_KEY", "other") is None


def test_a_value_and_its_file_are_not_both_set(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(HIDDEN, encoding="utf-8")

    assert problems(GITHUB_TOKEN="a", GITHUB_TOKEN_FILE=str(file)) == (
        "GITHUB_TOKEN and GITHUB_TOKEN_FILE are both set: keep one",
    )
    assert problems(GITHUB_TOKEN_FENNEL="a", GITHUB_TOKEN_FENNEL_FILE=str(file)) == (
        "GITHUB_TOKEN_FENNEL and GITHUB_TOKEN_FENNEL_FILE are both set: keep one",
    )


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    missing, binary = tmp_path / "missing", tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\x00")

    assert problems(GITHUB_TOKEN_FILE=str(missing), LOOMIO_API_KEY_FILE=str(binary)) == (
        f"GITHUB_TOKEN_FILE: cannot read {missing} (FileNotFoundError)",
        f"LOOMIO_API_KEY_FILE: cannot read {binary} (UnicodeDecodeError)",
    )


# -- organisations -----------------------------------------------------------------------------------------------------


def test_an_organisations_own_value_wins_over_the_general_one() -> None:
    settings = load_settings({"LOOMIO_API_KEY": "general", "LOOMIO_API_KEY_FENNEL_WORKS": "own"})

    assert settings.for_organisation("LOOMIO_API_KEY", "fennel-works") == "own"
    assert settings.for_organisation("LOOMIO_API_KEY", "other") == "general"
    assert settings.for_organisation("LOOMIO_WEBHOOK_TOKEN", "fennel-works") is None
    assert env_slug("fennel-works") == "FENNEL_WORKS"


@pytest.mark.parametrize(
    "environ",
    [
        {"GITHUB_TOKEN": "a"},
        {"LOOMIO_API_KEY": "a"},
        {"GITHUB_APP_ID": "1", "GITHUB_APP_PRIVATE_KEY": "a"},
        {"LOOMIO_API_KEY_FENNEL": "a"},
    ],
)
def test_any_credential_means_that_this_is_not_the_sandbox(environ: dict[str, str]) -> None:
    assert load_settings(environ).has_credentials()


def test_the_secret_of_a_webhook_alone_reaches_nobody() -> None:
    assert not load_settings({"GOALS_WEBHOOK_SECRET_FENNEL": "a", "GITHUB_WEBHOOK_SECRETS": "b"}).has_credentials()


# -- secrets -----------------------------------------------------------------------------------------------------------


def everything_secret() -> Settings:
    environ = {one.name: HIDDEN for one in SETTINGS if one.secret and one.name != "DATABASE_URL"}
    environ |= {f"{one.name}_FENNEL": HIDDEN for one in SETTINGS if one.per_organisation}
    environ |= {"GITHUB_APP_ID": "12", "TRELLIS_PUBLIC_URL": "https://trellis.fennel.example"}
    environ |= {"TRELLIS_HEARTBEAT_URL": f"https://heartbeat.example/{HIDDEN}"}
    return load_settings(environ | {"SMTP_URL": f"smtp://trellis:{HIDDEN}@mail.fennel.example"})


def test_a_secret_is_never_shown() -> None:
    settings = everything_secret()

    assert HIDDEN not in repr(settings)
    assert HIDDEN not in f"{settings}"
    assert HIDDEN not in f"{settings.mail_server()}"
    assert "'GITHUB_APP_ID': '12'" in repr(settings), "what is no secret is shown"


def test_the_password_of_the_database_is_never_shown() -> None:
    settings = load_settings({"DATABASE_URL": f"postgresql://trellis:{HIDDEN}@localhost/trellis"})

    assert HIDDEN not in repr(settings)


def test_the_password_of_a_database_that_cannot_be_used_is_never_shown() -> None:
    [problem] = problems(DATABASE_URL=f"mysql://trellis:{HIDDEN}@localhost/trellis")

    assert problem.startswith("DATABASE_URL:")
    assert HIDDEN not in problem


# -- the pattern to copy -----------------------------------------------------------------------------------------------


def documented() -> dict[str, str]:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    return dict(re.findall(r"^#?([A-Z][A-Z0-9_]*)=(.*)$", text, re.MULTILINE))


def test_every_setting_is_in_the_example_and_nothing_else_is() -> None:
    assert sorted(documented()) == sorted(one.name for one in SETTINGS)


def test_the_example_can_be_used_as_it_stands_and_shows_the_defaults() -> None:
    assert load_settings(documented()) == load_settings({})


def test_the_example_says_which_settings_an_organisation_may_have_of_its_own() -> None:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    paragraphs = text.split("\n\n")
    marked = {
        name for part in paragraphs if "(per organisation)" in part for name in documented() if f"\n#{name}=" in part
    }

    assert {one.name for one in SETTINGS if one.per_organisation} <= marked
