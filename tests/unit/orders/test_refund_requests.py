"""What the routes of refunds and policies answer."""

from dataclasses import dataclass
from uuid import UUID

import pytest

from chalicelib.platform.caller import Actor
from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from tests.support.request_scenario import GivenStreams
from tests.support.shop import CUSTOMER, OPERATOR, ORGANISER, OTHER_CUSTOMER, OTHER_ORGANISER, Shop, some_id

WHY = {"reason": "The view is blocked."}


@dataclass(frozen=True)
class Sale(GivenStreams):
    """A shop with one paid order of two tickets."""

    concert_id: UUID | None = None
    order_id: UUID | None = None
    tickets: tuple[str, ...] = ()


@pytest.fixture
def paid_order() -> Sale:
    log = MemoryEventStore()
    shop = Shop(log)
    concert_id, ticket_type_id = shop.on_sale()
    cart_id = shop.cart()
    shop.add(cart_id, ticket_type_id, 2)
    order_id = shop.check_out(cart_id).order_id
    shop.pay(order_id)
    tickets = tuple(str(ticket.id) for ticket in shop.order_state(order_id).tickets)
    return Sale(shop, log, concert_id=concert_id, order_id=order_id, tickets=tickets)


def test_a_refund_is_answered_with_its_parts_and_listed(paid_order: Sale) -> None:
    answered = paid_order.when(
        ORGANISER, "POST", f"/orders/{paid_order.order_id}/refunds", {"tickets": [*paid_order.tickets[:1]], **WHY}
    )
    assert (answered.status, answered.headers["location"]) == (201, f"/orders/{paid_order.order_id}/refunds")
    [part] = answered.body["parts"]
    assert (part["ticket_ids"], part["amount"]) == ([*paid_order.tickets[:1]], {"amount": "25.00", "currency": "EUR"})
    for actor in (ORGANISER, CUSTOMER, OPERATOR):
        listed = paid_order.when(actor, "GET", f"/orders/{paid_order.order_id}/refunds")
        [item] = listed.body["items"]
        assert (item["by"], item["status"], item["grant_id"]) == ("organiser", "completed", answered.body["id"])


def test_the_same_key_gives_the_same_answer_and_moves_no_more_money(paid_order: Sale) -> None:
    path, body = f"/orders/{paid_order.order_id}/refunds", {"amount": {"amount": "1.50", "currency": "EUR"}, **WHY}
    first = paid_order.when(ORGANISER, "POST", path, body, idempotency_key="k")
    again = paid_order.when(ORGANISER, "POST", path, body, idempotency_key="k")
    assert (again.status, again.body, again.news) == (first.status, first.body, {})
    paid_order.when(ORGANISER, "POST", path, {"all": True, **WHY}, idempotency_key="k").then_refuses(
        422, "idempotency_key_reused"
    )


@pytest.mark.parametrize("actor", [OTHER_ORGANISER, OTHER_CUSTOMER])
def test_others_find_no_order(paid_order: Sale, actor: Actor) -> None:
    paid_order.when(actor, "POST", f"/orders/{paid_order.order_id}/refunds", {"all": True, **WHY}).then_refuses(
        404, "not_found"
    )
    paid_order.when(actor, "GET", f"/orders/{paid_order.order_id}/refunds").then_refuses(404, "not_found")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#"),
        ({"all": True, "tickets": [str(some_id("a"))]}, "#"),
        ({"all": False}, "#/all"),
        ({"tickets": []}, "#/tickets"),
        ({"tickets": [str(some_id("a"))] * 2}, "#/tickets"),
        ({"tickets": [str(some_id("a"))]}, "#/tickets/0"),
        ({"amount": {"amount": "1.00", "currency": "USD"}}, "#/amount/currency"),
        ({"amount": {"amount": "0.00", "currency": "EUR"}}, "#/amount/amount"),
        ({"amount": {"amount": "-1.00", "currency": "EUR"}}, "#/amount/amount"),
        ({"amount": {"amount": "1.00", "currency": "EUR"}, "restock": True}, "#/restock"),
        ({"all": True, "concert_id": str(some_id("a"))}, "#/concert_id"),
        ({"all": True, "reason": ""}, "#/reason"),
    ],
)
def test_a_body_that_makes_no_sense_is_refused_with_its_place(paid_order: Sale, body: JsonObject, pointer: str) -> None:
    answered = paid_order.when(ORGANISER, "POST", f"/orders/{paid_order.order_id}/refunds", {**WHY, **body})
    answered.then_refuses(422, "invalid_input")
    assert answered.body["errors"][0]["pointer"] == pointer


def test_an_amount_above_what_is_left_is_refused_with_what_is_left(paid_order: Sale) -> None:
    body = {"amount": {"amount": "50.01", "currency": "EUR"}, **WHY}
    answered = paid_order.when(ORGANISER, "POST", f"/orders/{paid_order.order_id}/refunds", body)
    answered.then_refuses(409, "refund_exceeds_payment", left={"amount": "50.00", "currency": "EUR"})


def test_a_policy_is_set_shown_and_counts(paid_order: Sale) -> None:
    path = f"/concerts/{paid_order.concert_id}/refund-policy"
    paid_order.when(CUSTOMER, "GET", path).then_shows(customers_until=None, fee_percent=0, version=None)
    refund = {"tickets": [*paid_order.tickets[:1]]}
    paid_order.when(CUSTOMER, "POST", f"/orders/{paid_order.order_id}/refunds", refund).then_refuses(
        409, "refund_not_permitted"
    )
    policy = {"customers_until": "2099-01-01T00:00:00+01:00", "fee_percent": 10}
    assert paid_order.when(ORGANISER, "POST", path, policy).status == 200
    paid_order.when(CUSTOMER, "GET", path).then_shows(
        customers_until="2098-12-31T23:00:00.000Z", fee_percent=10, tickets_on_reversal="revoke_when_final", version=0
    )
    answered = paid_order.when(CUSTOMER, "POST", f"/orders/{paid_order.order_id}/refunds", refund)
    [part] = answered.body["parts"]
    assert (answered.status, part["amount"]["amount"], part["fee"]["amount"]) == (201, "22.50", "2.50")


def test_a_policy_is_the_organisers_and_changes_under_its_version(paid_order: Sale) -> None:
    path = f"/concerts/{paid_order.concert_id}/refund-policy"
    paid_order.when(OTHER_ORGANISER, "POST", path, {}).then_refuses(403, "forbidden")
    paid_order.when(ORGANISER, "POST", f"/concerts/{some_id('none')}/refund-policy", {}).then_refuses(404, "not_found")
    paid_order.when(CUSTOMER, "GET", f"/concerts/{some_id('none')}/refund-policy").then_refuses(404, "not_found")
    paid_order.when(ORGANISER, "POST", path, {"fee_percent": 101}).then_refuses(422, "invalid_input")
    paid_order.when(ORGANISER, "POST", path, {"tickets_on_reversal": "burn"}).then_refuses(422, "invalid_input")
    assert paid_order.when(ORGANISER, "POST", path, {"fee_percent": 5}).body["version"] == 0
    paid_order.when(ORGANISER, "POST", path, {"fee_percent": 6}, if_match='"7"').then_refuses(412, "version_mismatch")
    paid_order.when(ORGANISER, "POST", path, {"fee_percent": 5}, if_match='"0"').then_shows(version=0)
