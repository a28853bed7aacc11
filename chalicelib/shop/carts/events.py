"""Defines the events of a cart."""

from uuid import UUID

from chalicelib.platform.eventsourcing.event import Event, Instant, StoredModel
from chalicelib.platform.money import Money
from chalicelib.shop.inventory.events import PoolShare


class CartLine(StoredModel):
    """Describes one selection in a cart, with the names and the price at which it was held.

    No extension can move `expires_at` past `extendable_until`. `shares` is empty in carts of the original.
    """

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
    """Base of the events of one cart; `at` is None in carts of the original."""

    at: Instant | None = None


class CartCreated(CartEvent, stored_as="Cloudbash.Domain.Carts.Events.CartCreatedEvent"):
    """Records that a customer opened a cart."""

    customer_id: UUID
    request_hash: str = ""


class CartItemAdded(CartEvent, stored_as="Cloudbash.Domain.Carts.Events.CartItemAddedEvent"):
    """Records that tickets were held and put into the cart as one line.

    The line is stored under `Item`, where the original put it.
    """

    item: CartLine
    request_hash: str = ""


class CartItemRemoved(CartEvent, stored_as="Cloudbash.Domain.Carts.Events.CartItemRemovedEvent"):
    """Records that the customer took a line out of the cart."""

    item_id: UUID


class ExtendedLine(StoredModel):
    """Names a line whose hold lasts until just before `expires_at` from now on."""

    item_id: UUID
    expires_at: Instant


class CartHoldsExtended(CartEvent, stored_as="Cloudbash.Domain.Carts.Events.CartHoldsExtendedEvent"):
    """Records that the holds of these lines were extended at the customer's request."""

    extension_id: UUID
    lines: tuple[ExtendedLine, ...]
    request_hash: str = ""


class CartCheckedOut(CartEvent, stored_as="Cloudbash.Domain.Carts.Events.CartCheckedOutEvent"):
    """Records that the cart was checked out, and which order it became.

    `order_id` is None in carts of the original, whose orders could not be trusted.
    """

    order_id: UUID | None = None
    request_hash: str = ""
