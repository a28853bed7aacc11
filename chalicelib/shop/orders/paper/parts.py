"""Cuts the tickets of an order into parts that one answer has room and time for."""

from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from chalicelib.platform.http.paging import bad_cursor

if TYPE_CHECKING:
    from chalicelib.shop.orders.answers import CodedTicket

MOST_CONCERTS = 2
"""The concerts of one part: each costs three reads of the log at most, of the ten that a request has."""

AnyTicket = TypeVar("AnyTicket", bound="CodedTicket")
_MOST_DIGITS = 6


def part_of(
    tickets: "Sequence[AnyTicket]", after: Sequence[str] | None, most: int
) -> "tuple[list[AnyTicket], list[str] | None]":
    """Return up to `most` tickets of up to MOST_CONCERTS concerts, and the key to go on after; concert by concert.

    Raises InvalidInput for a key that no part has given.
    """
    concerts = list(dict.fromkeys(ticket["concert_id"] for ticket in tickets))
    place = {concert_id: number for number, concert_id in enumerate(concerts)}
    ordered = sorted(tickets, key=lambda ticket: place[ticket["concert_id"]])
    start = _start(after, len(ordered))
    part = list(islice(ordered, start, start + most))
    first = place[part[0]["concert_id"]] if part else 0
    part = [ticket for ticket in part if place[ticket["concert_id"]] < first + MOST_CONCERTS]
    end = start + len(part)
    return part, [str(end)] if end < len(ordered) else None


def _start(after: Sequence[str] | None, total: int) -> int:
    match after:
        case None:
            return 0
        case [text] if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS and 0 < int(text) < total:
            return int(text)
    raise bad_cursor()
