"""An organiser renames, moves, postpones and reprices a concert that is on sale, over HTTP."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx

from tests.journeys.shop import (
    ANY_VERSION,
    BUYER,
    TICKETS,
    VENUE,
    Json,
    Shop,
    cart_with,
    made,
    order_of,
    pay,
    publish_concert,
    refused,
    schedule_in,
)


def shown(shop: Shop, concert_id: str) -> Json:
    shop.settle()
    return made(shop.visitor().get(f"/concerts/{concert_id}"))


def test_a_concert_is_renamed_moved_and_sold_on_other_terms(shop: Shop) -> None:
    organiser, customer, other = shop.organiser(), shop.customer(), shop.customer()
    concert = publish_concert(organiser, name="Old name")
    path = f"/concerts/{concert.concert_id}"
    cart_id = cart_with(customer, concert.ticket_type_id, 1)
    key = {"Idempotency-Key": str(uuid4())}
    renamed = organiser.patch(path, json={"name": "New name"}, headers=key | ANY_VERSION)
    assert made(renamed)["terms"] == "applied"
    assert renamed.headers["etag"] == f'"{made(renamed)["version"]}"'
    assert made(organiser.patch(path, json={"name": "New name"}, headers=key | ANY_VERSION)) == made(renamed)
    dear = {"price": {"amount": "30.00", "currency": "EUR"}, "name": "Front"}
    changed = organiser.patch(
        f"{path}/ticket-types/{concert.ticket_type_id}", json=dear, headers={"If-Match": renamed.headers["etag"]}
    )
    assert made(changed)["terms"] == "applied"
    until = (datetime.now(UTC) + timedelta(days=9)).isoformat()
    made(organiser.post(f"{path}/move", json=schedule_in(50) | {"refundable_until": until}))
    made(customer.post(f"/carts/{cart_id}/items", json={"ticket_type_id": concert.ticket_type_id, "quantity": 1}))
    order_id = made(customer.post(f"/carts/{cart_id}/checkout", json=BUYER))["order_id"]
    made(pay(customer, order_id))
    order_of(other, concert.ticket_type_id, 1)
    found = shown(shop, concert.concert_id)
    assert (found["name"], found["ticket_types"][0]["price"]["amount"]) == ("New name", "30.00")
    assert found["refundable_until"] is not None
    assert found["starts_at"][:10] == schedule_in(50)["starts_at"][:10]
    order = made(customer.get(f"/orders/{order_id}"))
    assert sorted(line["unit_price"]["amount"] for line in order["lines"]) == ["25.00", "30.00"]
    tickets = made(customer.get(f"/orders/{order_id}/tickets"))["items"]
    assert {(one["concert_name"], one["ticket_type_name"], one["status"]) for one in tickets} == {
        ("New name", "Front", "valid")
    }
    stock = made(shop.visitor().get(f"{path}/availability"))
    assert [kind["name"] for kind in stock["ticket_types"]] == ["Front"]
    made(organiser.patch(path, json={"name": "Newest name"}, headers=ANY_VERSION))
    made(organiser.patch(f"{path}/ticket-types/{concert.ticket_type_id}", json={"name": "Pit"}, headers=ANY_VERSION))
    shop.settle()
    for answer in (f"/orders/{order_id}", f"/orders/{order_id}/tickets", "/orders"):
        body = made(customer.get(answer))
        items = body.get("items", [body])
        lines = [line for item in items for line in item.get("lines", [item])]
        assert {(line["concert_name"], line["ticket_type_name"]) for line in lines} == {("Newest name", "Pit")}


def test_a_postponed_concert_keeps_its_tickets_and_waits_for_a_date(shop: Shop) -> None:
    organiser, customer = shop.organiser(), shop.customer()
    concert = publish_concert(organiser)
    path = f"/concerts/{concert.concert_id}"
    order_id = order_of(customer, concert.ticket_type_id, 1)
    made(pay(customer, order_id))
    past = {"refundable_until": "2020-01-01T00:00:00Z"}
    problem = refused(organiser.post(f"{path}/postpone", json=past), 422, "invalid_input")
    assert [error["pointer"] for error in problem["errors"]] == ["#/refundable_until"]
    made(organiser.post(f"{path}/postpone"))
    found = shown(shop, concert.concert_id)
    assert (found["status"], found["postponed"], found["starts_at"]) == ("published", True, None)
    refused(hold(customer, concert.ticket_type_id), 409, "not_on_sale")
    (ticket,) = made(customer.get(f"/orders/{order_id}/tickets"))["items"]
    assert ticket["status"] == "valid"
    refused(organiser.post(f"{path}/move", json={"venue_id": concert.venue_id}), 422, "invalid_input")
    made(organiser.post(f"{path}/move", json=schedule_in(60)))
    made(hold(customer, concert.ticket_type_id))
    assert not shown(shop, concert.concert_id)["postponed"]


def test_sales_are_closed_and_opened_and_a_ticket_type_is_added(shop: Shop) -> None:
    organiser, customer = shop.organiser(), shop.customer()
    concert = publish_concert(organiser)
    path = f"/concerts/{concert.concert_id}"
    made(organiser.post(f"{path}/sales/close"))
    refused(hold(customer, concert.ticket_type_id), 409, "not_on_sale")
    added = made(organiser.post(f"{path}/ticket-types", json=TICKETS | {"name": "Balcony", "quantity": 60}))["id"]
    refused(hold(customer, added), 409, "not_on_sale")
    assert shown(shop, concert.concert_id)["sales_closed"]
    made(organiser.post(f"{path}/sales/open"))
    made(hold(customer, added))
    assert [kind["name"] for kind in shown(shop, concert.concert_id)["ticket_types"]] == ["Floor", "Balcony"]
    stock = made(shop.visitor().get(f"{path}/availability"))
    assert stock["source"] == "read_model"
    assert {kind["name"]: kind["available"] for kind in stock["ticket_types"]} == {"Floor": 20, "Balcony": 59}


def test_a_venue_of_another_is_used_if_it_is_shared_and_spoils_nothing(shop: Shop) -> None:
    owner, organiser = shop.organiser(), shop.organiser()
    venue_id = made(owner.post("/venues", json=VENUE))["id"]
    wanted = {"name": "Guest", "venue_id": venue_id}
    problem = refused(organiser.post("/concerts", json=wanted), 422, "invalid_input")
    assert [error["pointer"] for error in problem["errors"]] == ["#/venue_id"]
    made(owner.patch(f"/venues/{venue_id}", json={"shared": True}, headers=ANY_VERSION))
    concert_id = made(organiser.post("/concerts", json=wanted))["id"]
    path = f"/concerts/{concert_id}"
    made(organiser.post(f"{path}/schedule", json=schedule_in(20)))
    made(organiser.post(f"{path}/ticket-types", json=TICKETS))
    made(organiser.post(f"{path}/publish"))
    before = shown(shop, concert_id)
    spoilt = {"name": "CLOSED", "city": f"Nowhere {venue_id}", "time_zone": "Pacific/Kiritimati"}
    made(owner.patch(f"/venues/{venue_id}", json=spoilt, headers=ANY_VERSION))
    made(owner.delete(f"/venues/{venue_id}"))
    assert shown(shop, concert_id) == before
    assert before["venue"]["name"] == VENUE["name"]
    made(organiser.patch(f"{path}/venue", json={"name": f"Harpa {concert_id}"}, headers=ANY_VERSION))
    shop.settle()
    found = made(shop.visitor().get("/concerts", params={"location": concert_id}))["items"]
    assert [one["id"] for one in found] == [concert_id]
    assert made(shop.visitor().get("/concerts", params={"location": venue_id}))["items"] == []


def test_a_sale_that_would_never_open_is_refused_wherever_it_comes_from(shop: Shop) -> None:
    organiser = shop.organiser()
    venue_id = made(organiser.post("/venues", json=VENUE))["id"]
    concert_id = made(organiser.post("/concerts", json={"name": "Low", "venue_id": venue_id}))["id"]
    path = f"/concerts/{concert_id}"
    schedule = {"starts_at": "2030-06-15T20:00:00+02:00", "ends_at": "2030-06-15T23:00:00+02:00"}
    made(organiser.post(f"{path}/schedule", json=schedule))
    for window in ({"sales_start": "2030-06-16T00:00:00Z"}, {"sales_end": "2020-01-01T00:00:00Z"}):
        problem = refused(organiser.post(f"{path}/ticket-types", json=TICKETS | window), 422, "invalid_input")
        assert [error["pointer"] for error in problem["errors"]] == [f"#/{name}" for name in window]
    late = TICKETS | {"sales_start": "2030-06-15T12:00:00Z"}
    ticket_type_id = made(organiser.post(f"{path}/ticket-types", json=late))["id"]
    made(organiser.post(f"{path}/publish"))
    earlier = {"starts_at": "2030-06-14T20:00:00+02:00", "ends_at": "2030-06-14T23:00:00+02:00"}
    problem = refused(organiser.post(f"{path}/move", json=earlier), 409, "sale_never_opens")
    assert [one["id"] for one in problem["ticket_types"]] == [ticket_type_id]
    made(organiser.patch(f"{path}/ticket-types/{ticket_type_id}", json={"sales_start": None}, headers=ANY_VERSION))
    made(organiser.post(f"{path}/move", json=earlier))


def hold(customer: httpx.Client, ticket_type_id: str) -> httpx.Response:
    cart_id = made(customer.post("/carts"))["id"]
    return customer.post(f"/carts/{cart_id}/items", json={"ticket_type_id": ticket_type_id, "quantity": 1})
