"""Signed heads: what every archive and every signer promise, and what is found with them that no hash chain shows."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from chalicelib.platform.bus.message import to_bus
from chalicelib.platform.bus.port import BusRecord
from chalicelib.platform.errors import Unavailable
from chalicelib.platform.eventsourcing.chain import faults_in
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.integrity.head_signer import HeadSigner
from chalicelib.platform.integrity.heads import Archive, ArchivedDocument, MemoryArchive
from chalicelib.platform.integrity.keys import FileSigner
from chalicelib.platform.integrity.kms import KmsSigner
from chalicelib.platform.integrity.s3 import S3Archive
from chalicelib.platform.integrity.statement import Signer, heads_of
from chalicelib.platform.integrity.verification import SignedCheck
from chalicelib.shop.venues.events import VenueDeleted
from local.emulator import Emulator
from local.keys import ensure_master_key
from local.resources import REGION
from tests.support.stored import SOME_TIME, imported, store_all
from tests.support.tampering import edited, resealed

DONE: dict[str, Any] = {"batchItemFailures": []}
SHARD = "shardId-000000000000"
Stream = list[StoredEvent]


@pytest.fixture
def bucket(s3: Any) -> str:
    """A bucket of the test's own, locked as the template locks it."""
    name = f"heads-{uuid4().hex}"
    s3.create_bucket(
        Bucket=name, ObjectLockEnabledForBucket=True, CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    return name


@pytest.fixture(params=["memory", "s3"])
def archive(request: pytest.FixtureRequest) -> Archive:
    if request.param == "memory":
        return MemoryArchive()
    return S3Archive(request.getfixturevalue("s3"), request.getfixturevalue("bucket"))


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "signing.key"
    ensure_master_key(path)
    return path


@pytest.fixture(params=["file", "kms"])
def signer(request: pytest.FixtureRequest, key_file: Path) -> Signer:
    if request.param == "file":
        return FileSigner(key_file)
    emulator: Emulator = request.getfixturevalue("contract_emulator")
    return a_kms_signer(emulator)


def a_kms_signer(emulator: Emulator) -> KmsSigner:
    client = kms(emulator)
    key = client.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]
    return KmsSigner(client, key["Arn"])


def kms(emulator: Emulator) -> Any:
    import boto3  # noqa: PLC0415 - this client alone is not among those of the stack

    return boto3.client(
        "kms", endpoint_url=emulator.url, region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x"
    )


# --- signers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("message", [b"", b"heads", b"x" * 200_000], ids=len)
def test_what_was_signed_is_verified_and_nothing_else(signer: Signer, message: bytes) -> None:
    signature = signer.sign(message)
    assert signer.verify(message, signature)
    assert not signer.verify(message + b" ", signature)
    assert not signer.verify(message, signature[:-1] + bytes([signature[-1] ^ 1]))
    assert not signer.verify(message, b"")


def test_the_signature_of_another_key_is_none_of_ours(
    tmp_path: Path, key_file: Path, contract_emulator: Emulator
) -> None:
    ensure_master_key(tmp_path / "other.key")
    assert not FileSigner(key_file).verify(b"heads", FileSigner(tmp_path / "other.key").sign(b"heads"))
    ours, others = (a_kms_signer(contract_emulator) for _ in range(2))
    assert not ours.verify(b"heads", others.sign(b"heads"))


def test_a_key_that_cannot_be_used_is_a_transient_failure(contract_emulator: Emulator) -> None:
    nobody = KmsSigner(kms(contract_emulator), str(uuid4()))
    with pytest.raises(Unavailable):
        nobody.sign(b"heads")
    with pytest.raises(Unavailable):
        nobody.verify(b"heads", b"")


# --- archives --------------------------------------------------------------------------------------------------------


def test_documents_come_shard_by_shard_the_newest_first(archive: Archive) -> None:
    for shard in ("shard-a", "shard-b"):
        for number in range(40):
            assert archive.put(shard, number, f"{shard} {number}".encode())
    assert list(archive.documents()) == [
        ArchivedDocument(shard, number, f"{shard} {number}".encode())
        for shard in ("shard-a", "shard-b")
        for number in reversed(range(40))
    ]
    assert archive.newest("shard-a") == ArchivedDocument("shard-a", 39, b"shard-a 39")
    assert archive.newest("shard") is None


def test_a_number_is_given_once(archive: Archive) -> None:
    assert archive.put(SHARD, 0, b"first")
    assert not archive.put(SHARD, 0, b"second")
    assert [found.document for found in archive.documents()] == [b"first"]


@pytest.mark.parametrize("how", ["deleted", "overwritten", "deleted and written anew"])
def test_a_document_in_s3_that_was_touched_is_still_there_and_says_so(s3: Any, bucket: str, how: str) -> None:
    archive = S3Archive(s3, bucket)
    for number in range(3):
        archive.put(SHARD, number, b"as it was")
    key = s3.list_objects_v2(Bucket=bucket)["Contents"][1]["Key"]
    if how.startswith("deleted"):
        s3.delete_object(Bucket=bucket, Key=key)
    if how != "deleted":
        s3.put_object(Bucket=bucket, Key=key, Body=b"forged")
    documents = list(archive.documents())
    assert [(found.number, found.document, found.was_touched) for found in documents] == [
        (2, b"as it was", False),
        (1, b"as it was", True),
        (0, b"as it was", False),
    ]


def test_an_archive_that_is_away_is_a_transient_failure(s3: Any) -> None:
    archive = S3Archive(s3, f"no-such-bucket-{uuid4().hex}")
    for ask in (lambda: archive.newest(SHARD), lambda: archive.put(SHARD, 0, b""), lambda: list(archive.documents())):
        with pytest.raises(Unavailable):
            ask()


# --- what is signed --------------------------------------------------------------------------------------------------


def test_of_our_events_the_newest_of_each_stream_is_signed_and_of_the_imported_every_one() -> None:
    ours = store_all(uuid4(), [VenueDeleted()] * 5)
    theirs = uuid4()
    old = [imported("Cloudbash.Domain.Venues.Events.VenueDeletedEvent", theirs, version) for version in range(3)]
    signed = heads_of([ours[3], old[0], ours[4], old[2], ours[1], old[1], ours[4]])
    assert {(head.stream_id, head.version) for head in signed} == {
        (ours[0].aggregate_id, 4),
        *((theirs, version) for version in range(3)),
    }
    assert {head.hash for head in signed} == {ours[4].hash, *(event.expected_hash() for event in old)}


def test_what_is_signed_is_what_an_event_says_and_not_the_hash_that_it_carries() -> None:
    event = replace(store_all(uuid4(), [VenueDeleted()])[0], hash="f" * 64)
    assert [head.hash for head in heads_of([event])] == [event.expected_hash()]


@dataclass
class Evidence:
    """A log, an archive, and a head signer between them."""

    archive: Archive
    signer: Signer
    log: MemoryEventStore

    def head_signer(self) -> HeadSigner:
        return HeadSigner(self.archive, self.signer, lambda: SOME_TIME)

    def write(self, *streams: Stream, head_signer: HeadSigner | None = None, shard: str = SHARD) -> None:
        for stream in streams:
            self.log.append(stream)
        events = [event for stream in streams for event in stream]
        records = [BusRecord(str(place), to_bus(event), shard) for place, event in enumerate(events)]
        assert (head_signer or self.head_signer()).sign(records) == DONE

    def check(self, log: MemoryEventStore | None = None, only: UUID | None = None) -> SignedCheck:
        check = SignedCheck(log or self.log, self.archive, self.signer, only)
        assert sum(check.run()) >= check.heads
        return check


@pytest.fixture
def evidence(archive: Archive, key_file: Path) -> Evidence:
    return Evidence(archive, FileSigner(key_file), MemoryEventStore())


def a_stream(length: int = 4) -> Stream:
    return store_all(uuid4(), [VenueDeleted()] * length)


def log_of(*streams: Stream) -> MemoryEventStore:
    log = MemoryEventStore()
    for stream in streams:
        log.append(stream)
    return log


def test_a_log_that_nobody_touched_agrees_with_all_that_was_signed(evidence: Evidence) -> None:
    lasting = evidence.head_signer()
    for _ in range(3):
        evidence.write(a_stream(), a_stream(), head_signer=lasting)
        evidence.write(a_stream())
        evidence.write(a_stream(), shard="shardId-000000000001")
    check = evidence.check()
    assert (check.faults, check.broken) == ([], [])
    assert (check.documents, check.heads, check.signed_until) == (9, 12, "2030-01-01T12:00:00.000Z")


def test_a_batch_that_comes_again_does_no_harm(evidence: Evidence) -> None:
    stream = a_stream()
    evidence.write(stream)
    evidence.write(stream)
    check = evidence.check()
    assert (check.documents, check.faults, check.broken) == (2, [], [])


FORGERIES: dict[str, tuple[Callable[[Stream], Stream], list[int]]] = {
    "the last event deleted": (lambda stream: stream[:-1], [3]),
    "all but the first deleted": (lambda stream: stream[:1], [3]),
    "the whole stream deleted": (lambda _: [], [3]),
    "a chain sealed anew": (lambda stream: resealed([*stream[:1], edited(stream[1]), *stream[2:]]), [3]),
    "the last event replaced by a sound one": (lambda stream: [*stream[:3], edited(stream[3], sealed=True)], [3]),
}


@pytest.mark.parametrize(("forge", "versions"), FORGERIES.values(), ids=FORGERIES)
def test_what_the_chain_alone_cannot_see_is_found_by_signed_heads(
    evidence: Evidence, forge: Callable[[Stream], Stream], versions: list[int]
) -> None:
    sick, sound = a_stream(), a_stream()
    evidence.write(sick, sound)
    forged = forge(sick)
    assert faults_in(forged) == []
    check = evidence.check(log_of(*([forged] if forged else []), sound))
    assert [(fault.stream_id, fault.version) for fault in check.faults] == [
        (sick[0].aggregate_id, version) for version in versions
    ]
    assert check.broken == []


def test_every_signed_state_of_a_stream_is_held_against_the_log(evidence: Evidence) -> None:
    stream = a_stream(6)
    for start in (0, 2, 4):
        evidence.write(stream[start : start + 2])
    gone = evidence.check(log_of(stream[:2]))
    assert sorted(fault.version for fault in gone.faults) == [3, 5]


def test_an_imported_event_that_was_edited_is_found_wherever_it_stands(evidence: Evidence) -> None:
    stream_id = uuid4()
    name = "Cloudbash.Domain.Venues.Events.VenueDeletedEvent"
    stream = [imported(name, stream_id, version) for version in range(4)]
    evidence.write(stream)
    check = evidence.check(log_of([stream[0], edited(stream[1]), *stream[2:]]))
    assert [(fault.stream_id, fault.version) for fault in check.faults] == [(stream_id, 1)]


def test_one_stream_alone_can_be_checked(evidence: Evidence) -> None:
    one, other = a_stream(), a_stream()
    evidence.write(one, other)
    empty = MemoryEventStore()
    check = evidence.check(empty, only=one[0].aggregate_id)
    assert [fault.stream_id for fault in check.faults] == [one[0].aggregate_id]
    assert check.heads == 1


# --- tampering with the archive itself -------------------------------------------------------------------------------


@pytest.fixture
def forged_archive(key_file: Path) -> tuple[Evidence, MemoryArchive]:
    archive = MemoryArchive()
    evidence = Evidence(archive, FileSigner(key_file), MemoryEventStore())
    for _ in range(4):
        evidence.write(a_stream())
    return evidence, archive


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_document_that_is_missing_before_the_last_one_is_noticed(
    forged_archive: tuple[Evidence, MemoryArchive], number: int
) -> None:
    evidence, archive = forged_archive
    del archive.stored[SHARD, number]
    [reason] = evidence.check().broken
    assert "missing" in reason


@pytest.mark.parametrize("number", range(4))
def test_a_document_that_was_changed_is_noticed(forged_archive: tuple[Evidence, MemoryArchive], number: int) -> None:
    evidence, archive = forged_archive
    archive.stored[SHARD, number] = archive.stored[SHARD, number].replace(b'"number":', b'"number": ')
    broken = evidence.check().broken
    assert f"document {number} of {SHARD} is not signed by us" in broken


def test_a_document_signed_by_somebody_else_is_noticed(
    forged_archive: tuple[Evidence, MemoryArchive], tmp_path: Path
) -> None:
    evidence, archive = forged_archive
    ensure_master_key(tmp_path / "forger.key")
    line = archive.stored[SHARD, 3].partition(b"\n")[0]
    forged = base64.b64encode(FileSigner(tmp_path / "forger.key").sign(line))
    archive.stored[SHARD, 3] = line + b"\n" + forged + b"\n"
    assert evidence.check().broken == [f"document 3 of {SHARD} is not signed by us"]


def test_a_document_in_the_place_of_another_is_noticed(forged_archive: tuple[Evidence, MemoryArchive]) -> None:
    evidence, archive = forged_archive
    archive.stored[SHARD, 3] = archive.stored[SHARD, 2]
    assert f"document 3 of {SHARD} was signed as another one" in evidence.check().broken
    archive.stored["shardId-another", 0] = archive.stored[SHARD, 0]
    assert "document 0 of shardId-another was signed as another one" in evidence.check().broken


def test_noise_instead_of_a_document_is_noticed(forged_archive: tuple[Evidence, MemoryArchive]) -> None:
    evidence, archive = forged_archive
    for noise in (b"", b"\n", b"\xff\xff", b"{}\nno base64!", b"{}\nAAAA"):
        archive.stored[SHARD, 3] = noise
        assert evidence.check().broken == [f"document 3 of {SHARD} is not signed by us"]


# --- the head signer without its servers ------------------------------------------------------------------------------


def records_of(stream: Stream) -> list[BusRecord]:
    return [BusRecord(str(event.aggregate_version), to_bus(event), SHARD) for event in stream]


def test_a_batch_that_cannot_be_signed_comes_again_whole(s3: Any, key_file: Path) -> None:
    nowhere = S3Archive(s3, f"no-such-bucket-{uuid4().hex}")
    head_signer = HeadSigner(nowhere, FileSigner(key_file), lambda: SOME_TIME)
    assert head_signer.sign(records_of(a_stream())) == {"batchItemFailures": [{"itemIdentifier": "0"}]}


def test_two_notaries_of_one_shard_keep_one_chain(evidence: Evidence) -> None:
    first, second = evidence.head_signer(), evidence.head_signer()
    for _ in range(3):
        evidence.write(a_stream(), head_signer=first)
        evidence.write(a_stream(), head_signer=second)
    check = evidence.check()
    assert (check.documents, check.broken, check.faults) == (6, [], [])


def test_what_is_no_event_is_not_signed_and_stops_nothing(evidence: Evidence) -> None:
    stream = a_stream()
    evidence.log.append(stream)
    noise = [BusRecord("x", data, SHARD) for data in (b"", b"[" * 100_000, b"no event")]
    assert evidence.head_signer().sign([*noise, *records_of(stream)]) == DONE
    assert evidence.head_signer().sign(noise) == DONE
    check = evidence.check()
    assert (check.documents, check.heads, check.faults) == (1, 1, [])
