"""What an order grants of a refund that is asked for, and what it refuses; the money adds up to the cent."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given as given_any
from hypothesis import settings
from hypothesis import strategies as st

from chalicelib.platform.errors import CloudbashError, IdempotencyKeyReused, InvalidInput
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.money import Money
from chalicelib.shop.orders.events import (
    DisputeOpened,
    GrantedPart,
    OrderCancelled,
    OrderConfirmed,
    OrderLine,
    RefundCompleted,
    RefundGranted,
    RefundRecorded,
    RefundStarted,
    TicketsRevoked,
)
from chalicelib.shop.orders.granting import (
    MAX_REFUNDS,
    GrantedBy,
    NothingToRefund,
    NotRefundable,
    RefundExceedsPayment,
    RefundNotPermitted,
    RefundRequest,
    TicketsNotValid,
    TooManyRefunds,
    grant_refund,
    lines_of_tickets,
    returns_of,
)
from chalicelib.shop.orders.order import ORDER, Order, tickets_of
from chalicelib.shop.orders.refund import granted_refund_id, recorded_refund_id
from chalicelib.shop.orders.refund_policy import PolicyTerms
from chalicelib.shop.orders.rules import OrderStatus
from tests.support.scenario import given
from tests.support.shop import IDS, some_id
from tests.support.stored import SOME_TIME as NOW
from tests.unit.orders.test_order import CONFIRMED, LINES, PAID, PAYMENT, THIS, line, placed, started

CONCERT, OTHER = some_id("concert"), some_id("other concert")
TICKETS = tuple(ticket.id for ticket in tickets_of(THIS, LINES, IDS))
"""Two at 25.00 and one at 40.00."""
TERMS = PolicyTerms(NOW + timedelta(days=1), 10)


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


def asking(
    key: str = "grant",
    tickets: Sequence[UUID] | None = None,
    amount: str | None = None,
    by: GrantedBy = GrantedBy.ORGANISER,
    concerts: Sequence[UUID] = (CONCERT,),
    terms: PolicyTerms = TERMS,
) -> RefundRequest:
    return RefundRequest(
        id=some_id(key),
        request_hash="hash",
        by=by,
        reason="why",
        concerts=frozenset(concerts),
        tickets=None if tickets is None else tuple(tickets),
        amount=None if amount is None else eur(amount),
        terms=dict.fromkeys(concerts, (terms,)),
    )


def granted(order: Order, request: RefundRequest) -> list[Event]:
    return grant_refund(order, request, NOW)


def after(history: Sequence[Event], *requests: RefundRequest) -> Order:
    order = ORDER.fold(history)
    for request in requests:
        order = ORDER.fold(granted(order, request), order)
    return order


def refunded(order: Order) -> Decimal:
    return sum((one.amount.amount for one in order.refunds.values()), Decimal(0))


def test_one_ticket_goes_back_at_its_price_and_the_others_stay_valid() -> None:
    refund_id = granted_refund_id(PAYMENT, some_id("grant"), CONCERT)
    part = GrantedPart(
        concert_id=CONCERT, ticket_ids=TICKETS[:1], amount=eur("25.00"), fee=eur("0"), refund_id=refund_id
    )
    given(ORDER, *PAID).when(lambda order: granted(order, asking(tickets=TICKETS[:1]))).then(
        RefundStarted(payment_id=PAYMENT, refund_id=refund_id, amount=eur("25.00"), reason="why", at=NOW),
        TicketsRevoked(concert_id=CONCERT, ticket_ids=TICKETS[:1], reason="why", at=NOW),
        RefundGranted(
            grant_id=some_id("grant"),
            request_hash="hash",
            by="organiser",
            reason="why",
            restocked=True,
            parts=(part,),
            at=NOW,
        ),
    )
    order = after(PAID, asking(tickets=TICKETS[:1]))
    assert (order.status, order.valid) == (OrderStatus.CONFIRMED, frozenset(TICKETS[1:]))


def test_the_same_request_again_changes_nothing_and_another_body_is_refused() -> None:
    order = after(PAID, asking(tickets=TICKETS[:1]))
    assert granted(order, asking(tickets=TICKETS[:1])) == []
    with pytest.raises(IdempotencyKeyReused):
        granted(order, replace(asking(tickets=TICKETS[:1]), request_hash="another"))


def test_ticket_by_ticket_and_then_the_rest_give_back_all_and_no_more() -> None:
    order = after(PAID, asking("one", TICKETS[:1]), asking("two", amount="10.00"), asking("three"))
    assert (refunded(order), order.valid) == (Decimal("90.00"), frozenset())
    assert order.status is OrderStatus.REFUNDING
    with pytest.raises(NothingToRefund):
        granted(order, asking("four"))
    with pytest.raises(RefundExceedsPayment) as refusal:
        granted(order, asking("five", amount="0.01"))
    assert refusal.value.facts == {"left": {"amount": "0.00", "currency": "EUR"}}


def test_an_amount_leaves_the_tickets_valid_and_is_part_of_what_they_give_back() -> None:
    order = after(PAID, asking("goodwill", amount="60.00"))
    assert (order.status, len(order.valid)) == (OrderStatus.CONFIRMED, 3)
    order = after(PAID, asking("goodwill", amount="60.00"), asking("ticket", TICKETS[2:]))
    assert refunded(order) == Decimal("90.00")
    assert after(PAID, asking("goodwill", amount="60.00"), asking("ticket", TICKETS[2:]), asking("all")).status is (
        OrderStatus.REFUNDING
    )


def test_what_the_dashboard_gave_back_is_not_given_back_again() -> None:
    there = RefundRecorded(
        payment_id=PAYMENT,
        refund_id=recorded_refund_id(PAYMENT, "re_1"),
        provider_reference="re_1",
        amount=eur("80.00"),
        reason="there",
        at=NOW,
    )
    assert refunded(after((*PAID, there), asking())) == Decimal("90.00")


def test_a_cancelled_concert_gives_back_only_what_is_left_of_it() -> None:
    order = after(PAID, asking("one", TICKETS[:1]), asking("two", amount="5.00"))
    started_for = [
        event for event in order.cancel_concert(CONCERT, "Cancelled.", NOW) if isinstance(event, RefundStarted)
    ]
    assert [event.amount for event in started_for] == [eur("60.00")]


def test_what_one_concert_gave_back_is_not_taken_from_another() -> None:
    lines = (line(), line("Choir", 1, "40.00", concert="other concert"))
    tickets = CONFIRMED.model_copy(update={"tickets": tickets_of(THIS, lines, IDS)})
    order = after((placed(lines, "90.00"), started(), tickets), asking("goodwill", amount="10.00"))
    order = ORDER.fold(order.cancel_concert(CONCERT, "Cancelled.", NOW), order)
    assert refunded(order) == Decimal("50.00")
    order = ORDER.fold(order.cancel_concert(OTHER, "Cancelled.", NOW), order)
    assert refunded(order) == Decimal("90.00")


def test_a_fee_is_kept_also_when_the_concert_is_cancelled_later() -> None:
    customer = asking("one", TICKETS[:1], by=GrantedBy.CUSTOMER)
    order = after(PAID, customer)
    assert refunded(order) == Decimal("22.50")
    order = ORDER.fold(order.cancel_concert(CONCERT, "Cancelled.", NOW), order)
    assert refunded(order) == Decimal("87.50")


@pytest.mark.parametrize(("percent", "fee"), [(0, "0.00"), (10, "2.50"), (1, "0.25"), (33, "8.25"), (100, None)])
def test_the_fee_of_a_customer_is_rounded_to_the_cent(percent: int, fee: str | None) -> None:
    request = asking(tickets=TICKETS[:1], by=GrantedBy.CUSTOMER, terms=PolicyTerms(NOW + timedelta(seconds=1), percent))
    if fee is None:
        with pytest.raises(NothingToRefund):
            granted(ORDER.fold(PAID), request)
        return
    event = granted(ORDER.fold(PAID), request)[-1]
    assert isinstance(event, RefundGranted)
    [part] = event.parts
    assert (part.fee, part.amount.amount + part.fee.amount) == (eur(fee), Decimal("25.00"))


@pytest.mark.parametrize("until", [None, NOW, NOW - timedelta(days=1)])
def test_a_customer_is_refused_outside_of_the_policy_and_an_organiser_is_not(
    until: datetime | None,
) -> None:
    terms = replace(TERMS, customers_until=until)
    with pytest.raises(RefundNotPermitted) as refusal:
        granted(ORDER.fold(PAID), asking(by=GrantedBy.CUSTOMER, terms=terms))
    assert refusal.value.facts["concert_id"] == str(CONCERT)
    assert granted(ORDER.fold(PAID), asking(by=GrantedBy.ORGANISER, terms=terms))


def test_a_customer_cannot_choose_an_amount() -> None:
    with pytest.raises(InvalidInput):
        granted(ORDER.fold(PAID), asking(amount="1.00", by=GrantedBy.CUSTOMER))


def test_a_ticket_goes_back_once() -> None:
    order = after(PAID, asking("one", TICKETS[:1]))
    with pytest.raises(TicketsNotValid) as refusal:
        granted(order, asking("two", TICKETS[:2]))
    assert refusal.value.facts == {"tickets": [str(TICKETS[0])]}


def test_a_ticket_of_another_order_is_named() -> None:
    with pytest.raises(InvalidInput) as refusal:
        granted(ORDER.fold(PAID), asking(tickets=[TICKETS[0], some_id("elsewhere")]))
    assert refusal.value.fields == (("#/tickets/1", "names no ticket of the order"),)


def test_an_unpaid_order_is_not_refunded() -> None:
    given(ORDER, placed(), started()).when(lambda order: granted(order, asking())).then_refuses(
        NotRefundable, order_status=OrderStatus.AWAITING_PAYMENT
    )


def test_free_tickets_go_back_without_money_and_the_last_ends_the_order() -> None:
    lines = (line(price="0"),)
    history = (placed(lines, "0"), OrderConfirmed(tickets=tickets_of(THIS, lines, IDS), at=NOW))
    first, second = (ticket.id for ticket in tickets_of(THIS, lines, IDS))
    order = after(history, asking("one", [first]))
    assert (order.status, order.refunds) == (OrderStatus.CONFIRMED, {})
    events = granted(order, asking("two", [second]))
    assert [type(event) for event in events] == [TicketsRevoked, OrderCancelled, RefundGranted]
    assert ORDER.fold(events, order).status is OrderStatus.CANCELLED


def test_of_a_disputed_payment_tickets_are_revoked_and_no_money_goes_back() -> None:
    dispute = DisputeOpened(payment_id=PAYMENT, dispute_id="dp_1", amount=eur("90.00"), reason="fraud", at=NOW)
    disputed = ORDER.fold((*PAID, dispute))
    events = granted(disputed, asking())
    assert [type(event) for event in events] == [TicketsRevoked, RefundGranted]
    for request in (asking(amount="1.00"), asking(by=GrantedBy.CUSTOMER)):
        with pytest.raises(NotRefundable):
            granted(disputed, request)


def test_each_concert_of_an_order_has_a_part_of_its_own() -> None:
    lines = (line(), line("Choir", 1, "40.00", concert="other concert"))
    history = (
        placed(lines, "90.00"),
        started(),
        CONFIRMED.model_copy(update={"tickets": tickets_of(THIS, lines, IDS)}),
    )
    event = granted(ORDER.fold(history), asking(concerts=(CONCERT, OTHER)))[-1]
    assert isinstance(event, RefundGranted)
    assert {part.concert_id: part.amount for part in event.parts} == {CONCERT: eur("50.00"), OTHER: eur("40.00")}
    with pytest.raises(RefundExceedsPayment):
        granted(ORDER.fold(history), asking(amount="40.01", concerts=(OTHER,)))
    with pytest.raises(InvalidInput):
        granted(ORDER.fold(history), asking(amount="1.00", concerts=(CONCERT, OTHER)))


def test_so_many_refunds_of_one_order_and_no_more() -> None:
    order = after(PAID, *[asking(f"{place}", amount="0.01") for place in range(MAX_REFUNDS)])
    with pytest.raises(TooManyRefunds):
        granted(order, asking())


def test_what_comes_back_to_the_stock_follows_the_lines() -> None:
    before = after(PAID, asking("one", TICKETS[:1]))
    event = granted(before, asking("two", TICKETS[1:]))[-1]
    assert isinstance(event, RefundGranted)
    found = [(one.purchase.hold_id, one.quantity, one.before) for one in returns_of(before, event)]
    assert found == [(LINES[0].hold_id, 1, 1), (LINES[1].hold_id, 1, 0)]


# --- the money adds up -----------------------------------------------------------------------------------------------

bought = st.lists(
    st.tuples(st.sampled_from(["concert", "other concert"]), st.integers(0, 9999), st.integers(1, 3)),
    min_size=1,
    max_size=4,
)
"""Lines: of which concert, at how many cents, how many tickets."""
asked = st.tuples(
    st.sampled_from(GrantedBy),
    st.sampled_from([(CONCERT,), (OTHER,), (CONCERT, OTHER)]),
    st.none() | st.lists(st.integers(0, 11), min_size=1, max_size=4, unique=True),
    st.none() | st.integers(1, 9999),
    st.integers(0, 100),
    st.booleans(),
)


def paid_for(lines: tuple[OrderLine, ...], total: Decimal) -> tuple[Event, ...]:
    paying = started().model_copy(update={"amount": eur(str(total))})
    return placed(lines, str(total)), paying, CONFIRMED.model_copy(update={"tickets": tickets_of(THIS, lines, IDS)})


@settings(max_examples=150, deadline=None)
@given_any(bought, st.lists(asked, max_size=8), st.booleans())
def test_paid_less_refunded_less_fees_is_the_price_of_the_valid_tickets(
    of: list[tuple[str, int, int]],
    requests: list[tuple[GrantedBy, tuple[UUID, ...], list[int] | None, int | None, int, bool]],
    with_amounts: bool,
) -> None:
    lines = tuple(
        line(f"type {place}", number, str(Decimal(cents) / 100), concert=concert)
        for place, (concert, cents, number) in enumerate(of)
    )
    total = sum((one.unit_price.amount * one.quantity for one in lines), Decimal(0))
    order, amounts = ORDER.fold(paid_for(lines, total)), Decimal(0)
    for place, (by, concerts, chosen, cents, percent, cancels) in enumerate(requests):
        amount = None if cents is None or not with_amounts else str(Decimal(cents) / 100)
        tickets = None if chosen is None else [order.tickets[n % len(order.tickets)].id for n in chosen]
        of_order = [key for key in concerts if any(one.concert_id == key for one in lines)]
        request = asking(f"{place}", tickets, amount, by, of_order, PolicyTerms(NOW + timedelta(1), percent))
        with suppress(CloudbashError):
            events = order.cancel_concert(concerts[0], "Cancelled.", NOW) if cancels else granted(order, request)
            order = ORDER.fold(events, order)
            amounts += Decimal(amount or 0) if events and not cancels else Decimal(0)
            for event in events:
                if isinstance(event, RefundStarted):
                    done = RefundCompleted(payment_id=PAYMENT, refund_id=event.refund_id, at=NOW)
                    order = ORDER.fold([done], order)
    fees = sum((part.fee.amount for grant in order.grants.values() for part in grant.parts), Decimal(0))
    prices = {key: of_ticket.unit_price.amount for key, of_ticket in lines_of_tickets(order).items()}
    worth, kept = sum((prices[key] for key in order.valid), Decimal(0)), total - refunded(order) - fees
    assert 0 <= kept <= worth
    assert worth - kept <= amounts
    assert amounts or kept == worth
