"""The network repeats requests; the shop does not repeat what they did."""

from uuid import UUID, uuid4

import httpx

from chalicelib.shop.inventory.ticket_pool import pool_id
from tests.journeys.shop import (
    BUYER,
    TICKETS,
    VENUE,
    Json,
    Shop,
    cart_with,
    made,
    order_of,
    publish_concert,
    refused,
    schedule_in,
)


def key() -> dict[str, str]:
    return {"Idempotency-Key": str(uuid4())}


def events_of(shop: Shop, stream_id: str) -> list[Json]:
    items: list[Json] = made(shop.as_role("operator").get(f"/streams/{stream_id}/events"))["items"]
    return items


def ensure_repeatable(client: httpx.Client, path: str, body: Json | None, other: Json | None) -> Json:
    """Post twice under one key: the same answer; with another body under that key: refused."""
    headers = key()
    first = client.post(path, json=body, headers=headers)
    again = client.post(path, json=body, headers=headers)
    assert (again.status_code, again.json(), again.headers["etag"]) == (201, first.json(), first.headers["etag"])
    if other is not None:
        refused(client.post(path, json=other, headers=headers), 422, "idempotency_key_reused")
    return made(first)


def test_every_post_that_makes_something_can_be_repeated(shop: Shop) -> None:
    organiser, customer = shop.organiser(), shop.customer()
    venue = ensure_repeatable(organiser, "/venues", VENUE, VENUE | {"capacity": 1})
    concert = {"name": "Again", "venue_id": venue["id"]}
    concert_id = ensure_repeatable(organiser, "/concerts", concert, concert | {"name": "Other"})["id"]
    ensure_repeatable(organiser, f"/concerts/{concert_id}/ticket-types", TICKETS, TICKETS | {"quantity": 1})
    assert len(events_of(shop, concert_id)) == 2
    ticket_type_id = publish_concert(organiser).ticket_type_id
    cart_id = ensure_repeatable(customer, "/carts", None, None)["id"]
    item = {"ticket_type_id": ticket_type_id, "quantity": 1}
    ensure_repeatable(customer, f"/carts/{cart_id}/items", item, item | {"quantity": 2})
    made(customer.post(f"/carts/{cart_id}/items", json=item))
    assert len(events_of(shop, cart_id)) == 3
    assert customer.post(f"/carts/{cart_id}/hold-extensions").status_code == 200
    assert len(events_of(shop, cart_id)) == 3, "an extension that gains nothing writes nothing"
    other_buyer = {"buyer": BUYER["buyer"] | {"name": "Somebody Else"}}
    order_id = ensure_repeatable(customer, f"/carts/{cart_id}/checkout", BUYER, other_buyer)["order_id"]
    payment = {"provider": "sandbox", "token": "tok_visa"}
    ensure_repeatable(customer, f"/orders/{order_id}/payments", payment, payment | {"token": "tok_declined"})
    assert len(events_of(shop, order_id)) == 3
    pool = [event["event_type"] for event in events_of(shop, str(pool_id(UUID(ticket_type_id), 0)))]
    steps = ["TicketPoolOpened", "TicketsHeld", "HoldPlacedOnOrder", "TicketsSold"]
    numbers = [1, 2, 2, 2]
    assert [sum(f".{step}Event" in name for name in pool) for step in steps] == numbers
    assert len(pool) == sum(numbers)


def test_a_repeated_answer_is_the_first_one_even_after_later_changes(shop: Shop) -> None:
    concert = publish_concert(shop.organiser())
    customer = shop.customer()
    cart_id = made(customer.post("/carts"))["id"]
    item, headers = {"ticket_type_id": concert.ticket_type_id, "quantity": 1}, key()
    first = customer.post(f"/carts/{cart_id}/items", json=item, headers=headers)
    made(customer.post(f"/carts/{cart_id}/items", json=item))
    again = customer.post(f"/carts/{cart_id}/items", json=item, headers=headers)
    assert again.json() == first.json()


def test_the_same_key_of_another_person_or_on_another_route_is_another_request(shop: Shop) -> None:
    headers = key()
    first, second = shop.customer(), shop.customer()
    assert made(first.post("/carts", headers=headers))["id"] != made(second.post("/carts", headers=headers))["id"]
    organiser = shop.organiser()
    venue_id = made(organiser.post("/venues", json=VENUE, headers=headers))["id"]
    concert = {"name": "Other route", "venue_id": venue_id}
    assert made(organiser.post("/concerts", json=concert, headers=headers))["id"] != venue_id


def test_one_key_for_everything_that_a_purchase_makes_names_another_thing_on_every_route(shop: Shop) -> None:
    concert = publish_concert(shop.organiser())
    customer, headers = shop.customer(), key()
    item = {"ticket_type_id": concert.ticket_type_id, "quantity": 1}
    payment = {"provider": "sandbox", "token": "tok_visa"}
    ids = []
    for for_cart in (headers | key(), headers):
        cart = made(customer.post("/carts", headers=for_cart))["id"]
        line = made(customer.post(f"/carts/{cart}/items", json=item, headers=headers))["item_id"]
        order = made(customer.post(f"/carts/{cart}/checkout", json=BUYER, headers=headers))["order_id"]
        paid = made(customer.post(f"/orders/{order}/payments", json=payment, headers=headers))["payment_id"]
        ids += [cart, line, order, paid]
    assert len(set(ids)) == 8


def test_an_organisers_commands_can_be_repeated_too(shop: Shop) -> None:
    organiser = shop.organiser()
    venue_id = made(organiser.post("/venues", json=VENUE))["id"]
    concert_id = made(organiser.post("/concerts", json={"name": "Twice", "venue_id": venue_id}))["id"]
    made(organiser.post(f"/concerts/{concert_id}/ticket-types", json=TICKETS))
    for step, body in (("schedule", schedule_in(30)), ("publish", None), ("cancel", None)):
        headers = key()
        first = organiser.post(f"/concerts/{concert_id}/{step}", json=body, headers=headers)
        again = organiser.post(f"/concerts/{concert_id}/{step}", json=body, headers=headers)
        assert (again.status_code, again.json(), again.headers["etag"]) == (200, made(first), first.headers["etag"])


def test_a_declined_payment_repeated_is_declined_again_and_two_keys_do_not_pay_twice(shop: Shop) -> None:
    concert = publish_concert(shop.organiser())
    customer = shop.customer()
    order_id = order_of(customer, concert.ticket_type_id, 1)
    path, headers = f"/orders/{order_id}/payments", key()
    declined = {"provider": "sandbox", "token": "tok_declined"}
    first = customer.post(path, json=declined, headers=headers)
    again = customer.post(path, json=declined, headers=headers)
    assert refused(first, 402, "payment_declined") == refused(again, 402, "payment_declined")
    made(customer.post(path, json=declined | {"token": "tok_visa"}, headers=key()))
    refused(customer.post(path, json=declined | {"token": "tok_visa"}, headers=key()), 409, "already_paid")


def test_an_edit_repeated_with_its_if_match_is_answered_as_before_and_another_one_is_refused(shop: Shop) -> None:
    organiser = shop.organiser()
    venue_id = made(organiser.post("/venues", json=VENUE))["id"]
    seen = {"If-Match": '"0"'}
    first = organiser.patch(f"/venues/{venue_id}", json={"capacity": 9}, headers=seen | {"Idempotency-Key": "edit"})
    again = organiser.patch(f"/venues/{venue_id}", json={"capacity": 9}, headers=seen | {"Idempotency-Key": "edit"})
    assert (again.status_code, again.json()) == (200, made(first))
    other = organiser.patch(f"/venues/{venue_id}", json={"capacity": 8}, headers=seen | {"Idempotency-Key": "other"})
    refused(other, 412, "version_mismatch")
    assert len(events_of(shop, venue_id)) == 2


def test_an_id_in_capitals_names_the_same_request(shop: Shop) -> None:
    concert = publish_concert(shop.organiser())
    customer = shop.customer()
    cart_id = made(customer.post("/carts"))["id"]
    item, headers = {"ticket_type_id": concert.ticket_type_id, "quantity": 1}, key()
    first = customer.post(f"/carts/{cart_id}/items", json=item, headers=headers)
    again = customer.post(f"/carts/{cart_id.upper()}/items", json=item, headers=headers)
    assert again.json() == first.json()


def test_a_second_checkout_with_another_key_names_the_order_that_exists(shop: Shop) -> None:
    concert = publish_concert(shop.organiser())
    customer = shop.customer()
    cart_id = cart_with(customer, concert.ticket_type_id, 1)
    order_id = made(customer.post(f"/carts/{cart_id}/checkout", json=BUYER))["order_id"]
    problem = refused(customer.post(f"/carts/{cart_id}/checkout", json=BUYER), 409, "cart_checked_out")
    assert problem["order_id"] == order_id
