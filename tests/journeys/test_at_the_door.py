"""Tickets are shown at the doors of a concert."""

from uuid import uuid4

import httpx
import pytest

from tests.journeys.shop import Json, Shop, made, order_of, pay, publish_concert, race, refused


@pytest.fixture
def door(shop: Shop) -> httpx.Client:
    return shop.as_role("door")


def bought(shop: Shop, quantity: int = 1) -> tuple[str, list[Json]]:
    """A concert, and what the codes on somebody's tickets hold."""
    concert, customer = publish_concert(shop.organiser()), shop.customer()
    order_id = order_of(customer, concert.ticket_type_id, quantity)
    made(pay(customer, order_id))
    tickets = made(customer.get(f"/orders/{order_id}/tickets", headers={"Min-Version": f"{order_id}:2"}))["items"]
    return f"/concerts/{concert.concert_id}/check-ins", [
        {"order_id": order_id, "ticket_id": ticket["id"]} for ticket in tickets
    ]


def test_a_ticket_lets_one_person_in(shop: Shop, door: httpx.Client) -> None:
    path, (first, second) = bought(shop, 2)
    admitted = made(door.post(path, json=first))
    assert (admitted["ticket_id"], admitted["ticket_type_name"]) == (first["ticket_id"], "Floor")
    again = refused(door.post(path, json=first), 409, "already_checked_in")
    assert again["checked_in_at"] == admitted["checked_in_at"]
    made(door.post(path, json=second))


def test_a_request_whose_reply_was_lost_lets_its_person_in(shop: Shop, door: httpx.Client) -> None:
    path, (ticket,) = bought(shop)
    key = {"Idempotency-Key": str(uuid4())}
    assert made(door.post(path, json=ticket, headers=key)) == made(door.post(path, json=ticket, headers=key))


def test_of_many_doors_that_see_one_ticket_at_once_one_opens(shop: Shop) -> None:
    path, (ticket,) = bought(shop)
    doors = [shop.as_role("door") for _ in range(12)]
    answers = race([lambda door=door: door.post(path, json=ticket) for door in doors])  # type: ignore[misc]
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 11


def test_the_doors_of_another_concert_and_of_a_cancelled_one_stay_shut(shop: Shop, door: httpx.Client) -> None:
    path, (ticket,) = bought(shop)
    elsewhere, _ = bought(shop)
    problem = refused(door.post(elsewhere, json=ticket), 409, "another_concert")
    assert problem["concert_id"] in path
    operator = shop.as_role("operator")
    made(operator.post(path.replace("/check-ins", "/cancel")))
    shop.settle()
    refused(door.post(path, json=ticket), 409, "ticket_revoked")


def test_what_is_no_ticket_is_refused_and_says_why(shop: Shop, door: httpx.Client) -> None:
    path, (ticket,) = bought(shop)
    refused(door.post(path, json=ticket | {"ticket_id": str(uuid4())}), 404, "not_found")
    refused(door.post(path, json=ticket | {"order_id": str(uuid4())}), 404, "not_found")
    problem = refused(door.post(path, json={"order_id": "x"}), 422, "invalid_input")
    assert sorted(error["pointer"] for error in problem["errors"]) == ["#/order_id", "#/ticket_id"]


def test_only_door_staff_lets_people_in(shop: Shop) -> None:
    path, (ticket,) = bought(shop)
    for client in (shop.customer(), shop.organiser()):
        refused(client.post(path, json=ticket), 403, "forbidden")
