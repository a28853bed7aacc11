"""Reads which language somebody wants, of those that the shop writes."""

import re
from typing import Literal, get_args

Language = Literal["en", "nl"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

MOST_RANGES = 30
_WEIGHT = r"(?:;\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?"
_RANGE = re.compile(rf"\s*([A-Za-z]{{1,8}}|\*)(?:-[A-Za-z0-9]{{1,8}})*\s*{_WEIGHT}\s*")


def preferred_language(header: str) -> Language | None:
    """Return the language that `Accept-Language` prefers; None if it wants none of ours, or cannot be read."""
    weights: dict[str, float] = {}
    for part in header.split(",", MOST_RANGES)[:MOST_RANGES]:
        if found := _RANGE.fullmatch(part):
            weight = float(found[2] or 1)
            name = found[1].lower()
            weights[name] = max(weight, weights.get(name, 0))
    wanted = [name for name in LANGUAGES if weights.get(name, 0)]
    return max(wanted, key=lambda name: weights[name], default=None)
