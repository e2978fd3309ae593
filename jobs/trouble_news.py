"""What is told of troubles: each once when it begins and once when it ends, and all that last, in words."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from config.messages import titled, words
from domain.effects import Say
from domain.policy import Policy
from domain.trouble import FOR_GOOD, Open, Trouble, worth_telling
from jobs.trouble import open_of, open_troubles
from jobs.workshop import Workshop
from store.models import TroubleRow
from store.queries import organisation_row, people_of, person_by_login


def news(workshop: Workshop, session: Session, policy: Policy) -> list[str]:
    """Give a line for each trouble nobody was told of, and for each end of one that was told; each of them once."""
    now, slug = workshop.now(), policy.slug
    wanted = select(TroubleRow).where(TroubleRow.organisation == slug).order_by(TroubleRow.id)
    unsaid = (TroubleRow.told_at.is_(None), TroubleRow.gone_at.is_(None))
    ended = (TroubleRow.told_at.is_not(None), TroubleRow.gone_at.is_not(None), TroubleRow.gone_told_at.is_(None))
    begun, gone = list(session.scalars(wanted.where(*unsaid))), list(session.scalars(wanted.where(*ended)))
    present = open_troubles(session, slug)
    silent = {one.trouble for one in present} - {kind for kind, _ in worth_telling(present)}
    begun = [row for row in begun if Trouble(row.what) not in silent]
    for row in begun:
        row.told_at = now
        if Trouble(row.what) in FOR_GOOD:
            row.gone_at = row.gone_told_at = now
    for row in gone:
        row.gone_told_at = now
    lines = [f"**{title}.** {text}" for title, text in said(session, policy, [open_of(row) for row in begun])]
    for kind, abouts in worth_telling([open_of(row) for row in gone]):
        what, _ = titled(words(_say(session, policy, kind, abouts)))
        over_now = Say(name="trouble-over", locale=policy.organisation.locale, values={"what": what})
        title, text = titled(words(over_now))
        lines.append(f"**{title}.** {text}")
    return lines


def said(session: Session, policy: Policy, found: Sequence[Open]) -> list[tuple[str, str]]:
    """Say troubles in words, each kind once: what it is, and what it means and what helps."""
    texts = [titled(words(_say(session, policy, kind, abouts))) for kind, abouts in worth_telling(found)]
    return [(title, " ".join(text.split())) for title, text in texts]


def _say(session: Session, policy: Policy, kind: Trouble, abouts: Sequence[str]) -> Say:
    row = organisation_row(session, policy.slug)
    people = people_of(session, policy.slug)
    named = [(one, person_by_login(people, one)) for one in abouts]
    values = {
        "repository": row.repository_name or policy.github.repository,
        "label": ", ".join(abouts),
        "objective_label": policy.github.objective_label,
        "issue_names": "\n".join(f"#{one}" for one in abouts),
        "person_names": "\n".join(f"{person.handle} ({login})" if person else login for login, person in named),
    }
    given = {name: value for name, value in values.items() if value}
    return Say(name=f"trouble-{kind.value}", locale=policy.organisation.locale, values=given)
