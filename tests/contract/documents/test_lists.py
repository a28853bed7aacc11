"""A customer's orders, newest first, page by page."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.platform.errors import InvalidInput
from chalicelib.platform.eventsourcing.codec import recorded
from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.http.paging import Page, page_of
from chalicelib.platform.http.requests import parse_query
from chalicelib.platform.readmodels.documents.projection import DocumentProjection
from chalicelib.platform.readmodels.min_versions import MinVersions
from chalicelib.shop.orders.events import (
    OrderCancelled,
)
from chalicelib.shop.orders.queries import list_orders
from tests.contract.documents.histories import EXAMPLES, placed
from tests.support.shop import CUSTOMER
from tests.support.stored import SOME_TIME, store_all


@EXAMPLES
@given(data=st.data())
def test_a_list_has_the_named_orders_that_it_lacked_in_their_places(
    documents: DocumentProjection, data: st.DataObject
) -> None:
    customer_id, store = uuid4(), MemoryEventStore()
    minutes = data.draw(st.lists(st.integers(0, 5), min_size=1, max_size=8))
    expected, named = [], {}
    for minute in minutes:
        at = SOME_TIME + timedelta(minutes=minute)
        stream = store_all(uuid4(), [placed(customer_id), OrderCancelled(reason="", at=at)], now=at)
        for event in stream:
            store.append([event])
        key, known = stream[0].aggregate_id, data.draw(st.integers(0, 2))
        documents.apply(key, -1, [recorded(event) for event in stream[:known]])
        if known < 2:
            named[key] = 1
        expected.append((at, str(key)))
    named[uuid4()] = 0
    limit, after, listed = data.draw(st.integers(1, 9)), None, list[JsonObject]()
    while True:
        min_versions = MinVersions(named)
        page, after = list_orders(documents, store, customer_id, limit, after, SOME_TIME, min_versions)
        assert 0 < len(page) <= limit
        listed += map(dict, page)
        assert len(listed) <= len(expected)
        if after is None:
            break
        assert len(page) == limit
    assert [order["id"] for order in listed] == [key for _, key in sorted(expected, reverse=True)]
    assert {order["status"] for order in listed} == {"cancelled"}
    assert set(min_versions.lag) == {key for key in named if store.read(key)}


def place_orders(
    documents: DocumentProjection, customer_id: UUID, times: Sequence[datetime]
) -> list[tuple[datetime, str]]:
    """Orders placed at these times, and in which place their list must have them."""
    made = []
    for at in times:
        (event,) = store_all(uuid4(), [placed(customer_id)], now=at)
        documents.apply(event.aggregate_id, -1, [recorded(event)])
        made.append((at, str(event.aggregate_id)))
    return sorted(made, reverse=True)


def pages(documents: DocumentProjection, customer_id: UUID, limit: int) -> Iterator[list[str]]:
    after = None
    while True:
        orders, after = list_orders(documents, MemoryEventStore(), customer_id, limit, after, SOME_TIME)
        yield [order["id"] for order in orders]
        if after is None:
            return


@pytest.mark.parametrize(("limit", "sizes"), [(1, [1] * 7), (3, [3, 3, 1]), (7, [7]), (100, [7])])
def test_orders_are_listed_page_by_page_newest_first(
    documents: DocumentProjection, limit: int, sizes: list[int]
) -> None:
    customer_id = uuid4()
    times = [SOME_TIME + timedelta(minutes=minutes) for minutes in (3, 1, 1, 1, 2, 0, 9)]
    made = place_orders(documents, customer_id, times)
    place_orders(documents, uuid4(), times)
    listed = list(pages(documents, customer_id, limit))
    assert [len(page) for page in listed] == sizes
    assert list(chain(*listed)) == [order_id for _, order_id in made]


@EXAMPLES
@given(
    times=st.lists(st.datetimes(timezones=st.just(UTC)).filter(lambda at: at.year < 9999), min_size=1, max_size=6),
    limit=st.integers(1, 3),
)
def test_every_cursor_that_a_list_gives_it_takes(
    documents: DocumentProjection, times: list[datetime], limit: int
) -> None:
    customer_id = uuid4()
    made = place_orders(documents, customer_id, times)
    listed: list[str] = []
    query: dict[str, str] = {}
    while True:
        after = parse_query(Page, query).after
        page = page_of(*list_orders(documents, MemoryEventStore(), customer_id, limit, after, SOME_TIME))
        listed += [order["id"] for order in page["items"]]
        assert len(listed) <= len(made)
        if page["next_cursor"] is None:
            break
        query = {"cursor": page["next_cursor"]}
    assert sorted(listed) == sorted(order_id for _, order_id in made)


def test_a_page_stays_where_it_was_while_newer_orders_come_in(documents: DocumentProjection) -> None:
    customer_id = uuid4()
    made = place_orders(documents, customer_id, [SOME_TIME] * 4)
    walk = pages(documents, customer_id, 2)
    first = next(walk)
    place_orders(documents, customer_id, [SOME_TIME + timedelta(days=1)] * 2)
    assert [*first, *chain(*walk)] == [order_id for _, order_id in made]


def test_a_page_is_full_even_if_its_documents_have_more_than_a_megabyte(documents: DocumentProjection) -> None:
    customer_id = uuid4()
    for minute in range(6):
        long = placed(customer_id).lines[0].model_copy(update={"concert_name": "x" * 300_000})
        event = placed(customer_id).model_copy(update={"lines": (long,)})
        (stored,) = store_all(uuid4(), [event], now=SOME_TIME + timedelta(minutes=minute))
        documents.apply(stored.aggregate_id, -1, [recorded(stored)])
    assert [len(page) for page in pages(documents, customer_id, 5)] == [5, 1]


@pytest.mark.parametrize(
    "after", [[], [""], ["#"], ["a", "b"], ["\ud800"], ["2030-01-01T12:00:00.000Z"], ["x" * 3000], [f"'#{UUID(int=0)}"]]
)
def test_a_cursor_that_no_page_gave_is_invalid_input(documents: DocumentProjection, after: list[str]) -> None:
    with pytest.raises(InvalidInput):
        list_orders(documents, MemoryEventStore(), CUSTOMER.id, 10, after, SOME_TIME)
