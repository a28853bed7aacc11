"""Has a mail about a concert sent for each of its orders: pool by pool, order by order, in small steps.

The orders are found by the pools' own events, as for a cancellation (ADR 12). A step that is taken twice names the same
mails, so nobody gets two.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID, uuid5

from chalicelib.platform.bus.projection import PositionMoved
from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.processes.process import Instance
from chalicelib.platform.processes.work import Task, WorkQueue
from chalicelib.shop.concerts.commands import facts_of_concert
from chalicelib.shop.inventory.commands import orders_in
from chalicelib.shop.mails.kinds import MailKind
from chalicelib.shop.mails.mail import MailKey
from chalicelib.shop.mails.sending import MailingServices, have_mail_sent
from chalicelib.shop.mails.task_kinds import SEND_MAIL, SPREAD_MAILS

SPREAD = "MailSpread"
ORDERS_AT_ONCE = 50
STEP_TAKES = timedelta(minutes=3)


class SpreadingServices(MailingServices, Protocol):
    """Declares what spreading uses of a container."""

    @property
    def mail_queue(self) -> WorkQueue: ...


@dataclass(frozen=True, slots=True)
class Spread:
    """Names the mails, and lists what is still to go through."""

    kind: MailKind
    concert_id: UUID
    number: int
    pools: tuple[UUID, ...] = ()
    orders: tuple[UUID, ...] = ()

    @property
    def id(self) -> UUID:
        return uuid5(self.concert_id, f"mails/{self.kind}/{self.number}")

    @property
    def is_finished(self) -> bool:
        return not (self.pools or self.orders)

    def to_state(self) -> JsonObject:
        lists = {"pools": self.pools, "orders": self.orders}
        named = {"kind": self.kind, "concert_id": str(self.concert_id), "number": self.number}
        return named | {name: [str(one) for one in ids] for name, ids in lists.items()}

    @classmethod
    def from_state(cls, state: JsonObject) -> "Spread":
        pools, orders = (tuple(UUID(one) for one in state[name]) for name in ("pools", "orders"))
        return cls(MailKind(state["kind"]), UUID(state["concert_id"]), state["number"], pools, orders)


def begin_spread(shop: SpreadingServices, kind: MailKind, concert_id: UUID, number: int, cause: str) -> None:
    """Have these mails sent, unless that has begun before.

    Raises Unavailable.
    """
    spread = Spread(kind, concert_id, number, pools=facts_of_concert(shop.repository, concert_id).pool_ids)
    if shop.mails.find(spread.id) is None:
        _leave(shop, spread, -1, cause)


def take_step(shop: SpreadingServices, spread_id: UUID, cause: str) -> None:
    """Name some more mails, and have the next step taken.

    Raises Unavailable.
    """
    found = shop.mails.find(spread_id)
    if found is None:
        return
    spread = Spread.from_state(found.state)
    if spread.is_finished:
        return
    if spread.orders:
        now, some = shop.clock(), spread.orders[:ORDERS_AT_ONCE]
        keys = [MailKey(spread.kind, order_id, spread.concert_id, spread.number) for order_id in some]
        _name(shop, keys, now, cause)
        spread = replace(spread, orders=spread.orders[ORDERS_AT_ONCE:])
    else:
        pool_id, *pools = spread.pools
        spread = replace(spread, pools=tuple(pools), orders=tuple(orders_in(shop.repository, pool_id)))
    _leave(shop, spread, found.version, cause)


def _name(shop: SpreadingServices, keys: list[MailKey], now: datetime, cause: str) -> None:
    for key in keys:
        have_mail_sent(shop, key, now)
    shop.mail_queue.send([Task(SEND_MAIL, key.mail_id, cause) for key in keys])


def _leave(shop: SpreadingServices, spread: Spread, version: int, cause: str) -> None:
    due_at = None if spread.is_finished else shop.clock() + STEP_TAKES
    try:
        shop.mails.save(Instance(spread.id, SPREAD, version + 1, spread.to_state(), due_at), version)
    except PositionMoved:
        return  # another worker takes the same steps, and goes on
    if not spread.is_finished:
        shop.mail_queue.send([Task(SPREAD_MAILS, spread.id, cause)])
