"""One TOML file per organisation: read whole or refused with file, table, key and a suggestion."""

import tomllib
from dataclasses import replace
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from config.errors import ConfigError
from config.holidays import PublicHolidays
from config.messages import FOLDER
from config.policy import PROFILES, load_policies, load_policy, load_profile, over_profile, profiles
from domain.policy import (
    CapsPolicy,
    Channel,
    ChannelsPolicy,
    CriticalPeriod,
    GitHubPolicy,
    LoomioPolicy,
    Mode,
    ObjectivesPolicy,
    OrganisationPolicy,
    Policy,
    TicketPolicy,
    VoteRule,
    Weekday,
    YearRule,
)
from domain.rhythms import (
    Audience,
    Clock,
    Entitlement,
    Interval,
    Need,
    Role,
    Side,
    Start,
    TeamPart,
    Way,
    Window,
    Windows,
)

EXAMPLE = (Path(__file__).parent.parent / "config" / "organisations" / "example.toml").read_text(encoding="utf-8")
LEAST = '[organisation]\nname = "Fennel"\nzone = "Europe/Lisbon"\n[github]\nrepository = "fennel-works/learning"\n'
TWO_WEEKLY = '[rhythms.two-weekly]\nkind = "interval"\nanchor_on = 2027-01-05\nevery_days = 14\n'


def a_file(folder: Path, text: str, name: str = "fennel.toml") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def changed(said: str, instead: str) -> str:
    """The example with one passage changed; it has to be there, so that no test tests nothing."""
    assert EXAMPLE.count(said) == 1, said
    return EXAMPLE.replace(said, instead)


def problems(folder: Path, text: str, name: str = "fennel.toml") -> tuple[str, ...]:
    with pytest.raises(ConfigError) as refused:
        load_policy(a_file(folder, text, name))
    return refused.value.problems


# -- what is read ------------------------------------------------------------------------------------------------------


def test_the_example_is_no_organisation_until_it_is_copied(tmp_path: Path) -> None:
    a_file(tmp_path, EXAMPLE, "example.toml")
    assert load_policies(tmp_path) == {}

    a_file(tmp_path, EXAMPLE, "fennel-works.toml")
    found = load_policies(tmp_path)["fennel-works"]

    assert found == Policy(
        slug="fennel-works",
        organisation=OrganisationPolicy(
            name="Fennel Works",
            mode=Mode.OBSERVE,
            zone=ZoneInfo("Europe/Lisbon"),
            locale="en",
            working_days=(Weekday.MON, Weekday.TUE, Weekday.WED, Weekday.THU, Weekday.FRI),
            hours_from=time(9),
            hours_until=time(17),
            nudge_at=time(10),
            holidays=(date(2027, 12, 24),),
            holidays_of="PT",
            milestones={"goals_set_on": (date(2027, 9, 10),), "budget_final_on": (date(2027, 11, 12),)},
            fallback_contact="",
            year_starts_month=1,
            year_starts_day=1,
            critical_periods=(
                CriticalPeriod(name="the annual meeting", first_on=date(2027, 5, 10), last_on=date(2027, 5, 14)),
            ),
        ),
        github=GitHubPolicy(repository="fennel-works/learning", objective_label="ILO", ticket_label="golden-ticket"),
        loomio=LoomioPolicy(
            address="https://loomio.example.org",
            group_id=7,
            options=("agree", "abstain", "disagree", "block"),
            days_open=7,
            rule=VoteRule.CONSENT,
            majority_percent=50,
            quorum_percent=None,
            look_every_minutes=10,
            least_seconds_between_looks=60,
        ),
        objectives=ObjectivesPolicy(grace_days=14),
        ticket=TicketPolicy(year=YearRule.CALENDAR, money_threshold=Decimal(0), currency="EUR", ask=("Cy Okafor",)),
        caps=CapsPolicy(per_week=1, quiet_days=90, settle_after_days=10, settle_days=7),
        channels=ChannelsPolicy(
            order=(Channel.GITHUB, Channel.MAIL),
            sender="Trellis <trellis@fennel-works.example>",
            reply_to="",
            team_chat=False,
            report_to="cy@fennel-works.example",
        ),
        rhythms=found.rhythms,
    )
    assert list(found.rhythms) == list(load_profile("2i2c")["rhythms"])
    assert found.rhythms["two-weekly"] == Interval(
        rows=(22, 23, 26),
        anchor_on=date(2027, 1, 5),
        every_days=14,
        open_days=5,
        tells=(Side.MEMBER,),
        needs=(Need.OBJECTIVE,),
        done_by=(Way.WROTE,),
        fades=True,
    )
    assert not found.rhythms["weekly"].on


def test_every_key_of_the_example_says_what_holds_anyway_or_is_invented(tmp_path: Path) -> None:
    """So that whoever copies it may take any line out; what is invented has to be theirs."""
    said, defaults = (
        tomllib.loads(EXAMPLE),
        Policy(
            slug="x",
            organisation=OrganisationPolicy(name="x", zone=ZoneInfo("UTC")),
            github=GitHubPolicy(repository="x/x"),
        ),
    )
    caps = defaults.caps

    assert said["caps"] == {name: getattr(caps, name) for name in said["caps"]}
    assert said["objectives"] == {"grace_days": defaults.objectives.grace_days}
    assert set(said["organisation"]) == set(vars(defaults.organisation))
    assert set(said["channels"]) == set(vars(defaults.channels))


def test_the_example_observes_until_somebody_decides_otherwise(tmp_path: Path) -> None:
    assert load_policy(a_file(tmp_path, LEAST)).organisation.mode is Mode.OBSERVE


def test_little_is_needed_and_the_rest_has_defaults(tmp_path: Path) -> None:
    assert load_policy(a_file(tmp_path, LEAST)) == Policy(
        slug="fennel",
        organisation=OrganisationPolicy(name="Fennel", zone=ZoneInfo("Europe/Lisbon")),
        github=GitHubPolicy(repository="fennel-works/learning"),
    )


def test_a_threshold_keeps_its_cents(tmp_path: Path) -> None:
    policy = load_policy(a_file(tmp_path, changed("money_threshold = 0 ", "money_threshold = 99.90 ")))

    assert policy.ticket.money_threshold == Decimal("99.90")


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "instead", "problem"),
    [
        ("days_open = 7", "day_open = 7", "loomio.day_open: not a key of this table; did you mean days_open?"),
        ("[caps]", "[cap]", "cap: not a key of this table; did you mean caps?"),
        ("every_days", "evry_days", "rhythms.two-weekly.evry_days: not a key of this table; did you mean every_days?"),
        ("team_chat", "teamchat", "channels.teamchat: not a key of this table; did you mean team_chat?"),
        ("holidays_of", "holiday_of", "organisation.holiday_of: not a key of this table; did you mean holidays_of?"),
        (
            'profile = "2i2c"',
            'profile = "2i2c"\npublic_holidays = 1',
            "public_holidays: not a key of this table; known here: organisation, github, loomio, objectives, ticket, "
            "caps, channels, opportunities, rhythms",
        ),
        (
            'name = "the annual meeting"',
            'name = "x"\nwhy = "y"',
            "organisation.critical_periods[0].why: not a key of this table; known here: name, first_on, last_on",
        ),
        (
            "[caps]",
            "[caps]\nslug = 1",
            "caps.slug: not a key of this table; known here: per_week, quiet_days, settle_after_days, settle_days",
        ),
    ],
)
def test_an_unknown_key_is_refused_with_its_place_and_a_suggestion(
    tmp_path: Path, said: str, instead: str, problem: str
) -> None:
    assert problems(tmp_path, changed(said, instead)) == (f"fennel.toml: {problem}",)


@pytest.mark.parametrize(
    ("said", "instead", "problem"),
    [
        ("per_week = 1", 'per_week = "1"', "caps.per_week: '1' is not a whole number"),
        ("per_week = 1", "per_week = true", "caps.per_week: True is not a whole number"),
        ("per_week = 1", "per_week = 1.5", "caps.per_week: 1.5 is not a whole number"),
        ("on = false", "on = 0", "rhythms.weekly.on: 0 is not true or false"),
        ('name = "Fennel Works"', "name = 5", "organisation.name: 5 is not text in quotes"),
        (
            "anchor_on = 2027-01-05",
            'anchor_on = "2027-01-05"',
            "rhythms.two-weekly.anchor_on: '2027-01-05' is not a date such as 2027-03-01 (no quotes)",
        ),
        (
            "hours_from = 09:00:00",
            'hours_from = "09:00"',
            "organisation.hours_from: '09:00' is not a time such as 09:30:00 (no quotes)",
        ),
        ("money_threshold = 0", 'money_threshold = "0"', "ticket.money_threshold: '0' is not a number"),
        ("money_threshold = 0", "money_threshold = false", "ticket.money_threshold: False is not a number"),
        (
            '["mon", "tue", "wed"',
            '["mon", "tues", "wed"',
            "organisation.working_days[1]: 'tues' is not known here; did you mean 'tue'?",
        ),
        (
            '["mon", "tue", "wed"',
            '["mon", 2, "wed"',
            "organisation.working_days[1]: 2 is not known here; one of: mon, tue, wed, thu, fri, sat, sun",
        ),
        (
            'mode = "observe"  ',
            'mode = "obsrve"  ',
            "organisation.mode: 'obsrve' is not known here; did you mean 'observe'?",
        ),
        (
            'year = "calendar"',
            'year = "moon"',
            "ticket.year: 'moon' is not known here; one of: calendar, fiscal, joined",
        ),
        (
            'zone = "Europe/Lisbon"',
            'zone = "Europe/Lisboa"',
            "organisation.zone: 'Europe/Lisboa' is not a time zone such as 'Europe/Lisbon'",
        ),
        (
            'zone = "Europe/Lisbon"',
            'zone = "../../etc/passwd"',
            "organisation.zone: '../../etc/passwd' is not a time zone such as 'Europe/Lisbon'",
        ),
        ('repository = "fennel-works/learning"', "", "github.repository: is needed"),
        ("first_on = 2027-05-10", "", "organisation.critical_periods[0].first_on: is needed"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_with_its_place(
    tmp_path: Path, said: str, instead: str, problem: str
) -> None:
    assert problems(tmp_path, changed(said, instead)) == (f"fennel.toml: {problem}",)


@pytest.mark.parametrize(
    ("said", "instead", "place"),
    [
        ('ask = ["Cy Okafor"]', 'ask = "Cy Okafor"', "ticket.ask"),
        ('options = ["agree", "abstain", "disagree", "block"]', 'options = "agree"', "loomio.options"),
        ('["mon", "tue", "wed", "thu", "fri"]', '"mon"', "organisation.working_days"),
        ("holidays = [2027-12-24]", "holidays = 2027-12-24", "organisation.holidays"),
        ("goals_set_on = [2027-09-10]", "goals_set_on = 2027-09-10", "organisation.milestones.goals_set_on"),
        ('order = ["github", "mail"]', 'order = "github"', "channels.order"),
    ],
)
def test_one_value_where_a_list_belongs_is_refused_and_not_taken_apart(
    tmp_path: Path, said: str, instead: str, place: str
) -> None:
    found = problems(tmp_path, changed(said, instead))

    assert len(found) == 1
    assert found[0].startswith(f"fennel.toml: {place}: ")


@pytest.mark.parametrize(
    ("said", "instead", "problem"),
    [
        (
            'locale = "en"',
            'locale = "pt-BR"',
            "organisation.locale: 'pt-BR' is not a language such as de, en, es, fr, pt_BR",
        ),
        (
            "hours_until = 17:00:00",
            "hours_until = 09:00:00",
            "organisation.hours_from: comes after hours_until; nobody could ever be written to",
        ),
        (
            "last_on = 2027-05-14",
            "last_on = 2027-05-09",
            "organisation.critical_periods: 'the annual meeting' ends before it begins",
        ),
        ("every_days = 14", "every_days = 0", "rhythms.two-weekly.every_days: at least 1 day"),
        ("grace_days = 14 ", "grace_days = -1 ", "objectives.grace_days: 0 or more days"),
        ("quiet_days = 90 ", "quiet_days = -1 ", "caps.quiet_days: 0 or more days"),
        ("settle_after_days = 10 ", "settle_after_days = -1 ", "caps.settle_after_days: 0 or more days"),
        ("settle_days = 7 ", "settle_days = -1 ", "caps.settle_days: 0 or more days"),
        (
            "per_week = 1 ",
            "per_week = 8 ",
            "caps.per_week: from 0 to 7, for there is one message a day at most; 0 means that nothing is sent",
        ),
        (
            'holidays_of = "PT"',
            'holidays_of = "Portugal"',
            "organisation.holidays_of: 'Portugal' is not a country or region with known holidays, such as PT or DE-BE",
        ),
        ('order = ["github", "mail"]', "order = []", "channels.order: each way once, and at least one"),
        ('order = ["github", "mail"]', 'order = ["mail", "mail"]', "channels.order: each way once, and at least one"),
        (
            'sender = "Trellis <trellis@fennel-works.example>"',
            'sender = "Trellis"',
            "channels.sender: 'Trellis' is not an address such as 'Trellis <trellis@example.org>'",
        ),
        (
            'reply_to = ""',
            'reply_to = "nobody"',
            "channels.reply_to: 'nobody' is not an address such as 'Trellis <trellis@example.org>'",
        ),
        (
            'report_to = "cy@fennel-works.example"',
            'report_to = "Cy Okafor"',
            "channels.report_to: 'Cy Okafor' is not an address such as 'Trellis <trellis@example.org>'",
        ),
        ("days_open = 7", "days_open = 0", "loomio.days_open: at least 1 day"),
        ("[github]\n", "[github]\nwrites_per_hour = 0\n", "github.writes_per_hour: at least 1, or leave it out"),
        (
            '["agree", "abstain", "disagree", "block"]',
            '["agree", "agree"]',
            "loomio.options: at least two different options",
        ),
        (
            "# quorum_percent = 50 ",
            "quorum_percent = 0 #",
            "loomio.quorum_percent: between 1 and 100, or leave it out for no quorum",
        ),
        (
            "# quorum_percent = 50 ",
            "quorum_percent = 101 #",
            "loomio.quorum_percent: between 1 and 100, or leave it out for no quorum",
        ),
    ],
)
def test_values_that_make_no_sense_together_are_refused(tmp_path: Path, said: str, instead: str, problem: str) -> None:
    assert problems(tmp_path, changed(said, instead)) == (f"fennel.toml: {problem}",)


@pytest.mark.parametrize(
    ("said", "instead", "place"),
    [
        ("year_starts_month = 1 ", "year_starts_month = 13 ", "organisation.year_starts"),
        ("year_starts_day = 1", "year_starts_day = 32", "organisation.year_starts"),
        ("look_every_minutes = 10", "look_every_minutes = 0", "loomio.look_every_minutes"),
        ("majority_percent = 50 ", "majority_percent = 100 ", "loomio.majority_percent"),
        ("money_threshold = 0 ", "money_threshold = -1 ", "ticket.money_threshold"),
        ("per_week = 1 ", "per_week = -1 ", "caps.per_week"),
    ],
    ids=lambda value: str(value).strip() if " = " in value else "",
)
def test_a_number_that_can_never_work_is_refused(tmp_path: Path, said: str, instead: str, place: str) -> None:
    found = problems(tmp_path, changed(said, instead))

    assert len(found) == 1
    assert found[0].startswith(f"fennel.toml: {place}")


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ('order = ["github", "email"]', "channels.order[1]: 'email' is not known here; did you mean 'mail'?"),
        ('order = ["chat"]', "channels.order[0]: 'chat' is not known here; one of: github, mail, page"),
    ],
)
def test_a_way_that_does_not_exist_is_refused(tmp_path: Path, said: str, place: str) -> None:
    assert problems(tmp_path, changed('order = ["github", "mail"]', said)) == (f"fennel.toml: {place}",)


@pytest.mark.parametrize("address", ["http://loomio.example.org", "loomio.example.org"])
def test_loomios_key_is_never_sent_in_clear_to_another_machine(tmp_path: Path, address: str) -> None:
    [problem] = problems(tmp_path, changed("https://loomio.example.org", address))

    assert problem.startswith("fennel.toml: loomio.address: ")


@pytest.mark.parametrize("name", ["Fennel Works.toml", "fennel>.toml"])
def test_a_file_name_that_is_no_slug_is_refused(tmp_path: Path, name: str) -> None:
    """The slug stands in every key: with a blank or `>` in it, the hidden marker is not found again."""
    found = problems(tmp_path, EXAMPLE, name)

    assert len(found) == 1
    assert found[0].startswith(f"{name}: ")


def test_two_organisations_never_share_the_name_of_their_secrets(tmp_path: Path) -> None:
    """GITHUB_TOKEN_FENNEL_WORKS would be the token of both."""
    a_file(tmp_path, LEAST, "fennel-works.toml")
    a_file(tmp_path, LEAST.replace("fennel-works", "other"), "fennel_works.toml")

    with pytest.raises(ConfigError) as refused:
        load_policies(tmp_path)
    assert len(refused.value.problems) == 1
    assert refused.value.problems[0].startswith("fennel_works.toml: ")


def test_all_problems_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    a_file(tmp_path, changed("days_open = 7", "day_open = 7").replace("per_week = 1", "per_week = true"), "one.toml")
    a_file(tmp_path, "slug = 'x'\n" + EXAMPLE, "three.toml")
    a_file(tmp_path, "organisation = = 5", "two.toml")
    a_file(tmp_path, "", "zero.toml")

    with pytest.raises(ConfigError) as refused:
        load_policies(tmp_path)

    assert refused.value.problems == (
        "one.toml: loomio.day_open: not a key of this table; did you mean days_open?",
        "one.toml: caps.per_week: True is not a whole number",
        "three.toml: slug: the file's name is the slug; take this key out",
        "two.toml: not TOML: Invalid value (at line 1, column 16)",
        "zero.toml: organisation: is needed",
        "zero.toml: github: is needed",
    )


def test_a_file_that_is_not_text_is_told(tmp_path: Path) -> None:
    file = tmp_path / "fennel.toml"
    file.write_bytes(b"\xff\xfe")

    with pytest.raises(ConfigError) as refused:
        load_policy(file)
    assert refused.value.problems == ("fennel.toml: cannot be read (UnicodeDecodeError)",)


def test_two_organisations_never_share_a_repository(tmp_path: Path) -> None:
    a_file(tmp_path, LEAST, "ash.toml")
    a_file(tmp_path, LEAST.replace("fennel-works", "Fennel-Works"), "bay.toml")
    a_file(tmp_path, LEAST.replace("fennel-works", "other"), "cress.toml")

    with pytest.raises(ConfigError) as refused:
        load_policies(tmp_path)
    assert refused.value.problems == ("bay.toml: github.repository: Fennel-Works/learning belongs to ash.toml already",)


def test_each_organisation_has_its_own_policy(tmp_path: Path) -> None:
    a_file(tmp_path, LEAST, "ash.toml")
    a_file(tmp_path, LEAST.replace("fennel-works", "other"), "bay.toml")
    (tmp_path / "notes.md").write_text("not a policy", encoding="utf-8")

    found = load_policies(tmp_path)

    assert list(found) == ["ash", "bay"]
    assert found["bay"] == replace(found["ash"], slug="bay", github=GitHubPolicy(repository="other/learning"))


def test_two_organisations_never_share_a_loomio_group(tmp_path: Path) -> None:
    """GT-0001 of one would be found as GT-0001 of the other."""
    a_file(tmp_path, EXAMPLE, "fennel.toml")
    a_file(tmp_path, EXAMPLE.replace("fennel-works/learning", "moss-farm/learning"), "moss.toml")

    with pytest.raises(ConfigError) as refused:
        load_policies(tmp_path)
    assert refused.value.problems == (
        "moss.toml: loomio.group_id: Loomio group 7 of https://loomio.example.org belongs to fennel.toml already",
    )


# -- profiles ----------------------------------------------------------------------------------------------------------


def read(folder: Path, text: str) -> Policy:
    return load_policy(a_file(folder, text))


def from_profile(folder: Path, more: str = "", profile: str = "2i2c") -> Policy:
    return read(folder, f'profile = "{profile}"\n{LEAST}{more}')


def test_there_are_five_profiles() -> None:
    assert profiles() == ["2i2c", "devsummit", "everything", "loomio", "p2pu"]


@pytest.mark.parametrize("name", profiles())
def test_a_profile_is_enough_together_with_a_name_a_zone_and_a_repository(tmp_path: Path, name: str) -> None:
    policy = from_profile(tmp_path, profile=name)

    assert policy.organisation == OrganisationPolicy(name="Fennel", zone=ZoneInfo("Europe/Lisbon"))
    assert list(policy.rhythms) == list(load_profile(name)["rhythms"])
    assert policy.caps.per_week == 1


def test_the_files_own_keys_win_over_the_profile_one_by_one(tmp_path: Path) -> None:
    before = from_profile(tmp_path)
    more = (
        '[caps]\nquiet_days = 30\n[channels]\nsender = "t@fennel.example"\n'
        "[rhythms.two-weekly]\nevery_days = 21\n[rhythms.weekly]\non = true\n"
    )
    after = from_profile(tmp_path, more)

    two_weekly, weekly = before.rhythms["two-weekly"], before.rhythms["weekly"]
    assert isinstance(two_weekly, Interval)
    assert after == replace(
        before,
        caps=replace(before.caps, quiet_days=30),
        channels=replace(before.channels, sender="t@fennel.example"),
        rhythms={
            **before.rhythms,
            "two-weekly": replace(two_weekly, every_days=21),
            "weekly": replace(weekly, on=True),
        },
    )
    assert list(after.rhythms) == list(before.rhythms), "and everything keeps its place"


def test_a_list_of_the_file_replaces_the_profiles_and_does_not_grow_it(tmp_path: Path) -> None:
    more = (
        '[channels]\norder = ["page"]\n[rhythms.big-picture]\nwindows = [{ opens = "05-01", closes = "05-31" }]\n'
        "again_after_days = []\npartners = []\n"
    )
    policy = from_profile(tmp_path, more)
    big_picture = policy.rhythms["big-picture"]

    assert policy.channels.order == (Channel.PAGE,)
    assert isinstance(big_picture, Windows)
    assert big_picture.windows == (Window(opens="05-01", closes="05-31"),)
    assert (big_picture.again_after_days, big_picture.partners) == ((), ())
    assert big_picture.private, "what is not said stays the profile's"


def test_saying_the_kind_again_changes_nothing(tmp_path: Path) -> None:
    more = '[rhythms.two-weekly]\nkind = "interval"\nopen_days = 6\n'
    policy = from_profile(tmp_path, more)

    two_weekly = policy.rhythms["two-weekly"]
    assert isinstance(two_weekly, Interval)
    assert (two_weekly.open_days, two_weekly.every_days, two_weekly.fades) == (6, 14, True)


def test_another_kind_replaces_the_profiles_rhythm_whole(tmp_path: Path) -> None:
    """Its keys would mean nothing there, or something else."""
    more = '[rhythms.big-picture]\nkind = "clock"\nsince = "joined"\nafter_months = [6]\nrepeat_months = 12\n'
    policy = from_profile(tmp_path, more)

    assert policy.rhythms["big-picture"] == Clock(since=Start.JOINED, after_months=(6,), repeat_months=12)


def test_a_rhythm_the_profile_has_not_is_added_behind_its_own(tmp_path: Path) -> None:
    more = '[rhythms.ticket-renewal]\nkind = "entitlement"\n'
    policy = from_profile(tmp_path, more)

    assert list(policy.rhythms)[-1] == "ticket-renewal"
    assert policy.rhythms["ticket-renewal"] == Entitlement()


def test_a_profile_is_never_changed_by_the_file_that_starts_from_it(tmp_path: Path) -> None:
    """It is read afresh and laid under; two organisations may start from it."""
    for slug, days in (("ash", 7), ("bay", 28)):
        text = f'profile = "2i2c"\n{LEAST.replace("fennel-works", slug)}[rhythms.two-weekly]\nevery_days = {days}\n'
        a_file(tmp_path, text, f"{slug}.toml")

    found = load_policies(tmp_path)

    assert [vars(found[slug].rhythms["two-weekly"])["every_days"] for slug in ("ash", "bay")] == [7, 28]
    assert load_profile("2i2c")["rhythms"]["two-weekly"]["every_days"] == 14


def test_an_unknown_profile_is_refused_with_the_nearest(tmp_path: Path) -> None:
    assert problems(tmp_path, f'profile = "2ic2"\n{LEAST}') == (
        "fennel.toml: profile: '2ic2' is not known here; did you mean '2i2c'?",
    )
    assert problems(tmp_path, f'profile = "acme"\n{LEAST}') == (
        "fennel.toml: profile: 'acme' is not known here; one of: 2i2c, devsummit, everything, loomio, p2pu",
    )


@pytest.mark.parametrize("said", ["5", "true", '["2i2c"]', '""', '"../profiles/2i2c"', "2027-01-05"])
def test_a_profile_is_a_name(tmp_path: Path, said: str) -> None:
    [problem] = problems(tmp_path, f"profile = {said}\n{LEAST}")

    assert problem.startswith("fennel.toml: profile: ")


def test_a_profile_takes_nothing_that_an_organisation_decides() -> None:
    for name in profiles():
        said = tomllib.loads((PROFILES / f"{name}.toml").read_text(encoding="utf-8"))
        assert set(said) <= {"caps", "objectives", "channels", "ticket", "rhythms"}, name


def test_laying_over_gives_back_what_is_said_without_a_profile() -> None:
    said: dict[str, Any] = {"organisation": {"name": "x"}}

    assert over_profile(said) == said
    assert over_profile(said) is not said


# -- what a rhythm may say ---------------------------------------------------------------------------------------------


def test_every_key_of_every_kind_is_read(tmp_path: Path) -> None:
    text = (
        LEAST
        + """
[organisation.milestones]
goals_set_on = [2027-09-10, 2028-09-08]

[rhythms.look-ahead]
kind = "windows"
rows = [8, 9]
on = false
who = "well-working"
partners = ["manager", "trusted"]
tells = ["member"]
private = true
choice = "career-talk"
needs = ["no objective", "unused ticket"]
done_by = ["spoke", "wrote"]
again_after_days = [10, 20]
team = "thread"
mention_days_before_close = 7
windows = [{ opens = "11-15", closes = "01-15" }, { opens = "02-29", closes = "03-01" }]
not_before = "goals_set_on"
before = "goals_set_on"

[rhythms.trusted-check-in]
kind = "interval"
anchor_on = 2027-01-19
every_months = 2
open_days = 0
fades = true

[rhythms.comfort-zone]
kind = "clock"
since = "held"
after = "trusted-check-in"
after_days = [-7, 0]
after_months = [0, 6]
repeat_months = 12

[rhythms.ticket-unused]
kind = "entitlement"
after_months = [0, 11]
open_days = 60
"""
    )

    assert read(tmp_path, text).rhythms == {
        "look-ahead": Windows(
            rows=(8, 9),
            on=False,
            who=Audience.WELL_WORKING,
            partners=(Role.MANAGER, Role.TRUSTED),
            tells=(Side.MEMBER,),
            private=True,
            choice="career-talk",
            needs=(Need.NO_OBJECTIVE, Need.UNUSED_TICKET),
            done_by=(Way.SPOKE, Way.WROTE),
            again_after_days=(10, 20),
            team=TeamPart.THREAD,
            mention_days_before_close=7,
            windows=(Window(opens="11-15", closes="01-15"), Window(opens="02-29", closes="03-01")),
            not_before="goals_set_on",
            before="goals_set_on",
        ),
        "trusted-check-in": Interval(anchor_on=date(2027, 1, 19), every_months=2, open_days=0, fades=True),
        "comfort-zone": Clock(
            since=Start.HELD, after="trusted-check-in", after_days=(-7, 0), after_months=(0, 6), repeat_months=12
        ),
        "ticket-unused": Entitlement(after_months=(0, 11), open_days=60),
    }


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("", "kind is needed; one of: windows, interval, clock, entitlement"),
        ('kind = "intervl"', "kind 'intervl' is not known here; did you mean 'interval'?"),
        ('kind = "cron"', "kind 'cron' is not known here; one of: windows, interval, clock, entitlement"),
        ("kind = 5", "kind 5 is not known here; one of: windows, interval, clock, entitlement"),
    ],
)
def test_a_kind_that_does_not_exist_is_refused(tmp_path: Path, said: str, problem: str) -> None:
    text = f"{LEAST}[rhythms.two-weekly]\n{said}\nanchor_on = 2027-01-05\n"

    assert problems(tmp_path, text) == (f"fennel.toml: rhythms.two-weekly: {problem}",)


def test_a_rhythm_is_a_table(tmp_path: Path) -> None:
    assert problems(tmp_path, f"{LEAST}[rhythms]\ntwo-weekly = 14\n") == (
        "fennel.toml: rhythms.two-weekly: 14 is not a table",
    )
    assert problems(tmp_path, f'profile = "2i2c"\n{LEAST}[rhythms]\ntwo-weekly = false\n') == (
        "fennel.toml: rhythms.two-weekly: False is not a table",
    )


def test_the_keys_of_one_kind_are_not_those_of_another(tmp_path: Path) -> None:
    assert problems(tmp_path, TWO_WEEKLY.replace("every_days = 14", "after_days = [14]") + LEAST) == (
        "fennel.toml: rhythms.two-weekly.after_days: not a key of this table; did you mean again_after_days?",
    )


def test_a_rhythm_without_an_anchor_is_refused(tmp_path: Path) -> None:
    assert read(tmp_path, LEAST + TWO_WEEKLY).rhythms == {
        "two-weekly": Interval(anchor_on=date(2027, 1, 5), every_days=14)
    }
    assert problems(tmp_path, LEAST + TWO_WEEKLY.replace("anchor_on", "anchor")) == (
        "fennel.toml: rhythms.two-weekly.anchor_on: is needed",
        "fennel.toml: rhythms.two-weekly.anchor: not a key of this table; did you mean anchor_on?",
    )


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ('who = "all"', "who: 'all' is not known here; one of: everybody, coordinators, well-working"),
        ('partners = ["boss"]', "partners[0]: 'boss' is not known here; one of: "),
        ('partners = ["manger"]', "partners[0]: 'manger' is not known here; did you mean 'manager'?"),
        ('tells = ["members"]', "tells[0]: 'members' is not known here; did you mean 'member'?"),
        ('needs = ["goal"]', "needs[0]: 'goal' is not known here; one of: objective, no objective, unused ticket"),
        ('done_by = ["writing"]', "done_by[0]: 'writing' is not known here; one of: wrote, spoke"),
        ('team = "chat"', "team: 'chat' is not known here; one of: thread, poll"),
        ("again_after_days = 14", "again_after_days: 14 is not a list such as [14]"),
        ('private = "yes"', "private: 'yes' is not true or false"),
        ("open_days = 2.5", "open_days: 2.5 is not a whole number"),
    ],
)
def test_a_word_of_a_rhythm_that_does_not_exist_is_refused(tmp_path: Path, said: str, problem: str) -> None:
    [found] = problems(tmp_path, f"{LEAST}{TWO_WEEKLY}{said}\n")

    assert found.startswith(f"fennel.toml: rhythms.two-weekly.{problem}")


# -- what cannot be right about a rhythm although each word is ---------------------------------------------------------

WINDOWS = '[rhythms.NAME]\nkind = "windows"\nwindows = [{ opens = "03-01", closes = "04-30" }]\n'
CLOCK = '[rhythms.NAME]\nkind = "clock"\nsince = "joined"\nafter_days = [14]\n'
ENTITLEMENT = '[rhythms.NAME]\nkind = "entitlement"\n'
INTERVAL = '[rhythms.NAME]\nkind = "interval"\nanchor_on = 2027-01-05\nevery_days = 14\n'
ASKS = ".again_after_days: at most 2 numbers of days, above zero and growing"


@pytest.mark.parametrize(
    ("name", "text", "said", "problem"),
    [
        ("two-weekly", INTERVAL, "again_after_days = [1, 2, 3]", ASKS),
        ("two-weekly", INTERVAL, "again_after_days = [0]", ASKS),
        ("two-weekly", INTERVAL, "again_after_days = [20, 10]", ASKS),
        ("two-weekly", INTERVAL, "again_after_days = [-1, 10]", ASKS),
        ("self-prep", WINDOWS, "fades = true", ".fades: only an interval fades from turn to turn"),
        ("approach", CLOCK, "fades = true", ".fades: only an interval fades from turn to turn"),
        (
            "ticket-renewal",
            ENTITLEMENT,
            'team = "thread"\ntells = []',
            ".team: there are no words for it (messages/en/thread-ticket-renewal.md)",
        ),
        (
            "self-prep",
            WINDOWS,
            "mention_days_before_close = 7",
            '.mention_days_before_close: needs team = "thread", where people speak',
        ),
        ("self-prep", WINDOWS.replace('[{ opens = "03-01", closes = "04-30" }]', "[]"), "", ".windows: at least one"),
        (
            "self-prep",
            WINDOWS.replace("03-01", "03-32"),
            "",
            ".windows[0].opens: '03-32' is not a month and day such as 03-01",
        ),
        (
            "self-prep",
            WINDOWS.replace("04-30", "April"),
            "",
            ".windows[0].closes: 'April' is not a month and day such as 03-01",
        ),
        (
            "self-prep",
            WINDOWS.replace("04-30", "02-30"),
            "",
            ".windows[0].closes: '02-30' is not a month and day such as 03-01",
        ),
        (
            "self-prep",
            WINDOWS.replace("04-30", "2027-04-30"),
            "",
            ".windows[0].closes: '2027-04-30' is not a month and day such as 03-01",
        ),
        ("two-weekly", INTERVAL.replace("every_days = 14", ""), "", ": every_days or every_months, one of the two"),
        ("two-weekly", INTERVAL, "every_months = 1", ": every_days or every_months, one of the two"),
        ("two-weekly", INTERVAL.replace("every_days = 14", "every_days = 0"), "", ".every_days: at least 1 day"),
        ("two-weekly", INTERVAL.replace("every_days = 14", "every_months = 0"), "", ".every_months: at least 1 month"),
        ("two-weekly", INTERVAL, "open_days = -1", ".open_days: 0 or more days"),
        ("approach", CLOCK, "open_days = -1", ".open_days: 0 or more days"),
        ("ticket-renewal", ENTITLEMENT, "open_days = -1", ".open_days: 0 or more days"),
        ("approach", CLOCK.replace("after_days = [14]", ""), "", ": after_days or after_months is needed"),
        ("approach", CLOCK, "after_months = [-1]", ".after_months: 0 or more months"),
        ("approach", CLOCK, "repeat_months = 12", ".repeat_months: at least 1 month, after the last of after_months"),
        (
            "approach",
            CLOCK,
            "after_months = [1]\nrepeat_months = 0",
            ".repeat_months: at least 1 month, after the last of after_months",
        ),
        ("approach", CLOCK, 'after = "approach"', '.after: only goes with since = "held"'),
        (
            "approach",
            CLOCK.replace("joined", "held"),
            "",
            ".after: '' is not a rhythm here; it names another rhythm of this policy",
        ),
        (
            "approach",
            CLOCK.replace("joined", "held"),
            'after = "aproach"',
            ".after: 'aproach' is not a rhythm here; did you mean approach?",
        ),
        (
            "ticket-renewal",
            ENTITLEMENT,
            "after_months = []",
            ".after_months: at least one, each from 0 to 11 months after the ticket year began",
        ),
        (
            "ticket-renewal",
            ENTITLEMENT,
            "after_months = [0, 12]",
            ".after_months: at least one, each from 0 to 11 months after the ticket year began",
        ),
        (
            "two-weekly",
            INTERVAL,
            'partners = ["manager"]',
            ".tells: there are no words for the partner's side (messages/en/nudge-two-weekly-partner.md)",
        ),
        (
            "two-weekly",
            INTERVAL,
            'team = "thread"',
            ".team: there are no words for it (messages/en/thread-two-weekly.md)",
        ),
        (
            "two-weekly",
            INTERVAL,
            'tells = ["coordinator"]\npartners = ["manager"]',
            ".tells: there are no words for the coordinator's side (messages/en/nudge-two-weekly-coordinator.md)",
        ),
        (
            "celebrations",
            INTERVAL,
            "",
            ".tells: there are no words for the member's side (messages/en/nudge-celebrations.md)",
        ),
        (
            "policy-poll",
            INTERVAL,
            'team = "poll"\ntells = []',
            ".team: a poll more often than every four weeks is too much to ask",
        ),
        (
            "two-weekly",
            CLOCK,
            'tells = ["member"]',
            ': its words say how often it comes (messages/en/nudge-two-weekly.md); kind = "interval"',
        ),
        (
            "two-weeky",
            INTERVAL,
            "",
            ": there are no words for it (messages/en/nudge-two-weeky.md); did you mean two-weekly?",
        ),
    ],
)
def test_a_rhythm_that_cannot_work_is_refused_in_one_sentence(
    tmp_path: Path, name: str, text: str, said: str, problem: str
) -> None:
    found = problems(tmp_path, f"{LEAST}{text.replace('NAME', name)}{said}\n")

    wanted = [f"fennel.toml: rhythms.{name}{problem}"]
    if name == "ticket-renewal" and "team" in said:
        wanted.append(
            "fennel.toml: rhythms.ticket-renewal.team: only windows and intervals open something for the whole team"
        )
    assert sorted(found) == sorted(wanted)


def test_a_rhythm_that_trellis_has_no_words_for_is_refused_with_those_it_has(tmp_path: Path) -> None:
    """Each rhythm speaks with `nudge-<its name>.md`; without it every nudge would be parked when it is due."""
    [problem] = problems(tmp_path, f"{LEAST}{INTERVAL.replace('NAME', 'xyzzy')}")

    assert problem.startswith(
        "fennel.toml: rhythms.xyzzy: there are no words for it (messages/en/nudge-xyzzy.md); known: approach, "
    )
    assert "two-weekly" in problem


@pytest.mark.parametrize("name", ["be-available", "dates-wanted", "routing", "withdrawn"])
def test_words_that_are_no_rhythms_do_not_make_one(tmp_path: Path, name: str) -> None:
    """`nudge-dates-wanted-coordinator.md` is said by Trellis itself; as a rhythm it would want values nobody gives."""
    found = problems(tmp_path, f"{LEAST}{INTERVAL.replace('NAME', name)}")

    assert found[0].startswith(f"fennel.toml: rhythms.{name}: there are no words for it ")


def test_every_poll_there_are_words_for_has_its_options() -> None:
    """What is chosen among stands in `options-<its name>.md`; without it the poll would be parked when it is due."""
    names = {file.stem for file in (FOLDER / "en").glob("*.md")}
    polls = {name.removeprefix("poll-") for name in names if name.startswith("poll-")}

    assert polls == {name.removeprefix("options-") for name in names if name.startswith("options-")} != set()


def test_a_mention_belongs_to_a_thread_and_not_to_a_poll(tmp_path: Path) -> None:
    text = (
        LEAST + '[rhythms.policy-poll]\nkind = "windows"\nwindows = [{ opens = "12-01", closes = "12-18" }]\n'
        'tells = []\nteam = "poll"\nmention_days_before_close = 5\n'
    )

    assert problems(tmp_path, text) == (
        'fennel.toml: rhythms.policy-poll.mention_days_before_close: needs team = "thread", where people speak',
    )


def test_a_milestone_that_is_nearly_there_is_told(tmp_path: Path) -> None:
    text = (
        LEAST + "[organisation.milestones]\ngoals_set_on = [2027-09-10]\nbudget_final_on = [2027-11-12]\n"
        '[rhythms.look-ahead]\nkind = "windows"\nwindows = [{ opens = "09-01", closes = "10-31" }]\n'
        'tells = ["member"]\nnot_before = "goal_set_on"\nbefore = "budget_final"\n'
    )

    assert problems(tmp_path, text) == (
        "fennel.toml: rhythms.look-ahead.not_before: 'goal_set_on' is not among organisation.milestones; "
        "did you mean goals_set_on?",
        "fennel.toml: rhythms.look-ahead.before: 'budget_final' is not among organisation.milestones; "
        "did you mean budget_final_on?",
    )


def test_a_milestone_that_is_not_set_yet_is_no_mistake(tmp_path: Path) -> None:
    """A coordinator is told four weeks ahead which date is wanted (row 9)."""
    policy = from_profile(tmp_path, profile="p2pu")

    assert policy.organisation.milestones == {}
    look_ahead = policy.rhythms["look-ahead"]
    assert isinstance(look_ahead, Windows)
    assert (look_ahead.not_before, look_ahead.before) == ("goals_set_on", "budget_final_on")


def test_all_problems_of_all_rhythms_are_told_at_once(tmp_path: Path) -> None:
    text = (
        LEAST
        + INTERVAL.replace("NAME", "two-weekly").replace("every_days = 14", "every_days = 0")
        + "open_days = -1\n"
        + CLOCK.replace("NAME", "approach").replace("after_days = [14]", "")
        + "[caps]\nper_week = 9\n"
    )

    assert problems(tmp_path, text) == (
        "fennel.toml: rhythms.two-weekly.every_days: at least 1 day",
        "fennel.toml: rhythms.two-weekly.open_days: 0 or more days",
        "fennel.toml: rhythms.approach: after_days or after_months is needed",
        "fennel.toml: caps.per_week: from 0 to 7, for there is one message a day at most; 0 means that nothing is sent",
    )


# -- holidays ----------------------------------------------------------------------------------------------------------


def test_the_holidays_of_a_country_come_with_the_policy(tmp_path: Path) -> None:
    policy = read(tmp_path, LEAST.replace("[github]", 'holidays_of = "DE-BE"\n[github]'))

    assert policy.organisation.holidays_of == "DE-BE"
    assert date(2027, 3, 8) in policy.public_holidays["DE-BE"]
    assert date(2027, 3, 9) not in policy.public_holidays["DE-BE"]
    assert date(2027, 6, 10) in policy.public_holidays["PT"], "and those of a person's own country"


def test_calendars_count_for_nothing_when_policies_are_compared(tmp_path: Path) -> None:
    """A change of policy is noticed by what it says; calendars are made anew every time it is read."""
    one, other = read(tmp_path, LEAST), read(tmp_path, LEAST)

    assert isinstance(one.public_holidays, PublicHolidays)
    assert one.public_holidays is not other.public_holidays
    assert one == other
