"""The rows of an order in the sales: a fold like any other, and not a cent more or less than the order's money."""

import json
from copy import deepcopy
from decimal import Decimal
from functools import reduce
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.eventsourcing.event import EVENT_CLASSES, Event
from chalicelib.platform.money import Money
from chalicelib.platform.readmodels.port import Contents
from chalicelib.platform.readmodels.postgres.tables import differences
from chalicelib.shop.orders.events import (
    DisputeLost,
    DisputeOpened,
    DisputeWon,
    GrantedPart,
    OrderConfirmed,
    OrderEvent,
    OrderLine,
    OrderSettled,
    PaymentStarted,
    PaymentSucceeded,
    RefundCompleted,
    RefundFailed,
    RefundGranted,
    RefundRecorded,
    RefundReduced,
    RefundStarted,
    TicketsRevoked,
)
from chalicelib.shop.orders.order import tickets_of
from chalicelib.shop.orders.refund import granted_refund_id, refund_id_of
from chalicelib.shop.orders.sales import TABLES, fold_sale
from chalicelib.shop.orders.shares import divided
from chalicelib.shop.sales.tables import SALES
from tests.support.any_events import events_of
from tests.support.shop import IDS, some_id
from tests.support.stored import SOME_TIME as NOW
from tests.unit.orders.test_orders_views import ORDER, PLACED

FIRST, SECOND = some_id("concert"), some_id("another concert")
PAYMENT, LATE = some_id("payment"), some_id("late payment")
NEEDED = {
    "sales_orders": {"id", "version", "has_open_payment", "document"},
    "sales_parts": {"order_id", "id", "placed_at", "quantity", "sold", "currency", "total", "taken", "kept"},
    "sales_lines": {"order_id", "id", "name", "quantity", "amount", "currency", "sold", "value"},
    "sales_moves": {"order_id", "id", "concert_id", "at", "quantity", "amount", "currency"},
    "sales_tickets": {"order_id", "id", "ticket_type_id", "name", "status", "issued_at"},
    "sales_refunds": {"order_id", "id", "refund_id", "concert_id", "amount", "currency", "reason", "started_at"},
}

order_events = [cls for cls in EVENT_CLASSES.values() if issubclass(cls, OrderEvent)]
histories = st.lists(st.one_of(*[events_of(cls) for cls in order_events]), max_size=10)


def fold(events: list[Event], contents: Contents | None = None, first: int = 0) -> Contents:
    recorded = [RecordedEvent(ORDER, number, NOW, event) for number, event in enumerate(events, start=first)]
    return reduce(fold_sale, recorded, contents or {})


@settings(max_examples=150, deadline=None)
@given(history=histories)
def test_any_events_in_any_order_make_rows_that_the_tables_take(history: list[Event]) -> None:
    before = fold(history[:5])
    remembered = deepcopy(before)
    after = fold(history[5:], before, first=5)
    assert before == remembered
    assert after == fold(history)
    for table, rows in after.items():
        assert all(NEEDED[table] <= row.keys() for row in rows.values()), (table, rows)
        assert all(value is not None for row in rows.values() for value in row.values())


@settings(max_examples=100, deadline=None)
@given(history=histories)
def test_what_is_written_for_events_turns_the_rows_before_into_those_after(history: list[Event]) -> None:
    before, after = fold(history[:4]), fold(history)
    written = deepcopy(before)
    for change in differences(before, after, SALES, TABLES):
        change.fold(written)
    assert written == after
    assert list(differences(after, after, SALES, TABLES)) == []


def line(concert_id: UUID, price: str, quantity: int) -> OrderLine:
    name = f"{concert_id} {price}"
    return OrderLine(
        hold_id=some_id(f"hold {name}"),
        ticket_type_id=some_id(name),
        ticket_type_name="Standing",
        concert_id=concert_id,
        concert_name="Night",
        quantity=quantity,
        unit_price=Money.of(price, "EUR"),
    )


LINES = (line(FIRST, "33.33", 2), line(SECOND, "0.10", 1), line(SECOND, "19.99", 3))
TOTAL = Money.of("126.73", "EUR")
PLACED_FOR_TWO = PLACED.model_copy(update={"lines": LINES, "total": TOTAL})
BEGUN = PaymentStarted(payment_id=PAYMENT, provider="sandbox", amount=TOTAL, request_hash="hash", at=NOW)
TICKETS = tickets_of(ORDER, LINES, IDS)
PAID = OrderConfirmed(payment_id=PAYMENT, provider_reference="reference", tickets=TICKETS, at=NOW)

refund_ids = st.sampled_from([refund_id_of(PAYMENT), *(refund_id_of(PAYMENT, key) for key in (FIRST, SECOND))])
refund_ids |= st.sampled_from([some_id("partial"), some_id("another partial")])
cents = st.integers(0, 5000).map(lambda number: Money.of(Decimal(number) / 100, "EUR"))
facts = st.fixed_dictionaries({"payment_id": st.just(PAYMENT), "refund_id": refund_ids, "at": st.just(NOW)})
disputes = st.fixed_dictionaries(
    {"payment_id": st.just(PAYMENT), "dispute_id": st.sampled_from("ab"), "at": st.just(NOW)}
)
movements: st.SearchStrategy[Event] = st.one_of(
    st.builds(lambda known, amount: RefundStarted(**known, amount=amount, reason="asked"), facts, cents),
    st.builds(lambda known, amount: RefundReduced(**known, amount=amount), facts, cents),
    facts.map(lambda known: RefundCompleted(**known)),
    facts.map(lambda known: RefundFailed(**known, reason="refused")),
    st.builds(
        lambda known, amount: RefundRecorded(**known, amount=amount, reason="dashboard", provider_reference="re"),
        facts,
        cents,
    ),
    st.builds(lambda known, amount: DisputeOpened(**known, amount=amount, reason="fraud"), disputes, cents),
    disputes.map(lambda known: DisputeWon(**known)),
    disputes.map(lambda known: DisputeLost(**known)),
    st.builds(
        lambda outcome, key: OrderSettled(outcome=outcome, reason="by hand", refund_ids=(key,), at=NOW),
        st.sampled_from(["refunded", "retained"]),
        refund_ids,
    ),
    st.just(PaymentSucceeded(payment_id=LATE, provider_reference="late", amount=TOTAL, at=NOW)),
    st.lists(st.sampled_from(TICKETS), max_size=3).map(
        lambda some: TicketsRevoked(
            concert_id=FIRST, ticket_ids=tuple(ticket.id for ticket in some), reason="gone", at=NOW
        )
    ),
)


def summed(contents: Contents, column: str) -> Decimal:
    return sum((row[column] for row in contents["sales_parts"].values()), Decimal(0))


@settings(max_examples=200, deadline=None)
@given(news=st.lists(movements, max_size=8))
def test_the_shares_of_the_concerts_add_up_to_the_money_of_the_order(news: list[Event]) -> None:
    late = BEGUN.model_copy(update={"payment_id": LATE})
    contents = fold([PLACED_FOR_TWO, BEGUN, late, PAID, *news])
    order = _document(contents)
    back = {"completed": "refunded", "settled": "refunded", "started": "refunding", "failed": "refunding"}
    expected = {"refunded": Decimal(0), "refunding": Decimal(0), "charged_back": Decimal(0)}
    for refund in order["refunds"].values():
        if refund["status"] in back:
            expected[back[refund["status"]]] += Decimal(refund["amount"]["amount"])
    for dispute in order.get("disputes", {}).values():
        if dispute["status"] != "won":
            expected["charged_back"] += Decimal(dispute["amount"]["amount"])
    taken = [payment for payment in order["payments"].values() if payment["status"] not in {"started", "failed"}]
    assert summed(contents, "taken") == TOTAL.amount * len(taken)
    assert {name: summed(contents, name) for name in expected} == expected
    rows = contents.get("sales_refunds", {}).values()
    assert sum((row["amount"] for row in rows), Decimal(0)) == expected["refunded"] + expected["refunding"]


def test_what_is_kept_is_what_neither_went_back_nor_is_a_valid_ticket() -> None:
    """A fee of ten is kept: the ticket is revoked, and the rest of its price goes back."""
    revoked = TicketsRevoked(concert_id=FIRST, ticket_ids=(TICKETS[0].id,), reason="asked", at=NOW)
    refund = {"payment_id": PAYMENT, "refund_id": refund_id_of(PAYMENT, FIRST), "at": NOW}
    started = RefundStarted(**refund, amount=Money.of("23.33", "EUR"), reason="asked")
    contents = fold([PLACED_FOR_TWO, BEGUN, PAID, started, revoked, RefundCompleted(**refund)])
    first, second = (contents["sales_parts"][str(key)] for key in (FIRST, SECOND))
    assert (first["taken"], first["refunded"], first["kept"], first["sold"]) == (
        Decimal("66.66"),
        Decimal("23.33"),
        Decimal("10.00"),
        1,
    )
    assert (second["taken"], second["refunded"], second["kept"], second["sold"]) == (
        Decimal("60.07"),
        Decimal(0),
        Decimal(0),
        4,
    )


def test_a_granted_refund_is_of_the_concert_for_which_it_was_granted_and_its_fee_is_kept() -> None:
    """One ticket of the second concert, of 0.10, goes back, and then one of 19.99 less a fee of 2.00."""
    contents = fold([PLACED_FOR_TWO, BEGUN, PAID, *granted("first", 2, "0.10", "0.00")])
    contents = fold(granted("second", 3, "17.99", "2.00"), contents, first=10)
    first, second = (contents["sales_parts"][str(key)] for key in (FIRST, SECOND))
    names = ("taken", "refunding", "refunded", "kept", "sold")
    assert [str(first[name]) for name in names] == ["66.66", "0.00", "0.00", "0.00", "2"]
    assert [str(second[name]) for name in names] == ["60.07", "17.99", "0.10", "2.00", "2"]
    assert {row["concert_id"] for row in contents["sales_refunds"].values()} == {SECOND}


def granted(name: str, place: int, amount: str, fee: str) -> list[Event]:
    """The events of a refund of one ticket; the first has come back already."""
    ticket, grant_id = TICKETS[place], some_id(name)
    concert_id, paid = ticket.concert_id or SECOND, Money.of(amount, "EUR")
    refund: Any = {"payment_id": PAYMENT, "refund_id": granted_refund_id(PAYMENT, grant_id, concert_id), "at": NOW}
    part = GrantedPart(
        concert_id=concert_id,
        ticket_ids=(ticket.id,),
        amount=paid,
        fee=Money.of(fee, "EUR"),
        refund_id=refund["refund_id"],
    )
    done = RefundGranted(grant_id=grant_id, request_hash="", by="customer", reason="asked", parts=(part,), at=NOW)
    started = RefundStarted(**refund, amount=paid, reason="asked")
    revoked = TicketsRevoked(concert_id=concert_id, ticket_ids=(ticket.id,), reason="asked", at=NOW)
    return [started, revoked, done, *([RefundCompleted(**refund)] if name == "first" else [])]


def balanced(part: Any, valid: Decimal) -> bool:
    away = sum(part[name] for name in ("refunded", "refunding", "charged_back", "kept"))
    return bool(part["taken"] == away + valid)


@given(
    places=st.lists(st.integers(0, len(TICKETS) - 1), unique=True),
    percents=st.lists(st.integers(0, 100), min_size=len(TICKETS), max_size=len(TICKETS)),
)
def test_what_was_taken_is_what_went_back_what_is_kept_and_the_price_of_the_valid_tickets(
    places: list[int], percents: list[int]
) -> None:
    prices = [one.unit_price.amount for one in LINES for _ in range(one.quantity)]
    events = list[Event]([PLACED_FOR_TWO, BEGUN, PAID])
    for place, percent in zip(places, percents, strict=False):
        fee = (prices[place] * percent / 100).quantize(Decimal("0.01"))
        events += granted(f"grant of {place}", place, str(prices[place] - fee), str(fee))
    contents = fold(events)
    for concert_id in (FIRST, SECOND):
        is_valid = [place not in places and ticket.concert_id == concert_id for place, ticket in enumerate(TICKETS)]
        valid = sum((price for price, counts in zip(prices, is_valid, strict=True) if counts), Decimal(0))
        assert balanced(contents["sales_parts"][str(concert_id)], valid)


def test_an_unpaid_order_has_taken_nothing_and_issued_no_tickets() -> None:
    contents = fold([PLACED_FOR_TWO, BEGUN])
    assert summed(contents, "taken") == summed(contents, "kept") == 0
    assert "sales_tickets" not in contents
    assert contents["sales_orders"][str(ORDER)]["has_open_payment"] is True


@given(amount=st.integers(0, 10**8), weights=st.lists(st.integers(0, 10**6), min_size=1, max_size=9), yen=st.booleans())
def test_a_divided_amount_is_whole_again_when_it_is_added_up(amount: int, weights: list[int], yen: bool) -> None:
    currency, cent = ("JPY", Decimal(1)) if yen else ("EUR", Decimal("0.01"))
    shares = {UUID(int=place): Decimal(weight) for place, weight in enumerate(weights)}
    parts = divided(amount * cent, shares, currency)
    assert sum(parts.values(), Decimal(0)) == amount * cent
    whole = sum(weights)
    for key, part in parts.items():
        exact = amount * cent * shares[key] / whole if whole else amount * cent / len(weights)
        assert abs(part - exact) <= cent


def _document(contents: Contents) -> Any:

    return json.loads(contents["sales_orders"][str(ORDER)]["document"])
