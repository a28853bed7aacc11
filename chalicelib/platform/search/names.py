"""Makes what is stored of a name so that it is found as people type it."""

from dataclasses import dataclass
from functools import lru_cache

from chalicelib.platform.search import terms
from chalicelib.platform.search.words import chunks_of, joined_pairs, without_optional

MOST_CHUNKS = 60
"""Words of a name that can be found; an imported name may have more."""


@dataclass(frozen=True, slots=True)
class IndexedName:
    """What is stored of a name, as `tsvector`s: all of its terms, and apart from them its words.

    The words are few, so they are quick to compare with where many names have to be ranked. `length` counts words.
    """

    terms: str
    words: str
    length: int


@lru_cache(maxsize=1_000)
def indexed(name: str) -> IndexedName:
    """Return what is stored of a name: the same for the same name, to the byte.

    It takes some 0.1 ms, and names come again: with each change of a concert's details and each evening of a tour.
    """
    chunks = chunks_of(name)[:MOST_CHUNKS]
    words = {word for column in chunks for chunk in column for reading in chunk.readings for word in reading}
    told = {terms.plain_word(word) for word in words}
    told |= {terms.plain_word(pair) for pair in joined_pairs(chunks)} | set(terms.whole(chunks))
    found = told.union(*map(terms.of_parts, words))
    return IndexedName(terms.vector(found), terms.vector(told), len(without_optional(chunks)))
