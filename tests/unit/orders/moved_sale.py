"""A sale whose tickets are moved, which the tests of moves share."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from chalicelib.platform.caller import Actor, Caller
from chalicelib.shop.inventory.allowance import ALLOWANCE, allowance_id
from chalicelib.shop.orders.moves import MovedTickets, WantedMove, move_tickets
from chalicelib.shop.orders.payments.sandbox import Token
from chalicelib.shop.orders.policies import set_policy
from chalicelib.shop.orders.refund_policy import PolicyTerms
from tests.support.shop import CUSTOMER, ORGANISER, Shop

GINA = {"name": "Gina Guest", "email": "gina@example.org"}


class MovedSale:
    """A concert with places at 25.00, 40.00 and 10.00, another one of its organiser, and an order of two at 25.00."""

    def __init__(self, shop: Shop, max_per_customer: int | None = None, bought_with: Token = Token.APPROVED) -> None:
        self.shop = shop
        self.concert_id = shop.draft(max_per_customer=max_per_customer)
        self.standing = shop.ticket_type(self.concert_id, 4, "25.00")
        self.balcony = shop.ticket_type(self.concert_id, 2, "40.00", name="Balcony", max_per_order=2)
        self.stairs = shop.ticket_type(self.concert_id, 3, "10.00", name="Stairs")
        shop.publish(self.concert_id)
        self.other_concert_id, self.other = shop.on_sale(4, "25.00")
        self.order_id = self.bought(2, bought_with)

    def bought(self, quantity: int, token: Token = Token.APPROVED) -> UUID:
        order_id = self.shop.order(self.standing, quantity)
        self.shop.pay(order_id, token)
        return order_id

    def permit(self, until: datetime | None = None, concert_id: UUID | None = None) -> None:
        terms = PolicyTerms(moves_until=until or self.shop.clock() + timedelta(days=1))
        set_policy(self.shop.repository, self.shop.request(ORGANISER), concert_id or self.concert_id, terms)

    @property
    def tickets(self) -> list[UUID]:
        return [ticket.id for ticket in self.shop.order_state(self.order_id).tickets]

    @property
    def valid(self) -> list[UUID]:
        return [ticket.id for ticket in self.shop.order_state(self.order_id).valid_tickets]

    def move(
        self,
        to: UUID | None = None,
        places: Sequence[int] = (0,),
        actor: Actor = ORGANISER,
        holder: dict[str, str] | None = None,
        concert_id: UUID | None = None,
        caller: Caller | None = None,
        free_limit: int | None = None,
    ) -> MovedTickets:
        wanted = WantedMove(tuple(self.tickets[place] for place in places), to, concert_id, holder)
        shop = self.shop
        return move_tickets(
            shop.other_container(),
            shop.vault,
            shop.gateways,
            caller or shop.request(actor),
            self.order_id,
            wanted,
            free_limit,
        )

    def sold(self, kind: UUID) -> int:
        return sum(pool.sold for pool in self.shop.pools(kind))

    def held(self, kind: UUID) -> int:
        return sum(pool.at(self.shop.clock()).held for pool in self.shop.pools(kind))

    @property
    def counted(self) -> int:
        """What counts in the customer's allowance for the concert."""
        key = allowance_id(self.concert_id, CUSTOMER.id)
        return self.shop.other_container().load(ALLOWANCE, key)[0].taken

    def let_in(self, ticket_id: UUID, concert_id: UUID | None = None) -> None:
        place = [ticket.id for ticket in self.shop.order_state(self.order_id).tickets].index(ticket_id)
        self.shop.let_in(concert_id or self.concert_id, self.shop.code(self.order_id, place))

    @property
    def kept(self) -> int:
        """What the provider took less what it gave back, in whole euros."""
        taken = self.shop.gateway.taken_for(self.order_id)
        assert taken == int(taken)
        return int(taken)

    def money_adds_up(self) -> bool:
        """Paid less refunded is the price of the valid tickets, as long as no fee is kept and nothing given back."""
        order = self.shop.order_state(self.order_id)
        prices = [line.unit_price.amount for line in order.lines for _ in range(line.quantity)]
        worth = [price for ticket, price in zip(order.tickets, prices, strict=True) if ticket.id in order.valid]
        return Decimal(self.kept) == sum(worth, Decimal(0))
