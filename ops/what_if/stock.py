"""Takes from the stock of a replayed sale, and changes it, as its rules say."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.shop.carts.cart import CART, Cart
from chalicelib.shop.carts.commands import LONGEST_HOLD
from chalicelib.shop.carts.events import CartLine
from chalicelib.shop.carts.holding import WantedHold
from chalicelib.shop.carts.limits import CartLimits
from chalicelib.shop.inventory import limits
from chalicelib.shop.inventory.allocation import from_all_pools
from chalicelib.shop.inventory.events import (
    HoldsLapsed,
    PoolShare,
    TicketPoolCapacityChanged,
    TicketPoolCleared,
    TicketPoolClosed,
    TicketPoolEvent,
    TicketPoolOpened,
    TicketPoolTermsChanged,
    TicketsHeld,
    TicketsReturned,
    TicketsSold,
)
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL, TicketPool, TicketsSoldOut
from chalicelib.shop.orders.order import ORDER, Order
from ops.what_if.demand import ChangeStock, GiveBack, Sold, Take
from ops.what_if.rules import Rules

Shares = tuple[PoolShare, ...]

_MANY = 10**9


class ReplayedStock:
    """Holds and sells the tickets of a replay."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        # Whatever the stage limited, the people of the log were admitted.
        self.limits = CartLimits(_MANY, _MANY, _MANY, rules.cool_down, _MANY)

    def hold(self, session: Session, step: Take, quantity: int, *, again: bool) -> None:
        """Put so many tickets into the cart, from the pools of then if they have them.

        `again` is a request that the log does not have, after a hold that would have ended sooner.
        Raises:
            TicketsSoldOut: not as many are free.
            NotOnSale
            CoolingDown
            CustomerLimitExceeded
            OrderLimitExceeded
        """
        if session.load(CART, step.cart_id).customer_id is None:
            session.append(CART, step.cart_id, step.cart)
        cart, now = session.load(CART, step.cart_id), session.now
        hold_for = self._rules.hold_for or step.hold_for
        is_as_then = self._rules.hold_for is None and not again
        since = step.holding_since if is_as_then else self._since(cart, step, hold_for, now)
        until = since + LONGEST_HOLD * hold_for
        is_open_ended = is_as_then and step.line.extendable_until is None
        changes = {
            "quantity": quantity,
            "expires_at": min(now + hold_for, until),
            "extendable_until": None if is_open_ended else until,
        }
        line = step.line.model_copy(update=changes)
        most = _MANY  # other concerts' limits are not replayed
        if line.shares:
            most = self._ensure_permitted(session, step, cart, line)
            line = line.model_copy(update={"shares": self._take(session, step.cart_id, line)})
        session.append(CART, step.cart_id, *cart.add_item(line, most, "", now, since))

    def _ensure_permitted(self, session: Session, step: Take, cart: Cart, line: CartLine) -> int:
        """Count the tickets against the limits, and return how many one order may have.

        The shop looks for free tickets first. Here a customer has to know at once how many to want.
        Raises NotOnSale, CustomerLimitExceeded or OrderLimitExceeded.
        """
        terms = session.load(TICKET_POOL, line.shares[0].pool_id).ensure_open()
        cart.add_item(line, terms.max_per_order, "", session.now)
        limits.count(session, terms, line.quantity, line.id, step.cart.customer_id, line.expires_at)
        return terms.max_per_order

    def _take(self, session: Session, cart_id: UUID, line: CartLine) -> Shares:
        """Hold the line's tickets in the pools of then, or in the fewest that have enough, and return where.

        Raises TicketsSoldOut or NotOnSale.
        """
        shares = _first(line.shares, line.quantity)
        try:
            holds = _holds(session, cart_id, line, shares)
        except TicketsSoldOut:
            shares = from_all_pools(session, line.ticket_type_id, line.quantity).shares
            holds = _holds(session, cart_id, line, shares)
        for key, events in holds.items():
            session.append(TICKET_POOL, key, *events)
        return shares

    def _since(self, cart: Cart, step: Take, hold_for: timedelta, now: datetime) -> datetime:
        """Return since when the customer has been holding tickets of the concert, under the rules of the replay.

        Raises CoolingDown.
        """
        if step.line.concert_id is None:
            return now
        wanted = WantedHold(step.line.concert_id, step.line.quantity, None, LONGEST_HOLD * hold_for)
        return cart.holding.admit(wanted, cart.lines.values(), self.limits, now)

    def sell(self, session: Session, order: Order, order_id: UUID, sold: Sequence[Sold]) -> None:
        """Sell to the order out of the very pools of then, also where its hold has ended.

        Raises RuleViolated or Expired if they cannot.
        """
        for line in order.lines:
            if order.customer_id is not None:
                limits.count_again(session, line.shares, line.hold_id, order.customer_id, expires_at=None)
        for one in sold:
            pool = session.load(TICKET_POOL, one.pool_id)
            session.append(TICKET_POOL, one.pool_id, *_sold(pool, one, order_id, session.now))

    def give_back(self, session: Session, step: GiveBack) -> None:
        """Free the customer's allowance, and take back into the pools of then, if the order was confirmed now too."""
        order, freed = session.load(ORDER, step.order_id), dict(step.freed)
        if not order.tickets or order.customer_id is None:
            return
        for line in order.lines:
            if line.hold_id in freed:
                taken = min(freed[line.hold_id], line.quantity)
                limits.give_back_bought(session, line.shares, line.hold_id, order.customer_id, taken)
        for pool_id, event in step.returned:
            session.append(TICKET_POOL, pool_id, *_taken_back(session.load(TICKET_POOL, pool_id), event, session.now))

    def change(self, session: Session, step: ChangeStock) -> None:
        """Do to the pool what was done to it then, as far as it can be done to it now."""
        pool = session.load(TICKET_POOL, step.pool_id)
        if not isinstance(step.event, TicketsReturned):
            session.append(TICKET_POOL, step.pool_id, *self._changes(pool, step, session.now))
        elif _was_sold(session, step.event):
            session.append(TICKET_POOL, step.pool_id, *_taken_back(pool, step.event, session.now))

    def _changes(self, pool: TicketPool, step: ChangeStock, now: datetime) -> Sequence[Event]:
        match step.event:
            case TicketPoolOpened() as opened:
                return pool.open(self._terms(opened))
            case TicketPoolTermsChanged() as newer:
                return [newer.model_copy(update=self._limits())]
            case TicketPoolCapacityChanged() as changed:
                return self._resized(pool, changed, now)
            case HoldsLapsed():
                return pool.record_lapsed(now)
            case TicketPoolClosed():
                return pool.close(now)
            case TicketPoolCleared():
                return pool.clear(now)
            case TicketsHeld() as held:
                return pool.hold(held.hold_id, held.cart_id, held.quantity, now, held.expires_at)
            case TicketsSold() as sold:
                return _sold(pool, Sold(step.pool_id, sold.hold_id, sold.quantity), sold.order_id, now)
        return [step.event] if _is_possible(pool, step.event) else []

    def _resized(self, pool: TicketPool, changed: TicketPoolCapacityChanged, now: datetime) -> Sequence[Event]:
        if pool.terms is not None and pool.terms.ticket_type_id in self._rules.capacities:
            return []
        if pool.changed_by(changed.change_id) < 0:
            return pool.give_back_change(changed.change_id, now)
        return pool.change_capacity(changed.change_id, changed.by, now)

    def _terms(self, opened: TicketPoolOpened) -> TicketPoolOpened:
        """Return the pool's terms under the rules of the replay."""
        changes = self._limits()
        if opened.ticket_type_id in self._rules.capacities:
            share, rest = divmod(self._rules.capacities[opened.ticket_type_id], opened.pool_count)
            changes["capacity"] = share + (opened.pool_index < rest)
        return opened.model_copy(update=changes) if changes else opened

    def _limits(self) -> dict[str, int]:
        """Return the limits that the rules of the replay put in the place of those of then."""
        limits = {"max_per_customer": self._rules.max_per_customer, "max_per_order": self._rules.max_per_order}
        return {name: limit for name, limit in limits.items() if limit is not None}


def _holds(session: Session, cart_id: UUID, line: CartLine, shares: Shares) -> dict[UUID, list[Event]]:
    """Decide on the hold in every pool.

    Raises TicketsSoldOut or NotOnSale.
    """
    assert line.expires_at is not None  # noqa: S101 - a line with shares has a deadline
    return {
        share.pool_id: session.load(TICKET_POOL, share.pool_id).hold(
            line.id, cart_id, share.quantity, session.now, line.expires_at
        )
        for share in shares
    }


def _first(shares: Shares, quantity: int) -> Shares:
    """Return the first shares that have so many tickets together, the last of them cut."""
    chosen: list[PoolShare] = []
    for share in shares:
        taken = min(share.quantity, quantity)
        quantity -= taken
        if taken:
            chosen.append(share.model_copy(update={"quantity": taken}))
    return tuple(chosen)


def _is_possible(pool: TicketPool, event: TicketPoolEvent) -> bool:
    """Tell whether an event that has no decision here can happen again: other rules may have left it no tickets."""
    after = TICKET_POOL.fold([event], pool)
    return min(after.held, after.sold) >= 0 and after.held + after.sold <= after.capacity


def _sold(pool: TicketPool, sold: Sold, order_id: UUID, now: datetime) -> list[Event]:
    if sold.hold_id in pool.at(now).holds:
        return pool.sell(sold.hold_id, order_id, now)
    return pool.sell_unheld(sold.hold_id, order_id, sold.quantity, now)


def _was_sold(session: Session, returned: TicketsReturned) -> bool:
    """Tell whether the order got its tickets in the replay: what was given away has no other hold than its order."""
    return returned.hold_id == returned.order_id or bool(session.load(ORDER, returned.order_id).tickets)


def _taken_back(pool: TicketPool, returned: TicketsReturned, now: datetime) -> list[Event]:
    return pool.take_back(returned.hold_id, returned.order_id, returned.ticket_type_id, returned.quantity, now)
