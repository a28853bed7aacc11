"""Money and tickets go back over HTTP and the whole pipeline, and guests get tickets."""

import pytest

from chalicelib.platform.eventsourcing.event import JsonObject
from tests.journeys.shop import ANY_VERSION, Shop, made, order_of, pay, publish_concert, refused
from tests.journeys.test_late_payments import order_at

WHY = {"reason": "The view is blocked."}


def left(shop: Shop, concert_id: str) -> tuple[int, int]:
    [stock] = made(shop.visitor().get(f"/concerts/{concert_id}/availability"))["ticket_types"]
    return stock["available"], stock["sold"]


@pytest.mark.needs_the_stack
def test_one_ticket_goes_back_and_is_for_sale_again(shop: Shop) -> None:
    organiser, customer = shop.organiser(), shop.customer()
    concert = publish_concert(organiser)
    order_id = order_of(customer, concert.ticket_type_id, 2)
    made(pay(customer, order_id))
    shop.settle()
    available, sold = left(shop, concert.concert_id)
    tickets = [ticket["id"] for ticket in order_at(shop, customer, order_id)["tickets"]]
    body: JsonObject = {"tickets": tickets[:1], **WHY}
    path = f"/orders/{order_id}/refunds"
    granted = made(organiser.post(path, json=body, headers={"Idempotency-Key": "back"}))
    assert made(organiser.post(path, json=body, headers={"Idempotency-Key": "back"})) == granted
    refused(shop.organiser().post(path, json=body), 404, "not_found")
    shop.settle()
    order = order_at(shop, customer, order_id)
    assert (order["status"], [ticket["status"] for ticket in order["tickets"]]) == ("confirmed", ["revoked", "valid"])
    assert [(refund["amount"]["amount"], refund["status"]) for refund in order["refunds"]] == [("25.00", "completed")]
    assert left(shop, concert.concert_id) == (available + 1, sold - 1)
    [listed] = made(customer.get(path))["items"]
    assert (listed["by"], listed["ticket_ids"], listed["status"]) == ("organiser", tickets[:1], "completed")


@pytest.mark.needs_the_stack
def test_a_customer_goes_by_the_policy_and_a_guest_costs_nothing(shop: Shop) -> None:
    organiser, customer = shop.organiser(), shop.customer()
    concert = publish_concert(organiser)
    policy = {"customers_until": "2099-01-01T00:00:00Z", "fee_percent": 20}
    made(organiser.post(f"/concerts/{concert.concert_id}/refund-policy", json=policy))
    assert made(shop.visitor().get(f"/concerts/{concert.concert_id}/refund-policy"))["fee_percent"] == 20
    order_id = order_of(customer, concert.ticket_type_id, 2)
    made(pay(customer, order_id))
    [part] = made(customer.post(f"/orders/{order_id}/refunds", json={"all": True}))["parts"]
    assert (part["amount"]["amount"], part["fee"]["amount"]) == ("40.00", "10.00")
    shop.settle()
    assert order_at(shop, customer, order_id)["status"] == "refunded"
    _, sold = left(shop, concert.concert_id)
    guest = {"ticket_type_id": concert.ticket_type_id, "quantity": 2, "guest": {"name": "Gina Guest"}}
    issued = made(organiser.post(f"/concerts/{concert.concert_id}/complimentary-tickets", json=guest))
    shop.settle()
    order = order_at(shop, organiser, issued["order_id"])
    assert (order["status"], order["buyer"], len(order["tickets"])) == ("confirmed", {"name": "Gina Guest"}, 2)
    made(organiser.patch(f"/orders/{issued['order_id']}/buyer", json={"name": "Gina Gast"}, headers=ANY_VERSION))
    shop.settle()
    assert order_at(shop, organiser, issued["order_id"])["buyer"] == {"name": "Gina Gast"}
    assert left(shop, concert.concert_id)[1] == sold + 2


@pytest.mark.needs_the_stack
def test_a_ticket_moves_to_another_person_and_to_a_dearer_row(shop: Shop) -> None:
    organiser, customer = shop.organiser(), shop.customer()
    concert = publish_concert(organiser)
    balcony = {"name": "Balcony", "price": {"amount": "40.00", "currency": "EUR"}, "quantity": 2}
    type_id = made(organiser.post(f"/concerts/{concert.concert_id}/ticket-types", json=balcony))["id"]
    order_id = order_of(customer, concert.ticket_type_id, 2)
    made(pay(customer, order_id))
    shop.settle()
    first, second = [ticket["id"] for ticket in order_at(shop, customer, order_id)["tickets"]]
    path, holder = f"/orders/{order_id}/moves", {"name": "Gina Guest", "email": "gina@example.org"}
    handed_on: JsonObject = {"tickets": [first], "holder": holder}
    moved = made(customer.post(path, json=handed_on, headers={"Idempotency-Key": "hand-on"}))
    assert made(customer.post(path, json=handed_on, headers={"Idempotency-Key": "hand-on"})) == moved
    refused(customer.post(path, json=handed_on), 409, "tickets_moved")
    begun = made(organiser.post(path, json={"tickets": [second], "ticket_type_id": type_id}))
    assert (begun["status"], begun["supplement"]["amount"]) == ("awaiting_payment", "15.00")
    made(pay(customer, order_id))
    shop.settle()
    order = order_at(shop, customer, order_id)
    assert [ticket["status"] for ticket in order["tickets"]] == ["revoked", "revoked", "valid", "valid"]
    assert [payment["amount"]["amount"] for payment in order["payments"]] == ["50.00", "15.00"]
    attendees = made(organiser.get(f"/concerts/{concert.concert_id}/attendees"))["items"]
    assert "Gina Guest" in {one["buyer"]["name"] for one in attendees}
    stock = made(shop.visitor().get(f"/concerts/{concert.concert_id}/availability"))["ticket_types"]
    assert sorted(one["sold"] for one in stock) == [1, 1]
