"""Refuses texts that show nothing, or that reorder the texts beside them."""

import re
import unicodedata

REORDERING = r"\u202a-\u202e\u2066-\u2069"
"""Embeddings, overrides and isolates of directions. The marks of a direction (U+200E, U+200F, U+061C) are welcome: they
move nothing outside the text."""

_REORDERING = re.compile(f"[{REORDERING}]")

_SHOWS_NOTHING = frozenset("\u115f\u1160\u2800\u3164\uffa0\U0001d159")
"""Letters and signs that are blank: fillers of Hangul, the empty pattern of Braille, and a note without a head."""

_INVISIBLE = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Me", "Mn", "Zl", "Zp", "Zs"})
"""Controls, formats, blanks, what is no character, and marks, which need a letter to stand on."""


def without_reordering(text: str) -> str:
    """Return the text.

    Raises ValueError if it has a control of direction, which would reach into what stands beside it.
    """
    if _REORDERING.search(text):
        raise ValueError("must not contain controls of the direction of writing")
    return text


def visible(text: str) -> str:
    """Return the text.

    Raises ValueError if it is not empty and shows nothing.
    """
    if text and not any(map(_is_visible, text)):
        raise ValueError("must contain something visible")
    return text


def _is_visible(character: str) -> bool:
    return unicodedata.category(character) not in _INVISIBLE and character not in _SHOWS_NOTHING
