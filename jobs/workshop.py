"""Everything a unit of work needs at hand, put together once by `app.py` and passed along."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from config.links import Links
from domain.policy import Policy
from jobs.durable import Intake
from jobs.pace import SharedPace
from store.database import Database

if TYPE_CHECKING:  # for the names of what they are only: a web process has a workshop and calls nobody
    from integrations.chat import Chat
    from integrations.github import GitHub
    from integrations.loomio import Loomio
    from integrations.mail import Mail


@dataclass(frozen=True, kw_only=True)
class Pacing:
    """How patient the ledger is; all in seconds of real time."""

    settle_seconds: float
    retry_seconds: float


def _unlimited(_slug: str, _vendor: str) -> None:
    """Keep no limits."""


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """The tools of one process. `now` is the practice clock; `real_now` guards outgoing calls; both aware UTC.

    `github` and `loomio` give the adapter of an organisation by its slug, or None when it is not connected; `mail` is
    the deployment's, `chat` gives an organisation's rooms in the order of the setting; `links` makes signed addresses;
    `check_lease` raises when this process may have been taken over; `pace` gives how an organisation's calls to a
    vendor keep its limits, None where none are kept; `pulse` tells whoever watches from outside that all is well, None
    when nobody does.
    """

    database: Database
    intake: Intake
    policies: Mapping[str, Policy]
    github: Callable[[str], GitHub | None]
    loomio: Callable[[str], Loomio | None]
    mail: Mail | None
    chat: Callable[[str], tuple[Chat, ...]]
    links: Links
    now: Callable[[], datetime]
    real_now: Callable[[], datetime]
    check_lease: Callable[[], None]
    pacing: Pacing
    pace: Callable[[str, str], SharedPace | None] = _unlimited
    pulse: Callable[[], None] | None = None
