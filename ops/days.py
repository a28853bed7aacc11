"""Reads days from the command line."""

from argparse import ArgumentTypeError
from datetime import date


def day(text: str) -> date:
    """Read a day of UTC, such as `2030-06-15`.

    Raises ArgumentTypeError.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no day; write it as 2030-06-15") from None
