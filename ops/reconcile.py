"""Defines the command that compares the payment providers' books with the log."""

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from chalicelib import composition
from chalicelib.composition import Composition
from chalicelib.platform.errors import InvalidInput
from chalicelib.shop.orders.payments.port import Charged, Movement, ProviderDispute, ProviderRefund, gateway_of
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
    compared = [_of_order(shop, options.order)] if options.order else list(_of_day(shop, options))
    rows = [_row(provider, difference) for one in compared for provider, difference in one.found]
    return Report(rows, ok=not rows, headline=tuple(map(_in_words, compared)))


@dataclass(frozen=True, slots=True)
class _Compared:
    """What was compared: of whom, how many movements of each kind, and the differences with their providers."""

    subject: str
    kinds: Counter[type]
    found: list[tuple[str, MoneyDifference]]


def declare(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("reconcile", help=reconcile.__doc__)
    parser.add_argument("--day", type=day, help="compare this day of UTC, as 2030-06-15; yesterday by default")
    parser.add_argument("--provider", help="ask this provider only")
    parser.add_argument("--order", type=UUID, metavar="ORDER", help="compare this order only, in both directions")
    parser.set_defaults(command=reconcile)


def _of_day(shop: Composition, options: argparse.Namespace) -> Iterator[_Compared]:
    today = shop.clock().astimezone(UTC).date()
    wanted = options.day or today - DAY
    if wanted > today:
        raise InvalidInput(f"{wanted} has not begun.")
    since = datetime.combine(wanted, time(), UTC)
    providers = [options.provider] if options.provider else list(shop.gateways)
    for provider in providers:
        gateway, kinds = gateway_of(shop.gateways, provider), Counter[type]()
        with progress(f"{provider} on {wanted}", 0, "movements") as advance:
            listed = _counted(gateway.list_movements(since, since + DAY), kinds, advance)
            found = [(provider, difference) for difference in compare(listed, loader(shop.event_store))]
        yield _Compared(f"{provider} on {wanted} (UTC)", kinds, found)


def _of_order(shop: Composition, order_id: UUID) -> _Compared:
    order = loader(shop.event_store)(order_id)
    order.ensure_exists()
    movements = list(movements_of(order_id, order, shop.gateways))
    found = [*differences(order_id, order, movements), *missing(order_id, order, movements)]
    providers = {key: payment.provider for key, payment in order.payments.items()}
    named = [(", ".join(name for key, name in providers.items() if key == one.payment_id), one) for one in found]
    kinds = Counter(type(movement.what) for movement in movements)
    return _Compared(f"order {order_id}, in both directions", kinds, named)


def _counted(movements: Iterable[Movement], kinds: Counter[type], advance: Advance) -> Iterator[Movement]:
    """Count what concerns orders; the rest is passed over."""
    for movement in movements:
        kinds[type(movement.what)] += movement.order_id is not None
        advance("listed", 1)
        yield movement


def _in_words(one: _Compared) -> str:
    what = {"payment": Charged, "refund": ProviderRefund, "dispute": ProviderDispute}
    counts = ", ".join(_number(one.kinds[kind], name) for name, kind in what.items())
    return f"{one.subject}: {counts} compared with the log, {_number(len(one.found), 'difference')}."


def _number(count: int, what: str) -> str:
    return f"{count or 'no'} {what}{'' if count == 1 else 's'}"


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
