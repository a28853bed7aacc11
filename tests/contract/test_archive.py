"""The archive of events: whatever the bus delivers is in S3 as Parquet, and the log can be had back from there."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID, uuid4

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.platform.archive.archivist import Archivist
from chalicelib.platform.archive.layout import ARCHIVE, NO_DAY, day_of
from chalicelib.platform.archive.parquet import COLUMNS, Spool, merge, read_events
from chalicelib.platform.archive.s3 import S3Files
from chalicelib.platform.bus.message import to_bus
from chalicelib.platform.bus.parking import MemoryParking, UnreadableRecord
from chalicelib.platform.bus.port import BusRecord
from chalicelib.platform.errors import LogDamaged, Unavailable
from chalicelib.platform.eventsourcing.chain import faults_in
from chalicelib.platform.eventsourcing.stored import StoredEvent, to_attributes
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.shop.venues.events import VenueDeleted
from local.resources import REGION
from tests.support.original import STREAM
from tests.support.stored import SOME_TIME, imported, item, store_all
from tests.support.tampering import edited

DONE: dict[str, Any] = {"batchItemFailures": []}
SHARD = "shardId-000000000000"


@dataclass
class Archived:
    """An archivist with a bucket of its own."""

    s3: Any
    bucket: str
    directory: Path
    parking: MemoryParking

    @property
    def files(self) -> S3Files:
        return S3Files(self.s3, self.bucket)

    @property
    def archivist(self) -> Archivist:
        return Archivist(self.files, self.parking, lambda: SOME_TIME)

    @property
    def keys(self) -> list[str]:
        return [file.key for file in self.files.listed()]

    def read(self) -> list[StoredEvent]:
        """Everything, each event once, as a reader finds it."""
        targets = [self.directory / f"{number}.parquet" for number, _ in enumerate(self.keys)]
        for key, target in zip(self.keys, targets, strict=True):
            self.files.fetch(key, target)
        return list(read_events(targets))


@pytest.fixture
def archived(s3: Any, tmp_path: Path) -> Archived:
    bucket = f"archive-{uuid4().hex}"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    return Archived(s3, bucket, tmp_path, MemoryParking())


def records_of(events: Sequence[StoredEvent], first: int = 0) -> list[BusRecord]:
    return [BusRecord(str(first + place), to_bus(event), SHARD) for place, event in enumerate(events)]


def a_log() -> list[StoredEvent]:
    """Streams of ours and of the original's, over three days."""
    ours = store_all(uuid4(), [VenueDeleted()] * 12)
    days = [f"2030-01-0{1 + number // 6}T12:00:00.000Z" for number in range(12)]
    chained: list[StoredEvent] = []
    for event, created in zip(ours, days, strict=True):
        before = chained[-1].hash if chained else event.previous_hash
        chained.append(replace(event, created=created, previous_hash=before).sealed())
    theirs = uuid4()
    old = [imported("Cloudbash.Domain.Venues.Events.VenueDeletedEvent", theirs, version, é="☃") for version in range(3)]
    return sorted([*chained, *old], key=lambda event: (str(event.aggregate_id), event.aggregate_version))


# --- there and back --------------------------------------------------------------------------------------------------


def test_the_log_comes_back_from_the_archive_byte_for_byte_and_its_chain_holds(archived: Archived) -> None:
    log = a_log()
    assert archived.archivist.archive(records_of(log)) == DONE
    found = archived.read()
    assert found == log
    assert [to_bus(event) for event in found] == [to_bus(event) for event in log]
    moved = MemoryEventStore()
    for event in found:
        moved.append([event])
    for stream_id in {event.aggregate_id for event in log}:
        assert faults_in(moved.read(stream_id)) == []


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
INSTANTS = st.one_of(TEXTS, st.datetimes().map(lambda point: point.isoformat() + "Z"))


EVENTS = st.builds(
    StoredEvent,
    aggregate_id=st.uuids(),
    aggregate_version=st.integers(0, 2**63 - 1),
    created=INSTANTS,
    event_type=TEXTS,
    data=TEXTS,
    schema_version=st.integers(0, 2**31 - 1),
    aggregate_type=TEXTS,
    causation_id=TEXTS,
    correlation_id=TEXTS,
    actor_id=TEXTS,
    previous_hash=TEXTS,
).map(StoredEvent.sealed)


@settings(deadline=None, max_examples=50)
@given(st.lists(EVENTS, max_size=20, unique_by=lambda event: (event.aggregate_id, event.aggregate_version)))
def test_any_text_that_an_item_can_hold_comes_back_as_it_was(events: list[StoredEvent]) -> None:
    with TemporaryDirectory() as name:
        spool = Spool(Path(name))
        spool.add(events)
        files = [Path(name) / f"{day}.parquet" for day in spool.days()]
        assert sum(spool.write(file.stem, file) for file in files) == len(events)
        places = sorted(events, key=lambda event: (str(event.aggregate_id), event.aggregate_version))
        assert list(read_events(files)) == places


def test_the_largest_item_is_archived(archived: Archived) -> None:
    event = imported("Cloudbash.Domain.Venues.Events.VenueDeletedEvent", uuid4(), text="☃" * 130_000)
    assert archived.archivist.archive(records_of([event])) == DONE
    assert archived.read() == [event]


def test_the_columns_are_the_attributes_of_an_item() -> None:
    assert list(COLUMNS) == list(to_attributes(item(VenueDeleted())))


def test_analysts_find_one_folder_for_each_day_and_what_an_event_lacks_is_null(archived: Archived) -> None:
    log = a_log()
    archived.archivist.archive(records_of(log))
    assert [key.rsplit("/", 1)[0] for key in archived.keys] == [
        "events/date=2020-05-25",
        "events/date=2030-01-01",
        "events/date=2030-01-02",
    ]
    assert archived.keys[0] == f"events/date=2020-05-25/{SHARD}-0-14.parquet"
    for key in archived.keys:
        target = archived.directory / key
        target.parent.mkdir(parents=True)
        archived.files.fetch(key, target)
    rows = duckdb.sql(
        f"SELECT date, count(*), count(Hash), count(SchemaVersion) FROM '{archived.directory}/events/*/*.parquet' "  # noqa: S608 - a folder of the test's own
        "GROUP BY date ORDER BY date"
    ).fetchall()
    assert [(str(day), *counts) for day, *counts in rows] == [
        ("2020-05-25", 3, 0, 0),
        ("2030-01-01", 6, 6, 6),
        ("2030-01-02", 6, 6, 6),
    ]


@pytest.mark.parametrize(
    ("created", "day"),
    [
        ("2030-06-15T23:59:59.999Z", "2030-06-15"),
        ("2030-06-15T23:59:59.999-00:30", "2030-06-16"),
        ("2030-06-15T23:59:59.999", "2030-06-15"),
        ("0001-01-01T00:00:00+01:00", NO_DAY),
        ("yesterday", NO_DAY),
        ("", NO_DAY),
    ],
)
def test_the_day_is_that_of_created_in_utc(created: str, day: str) -> None:
    assert day_of(created) == day


# --- at least once ---------------------------------------------------------------------------------------------------


def test_a_batch_that_comes_again_overwrites_itself(archived: Archived) -> None:
    records = records_of(a_log())
    for archivist in (archived.archivist, archived.archivist):
        assert archivist.archive(records) == DONE
    assert len(archived.keys) == 3


def test_readers_take_each_event_once_however_often_and_in_what_parts_it_was_delivered(archived: Archived) -> None:
    log = a_log()
    records = records_of(log)
    for part in (records[:7], records[3:12], records[11:], records, records[5:6] * 3):
        assert archived.archivist.archive(part) == DONE
    assert len(archived.keys) > 3
    assert archived.read() == log


def test_files_that_contradict_each_other_are_no_log(archived: Archived) -> None:
    event = item(VenueDeleted())
    archived.archivist.archive(records_of([event]))
    archived.archivist.archive(records_of([edited(event, sealed=True)], first=1))
    with pytest.raises(LogDamaged, match=str(event.aggregate_id)):
        archived.read()


def test_the_same_events_make_the_same_file_in_whatever_order_they_come(tmp_path: Path) -> None:
    log = [event for event in a_log() if event.hash and event.created.startswith("2030-01-01")]
    contents = set()
    for number, order in enumerate([log, log[::-1], [*log, *log[2:4]]]):
        directory = tmp_path / str(number)
        directory.mkdir()
        spool = Spool(directory)
        for event in order:
            spool.add([event])
        spool.write("2030-01-01", directory / "file")
        merge([directory / "file", directory / "file"], directory / "merged")
        contents |= {(directory / "file").read_bytes(), (directory / "merged").read_bytes()}
    assert len(contents) == 1


# --- what is no event ------------------------------------------------------------------------------------------------

UNREADABLE = {
    "no JSON": b"\xff\xfe",
    "no object": b"[]",
    "no event": b'{"AggregateId": "x"}',
    "a text that is no Unicode": to_bus(item(VenueDeleted())).replace(
        b'"CausationId":"causation"', b'"CausationId":"\\ud800"'
    ),
    "a version beyond every column": to_bus(item(VenueDeleted())).replace(
        b'"AggregateVersion":0', b'"AggregateVersion":9e30'
    ),
    "a schema beyond every column": to_bus(item(VenueDeleted())).replace(b'"SchemaVersion":1', b'"SchemaVersion":9e9'),
}


@pytest.mark.parametrize("data", UNREADABLE.values(), ids=UNREADABLE)
def test_of_a_batch_with_a_record_that_is_no_event_the_others_are_archived(archived: Archived, data: bytes) -> None:
    log = a_log()
    records = records_of(log)
    records.insert(4, BusRecord("4a", data, SHARD))
    assert archived.archivist.archive(records) == DONE
    assert archived.read() == log
    [kept] = archived.parking.list_unreadable()
    assert (kept.consumer, kept.shard_id, kept.sequence_number, kept.data) == (ARCHIVE, SHARD, "4a", data)
    assert not archived.archivist.redrive_record(kept)
    assert archived.parking.list_unreadable() == [kept]


def test_an_event_that_this_version_does_not_know_is_archived_all_the_same(archived: Archived) -> None:
    event = imported("Cloudbash.Domain.Choirs.Events.ChoirFoundedEvent", STREAM)
    assert archived.archivist.archive(records_of([event])) == DONE
    assert archived.read() == [event]
    assert archived.parking.list_unreadable() == []


def test_a_record_that_can_be_read_after_a_fix_is_archived_and_forgotten(archived: Archived) -> None:
    event = item(VenueDeleted())
    record = UnreadableRecord(ARCHIVE, SHARD, "7", to_bus(event), "a bug", "2030-01-01T12:00:00.000Z")
    archived.parking.store_unreadable(record)
    assert archived.archivist.redrive_record(record)
    assert (archived.read(), archived.parking.list_unreadable()) == ([event], [])


# --- transient failures ----------------------------------------------------------------------------------------------


def test_while_s3_is_away_the_batch_comes_again(archived: Archived) -> None:
    log = a_log()
    nowhere = replace(archived, bucket=f"no-such-bucket-{uuid4().hex}")
    assert nowhere.archivist.archive(records_of(log)) == {"batchItemFailures": [{"itemIdentifier": "0"}]}
    somewhere = archived.directory / "x"
    for ask in (
        nowhere.files.listed,
        lambda: nowhere.files.delete(["x"]),
        lambda: nowhere.files.fetch("x", somewhere),
    ):
        with pytest.raises(Unavailable):
            ask()
    assert archived.archivist.archive(records_of(log)) == DONE
    assert archived.read() == log


def test_a_file_that_was_merged_into_another_meanwhile_can_be_asked_for_again(archived: Archived) -> None:
    archived.archivist.archive(records_of(a_log()))
    [key, *_] = archived.keys
    archived.files.delete([key])
    with pytest.raises(Unavailable, match="it was merged into another file"):
        archived.files.fetch(key, archived.directory / "x")


class NoRoom(MemoryParking):
    def store_unreadable(self, record: UnreadableRecord) -> None:
        raise Unavailable(f"The parked table is away: {record.sequence_number} waits.")


def test_while_an_unreadable_record_cannot_be_kept_the_batch_comes_again(archived: Archived) -> None:
    records = [*records_of(a_log()), BusRecord("99", b"noise", SHARD)]
    kept_nowhere = replace(archived, parking=NoRoom())
    assert kept_nowhere.archivist.archive(records) == {"batchItemFailures": [{"itemIdentifier": "0"}]}
    assert archived.archivist.archive(records) == DONE
    assert len(archived.parking.list_unreadable()) == 1


def test_a_large_batch_is_one_file(archived: Archived) -> None:
    events = [item(VenueDeleted(), UUID(int=number)) for number in range(3000)]
    assert archived.archivist.archive(records_of(events)) == DONE
    assert len(archived.keys) == 1
    assert archived.read() == events


def test_what_is_stored_of_an_event_is_what_stands_in_its_columns(archived: Archived) -> None:
    event = item(VenueDeleted())
    archived.archivist.archive(records_of([event]))
    target = archived.directory / "file.parquet"
    archived.files.fetch(archived.keys[0], target)
    row = duckdb.sql(f"SELECT * FROM read_parquet('{target}', hive_partitioning = false)").fetchone()  # noqa: S608 - as above
    assert row is not None
    assert json.dumps(dict(zip(COLUMNS, row, strict=True))) == json.dumps(to_attributes(event))
