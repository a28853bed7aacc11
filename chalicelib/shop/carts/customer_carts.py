"""Defines a customer's list of carts: the lock that keeps a person from having more open carts than the limit."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID, uuid5

from chalicelib.platform.errors import IdempotencyKeyReused
from chalicelib.platform.eventsourcing.aggregate import Aggregate
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.shop.carts.cart import REQUEST_MEMORY
from chalicelib.shop.carts.events import CartGivenAgain, CartListed
from chalicelib.shop.carts.limits import Bucket

SNAPSHOT_EVERY = 50


@dataclass(frozen=True, slots=True)
class GivenCart:
    """The answer to a request that was given a cart that was open already."""

    cart_id: UUID
    cart_version: int
    request_hash: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CustomerCarts:
    """Keeps the carts that count against the limit, the oldest first, and what requests were given lately."""

    customer_id: UUID | None = None
    carts: tuple[UUID, ...] = ()
    given: Mapping[UUID, GivenCart] = field(default_factory=dict)
    bucket: Bucket = field(default_factory=Bucket)

    def list_cart(self, customer_id: UUID, cart_id: UUID, replaces: tuple[UUID, ...], now: datetime) -> list[Event]:
        """Put a cart on the list, in the place of others; one that is on it stays."""
        if cart_id in self.carts:
            return []
        return [CartListed(customer_id=customer_id, cart_id=cart_id, replaces=replaces, at=now)]

    def given_to(self, request_id: UUID, request_hash: str) -> GivenCart | None:
        """Return what this very request was given before.

        Raises IdempotencyKeyReused if its body was another.
        """
        given = self.given.get(request_id)
        if given is not None and given.request_hash != request_hash:
            raise IdempotencyKeyReused
        return given


def evolve(listed: CustomerCarts, event: Event) -> CustomerCarts:
    match event:
        case CartListed():
            kept = tuple(key for key in listed.carts if key not in event.replaces)
            bucket = listed.bucket.after_write(event.at)
            return replace(listed, customer_id=event.customer_id, carts=(*kept, event.cart_id), bucket=bucket)
        case CartGivenAgain():
            lately = {key: one for key, one in listed.given.items() if event.at - one.at < REQUEST_MEMORY}
            given = GivenCart(event.cart_id, event.cart_version, event.request_hash, event.at)
            bucket = listed.bucket.after_write(event.at)
            return replace(listed, given={**lately, event.request_id: given}, bucket=bucket)
    return listed


def customer_carts_id(customer_id: UUID) -> UUID:
    """Return the id of a customer's list, which follows from the customer's own."""
    return uuid5(customer_id, "carts")


CUSTOMER_CARTS = Aggregate(
    "CustomerCarts",
    CustomerCarts(),
    evolve,
    owner=lambda listed: listed.customer_id,
    snapshot_every=SNAPSHOT_EVERY,
)
