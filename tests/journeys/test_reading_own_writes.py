"""Reading what one has just written, while every projection stands still: nothing here settles unless it says so."""

from uuid import UUID, uuid4, uuid5

import httpx
import pytest

from chalicelib.shop.inventory.ticket_pool import pool_id
from tests.journeys.shop import BUYER, VENUE, Json, Shop, cart_with, made, pay, publish_concert, refused

ANY = UUID(int=0)


def reading(*named: tuple[str, int]) -> dict[str, str]:
    return {"Min-Version": ", ".join(f"{stream_id}:{version}" for stream_id, version in named)}


def lag_of(response: httpx.Response) -> dict[str, int]:
    """What `Read-Model-Lag` says, by stream."""
    header = response.headers.get("read-model-lag", "")
    return {entry.split(":")[0]: int(entry.split(":")[1]) for entry in header.split(", ") if entry}


def ids(page: Json) -> list[str]:
    return [item["id"] for item in page["items"]]


@pytest.mark.needs_the_stack
def test_a_new_venue_and_a_new_concert_are_there_right_after_they_were_made(shop: Shop) -> None:
    organiser = shop.organiser()
    venue_id = made(organiser.post("/venues", json=VENUE))["id"]
    refused(organiser.get(f"/venues/{venue_id}"), 404, "not_found")
    answer = organiser.get(f"/venues/{venue_id}", headers=reading((venue_id, 0)))
    assert (made(answer)["name"], answer.headers["etag"], lag_of(answer)) == (VENUE["name"], '"0"', {venue_id: 1})

    concert_id = made(organiser.post("/concerts", json={"name": "New", "venue_id": venue_id}))["id"]
    answer = organiser.get(f"/concerts/{concert_id}", headers=reading((concert_id, 0), (venue_id, 0)))
    assert (made(answer)["venue"]["name"], lag_of(answer)) == (VENUE["name"], {concert_id: 1, venue_id: 1})
    refused(shop.visitor().get(f"/concerts/{concert_id}", headers=reading((concert_id, 0))), 404, "not_found")

    shop.settle()
    answer = organiser.get(f"/concerts/{concert_id}", headers=reading((concert_id, 0)))
    assert (made(answer)["version"], lag_of(answer)) == (0, {concert_id: 0})
    assert "read-model-lag" not in organiser.get(f"/concerts/{concert_id}").headers


@pytest.mark.needs_the_stack
def test_a_concert_comes_into_a_list_and_leaves_it_as_its_filters_say(shop: Shop) -> None:
    organiser, visitor = shop.organiser(), shop.visitor()
    city = f"Lag Town {uuid4().hex[:8]}"
    concert = publish_concert(organiser, venue={"city": city})
    named = (concert.concert_id, 3), (concert.venue_id, 0)
    filters = {"location": city}

    def found(*named: tuple[str, int], **more: str) -> list[str]:
        return ids(made(visitor.get("/concerts", params=filters | more, headers=reading(*named) if named else {})))

    assert found() == []
    assert found(*named) == [concert.concert_id]
    assert found(*named, q="Mozart") == []
    assert found(named[0]) == [concert.concert_id]
    shop.settle()
    assert found() == [concert.concert_id]
    cancelled = made(organiser.post(f"/concerts/{concert.concert_id}/cancel"))["version"]
    assert found() == [concert.concert_id]
    assert found((concert.concert_id, cancelled)) == []


@pytest.mark.needs_the_stack
def test_a_venue_comes_into_the_list_of_venues(shop: Shop) -> None:
    organiser = shop.organiser()
    name = f"0000 {uuid4().hex}"
    venue_id = made(organiser.post("/venues", json=VENUE | {"name": name}))["id"]
    assert venue_id not in ids(made(shop.visitor().get("/venues")))
    answer = shop.visitor().get("/venues", params={"limit": 100}, headers=reading((venue_id, 0)))
    assert venue_id in ids(made(answer))
    assert lag_of(answer) == {venue_id: 1}


@pytest.mark.needs_the_stack
def test_carts_orders_tickets_and_the_list_of_orders_reflect_what_the_customer_has_seen(shop: Shop) -> None:
    customer, concert = shop.customer(), publish_concert(shop.organiser())
    cart_id = cart_with(customer, concert.ticket_type_id, 2)
    shop.settle()
    order_id: str = made(customer.post(f"/carts/{cart_id}/checkout", json=BUYER))["order_id"]
    version = made(pay(customer, order_id))["version"]
    cart = customer.get(f"/carts/{cart_id}", headers=reading((cart_id, 2), (order_id, version)))
    assert (made(cart)["status"], lag_of(cart)) == ("checked_out", {cart_id: 1})
    assert made(customer.get("/orders"))["items"] == []
    listed = customer.get("/orders", headers=reading((order_id, version)))
    assert [(order["id"], order["status"]) for order in made(listed)["items"]] == [(order_id, "confirmed")]
    assert lag_of(listed) == {order_id: version + 1}
    for path in (f"/orders/{order_id}", f"/orders/{order_id}/tickets"):
        answer = customer.get(path, headers=reading((order_id, version)))
        assert made(answer)
        assert answer.headers["etag"] == f'"{version}"'
    assert made(shop.customer().get("/orders", headers=reading((order_id, version))))["items"] == []


@pytest.mark.needs_the_stack
def test_availability_reflects_the_concert_that_was_seen_and_ignores_a_cart(shop: Shop) -> None:
    organiser, customer = shop.organiser(), shop.customer()
    shop.settle()
    concert = publish_concert(organiser)
    path = f"/concerts/{concert.concert_id}/availability"

    def shown(*named: tuple[str, int]) -> tuple[str, int]:
        body = made(shop.visitor().get(path, headers=reading(*named) if named else {}))
        return body["source"], body["ticket_types"][0]["available"]

    assert shown((concert.concert_id, 3)) == ("log", 20)
    shop.settle()
    assert shown((concert.concert_id, 3)) == ("read_model", 20)
    cart_id = cart_with(customer, concert.ticket_type_id, 2)
    assert shown() == ("read_model", 20)
    assert shown((cart_id, 1)) == ("read_model", 20)


@pytest.mark.needs_the_stack
def test_availability_reflects_the_pool_that_was_seen(shop: Shop) -> None:
    customer, concert = shop.customer(), publish_concert(shop.organiser())
    shop.settle()
    path, pool = f"/concerts/{concert.concert_id}/availability", str(pool_id(UUID(concert.ticket_type_id), 0))
    cart_with(customer, concert.ticket_type_id, 2)
    answer = shop.visitor().get(path, headers=reading((pool, 1)))
    assert (made(answer)["source"], made(answer)["ticket_types"][0]["available"]) == ("log", 18)
    assert lag_of(answer) == {}


@pytest.mark.needs_the_stack
def test_nobody_hears_of_a_stream_that_they_may_not_read(shop: Shop) -> None:
    organiser, customer, visitor = shop.organiser(), shop.customer(), shop.visitor()
    concert = publish_concert(organiser)
    draft = made(organiser.post("/concerts", json={"name": "Secret", "venue_id": concert.venue_id}))["id"]
    cart_id = cart_with(customer, concert.ticket_type_id, 1)
    order_id: str = made(customer.post(f"/carts/{cart_id}/checkout", json=BUYER))["order_id"]
    pool_id = str(uuid5(UUID(concert.ticket_type_id), "pool/0"))
    named = reading((draft, 0), (cart_id, 2), (order_id, 0), (pool_id, 2), (str(uuid4()), 9))
    for _ in ("before", "after"):
        for client in (visitor, shop.customer(), shop.organiser()):
            for path in ("/concerts", "/venues", f"/concerts/{concert.concert_id}/availability"):
                assert lag_of(client.get(path, headers=named)) == {}
        assert lag_of(shop.customer().get("/orders", headers=named)) == {}
        for client in (organiser, shop.as_role("operator")):
            assert lag_of(client.get("/concerts", headers=named)).keys() == {draft}
        assert lag_of(customer.get("/orders", headers=named)).keys() == {order_id}
        shop.settle()
    told = lag_of(visitor.get(f"/concerts/{concert.concert_id}/availability", headers=reading((concert.concert_id, 3))))
    assert told == {concert.concert_id: 0}


def test_only_what_everybody_is_answered_may_be_kept_by_shared_caches(shop: Shop) -> None:
    organiser, visitor = shop.organiser(), shop.visitor()
    concert = publish_concert(organiser)
    shop.settle()
    for path in (
        "/concerts",
        f"/concerts/{concert.concert_id}",
        f"/concerts/{concert.concert_id}/availability",
        "/venues",
        f"/venues/{concert.venue_id}",
    ):
        answer = visitor.get(path)
        assert (made(answer) != {}, answer.headers["cache-control"]) == (True, "public, max-age=1")
        assert answer.headers["vary"] == "Authorization, Min-Version"
        for personal in (organiser.get(path), visitor.get(path, headers=reading((concert.concert_id, 3)))):
            assert personal.headers["cache-control"] == "no-store"
            assert personal.headers["vary"] == "Authorization, Min-Version"
    assert visitor.get("/concerts?surprise=1").headers["cache-control"] == "no-store"


@pytest.mark.parametrize("value", ["x:1", "1", f"{ANY}", f"{ANY}:", f"{ANY}:-1", f"{ANY}:1;{ANY}:1", ","])
def test_every_read_refuses_a_header_that_it_cannot_read(shop: Shop, value: str) -> None:
    operator, some_id = shop.as_role("operator"), uuid4()
    for path in (
        "/concerts",
        f"/concerts/{some_id}",
        f"/concerts/{some_id}/availability",
        "/venues",
        f"/venues/{some_id}",
        f"/carts/{some_id}",
        "/orders",
        f"/orders/{some_id}",
        f"/orders/{some_id}/tickets",
        f"/streams/{some_id}/events",
        "/health",
    ):
        problem = refused(operator.get(path, headers={"Min-Version": value}), 422, "invalid_input")
        assert problem["errors"][0]["pointer"] == "/Min-Version"


def test_twenty_streams_can_be_named_and_no_more(shop: Shop) -> None:
    named = [(str(uuid4()), 0) for _ in range(21)]
    made(shop.visitor().get("/concerts", headers=reading(*named[:20], named[0])))
    assert refused(shop.visitor().get("/concerts", headers=reading(*named)), 422, "invalid_input")["limit"] == 20
