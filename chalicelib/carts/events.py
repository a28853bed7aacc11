"""What can happen to a cart."""

from uuid import UUID

from chalicelib.eventsourcing.event import Event, Instant, StoredModel
from chalicelib.inventory.events import PoolShare
from chalicelib.money import Money


class CartLine(StoredModel):
    """One selection: names and price are those at which it was held. `shares` is empty in carts of the original."""

    id: UUID
    ticket_type_id: UUID
    quantity: int
    ticket_type_name: str = ""
    concert_id: UUID | None = None
    concert_name: str = ""
    unit_price: Money = Money.zero("EUR")
    shares: tuple[PoolShare, ...] = ()
    expires_at: Instant | None = None


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


class CartCheckedOut(CartEvent, stored_as="Cloudbash.Domain.Carts.Events.CartCheckedOutEvent"):
    """`order_id` is None in carts of the original, which made no orders that could be trusted."""

    order_id: UUID | None = None
    request_hash: str = ""
