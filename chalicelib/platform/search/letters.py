"""Gives each letter the one spelling under which names are compared, or two where people type it in two ways."""

import re
from functools import cache
from unicodedata import category, normalize

_MARKS = (
    (0x0300, 0x036F),  # accents
    (0x0591, 0x05C7),  # points of Hebrew
    (0x0610, 0x061A),  # signs of Arabic
    (0x0640, 0x0640),  # its tatweel, which only stretches a word
    (0x064B, 0x065F),  # harakat, and hamza above and below
    (0x0670, 0x0670),
    (0x06D6, 0x06ED),
    (0x1AB0, 0x1AFF),
    (0x1DC0, 0x1DFF),
    (0x20D0, 0x20FF),
    (0xFE00, 0xFE0F),  # variants of signs
    (0xFE20, 0xFE2F),
)
"""What is written above or below a letter and often left out. Vowels of Thai and Hindi are marks as well, and stay."""

_PLAIN = {
    "æ": "ae",
    "œ": "oe",
    "ø": "o",
    "đ": "d",
    "ð": "d",
    "þ": "th",
    "ł": "l",
    "ħ": "h",
    "ŧ": "t",
    "ı": "i",
    "ŋ": "n",
    "ς": "σ",
    "ى": "ي",  # alef maqsura
    "ة": "ه",  # ta marbuta
    "ء": "",
    "ٱ": "ا",
    "ی": "ي",  # as Persian writes it
    "ک": "ك",
}
_SPELT_OUT = {"ö": "oe", "ø": "oe", "ü": "ue", "ä": "ae", "å": "aa"}
_KATAKANA = range(0x30A1, 0x30F7)
_TO_HIRAGANA = -0x60

_UNSPACED = re.compile(
    "["
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\u1780-\u17ff"  # Burmese, Khmer
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"  # kana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
    "]"
)


def spellings(text: str) -> tuple[str, ...]:
    """Return the text as it is compared: with bare letters, and also with `ö` as `oe` if it has any such letter."""
    if text.isascii() and text.isprintable():
        return (text.lower(),)
    folded = normalize("NFC", normalize("NFKC", text).casefold())
    spelt_out = "".join(_SPELT_OUT.get(letter, letter) for letter in folded)
    plain = _bare(folded)
    return (plain,) if spelt_out == folded else (plain, _bare(spelt_out))


def plain(text: str) -> str:
    """Return the first of the spellings, with single blanks between the words."""
    return " ".join(spellings(text)[0].split())


def is_letter(sign: str) -> bool:
    """Tell whether the sign is part of a word: a letter, a digit, or a vowel that is written as a mark."""
    return sign.isalnum() or category(sign)[0] == "M"


def is_unspaced(letter: str) -> bool:
    """Tell whether the letter belongs to a script that puts no blanks between words."""
    return _UNSPACED.match(letter) is not None


def _bare(text: str) -> str:
    return normalize("NFC", "".join(map(_bare_letter, normalize("NFKD", text).casefold())))


@cache
def _without_marks() -> frozenset[int]:
    return frozenset(code for first, last in _MARKS for code in range(first, last + 1))


def _bare_letter(letter: str) -> str:
    code = ord(letter)
    if code in _without_marks() or (category(letter) in {"Cf", "Cc", "Cs"} and not letter.isspace()):
        return ""
    if code in _KATAKANA:
        return chr(code + _TO_HIRAGANA)
    return _PLAIN.get(letter, letter)
