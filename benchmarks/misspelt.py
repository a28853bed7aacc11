"""Misspells names by one letter, in every way that is counted as a typo."""

from collections.abc import Iterator
from random import Random

LEAST_LETTERS = 4
"""Words of fewer letters are not misspelt."""

KINDS = ("lost", "doubled", "wrong", "swapped")
_ALPHABET = "abcdefghijklmnopqrstuvwxyz"


def misspellings(name: str, random: Random) -> Iterator[tuple[str, str]]:
    """Yield kind and text of each misspelling of a name, at every letter of its longer words."""
    for place in _places(name):
        yield "lost", name[:place] + name[place + 1 :]
        yield "doubled", name[: place + 1] + name[place:]
        wrong = random.choice([letter for letter in _ALPHABET if letter != name[place].lower()])
        yield "wrong", name[:place] + wrong + name[place + 1 :]
        if name[place + 1 : place + 2].isalpha() and name[place].lower() != name[place + 1].lower():
            yield "swapped", name[:place] + name[place + 1] + name[place] + name[place + 2 :]


def _places(name: str) -> Iterator[int]:
    """Yield the places of the letters of words that are long enough."""
    begins = 0
    for word in name.split(" "):
        if sum(map(str.isalpha, word)) >= LEAST_LETTERS:
            yield from (begins + place for place, letter in enumerate(word) if letter.isalpha())
        begins += len(word) + 1
