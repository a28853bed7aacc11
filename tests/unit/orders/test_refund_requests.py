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
def sale() -> Sale:
    log = MemoryEventStore()
    shop = Shop(log)
    concert_id, ticket_type_id = shop.on_sale()
    cart_id = shop.cart()
    shop.add(cart_id, ticket_type_id, 2)
    order_id = shop.check_out(cart_id).order_id
    shop.pay(order_id)
    tickets = tuple(str(ticket.id) for ticket in shop.order_state(order_id).tickets)
    return Sale(shop, log, concert_id=concert_id, order_id=order_id, tickets=tickets)


def test_a_refund_is_answered_with_its_parts_and_listed(sale: Sale) -> None:
    answered = sale.when(ORGANISER, "POST", f"/orders/{sale.order_id}/refunds", {"tickets": [*sale.tickets[:1]], **WHY})
    assert (answered.status, answered.headers["location"]) == (201, f"/orders/{sale.order_id}/refunds")
    [part] = answered.body["parts"]
    assert (part["ticket_ids"], part["amount"]) == ([*sale.tickets[:1]], {"amount": "25.00", "currency": "EUR"})
    for actor in (ORGANISER, CUSTOMER, OPERATOR):
        listed = sale.when(actor, "GET", f"/orders/{sale.order_id}/refunds")
        [item] = listed.body["items"]
        assert (item["by"], item["status"], item["grant_id"]) == ("organiser", "completed", answered.body["id"])


def test_the_same_key_gives_the_same_answer_and_moves_no_more_money(sale: Sale) -> None:
    path, body = f"/orders/{sale.order_id}/refunds", {"amount": {"amount": "1.50", "currency": "EUR"}, **WHY}
    first = sale.when(ORGANISER, "POST", path, body, idempotency_key="k")
    again = sale.when(ORGANISER, "POST", path, body, idempotency_key="k")
    assert (again.status, again.body, again.news) == (first.status, first.body, {})
    sale.when(ORGANISER, "POST", path, {"all": True, **WHY}, idempotency_key="k").then_refuses(
        422, "idempotency_key_reused"
    )


@pytest.mark.parametrize("actor", [OTHER_ORGANISER, OTHER_CUSTOMER])
def test_others_find_no_order(sale: Sale, actor: Actor) -> None:
    sale.when(actor, "POST", f"/orders/{sale.order_id}/refunds", {"all": True, **WHY}).then_refuses(404, "not_found")
    sale.when(actor, "GET", f"/orders/{sale.order_id}/refunds").then_refuses(404, "not_found")


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
def test_a_body_that_makes_no_sense_is_refused_with_its_place(sale: Sale, body: JsonObject, pointer: str) -> None:
    answered = sale.when(ORGANISER, "POST", f"/orders/{sale.order_id}/refunds", {**WHY, **body})
    answered.then_refuses(422, "invalid_input")
    assert answered.body["errors"][0]["pointer"] == pointer


def test_an_amount_above_what_is_left_is_refused_with_what_is_left(sale: Sale) -> None:
    body = {"amount": {"amount": "50.01", "currency": "EUR"}, **WHY}
    answered = sale.when(ORGANISER, "POST", f"/orders/{sale.order_id}/refunds", body)
    answered.then_refuses(409, "refund_exceeds_payment", left={"amount": "50.00", "currency": "EUR"})


def test_a_policy_is_set_shown_and_counts(sale: Sale) -> None:
    path = f"/concerts/{sale.concert_id}/refund-policy"
    sale.when(CUSTOMER, "GET", path).then_shows(customers_until=None, fee_percent=0, version=None)
    refund = {"tickets": [*sale.tickets[:1]]}
    sale.when(CUSTOMER, "POST", f"/orders/{sale.order_id}/refunds", refund).then_refuses(409, "refund_not_permitted")
    policy = {"customers_until": "2099-01-01T00:00:00+01:00", "fee_percent": 10}
    assert sale.when(ORGANISER, "POST", path, policy).status == 200
    sale.when(CUSTOMER, "GET", path).then_shows(
        customers_until="2098-12-31T23:00:00.000Z", fee_percent=10, tickets_on_reversal="revoke_when_final", version=0
    )
    answered = sale.when(CUSTOMER, "POST", f"/orders/{sale.order_id}/refunds", refund)
    [part] = answered.body["parts"]
    assert (answered.status, part["amount"]["amount"], part["fee"]["amount"]) == (201, "22.50", "2.50")


def test_a_policy_is_the_organisers_and_changes_under_its_version(sale: Sale) -> None:
    path = f"/concerts/{sale.concert_id}/refund-policy"
    sale.when(OTHER_ORGANISER, "POST", path, {}).then_refuses(403, "forbidden")
    sale.when(ORGANISER, "POST", f"/concerts/{some_id('none')}/refund-policy", {}).then_refuses(404, "not_found")
    sale.when(CUSTOMER, "GET", f"/concerts/{some_id('none')}/refund-policy").then_refuses(404, "not_found")
    sale.when(ORGANISER, "POST", path, {"fee_percent": 101}).then_refuses(422, "invalid_input")
    sale.when(ORGANISER, "POST", path, {"tickets_on_reversal": "burn"}).then_refuses(422, "invalid_input")
    assert sale.when(ORGANISER, "POST", path, {"fee_percent": 5}).body["version"] == 0
    sale.when(ORGANISER, "POST", path, {"fee_percent": 6}, if_match='"7"').then_refuses(412, "version_mismatch")
    sale.when(ORGANISER, "POST", path, {"fee_percent": 5}, if_match='"0"').then_shows(version=0)
