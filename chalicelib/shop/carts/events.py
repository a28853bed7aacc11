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


class HoldingPeriod(StoredModel):
    """Says since when a customer has held tickets of a concert without a long break, and when the last hold ended.

    Holds of the lines that are still in the cart, and of unpaid orders, may end later than `ended_at`.
    """

    concert_id: UUID
    began_at: Instant
    ended_at: Instant


class UnpaidOrder(StoredModel):
    """Says how many tickets of a concert an order of the customer holds until just before `held_until`."""

    order_id: UUID
    concert_id: UUID
    quantity: int
    held_until: Instant


class CartEvent(Event, aggregate="Cart"):
    """Base of the events of one cart; `at` is None in carts of the original."""

    at: Instant | None = None


class CartCreated(CartEvent, stored_as="Cloudbash.Domain.Carts.Events.CartCreatedEvent"):
    """Records that a customer opened a cart.

    `is_listed` is true if the customer's list of carts names it; None in carts of before there were lists. `periods`
    and `unpaid` are what the cart takes over from those that it replaces; None if there is nothing.
    """

    customer_id: UUID
    request_hash: str = ""
    is_listed: bool | None = None
    periods: tuple[HoldingPeriod, ...] | None = None
    unpaid: tuple[UnpaidOrder, ...] | None = None


class CartItemAdded(CartEvent, stored_as="Cloudbash.Domain.Carts.Events.CartItemAddedEvent"):
    """Records that tickets were held and put into the cart as one line.

    The line is stored under `Item`, where the original put it. `holding_since` says when the customer's holding period
    of the concert began; None means now.
    """

    item: CartLine
    request_hash: str = ""
    holding_since: Instant | None = None


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


class CartReplaced(CartEvent, stored_as="Cloudbash.Domain.Carts.Events.CartReplacedEvent"):
    """Records that a cart whose holds had all ended gave way to another one of the customer."""

    replaced_by: UUID


class CustomerCartsEvent(Event, aggregate="CustomerCarts"):
    """Base of the events of one customer's list of carts."""

    at: Instant


class CartListed(CustomerCartsEvent, stored_as="Cloudbash.Domain.Carts.Events.CartListedEvent"):
    """Records that a cart was put on the customer's list, in the place of those that it replaces."""

    customer_id: UUID
    cart_id: UUID
    replaces: tuple[UUID, ...] = ()


class CartGivenAgain(CustomerCartsEvent, stored_as="Cloudbash.Domain.Carts.Events.CartGivenAgainEvent"):
    """Records that a request for a cart was answered with one that is open.

    `cart_version` is the version of that cart, as the answer said it.
    """

    request_id: UUID
    request_hash: str
    cart_id: UUID
    cart_version: int
