"""Says how texts are set in type: from which side, in whose form of Han, and what no font of ours has."""

import unicodedata
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

MISSING = "¤"
"""Stands for a letter that no font has; an accessible document must not have a glyph that means nothing."""

_RIGHT_TO_LEFT = {"R", "AL"}
_LEFT_TO_RIGHT = "L"

_KANA, _HANGUL, _BOPOMOFO = ("HIRAGANA", "KATAKANA"), ("HANGUL",), ("BOPOMOFO",)
_BY_COUNTRY = {"JP": "JP", "KR": "KR", "TW": "TC", "MO": "TC", "HK": "TC"}


def is_right_to_left(text: str) -> bool:
    """Tell whether the first letter with a direction is written from right to left."""
    directions = (unicodedata.bidirectional(letter) for letter in text)
    first = next((one for one in directions if one in _RIGHT_TO_LEFT or one == _LEFT_TO_RIGHT), _LEFT_TO_RIGHT)
    return first in _RIGHT_TO_LEFT


def han_of(texts: Iterable[str], country: str | None) -> str:
    """Return whose form of Han letters suits the texts: by letters that only one language has, else by the country."""
    names = {unicodedata.name(letter, "") for text in texts for letter in text if letter >= "\u1100"}
    for kinds, form in ((_KANA, "JP"), (_HANGUL, "KR"), (_BOPOMOFO, "TC")):
        if any(name.startswith(kinds) for name in names):
            return form
    return _BY_COUNTRY.get(country or "", "SC")


def showable(fonts: Callable[[], Iterable[Path]]) -> Callable[[str], str]:
    """Return what replaces the letters that no font has; the fonts are read once, when the first text needs it."""

    @cache
    def known() -> frozenset[str]:
        return frozenset(letter for font in fonts() for letter in _letters_in(font) if not _is_nothing(letter))

    def shown(text: str) -> str:
        return "".join(letter if letter in known() else MISSING for letter in text if letter not in _INVISIBLE)

    return shown


_INVISIBLE = {"\ufeff", "\ufffe"}
"""An accessible document may not have these, whatever a font has for them."""

_NOTHING = {"Cc", "Cn", "Co", "Cs"}


def _is_nothing(letter: str) -> bool:
    return unicodedata.category(letter) in _NOTHING


def _letters_in(font: Path) -> Iterable[str]:
    from fontTools.ttLib import TTFont  # type: ignore[import-untyped] # noqa: PLC0415 - see `print_pages`

    return map(chr, TTFont(font, lazy=True).getBestCmap())
