"""Tickets that are moved: the old ones admit nobody, stock and money are exact, and each move happens once."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from chalicelib.platform.caller import Actor, Caller
from chalicelib.platform.errors import CloudbashError, IdempotencyKeyReused, InvalidInput, NotFound
from chalicelib.platform.money import CurrencyMismatch
from chalicelib.shop.concerts import commands as concerts
from chalicelib.shop.inventory.ticket_pool import NotOnSale, TicketsSoldOut
from chalicelib.shop.orders.commands import PaymentReturned
from chalicelib.shop.orders.granting import TicketsNotValid
from chalicelib.shop.orders.moves import CUSTOMERS_PAY_WITHIN
from chalicelib.shop.orders.moving import MoveInProgress, TicketsMovedBefore
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
from tests.unit.orders.moved_sale import GINA, MovedSale


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
