"""From a venue to the tickets in hand, over HTTP, through the log, the bus and the three read databases."""

from datetime import date, datetime
from itertools import pairwise
from uuid import uuid4
from zoneinfo import ZoneInfo

from tests.journeys.shop import (
    BUYER,
    TICKETS,
    VENUE,
    Shop,
    cart_with,
    made,
    order_of,
    pay,
    publish_concert,
    refused,
    schedule_in,
)


def test_an_organiser_publishes_and_a_customer_buys(shop: Shop) -> None:
    organiser, customer, visitor = shop.organiser(), shop.customer(), shop.visitor()
    concert = publish_concert(
        organiser, {"name": "Floor"}, {"name": "Balcony", "quantity": 5}, name="Björk: Cornucopia"
    )
    shop.settle()

    found = made(visitor.get("/concerts", params={"q": "bjork: cornu", "limit": 100}))["items"]
    assert concert.concert_id in [item["id"] for item in found]

    cart_id = cart_with(customer, concert.ticket_type_id, 2)
    shop.settle()
    available = made(visitor.get(f"/concerts/{concert.concert_id}/availability"))["ticket_types"]
    assert [(kind["name"], kind["available"], kind["held"], kind["sold"]) for kind in available] == [
        ("Balcony", 5, 0, 0),
        ("Floor", 18, 2, 0),
    ]

    cart = made(customer.get(f"/carts/{cart_id}"))
    assert cart["total"] == {"amount": "50.00", "currency": "EUR"}
    assert datetime.fromisoformat(cart["expires_at"]) > datetime.fromisoformat(cart["server_time"])

    placed = made(customer.post(f"/carts/{cart_id}/checkout", json=BUYER))
    assert (placed["status"], placed["total"]) == ("awaiting_payment", {"amount": "50.00", "currency": "EUR"})
    paid = made(pay(customer, placed["order_id"]))
    assert paid["order_status"] == "confirmed"
    shop.settle()

    order = made(customer.get(f"/orders/{placed['order_id']}"))
    assert order["status"] == "confirmed"
    assert order["buyer"] == BUYER["buyer"]
    tickets = made(customer.get(f"/orders/{placed['order_id']}/tickets"))["items"]
    assert len({ticket["id"] for ticket in tickets}) == 2
    assert [item["id"] for item in made(customer.get("/orders"))["items"]] == [placed["order_id"]]
    available = made(visitor.get(f"/concerts/{concert.concert_id}/availability"))["ticket_types"]
    assert [(kind["available"], kind["held"], kind["sold"]) for kind in available] == [(5, 0, 0), (18, 0, 2)]


def test_a_concert_is_found_by_name_by_city_and_by_date_with_both_ends_included(shop: Shop) -> None:
    city = f"Søby {uuid4().hex[:8]}"
    organiser, visitor = shop.organiser(), shop.visitor()
    concert = publish_concert(organiser, name="Sigur Rós", venue={"city": city, "time_zone": "Europe/Copenhagen"})
    shop.settle()

    def found(**filters: str) -> list[str]:
        items = made(visitor.get("/concerts", params={"location": city, **filters}))["items"]
        return [item["id"] for item in items]

    assert found() == [concert.concert_id]
    assert made(visitor.get("/concerts", params={"location": city[5:]}))["items"][0]["venue"]["city"] == city
    assert found(q="sigur ros") == [concert.concert_id]
    assert found(q="portishead") == []
    starts_at = made(visitor.get(f"/concerts/{concert.concert_id}"))["starts_at"]
    day = datetime.fromisoformat(starts_at).astimezone(ZoneInfo("Europe/Copenhagen")).date().isoformat()
    assert found(date_from=day, date_to=day) == [concert.concert_id]
    assert found(date_from="2020-01-01", date_to=date(2020, 1, 2).isoformat()) == []


def test_a_draft_is_seen_by_its_organiser_only_and_found_by_nobody(shop: Shop) -> None:
    organiser, visitor = shop.organiser(), shop.visitor()
    venue_id = made(organiser.post("/venues", json=VENUE))["id"]
    concert_id = made(organiser.post("/concerts", json={"name": "Secret gig", "venue_id": venue_id}))["id"]
    shop.settle()
    assert made(organiser.get(f"/concerts/{concert_id}"))["status"] == "draft"
    refused(visitor.get(f"/concerts/{concert_id}"), 404, "not_found")
    refused(shop.organiser().get(f"/concerts/{concert_id}"), 404, "not_found")
    assert made(visitor.get("/concerts", params={"q": "secret gig"}))["items"] == []


def test_publishing_needs_a_schedule_and_a_ticket_type(shop: Shop) -> None:
    organiser = shop.organiser()
    venue_id = made(organiser.post("/venues", json=VENUE))["id"]
    concert_id = made(organiser.post("/concerts", json={"name": "Unready", "venue_id": venue_id}))["id"]
    problem = refused(organiser.post(f"/concerts/{concert_id}/publish"), 409, "concert_incomplete")
    assert problem["missing"] == ["schedule", "ticket_types"]


def test_what_is_given_back_is_for_sale_again(shop: Shop) -> None:
    concert = publish_concert(shop.organiser(), {"quantity": 2})
    first, second = shop.customer(), shop.customer()
    cart_id: str = made(first.post("/carts"))["id"]
    body = {"ticket_type_id": concert.ticket_type_id, "quantity": 2}
    item = made(first.post(f"/carts/{cart_id}/items", json=body))
    other_cart: str = made(second.post("/carts"))["id"]
    problem = refused(second.post(f"/carts/{other_cart}/items", json=body), 409, "sold_out")
    assert problem["available"] == 0
    assert first.delete(f"/carts/{cart_id}/items/{item['item_id']}").status_code == 204
    made(second.post(f"/carts/{other_cart}/items", json=body))


def test_a_customer_who_asks_for_more_time_at_once_has_it_already(shop: Shop) -> None:
    concert = publish_concert(shop.organiser())
    customer = shop.customer()
    cart_id = cart_with(customer, concert.ticket_type_id, 2)
    shop.settle()
    before = made(customer.get(f"/carts/{cart_id}"))
    extended = customer.post(f"/carts/{cart_id}/hold-extensions")
    assert extended.status_code == 200, "less than a minute is gained, so nothing changes"
    assert extended.json()["version"] == before["version"]
    shop.settle()
    after = made(customer.get(f"/carts/{cart_id}"))
    assert after["expires_at"] == before["expires_at"] == extended.json()["items"][0]["hold_expires_at"]
    available = made(shop.visitor().get(f"/concerts/{concert.concert_id}/availability"))["ticket_types"]
    assert available[0]["held"] == 2
    refused(shop.customer().post(f"/carts/{cart_id}/hold-extensions"), 404, "not_found")


def test_three_left_and_four_asked_is_refused_with_what_is_available(shop: Shop) -> None:
    concert = publish_concert(shop.organiser(), {"quantity": 3})
    customer = shop.customer()
    cart_id: str = made(customer.post("/carts"))["id"]
    body = {"ticket_type_id": concert.ticket_type_id, "quantity": 4}
    assert refused(customer.post(f"/carts/{cart_id}/items", json=body), 409, "sold_out")["available"] == 3


def test_a_declined_payment_takes_nothing_and_another_one_may_follow(shop: Shop) -> None:
    concert = publish_concert(shop.organiser())
    customer = shop.customer()
    order_id = order_of(customer, concert.ticket_type_id, 1)
    refused(pay(customer, order_id, "tok_declined"), 402, "payment_declined")
    assert made(pay(customer, order_id))["status"] == "succeeded"
    refused(pay(customer, order_id), 409, "already_paid")


def test_a_free_order_needs_no_payment(shop: Shop) -> None:
    concert = publish_concert(shop.organiser(), {"price": {"amount": "0", "currency": "EUR"}})
    customer = shop.customer()
    cart_id = cart_with(customer, concert.ticket_type_id, 3)
    placed = made(customer.post(f"/carts/{cart_id}/checkout", json=BUYER))
    assert placed["status"] == "confirmed"
    shop.settle()
    assert len(made(customer.get(f"/orders/{placed['order_id']}/tickets"))["items"]) == 3


def test_a_cancelled_concert_sells_nothing_more(shop: Shop) -> None:
    organiser, customer = shop.organiser(), shop.customer()
    concert = publish_concert(organiser)
    cart_id = cart_with(customer, concert.ticket_type_id, 1)
    assert made(organiser.post(f"/concerts/{concert.concert_id}/cancel"))["status"] == "cancelling"
    body = {"ticket_type_id": concert.ticket_type_id, "quantity": 1}
    refused(customer.post(f"/carts/{cart_id}/items", json=body), 409, "not_on_sale")
    refused(customer.post(f"/carts/{cart_id}/checkout", json=BUYER), 409, "not_on_sale")


def test_an_empty_cart_cannot_be_checked_out(shop: Shop) -> None:
    customer = shop.customer()
    cart_id = made(customer.post("/carts"))["id"]
    refused(customer.post(f"/carts/{cart_id}/checkout", json=BUYER), 409, "cart_empty")


def test_details_change_under_if_match_only_if_the_version_was_seen(shop: Shop) -> None:
    organiser = shop.organiser()
    created = organiser.post("/venues", json=VENUE)
    venue_id, etag = made(created)["id"], created.headers["etag"]
    changed = organiser.patch(f"/venues/{venue_id}", json={"capacity": 1700}, headers={"If-Match": etag})
    assert (changed.status_code, changed.headers["etag"]) == (200, '"1"')
    stale = organiser.patch(f"/venues/{venue_id}", json={"capacity": 1800}, headers={"If-Match": etag})
    assert refused(stale, 412, "version_mismatch")["version"] == 1
    shop.settle()
    venue = made(organiser.get(f"/venues/{venue_id}"))
    assert (venue["capacity"], venue["name"], venue["version"]) == (1700, "Harpa", 1)
    assert organiser.delete(f"/venues/{venue_id}").status_code == 204
    shop.settle()
    refused(organiser.get(f"/venues/{venue_id}"), 404, "not_found")


def test_lists_are_paged_with_a_cursor_to_the_end(shop: Shop) -> None:
    city = f"Page Town {uuid4().hex[:8]}"
    organiser, visitor = shop.organiser(), shop.visitor()
    concerts = [publish_concert(organiser, venue={"city": city}, in_days=days).concert_id for days in (9, 3, 6)]
    shop.settle()
    seen, cursor = [], None
    while True:
        params = {"location": city, "limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = made(visitor.get("/concerts", params=params))
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [concerts[1], concerts[2], concerts[0]]


def test_an_operator_sees_every_event_of_a_stream_in_order_and_what_each_changed(shop: Shop) -> None:
    organiser = shop.organiser()
    concert = publish_concert(organiser)
    path = f"/streams/{concert.concert_id}/events"
    items = made(shop.as_role("operator").get(path, params={"changes": "true"}))["items"]
    names = [item["event_type"].rsplit(".", 1)[-1] for item in items]
    assert names == [
        "ConcertCreatedEvent",
        "ConcertScheduledEvent",
        "ConcertTicketTypeAddedEvent",
        "ConcertPublishedEvent",
    ]
    assert [item["aggregate_version"] for item in items] == [0, 1, 2, 3]
    assert {"path": "/status", "before": "draft", "after": "published"} in items[-1]["changes"]
    assert all(later["previous_hash"] == earlier["hash"] for earlier, later in pairwise(items))
    bare = [{name: value for name, value in item.items() if name != "changes"} for item in items]
    assert made(organiser.get(path))["items"] == bare
    pool_id = items[-1]["data"]["Pools"][0]["PoolIds"][0]
    assert made(organiser.get(f"/streams/{pool_id}/events"))["items"][0]["data"]["Capacity"] == TICKETS["quantity"]
    refused(shop.organiser().get(path), 403, "forbidden")
    refused(shop.customer().get(path), 403, "forbidden")
    refused(shop.as_role("operator").get(f"/streams/{uuid4()}/events"), 404, "not_found")


def test_a_cart_that_was_just_made_can_be_read_before_any_projection_has_run(shop: Shop) -> None:
    concert = publish_concert(shop.organiser())
    customer = shop.customer()
    cart_id = cart_with(customer, concert.ticket_type_id, 1)
    cart = made(customer.get(f"/carts/{cart_id}", headers={"Min-Version": f"{cart_id}:1"}))
    assert [line["quantity"] for line in cart["items"]] == [1]


def test_anyone_is_told_that_the_api_answers_and_operators_how_every_server_is(shop: Shop) -> None:
    assert made(shop.visitor().get("/health")) == {"status": "ok"}
    refused(shop.visitor().get("/health?deep=true"), 401, "unauthenticated")
    for client in (shop.customer(), shop.organiser()):
        assert made(client.get("/health")) == {"status": "ok"}
        refused(client.get("/health?deep=true"), 403, "forbidden")
    health = made(shop.as_role("operator").get("/health?deep=true"))
    assert health["status"] == "ok"
    assert set(health["dependencies"]) == {"event_log", "event_bus", "read_table", "postgres", "redis"}


def test_a_ticket_type_can_be_removed_from_a_draft_only(shop: Shop) -> None:
    organiser = shop.organiser()
    venue_id = made(organiser.post("/venues", json=VENUE))["id"]
    concert_id = made(organiser.post("/concerts", json={"name": "Draft", "venue_id": venue_id}))["id"]
    made(organiser.post(f"/concerts/{concert_id}/schedule", json=schedule_in(5)))
    path = f"/concerts/{concert_id}/ticket-types"
    kept, dropped = (made(organiser.post(path, json=TICKETS | {"name": name}))["id"] for name in ("Kept", "Dropped"))
    assert organiser.delete(f"{path}/{dropped}").status_code == 204
    made(organiser.post(f"/concerts/{concert_id}/publish"))
    refused(organiser.delete(f"{path}/{kept}"), 409, "concert_not_draft")
