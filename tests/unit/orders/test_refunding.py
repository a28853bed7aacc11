"""Refunds that customers, organisers and operators ask for: money, tickets, stock and allowance move together."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from chalicelib.platform.caller import Actor, Role
from chalicelib.platform.errors import IdempotencyKeyReused, InvalidInput, NotFound
from chalicelib.platform.eventsourcing.codec import decode
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.money import Money
from chalicelib.shop.concerts import commands as concerts
from chalicelib.shop.concerts.concert import ConcertDetails
from chalicelib.shop.concerts.live_commands import move_concert, postpone_concert
from chalicelib.shop.concerts.windows import ConcertDates
from chalicelib.shop.inventory.allowance import ALLOWANCE, CustomerLimitExceeded, allowance_id
from chalicelib.shop.inventory.ticket_pool import TicketsSoldOut, pool_id
from chalicelib.shop.orders.events import RefundCompleted, RefundGranted, TicketRevocationCompleted, TicketRevoked
from chalicelib.shop.orders.granting import GrantedBy, RefundNotPermitted
from chalicelib.shop.orders.payments.sandbox import DELAY, Token
from chalicelib.shop.orders.policies import set_policy
from chalicelib.shop.orders.refund_policy import PolicyTerms, TicketsOnReversal
from chalicelib.shop.orders.refunding import GrantedRefund, RefundTooLarge, WantedRefund, refund_order
from chalicelib.shop.orders.relocation import TicketsUsed
from chalicelib.shop.orders.rules import OrderStatus
from chalicelib.shop.orders.settlement import settle_reversals
from chalicelib.shop.orders.ticket import TicketRefunded
from tests.support.machinery import Machinery
from tests.support.shop import CUSTOMER, OPERATOR, ORGANISER, OTHER_CUSTOMER, OTHER_ORGANISER, Shop

WHY = "The view is blocked."
NOTHING = Decimal(0)


def bought(shop: Shop, *ticket_types: UUID, quantity: int = 2, token: str = "tok_visa") -> UUID:
    cart_id = shop.cart()
    for ticket_type_id in ticket_types:
        shop.add(cart_id, ticket_type_id, quantity)
    order_id = shop.check_out(cart_id).order_id
    shop.pay(order_id, token)
    return order_id


def refund(
    shop: Shop, order_id: UUID, wanted: WantedRefund, actor: Actor = ORGANISER, key: str | None = None
) -> GrantedRefund:
    caller = shop.request(actor, key, body=str(wanted))
    return refund_order(shop.other_container(), shop.gateways, caller, order_id, wanted)


def let_customers(shop: Shop, concert_id: UUID, fee_percent: int = 0) -> None:
    until = shop.clock() + timedelta(days=1)
    set_policy(shop.repository, shop.request(ORGANISER), concert_id, PolicyTerms(until, fee_percent))


def tickets_of(shop: Shop, order_id: UUID) -> list[UUID]:
    return [ticket.id for ticket in shop.order_state(order_id).tickets]


@pytest.mark.parametrize(("actor", "by"), [(ORGANISER, GrantedBy.ORGANISER), (OPERATOR, GrantedBy.OPERATOR)])
def test_one_ticket_goes_back_and_is_for_sale_again(memory_shop: Shop, actor: Actor, by: GrantedBy) -> None:
    _, ticket_type_id = memory_shop.on_sale(quantity=2)
    order_id = bought(memory_shop, ticket_type_id)
    first, second = tickets_of(memory_shop, order_id)
    granted = refund(memory_shop, order_id, WantedRefund(WHY, (first,)), actor)
    order = memory_shop.order_state(order_id)
    assert (granted.granted.by, order.status, order.valid) == (by, OrderStatus.CONFIRMED, frozenset({second}))
    assert memory_shop.gateway.taken_for(order_id) == Decimal("25.00")
    assert memory_shop.pool(ticket_type_id).sold == 1
    assert not order.is_unfinished
    memory_shop.add(memory_shop.cart(OTHER_CUSTOMER), ticket_type_id, 1, memory_shop.request(OTHER_CUSTOMER))


def test_a_sold_out_concert_sells_what_came_back_and_not_what_stays_away(memory_shop: Shop) -> None:
    _, ticket_type_id = memory_shop.on_sale(quantity=2)
    order_id = bought(memory_shop, ticket_type_id)
    first, second = tickets_of(memory_shop, order_id)
    cart_id = memory_shop.cart(OTHER_CUSTOMER)

    def other_adds() -> None:
        memory_shop.add(cart_id, ticket_type_id, 1, memory_shop.request(OTHER_CUSTOMER))

    with pytest.raises(TicketsSoldOut):
        other_adds()
    refund(memory_shop, order_id, WantedRefund(WHY, (first,), restock=False))
    with pytest.raises(TicketsSoldOut):
        other_adds()
    refund(memory_shop, order_id, WantedRefund(WHY, (second,)))
    other_adds()


def test_every_pool_gets_back_what_it_had_sold_and_not_what_others_bought_there(memory_shop: Shop) -> None:
    _, ticket_type_id = memory_shop.on_sale(quantity=60, max_per_order=40)

    def sold() -> Counter[UUID]:
        return Counter(
            {pool_id(ticket_type_id, n): one.sold for n, one in enumerate(memory_shop.pools(ticket_type_id))}
        )

    bought(memory_shop, ticket_type_id, quantity=5)
    order_id = bought(memory_shop, ticket_type_id, quantity=40)
    bought(memory_shop, ticket_type_id, quantity=15)
    [line] = memory_shop.order_state(order_id).lines
    of_others = sold() - Counter({share.pool_id: share.quantity for share in line.shares})
    refund(memory_shop, order_id, WantedRefund(WHY, tuple(tickets_of(memory_shop, order_id)[:10])))
    freed = sold()
    assert sorted(freed.values()) == [20, 30]
    bought(memory_shop, ticket_type_id, quantity=10)
    refund(memory_shop, order_id, WantedRefund(WHY))
    assert sold() == of_others + Counter({min(freed, key=lambda key: freed[key]): 10})


def test_the_allowance_is_free_whether_the_ticket_is_sold_again_or_not(memory_shop: Shop) -> None:
    concert_id = memory_shop.draft(max_per_customer=2)
    ticket_type_id = memory_shop.ticket_type(concert_id)
    memory_shop.publish(concert_id)
    order_id = bought(memory_shop, ticket_type_id)
    with pytest.raises(CustomerLimitExceeded):
        memory_shop.add(memory_shop.cart(), ticket_type_id, 1)
    refund(memory_shop, order_id, WantedRefund(WHY, tuple(tickets_of(memory_shop, order_id)[:1]), restock=False))
    cart_id = memory_shop.cart()
    memory_shop.add(cart_id, ticket_type_id, 1)
    with pytest.raises(CustomerLimitExceeded):
        memory_shop.add(cart_id, ticket_type_id, 1)


def test_a_repeated_request_moves_no_more_money_and_gets_its_answer(memory_shop: Shop) -> None:
    _, ticket_type_id = memory_shop.on_sale()
    order_id = bought(memory_shop, ticket_type_id)
    amount = WantedRefund(WHY, amount=Money.of("7.50", "EUR"))
    first = refund(memory_shop, order_id, amount, key="refund")
    before = memory_shop.log([order_id])
    assert refund(memory_shop, order_id, amount, key="refund") == first
    assert memory_shop.log([order_id]) == before
    assert memory_shop.gateway.taken_for(order_id) == Decimal("42.50")
    with pytest.raises(IdempotencyKeyReused):
        refund(memory_shop, order_id, WantedRefund(WHY, amount=Money.of("7.51", "EUR")), key="refund")


def test_a_refund_whose_reply_was_lost_is_finished_by_its_process(running: Machinery) -> None:
    shop = running.shop
    _, ticket_type_id = shop.on_sale()
    order_id = bought(shop, ticket_type_id)
    shop.gateway.lose_refund_replies = 1
    refund(shop, order_id, WantedRefund(WHY))
    assert shop.order_state(order_id).status is OrderStatus.REFUNDING
    running.run_until_quiet()
    assert (shop.order_state(order_id).status, shop.gateway.taken_for(order_id)) == (OrderStatus.REFUNDED, NOTHING)
    told = [decode(stored) for stored in shop.store.read(order_id)]
    assert sum(isinstance(event, RefundCompleted) for event in told) == 1


def test_the_log_says_who_refunded(memory_shop: Shop) -> None:
    _, ticket_type_id = memory_shop.on_sale()
    order_id = bought(memory_shop, ticket_type_id)
    refund(memory_shop, order_id, WantedRefund(WHY))
    [stored] = [one for one in memory_shop.store.read(order_id) if isinstance(decode(one), RefundGranted)]
    assert stored.actor_id == str(ORGANISER.id)


@pytest.mark.parametrize("actor", [OTHER_ORGANISER, OTHER_CUSTOMER, Actor(ORGANISER.id, frozenset({Role.CUSTOMER}))])
def test_nobody_else_finds_the_order(memory_shop: Shop, actor: Actor) -> None:
    _, ticket_type_id = memory_shop.on_sale()
    order_id = bought(memory_shop, ticket_type_id)
    with pytest.raises(NotFound):
        refund(memory_shop, order_id, WantedRefund(WHY), actor)


def test_an_organiser_gives_back_what_is_theirs_of_an_order(memory_shop: Shop) -> None:
    _, theirs = memory_shop.on_sale()
    other_id = memory_shop.draft(OTHER_ORGANISER)
    others = memory_shop.ticket_type(other_id, price="40.00", actor=OTHER_ORGANISER)
    memory_shop.publish(other_id, OTHER_ORGANISER)
    order_id = bought(memory_shop, theirs, others)
    with pytest.raises(InvalidInput):
        refund(memory_shop, order_id, WantedRefund(WHY, tuple(tickets_of(memory_shop, order_id)[3:])))
    refund(memory_shop, order_id, WantedRefund(WHY))
    assert memory_shop.gateway.taken_for(order_id) == Decimal("80.00")
    assert len(memory_shop.order_state(order_id).valid) == 2


def test_staff_must_say_why_and_customers_cannot(memory_shop: Shop) -> None:
    concert_id, ticket_type_id = memory_shop.on_sale()
    let_customers(memory_shop, concert_id)
    order_id = bought(memory_shop, ticket_type_id)
    for wanted, actor in ((WantedRefund(), ORGANISER), (WantedRefund(WHY), CUSTOMER)):
        with pytest.raises(InvalidInput):
            refund(memory_shop, order_id, wanted, actor)


# --- customers -------------------------------------------------------------------------------------------------------


def test_a_customer_gives_a_ticket_back_less_the_fee(memory_shop: Shop) -> None:
    concert_id, ticket_type_id = memory_shop.on_sale()
    let_customers(memory_shop, concert_id, fee_percent=10)
    order_id = bought(memory_shop, ticket_type_id)
    refund(memory_shop, order_id, WantedRefund(tickets=tuple(tickets_of(memory_shop, order_id)[:1])), CUSTOMER)
    assert memory_shop.gateway.taken_for(order_id) == Decimal("27.50")
    assert memory_shop.pool(ticket_type_id).sold == 1


def test_without_a_policy_a_customer_gives_nothing_back(memory_shop: Shop) -> None:
    concert_id, ticket_type_id = memory_shop.on_sale()
    order_id = bought(memory_shop, ticket_type_id)
    with pytest.raises(RefundNotPermitted):
        refund(memory_shop, order_id, WantedRefund(), CUSTOMER)
    let_customers(memory_shop, concert_id)
    memory_shop.clock.advance(timedelta(days=1))
    with pytest.raises(RefundNotPermitted):
        refund(memory_shop, order_id, WantedRefund(), CUSTOMER)


def test_after_a_postponement_who_bought_before_may_have_all_of_the_money_back(memory_shop: Shop) -> None:
    concert_id, ticket_type_id = memory_shop.on_sale(quantity=8)
    let_customers(memory_shop, concert_id, fee_percent=50)
    early = bought(memory_shop, ticket_type_id)
    until = memory_shop.clock.advance(timedelta(hours=1)) + timedelta(days=9)
    postpone_concert(memory_shop.repository, memory_shop.request(ORGANISER), concert_id, until)
    tickets = tickets_of(memory_shop, early)
    memory_shop.clock.advance(timedelta(days=9) - timedelta(seconds=1))
    first = refund(memory_shop, early, WantedRefund(tickets=tuple(tickets[:1])), CUSTOMER)
    [part] = first.granted.parts
    assert (part.amount.amount, part.fee.amount) == (Decimal("25.00"), NOTHING)
    memory_shop.clock.advance(timedelta(seconds=1))
    with pytest.raises(RefundNotPermitted):
        refund(memory_shop, early, WantedRefund(tickets=tuple(tickets[1:])), CUSTOMER)


def test_what_a_move_promised_is_not_for_who_bought_afterwards(memory_shop: Shop) -> None:
    concert_id, ticket_type_id = memory_shop.on_sale()
    starts_at = memory_shop.clock() + timedelta(days=90)
    dates = ConcertDates(starts_at, starts_at + timedelta(hours=3))
    until = memory_shop.clock() + timedelta(days=9)
    move_concert(memory_shop.repository, memory_shop.request(ORGANISER), concert_id, dates, None, until)
    memory_shop.clock.advance(timedelta(hours=1))
    late = bought(memory_shop, ticket_type_id)
    with pytest.raises(RefundNotPermitted):
        refund(memory_shop, late, WantedRefund(), CUSTOMER)


def test_a_customer_relies_on_the_policy_of_the_day_of_the_order(memory_shop: Shop) -> None:
    concert_id, ticket_type_id = memory_shop.on_sale()
    let_customers(memory_shop, concert_id, fee_percent=10)
    order_id = bought(memory_shop, ticket_type_id)
    memory_shop.clock.advance(timedelta(hours=1))
    set_policy(memory_shop.repository, memory_shop.request(ORGANISER), concert_id, PolicyTerms())
    late_id = bought(memory_shop, ticket_type_id)
    with pytest.raises(RefundNotPermitted):
        refund(memory_shop, late_id, WantedRefund(), CUSTOMER)
    refund(memory_shop, order_id, WantedRefund(), CUSTOMER)
    assert memory_shop.gateway.taken_for(order_id) == Decimal("5.00")


def test_a_ticket_that_let_somebody_in_stays_paid_and_one_that_went_back_lets_nobody_in(memory_shop: Shop) -> None:
    concert_id, ticket_type_id = memory_shop.on_sale()
    let_customers(memory_shop, concert_id)
    order_id = bought(memory_shop, ticket_type_id)
    used, unused = tickets_of(memory_shop, order_id)
    codes = [memory_shop.code(order_id, place) for place in range(2)]
    memory_shop.let_in(concert_id, codes[0])
    with pytest.raises(TicketsUsed) as refusal:
        refund(memory_shop, order_id, WantedRefund(), CUSTOMER)
    assert refusal.value.facts == {"tickets": [str(used)]}
    refund(memory_shop, order_id, WantedRefund(tickets=(unused,)), CUSTOMER)
    with pytest.raises(TicketRefunded):
        memory_shop.let_in(concert_id, codes[1])
    assert memory_shop.gateway.taken_for(order_id) == Decimal("25.00")


def test_a_customer_who_has_more_tickets_than_a_commit_takes_gives_them_back_by_and_by(memory_shop: Shop) -> None:
    concert_id, ticket_type_id = memory_shop.on_sale(quantity=100, max_per_order=60)
    let_customers(memory_shop, concert_id)
    order_id = bought(memory_shop, ticket_type_id, quantity=60)
    with pytest.raises(RefundTooLarge):
        refund(memory_shop, order_id, WantedRefund(), CUSTOMER)
    for start in (0, 40):
        some = tuple(tickets_of(memory_shop, order_id)[start : start + 40])
        refund(memory_shop, order_id, WantedRefund(tickets=some), CUSTOMER)
    assert (memory_shop.order_state(order_id).status, memory_shop.gateway.taken_for(order_id)) == (
        OrderStatus.REFUNDED,
        NOTHING,
    )


def test_of_a_large_order_the_tickets_are_told_by_and_by(running: Machinery) -> None:
    shop = running.shop
    _, ticket_type_id = shop.on_sale(quantity=200, max_per_order=150)
    order_id = bought(shop, ticket_type_id, quantity=150)
    first, *rest = tickets_of(shop, order_id)
    refund(shop, order_id, WantedRefund(WHY, tuple(rest)))
    refund(shop, order_id, WantedRefund(WHY, (first,)))
    running.run_until_quiet()
    told = [decode(stored) for stored in shop.store.read(order_id)]
    assert sum(isinstance(event, TicketRevocationCompleted) for event in told) == 1
    for ticket in (first, *rest):
        assert [type(decode(stored)) for stored in shop.store.read(ticket)] == [TicketRevoked]
    assert (shop.order_state(order_id).status, shop.pool(ticket_type_id).sold) == (OrderStatus.REFUNDED, 0)


def test_a_concert_that_is_cancelled_afterwards_gives_back_the_rest(running: Machinery) -> None:
    shop = running.shop
    concert_id, ticket_type_id = shop.on_sale()
    order_id = bought(shop, ticket_type_id)
    refund(shop, order_id, WantedRefund(WHY, tuple(tickets_of(shop, order_id)[:1])))
    refund(shop, order_id, WantedRefund(WHY, amount=Money.of("5.00", "EUR")))
    concerts.cancel_concert(shop.repository, shop.request(ORGANISER), concert_id)
    running.run_until_quiet()
    assert (shop.order_state(order_id).status, shop.gateway.taken_for(order_id)) == (OrderStatus.REFUNDED, NOTHING)


# --- money that is away at the provider ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "while_open", "in_the_end"),
    [
        (TicketsOnReversal.REVOKE_AT_ONCE, 0, 0),
        (TicketsOnReversal.REVOKE_WHEN_FINAL, 2, 0),
        (TicketsOnReversal.KEEP, 2, 2),
    ],
)
@pytest.mark.parametrize("token", [Token.DISPUTE_LOST, Token.REFUNDED_THERE])
def test_the_organiser_says_what_becomes_of_tickets_whose_money_is_away(
    running: Machinery, policy: TicketsOnReversal, while_open: int, in_the_end: int, token: Token
) -> None:
    shop = running.shop
    concert_id, ticket_type_id = shop.on_sale()
    terms = PolicyTerms(tickets_on_reversal=policy)
    set_policy(shop.repository, shop.request(ORGANISER), concert_id, terms)
    order_id = bought(shop, ticket_type_id, token=token)
    valid = []
    for _ in range(2):
        shop.clock.advance(DELAY)
        settle_reversals(shop.context(), order_id, shop.gateway.asked[0])
        valid.append(len(shop.order_state(order_id).valid))
    assert valid == ([while_open, in_the_end] if token is Token.DISPUTE_LOST else [in_the_end] * 2)
    if policy is TicketsOnReversal.KEEP:
        refund(shop, order_id, WantedRefund(WHY))
    order = shop.order_state(order_id)
    assert (order.valid, shop.gateway.taken_for(order_id), shop.gateway.refunds_asked) == (frozenset(), NOTHING, [])


@pytest.mark.parametrize("token", [Token.DISPUTE_LOST, Token.REFUNDED_THERE])
def test_tickets_that_are_kept_although_their_money_is_away_end_with_their_concert(
    running: Machinery, token: Token
) -> None:
    shop = running.shop
    concert_id, ticket_type_id = shop.on_sale()
    terms = PolicyTerms(tickets_on_reversal=TicketsOnReversal.KEEP)
    set_policy(shop.repository, shop.request(ORGANISER), concert_id, terms)
    order_id = bought(shop, ticket_type_id, token=token)
    for _ in range(2):
        shop.clock.advance(DELAY)
        settle_reversals(shop.context(), order_id, shop.gateway.asked[0])
    concerts.cancel_concert(shop.repository, shop.request(ORGANISER), concert_id)
    running.run_until_quiet()
    order = shop.order_state(order_id)
    assert (order.valid, shop.gateway.taken_for(order_id), shop.gateway.refunds_asked) == (frozenset(), NOTHING, [])


@pytest.mark.parametrize("policy", TicketsOnReversal)
def test_a_refund_in_part_in_the_dashboard_revokes_nothing(memory_shop: Shop, policy: TicketsOnReversal) -> None:
    concert_id, ticket_type_id = memory_shop.on_sale()
    terms = PolicyTerms(tickets_on_reversal=policy)
    set_policy(memory_shop.repository, memory_shop.request(ORGANISER), concert_id, terms)
    order_id = bought(memory_shop, ticket_type_id, token=Token.PARTLY_REFUNDED_THERE)
    memory_shop.clock.advance(DELAY)
    settle_reversals(memory_shop.context(), order_id, memory_shop.gateway.asked[0])
    assert len(memory_shop.order_state(order_id).valid) == 2


def test_a_dispute_that_is_won_after_the_tickets_were_revoked_leaves_money_that_can_be_given_back(
    memory_shop: Shop,
) -> None:
    concert_id, ticket_type_id = memory_shop.on_sale()
    terms = PolicyTerms(tickets_on_reversal=TicketsOnReversal.REVOKE_AT_ONCE)
    set_policy(memory_shop.repository, memory_shop.request(ORGANISER), concert_id, terms)
    order_id = bought(memory_shop, ticket_type_id, token=Token.DISPUTE_WON)
    for _ in range(2):
        memory_shop.clock.advance(DELAY)
        settle_reversals(memory_shop.context(), order_id, memory_shop.gateway.asked[0])
    assert (len(memory_shop.order_state(order_id).valid), memory_shop.gateway.taken_for(order_id)) == (0, Decimal(50))
    refund(memory_shop, order_id, WantedRefund(WHY, amount=Money.of("50.00", "EUR")))
    assert memory_shop.order_state(order_id).status is OrderStatus.REFUNDED
    assert memory_shop.gateway.taken_for(order_id) == NOTHING


# A limit that comes and goes


def set_limit(shop: Shop, concert_id: UUID, limit: int | None) -> None:
    def limited(details: ConcertDetails) -> ConcertDetails:
        return replace(details, max_per_customer=limit)

    concerts.change_concert(shop.repository, shop.request(ORGANISER), concert_id, limited)


def counted(shop: Shop, concert_id: UUID) -> int:
    allowance, _ = shop.other_container().load(ALLOWANCE, allowance_id(concert_id, CUSTOMER.id))
    return allowance.taken


def test_what_was_bought_without_a_limit_frees_nothing_of_what_was_counted_later(memory_shop: Shop) -> None:
    concert_id, ticket_type_id = memory_shop.on_sale()
    uncounted = bought(memory_shop, ticket_type_id)
    set_limit(memory_shop, concert_id, 2)
    bought(memory_shop, ticket_type_id)
    refund(memory_shop, uncounted, WantedRefund(WHY))
    assert counted(memory_shop, concert_id) == 2


def test_what_was_counted_is_freed_also_when_there_is_no_limit_any_more(memory_shop: Shop) -> None:
    concert_id, ticket_type_id = memory_shop.on_sale()
    set_limit(memory_shop, concert_id, 2)
    order_id = bought(memory_shop, ticket_type_id)
    set_limit(memory_shop, concert_id, None)
    refund(memory_shop, order_id, WantedRefund(WHY))
    set_limit(memory_shop, concert_id, 2)
    assert counted(memory_shop, concert_id) == 0
    memory_shop.add(memory_shop.cart(), ticket_type_id, 2)


def test_who_holds_tickets_when_a_limit_is_set_can_order_and_pay_them(memory_shop: Shop) -> None:
    concert_id, ticket_type_id = memory_shop.on_sale()
    cart_id = memory_shop.cart()
    memory_shop.add(cart_id, ticket_type_id, 4)
    set_limit(memory_shop, concert_id, 2)
    order_id = memory_shop.check_out(cart_id).order_id
    set_limit(memory_shop, concert_id, 1)
    memory_shop.pay(order_id)
    assert memory_shop.order_state(order_id).status is OrderStatus.CONFIRMED
    with pytest.raises(CustomerLimitExceeded):
        memory_shop.add(memory_shop.cart(), ticket_type_id, 1)


# A concert that is cancelled, and who asks


def test_a_cancelled_concert_costs_no_customer_a_fee_who_is_quicker_than_the_queue(running: Machinery) -> None:
    shop = running.shop
    concert_id, ticket_type_id = shop.on_sale()
    let_customers(shop, concert_id, fee_percent=50)
    order_id = bought(shop, ticket_type_id)
    concerts.cancel_concert(shop.repository, shop.request(ORGANISER), concert_id)
    refund(shop, order_id, WantedRefund(), CUSTOMER)
    running.run_until_quiet()
    assert shop.gateway.taken_for(order_id) == NOTHING


def test_an_operator_is_bound_by_the_policy_in_an_order_of_their_own(memory_shop: Shop) -> None:
    _, ticket_type_id = memory_shop.on_sale()
    order_id = bought(memory_shop, ticket_type_id)
    oneself = Actor(CUSTOMER.id, frozenset({Role.OPERATOR, Role.CUSTOMER}))
    with pytest.raises(RefundNotPermitted):
        refund(memory_shop, order_id, WantedRefund(), oneself)


def test_a_refund_reads_the_order_once(memory_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    _, ticket_type_id = memory_shop.on_sale()
    order_id = bought(memory_shop, ticket_type_id)
    reads, read = list[UUID](), memory_shop.store.read

    def counting(stream_id: UUID, after: int = -1) -> list[StoredEvent]:
        reads.append(stream_id)
        return read(stream_id, after)

    monkeypatch.setattr(memory_shop.store, "read", counting)
    refund(memory_shop, order_id, WantedRefund(WHY))
    assert reads.count(order_id) == 1
