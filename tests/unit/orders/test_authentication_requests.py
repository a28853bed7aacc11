"""What a payment answers that wants its customer to authenticate, and the bank that developers play."""

import pytest

from chalicelib.shop.orders.events import OrderConfirmed, PaymentFailed, PaymentStarted
from tests.support.request_scenario import Answered, GivenStreams, given_streams
from tests.support.shop import CUSTOMER
from tests.unit.orders.test_orders_requests import ORDER, PLACED

PAYMENT = {"provider": "sandbox", "token": "tok_3ds"}
PAY = f"/orders/{ORDER}/payments"


def paid(given: GivenStreams, key: str = "key") -> Answered:
    return given.when(CUSTOMER, "POST", PAY, PAYMENT, idempotency_key=key)


def authenticated(given: GivenStreams, answered: Answered, *, succeeds: bool, secret: str = "") -> Answered:
    body = {"client_secret": secret or answered.body["next_action"]["client_secret"], "succeeds": succeeds}
    path = f"/sandbox/payments/{answered.body['payment_id']}/authentication"
    return given.when(CUSTOMER, "POST", path, body)


def test_the_answer_has_what_the_client_needs_and_no_cache_may_keep_it() -> None:
    answered = paid(given_streams({ORDER: [PLACED]}))
    assert (answered.status, answered.body["status"]) == (202, "requires_action")
    assert answered.body["next_action"].keys() == {"client_secret", "redirect_url"}
    assert answered.headers["cache-control"] == "no-store"
    assert [type(event) for event in answered.news[ORDER]] == [PaymentStarted]


def test_a_repeated_request_is_answered_the_same_and_writes_nothing() -> None:
    given = given_streams({ORDER: [PLACED]})
    first, again = paid(given), paid(given)
    assert (again.status, again.body, again.news) == (202, first.body, {})


@pytest.mark.parametrize(("succeeds", "status", "event"), [(True, 201, OrderConfirmed), (False, 402, PaymentFailed)])
def test_asking_again_after_the_bank_has_answered_ends_the_payment(
    succeeds: bool, status: int, event: type[OrderConfirmed | PaymentFailed]
) -> None:
    given = given_streams({ORDER: [PLACED]})
    assert authenticated(given, paid(given), succeeds=succeeds).status == 202
    answered = paid(given)
    assert (answered.status, [type(one) for one in answered.news[ORDER]]) == (status, [event])


def test_the_bank_believes_nobody_without_the_secret() -> None:
    given = given_streams({ORDER: [PLACED]})
    waiting = paid(given)
    authenticated(given, waiting, succeeds=True, secret="guessed").then_refuses(404, "not_found")
    assert paid(given).body == waiting.body


def test_another_payment_gives_up_the_one_that_waits() -> None:
    given = given_streams({ORDER: [PLACED]})
    waiting = paid(given)
    other = paid(given, "another-card")
    assert (other.status, [type(event) for event in other.news[ORDER]]) == (202, [PaymentFailed, PaymentStarted])
    authenticated(given, waiting, succeeds=True)
    assert paid(given).status == 402
