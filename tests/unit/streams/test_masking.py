"""What an organiser sees of a stream names no person, no cart and no order."""

import json
import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib import contexts
from chalicelib.platform.caller import Actor, Role
from chalicelib.platform.eventsourcing.event import Event, JsonObject, event_classes
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.shop.inventory.ticket_pool import pool_id
from chalicelib.shop.streams.masking import masked
from tests.support.any_events import events_of
from tests.support.request_scenario import GivenStreams
from tests.support.shop import CUSTOMER, OPERATOR, ORGANISER, Shop, some_id

contexts.load_events()
A_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
OF_THINGS = {
    "VenueId",
    "ConcertId",
    "TicketTypeId",
    "PoolId",
    "PoolIds",
    "HoldId",
    "HoldIds",
    "ChangeId",
    "Id",
}
"""Names of ids in events of venues, concerts and pools that an organiser may know."""


def ids_by_name(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, member in value.items():
            yield from ids_by_name(member, key)
    elif isinstance(value, list):
        for member in value:
            yield from ids_by_name(member, name)
    elif isinstance(value, str) and A_UUID.fullmatch(value):
        yield name, value


def with_ids_of_their_own(event: Event) -> JsonObject:
    """The event's data, in which no two ids are the same."""
    found: JsonObject = json.loads(A_UUID.sub(lambda _: str(uuid4()), event.model_dump_json(by_alias=True)))
    return found


def item_of(data: JsonObject, stream_id: UUID, actor: UUID) -> JsonObject:
    change = {"path": "/" + "/".join(value for _, value in ids_by_name(data)), "before": None, "after": data}
    return {
        "aggregate_id": str(stream_id),
        "actor_id": str(actor),
        "correlation_id": str(uuid4()),
        "causation_id": str(uuid4()),
        "data": data,
        "changes": [change],
    }


@pytest.mark.parametrize("event_class", event_classes(), ids=lambda cls: cls.__name__)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_no_event_of_any_type_shows_whom_it_is_about(event_class: type[Event], data: st.DataObject) -> None:
    stored, stream_id = with_ids_of_their_own(data.draw(events_of(event_class))), uuid4()
    [seen] = masked([item_of(stored, stream_id, uuid4())], ORGANISER.id)
    may_know = {str(stream_id)} | {value for name, value in ids_by_name(stored) if name in OF_THINGS}
    assert set(A_UUID.findall(json.dumps(seen))) <= may_know


def test_an_organiser_sees_what_he_did_himself() -> None:
    item = item_of({"OrganiserId": str(ORGANISER.id), "VenueId": str(some_id("venue"))}, uuid4(), ORGANISER.id)
    assert masked([item], ORGANISER.id) == [item]


def test_data_that_is_no_object_is_not_shown() -> None:
    item = item_of({}, uuid4(), ORGANISER.id) | {"data": f"no JSON {CUSTOMER.id}"}
    assert masked([item], ORGANISER.id)[0]["data"] is None


def sold_pool() -> tuple[GivenStreams, UUID, UUID, UUID]:
    """A log in which tickets were held, released, held again and sold; with the ids of pool, cart and order."""
    log = MemoryEventStore()
    shop = Shop(log)
    _, ticket_type_id = shop.on_sale()
    cart_id = shop.cart()
    shop.remove(cart_id, shop.add(cart_id, ticket_type_id).item_id)
    shop.add(cart_id, ticket_type_id, 2)
    order_id = shop.check_out(cart_id).order_id
    shop.pay(order_id)
    return GivenStreams(shop, log), pool_id(ticket_type_id, 0), cart_id, order_id


@pytest.mark.parametrize("changes", ["false", "true"])
def test_a_pools_events_show_an_organiser_neither_carts_nor_orders_nor_customers(changes: str) -> None:
    streams, pool, cart_id, order_id = sold_pool()
    organiser = Actor(ORGANISER.id, frozenset({Role.CUSTOMER, Role.ORGANISER}))
    path = f"/streams/{pool}/events?changes={changes}&limit=100"
    seen, whole = streams.when(organiser, "GET", path), streams.when(OPERATOR, "GET", path)
    secrets = {str(CUSTOMER.id), str(cart_id), str(order_id)}
    assert (seen.status, whole.status) == (200, 200)
    assert secrets <= set(A_UUID.findall(json.dumps(whole.body)))
    assert not secrets & set(A_UUID.findall(json.dumps(seen.body)))
    shown = [event["event_type"] for event in seen.body["items"]]
    assert shown == [event["event_type"] for event in whole.body["items"]]
    assert any(name.endswith("TicketsSoldEvent") for name in shown)
