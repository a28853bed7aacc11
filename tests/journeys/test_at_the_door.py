"""Tickets are shown at the doors of a concert."""

from uuid import uuid4

import httpx
import pytest

from tests.journeys.shop import Json, Shop, made, order_of, pay, person_of, publish_concert, race, refused

ALWAYS = {"opens_at": "2020-01-01T00:00:00Z", "closes_at": "2100-01-01T00:00:00Z"}


@pytest.fixture
def door(shop: Shop) -> httpx.Client:
    return shop.as_role("door")


def bought(shop: Shop, quantity: int, *staff: httpx.Client) -> tuple[str, list[Json]]:
    """A concert with staff at its doors, and what the codes on somebody's tickets hold."""
    organiser, customer = shop.organiser(), shop.customer()
    concert = publish_concert(organiser)
    for door in staff:
        body = ALWAYS | {"person_id": person_of(door)}
        made(organiser.post(f"/concerts/{concert.concert_id}/door-staff", json=body))
    order_id = order_of(customer, concert.ticket_type_id, quantity)
    made(pay(customer, order_id))
    tickets = made(customer.get(f"/orders/{order_id}/tickets", headers={"Min-Version": f"{order_id}:2"}))["items"]
    return f"/concerts/{concert.concert_id}/check-ins", [
        {"order_id": order_id, "ticket_id": ticket["id"]} for ticket in tickets
    ]


def test_a_ticket_lets_one_person_in(shop: Shop, door: httpx.Client) -> None:
    path, (first, second) = bought(shop, 2, door)
    admitted = made(door.post(path, json=first))
    assert (admitted["ticket_id"], admitted["ticket_type_name"]) == (first["ticket_id"], "Floor")
    again = refused(door.post(path, json=first), 409, "already_checked_in")
    assert again["checked_in_at"] == admitted["checked_in_at"]
    made(door.post(path, json=second))


def test_a_request_whose_reply_was_lost_lets_its_person_in(shop: Shop, door: httpx.Client) -> None:
    path, (ticket,) = bought(shop, 1, door)
    key = {"Idempotency-Key": str(uuid4())}
    assert made(door.post(path, json=ticket, headers=key)) == made(door.post(path, json=ticket, headers=key))


def test_of_many_doors_that_see_one_ticket_at_once_one_opens(shop: Shop) -> None:
    doors = [shop.as_role("door") for _ in range(12)]
    path, (ticket,) = bought(shop, 1, *doors)
    answers = race([lambda door=door: door.post(path, json=ticket) for door in doors])  # type: ignore[misc]
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 11


def test_the_doors_of_another_concert_and_of_a_cancelled_one_stay_shut(shop: Shop, door: httpx.Client) -> None:
    path, (ticket,) = bought(shop, 1, door)
    elsewhere, _ = bought(shop, 1, door)
    problem = refused(door.post(elsewhere, json=ticket), 409, "another_concert")
    assert problem["concert_id"] in path
    operator = shop.as_role("operator")
    made(operator.post(path.replace("/check-ins", "/cancel")))
    shop.settle()
    refused(door.post(path, json=ticket), 409, "ticket_revoked")


def test_what_is_no_ticket_is_refused_and_says_why(shop: Shop, door: httpx.Client) -> None:
    path, (ticket,) = bought(shop, 1, door)
    refused(door.post(path, json=ticket | {"ticket_id": str(uuid4())}), 404, "not_found")
    refused(door.post(path, json=ticket | {"order_id": str(uuid4())}), 404, "not_found")
    problem = refused(door.post(path, json={"order_id": "x"}), 422, "invalid_input")
    assert sorted(error["pointer"] for error in problem["errors"]) == ["#/order_id", "#/ticket_id"]


def test_only_door_staff_of_this_concert_lets_people_in(shop: Shop) -> None:
    path, (ticket,) = bought(shop, 1)
    for client in (shop.customer(), shop.organiser(), shop.as_role("door"), shop.as_role("operator")):
        refused(client.post(path, json=ticket), 403, "not_at_this_door")


def test_door_staff_of_an_organiser_is_at_the_doors_of_all_his_concerts_until_it_is_revoked(shop: Shop) -> None:
    organiser, door = shop.organiser(), shop.as_role("door")
    concert, person = publish_concert(organiser), person_of(door)
    path = f"/concerts/{concert.concert_id}/check-ins"
    nothing = {"order_id": str(uuid4()), "ticket_id": str(uuid4())}
    made(organiser.post("/door-staff", json=ALWAYS | {"person_id": person}))
    refused(door.post(path, json=nothing), 404, "not_found")
    made(organiser.delete(f"/door-staff/{person}"))
    elsewhere = publish_concert(shop.organiser())
    refused(door.post(f"/concerts/{elsewhere.concert_id}/check-ins", json=nothing), 403, "not_at_this_door")


def test_an_organiser_names_door_staff_for_his_own_concerts_alone(shop: Shop) -> None:
    concert, other = publish_concert(shop.organiser()), shop.organiser()
    path, body = f"/concerts/{concert.concert_id}/door-staff", ALWAYS | {"person_id": str(uuid4())}
    refused(other.post(path, json=body), 403, "forbidden")
    refused(shop.customer().post(path, json=body), 403, "forbidden")
    refused(other.post(f"/concerts/{uuid4()}/door-staff", json=body), 404, "not_found")
    made(shop.as_role("operator").post(path, json=body))


def test_a_disabled_account_is_refused(shop: Shop) -> None:
    operator, organiser = shop.as_role("operator"), shop.organiser()
    person = person_of(organiser)
    made(operator.post(f"/accounts/{person}/disable", json={"reason": "lost phone"}))
    refused(organiser.get("/orders"), 401, "account_disabled")
    refused(shop.customer().post(f"/accounts/{person}/enable"), 403, "forbidden")
    made(operator.post(f"/accounts/{person}/enable"))
