"""Defines the cart: lines with the holds behind them, until it is checked out."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from chalicelib.platform.errors import Expired, IdempotencyKeyReused, NotFound, RuleViolated, facts
from chalicelib.platform.eventsourcing.aggregate import Aggregate
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.money import CurrencyMismatch
from chalicelib.shop.carts.events import (
    CartCheckedOut,
    CartCreated,
    CartHoldsExtended,
    CartItemAdded,
    CartItemRemoved,
    CartLine,
    CartReplaced,
    ExtendedLine,
)
from chalicelib.shop.carts.holding import Holding
from chalicelib.shop.carts.limits import Bucket

MAX_LINES = 20
MAX_SHARES = 40
"""A checkout is one transaction, with an event for every share and for the allowance of every line that has a limit. 40
shares and 20 lines keep it within DynamoDB's 100 items."""

REQUEST_MEMORY = timedelta(hours=24)
LEAST_GAIN = timedelta(minutes=1)
"""An extension that gives a line less than this changes nothing, so that asking in a loop costs no write."""

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class CartEmpty(RuleViolated):
    """There is nothing in the cart."""

    code = "cart_empty"


class CartCheckedOutAlready(RuleViolated):
    """The cart is an order already."""

    code = "cart_checked_out"
    fact_types = facts(order_id="Id | None")


class CartIsReplaced(RuleViolated):
    """The customer has another open cart."""

    code = "cart_replaced"
    fact_types = facts(cart_id="Id")


class CartFull(RuleViolated):
    """The cart has no room for another line."""

    code = "cart_full"
    fact_types = facts(limit="NotRequired[int]")


class OrderLimitExceeded(RuleViolated):
    """One order cannot have so many tickets of this type."""

    code = "order_limit_exceeded"
    fact_types = facts(limit="int", selected="int")


class ExtensionLimitReached(RuleViolated):
    """These tickets cannot be held any longer."""

    code = "extension_limit_reached"


class LinesExpired(Expired):
    """The holds of some lines have ended."""

    code = "hold_expired"
    fact_types = facts(items="list[Id]", lines="NotRequired[list[LostLine]]")


class RememberedRequest(NamedTuple):
    """A request that changed the cart, remembered for as long as it may be repeated."""

    request_hash: str
    at: datetime


@dataclass(slots=True)
class Cart:
    """A customer's selection. Only `evolve` changes a cart, and only the copy that a fold has made for it.

    `requests` has those that added a line or extended the holds, the oldest first.
    """

    customer_id: UUID | None = None
    request_hash: str = ""
    lines: dict[UUID, CartLine] = field(default_factory=dict)
    requests: dict[UUID, RememberedRequest] = field(default_factory=dict)
    checked_out: bool = False
    order_id: UUID | None = None
    checkout_hash: str = ""
    checked_out_at: datetime | None = None
    is_listed: bool = False
    replaced_by: UUID | None = None
    holding: Holding = field(default_factory=Holding)
    bucket: Bucket = field(default_factory=Bucket)

    def create(
        self, customer_id: UUID, request_hash: str, now: datetime, taken_over: Holding | None = None
    ) -> list[Event]:
        """Create the cart, with what it takes over from others; the same request again changes nothing.

        Raises IdempotencyKeyReused if another request made this cart.
        """
        if self.customer_id is not None:
            if self.request_hash != request_hash:
                raise IdempotencyKeyReused
            return []
        holding = taken_over or Holding()
        return [
            CartCreated(
                customer_id=customer_id,
                request_hash=request_hash,
                is_listed=True,
                periods=holding.as_stored() or None,
                unpaid=holding.unpaid or None,
                at=now,
            )
        ]

    def replace_by(self, cart_id: UUID, now: datetime) -> list[Event]:
        """Close the cart for another one; one that is checked out or closed stays as it is."""
        if self.checked_out or self.replaced_by is not None:
            return []
        return [CartReplaced(replaced_by=cart_id, at=now)]

    def is_in_use(self, now: datetime) -> bool:
        """Tell whether the cart counts as open: a cart whose holds have all ended does not, an empty one does."""
        is_open = not self.checked_out and self.replaced_by is None
        return is_open and (not self.lines or bool(self.live_lines(now)))

    def has_done(self, request_id: UUID, request_hash: str) -> bool:
        """Tell whether this very request has added a line or extended the holds before.

        Raises IdempotencyKeyReused if its body was another.
        """
        if request_id not in self.requests:
            return False
        if self.requests[request_id].request_hash != request_hash:
            raise IdempotencyKeyReused
        return True

    def add_item(
        self,
        line: CartLine,
        max_per_order: int,
        request_hash: str,
        now: datetime,
        holding_since: datetime | None = None,
    ) -> list[Event]:
        """Add a line; `holding_since` is when the holding period of its concert began.

        Raises CartCheckedOutAlready, CartFull, CurrencyMismatch or OrderLimitExceeded.
        """
        self.ensure_open()
        live = self.live_lines(now)
        shares = sum(len(other.shares) for other in self.lines.values()) + len(line.shares)
        if len(self.lines) >= MAX_LINES:
            raise CartFull(f"The cart has {MAX_LINES} lines, the most it can have.", limit=MAX_LINES)
        if shares > MAX_SHARES:
            raise CartFull("These tickets are spread over too many pools for one order. Check out the cart first.")
        if any(other.unit_price.currency != line.unit_price.currency for other in live):
            ours, theirs = live[0].unit_price.currency, line.unit_price.currency
            raise CurrencyMismatch(f"The cart is in {ours}, and these tickets are in {theirs}.", currency=ours)
        selected = sum(other.quantity for other in live if other.ticket_type_id == line.ticket_type_id)
        if selected + line.quantity > max_per_order:
            detail = f"One order can have at most {max_per_order} of these tickets; {selected} are in the cart."
            raise OrderLimitExceeded(detail, limit=max_per_order, selected=selected)
        since = holding_since if holding_since != now else None
        return [CartItemAdded(item=line, request_hash=request_hash, holding_since=since, at=now)]

    def remove_item(self, item_id: UUID, now: datetime) -> list[Event]:
        """Remove a line; removing it again changes nothing.

        Raises NotFound or CartCheckedOutAlready.
        """
        if item_id not in self.lines:
            if item_id in self.requests:
                return []
            raise NotFound("There is no such item in the cart.")
        self.ensure_open()
        return [CartItemRemoved(item_id=item_id, at=now)]

    def extend_holds(
        self, extension_id: UUID, request_hash: str, now: datetime, expires_at: datetime
    ) -> list[CartHoldsExtended]:
        """Extend the holds of the live lines that gain at least `LEAST_GAIN`; without any, nothing changes.

        Raises CartCheckedOutAlready, CartEmpty, LinesExpired if all holds have ended, or ExtensionLimitReached if all
        that have not are at their limit.
        """
        self.ensure_open()
        if not self.lines:
            raise CartEmpty("The cart is empty.")
        live = self.live_lines(now)
        if not live:
            raise LinesExpired("The holds of all items have ended.", items=[str(key) for key in self.lines])
        if all(line.expires_at == line.extendable_until for line in live):
            raise ExtensionLimitReached("These tickets cannot be held any longer. Check out now.")
        extended = tuple(
            ExtendedLine(item_id=line.id, expires_at=until)
            for line in live
            if (until := min(expires_at, line.extendable_until or expires_at)) - (line.expires_at or until)
            >= LEAST_GAIN
        )
        if not extended:
            return []
        return [CartHoldsExtended(extension_id=extension_id, lines=extended, request_hash=request_hash, at=now)]

    def check_out(self, order_id: UUID, request_hash: str, now: datetime) -> list[Event]:
        """Check the cart out; the same request again changes nothing.

        Raises CartEmpty, CartCheckedOutAlready, IdempotencyKeyReused, or LinesExpired with the lines' ids.
        """
        if self.checked_out and self.order_id == order_id:
            if self.checkout_hash != request_hash:
                raise IdempotencyKeyReused
            return []
        self.ensure_open()
        if not self.lines:
            raise CartEmpty("The cart is empty.")
        live = {line.id for line in self.live_lines(now)}
        expired = [str(key) for key in self.lines if key not in live]
        if expired:
            raise LinesExpired("The holds of some items have ended; remove these items first.", items=expired)
        return [CartCheckedOut(order_id=order_id, request_hash=request_hash, at=now)]

    def live_lines(self, now: datetime) -> list[CartLine]:
        """Return the lines whose holds have not ended by this clock; lines of the original have no hold."""
        return [line for line in self.lines.values() if line.expires_at is not None and now < line.expires_at]

    def ensure_open(self) -> None:
        """Check that the cart is neither checked out nor replaced.

        Raises CartCheckedOutAlready or CartIsReplaced.
        """
        if self.replaced_by is not None:
            raise CartIsReplaced("Another cart took the place of this one.", cart_id=str(self.replaced_by))
        if self.checked_out:
            order_id = None if self.order_id is None else str(self.order_id)
            raise CartCheckedOutAlready("The cart is checked out already.", order_id=order_id)

    def ensure_of(self, customer_id: UUID) -> None:
        """Check that the cart is this customer's.

        Raises NotFound, for another customer's cart as well.
        """
        if self.customer_id is None or self.customer_id != customer_id:
            raise NotFound("There is no such cart.")


def evolve(cart: Cart, event: Event) -> Cart:
    match event:
        case CartCreated():
            holding = Holding.of(event.periods or (), event.unpaid or ())
            return Cart(event.customer_id, event.request_hash, is_listed=bool(event.is_listed), holding=holding)
        case CartItemAdded():
            cart.lines[event.item.id] = event.item
            _remember(cart, event.item.id, event.request_hash, event.at)
            cart.holding = cart.holding.after_added(event)
            cart.bucket = cart.bucket.after_write(event.at)
        case CartHoldsExtended():
            for line in event.lines:
                if line.item_id in cart.lines:
                    extended = cart.lines[line.item_id].model_copy(update={"expires_at": line.expires_at})
                    cart.lines[line.item_id] = extended
            _remember(cart, event.extension_id, event.request_hash, event.at)
            cart.bucket = cart.bucket.after_write(event.at)
        case CartItemRemoved():
            line_removed = cart.lines.pop(event.item_id, None)
            cart.holding = cart.holding.after_removed(line_removed, event.at)
        case CartCheckedOut():
            cart.checked_out, cart.order_id, cart.checkout_hash = True, event.order_id, event.request_hash
            cart.checked_out_at = event.at
        case CartReplaced():
            cart.replaced_by = event.replaced_by
    return cart


def _remember(cart: Cart, request_id: UUID, request_hash: str, at: datetime | None) -> None:
    at = at or _LONG_AGO
    oldest = next(iter(cart.requests.values()), None)
    if oldest is not None and at - oldest.at >= REQUEST_MEMORY:
        cart.requests = {key: known for key, known in cart.requests.items() if at - known.at < REQUEST_MEMORY}
    cart.requests[request_id] = RememberedRequest(request_hash, at)


CART = Aggregate(
    "Cart",
    Cart(),
    evolve,
    copy=lambda cart: replace(cart, lines=dict(cart.lines), requests=dict(cart.requests)),
)
