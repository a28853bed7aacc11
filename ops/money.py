"""Defines the commands on money that is stuck: what waits for an operator, and ending it."""

import argparse
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from chalicelib import composition
from chalicelib.composition import Composition
from chalicelib.platform.eventsourcing.codec import Origin
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.processes.process import STUCK, Instance
from chalicelib.shop.orders.events import OrderEvent
from chalicelib.shop.orders.operators import settle_order
from chalicelib.shop.orders.order import ORDER, Order
from chalicelib.shop.orders.rules import Outcome
from chalicelib.shop.orders.settlement import SettlementContext
from ops.report import Report

if TYPE_CHECKING:
    from argparse import _SubParsersAction

LATE = timedelta(hours=1)
"""What was due longer ago than this is listed, although it is still tried."""

MOST = 10_000


def money(options: argparse.Namespace) -> Report:
    """List the orders whose money is stuck, with the reason: refunds that failed for good, and what is long overdue."""
    shop = composition.current()
    waiting = list(_waiting(shop, shop.clock()))
    rows = [row for one in waiting for row in _rows(one, shop.repository.load(ORDER, one.stream_id)[0])]
    return Report(rows, ok=not rows or not options.check)


def settle(options: argparse.Namespace) -> Report:
    """End an order that waits for something that will not come, and record who ended it and why."""
    shop = composition.current()
    origin = Origin(f"operator:{os.environ.get('USER', 'unknown')}", str(uuid4()), f"ops:{os.getpid()}")
    context = SettlementContext(shop.repository, shop.gateways, origin)
    order = settle_order(context, options.order, Outcome(options.outcome), options.reason)
    return Report([{"order": str(options.order), "status": str(order.status), "reason": options.reason}])


def declare(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("money", help=money.__doc__)
    parser.add_argument("--check", action="store_true", help="end with status 1 if anything is stuck")
    parser.set_defaults(command=money)
    parser = commands.add_parser("settle", help=settle.__doc__)
    parser.add_argument("order", type=UUID, metavar="ORDER", help="name the order by its id")
    parser.add_argument("--as", dest="outcome", required=True, choices=[one.value for one in Outcome], help="end it so")
    parser.add_argument("--reason", required=True, type=_reason, help="say why, for whoever reads the log later")
    parser.set_defaults(command=settle)


def _waiting(shop: Composition, now: datetime) -> Iterator[Instance]:
    """Yield the processes of orders that are stuck, or long overdue."""
    live = shop.instances.at(shop.instances.generations().live)
    seen = {one.stream_id: one for one in [*live.list_stuck(MOST), *live.list_due(now + timedelta(days=7), MOST)]}
    for instance in seen.values():
        deadlines = [datetime.fromisoformat(until) for until in instance.state.values()]
        is_late = any(until == STUCK or until <= now - LATE for until in deadlines)
        if instance.aggregate_type == OrderEvent.aggregate_type and is_late:
            yield instance


def _rows(instance: Instance, order: Order) -> Iterator[dict[str, str]]:
    about = {"order": str(instance.stream_id), "status": str(order.status)}
    for refund_id, refund in order.refunds_under_way.items():
        failed = order.failures.get(refund_id)
        is_stuck = refund_id in order.stuck_refunds
        yield about | {
            "waits for": f"refund {refund_id}",
            "amount": f"{refund.amount.amount} {refund.amount.currency}",
            "since": format_instant(failed.failed_at.astimezone(UTC)) if failed else instance.state[str(refund_id)],
            "tries": str(len(failed.references)) if failed else "0",
            "next": "an operator" if is_stuck else "a dispute" if order.open_disputes else "tried again",
            "reason": failed.reason if failed else refund.reason,
        }
    for payment_id in order.open_payments:
        yield about | {
            "waits for": f"payment {payment_id}",
            "amount": f"{order.total.amount} {order.total.currency}",
            "since": format_instant(order.payments[payment_id].started_at.astimezone(UTC)),
            "tries": "-",
            "next": "tried again",
            "reason": f"{order.payments[payment_id].provider} has not decided, or cannot be asked",
        }


def _reason(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("a reason is needed")
    return text.strip()
