"""Tickets that are moved: the old ones admit nobody, stock and money are exact, and each move happens once."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from chalicelib.platform.caller import Actor, Caller
from chalicelib.platform.errors import CloudbashError, IdempotencyKeyReused, InvalidInput, NotFound
from chalicelib.platform.money import CurrencyMismatch
from chalicelib.shop.concerts import commands as concerts
from chalicelib.shop.inventory.allowance import ALLOWANCE, CustomerLimitExceeded, allowance_id
from chalicelib.shop.inventory.ticket_pool import NotOnSale, TicketsSoldOut
from chalicelib.shop.orders.commands import PaymentReturned
from chalicelib.shop.orders.complimentary import issue_tickets
from chalicelib.shop.orders.granting import TicketsNotValid
from chalicelib.shop.orders.moves import CUSTOMERS_PAY_WITHIN, MovedTickets, WantedMove, move_tickets
from chalicelib.shop.orders.moving import MoveInProgress, MoveNotPermitted, PlaceLimitExceeded, TicketsMovedBefore
from chalicelib.shop.orders.order import AlreadyPaid, OrderOverdue
from chalicelib.shop.orders.payments.sandbox import DELAY, Token
from chalicelib.shop.orders.policies import set_policy
from chalicelib.shop.orders.refund_policy import PolicyTerms, TicketsOnReversal
from chalicelib.shop.orders.refunding import WantedRefund, refund_order
from chalicelib.shop.orders.relocation import TicketsUsed
from chalicelib.shop.orders.rules import OrderStatus
from chalicelib.shop.orders.settlement import cancel_order, settle_reversals
from chalicelib.shop.orders.ticket import TICKET, TicketNotValid, TicketStatus
from tests.support.shop import CUSTOMER, OPERATOR, ORGANISER, OTHER_CUSTOMER, OTHER_ORGANISER, Shop

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


@pytest.fixture
def moved_sale(memory_shop: Shop) -> MovedSale:
    return MovedSale(memory_shop)


# --- to another holder ------------------------------------------------------------------------------------------------


def test_another_holder_gets_a_new_ticket_and_the_old_one_admits_nobody(moved_sale: MovedSale) -> None:
    old, stays = moved_sale.tickets
    moved = moved_sale.move(holder=GINA, actor=CUSTOMER)
    [new] = set(moved_sale.valid) - {stays}
    assert (old in moved_sale.valid, new != old, moved_sale.sold(moved_sale.standing), moved_sale.kept) == (
        False,
        True,
        2,
        50,
    )
    with pytest.raises(TicketNotValid):
        moved_sale.let_in(old)
    moved_sale.let_in(new)
    assert moved_sale.shop.other_container().load(TICKET, old)[0].status is TicketStatus.REVOKED
    assert moved.event.holder is not None
    assert moved_sale.shop.vault.open(moved.event.holder) == GINA
    assert moved.event.holder.key != str(CUSTOMER.id)


def test_a_holder_is_forgotten_without_the_buyer(moved_sale: MovedSale) -> None:
    holder = moved_sale.move(holder=GINA).event.holder
    buyer = moved_sale.shop.order_state(moved_sale.order_id).buyer
    assert holder is not None
    assert buyer is not None
    moved_sale.shop.vault.erase(UUID(holder.key))
    assert (moved_sale.shop.vault.open(holder), moved_sale.shop.vault.open(buyer) is None) == (None, False)


def test_a_ticket_moved_to_another_holder_goes_back_to_its_pool_once(moved_sale: MovedSale) -> None:
    moved_sale.move(holder=GINA)
    shop, why = moved_sale.shop, "The view is blocked."
    refund_order(shop.repository, shop.gateways, shop.request(ORGANISER), moved_sale.order_id, WantedRefund(why))
    assert (moved_sale.sold(moved_sale.standing), moved_sale.kept) == (0, 0)
    assert shop.order_state(moved_sale.order_id).status is OrderStatus.REFUNDED


# --- to another place -------------------------------------------------------------------------------------------------


def test_a_place_at_the_same_price_is_taken_at_once_and_the_old_one_is_for_sale(moved_sale: MovedSale) -> None:
    old, stays = moved_sale.tickets
    moved_sale.move(moved_sale.other, concert_id=moved_sale.other_concert_id)
    [new] = set(moved_sale.valid) - {stays}
    assert (moved_sale.sold(moved_sale.standing), moved_sale.sold(moved_sale.other), moved_sale.kept) == (1, 1, 50)
    with pytest.raises(TicketNotValid):
        moved_sale.let_in(old)
    moved_sale.let_in(new, moved_sale.other_concert_id)
    assert moved_sale.money_adds_up()


def test_of_a_cheaper_place_the_difference_goes_back(moved_sale: MovedSale) -> None:
    moved = moved_sale.move(moved_sale.stairs, places=(0, 1))
    assert (moved_sale.sold(moved_sale.standing), moved_sale.sold(moved_sale.stairs), moved_sale.kept) == (0, 2, 20)
    assert moved.order.status is OrderStatus.CONFIRMED
    assert moved_sale.money_adds_up()


def test_what_was_given_back_before_counts_towards_the_difference(moved_sale: MovedSale) -> None:
    shop = moved_sale.shop
    amount = moved_sale.shop.order_state(moved_sale.order_id).total.model_copy(update={"amount": Decimal("48.00")})
    wanted = WantedRefund("It was loud.", amount=amount)
    refund_order(shop.repository, shop.gateways, shop.request(ORGANISER), moved_sale.order_id, wanted)
    moved_sale.move(moved_sale.stairs, places=(0, 1))
    assert moved_sale.kept == 2
    refund_order(shop.repository, shop.gateways, shop.request(ORGANISER), moved_sale.order_id, WantedRefund("Sorry."))
    assert (moved_sale.kept, moved_sale.sold(moved_sale.stairs)) == (0, 0)


def test_a_dearer_place_is_held_until_the_difference_is_paid(moved_sale: MovedSale) -> None:
    moved_sale.permit()
    begun = moved_sale.move(moved_sale.balcony, actor=CUSTOMER)
    assert str(begun.event.supplement.amount) == "15.00"
    assert (moved_sale.held(moved_sale.balcony), moved_sale.sold(moved_sale.balcony), moved_sale.valid) == (
        1,
        0,
        moved_sale.tickets,
    )
    moved_sale.shop.pay(moved_sale.order_id)
    assert (
        moved_sale.held(moved_sale.balcony),
        moved_sale.sold(moved_sale.balcony),
        moved_sale.sold(moved_sale.standing),
        moved_sale.kept,
    ) == (0, 1, 1, 65)
    assert moved_sale.money_adds_up()
    with pytest.raises(AlreadyPaid):
        moved_sale.shop.pay(moved_sale.order_id)


def test_what_was_paid_in_two_payments_goes_back_from_both(moved_sale: MovedSale) -> None:
    moved_sale.move(moved_sale.balcony, places=(0, 1))
    moved_sale.shop.pay(moved_sale.order_id)
    assert moved_sale.kept == 80
    shop = moved_sale.shop
    tickets = (moved_sale.valid[0],)
    refund_order(
        shop.repository, shop.gateways, shop.request(ORGANISER), moved_sale.order_id, WantedRefund("a", tickets)
    )
    assert (moved_sale.kept, moved_sale.sold(moved_sale.balcony), moved_sale.money_adds_up()) == (40, 1, True)
    refund_order(shop.repository, shop.gateways, shop.request(ORGANISER), moved_sale.order_id, WantedRefund("b"))
    order = shop.order_state(moved_sale.order_id)
    assert (moved_sale.kept, moved_sale.sold(moved_sale.balcony), order.status) == (0, 0, OrderStatus.REFUNDED)


@pytest.mark.parametrize(
    ("bought_with", "difference_with", "valid", "kept"),
    [
        (Token.REFUNDED_THERE, Token.APPROVED, 0, 0),
        (Token.APPROVED, Token.REFUNDED_THERE, 1, 25),
        (Token.DISPUTE_LOST, Token.APPROVED, 0, 0),
        (Token.APPROVED, Token.DISPUTE_LOST, 1, 25),
        (Token.DISPUTE_WON, Token.APPROVED, 0, 50),
        (Token.APPROVED, Token.DISPUTE_WON, 1, 40),
    ],
)
def test_where_one_of_two_payments_goes_back_the_other_pays_back_its_part_of_the_tickets_that_are_taken(
    memory_shop: Shop, bought_with: Token, difference_with: Token, valid: int, kept: int
) -> None:
    sale = MovedSale(memory_shop, bought_with=bought_with)
    terms = PolicyTerms(tickets_on_reversal=TicketsOnReversal.REVOKE_AT_ONCE)
    set_policy(memory_shop.repository, memory_shop.request(ORGANISER), sale.concert_id, terms)
    sale.move(sale.balcony)
    memory_shop.pay(sale.order_id, difference_with)
    for _ in range(3):
        memory_shop.clock.advance(DELAY)
        for payment_id in memory_shop.order_state(sale.order_id).paying:
            settle_reversals(memory_shop.context(), sale.order_id, payment_id)
    assert (len(sale.valid), sale.kept) == (valid, kept)


def test_a_cancelled_concert_gives_both_payments_back(moved_sale: MovedSale) -> None:
    moved_sale.move(moved_sale.balcony)
    moved_sale.shop.pay(moved_sale.order_id)
    concerts.cancel_concert(moved_sale.shop.repository, moved_sale.shop.request(ORGANISER), moved_sale.concert_id)
    cancel_order(moved_sale.shop.context(), moved_sale.order_id, moved_sale.concert_id, "Cancelled.")
    assert (moved_sale.kept, moved_sale.valid) == (0, [])


def test_only_the_other_concert_gives_money_back_for_what_moved_there(moved_sale: MovedSale) -> None:
    moved_sale.move(moved_sale.other, concert_id=moved_sale.other_concert_id)
    for concert_id, kept in ((moved_sale.concert_id, 25), (moved_sale.other_concert_id, 0)):
        concerts.cancel_concert(moved_sale.shop.repository, moved_sale.shop.request(ORGANISER), concert_id)
        cancel_order(moved_sale.shop.context(), moved_sale.order_id, concert_id, "Cancelled.")
        assert moved_sale.kept == kept


def test_a_move_that_is_not_paid_in_time_ends_and_leaves_everything(moved_sale: MovedSale) -> None:
    moved_sale.permit()
    moved_sale.move(moved_sale.balcony, actor=CUSTOMER)
    moved_sale.shop.clock.advance(CUSTOMERS_PAY_WITHIN)
    with pytest.raises(OrderOverdue):
        moved_sale.shop.pay(moved_sale.order_id)
    moved_sale.shop.settle(moved_sale.order_id)
    assert (moved_sale.held(moved_sale.balcony), moved_sale.valid, moved_sale.kept) == (0, moved_sale.tickets, 50)
    moved_sale.move(moved_sale.stairs)


def test_a_ticket_that_lets_somebody_in_while_the_difference_is_paid_sends_the_money_back(
    moved_sale: MovedSale,
) -> None:
    moved_sale.move(moved_sale.balcony)
    moved_sale.let_in(moved_sale.tickets[0])
    with pytest.raises(PaymentReturned):
        moved_sale.shop.pay(moved_sale.order_id)
    assert (
        moved_sale.held(moved_sale.balcony),
        moved_sale.sold(moved_sale.balcony),
        moved_sale.valid,
        moved_sale.kept,
    ) == (0, 0, moved_sale.tickets, 50)


def test_a_ticket_that_is_refunded_while_the_difference_is_paid_sends_the_money_back(moved_sale: MovedSale) -> None:
    shop = moved_sale.shop
    moved_sale.move(moved_sale.balcony)
    wanted = WantedRefund("Why not.", (moved_sale.tickets[0],))
    refund_order(shop.repository, shop.gateways, shop.request(ORGANISER), moved_sale.order_id, wanted)
    with pytest.raises(PaymentReturned):
        shop.pay(moved_sale.order_id)
    assert (moved_sale.held(moved_sale.balcony), moved_sale.sold(moved_sale.balcony), moved_sale.kept) == (0, 0, 25)


def test_a_late_payment_of_a_difference_takes_the_place_anew_or_goes_back(moved_sale: MovedSale) -> None:
    moved_sale.permit()
    moved_sale.move(moved_sale.balcony, actor=CUSTOMER)
    request = moved_sale.shop.request(CUSTOMER)
    moved_sale.shop.gateway.lose_charge_replies = 1
    with pytest.raises(CloudbashError):
        moved_sale.shop.pay(moved_sale.order_id, caller=request)
    moved_sale.shop.clock.advance(CUSTOMERS_PAY_WITHIN + timedelta(minutes=5))
    moved_sale.shop.occupy(moved_sale.balcony, 2)
    with pytest.raises(PaymentReturned):
        moved_sale.shop.pay(moved_sale.order_id, caller=request)
    assert (moved_sale.kept, moved_sale.valid) == (50, moved_sale.tickets)


# --- the same request again, and refusals -----------------------------------------------------------------------------


def test_the_same_request_again_changes_nothing_and_is_answered_the_same(moved_sale: MovedSale) -> None:
    for to, holder in ((moved_sale.stairs, None), (None, GINA), (moved_sale.balcony, None)):
        caller, place = moved_sale.shop.request(ORGANISER, body="b"), len(moved_sale.tickets) - 1
        first = moved_sale.move(to, (place,), holder=holder, caller=caller)
        before = len(moved_sale.shop.store.read(moved_sale.order_id))
        assert moved_sale.move(to, (place,), holder=holder, caller=caller) == first
        assert len(moved_sale.shop.store.read(moved_sale.order_id)) == before
        another = Caller(ORGANISER, caller.origin, replace(caller.request, request_hash="another"))
        with pytest.raises(IdempotencyKeyReused):
            moved_sale.move(to, (place,), holder=holder, caller=another)


def test_a_ticket_is_moved_once(moved_sale: MovedSale) -> None:
    old = moved_sale.tickets[0]
    moved_sale.move(moved_sale.stairs)
    with pytest.raises(TicketsMovedBefore) as refusal:
        moved_sale.move(moved_sale.other, concert_id=moved_sale.other_concert_id)
    assert refusal.value.facts == {"tickets": [str(old)]}


def test_a_refunded_and_a_used_ticket_stay_where_they_are(moved_sale: MovedSale) -> None:
    shop = moved_sale.shop
    wanted = WantedRefund("Why not.", (moved_sale.tickets[0],))
    refund_order(shop.repository, shop.gateways, shop.request(ORGANISER), moved_sale.order_id, wanted)
    moved_sale.let_in(moved_sale.tickets[1])
    with pytest.raises(TicketsNotValid) as revoked:
        moved_sale.move(moved_sale.stairs)
    with pytest.raises(TicketsUsed) as used:
        moved_sale.move(moved_sale.stairs, (1,))
    assert [one.value.facts for one in (revoked, used)] == [{"tickets": [str(key)]} for key in moved_sale.tickets]


def test_a_second_move_waits_for_the_first(moved_sale: MovedSale) -> None:
    begun = moved_sale.move(moved_sale.balcony)
    with pytest.raises(MoveInProgress) as refusal:
        moved_sale.move(moved_sale.stairs, (1,))
    assert refusal.value.facts["move_id"] == str(begun.event.move_id)


def test_nobody_gets_a_place_that_is_not_there(moved_sale: MovedSale) -> None:
    moved_sale.shop.occupy(moved_sale.balcony, 2)
    with pytest.raises(TicketsSoldOut):
        moved_sale.move(moved_sale.balcony)
    concerts.cancel_concert(moved_sale.shop.repository, moved_sale.shop.request(ORGANISER), moved_sale.other_concert_id)
    with pytest.raises(NotOnSale):
        moved_sale.move(moved_sale.other, concert_id=moved_sale.other_concert_id)
    with pytest.raises(NotFound):
        moved_sale.move(moved_sale.other)


def test_tickets_stay_with_their_organiser_and_currency(moved_sale: MovedSale) -> None:
    shop = moved_sale.shop
    foreign = shop.draft(OTHER_ORGANISER)
    kind = shop.ticket_type(foreign, 4, actor=OTHER_ORGANISER)
    shop.publish(foreign, OTHER_ORGANISER)
    with pytest.raises(InvalidInput):
        moved_sale.move(kind, concert_id=foreign, actor=OPERATOR)
    dollars, place = shop.on_sale(currency="USD")
    with pytest.raises(CurrencyMismatch):
        moved_sale.move(place, concert_id=dollars)


@pytest.mark.parametrize("actor", [OTHER_CUSTOMER, OTHER_ORGANISER])
def test_others_find_no_order(moved_sale: MovedSale, actor: Actor) -> None:
    with pytest.raises(NotFound):
        moved_sale.move(moved_sale.stairs, actor=actor)


def test_a_move_that_changes_nothing_is_refused(moved_sale: MovedSale) -> None:
    with pytest.raises(InvalidInput):
        moved_sale.move()
    with pytest.raises(InvalidInput):
        moved_sale.move(moved_sale.standing)


# --- what binds customers ---------------------------------------------------------------------------------------------


def test_customers_go_by_the_policy_for_places_and_not_for_holders(moved_sale: MovedSale) -> None:
    with pytest.raises(MoveNotPermitted):
        moved_sale.move(moved_sale.stairs, actor=CUSTOMER)
    moved_sale.move(holder=GINA, actor=CUSTOMER)
    moved_sale.permit()
    moved_sale.move(moved_sale.stairs, (1,), actor=CUSTOMER)
    moved_sale.shop.clock.advance(timedelta(days=1))
    with pytest.raises(MoveNotPermitted) as refusal:
        moved_sale.move(moved_sale.standing, (3,), actor=CUSTOMER)
    assert refusal.value.facts["until"] is not None


def test_customers_take_no_more_of_a_type_than_one_order_may_have(moved_sale: MovedSale) -> None:
    moved_sale.permit()
    order_id = moved_sale.order_id
    moved_sale.move(moved_sale.balcony, (0, 1), actor=CUSTOMER)
    moved_sale.shop.pay(order_id)
    moved_sale.order_id = moved_sale.bought(2)
    with pytest.raises(TicketsSoldOut):
        moved_sale.move(moved_sale.balcony, actor=CUSTOMER)
    kind = moved_sale.shop.ticket_type(moved_sale.concert_id, 5, "25.00", name="Boxes", max_per_order=1)
    with pytest.raises(PlaceLimitExceeded):
        moved_sale.move(kind, (0, 1), actor=CUSTOMER)
    moved_sale.move(kind, (0, 1))


def test_a_move_keeps_within_what_one_customer_may_have(memory_shop: Shop) -> None:
    moved_sale = MovedSale(memory_shop, max_per_customer=2)
    moved_sale.permit()
    moved_sale.move(moved_sale.stairs, actor=CUSTOMER)
    moved_sale.move(moved_sale.balcony, (1,), actor=CUSTOMER)
    memory_shop.pay(moved_sale.order_id)
    moved_sale.move(holder=GINA, places=(3,), actor=CUSTOMER)
    assert moved_sale.counted == 2
    refund_order(
        memory_shop.repository,
        memory_shop.gateways,
        memory_shop.request(ORGANISER),
        moved_sale.order_id,
        WantedRefund("x"),
    )
    assert (moved_sale.counted, moved_sale.kept) == (0, 0)


@pytest.mark.parametrize("place", ["standing", "balcony"])
def test_a_place_of_another_concert_is_within_its_limit_whatever_it_costs(memory_shop: Shop, place: str) -> None:
    moved_sale = MovedSale(memory_shop, max_per_customer=3)
    kind = getattr(moved_sale, place)
    moved_sale.order_id = memory_shop.order(moved_sale.other, 2)
    memory_shop.pay(moved_sale.order_id)
    moved_sale.permit(concert_id=moved_sale.other_concert_id)
    with pytest.raises(CustomerLimitExceeded) as refusal:
        moved_sale.move(kind, (0, 1), concert_id=moved_sale.concert_id, actor=CUSTOMER)
    assert refusal.value.facts == {"limit": 3, "taken": 2}
    moved_sale.move(kind, concert_id=moved_sale.concert_id, actor=CUSTOMER)
    assert moved_sale.counted == 3
    if place == "balcony":
        memory_shop.pay(moved_sale.order_id)
    moved_sale.move(kind, (1,), concert_id=moved_sale.concert_id)
    assert moved_sale.counted == 4


def test_a_place_that_is_not_paid_in_time_counts_no_more(memory_shop: Shop) -> None:
    moved_sale = MovedSale(memory_shop, max_per_customer=3)
    moved_sale.order_id = memory_shop.order(moved_sale.other, 1)
    memory_shop.pay(moved_sale.order_id)
    moved_sale.move(moved_sale.balcony, concert_id=moved_sale.concert_id)
    assert moved_sale.counted == 3
    memory_shop.clock.advance(timedelta(days=1))
    memory_shop.settle(moved_sale.order_id)
    assert moved_sale.counted == 2


def test_free_places_are_limited_as_at_the_checkout(moved_sale: MovedSale) -> None:
    moved_sale.permit()
    free = moved_sale.shop.ticket_type(moved_sale.concert_id, 5, "0.00", name="Lawn", max_per_order=1)
    moved_sale.move(free, actor=CUSTOMER, free_limit=1)
    moved_sale.order_id = moved_sale.bought(2)
    with pytest.raises(CustomerLimitExceeded):
        moved_sale.move(free, actor=CUSTOMER, free_limit=1)


def test_what_was_given_away_costs_nothing_elsewhere(moved_sale: MovedSale) -> None:
    shop = moved_sale.shop
    issued = issue_tickets(
        shop.repository, shop.vault, shop.request(ORGANISER), moved_sale.concert_id, moved_sale.standing, 1, GINA
    )
    moved_sale.order_id = issued.order_id
    moved = moved_sale.move(moved_sale.balcony)
    assert (str(moved.event.supplement.amount), moved_sale.sold(moved_sale.balcony), len(moved_sale.valid)) == (
        "0.00",
        1,
        1,
    )


# --- to types that share their stock ----------------------------------------------------------------------------------


def test_a_ticket_moves_between_types_of_one_area_and_keeps_within_a_ceiling(memory_shop: Shop) -> None:
    concert_id, area_id, [adult, child] = memory_shop.area_on_sale(4, adult=None, child=1)
    order_id = memory_shop.order(adult, 2)
    memory_shop.pay(order_id)
    moved_sale = MovedSale(memory_shop)
    moved_sale.order_id, moved_sale.concert_id = order_id, concert_id
    moved_sale.move(child)
    pools = memory_shop.area_pools(area_id)
    assert sum(pool.sold for pool in pools) == 2
    assert [sum(pool.sold_of.get(kind, 0) for pool in pools) for kind in (adult, child)] == [1, 1]
    with pytest.raises(TicketsSoldOut):
        moved_sale.move(child, (1,))
