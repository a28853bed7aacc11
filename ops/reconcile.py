"""Defines the command that compares the payment providers' books with the log."""

import argparse
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from chalicelib import composition
from chalicelib.composition import Composition
from chalicelib.platform.errors import InvalidInput
from chalicelib.shop.orders.payments.port import Movement, gateway_of
from chalicelib.shop.orders.reconciliation import MoneyDifference, compare, differences, loader, missing, movements_of
from ops.days import day
from ops.progress import Advance, progress
from ops.report import Report

if TYPE_CHECKING:
    from argparse import _SubParsersAction

DAY = timedelta(days=1)


def reconcile(options: argparse.Namespace) -> Report:
    """Compare what the payment providers did on a day, or to the money of one order, with the log; change nothing."""
    shop = composition.current()
    found = _of_order(shop, options.order) if options.order else _of_day(shop, options)
    rows = [_row(provider, difference) for provider, difference in found]
    return Report(rows, ok=not rows)


def declare(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("reconcile", help=reconcile.__doc__)
    parser.add_argument("--day", type=day, help="compare this day of UTC, as 2030-06-15; yesterday by default")
    parser.add_argument("--provider", help="ask this provider only")
    parser.add_argument("--order", type=UUID, metavar="ORDER", help="compare this order only, in both directions")
    parser.set_defaults(command=reconcile)


def _of_day(shop: Composition, options: argparse.Namespace) -> Iterator[tuple[str, MoneyDifference]]:
    today = shop.clock().astimezone(UTC).date()
    wanted = options.day or today - DAY
    if wanted > today:
        raise InvalidInput(f"{wanted} has not begun.")
    since = datetime.combine(wanted, time(), UTC)
    providers = [options.provider] if options.provider else list(shop.gateways)
    for provider in providers:
        gateway = gateway_of(shop.gateways, provider)
        with progress(f"{provider} on {wanted}", 0, "movements") as advance:
            listed = _counted(gateway.list_movements(since, since + DAY), advance)
            for difference in compare(listed, loader(shop.event_store)):
                yield provider, difference


def _of_order(shop: Composition, order_id: UUID) -> Iterator[tuple[str, MoneyDifference]]:
    order = loader(shop.event_store)(order_id)
    order.ensure_exists()
    movements = list(movements_of(order_id, order, shop.gateways))
    for one in (*differences(order_id, order, movements), *missing(order_id, order, movements)):
        yield ", ".join(payment.provider for key, payment in order.payments.items() if key == one.payment_id), one


def _counted(movements: Iterable[Movement], advance: Advance) -> Iterator[Movement]:
    for movement in movements:
        advance("listed", 1)
        yield movement


def _row(provider: str, one: MoneyDifference) -> dict[str, str]:
    return {
        "difference": one.kind.value,
        "provider": provider,
        "order": str(one.order_id),
        "payment": str(one.payment_id or ""),
        "id there": one.reference,
        "there": one.there,
        "here": one.here,
    }
