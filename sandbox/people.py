"""The invented co-op: Fennel Works, its four members, an outsider, a bot, and a little history."""

from datetime import timedelta

from sandbox.world import (
    Account,
    Commit,
    Discussion,
    Group,
    Issue,
    Label,
    Membership,
    Person,
    Repository,
    TopicItem,
    World,
)

REPOSITORY_ID = 4001
OTHER_REPOSITORY_ID = 4002  # somewhere for an issue to be transferred to
GROUP_ID = 7
HIDDEN_GROUP_ID = 8  # a group the bot is not in, for "not yours to see"
MEMBERS = {
    "ada": "Ada Ferreira",
    "bo": "Bo Lindqvist",
    "cy": "Cy Okafor",
    "dee": "Dee Marsh",
}
COORDINATOR = "ada"  # may close polls in Loomio; somebody must


def login_of(username: str) -> str:
    """Return the GitHub login of a co-op member."""
    return f"{username}-fw"


def seed(world: World) -> None:
    """Fill an empty world."""
    _seed_github(world)
    _seed_loomio(world)


def add_member(world: World, username: str, name: str) -> None:
    """Let one more person into the co-op."""
    login = login_of(username)
    world.accounts[login] = Account(world.next_id("account", 1001), login, name, "triage")
    person = Person(world.next_id("person", 1011), username, name, f"person-{username}")
    world.people[person.id] = person
    now = world.now()
    world.memberships.append(Membership(world.next_id("membership", 301), GROUP_ID, person.id, False, now, now))


def _seed_github(world: World) -> None:
    accounts = [
        Account(900, "fennel-works", "Fennel Works", "admin", "Organization"),
        *(Account(101 + n, login_of(username), name, "triage") for n, (username, name) in enumerate(MEMBERS.items())),
        Account(150, "eve", "Eve Outside", "read"),
        Account(190, "trellis-bot", "Trellis", "push"),
        Account(191, "trellis[bot]", "Trellis", "push", "Bot"),
    ]
    world.accounts = {account.login: account for account in accounts}
    long_ago = world.now() - timedelta(days=400)
    for repository_id, name in ((REPOSITORY_ID, "learning"), (OTHER_REPOSITORY_ID, "garden")):
        repository = Repository(repository_id, f"fennel-works/{name}", long_ago)
        for label, color, description in (
            ("ILO", "2f6f4f", "A learning goal of one member"),
            ("golden-ticket", "c9971c", "Something to grow by that the group may decide"),
            ("question", "d876e3", None),
        ):
            repository.labels.append(Label(world.next_id("label", 5001), label, color, description))
        first = Commit(
            None, "A place for it", "ada-fw", long_ago, {"README.md": b"What we are learning, each of us.\n"}
        )
        repository.commits[first.sha] = first
        repository.branches["main"] = first.sha
        world.repositories[repository_id] = repository
    repository = world.repositories[REPOSITORY_ID]
    last_week = world.now() - timedelta(days=8)
    question = repository.label_named("question")
    repository.last_number = 1
    repository.issues[1] = Issue(
        id=world.next_id("issue", 70001),
        number=1,
        title="Welcome: how this repository works",
        body="Each of us keeps **one** learning goal here, as an issue labelled `ILO`.\n\nTalk to Cy if you are new.",
        author=login_of("cy"),
        created_at=last_week,
        updated_at=last_week,
        label_ids=[question.id] if question else [],
    )


def _seed_loomio(world: World) -> None:
    long_ago = world.now() - timedelta(days=400)
    people = [
        *(Person(11 + n, username, name, f"person-{username}") for n, (username, name) in enumerate(MEMBERS.items())),
        Person(15, "eve", "Eve Outside", "person-eve"),
        Person(20, "trellis", "Trellis", world.settings.loomio_key, bot=True),
    ]
    world.people = {person.id: person for person in people}
    world.groups = {
        GROUP_ID: Group(GROUP_ID, "fNnLw0rk", "fennel-works", "Fennel Works", long_ago),
        HIDDEN_GROUP_ID: Group(HIDDEN_GROUP_ID, "qUi3t0rc", "quiet-orchard", "Quiet Orchard", long_ago),
    }
    for person in people:
        group_id = HIDDEN_GROUP_ID if person.username == "eve" else GROUP_ID
        admin = person.bot or person.username == COORDINATOR
        world.memberships.append(
            Membership(world.next_id("membership", 301), group_id, person.id, admin, long_ago, long_ago)
        )
    last_week = world.now() - timedelta(days=9)
    welcome = Discussion(
        id=world.next_id("discussion", 601),
        key=world.new_key(),
        topic_id=world.next_id("topic", 701),
        group_id=GROUP_ID,
        title="Welcome to Fennel Works",
        description="We decide together here. Say hello below.",
        description_format="md",
        author_id=11,
        created_at=last_week,
        updated_at=last_week,
    )
    world.discussions[welcome.id] = welcome
    world.items.append(
        TopicItem(
            world.next_id("item", 2001), 0, "new_discussion", welcome.topic_id, 11, "Discussion", welcome.id, last_week
        )
    )
