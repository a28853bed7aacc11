"""Creates, fills, extends and checks out carts, for customers."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from chalicelib.platform.caller import Caller
from chalicelib.platform.errors import Expired, LogDamaged, RuleViolated
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.shop.carts.cart import CART, Cart
from chalicelib.shop.carts.customer_carts import customer_carts_id
from chalicelib.shop.carts.events import CartHoldsExtended, CartItemAdded, CartLine, ExtendedLine
from chalicelib.shop.carts.holding import WantedHold
from chalicelib.shop.carts.limits import CartLimits
from chalicelib.shop.carts.lost_lines import ensure_none_lost
from chalicelib.shop.carts.opening import DEFAULT_LIMITS, ensure_listed, open_cart, settled_orders
from chalicelib.shop.inventory.commands import HeldTickets, extend, hold_tickets, release, terms_of_hold
from chalicelib.shop.inventory.events import TicketPoolOpened
from chalicelib.shop.orders.commands import PlacedOrder, place_order, placed_order
from chalicelib.shop.orders.events import OrderLine

if TYPE_CHECKING:
    from chalicelib.platform.privacy.vault import PersonVault

Result = TypeVar("Result")

LONGEST_HOLD = 2
"""Tickets are held in a cart for at most this many times the usual hold, however often the hold is extended."""


@dataclass(frozen=True, slots=True)
class AddedItem:
    item_id: UUID
    hold_expires_at: datetime
    version: int


@dataclass(frozen=True, slots=True)
class ExtendedHolds:
    """The lines that were extended; if `changed` is false, none was, and these are all live lines as they are."""

    lines: tuple[ExtendedLine, ...]
    version: int
    changed: bool = True


def carts_of(customer_id: UUID) -> UUID:
    """Return the id of the stream that lists the customer's carts."""
    return customer_carts_id(customer_id)


def create_cart(repository: Repository, caller: Caller, limits: CartLimits = DEFAULT_LIMITS) -> UUID:
    """Open a cart and return its id, as `open_cart` does."""
    return open_cart(repository, caller, limits).cart_id


def add_item(
    repository: Repository,
    caller: Caller,
    cart_id: UUID,
    ticket_type_id: UUID,
    quantity: int,
    hold_for: timedelta,
    limits: CartLimits = DEFAULT_LIMITS,
) -> AddedItem:
    """Hold the tickets and put them into the cart, in one transaction.

    Raises NotFound for the cart or the ticket type, TicketsSoldOut, NotOnSale, CustomerLimitExceeded,
    HeldLimitExceeded, TooManyUnpaidOrders, CoolingDown, TooManyChanges, IdempotencyKeyReused, or what `Cart.add_item`
    raises.
    """
    item_id = caller.request.id

    def command(session: Session) -> AddedItem:
        cart = _own_cart(session, caller, cart_id)
        if cart.has_done(item_id, caller.request.request_hash):
            return _added_before(session, cart_id, item_id)
        # `add_item` checks this again, but a cart that is checked out must not cost a search for tickets.
        cart.ensure_open()
        cart.bucket.ensure_room(limits.burst, session.now)
        if not cart.is_listed:
            ensure_listed(session, caller, cart_id, limits)
        since = session.now

        def until(terms: TicketPoolOpened) -> datetime:
            nonlocal since
            wanted = _wanted(terms, quantity, LONGEST_HOLD * hold_for, limits)
            since = _admitted(session, cart, wanted, limits)
            return min(session.now + hold_for, since + wanted.longest)

        held = hold_tickets(session, ticket_type_id, item_id, cart_id, caller.actor.id, quantity, until)
        line = _line(item_id, quantity, held, since + LONGEST_HOLD * hold_for)
        request_hash = caller.request.request_hash
        events = cart.add_item(line, held.terms.max_per_order, request_hash, session.now, since)
        session.append(CART, cart_id, *events)
        return AddedItem(item_id, held.expires_at, session.version(cart_id))

    return repository.execute(command, caller.origin)


def was_added(repository: Repository, caller: Caller, cart_id: UUID) -> bool:
    """Tell whether this very request has added its line before: one read.

    Raises NotFound or IdempotencyKeyReused.
    """
    cart, _ = repository.load(CART, cart_id)
    cart.ensure_of(caller.actor.id)
    return cart.has_done(caller.request.id, caller.request.request_hash)


def extend_holds(
    repository: Repository,
    caller: Caller,
    cart_id: UUID,
    hold_for: timedelta,
    limits: CartLimits = DEFAULT_LIMITS,
) -> ExtendedHolds:
    """Hold every line for `hold_for` from now on, as far as its limit allows, in one transaction with the pools.

    Nothing is written, and nothing remembered, if no line would gain `LEAST_GAIN`.
    Raises NotFound, IdempotencyKeyReused, LinesExpired, LinesNotOnSale, TooManyChanges, or what `Cart.extend_holds`
    raises.
    """
    extension_id = caller.request.id

    def command(session: Session) -> ExtendedHolds:
        cart = _own_cart(session, caller, cart_id)
        if cart.has_done(extension_id, caller.request.request_hash):
            return _extended_before(session, cart_id, extension_id)
        events = cart.extend_holds(extension_id, caller.request.request_hash, session.now, session.now + hold_for)
        if not events:
            return ExtendedHolds(_deadlines(cart, session.now), session.version(cart_id), changed=False)
        cart.bucket.ensure_room(limits.burst, session.now)
        ensure_none_lost(session, [cart.lines[line.item_id] for line in events[0].lines])
        session.append(CART, cart_id, *events)
        for line in events[0].lines:
            extend(session, cart.lines[line.item_id].shares, line.item_id, caller.actor.id, line.expires_at)
        return ExtendedHolds(events[0].lines, session.version(cart_id))

    return _execute(repository, command, caller)


def remove_item(repository: Repository, caller: Caller, cart_id: UUID, item_id: UUID) -> int:
    """Remove the line and release its hold, in one transaction; return the cart's version.

    Raises NotFound, PreconditionFailed or CartCheckedOutAlready.
    """

    def command(session: Session) -> int:
        cart = _own_cart(session, caller, cart_id)
        session.ensure_version(cart_id, caller.expected_version)
        events = cart.remove_item(item_id, session.now)
        session.append(CART, cart_id, *events)
        if events:
            release(session, cart.lines[item_id].shares, item_id, caller.actor.id)
        return session.version(cart_id)

    return repository.execute(command, caller.origin)


def check_out(
    repository: Repository,
    vault: "PersonVault",
    caller: Caller,
    cart_id: UUID,
    buyer: dict[str, str],
    pay_within: timedelta,
    limits: CartLimits = DEFAULT_LIMITS,
    language: str | None = None,
) -> PlacedOrder:
    """Place the order of all lines and move their holds to the payment deadline, in one transaction.

    Raises NotFound, CustomerLimitExceeded, IdempotencyKeyReused, CartEmpty, CartCheckedOutAlready, LinesExpired or
    LinesNotOnSale.
    """
    order_id = caller.request.id
    customer_id = caller.actor.id
    # A hash of the body would let anybody who reads the log test guesses of the buyer's name. This one is made with the
    # person's key, and tells nothing once that is erased.
    request_hash = vault.digest(customer_id, caller.request.request_hash)
    sealed_buyer = vault.seal(customer_id, buyer)

    def command(session: Session) -> PlacedOrder:
        cart = _own_cart(session, caller, cart_id)
        events = cart.check_out(order_id, request_hash, session.now)
        if not events:
            return placed_order(session, order_id)
        ensure_none_lost(session, cart.lines.values())
        session.append(CART, cart_id, *events)
        lines = tuple(_order_line(session, line) for line in cart.lines.values())
        due = session.now + pay_within
        limit = limits.held_per_concert
        return place_order(session, order_id, cart_id, customer_id, sealed_buyer, lines, due, limit, language)

    return _execute(repository, command, caller)


def _execute(repository: Repository, command: Callable[[Session], Result], caller: Caller) -> Result:
    """Run the command, and once more if a hold is gone.

    The cart may have been checked out since it was read, which moves its holds to the order. Read again, it says so,
    which is the right refusal.
    """
    try:
        return repository.execute(command, caller.origin)
    except Expired:
        return repository.execute(command, caller.origin)


def _own_cart(session: Session, caller: Caller, cart_id: UUID) -> Cart:
    cart = session.load(CART, cart_id)
    cart.ensure_of(caller.actor.id)
    return cart


def _deadlines(cart: Cart, now: datetime) -> tuple[ExtendedLine, ...]:
    """Return the live lines with the deadlines that they have."""
    return tuple(
        ExtendedLine(item_id=line.id, expires_at=line.expires_at)
        for line in cart.live_lines(now)
        if line.expires_at is not None
    )


def _added_before(session: Session, cart_id: UUID, item_id: UUID) -> AddedItem:
    """Return the answer that the request was given the first time, from its own event."""

    def adds(event: Event) -> bool:
        return isinstance(event, CartItemAdded) and event.item.id == item_id

    recorded = session.find_recorded(cart_id, adds)
    if recorded is None or not isinstance(recorded.event, CartItemAdded) or recorded.event.item.expires_at is None:
        raise LogDamaged(f"Item {item_id} of cart {cart_id} has no beginning.")
    return AddedItem(item_id, recorded.event.item.expires_at, recorded.version)


def _extended_before(session: Session, cart_id: UUID, extension_id: UUID) -> ExtendedHolds:
    """Return the answer that the request was given the first time, from its own event."""

    def extends(event: Event) -> bool:
        return isinstance(event, CartHoldsExtended) and event.extension_id == extension_id

    recorded = session.find_recorded(cart_id, extends)
    if recorded is None or not isinstance(recorded.event, CartHoldsExtended):
        raise LogDamaged(f"Extension {extension_id} of cart {cart_id} has no beginning.")
    return ExtendedHolds(recorded.event.lines, recorded.version)


def _admitted(session: Session, cart: Cart, wanted: WantedHold, limits: CartLimits) -> datetime:
    """Return since when the customer has been holding tickets of the concert, with these in the cart.

    Before it refuses, it asks every order that was unpaid when the cart was opened.
    Raises HeldLimitExceeded, TooManyUnpaidOrders or CoolingDown.
    """
    lines = cart.lines.values()
    try:
        return cart.holding.admit(wanted, lines, limits, session.now)
    except RuleViolated:
        settled = settled_orders(session, cart)
        if not settled:
            raise
    return cart.holding.without(settled).admit(wanted, lines, limits, session.now)


def _wanted(terms: TicketPoolOpened, quantity: int, longest: timedelta, limits: CartLimits) -> WantedHold:
    """Say what is asked for; where the organiser limits a customer's tickets, the allowance counts them."""
    is_counted = terms.max_per_customer is not None
    limit = None if is_counted else max(limits.held_per_concert, terms.max_per_order)
    return WantedHold(terms.concert_id, quantity, limit, longest)


def _line(item_id: UUID, quantity: int, held: HeldTickets, extendable_until: datetime) -> CartLine:
    terms = held.terms
    return CartLine(
        id=item_id,
        ticket_type_id=terms.ticket_type_id,
        quantity=quantity,
        ticket_type_name=terms.ticket_type_name,
        concert_id=terms.concert_id,
        concert_name=terms.concert_name,
        unit_price=terms.price,
        shares=held.shares,
        expires_at=held.expires_at,
        extendable_until=extendable_until,
    )


def _order_line(session: Session, line: CartLine) -> OrderLine:
    """Order the line at the price at which it was held, and under the names of today."""
    terms = terms_of_hold(session, line.shares, line.ticket_type_id)
    return OrderLine(
        hold_id=line.id,
        ticket_type_id=line.ticket_type_id,
        ticket_type_name=terms.ticket_type_name if terms else line.ticket_type_name,
        concert_id=line.concert_id,
        concert_name=terms.concert_name if terms else line.concert_name,
        quantity=line.quantity,
        unit_price=line.unit_price,
        shares=line.shares,
    )
