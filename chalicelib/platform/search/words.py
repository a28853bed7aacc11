"""Reads the words of a name or a query. What has signs among its letters can be read in several ways."""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby, pairwise

from chalicelib.platform.search.letters import is_letter, is_unspaced, spellings

LONGEST_WORD = 40
"""Letters of a word that are compared; whatever follows is not."""

Reading = tuple[str, ...]
"""Words that all have to be there."""

AND = "and"
_CONNECTIVES = {AND: AND, "&": AND, "+": AND, "n": AND, "'n'": AND, "n'": AND, "'n": AND}
_OPTIONAL_BETWEEN = {"und", "et", "og", "och", "y", "e"}
_OPTIONAL = {AND, "the"}

_SIGNS_FOR_LETTERS = {"!": "i", "$": "s", "@": "a", "€": "e", "£": "l", "¥": "y", "&": "n", "+": "n", "я": "r"}
_AT_THE_EDGE = {"$", "@", "€"}
"""Signs that stand for a letter also at the beginning or the end of a word; `!` there is only an exclamation."""
_DIGITS_FOR_LETTERS = {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t"}


class Chunk:
    """What stands between two blanks, with the ways to read it; the first has its parts as they are."""

    def __init__(self, text: str) -> None:
        self.is_connective = text in _CONNECTIVES
        self.text = _CONNECTIVES.get(text, text)
        self.readings: tuple[Reading, ...] = tuple(dict.fromkeys(_readings(self.text)))

    @property
    def joined(self) -> str:
        return "".join(self.readings[0])[:LONGEST_WORD] if self.readings else ""

    @property
    def is_in_one_word(self) -> bool:
        return len(self.readings) == 1 and len(self.readings[0]) == 1


def chunks_of(text: str) -> list[tuple[Chunk, ...]]:
    """Return the chunks of a text, each in every spelling of it; only signs if it has nothing else."""
    spelt = [[Chunk(chunk) for chunk in spelling.split()] for spelling in spellings(text)]
    columns = list(zip(*spelt, strict=True))
    worded = [column for column in columns if column[0].readings]
    return worded or [_of_signs(column[0].text) for column in columns if column[0].text]


def without_optional(chunks: Sequence[tuple[Chunk, ...]]) -> list[tuple[Chunk, ...]]:
    """Leave out `and`, `&`, `the` and their like, unless there is nothing else."""
    last = len(chunks) - 1
    needed = [
        column
        for place, column in enumerate(chunks)
        if column[0].text not in _OPTIONAL and not (0 < place < last and column[0].text in _OPTIONAL_BETWEEN)
    ]
    return needed or list(chunks)


def _of_signs(text: str) -> tuple[Chunk, ...]:
    chunk = Chunk(text)
    chunk.readings = ((text[:LONGEST_WORD],),)
    return (chunk,)


def _readings(text: str) -> Iterator[Reading]:
    """Yield parts and joined parts of the text, as it is and with letters for the signs that may stand for them."""
    if not any(map(is_letter, text)):
        return
    with_letters = _replaced(text, _SIGNS_FOR_LETTERS, _may_be_letter)
    for written in dict.fromkeys((text, with_letters, _with_letters_for_digits(with_letters))):
        parts = _parts(written)
        yield parts
        if len(parts) > 1 and not any(is_unspaced(part[0]) for part in parts):
            yield ("".join(parts)[:LONGEST_WORD],)


def _parts(text: str) -> Reading:
    """Return the runs of letters, of which each has one kind of script."""
    kinds = groupby(text, lambda sign: is_letter(sign) and 1 + is_unspaced(sign))
    return tuple("".join(run) for kind, run in kinds if kind)


def _replaced(text: str, letters: dict[str, str], is_meant: Callable[[str, str, str], bool]) -> str:
    around = f" {text} "
    return "".join(
        letters[sign] if sign in letters and is_meant(before, sign, after) else sign
        for before, sign, after in zip(around[:-2], text, around[2:], strict=True)
    )


def _may_be_letter(before: str, sign: str, after: str) -> bool:
    if sign == "я":
        return any(neighbour.isascii() and neighbour.isalpha() for neighbour in (before, after))
    neighbours = [neighbour.isalnum() for neighbour in (before, after)]
    return all(neighbours) or (sign in _AT_THE_EDGE and any(neighbours))


def _with_letters_for_digits(text: str) -> str:
    """Replace digits if all of them can stand for a letter and most signs are letters, as in `deadmau5`."""
    digits = [sign for sign in text if sign.isdigit()]
    if not digits or len(digits) * 2 > len(text) or not all(digit in _DIGITS_FOR_LETTERS for digit in digits):
        return text
    return "".join(_DIGITS_FOR_LETTERS.get(sign, sign) for sign in text)


def joined_pairs(chunks: Sequence[tuple[Chunk, ...]]) -> Iterator[str]:
    """Yield two chunks in one word, for who leaves the blank out."""
    for left, right in pairwise(chunks):
        yield from ((one.joined + other.joined)[:LONGEST_WORD] for one, other in zip(left, right, strict=True))
