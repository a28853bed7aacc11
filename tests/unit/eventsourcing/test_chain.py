"""The hash chain: whatever is done to a stored event, its stream and version are named."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.platform.errors import LogDamaged
from chalicelib.platform.eventsourcing.chain import Fault, SegmentCheck, faults_in
from chalicelib.platform.eventsourcing.stored import Head, StoredEvent
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.shop.venues.events import VenueDeleted
from tests.support.stored import imported, store_all
from tests.support.tampering import edited, resealed

LENGTH = 8

Stream = list[StoredEvent]


@pytest.fixture
def stream() -> Stream:
    return store_all(uuid4(), [VenueDeleted()] * LENGTH)


def places(faults: Iterable[Fault]) -> list[int]:
    return [fault.version for fault in faults]


def with_event(stream: Stream, version: int, event: StoredEvent) -> Stream:
    return [event if one.aggregate_version == version else one for one in stream]


def legacy(count: int, first: int = 0) -> Stream:
    stream_id = uuid4()
    return [
        imported("Cloudbash.Domain.Venues.Events.VenueDeletedEvent", stream_id, version)
        for version in range(first, first + count)
    ]


def test_a_stream_that_nobody_touched_has_no_fault(stream: Stream) -> None:
    assert faults_in(stream) == []
    assert faults_in([]) == []


@pytest.mark.parametrize("first", [0, 3])
def test_an_imported_stream_may_begin_at_any_version_and_go_on_with_our_events(first: int) -> None:
    old = legacy(3, first)
    new = store_all(old[0].aggregate_id, [VenueDeleted()] * 3, after=Head.of(old[-1]))
    assert faults_in([*old, *new]) == []


@pytest.mark.parametrize("version", range(LENGTH))
@pytest.mark.parametrize(
    "changed",
    [
        {"data": '{"Name": "another"}'},
        {"created": "2031-01-01T00:00:00.000Z"},
        {"event_type": "Cloudbash.Domain.Venues.Events.VenueCreatedEvent"},
        {"actor_id": "somebody-else"},
        {"causation_id": ""},
        {"hash": "f" * 64},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_an_event_that_was_edited_is_named(stream: Stream, version: int, changed: dict[str, Any]) -> None:
    assert version in places(faults_in(with_event(stream, version, replace(stream[version], **changed))))


@pytest.mark.parametrize("version", range(LENGTH - 1))
def test_an_event_that_was_edited_and_sealed_anew_is_named_by_the_one_that_follows_it(
    stream: Stream, version: int
) -> None:
    assert places(faults_in(with_event(stream, version, edited(stream[version], sealed=True)))) == [version]


@pytest.mark.parametrize("version", range(LENGTH - 1))
def test_an_event_that_was_deleted_before_the_end_is_named(stream: Stream, version: int) -> None:
    left = [event for event in stream if event.aggregate_version != version]
    assert places(faults_in(left)) == [version]


def test_every_one_of_several_deleted_events_is_named(stream: Stream) -> None:
    assert places(faults_in([*stream[:2], *stream[5:]])) == [2, 3, 4]


@pytest.mark.parametrize(("one", "other"), [(0, 1), (2, 6), (0, LENGTH - 1)])
def test_two_events_whose_data_were_swapped_are_both_named(one: int, other: int) -> None:
    stream = [replace(event, data=f'{{"n": {event.aggregate_version}}}') for event in legacy(LENGTH)]
    stream = resealed([replace(event, hash="to be sealed") for event in stream])
    assert faults_in(stream) == []
    swapped = with_event(stream, one, replace(stream[one], data=stream[other].data))
    swapped = with_event(swapped, other, replace(stream[other], data=stream[one].data))
    assert places(faults_in(swapped)) == [one, other]


def test_an_event_without_a_hash_after_one_with_a_hash_is_named(stream: Stream) -> None:
    forged = imported("Cloudbash.Domain.Venues.Events.VenueDeletedEvent", stream[0].aggregate_id, LENGTH)
    assert places(faults_in([*stream, forged])) == [LENGTH]


def test_the_last_imported_event_is_named_if_it_was_edited_before_ours_follow() -> None:
    old = legacy(2)
    new = store_all(old[0].aggregate_id, [VenueDeleted()], after=Head.of(old[-1]))
    assert places(faults_in([old[0], edited(old[1]), *new])) == [1]


@pytest.mark.parametrize(
    "forge",
    [
        lambda stream: stream[:-1],
        lambda stream: resealed(with_event(stream, 2, edited(stream[2]))),
        lambda _: [],
    ],
    ids=["the last one deleted", "a chain sealed anew", "all deleted"],
)
def test_what_the_chain_alone_cannot_see(stream: Stream, forge: Callable[[Stream], Stream]) -> None:
    """That is why heads are signed."""
    assert faults_in(forge(stream)) == []


# --- a scan of the log -----------------------------------------------------------------------------------------------


def checked(log: MemoryEventStore, pages: Sequence[Sequence[StoredEvent]]) -> SegmentCheck:
    check = SegmentCheck(log)
    for page in pages:
        check.take(page)
    return check


def log_of(*streams: Stream) -> MemoryEventStore:
    log = MemoryEventStore()
    for stream in streams:
        log.append(stream)
    return log


@given(st.data())
def test_however_a_scan_is_cut_into_pages_a_sound_log_has_no_fault(data: st.DataObject) -> None:
    streams = [store_all(uuid4(), [VenueDeleted()] * length) for length in data.draw(st.lists(st.integers(1, 5)))]
    log = log_of(*streams)
    events = [event for stream in streams for event in stream]
    cut = data.draw(st.integers(1, max(1, len(events))))
    check = checked(log, [events[start : start + cut] for start in range(0, len(events), cut)])
    assert (check.faults, check.events, check.streams) == ([], len(events), len(streams))
    assert log.usage.requests["Query"] == 0


@given(st.randoms())
def test_whatever_order_a_scan_has_a_sound_log_has_no_fault_and_a_damaged_one_has_the_same(
    random: Random,
) -> None:
    sound, sick = (store_all(uuid4(), [VenueDeleted()] * 5) for _ in range(2))
    sick[3] = edited(sick[3])
    log = log_of(sound, sick)
    events = [*sound, *sick]
    random.shuffle(events)
    faults = set(checked(log, [events]).faults)
    assert {(fault.stream_id, fault.version) for fault in faults} == {(sick[0].aggregate_id, 3)}


def test_a_scan_that_gives_the_end_of_an_imported_stream_first_hides_no_hole_in_it() -> None:
    stream = legacy(10)
    log = log_of([*stream[:4], *stream[5:]])
    assert places(checked(log, [stream[5:], stream[:4]]).faults) == [4]


def test_what_was_appended_while_the_scan_went_on_is_no_fault(stream: Stream) -> None:
    """The scan gave version 3 and not yet version 2."""
    assert checked(log_of(stream), [[*stream[:2], *stream[3:]]]).faults == []


def test_one_damaged_stream_is_read_again_once_and_the_others_not_at_all(stream: Stream) -> None:
    sick = [edited(event) for event in store_all(uuid4(), [VenueDeleted()] * 5)]
    log = log_of(stream, sick)
    check = checked(log, [sick, stream])
    assert places(check.faults) == [0, 1, 2, 3, 4]
    assert log.usage.requests["Query"] == 1


def test_an_item_that_is_no_event_is_named(stream: Stream) -> None:
    class Unreadable(MemoryEventStore):
        def read(self, stream_id: UUID, after: int = -1) -> list[StoredEvent]:  # noqa: ARG002 - as the port has it
            raise LogDamaged("An item of the stream is no event.", version="2")

    log = Unreadable()
    log.append(stream)
    assert places(checked(log, [[*stream[:2], *stream[3:]]]).faults) == [2]
