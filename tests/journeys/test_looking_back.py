"""The past over HTTP: a concert, a cart, an order and the stock as they were, and the events that made them so."""

import json
from datetime import UTC, datetime, timedelta
from time import sleep
from uuid import uuid4

import httpx
import pytest

from tests.journeys.shop import (
    ANY_VERSION,
    BUYER,
    VENUE,
    Json,
    Shop,
    cart_with,
    made,
    order_of,
    pay,
    publish_concert,
    refused,
)


def instant(point: datetime) -> str:
    return point.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def tick() -> str:
    """An instant that no event shares: they have milliseconds."""
    sleep(0.002)
    now = instant(datetime.now(UTC))
    sleep(0.002)
    return now


def then(client: httpx.Client, path: str, **point: str | int) -> Json:
    return made(client.get(path, params=point))


def events_of(shop: Shop, stream_id: str, **filters: str | int) -> list[Json]:
    path = f"/streams/{stream_id}/events"
    items: list[Json] = made(shop.as_role("operator").get(path, params=filters))["items"]
    return items


def test_a_concert_is_shown_as_it_was_to_those_who_could_see_it_then(shop: Shop) -> None:
    organiser, visitor = shop.organiser(), shop.visitor()
    before = tick()
    concert = publish_concert(organiser, name="First Name")
    path = f"/concerts/{concert.concert_id}"
    shop.settle()
    live, published = made(visitor.get(path)), tick()
    made(organiser.patch(path, json={"name": "Second Name"}, headers=ANY_VERSION))
    made(organiser.patch(f"/venues/{concert.venue_id}", json={"name": "Renamed"}, headers=ANY_VERSION))
    assert then(visitor, path, as_of=published) == then(visitor, path, version=3) == live
    shop.settle()
    renamed = made(visitor.get(path))
    assert (renamed["name"], renamed["venue"]["name"]) == ("Second Name", VENUE["name"])
    assert then(visitor, path, as_of=tick()) == renamed
    assert then(visitor, path, as_of=published.replace("Z", "+00:00")) == live

    draft = then(organiser, path, version=0)
    assert (draft["status"], draft["ticket_types"], draft["version"]) == ("draft", [], 0)
    assert organiser.get(path, params={"version": 0}).headers["etag"] == '"0"'
    refused(visitor.get(path, params={"version": 0}), 404, "not_found")
    refused(shop.organiser().get(path, params={"version": 2}), 404, "not_found")
    assert "first_event_at" in refused(visitor.get(path, params={"as_of": before}), 404, "not_found")
    assert refused(visitor.get(path, params={"version": 99}), 404, "not_found")["last_version"] == 6


def test_carts_and_orders_are_shown_as_they_were_to_their_customer(shop: Shop) -> None:
    customer, concert = shop.customer(), publish_concert(shop.organiser())
    cart_id = cart_with(customer, concert.ticket_type_id, 2)
    path, with_items = f"/carts/{cart_id}", tick()
    order_id: str = made(customer.post(f"{path}/checkout", json=BUYER))["order_id"]
    order_path, placed = f"/orders/{order_id}", tick()
    made(pay(customer, order_id))
    shop.settle()
    cart, order = made(customer.get(path)), made(customer.get(order_path))
    now = tick()
    assert then(customer, path, as_of=now) == cart | {"server_time": now}
    assert then(customer, order_path, as_of=now) == order
    assert then(customer, order_path, version=order["version"]) == order
    old_cart, old_order = then(customer, path, as_of=with_items), then(customer, order_path, as_of=placed)
    assert (old_cart["status"], old_cart["version"], len(old_cart["items"])) == ("open", 1, 1)
    assert then(customer, path, version=0)["items"] == []
    assert (old_order["status"], old_order["tickets"], old_order["buyer"]) == ("awaiting_payment", [], BUYER["buyer"])
    assert old_order.keys() == order.keys()
    for known in (path, order_path):
        for point in ({"as_of": now}, {"version": 0}, {"version": 99}):
            problem = refused(shop.customer().get(known, params=point), 404, "not_found")
            assert "last_version" not in problem


def test_the_stock_is_shown_as_it_was(shop: Shop) -> None:
    before = tick()
    customer, organiser = shop.customer(), shop.organiser()
    concert = publish_concert(organiser)
    path, untouched = f"/concerts/{concert.concert_id}/availability", tick()
    order_id = order_of(customer, concert.ticket_type_id, 3)
    shop.settle()
    held, while_held = made(shop.visitor().get(path)), tick()
    made(pay(customer, order_id))
    rows = [then(organiser, path, as_of=at)["ticket_types"][0] for at in (untouched, while_held, tick())]
    assert [(row["available"], row["held"], row["sold"]) for row in rows] == [(20, 0, 0), (17, 3, 0), (17, 0, 3)]
    for manages in (organiser, shop.as_role("operator")):
        assert then(manages, path, as_of=while_held) == held | {"source": "log"}
        refused(manages.get(path, params={"as_of": before}), 404, "not_found")
    refused(shop.visitor().get(path, params={"as_of": untouched}), 401, "unauthenticated")
    for other in (customer, shop.organiser(), shop.as_role("door")):
        refused(other.get(path, params={"as_of": untouched}), 403, "forbidden")
    refused(shop.visitor().get(path, params={"version": 0}), 422, "invalid_input")


@pytest.mark.parametrize(
    ("point", "pointers"),
    [
        ({"as_of": "2026-01-01T00:00:00Z", "version": "1"}, ["?as_of", "?version"]),
        ({"as_of": "2026-01-01T00:00:00"}, ["?as_of"]),
        ({"as_of": "yesterday"}, ["?as_of"]),
        ({"as_of": "2026-02-30T00:00:00Z"}, ["?as_of"]),
        ({"as_of": instant(datetime.now(UTC) + timedelta(days=1))}, ["?as_of"]),
        ({"version": "-1"}, ["?version"]),
        ({"version": "one"}, ["?version"]),
        ({"version": "1" + "0" * 15}, ["?version"]),
        ({"as-of": "2026-01-01T00:00:00Z"}, ["?as-of"]),
    ],
)
def test_a_moment_that_makes_no_sense_is_refused(shop: Shop, point: dict[str, str], pointers: list[str]) -> None:
    customer = shop.customer()
    for path in (f"/concerts/{uuid4()}", f"/carts/{uuid4()}", f"/orders/{uuid4()}"):
        problem = refused(customer.get(path, params=point), 422, "invalid_input")
        assert [error["pointer"] for error in problem["errors"]] == pointers


def test_what_has_no_past_says_so_instead_of_showing_the_present(shop: Shop) -> None:
    for path in (f"/venues/{uuid4()}", f"/orders/{uuid4()}/tickets", "/orders", "/concerts"):
        refused(shop.customer().get(path, params={"as_of": "2026-01-01T00:00:00Z"}), 422, "invalid_input")


def test_the_events_of_a_stream_come_in_pages_and_by_filters(shop: Shop) -> None:
    concert = publish_concert(shop.organiser())
    whole = events_of(shop, concert.concert_id)
    operator, path = shop.as_role("operator"), f"/streams/{concert.concert_id}/events"
    seen, params = list[Json](), dict[str, str]()
    while True:
        answer = operator.get(path, params={"limit": "3", **params})
        page = made(answer)
        assert answer.headers["etag"] == '"3"'
        seen += page["items"]
        if page["next_cursor"] is None:
            break
        params = {"cursor": page["next_cursor"]}
    assert seen == whole
    assert events_of(shop, concert.concert_id, from_version=2) == whole[2:]
    assert events_of(shop, concert.concert_id, type="ConcertPublished") == whole[3:]
    assert events_of(shop, concert.concert_id, type=whole[0]["event_type"], changes="true")[0]["changes"]
    since, until = whole[1]["created"], whole[2]["created"]
    within = events_of(shop, concert.concert_id, since=since, until=until)
    assert within == [event for event in whole if since <= event["created"] <= until]
    assert events_of(shop, concert.concert_id, from_version=4) == []


@pytest.mark.parametrize(
    ("filters", "pointer"),
    [
        ({"limit": "0"}, "?limit"),
        ({"limit": "101"}, "?limit"),
        ({"cursor": "W10="}, "?cursor"),
        ({"cursor": "WyJ4Il0="}, "?cursor"),
        ({"from_version": "-1"}, "?from_version"),
        ({"since": "now"}, "?since"),
        ({"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "?until"),
        ({"type": ""}, "?type"),
        ({"changes": "perhaps"}, "?changes"),
        ({"color": "red"}, "?color"),
    ],
)
def test_a_bad_filter_over_events_is_refused(shop: Shop, filters: dict[str, str], pointer: str) -> None:
    answer = shop.as_role("operator").get(f"/streams/{uuid4()}/events", params=filters)
    assert refused(answer, 422, "invalid_input")["errors"][0]["pointer"] == pointer


@pytest.mark.needs_the_stack
def test_an_operator_reads_from_a_shell_who_caused_what_and_when_and_nobodys_name(
    shop: Shop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from ops.__main__ import main  # noqa: PLC0415 - reads the environment

    monkeypatch.setenv("COLUMNS", "200")
    person = str(uuid4())
    customer = shop.customer(person)
    order_id = order_of(customer, publish_concert(shop.organiser()).ticket_type_id, 1)
    placed = tick()
    made(pay(customer, order_id))
    assert main(["history", order_id]) == 0
    text = capsys.readouterr().out
    (event, *_) = events_of(shop, order_id)
    for part in ("OrderPlaced", event["created"], f"by {person}", f"for {event['causation_id']}", "OrderConfirmed"):
        assert part in text
    assert '/status: "awaiting_payment" → "confirmed"' in text
    assert f'/buyer: null → "sealed with key {person}"' in text
    assert "$enc" not in text
    assert BUYER["buyer"]["name"] not in text

    assert main(["--json", "history", order_id, "--as-of", placed]) == 0
    records = json.loads(capsys.readouterr().out)
    assert [record["event_type"].rsplit(".", 1)[-1] for record in records] == ["OrderPlacedEvent"]
    assert records[0]["changes"]
    with pytest.raises(SystemExit):
        main(["history", order_id, "--as-of", "yesterday"])


@pytest.mark.needs_the_stack
def test_a_person_who_is_erased_is_nobody_in_the_past_too(shop: Shop) -> None:
    from ops.__main__ import main  # noqa: PLC0415 - reads the environment

    person = str(uuid4())
    customer = shop.customer(person)
    order_id = order_of(customer, publish_concert(shop.organiser()).ticket_type_id, 1)
    placed = tick()
    assert main(["erase", person, "--yes"]) == 0
    assert then(customer, f"/orders/{order_id}", as_of=placed)["buyer"] is None
