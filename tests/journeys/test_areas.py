"""A house with areas: ticket types share a stock, and nobody gets more than there is, however many ask at once."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx

from tests.journeys.shop import ANY_VERSION, BUYER, VENUE, Json, Shop, made, pay, race, refused, schedule_in

PRICE = {"amount": "25.00", "currency": "EUR"}


def draft_in(organiser: httpx.Client, **venue: Any) -> str:
    venue_id = made(organiser.post("/venues", json=VENUE | venue))["id"]
    concert_id: str = made(organiser.post("/concerts", json={"name": "Björk", "venue_id": venue_id}))["id"]
    made(organiser.post(f"/concerts/{concert_id}/schedule", json=schedule_in(30)))
    return concert_id


def add_area(organiser: httpx.Client, concert_id: str, name: str, capacity: int) -> str:
    body = {"name": name, "capacity": capacity}
    area_id: str = made(organiser.post(f"/concerts/{concert_id}/areas", json=body))["id"]
    return area_id


def add_type(organiser: httpx.Client, concert_id: str, name: str, **details: Any) -> str:
    body = {"name": name, "price": PRICE, **details}
    ticket_type_id: str = made(organiser.post(f"/concerts/{concert_id}/ticket-types", json=body))["id"]
    return ticket_type_id


def availability_of(shop: Shop, concert_id: str) -> tuple[dict[str, tuple[int, int, int]], list[Json]]:
    shop.settle()
    found = made(shop.visitor().get(f"/concerts/{concert_id}/availability"))
    counts = {kind["name"]: (kind["available"], kind["held"], kind["sold"]) for kind in found["ticket_types"]}
    return counts, found["areas"]


def test_an_organiser_offers_a_floor_and_a_balcony_and_each_type_sells_within_its_area(shop: Shop) -> None:
    organiser, customer = shop.organiser(), shop.customer()
    concert_id = draft_in(organiser)
    floor = add_area(organiser, concert_id, "Floor", 8)
    balcony = add_area(organiser, concert_id, "Balcony", 4)
    adult = add_type(organiser, concert_id, "Adult", area_id=floor)
    early = add_type(organiser, concert_id, "Early bird", area_id=floor, ceiling=3, max_per_order=4)
    seated = add_type(organiser, concert_id, "Seated", area_id=balcony)
    box = add_type(organiser, concert_id, "Box", quantity=2)
    made(organiser.post(f"/concerts/{concert_id}/publish"))
    shop.settle()
    concert = made(shop.visitor().get(f"/concerts/{concert_id}"))
    assert concert["areas"] == [
        {"id": floor, "name": "Floor", "capacity": 8},
        {"id": balcony, "name": "Balcony", "capacity": 4},
    ]
    shown = [(kind["id"], kind["quantity"], kind["area_id"], kind["ceiling"]) for kind in concert["ticket_types"]]
    assert shown == [
        (adult, None, floor, None),
        (early, None, floor, 3),
        (seated, None, balcony, None),
        (box, 2, None, None),
    ]

    cart_id = made(customer.post("/carts"))["id"]
    items = f"/carts/{cart_id}/items"
    assert (
        refused(customer.post(items, json={"ticket_type_id": early, "quantity": 4}), 409, "sold_out")["available"] == 3
    )
    for kind, quantity in ((early, 3), (adult, 5), (seated, 1)):
        made(customer.post(items, json={"ticket_type_id": kind, "quantity": quantity}))
    other = shop.customer()
    others = made(other.post("/carts"))["id"]
    for kind in (adult, early):
        answer = other.post(f"/carts/{others}/items", json={"ticket_type_id": kind, "quantity": 1})
        assert refused(answer, 409, "sold_out")["available"] == 0
    order_id = made(customer.post(f"/carts/{cart_id}/checkout", json=BUYER))["order_id"]
    made(pay(customer, order_id))

    counts, areas = availability_of(shop, concert_id)
    assert counts == {"Adult": (0, 0, 5), "Early bird": (0, 0, 3), "Seated": (3, 0, 1), "Box": (2, 0, 0)}
    assert sorted((area["name"], area["capacity"], area["available"], area["sold"]) for area in areas) == [
        ("Balcony", 4, 3, 1),
        ("Floor", 8, 0, 8),
    ]
    tickets = made(customer.get(f"/orders/{order_id}/tickets"))["items"]
    assert Counter(ticket["ticket_type_name"] for ticket in tickets) == {"Adult": 5, "Early bird": 3, "Seated": 1}


def test_sixty_customers_race_for_an_area_with_a_ceiling_and_it_is_filled_exactly(shop: Shop) -> None:
    organiser = shop.organiser()
    concert_id = draft_in(organiser)
    floor = add_area(organiser, concert_id, "Floor", 20)
    adult = add_type(organiser, concert_id, "Adult", area_id=floor)
    early = add_type(organiser, concert_id, "Early bird", area_id=floor, ceiling=7)
    made(organiser.post(f"/concerts/{concert_id}/publish"))
    customers = [shop.customer() for _ in range(60)]
    carts = [made(customer.post("/carts"))["id"] for customer in customers]

    def contestant(number: int) -> Callable[[], httpx.Response]:
        body = {"ticket_type_id": early if number % 2 else adult, "quantity": 1}
        return lambda: customers[number].post(f"/carts/{carts[number]}/items", json=body)

    answers = race([contestant(number) for number in range(60)])
    held = Counter(number % 2 for number, answer in enumerate(answers) if answer.status_code == 201)
    assert held.total() == 20
    assert held[1] <= 7
    for answer in answers:
        if answer.status_code != 201:
            refused(answer, 409, "sold_out")
    counts, (area,) = availability_of(shop, concert_id)
    assert counts == {"Adult": (0, held[0], 0), "Early bird": (0, held[1], 0)}
    assert (area["available"], area["held"]) == (0, 20)


def test_customers_race_for_a_ceiling_over_several_pools_and_exactly_so_many_are_held(shop: Shop) -> None:
    organiser = shop.organiser()
    concert_id = draft_in(organiser)
    floor = add_area(organiser, concert_id, "Floor", 300)
    add_type(organiser, concert_id, "Adult", area_id=floor)
    early = add_type(organiser, concert_id, "Early bird", area_id=floor, ceiling=70, max_per_order=9)
    made(organiser.post(f"/concerts/{concert_id}/publish"))
    customers = [shop.customer() for _ in range(40)]
    carts = [made(customer.post("/carts"))["id"] for customer in customers]
    bodies = [{"ticket_type_id": early, "quantity": quantity} for quantity in (1, 2, 3, 4) * 10]

    def contestant(number: int) -> Callable[[], httpx.Response]:
        return lambda: customers[number].post(f"/carts/{carts[number]}/items", json=bodies[number])

    answers = race([contestant(number) for number in range(40)])
    taken = sum(int(body["quantity"]) for body, answer in zip(bodies, answers, strict=True) if answer.is_success)
    left = [answer.json()["available"] for answer in answers if answer.status_code == 409]
    assert {answer.status_code for answer in answers} == {201, 409}
    assert 67 <= taken <= 70, "a refused customer wanted more than was left"
    assert len(left) == sum(not answer.is_success for answer in answers)
    counts, (area,) = availability_of(shop, concert_id)
    assert counts == {"Adult": (300 - taken, 0, 0), "Early bird": (70 - taken, taken, 0)}
    assert area["held"] == taken


def test_more_tickets_than_the_venue_takes_people_must_be_confirmed(shop: Shop) -> None:
    organiser = shop.organiser()
    concert_id = draft_in(organiser, capacity=100)
    floor = add_area(organiser, concert_id, "Floor", 60)
    add_type(organiser, concert_id, "Adult", area_id=floor, ceiling=500)
    add_type(organiser, concert_id, "Box", quantity=41)
    path = f"/concerts/{concert_id}/publish"
    problem = refused(organiser.post(path), 409, "over_capacity")
    assert (problem["offered"], problem["venue_capacity"]) == (101, 100)
    refused(organiser.post(path, json={"confirm": None}), 409, "over_capacity")
    refused(organiser.post(path, json={"confirm": "anything"}), 422, "invalid_input")
    made(organiser.post(path, json={"confirm": "over_capacity"}))
    made(organiser.post(path))


def test_once_on_sale_more_than_the_venue_takes_must_be_confirmed_however_it_comes_to_be_more(shop: Shop) -> None:
    organiser = shop.organiser()
    concert_id = draft_in(organiser, capacity=100)
    floor = add_area(organiser, concert_id, "Floor", 60)
    add_type(organiser, concert_id, "Adult", area_id=floor)
    box = add_type(organiser, concert_id, "Box", quantity=40)
    made(organiser.post(f"/concerts/{concert_id}/publish"))
    small = made(organiser.post("/venues", json=VENUE | {"capacity": 70}))["id"]
    path = f"/concerts/{concert_id}"
    larger: list[tuple[str, str, Json, tuple[int, int]]] = [
        ("PATCH", f"{path}/areas/{floor}", {"capacity": 61}, (101, 100)),
        ("PATCH", f"{path}/ticket-types/{box}", {"quantity": 42}, (103, 100)),
        ("POST", f"{path}/ticket-types", {"name": "Lodge", "price": PRICE, "quantity": 1}, (104, 100)),
        ("POST", f"{path}/move", {"venue_id": small}, (104, 70)),
    ]
    for method, url, body, facts in larger:
        problem = refused(organiser.request(method, url, json=body, headers=ANY_VERSION), 409, "over_capacity")
        assert (problem["offered"], problem["venue_capacity"]) == facts
        made(organiser.request(method, url, json=body | {"confirm": "over_capacity"}, headers=ANY_VERSION))
    made(organiser.patch(f"{path}/areas/{floor}", json={"capacity": 50}, headers=ANY_VERSION))
    made(organiser.post(f"{path}/move", json={"venue_id": small}))


def test_a_concert_without_areas_needs_no_confirmation(shop: Shop) -> None:
    organiser = shop.organiser()
    concert_id = draft_in(organiser, capacity=100)
    add_type(organiser, concert_id, "Standing", quantity=101)
    made(organiser.post(f"/concerts/{concert_id}/publish"))


def test_what_is_wrong_with_an_area_is_said(shop: Shop) -> None:
    organiser = shop.organiser()
    concert_id = draft_in(organiser)
    floor = add_area(organiser, concert_id, "Floor", 8)
    types, kind = f"/concerts/{concert_id}/ticket-types", {"name": "Adult", "price": PRICE}
    for body, pointer in [
        (kind, "#/quantity"),
        (kind | {"ceiling": 3, "quantity": 4}, "#/ceiling"),
        (kind | {"area_id": floor, "quantity": 4}, "#/quantity"),
        (kind | {"area_id": concert_id}, "#/area_id"),
    ]:
        problem = refused(organiser.post(types, json=body), 422, "invalid_input")
        assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert refused(organiser.post(f"/concerts/{concert_id}/publish"), 409, "concert_incomplete")["missing"] == [
        "ticket_types",
        "ticket_types of Floor",
    ]
    adult = add_type(organiser, concert_id, "Adult", area_id=floor)
    in_use = refused(organiser.delete(f"/concerts/{concert_id}/areas/{floor}"), 409, "area_in_use")
    assert in_use["ticket_types"] == [adult]
    refused(organiser.patch(f"{types}/{adult}", json={"quantity": 4}, headers=ANY_VERSION), 422, "invalid_input")
    refused(shop.organiser().delete(f"/concerts/{concert_id}/areas/{floor}"), 403, "forbidden")
    made(organiser.delete(f"{types}/{adult}"))
    for _ in range(2):
        made(organiser.delete(f"/concerts/{concert_id}/areas/{floor}"))
    refused(organiser.delete(f"/concerts/{concert_id}/areas/{adult}"), 404, "not_found")


def test_an_area_on_sale_gets_more_or_less_capacity_but_never_less_than_is_taken(shop: Shop) -> None:
    organiser, customer = shop.organiser(), shop.customer()
    concert_id = draft_in(organiser)
    floor = add_area(organiser, concert_id, "Floor", 4)
    adult = add_type(organiser, concert_id, "Adult", area_id=floor)
    early = add_type(organiser, concert_id, "Early bird", area_id=floor, ceiling=2)
    made(organiser.post(f"/concerts/{concert_id}/publish"))
    items = f"/carts/{made(customer.post('/carts'))['id']}/items"
    made(customer.post(items, json={"ticket_type_id": adult, "quantity": 3}))
    path = f"/concerts/{concert_id}/areas/{floor}"
    problem = refused(organiser.patch(path, json={"capacity": 2}, headers=ANY_VERSION), 409, "capacity_below_committed")
    assert problem["held"] == 3
    made(organiser.patch(path, json={"capacity": 3}, headers=ANY_VERSION))
    refused(customer.post(items, json={"ticket_type_id": early, "quantity": 1}), 409, "sold_out")
    headers = {"Idempotency-Key": "more"}
    answers = [organiser.patch(path, json={"capacity": 6}, headers=headers | ANY_VERSION) for _ in range(2)]
    assert made(answers[0]) == made(answers[1])
    refused(organiser.patch(path, json={"capacity": 7}, headers=headers | ANY_VERSION), 422, "idempotency_key_reused")
    made(customer.post(items, json={"ticket_type_id": early, "quantity": 2}))
    counts, (area,) = availability_of(shop, concert_id)
    assert counts == {"Adult": (1, 3, 0), "Early bird": (0, 2, 0)}
    assert (area["capacity"], area["available"]) == (6, 1)


def test_an_area_that_is_added_twice_by_one_request_is_one(shop: Shop) -> None:
    organiser = shop.organiser()
    concert_id = draft_in(organiser)
    path, headers = f"/concerts/{concert_id}/areas", {"Idempotency-Key": "floor"}
    body = {"name": "Floor", "capacity": 8}
    first, again = (made(organiser.post(path, json=body, headers=headers)) for _ in range(2))
    assert first == again
    refused(organiser.post(path, json=body | {"capacity": 9}, headers=headers), 422, "idempotency_key_reused")
