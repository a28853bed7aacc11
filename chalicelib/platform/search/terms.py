"""Names the terms by which Postgres finds a name: what is stored of a word, and what is asked of it.

They are made here and compared by Postgres byte by byte, so no extension, dictionary or locale of a server has a say.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from chalicelib.platform.search.letters import is_unspaced
from chalicelib.platform.search.typos import (
    FORGIVEN_FROM,
    FORGIVEN_UP_TO,
    is_forgiven,
    with_a_blank,
    with_neighbours_swapped,
    without_a_letter,
)
from chalicelib.platform.search.words import LONGEST_WORD, Chunk, without_optional

_WORD, _LOST, _WRONG, _INSIDE, _WHOLE = "=", "-", "?", "~", "^"
"""The first letter of a term: a word, one that lost a letter, one with a blank, an end of one, the whole name."""

_SHORTEST_INSIDE = 3
_FORGIVEN_BEGINNING = 5
"""Letters from which on a typo is forgiven in a word that is not finished."""

Column = tuple[Chunk, ...]


def of_parts(word: str) -> Iterator[str]:
    """Yield the terms that a word of a name has beside itself."""
    if is_forgiven(word):
        yield from (_LOST + shorter for shorter in without_a_letter(word))
        yield from (_WRONG + other for other in with_a_blank(word))
    for place in range(1, len(word)):
        end = word[place : place + LONGEST_WORD]
        if _can_be_inside(end):
            yield _INSIDE + end


def plain_word(word: str) -> str:
    return _WORD + word[:LONGEST_WORD]


def whole(chunks: Sequence[Column]) -> Iterator[str]:
    """Yield a whole text in one term, as it is written and as its signs are read."""
    for spelling in zip(*without_optional(chunks), strict=True):
        for which in (0, -1):
            words = chain.from_iterable(chunk.readings[which] for chunk in spelling)
            yield _WHOLE + "".join(words)[: 2 * LONGEST_WORD]


def one_typo_from(word: str) -> Iterator[str]:
    """Yield the terms of the words from which this one is one typo away."""
    if FORGIVEN_FROM - 1 <= len(word) < FORGIVEN_UP_TO:
        yield _LOST + word
    if is_forgiven(word):
        yield from (_WRONG + other for other in with_a_blank(word))
        yield from (_WORD + swapped for swapped in with_neighbours_swapped(word))
        yield from (_WORD + shorter for shorter in without_a_letter(word) if is_forgiven(shorter))


def beginnings_inside(word: str) -> Iterator[str]:
    """Yield what a word begins with, or an end of it, that contains this one."""
    yield plain_word(word)
    if _can_be_inside(word):
        yield _INSIDE + word[:LONGEST_WORD]


def mistyped_beginnings(word: str) -> Iterator[str]:
    """Yield what the terms begin with of words that somebody has begun to type, with one typo."""
    if len(word) >= _FORGIVEN_BEGINNING:
        yield from one_typo_from(word)


def _can_be_inside(word: str) -> bool:
    return len(word) >= _SHORTEST_INSIDE or is_unspaced(word[0])


def vector(terms: Iterable[str]) -> str:
    """Write terms as a `tsvector`, in the form in which Postgres gives it back."""
    return " ".join(map(quoted, sorted(set(terms), key=str.encode)))


def quoted(term: str) -> str:
    return "'" + term.replace("\\", "\\\\").replace("'", "''") + "'"


def begun(term: str) -> str:
    return quoted(term) + ":*"


def any_of(conditions: Iterable[str]) -> str:
    return _joined(" | ", conditions)


def all_of(conditions: Iterable[str]) -> str:
    return _joined(" & ", conditions)


def _joined(sign: str, conditions: Iterable[str]) -> str:
    different = list(dict.fromkeys(conditions))
    return different[0] if len(different) == 1 else f"({sign.join(different)})"
