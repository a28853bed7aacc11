"""Real concurrency, over HTTP, against the emulator."""

from collections import Counter
from collections.abc import Callable
from functools import partial

import httpx

from tests.journeys.shop import Shop, made, publish_concert, race, refused


def decided(ask: Callable[[], httpx.Response]) -> httpx.Response:
    """Ask again for as long as the shop is busy, which is no answer."""
    while (answer := ask()).status_code == 503:
        refused(answer, 503, "busy")
    return answer


def test_a_hundred_customers_race_for_twenty_tickets_and_exactly_twenty_are_held(shop: Shop) -> None:
    concert = publish_concert(shop.organiser(), {"quantity": 20})
    body = {"ticket_type_id": concert.ticket_type_id, "quantity": 1}
    customers = [shop.customer() for _ in range(100)]
    carts = [made(customer.post("/carts"))["id"] for customer in customers]

    def contestant(customer: httpx.Client, cart_id: str) -> Callable[[], httpx.Response]:
        return lambda: decided(
            lambda: customer.post(f"/carts/{cart_id}/items", json=body, headers={"Idempotency-Key": "1"})
        )

    answers = race([contestant(customer, cart_id) for customer, cart_id in zip(customers, carts, strict=True)])
    assert Counter(answer.status_code for answer in answers) == {201: 20, 409: 80}
    for answer in answers:
        if answer.status_code == 409:
            refused(answer, 409, "sold_out")
    shop.settle()
    availability = made(shop.visitor().get(f"/concerts/{concert.concert_id}/availability"))["ticket_types"]
    assert [(kind["available"], kind["held"], kind["sold"]) for kind in availability] == [(0, 20, 0)]


def test_thirty_two_additions_to_one_cart_at_once_are_all_in_it_or_refused_as_full(shop: Shop) -> None:
    concert = publish_concert(shop.organiser(), {"quantity": 100, "max_per_order": 16})
    customer = shop.customer()
    cart_id = made(customer.post("/carts"))["id"]
    body = {"ticket_type_id": concert.ticket_type_id, "quantity": 1}

    def add(key: str) -> httpx.Response:
        return customer.post(f"/carts/{cart_id}/items", json=body, headers={"Idempotency-Key": key})

    answers = race([partial(decided, partial(add, key)) for key in map(str, range(32))])
    assert Counter(answer.status_code for answer in answers) == {201: 16, 409: 16}
    shop.settle()
    cart = made(customer.get(f"/carts/{cart_id}"))
    accepted = {answer.json()["item_id"] for answer in answers if answer.status_code == 201}
    assert {line["id"] for line in cart["items"]} == accepted


def test_one_request_repeated_at_once_takes_one_hold(shop: Shop) -> None:
    concert = publish_concert(shop.organiser(), {"quantity": 20})
    customer = shop.customer()
    cart_id = made(customer.post("/carts"))["id"]
    body = {"ticket_type_id": concert.ticket_type_id, "quantity": 1}
    headers = {"Idempotency-Key": "one"}
    answers = race([lambda: customer.post(f"/carts/{cart_id}/items", json=body, headers=headers)] * 16)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    shop.settle()
    availability = made(shop.visitor().get(f"/concerts/{concert.concert_id}/availability"))["ticket_types"]
    assert availability[0]["held"] == 1
