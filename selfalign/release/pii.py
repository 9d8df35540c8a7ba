"""Personal data by rule: mail, phone, IBAN, IP and card numbers, found and replaced by a word that says what was there.

Every rule has a version, and checksums keep ordinary numbers out (IBAN: ISO 13616, modulo 97; cards: ISO/IEC 7812,
Luhn). Rules see forms, not people: names and addresses are beyond them, and the report says so.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass

_DIGIT = re.compile(r"\d.{0,40}\d", re.DOTALL)
_DATE = re.compile(r"^\D?(?:(?:19|20)\d\d[-/. ][01]?\d[-/. ][0-3]?\d|[0-3]?\d[-/. ][01]?\d[-/. ](?:19|20)\d\d)")


@dataclass(frozen=True, slots=True)
class Rule:
    """One form of personal data. valid: looks at a match once more; sign: a text without it cannot match."""

    name: str
    version: int
    pattern: re.Pattern[str]
    valid: Callable[[str], bool]
    sign: str = ""

    @property
    def replacement(self) -> str:
        """What stands in its place."""
        return f"[{self.name.upper()}]"


@dataclass(frozen=True, slots=True)
class Hit:
    """A match in a text."""

    rule: str
    start: int
    end: int


def luhn(text: str) -> bool:
    """Tell whether the 13 to 19 digits of a text pass the Luhn checksum and are not all one digit.

    >>> luhn("4111 1111 1111 1111")
    True
    """
    digits = [int(c) for c in text if c.isdigit()]
    if not 13 <= len(digits) <= 19 or len(set(digits)) == 1:
        return False
    doubled = [d * 2 - 9 * (d > 4) for d in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def iban(text: str) -> bool:
    """Tell whether a text is an IBAN by length and checksum."""
    plain = text.replace(" ", "").upper()
    if not 15 <= len(plain) <= 34:
        return False
    return int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1


def ip(text: str) -> bool:
    """Tell whether a text is the address of a machine: not 0.0.0.0, not loopback, not a version such as 1.2.3.4."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return False
    if found.is_unspecified or found.is_loopback or found.is_multicast:
        return False
    return found.version == 6 or any(int(part) > 9 for part in text.split("."))


def phone(text: str) -> bool:
    """Tell whether a match has as many digits as a phone number (ITU-T E.164: at most 15) and is no date."""
    digits = sum(c.isdigit() for c in text)
    return 8 <= digits <= 15 and not _DATE.match(text.strip())


def _always(text: str) -> bool:
    return True


RULES = (
    Rule(
        "email",
        1,
        re.compile(r"(?<![\w.+-])[\w.+%-]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?\.){1,4}[a-z]{2,24}\b", re.I),
        _always,
        "@",
    ),
    Rule("iban", 1, re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b"), iban),
    Rule("card", 1, re.compile(r"(?<![\d.-])\d(?:[ -]?\d){12,18}(?![\d-]|\.\d)"), luhn),
    Rule("ip", 1, re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.]*\d)"), ip, "."),
    Rule("ip", 1, re.compile(r"(?<![\w:])(?:[0-9a-f]{1,4}:){2,7}(?::?[0-9a-f]{1,4}){1,6}(?![\w:])", re.I), ip, ":"),
    Rule(
        "phone",
        1,
        re.compile(
            r"(?<![\w+.])\+\d{1,3}(?:[ ./-]?\(?\d{1,5}\)?){2,6}(?!\w)"  # +49 30 1234567
            r"|(?<![\w+.])(?:\(\d{3}\) ?|\d{3}[-. ])\d{3}[-. ]\d{4}(?![\w-])"  # (212) 555-0123
            r"|(?<![\w+.-])\(?0\d{2,4}\)?[ /-]\d{2,4}(?:[ -]?\d{2,4}){1,3}(?![\w-])"  # 030 123 45 67
        ),
        phone,
    ),
)
"""In the order in which they are applied: what an earlier rule took, a later one does not see."""


def find(text: str) -> list[Hit]:
    """Return the hits in a text, in their order; they do not overlap."""
    if "@" not in text and not _DIGIT.search(text):
        return []
    hits: list[Hit] = []
    for rule in RULES:
        if rule.sign in text:
            for match in rule.pattern.finditer(text):
                start, end = match.span()
                if rule.valid(match.group()) and all(end <= h.start or start >= h.end for h in hits):
                    hits.append(Hit(rule.name, start, end))
    return sorted(hits, key=lambda hit: hit.start)


def scrub(text: str) -> tuple[str, list[Hit]]:
    """Return a text with every hit replaced, and the hits (places in the given text). Idempotent."""
    hits = find(text)
    for hit in reversed(hits):
        text = f"{text[: hit.start]}[{hit.rule.upper()}]{text[hit.end :]}"
    return text, hits


def harmless(text: str) -> bool:
    """Tell whether a hit names nobody: a domain or number that is reserved for examples, or a private address.

    Sources: RFC 2606 and RFC 6761 (example domains), RFC 1918 (private addresses), North American numbers 555-01xx.
    """
    low = text.lower()
    if "@" in low:
        domain = low.rpartition("@")[2]
        names = ("example", "test", "invalid", "localhost")
        return domain.split(".")[-1] in names or ".".join(domain.split(".")[-2:]).startswith("example.")
    try:
        return ipaddress.ip_address(low).is_private
    except ValueError:
        return bool(re.search(r"555[-. ]?01\d\d$", low))


def masked(text: str, hit: Hit, around: int = 24) -> str:
    """Return the surroundings of a hit with its letters and digits hidden, for a person to judge."""
    inside = re.sub(r"\w", "x", text[hit.start : hit.end])
    return f"{text[max(0, hit.start - around) : hit.start]}{inside}{text[hit.end : hit.end + around]}".replace(
        "\n", " "
    )
