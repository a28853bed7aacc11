"""Turns what somebody types into conditions on what is stored of names, as `tsquery`s."""

from collections.abc import Callable, Iterable, Sequence

from chalicelib.platform.search import terms
from chalicelib.platform.search.terms import all_of, any_of, begun, quoted
from chalicelib.platform.search.words import Chunk, Reading, chunks_of, joined_pairs, without_optional

Column = tuple[Chunk, ...]


class SoughtWord:
    """One word that has to be there, as conditions; `neighbours` are the words around it, itself included."""

    def __init__(self, column: Column, neighbours: Sequence[Column]) -> None:
        readings = [reading for chunk in column for reading in chunk.readings]
        self._readings: list[Reading] = list(dict.fromkeys(readings))
        self._pairs = [terms.plain_word(pair) for pair in dict.fromkeys(joined_pairs(neighbours))]

    @property
    def exactly(self) -> str:
        return self._in_any_reading(quoted, lambda word: [quoted(terms.plain_word(word))])

    @property
    def begun(self) -> str:
        return self._in_any_reading(begun, lambda word: [begun(terms.plain_word(word))])

    @property
    def mistyped(self) -> str:
        """Return the condition that it is a whole word of the name, with one typo at most."""
        return self._in_any_reading(
            quoted, lambda word: map(quoted, (terms.plain_word(word), *terms.one_typo_from(word)))
        )

    @property
    def inside(self) -> str:
        """Return the condition that it is a part of a word, without a typo."""
        return self._in_any_reading(begun, _inside)

    @property
    def somehow(self) -> str:
        """Return the widest condition: a part of a word, or the beginning of one with one typo."""
        return self._in_any_reading(
            begun,
            lambda word: (
                *_inside(word),
                *map(quoted, terms.one_typo_from(word)),
                *map(begun, terms.mistyped_beginnings(word)),
            ),
        )

    def _in_any_reading(self, of_pair: Callable[[str], str], of_word: Callable[[str], Iterable[str]]) -> str:
        pairs = map(of_pair, self._pairs)
        return any_of([*pairs, *(all_of(any_of(of_word(word)) for word in reading) for reading in self._readings)])


def _inside(word: str) -> Iterable[str]:
    return map(begun, terms.beginnings_inside(word))


class Sought:
    """Holds the words of what somebody types; those that people leave out, such as `and`, are no condition."""

    def __init__(self, text: str) -> None:
        self._chunks = without_optional(chunks_of(text))
        self.words = [
            SoughtWord(column, self._chunks[max(place - 1, 0) : place + 2]) for place, column in enumerate(self._chunks)
        ]

    @property
    def whole(self) -> str:
        """Return the condition that the name has these words and no others."""
        return any_of(map(quoted, terms.whole(self._chunks)))

    @property
    def strictly(self) -> str:
        """Return the condition that every word is a part of the name, without typos."""
        return all_of(word.inside for word in self.words)

    @property
    def loosely(self) -> str:
        """Return the condition that every word is a part of the name, typos forgiven."""
        return all_of(word.somehow for word in self.words)
