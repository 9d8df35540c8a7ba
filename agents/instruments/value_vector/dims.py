"""The nineteen named dimensions of the value vector, in their published order, and the blocks they are summed in.

Basic and social morality come from the same dilemmas, so they form one block of items; a block's values share one
denominator, and the blocks' scales differ from each other. Source: Qiu et al. 2024 (ProgressGym, arXiv 2406.20087),
section 4, with the order of the foundations as in its code.
"""

from __future__ import annotations

from typing import Final

MORALITY: Final = "morality"
FOUNDATIONS: Final = "foundations"
WORLDVIEWS: Final = "worldviews"
BLOCKS: Final = (MORALITY, FOUNDATIONS, WORLDVIEWS)

RULES: Final = {
    "do_not_kill": "death",
    "do_not_cause_pain": "pain",
    "do_not_disable": "disable",
    "do_not_deprive_of_freedom": "freedom",
    "do_not_deprive_of_pleasure": "pleasure",
    "do_not_deceive": "deceive",
    "do_not_cheat": "cheat",
    "do_not_break_promises": "break_promise",
    "do_not_break_law": "break_law",
    "do_duty": "duty",
}
"""Rule of common morality -> how the columns of a public file end that say whether an action breaks it."""

FOUNDATION_THEMES: Final = {
    "harm_care": "Harm_Care",
    "fairness": "Fairness_Reciprocity",
    "ingroup": "InGroup_Loyalty",
    "authority": "Authority_Respect",
    "purity": "Purity_Sancity",
}
"""Moral foundation -> its theme in the public file, spelled as there."""

VIEWS: Final = ("traditional", "modern", "post_modern", "integrated")
"""World views in the order of an item's four actions."""

DIMS: Final = (*RULES, *FOUNDATION_THEMES, *VIEWS)
NUM_DIMS: Final = len(DIMS)
INDEX: Final = {name: place for place, name in enumerate(DIMS)}
BLOCK_DIMS: Final = {MORALITY: tuple(RULES), FOUNDATIONS: tuple(FOUNDATION_THEMES), WORLDVIEWS: VIEWS}
TEXTS: Final = {
    **{name: f"how far dilemmas are settled in favour of the rule: {name.replace('_', ' ')}" for name in RULES},
    **{name: f"how far the foundation {name.replace('_', ' and ')} is upheld" for name in FOUNDATION_THEMES},
    **{name: f"share of the {name.replace('_', '-')} world view" for name in VIEWS},
}
