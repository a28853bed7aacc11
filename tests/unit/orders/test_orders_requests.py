"""What the routes of an order answer, and what is in the log then."""

from datetime import timedelta

from chalicelib.platform.money import Money
from chalicelib.platform.privacy.sealed import Sealed
from chalicelib.shop.orders.events import OrderCancelled, OrderLine, OrderPlaced, PaymentFailed, PaymentStarted
from chalicelib.shop.orders.projections import fold_order
from tests.support.request_scenario import GivenStreams, given_streams
from tests.support.shop import CUSTOMER, OTHER_CUSTOMER, some_id
from tests.support.stored import SOME_TIME as NOW

ORDER = some_id("order")
TOTAL = Money.of("25.00", "EUR")
PLACED = OrderPlaced(
    cart_id=some_id("cart"),
    customer_id=CUSTOMER.id,
    buyer=Sealed(ciphertext="c2VhbGVk", key=str(CUSTOMER.id)),
    lines=(
        OrderLine(
            hold_id=some_id("hold"),
            ticket_type_id=some_id("standing"),
            ticket_type_name="Standing",
            concert_id=some_id("concert"),
            concert_name="Patti Smith",
            quantity=1,
            unit_price=TOTAL,
        ),
    ),
    total=TOTAL,
    payment_due_at=NOW + timedelta(minutes=20),
    at=NOW,
)
CANCELLED = OrderCancelled(reason="concert cancelled", at=NOW)


def given_order_and_its_document(version: int) -> GivenStreams:
    """A cancelled order, of which the document has seen this version."""
    return given_streams({ORDER: [PLACED, CANCELLED]}).and_document(fold_order, ORDER, version)


def test_an_order_is_read_from_its_document_which_may_be_behind() -> None:
    answered = given_order_and_its_document(0).when(CUSTOMER, "GET", f"/orders/{ORDER}")
    answered.then_shows(status="awaiting_payment", version=0)
    assert answered.headers["etag"] == '"0"'
    assert "read-model-lag" not in answered.headers


def test_an_order_is_at_least_as_new_as_its_reader_has_seen() -> None:
    given = given_order_and_its_document(0)
    answered = given.when(CUSTOMER, "GET", f"/orders/{ORDER}", min_version=f"{ORDER}:1")
    answered.then_shows(status="cancelled", version=1)
    assert answered.headers["read-model-lag"] == f"{ORDER}:1"


def test_a_document_that_is_new_enough_has_no_lag() -> None:
    given = given_order_and_its_document(1)
    answered = given.when(CUSTOMER, "GET", f"/orders/{ORDER}", min_version=f"{ORDER}:1")
    answered.then_shows(status="cancelled", version=1)
    assert answered.headers["read-model-lag"] == f"{ORDER}:0"


def test_an_order_is_there_before_its_document_is() -> None:
    given_streams({ORDER: [PLACED]}).when(CUSTOMER, "GET", f"/orders/{ORDER}").then_shows(version=0, payments=[])


def test_an_order_is_shown_as_it_was() -> None:
    given = given_order_and_its_document(1)
    given.when(CUSTOMER, "GET", f"/orders/{ORDER}?version=0").then_shows(status="awaiting_payment", version=0)


def test_to_another_customer_the_order_does_not_exist() -> None:
    given_order_and_its_document(1).when(OTHER_CUSTOMER, "GET", f"/orders/{ORDER}").then_refuses(404, "not_found")


def test_a_declined_payment_is_recorded_and_leaves_the_order_open() -> None:
    given = given_streams({ORDER: [PLACED]})
    answered = given.when(
        CUSTOMER, "POST", f"/orders/{ORDER}/payments", {"provider": "sandbox", "token": "tok_declined"}
    )
    (started, failed) = answered.news[ORDER]
    assert isinstance(started, PaymentStarted)
    assert isinstance(failed, PaymentFailed)
    assert (answered.status, answered.body["code"]) == (402, "payment_declined")
    assert (started.amount, failed.payment_id) == (TOTAL, started.payment_id)
    assert list(answered.news) == [ORDER]


def test_after_too_many_declined_cards_the_next_payment_has_to_wait() -> None:
    given = given_streams({ORDER: [PLACED]})
    declined = {"provider": "sandbox", "token": "tok_declined"}
    for _ in range(5):
        assert given.when(CUSTOMER, "POST", f"/orders/{ORDER}/payments", declined).status == 402
    answered = given.when(CUSTOMER, "POST", f"/orders/{ORDER}/payments", declined)
    answered.then_refuses(429, "too_many_declines")
    assert answered.headers["retry-after"] == "3600"
    assert answered.headers["ratelimit"] == '"declines";r=0;t=3600'
    assert answered.headers["ratelimit-policy"] == '"declines";q=5;w=3600'
    assert any("address" in key for key in given.shop.counters.counts)
