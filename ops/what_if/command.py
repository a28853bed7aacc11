"""Defines the command that replays a sale under other rules."""

import argparse
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from chalicelib import composition
from chalicelib.platform.errors import InvalidInput
from chalicelib.shop.concerts.concert import Concert
from ops.numbers import not_negative, positive, whole
from ops.report import Report
from ops.what_if.comparison import compare
from ops.what_if.pages import report
from ops.what_if.recording import read_concert, read_sale
from ops.what_if.rules import Rules

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def what_if(options: argparse.Namespace) -> Report:
    """Replay a concert's sale from its log under other rules, and compare who would have got tickets, and how fast."""
    shop = composition.current()
    now = shop.clock()
    concert = read_concert(shop.event_store, options.concert, now)
    rules = Rules(
        hold_for=_minutes(options.hold_minutes),
        pay_within=_minutes(options.payment_minutes),
        max_per_customer=options.max_per_customer,
        max_per_order=options.max_per_order,
        capacities=dict(_capacity(concert, text) for text in options.capacity),
        cool_down=shop.settings.cool_down,
        patience=timedelta(minutes=options.patience),
    )
    return report(compare(read_sale(shop.event_store, concert, now), rules))


def declare(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("what-if", help=what_if.__doc__)
    parser.add_argument("concert", type=UUID, metavar="CONCERT", help="replay the sale of this concert")
    parser.add_argument("--hold-minutes", type=positive, metavar="N", help="hold tickets in a cart for so long")
    parser.add_argument(
        "--payment-minutes", type=positive, metavar="N", help="let an order wait for its payment so long"
    )
    parser.add_argument("--max-per-customer", type=whole, metavar="N", help="let one customer have so many tickets")
    parser.add_argument(
        "--max-per-order", type=whole, metavar="N", help="let one order have so many tickets of each ticket type"
    )
    parser.add_argument(
        "--capacity",
        action="append",
        default=[],
        metavar="TYPE=N",
        help="put so many tickets of a type on sale, by its name or id; may be repeated",
    )
    parser.add_argument(
        "--patience",
        type=not_negative,
        default=0.0,
        metavar="N",
        help="let who finds too few tickets try again every minute, for so many minutes (0)",
    )
    parser.set_defaults(command=what_if)


def _minutes(number: float | None) -> timedelta | None:
    return None if number is None else timedelta(minutes=number)


def _capacity(concert: Concert, text: str) -> tuple[UUID, int]:
    """Read `TYPE=N`.

    Raises InvalidInput.
    """
    name, _, quantity = text.rpartition("=")
    keys = [key for key, one in concert.ticket_types.items() if name in {one.name, str(key)}]
    if len(keys) != 1:
        known = ", ".join(f"{one.name} ({key})" for key, one in concert.ticket_types.items())
        raise InvalidInput(f"--capacity {text} does not name one ticket type as TYPE=N; there are {known}.")
    try:
        return keys[0], whole(quantity)
    except argparse.ArgumentTypeError as error:
        raise InvalidInput(f"--capacity {text}: {error}.") from None
