"""Defines what people, providers and the organiser did at a sale, as steps that can be taken again."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from chalicelib.platform.money import Money
from chalicelib.shop.carts.events import CartCreated, CartLine
from chalicelib.shop.inventory.events import TicketPoolEvent, TicketsReturned


@dataclass(frozen=True, slots=True)
class Take:
    """A customer asked for tickets, in a cart that began with `cart`. `line` is what the cart got.

    `holding_since` is when the customer's holding period of the concert began, and `hold_for` how long a hold lasted.
    Lines of other concerts have no shares.
    """

    at: datetime
    cart_id: UUID
    cart: CartCreated
    line: CartLine
    holding_since: datetime
    hold_for: timedelta


@dataclass(frozen=True, slots=True)
class Extend:
    """A customer asked to hold the tickets of a cart for longer."""

    at: datetime
    cart_id: UUID
    extension_id: UUID
    hold_for: timedelta


@dataclass(frozen=True, slots=True)
class Remove:
    """A customer took a line out of a cart."""

    at: datetime
    cart_id: UUID
    item_id: UUID


@dataclass(frozen=True, slots=True)
class CheckOut:
    """A customer checked a cart out. The order was to be paid within `pay_within`."""

    at: datetime
    cart_id: UUID
    order_id: UUID
    pay_within: timedelta


@dataclass(frozen=True, slots=True)
class StartPayment:
    """A customer began to pay an order."""

    at: datetime
    order_id: UUID
    payment_id: UUID
    provider: str


@dataclass(frozen=True, slots=True)
class Sold:
    """Says how many tickets of a line an order got out of one pool."""

    pool_id: UUID
    hold_id: UUID
    quantity: int


@dataclass(frozen=True, slots=True)
class EndPayment:
    """The provider took the money, or declined.

    `sold` is what a payment that confirmed its order got. `wrong_amount` is what the provider took if that was not the
    order's total.
    """

    at: datetime
    order_id: UUID
    payment_id: UUID
    is_paid: bool
    sold: tuple[Sold, ...] = ()
    wrong_amount: Money | None = None

    @property
    def sold_by_line(self) -> Counter[UUID]:
        """Return how many tickets each line got."""
        sold: Counter[UUID] = Counter()
        for one in self.sold:
            sold[one.hold_id] += one.quantity
        return sold


@dataclass(frozen=True, slots=True)
class Expire:
    """The shop found an order unpaid, so long after its deadline."""

    at: datetime
    order_id: UUID
    late_by: timedelta


@dataclass(frozen=True, slots=True)
class Cancel:
    """An unpaid order was cancelled, by its customer or with its concert."""

    at: datetime
    order_id: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class GiveBack:
    """Tickets of a confirmed order were given back: so many of each hold, and `returned` is what pools took."""

    at: datetime
    order_id: UUID
    freed: tuple[tuple[UUID, int], ...]
    returned: tuple[tuple[UUID, TicketsReturned], ...]


@dataclass(frozen=True, slots=True)
class ChangeStock:
    """Something happened to a pool that no cart and no order asked for: it was opened, changed, swept or closed."""

    at: datetime
    pool_id: UUID
    event: TicketPoolEvent


Step = Take | Extend | Remove | CheckOut | StartPayment | EndPayment | Expire | Cancel | GiveBack | ChangeStock
