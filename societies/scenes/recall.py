"""What a role perceived of a scene, read back from its events: who it is, and the incidents that reached it."""

from __future__ import annotations

from societies.scenes.records import Role
from societies.seam import Memories, Rows


def role_memories(agent: str, rows: Rows) -> Memories | None:
    """Return what a role perceived: accepted incidents that it caused or that reached it; None for an unknown role."""
    own = next((row for row in rows("roles") if row["role_id"] == agent), None)
    if own is None:
        return None
    role = Role(role_id=agent, name=str(own["name"]), traits=str(own["traits"] or ""), status=str(own["status"] or ""))
    perceived = [
        str(row["text"])
        for row in rows("incidents")
        if row["accepted"] and (row["source"] == agent or agent in (row["recipients"] or ()))
    ]
    card = f"Name: {role.name}\n{role.persona}"
    return Memories(name=role.name, card=card, policy=str(own["policy"] or "base"), perceived=tuple(perceived))
