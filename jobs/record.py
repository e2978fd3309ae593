"""Write down a decision: timeline lines and planned effects, each once, in the caller's transaction."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from domain.effects import Effect, Say, TellChat, vendor_of
from domain.events import Happened
from domain.policy import Policy
from jobs.workshop import Workshop
from store.memory import payload_of
from store.models import EffectRow
from store.queries import insert_once
from store.timeline import tell


def record(
    workshop: Workshop,
    session: Session,
    slug: str,
    *,
    happened: Sequence[Happened] = (),
    effects: Sequence[Effect] = (),
) -> None:
    """Append to the timeline and plan effects; what is there already by its key stays as it is."""
    for line in happened:
        told(workshop, session, slug, line)
    for effect in effects:
        plan_effect(workshop, session, slug, effect)


def tell_rooms(workshop: Workshop, session: Session, policy: Policy, say: Say, *, key: str, about: str) -> None:
    """Have each of the team's chat rooms told, where the organisation wants its rooms told of things."""
    if policy.channels.team_chat:
        rooms = range(len(workshop.chat(policy.slug)))
        effects = [TellChat(key=f"chat:{key}:{room}", about=about, room=room, body=say) for room in rooms]
        record(workshop, session, policy.slug, effects=effects)


def told(workshop: Workshop, session: Session, slug: str, line: Happened) -> bool:
    """Append one line to the timeline; False when its key was there already."""
    return tell(session, slug, line, at=workshop.now())


def plan_effect(workshop: Workshop, session: Session, slug: str, effect: Effect) -> bool:
    """Plan one effect; False when its key was there already."""
    vendor = vendor_of(effect)
    new = insert_once(
        session,
        EffectRow,
        {
            "key": effect.key,
            "organisation": slug,
            "kind": type(effect).__name__,
            "vendor": vendor,
            "payload": payload_of(effect),
            "status": "planned",
            "generation": 0,
            "attempts": 0,
            "looks": 0,
            "not_before": workshop.real_now(),
            "planned_at": workshop.now(),
        },
    )
    if new:
        workshop.intake.enqueue(session, "perform", effect.key, generation=0, partition=f"{slug}:{vendor}")
    return new
