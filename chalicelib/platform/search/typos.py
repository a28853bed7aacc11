"""Finds words that are one typo apart: a letter lost, doubled or wrong, or two neighbours swapped.

What is stored of a word is the word without each of its letters, and the word with a blank for each. What is typed
wrongly then meets it exactly: without one of its own letters, with a blank for one, or with two of them swapped.
"""

from collections.abc import Iterator

FORGIVEN_FROM = 4
"""Words of fewer letters are too often one typo from another word."""

FORGIVEN_UP_TO = 24
_BLANK = "_"


def is_forgiven(word: str) -> bool:
    """Tell whether typos in the word are forgiven; a number is another one with another digit."""
    return FORGIVEN_FROM <= len(word) <= FORGIVEN_UP_TO and not word.isdigit()


def without_a_letter(word: str) -> Iterator[str]:
    return (word[:place] + word[place + 1 :] for place in range(len(word)))


def with_a_blank(word: str) -> Iterator[str]:
    return (word[:place] + _BLANK + word[place + 1 :] for place in range(len(word)))


def with_neighbours_swapped(word: str) -> Iterator[str]:
    return (word[:place] + word[place + 1] + word[place] + word[place + 2 :] for place in range(len(word) - 1))
