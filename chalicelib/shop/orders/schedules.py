"""Runs what the orders need from time to time."""

import logging
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Protocol

from chalicelib.platform import metrics
from chalicelib.platform.eventsourcing.store import EventStore
from chalicelib.platform.processes.work import Task, WorkQueue
from chalicelib.shop.orders.payments.port import PaymentGateway
from chalicelib.shop.orders.reconciliation import MoneyDifference, compare, loader
from chalicelib.shop.orders.task_kinds import SETTLE_REVERSALS

logger = logging.getLogger(__name__)

LOOKS_BACK = timedelta(days=2)
"""Every day is looked at in two nights, the second time after what the first one had done about its differences."""

_AT_ONCE = 100


class OrderScheduleServices(Protocol):
    """Declares what these schedules use of a container."""

    @property
    def event_store(self) -> EventStore: ...

    @property
    def gateways(self) -> Mapping[str, PaymentGateway]: ...

    @property
    def work_queue(self) -> WorkQueue: ...

    def clock(self) -> datetime: ...


def reconcile_money(shop: OrderScheduleServices) -> int:
    """Report every difference between the providers' books of the last two days and the log; return how many.

    The orders concerned ask their provider again. Nothing is counted as good before all providers were listed.
    Raises Unavailable.
    """
    until = shop.clock().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    since = until - LOOKS_BACK
    total = 0
    for provider, gateway in shop.gateways.items():
        found = compare(gateway.list_movements(since, until), loader(shop.event_store))
        total += _report(shop.work_queue, provider, found, cause=f"reconcile {until:%Y-%m-%d}")
    metrics.count("MoneyDifferences", 0)
    logger.info("the books of %s since %s differ from the log %d times", ", ".join(shop.gateways), since, total)
    return total


def _report(queue: WorkQueue, provider: str, found: Iterable[MoneyDifference], cause: str) -> int:
    """Log and count the differences as they are found, and have the orders ask about payments that they know."""
    remaining, total = iter(found), 0
    while some := list(islice(remaining, _AT_ONCE)):
        for one in some:
            metrics.count("MoneyDifferences")
            logger.warning(
                "money differs: %s at %s, %s of payment %s of order %s: there %s, here %s",
                *(one.kind, provider, one.reference, one.payment_id, one.order_id, one.there, one.here),
            )
        total += len(some)
        concerned = dict.fromkeys((one.order_id, one.payment_id) for one in some if one.is_known_payment)
        queue.send([Task(SETTLE_REVERSALS, order_id, cause, payment_id) for order_id, payment_id in concerned])
    return total
