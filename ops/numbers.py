"""Reads numbers from the command line."""

from argparse import ArgumentTypeError
from collections.abc import Callable

MOST = 1e9


def whole(text: str) -> int:
    """Read a whole number above zero.

    Raises:
        ArgumentTypeError: it is not one; argparse adds the argument's name.
    """
    try:
        number = int(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no whole number") from None
    if number < 1:
        raise ArgumentTypeError(f"{text} is less than 1")
    return number


def number(check: Callable[[float], bool], must: str) -> Callable[[str], float]:
    """Make a function that reads a number for which the check holds, or says what it must be."""

    def read(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            raise ArgumentTypeError(f"{text!r} is no number") from None
        if not check(number):
            raise ArgumentTypeError(f"{text} must be {must}")
        return number

    return read


not_negative = number(lambda number: 0 <= number <= MOST, "0 or more")
positive = number(lambda number: 0 < number <= MOST, "more than 0")
