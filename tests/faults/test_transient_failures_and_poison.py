"""Servers that go away, and events that nobody can apply, through the whole pipeline."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from chalicelib import composition
from chalicelib.platform.eventsourcing.stored import StoredEvent
from local.pump import PumpStuck
from tests.journeys.shop import ANY_VERSION, Shop, cart_with, made, order_of, pay, publish_concert, refused

pytestmark = pytest.mark.usefixtures("everything_up_again")


def parked_streams() -> set[UUID]:
    return {parked.stream_id for parked in composition.current().parking.list_parked()}


def test_while_postgres_is_away_the_shop_sells_and_afterwards_nothing_is_lost_or_parked(shop: Shop) -> None:
    before = parked_streams()
    shop.settle()
    shop.stack.postgres.stop()
    organiser, customer, visitor = shop.organiser(), shop.customer(), shop.visitor()
    name = f"While Postgres is away {uuid4()}"
    concert = publish_concert(organiser, name=name)
    order_id = order_of(customer, concert.ticket_type_id, 1)
    made(pay(customer, order_id))
    with pytest.raises(PumpStuck):
        shop.pump.drain(timeout=10)
    away = visitor.get("/concerts", params={"q": name})
    refused(away, 503, "unavailable")
    assert int(away.headers["retry-after"]) > 0
    assert made(visitor.get("/health")) == {"status": "ok"}
    health = made(shop.as_role("operator").get("/health?deep=true"))
    assert (health["status"], health["dependencies"]["postgres"]) == ("degraded", "unavailable")
    assert made(customer.get(f"/orders/{order_id}"))["status"] == "confirmed"

    shop.stack.postgres.start()
    composition.use(None)  # in another container, whose breaker is closed
    shop.settle()
    found = made(visitor.get("/concerts", params={"q": name}))["items"]
    assert [item["id"] for item in found] == [concert.concert_id]
    assert parked_streams() == before


def test_postgres_killed_in_the_middle_is_current_again_without_anybodys_help(shop: Shop) -> None:
    city = f"Killed {uuid4().hex[:8]}"
    concerts = [publish_concert(shop.organiser(), venue={"city": city}).concert_id for _ in range(3)]
    shop.stack.postgres.kill()
    shop.stack.postgres.start()
    shop.settle()
    found = made(shop.visitor().get("/concerts", params={"location": city}))["items"]
    assert {item["id"] for item in found} == set(concerts)


def test_without_redis_availability_is_answered_from_the_log_and_says_so(shop: Shop) -> None:
    concert = publish_concert(shop.organiser())
    cart_with(shop.customer(), concert.ticket_type_id, 3)
    shop.settle()
    path = f"/concerts/{concert.concert_id}/availability"
    with_redis = made(shop.visitor().get(path))
    shop.stack.valkey.kill()
    without_redis = made(shop.visitor().get(path))
    assert (with_redis["source"], without_redis["source"]) == ("read_model", "log")
    assert with_redis["ticket_types"] == without_redis["ticket_types"]
    cart_with(shop.customer(), concert.ticket_type_id, 1)

    shop.stack.valkey.start()
    composition.use(None)  # in another container, whose breaker is closed and which shares no answer of a moment ago
    shop.settle()
    cart_with(shop.customer(), concert.ticket_type_id, 1)
    shop.settle()
    healed = made(shop.visitor().get(path))
    assert (healed["source"], healed["ticket_types"][0]["held"]) in [("read_model", 5), ("log", 5)]


def test_one_poison_event_parks_its_stream_and_the_others_go_on(shop: Shop) -> None:
    organiser, visitor = shop.organiser(), shop.visitor()
    sick, well = publish_concert(organiser), publish_concert(organiser)
    shop.settle()
    append_poison(UUID(sick.concert_id))
    for concert in (sick, well):
        made(organiser.patch(f"/venues/{concert.venue_id}", json={"capacity": 7}, headers=ANY_VERSION))
    shop.settle()

    parked = composition.current().parking.find("programme", UUID(sick.concert_id))
    assert parked is not None
    assert parked.version == 4
    assert "unknown event type" in parked.error
    assert made(visitor.get(f"/concerts/{sick.concert_id}"))["version"] == 3
    assert made(visitor.get(f"/venues/{sick.venue_id}"))["capacity"] == 7
    assert made(visitor.get(f"/venues/{well.venue_id}"))["capacity"] == 7
    assert made(organiser.post(f"/concerts/{well.concert_id}/cancel"))["status"] == "cancelling"
    shop.settle()
    assert made(visitor.get(f"/concerts/{well.concert_id}"))["status"] == "cancelled"


def append_poison(stream_id: UUID) -> StoredEvent:
    """The next event of the stream, of a type that this version of the code does not know."""
    store = composition.current().event_store
    last = store.read(stream_id)[-1]
    poison = replace(
        last,
        aggregate_version=last.aggregate_version + 1,
        event_type="Cloudbash.Domain.Concerts.Events.FromTheFutureEvent",
        data="{}",
        previous_hash=last.hash,
    )
    poison = replace(poison, hash=poison.expected_hash())
    store.append([poison])
    return poison
