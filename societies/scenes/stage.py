"""What is true on stage: places, things and inboxes. It changes only when an accepted incident takes effect."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from agents.memory import Inbox, Memo
from societies.scenes.opening import Opening
from societies.scenes.records import Entity, Incident, Role
from societies.scenes.rules import names_in


@dataclass(slots=True)
class Stage:
    """What is true on stage: where everybody and everything is, who has heard what, and what happened."""

    roles: tuple[Role, ...]
    entities: tuple[Entity, ...]
    where: dict[str, str]
    heard: dict[str, tuple[str, ...]]
    inbox: dict[str, Inbox]
    incidents: list[Incident] = field(default_factory=list)
    num_steps_done: int = 0
    num_interactions: int = 0

    @classmethod
    def set_up(cls, start: Opening) -> Stage:
        """Return the stage before the first act."""
        return cls(
            roles=start.roles,
            entities=start.entities,
            where={role.role_id: role.place for role in start.roles},
            heard={role.role_id: () for role in start.roles},
            inbox={role.role_id: Inbox() for role in start.roles},
        )

    @property
    def plan_left(self) -> int:
        """Steps of the ego's plan that were not taken."""
        return len(self.roles[0].plan) - self.num_steps_done

    def deliver(self, incident: Incident) -> None:
        """Put an accepted incident where it was perceived, move who went somewhere, and change what was touched.

        Its own act sets the ego going again; others remember their own acts and wait for somebody else's.
        """
        for role_id, _ in incident.recipients:
            if role_id == incident.source != self.roles[0].role_id:
                self.heard[role_id] += (incident.text,)
                continue
            self.inbox[role_id] = self.inbox[role_id].deliver(Memo(text=incident.text, sources=(incident.incident_id,)))
        self.where[incident.source] = incident.place
        self.entities = tuple(
            replace(thing, state="changed", location=incident.place)
            if thing.name.casefold() == incident.thing.casefold() or names_in(incident.text, thing.name)
            else thing
            for thing in self.entities
        )

    def in_sight(self, role_id: str) -> list[Entity]:
        """Return the objects that stand where a role is."""
        return [thing for thing in self.entities if thing.location == self.where[role_id]]

    def things(self) -> tuple[Entity, ...]:
        """Return the objects as they stand at the end, with who is beside them."""
        return tuple(
            replace(thing, visible_to=tuple(r.role_id for r in self.roles if self.where[r.role_id] == thing.location))
            for thing in self.entities
        )
