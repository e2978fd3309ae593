"""Signed links: read back whole, and only by whoever holds the key, for the purpose they were made for, for a while."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta

import pytest
from itsdangerous import TimestampSigner, URLSafeSerializer, URLSafeTimedSerializer

from config.links import CHOICES_DAYS, STOP_DAYS, Links, Named

SECRET = "an-invented-secret-of-at-least-32-letters"
ADDRESS = "https://trellis.fennel.example"
ADA = Named(slug="fennel-works", person_id=1, effect_key="nudge:fennel-works:ada:2027-03-02")
NOW = datetime(2027, 3, 2, 10, tzinfo=UTC)


class ClockOfSigners:
    """The only clock itsdangerous has: whole seconds since 1970."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = NOW
        monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda _: int(self.now.timestamp()))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> ClockOfSigners:
    return ClockOfSigners(monkeypatch)


def links(secret: str | None = SECRET, address: str | None = ADDRESS) -> Links:
    return Links(address, secret)


def choices_token(named: Named = ADA) -> str:
    return str(links().choices_url(named)).removeprefix(f"{ADDRESS}/choices/")


def stop_token(named: Named = ADA) -> str:
    return str(links().stop_url(named)).removeprefix(f"{ADDRESS}/stop/")


def test_what_goes_into_a_link_comes_out_of_it(clock: ClockOfSigners) -> None:
    assert links().read_choices(choices_token()) == ADA
    assert links().read_stop(stop_token()) == ADA


def test_a_link_to_everything_open_names_no_message(clock: ClockOfSigners) -> None:
    everything = Named(slug="fennel-works", person_id=2, effect_key="")

    assert links().read_choices(choices_token(everything)) == everything


def test_a_link_fits_into_a_letter_and_a_path(clock: ClockOfSigners) -> None:
    """RFC 8058 wants it in a header, which our mail adapter keeps below 900 characters; a `/` or `?` would end it."""
    longest = Named(slug="f" * 59, person_id=2**40, effect_key=f"observed:nudge:{'f' * 59}:{'a' * 59}:2027-03-02:mail")

    for token in (choices_token(longest), stop_token(longest), choices_token(), stop_token()):
        assert len(token) < 500
        assert set("/?#% \n") & set(token) == set()


def test_another_process_with_the_same_key_reads_it(clock: ClockOfSigners) -> None:
    assert Links("https://elsewhere.example", SECRET).read_choices(choices_token()) == ADA


@pytest.mark.parametrize("secret", ["another-invented-secret-of-32-letters-or-more", SECRET.upper(), SECRET[:-1]])
def test_a_link_signed_with_another_key_is_not_read(clock: ClockOfSigners, secret: str) -> None:
    assert links(secret).read_choices(choices_token()) is None
    assert links(secret).read_stop(stop_token()) is None


def test_a_link_serves_only_the_purpose_it_was_made_for(clock: ClockOfSigners) -> None:
    """Else the address on which one looks would switch everything off, and the other way round."""
    assert links().read_stop(choices_token()) is None
    assert links().read_choices(stop_token()) is None


@pytest.mark.parametrize("salt", ["itsdangerous", "cookie-session", "", "trellis"])
def test_what_flask_or_anybody_else_signs_with_the_same_key_is_not_a_link(clock: ClockOfSigners, salt: str) -> None:
    forged = URLSafeTimedSerializer(SECRET, salt=salt).dumps(["fennel-works", 1, ""])

    assert links().read_choices(str(forged)) is None
    assert links().read_stop(str(forged)) is None


def test_a_signature_without_its_date_is_not_a_link() -> None:
    """It would never end."""
    for salt in ("trellis.choices", "trellis.stop"):
        endless = str(URLSafeSerializer(SECRET, salt=salt).dumps(["fennel-works", 1, ""]))
        assert links().read_choices(endless) is None
        assert links().read_stop(endless) is None


def test_whom_a_link_names_cannot_be_changed(clock: ClockOfSigners) -> None:
    mine = Named(slug="fennel-works", person_id=1, effect_key="")  # short enough to be signed as it is
    payload, rest = choices_token(mine).split(".", 1)
    assert json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4))) == ["fennel-works", 1, ""]

    other = urlsafe_b64encode(json.dumps(["fennel-works", 2, ""]).encode()).decode().rstrip("=")

    assert links().read_choices(f"{other}.{rest}") is None


def test_every_single_letter_of_a_link_counts(clock: ClockOfSigners) -> None:
    token = choices_token()
    for at, letter in enumerate(token):
        if at == len(token) - 1:
            continue  # the last letter of a signature carries bits that base64 leaves unused
        changed = token[:at] + ("A" if letter != "A" else "B") + token[at + 1 :]
        assert links().read_choices(changed) is None, f"letter {at} may be changed"


@pytest.mark.parametrize("token", ["", ".", "..", "a", "a.b.c", "%00", "é", "\x00", "null", "." * 5_000, "A" * 100_000])
def test_nonsense_is_not_a_link(token: str) -> None:
    assert links().read_choices(token) is None
    assert links().read_stop(token) is None


OTHER_SHAPES: list[object] = [
    None,
    5,
    {},
    [],
    ["fennel-works"],
    ["f", "x", ""],
    ["f", None, ""],
    ["f", 1, "", 2],
    ["f", True, ""],
]
NO_DATABASE_TAKES: list[object] = [
    ["f", 2**31, ""],
    ["f", 0, ""],
    ["f", -1, ""],
    ["f", 1e400, ""],
    ["f", 1, "\0"],
    [None, 1, ""],
]


@pytest.mark.parametrize("said", [*OTHER_SHAPES, *NO_DATABASE_TAKES])
def test_what_is_signed_and_has_another_shape_is_not_a_link(clock: ClockOfSigners, said: object) -> None:
    """An older or a later version of ours may have signed it; nobody should meet an error page for that."""
    token = str(URLSafeTimedSerializer(SECRET, salt="trellis.choices").dumps(said))

    assert links().read_choices(token) is None


# -- time --------------------------------------------------------------------------------------------------------------


def test_a_link_to_the_choices_ends_after_four_months(clock: ClockOfSigners) -> None:
    token = choices_token()

    clock.now = NOW + timedelta(days=CHOICES_DAYS)
    assert links().read_choices(token) == ADA
    clock.now += timedelta(seconds=1)
    assert links().read_choices(token) is None


def test_the_button_of_an_old_letter_works_for_more_than_a_year(clock: ClockOfSigners) -> None:
    token = stop_token()

    clock.now = NOW + timedelta(days=STOP_DAYS)
    assert links().read_stop(token) == ADA
    clock.now += timedelta(seconds=1)
    assert links().read_stop(token) is None
    assert (CHOICES_DAYS, STOP_DAYS) == (120, 400)


def test_a_clock_that_was_set_back_gives_no_link_a_longer_life(clock: ClockOfSigners) -> None:
    """A link from the future cannot be ours, or our clock is wrong; it is refused either way until its day comes."""
    token = choices_token()

    clock.now = NOW - timedelta(days=1)
    assert links().read_choices(token) is None
    clock.now = NOW
    assert links().read_choices(token) == ADA


# -- without links -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("address", "secret"), [(None, None), (ADDRESS, None), (None, SECRET)])
def test_without_an_address_and_a_key_there_are_no_links(address: str | None, secret: str | None) -> None:
    assert Links(address, secret).choices_url(ADA) is None
    assert Links(address, secret).stop_url(ADA) is None


def test_without_a_key_nothing_is_read() -> None:
    assert Links(ADDRESS, None).read_choices(choices_token()) is None
    assert Links(ADDRESS, None).read_stop(stop_token()) is None


def test_two_letters_have_two_links(clock: ClockOfSigners) -> None:
    other = Named(slug="fennel-works", person_id=1, effect_key="nudge:fennel-works:ada:2027-03-16")

    assert choices_token() != choices_token(other)
    assert choices_token() != stop_token()
