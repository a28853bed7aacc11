"""Says for how long, and how many at once, one customer keeps tickets of a concert from all others.

A holding period begins with the first hold of a concert and goes on until a break of the cool-down's length, whatever
was removed, has ended or was ordered in between. No hold in a cart outlives its period's longest time. So the same
tickets are not kept for ever by taking them again.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.shop.carts.events import CartItemAdded, CartLine, HoldingPeriod, UnpaidOrder
from chalicelib.shop.carts.limits import CartLimits, CoolingDown, HeldLimitExceeded, TooManyUnpaidOrders

SHORTEST_HOLD = timedelta(minutes=1)
"""A hold that would have to end sooner is refused."""


@dataclass(frozen=True, slots=True)
class WantedHold:
    """The tickets that are to be held: of which concert, how many, and for how long in all at most.

    `limit` is for all tickets of the concert that the customer holds; None if they are counted elsewhere.
    """

    concert_id: UUID
    quantity: int
    limit: int | None
    longest: timedelta


class Period(NamedTuple):
    """Is the holding period of one concert, as `HoldingPeriod` stores it; each hold makes one, so it is a tuple."""

    began_at: datetime
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class Holding:
    """Keeps the periods by concert, and the tickets of orders that were unpaid when the cart was opened."""

    periods: Mapping[UUID, Period] = field(default_factory=dict)
    unpaid: tuple[UnpaidOrder, ...] = ()

    @classmethod
    def of(cls, periods: Iterable[HoldingPeriod], unpaid: tuple[UnpaidOrder, ...]) -> "Holding":
        return cls({one.concert_id: Period(one.began_at, one.ended_at) for one in periods}, unpaid)

    def as_stored(self) -> tuple[HoldingPeriod, ...]:
        return tuple(
            HoldingPeriod(concert_id=concert_id, began_at=one.began_at, ended_at=one.ended_at)
            for concert_id, one in self.periods.items()
        )

    def admit(self, wanted: WantedHold, lines: Iterable[CartLine], limits: CartLimits, now: datetime) -> datetime:
        """Return since when the customer has been holding tickets of the concert, with these in the cart.

        Raises HeldLimitExceeded, TooManyUnpaidOrders or CoolingDown.
        """
        lines = [line for line in lines if line.concert_id == wanted.concert_id]
        unpaid = [one for one in self.unpaid if one.concert_id == wanted.concert_id and now < one.held_until]
        _ensure_few(wanted, lines, unpaid, limits, now)
        ends = [one.held_until for one in unpaid] + [line.expires_at for line in lines if line.expires_at]
        return self._since(wanted, ends, limits.cool_down, now)

    def without(self, order_ids: Collection[UUID]) -> "Holding":
        """Leave out orders that hold nothing any more."""
        return Holding(self.periods, tuple(one for one in self.unpaid if one.order_id not in order_ids))

    def after_added(self, event: CartItemAdded) -> "Holding":
        if event.item.concert_id is None or event.at is None:
            return self
        return self.with_period(event.item.concert_id, Period(event.holding_since or event.at, event.at))

    def after_removed(self, line: CartLine | None, at: datetime | None) -> "Holding":
        if line is None or line.concert_id is None or at is None:
            return self
        return self.with_end(line.concert_id, min(at, line.expires_at or at))

    def with_period(self, concert_id: UUID, period: Period) -> "Holding":
        return Holding({**self.periods, concert_id: period}, self.unpaid)

    def with_end(self, concert_id: UUID, ended_at: datetime) -> "Holding":
        """Let the concert's period, if there is one, end no sooner than this."""
        period = self.periods.get(concert_id)
        if period is None or period.ended_at >= ended_at:
            return self
        return self.with_period(concert_id, Period(period.began_at, ended_at))

    def _since(self, wanted: WantedHold, ends: list[datetime], cool_down: timedelta, now: datetime) -> datetime:
        period = self.periods.get(wanted.concert_id)
        if period is None or not cool_down:
            return now
        cooled = max([period.ended_at, *ends]) + cool_down
        if now >= cooled:
            return now
        if period.began_at + wanted.longest - now < SHORTEST_HOLD:
            until = format_instant(cooled)
            detail = f"You have held tickets of this concert as long as one may; you may again from {until}."
            raise CoolingDown(detail, until=until)
        return period.began_at


def _ensure_few(
    wanted: WantedHold, lines: list[CartLine], unpaid: list[UnpaidOrder], limits: CartLimits, now: datetime
) -> None:
    orders = list(dict.fromkeys(str(one.order_id) for one in unpaid))
    held = sum(line.quantity for line in lines if line.expires_at and now < line.expires_at)
    held += sum(one.quantity for one in unpaid)
    if wanted.limit is not None and held + wanted.quantity > wanted.limit:
        detail = f"You can hold at most {wanted.limit} unpaid tickets of this concert at once; you hold {held}."
        raise HeldLimitExceeded(detail, limit=wanted.limit, held=held, unpaid_orders=orders)
    if len(orders) >= limits.unpaid_orders:
        detail = f"You have {len(orders)} unpaid orders of this concert. Pay or cancel one of them first."
        raise TooManyUnpaidOrders(detail, limit=limits.unpaid_orders, unpaid_orders=orders)
