"""Whatever the bus does, the documents are a fold of the log."""

from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from threading import Barrier
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.platform.bus.batch import succeeded
from chalicelib.platform.bus.projection import PositionMoved
from chalicelib.platform.eventsourcing.codec import recorded
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.readmodels.documents.projection import DocumentProjection
from chalicelib.shop.carts.events import (
    CartCreated,
)
from tests.contract.documents.histories import (
    EXAMPLES,
    SOMEBODY,
    consumer_of,
    count_events,
    everything,
    folded,
    histories,
    hooked,
    logged,
    records,
    removals,
)
from tests.support.stored import store_all

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


@st.composite
def deliveries(draw: st.DrawFn, streams: st.SearchStrategy[list[Event]]) -> tuple[list[list[Event]], list[list[int]]]:
    """Some streams, and batches of places in the log in any order: some twice, some not at all."""
    drawn = draw(st.lists(streams, min_size=1, max_size=3))
    places = st.integers(0, sum(map(len, drawn)) - 1)
    return drawn, draw(st.lists(st.lists(places, min_size=1, max_size=6), max_size=8))


@EXAMPLES
@given(deliveries(histories))
def test_whatever_arrives_twice_late_or_never_the_documents_are_a_fold_of_the_log(
    documents: DocumentProjection, delivered: tuple[list[list[Event]], list[list[int]]]
) -> None:
    streams, batches = delivered
    store = logged(*(store_all(uuid4(), events) for events in streams))
    consumer, log = consumer_of(documents, store), everything(store)
    newest: dict[UUID, int] = {}
    for batch in batches:
        arrived = [log[place] for place in batch]
        assert consumer.consume(records(arrived)) == succeeded()
        for event in arrived:
            newest[event.aggregate_id] = max(newest.get(event.aggregate_id, -1), event.aggregate_version)
        for stream_id in store.stream_ids():
            reached = documents.position(stream_id)
            assert reached >= newest.get(stream_id, -1)
            assert documents.find(stream_id) == folded(store.read(stream_id)[: reached + 1])
    consumer.consume(records([store.read(stream_id)[-1] for stream_id in store.stream_ids()]))
    assert all(documents.find(stream_id) == folded(store.read(stream_id)) for stream_id in store.stream_ids())


def test_two_consumers_at_once_apply_every_event_once(client: "DynamoDBClient", read_table: str) -> None:
    counting = DocumentProjection("counting", client, read_table, {"Cart": count_events})
    with ThreadPoolExecutor(4) as pool:
        for _ in range(15):
            stream = store_all(uuid4(), [CartCreated(customer_id=SOMEBODY)] * 6)
            consumer, start = consumer_of(counting, logged(stream)), Barrier(4)

            def consume(order: int, start: Barrier = start, stream: Any = stream, consumer: Any = consumer) -> Any:
                start.wait()
                return [consumer.consume(records([event])) for event in stream[order:] + stream[:order]]

            results = list(pool.map(consume, range(4)))
            assert all(result == succeeded() for result in chain(*results))
            found = counting.find(stream[0].aggregate_id)
            assert found is not None
            assert found.document["seen"] == [0, 1, 2, 3, 4, 5]


def test_of_writers_at_once_one_applies_and_the_others_hear_that_the_position_moved(
    documents: DocumentProjection,
) -> None:
    with ThreadPoolExecutor(4) as pool:
        for _ in range(15):
            stream = store_all(uuid4(), [CartCreated(customer_id=SOMEBODY), *removals(3)])
            start = Barrier(4)

            def write(count: int, stream: Any = stream, start: Barrier = start) -> int | None:
                start.wait()
                try:
                    documents.apply(stream[0].aggregate_id, -1, [recorded(event) for event in stream[:count]])
                except PositionMoved:
                    return None
                return count

            winners = [count for count in pool.map(write, [1, 2, 3, 4]) if count is not None]
            assert len(winners) == 1
            assert documents.find(stream[0].aggregate_id) == folded(stream[: winners[0]])


@pytest.mark.parametrize("position", [-1, 0, 2])
def test_applying_at_another_position_changes_nothing(documents: DocumentProjection, position: int) -> None:
    stream = store_all(uuid4(), [CartCreated(customer_id=SOMEBODY), *removals(2)])
    documents.apply(stream[0].aggregate_id, -1, [recorded(event) for event in stream[:2]])
    with pytest.raises(PositionMoved):
        documents.apply(stream[0].aggregate_id, position, [recorded(stream[2])])
    assert documents.find(stream[0].aggregate_id) == folded(stream[:2])


def test_nothing_is_applied_on_top_of_a_document_that_is_not_there(documents: DocumentProjection) -> None:
    stream = store_all(uuid4(), [CartCreated(customer_id=SOMEBODY), *removals(1)])
    with pytest.raises(PositionMoved):
        documents.apply(stream[0].aggregate_id, 0, [recorded(stream[1])])
    assert documents.find(stream[0].aggregate_id) is None


def test_what_follows_costs_one_read_and_one_write(disturbed: DocumentProjection, client: "DynamoDBClient") -> None:
    stream = store_all(uuid4(), [CartCreated(customer_id=SOMEBODY), *removals(2)])
    disturbed.apply(stream[0].aggregate_id, -1, [recorded(stream[0])])
    sent: list[str] = []
    with hooked(client, "before-call.dynamodb", lambda model, **_: sent.append(model.name)):
        position = disturbed.position(stream[0].aggregate_id)
        disturbed.apply(stream[0].aggregate_id, position, [recorded(event) for event in stream[1:]])
    assert sent == ["GetItem", "PutItem"]
    assert disturbed.find(stream[0].aggregate_id) == folded(stream)
