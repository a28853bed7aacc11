"""What can happen to a cart."""

from uuid import UUID

from chalicelib.platform.eventsourcing.event import Event, Instant, StoredModel
from chalicelib.platform.money import Money
from chalicelib.shop.inventory.events import PoolShare


class CartLine(StoredModel):
    """One selection: names and price are those at which it was held, and the deadline that no extension can pass.
    `shares` is empty in carts of the original."""

    id: UUID
    ticket_type_id: UUID
    quantity: int
    ticket_type_name: str = ""
    concert_id: UUID | None = None
    concert_name: str = ""
    unit_price: Money = Money.zero("EUR")
    shares: tuple[PoolShare, ...] = ()
    expires_at: Instant | None = None
    extendable_until: Instant | None = None


class CartEvent(Event, aggregate="Cart"):
    """A fact about one cart. `at` is None in carts of the original."""

    at: Instant | None = None


class CartCreated(CartEvent, stored_as="Cloudbash.Domain.Carts.Events.CartCreatedEvent"):
    customer_id: UUID
    request_hash: str = ""


class CartItemAdded(CartEvent, stored_as="Cloudbash.Domain.Carts.Events.CartItemAddedEvent"):
    """The line stands under `Item`, where the original put it."""

    item: CartLine
    request_hash: str = ""


class CartItemRemoved(CartEvent, stored_as="Cloudbash.Domain.Carts.Events.CartItemRemovedEvent"):
    item_id: UUID


class ExtendedLine(StoredModel):
    """A line that is held until just before `expires_at` from now on."""

    item_id: UUID
    expires_at: Instant


class CartHoldsExtended(CartEvent, stored_as="Cloudbash.Domain.Carts.Events.CartHoldsExtendedEvent"):
    """The customer asked for more time, and got it for these lines."""

    extension_id: UUID
    lines: tuple[ExtendedLine, ...]
    request_hash: str = ""


class CartCheckedOut(CartEvent, stored_as="Cloudbash.Domain.Carts.Events.CartCheckedOutEvent"):
    """`order_id` is None in carts of the original, which made no orders that could be trusted."""

    order_id: UUID | None = None
    request_hash: str = ""
