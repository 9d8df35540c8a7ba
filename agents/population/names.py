"""Readable names for drawn people.

The list is our own, mixed from many places, and says nothing about anybody: names are given at random within a sex, and
no other variable looks at them. A name is no identity; `persona_id` is.
"""

from __future__ import annotations

import numpy as np

from agents.population.tables import IntArray

_FEMALE = (
    "Ada Aisha Alma Amara Anika Beatriz Carmen Chloe Clara Dalia Elena Esther Fatima Freya Grace Hana Helen Imani Ines "
    "Ingrid Irene Jana Jasmin Julia Katya Laila Lena Lucia Maja Maren Mei Mina Nadia Naomi Nina Noor Olga Paula Petra "
    "Priya Rosa Ruth Sana Sofia Tala Vera Yara Zoe"
)
_MALE = (
    "Adam Ahmed Alan Ander Anton Arjun Bruno Carl Cesar Daniel David Dmitri Elias Emil Enzo Felix Franz George Hassan "
    "Henry Hugo Ibrahim Ivan Jamal James Jorge Kai Karim Kofi Leon Lucas Marco Martin Milo Nikolai Omar Oscar Pablo "
    "Rafael Ravi Samuel Simon Tariq Theo Victor Walter Yusuf Zane"
)
_NEUTRAL = "Alex Ariel Charlie Dana Jamie Jesse Kim Kit Lee Max Morgan Noel Quinn Robin Sam Sasha"
_FAMILY = (
    "Abadi Adler Andersen Baker Banerjee Bauer Berg Brooks Castro Chen Costa Cruz Dahl Diaz Dubois Eriksen Evans Farah "
    "Fischer Flores Ford Garcia Grant Gupta Haddad Hansen Hill Horvat Ito Ivanova Jensen Jones Kaya Keller Khan Kim "
    "Kowalski Lange Larsen Lopez Marin Mbeki Meyer Moreau Mori Murphy Nagy Nguyen Novak Nunez Okafor Olsen Ortiz Owusu "
    "Park Patel Pereira Perez Petrov Popescu Quist Ramos Reyes Rossi Said Sato Silva Singh Smith Sousa Stein Suzuki "
    "Taylor Tanaka Torres Traore Vance Varga Vega Vogel Walsh Weber West Wong Wood Yilmaz Young Zhang Ziegler"
)

FEMALE, MALE, NEUTRAL, FAMILY = (tuple(names.split()) for names in (_FEMALE, _MALE, _NEUTRAL, _FAMILY))

_GIVEN = {"female": FEMALE, "woman": FEMALE, "women": FEMALE, "f": FEMALE}
_GIVEN |= {"male": MALE, "man": MALE, "men": MALE, "m": MALE}
_ANY = FEMALE + MALE + NEUTRAL


def given_names(category: str) -> tuple[str, ...]:
    """Return the first names used for a category of sex or gender; all of them for "" and neutral for any other."""
    return _GIVEN.get(category.strip().lower(), NEUTRAL if category else _ANY)


def name_people(codes: IntArray, categories: tuple[str, ...], rng: np.random.Generator) -> list[str]:
    """Return one full name a person; those of one sex are all different until first times family names run out.

    codes: int64, one a person, the place of their sex in `categories`; all 0 with ("",) where sex is unknown.
    """
    names = np.empty(len(codes), dtype=object)
    family = rng.permutation(np.array(FAMILY, dtype=object))
    for code, category in enumerate(categories):
        people = np.flatnonzero(codes == code)
        given = rng.permutation(np.array(given_names(category), dtype=object))
        turn, first = np.divmod(np.arange(len(people)), len(given))
        names[people] = given[first] + " " + family[(turn + first + 37 * code) % len(family)]
    return list(names)
