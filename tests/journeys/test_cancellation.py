"""A concert is cancelled, over HTTP and the whole pipeline."""

from datetime import timedelta

import pytest

from chalicelib.platform.eventsourcing.event import JsonObject
from tests.journeys.shop import BUYER, Shop, cart_with, made, order_of, pay, publish_concert, refused
from tests.journeys.test_late_payments import later, order_at


@pytest.mark.needs_the_stack
def test_a_cancelled_concert_ends_what_was_sold_held_and_unpaid(shop: Shop) -> None:
    organiser, visitor = shop.organiser(), shop.visitor()
    concert = publish_concert(organiser)
    paid, unpaid, undecided, holding = (shop.customer() for _ in range(4))
    paid_order, unpaid_order = order_of(paid, concert.ticket_type_id, 2), order_of(unpaid, concert.ticket_type_id, 1)
    made(pay(paid, paid_order))
    open_order = order_of(undecided, concert.ticket_type_id, 1)
    assert made(pay(undecided, open_order, "tok_delayed"))["status"] == "started"
    cart_id = cart_with(holding, concert.ticket_type_id, 3)
    shop.settle()

    path = f"/concerts/{concert.concert_id}"
    answer = made(organiser.post(f"{path}/cancel"))
    assert answer["status"] == "cancelling"
    lost = refused(holding.post(f"/carts/{cart_id}/checkout", json=BUYER), 409, "not_on_sale")
    (line,) = lost["lines"]
    assert (line["concert_id"], line["reason"], lost["items"]) == (concert.concert_id, "cancelled", [line["item_id"]])
    refused(
        holding.post(f"/carts/{cart_id}/items", json={"ticket_type_id": concert.ticket_type_id, "quantity": 1}),
        409,
        "not_on_sale",
    )
    shop.settle()
    assert made(visitor.get(path))["status"] == "cancelling"
    assert made(organiser.post(f"{path}/cancel"))["status"] == "cancelling"
    assert [item["problem"] for item in made(holding.get(f"/carts/{cart_id}"))["items"]] == ["cancelled"]
    stock = made(visitor.get(f"{path}/availability"))["ticket_types"]
    assert {(row["available"], row["reason"]) for row in stock} == {(0, "cancelled")}

    order = order_at(shop, paid, paid_order)
    assert (order["status"], [payment["status"] for payment in order["payments"]]) == ("refunded", ["refunded"])
    assert [(refund["amount"], refund["status"]) for refund in order["refunds"]] == [
        ({"amount": "50.00", "currency": "EUR"}, "completed")
    ]
    assert [ticket["status"] for ticket in order["tickets"]] == ["revoked", "revoked"]
    events = made(shop.as_role("operator").get(f"/streams/{order['tickets'][0]['id']}/events"))["items"]
    assert [event["event_type"].rsplit(".", 1)[-1] for event in events] == ["TicketRevokedEvent"]
    assert order_at(shop, unpaid, unpaid_order)["status"] == "cancelled"
    refused(pay(unpaid, unpaid_order), 409, "not_payable")
    assert order_at(shop, undecided, open_order)["status"] == "cancelled"

    with later(timedelta(minutes=1)):
        shop.pump.tick()
        shop.settle()
    with later(timedelta(minutes=3)):
        shop.pump.tick()
        shop.settle()
    assert made(visitor.get(path))["status"] == "cancelled"
    assert made(organiser.post(f"{path}/cancel"))["status"] == "cancelled"
    assert order_at(shop, paid, paid_order) == order


def has_taken_back(order: JsonObject, tickets: int) -> bool:
    revoked = [ticket for ticket in order["tickets"] if ticket["status"] == "revoked"]
    return len(revoked) == tickets and {refund["status"] for refund in order["refunds"]} == {"completed"}


def test_of_an_order_over_two_concerts_the_cancelled_part_goes_back_and_the_rest_stays(shop: Shop) -> None:
    organiser, customer = shop.organiser(), shop.customer()
    first, second = (
        publish_concert(organiser),
        publish_concert(organiser, {"price": {"amount": "40", "currency": "EUR"}}),
    )
    cart_id = cart_with(customer, first.ticket_type_id, 2)
    made(customer.post(f"/carts/{cart_id}/items", json={"ticket_type_id": second.ticket_type_id, "quantity": 1}))
    order_id = made(customer.post(f"/carts/{cart_id}/checkout", json=BUYER))["order_id"]
    made(pay(customer, order_id))

    made(organiser.post(f"/concerts/{first.concert_id}/cancel"))
    order = order_at(shop, customer, order_id, lambda order: has_taken_back(order, 2))
    assert (order["status"], [payment["status"] for payment in order["payments"]]) == ("confirmed", ["succeeded"])
    assert [refund["amount"]["amount"] for refund in order["refunds"]] == ["50.00"]
    statuses = {(ticket["concert_id"], ticket["status"]) for ticket in order["tickets"]}
    assert statuses == {(first.concert_id, "revoked"), (second.concert_id, "valid")}
    tickets = made(customer.get(f"/orders/{order_id}/tickets"))["items"]
    assert sorted(ticket["status"] for ticket in tickets) == ["revoked", "revoked", "valid"]

    made(organiser.post(f"/concerts/{second.concert_id}/cancel"))
    order = order_at(shop, customer, order_id, lambda order: has_taken_back(order, 3))
    assert (order["status"], [payment["status"] for payment in order["payments"]]) == ("refunded", ["refunded"])
    assert [(refund["amount"]["amount"], refund["status"]) for refund in order["refunds"]] == [
        ("50.00", "completed"),
        ("40.00", "completed"),
    ]
    assert {ticket["status"] for ticket in order["tickets"]} == {"revoked"}
