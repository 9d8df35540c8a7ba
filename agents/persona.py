"""Who speaks: the persona card and its one plain-text form.

A card is data; what a reader may see of it is a view. Ids, weights and policies never reach a prompt. All card text is
foreign text to the prompt: it enters through the quoting filters and cannot leave its place.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace

from agents.errors import UserError, nearest
from agents.prompts import render_prompt

SECTIONS = ("demographics", "values", "traits", "roles", "history", "text")
"""The parts of a card that a view can show; the name is always shown."""

POLITICAL = frozenset(
    {"ideology", "party", "party_identification", "political_leaning", "political_views", "politics", "voted_for"}
)
"""Demographics that say a persona's politics outright."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona:
    """One person of a population.

    demographics: such as {"age": "25-34", "place": "city"}; copied, not to be changed.
    text:   free text about or by the person.
    weight: how many people this one stands for, above 0.
    policy: the name of the policy that answers for this persona.
    Raises UserError for an empty id or name, an unusable weight, or one text where several belong.
    """

    persona_id: str
    name: str
    demographics: Mapping[str, str] = field(default_factory=dict, hash=False)
    values: tuple[str, ...] = ()
    traits: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    history: tuple[str, ...] = ()
    text: str = ""
    weight: float = 1.0
    policy: str = "base"

    def __post_init__(self) -> None:
        who = f'persona "{self.persona_id or self.name}"'
        for part in ("persona_id", "name", "policy"):
            if not str(getattr(self, part)).strip():
                raise UserError(f"{who} has an empty {part}.", "Every persona needs one.", f"set {part}.")
        if not math.isfinite(self.weight) or self.weight <= 0:
            raise UserError(f"{who} has the weight {self.weight}.", "It must be above 0 and finite.", "use 1.0.")
        for part in ("values", "traits", "roles", "history"):
            if isinstance(getattr(self, part), str):
                raise UserError(f"{who}: {part} is one text.", "It must be a list of texts.", "put it in a list.")
            object.__setattr__(self, part, tuple(getattr(self, part)))
        object.__setattr__(self, "demographics", dict(self.demographics))


@dataclass(frozen=True, slots=True, kw_only=True)
class CardView:
    """What a reader may see of a card: some sections, less some demographics.

    Raises UserError for an unknown section.
    """

    sections: tuple[str, ...] = SECTIONS
    hidden: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for section in self.sections:
            if section not in SECTIONS:
                raise UserError(
                    f'A card has no section "{section}".',
                    f"its sections are {', '.join(SECTIONS)}.",
                    nearest(section, SECTIONS),
                )

    def without(self, demographics: Iterable[str]) -> CardView:
        """Return this view with more demographics hidden."""
        return CardView(sections=self.sections, hidden=self.hidden | frozenset(demographics))


FULL = CardView()
"""Everything: the persona's own view of itself."""

PUBLIC = CardView(sections=("roles",))
"""What a stranger knows: name and roles."""

NO_POLITICS = CardView(sections=("demographics", "values", "traits", "roles"), hidden=POLITICAL)
"""For instruments on political questions: no political demographics, and no free words that might give them away."""


def render(persona: Persona, *, view: CardView = FULL) -> str:
    """Return the card as plain text, the same for equal cards; empty sections leave no trace.

    >>> print(render(Persona(persona_id="p1", name="Ada Berg", traits=("calm",))))
    Name: Ada Berg
    Traits: calm
    """
    shown = {section: getattr(persona, section) if section in view.sections else () for section in SECTIONS}
    shown["name"] = persona.name
    shown["demographics"] = [
        (label.replace("_", " "), value)
        for label, value in dict(shown["demographics"]).items()
        if value and label not in view.hidden
    ]
    return render_prompt("agents", "persona.v1", card=SimpleNamespace(**shown))
