"""Defines what is signed: the newest events of one batch of the bus, chained to the document before."""

import base64
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from chalicelib.platform.eventsourcing.stored import GENESIS_HASH, StoredEvent

FIRST = GENESIS_HASH
"""`previous` of the first statement of a shard."""


class Signer(Protocol):
    """Signs and verifies messages. Either method may raise Unavailable; verifying needs no right to sign."""

    def sign(self, message: bytes) -> bytes: ...

    def verify(self, message: bytes, signature: bytes) -> bool: ...


@dataclass(frozen=True, slots=True)
class StreamHead:
    """States that a stream had this event at this version.

    `hash` is computed from the content of the event, not taken from it.
    """

    stream_id: UUID
    version: int
    hash: str


@dataclass(frozen=True, slots=True)
class Statement:
    """States the heads of one batch, as number `number` of one shard of the bus.

    `previous` is the digest of the document before it.
    """

    shard_id: str
    number: int
    previous: str
    signed_at: str
    heads: tuple[StreamHead, ...]


def heads_of(events: Iterable[StoredEvent]) -> tuple[StreamHead, ...]:
    """Return the newest event of each stream, which stands for all before it, and every imported event.

    Imported events are in no chain, so none stands for another.
    """
    newest: dict[UUID, StoredEvent] = {}
    unchained: dict[tuple[UUID, int], StoredEvent] = {}
    for event in events:
        if not event.hash:
            unchained[event.aggregate_id, event.aggregate_version] = event
        elif event.aggregate_version >= newest.get(event.aggregate_id, event).aggregate_version:
            newest[event.aggregate_id] = event
    signed = [*unchained.values(), *newest.values()]
    return tuple(StreamHead(event.aggregate_id, event.aggregate_version, event.expected_hash()) for event in signed)


def to_document(statement: Statement, signer: Signer) -> bytes:
    """Write the statement as one line of JSON, and its signature as another.

    Raises:
        Unavailable: the signer cannot be reached.
    """
    line = json.dumps(
        {
            "shard": statement.shard_id,
            "number": statement.number,
            "previous": statement.previous,
            "signed_at": statement.signed_at,
            "heads": [[str(head.stream_id), head.version, head.hash] for head in statement.heads],
        },
        separators=(",", ":"),
    ).encode()
    return line + b"\n" + base64.b64encode(signer.sign(line)) + b"\n"


def from_document(document: bytes, signer: Signer) -> Statement | None:
    """Read a statement, or return None if the signer has not signed it.

    Raises:
        Unavailable: the signer cannot be reached.
    """
    line, _, signature = document.partition(b"\n")
    try:
        if not signer.verify(line, base64.b64decode(signature)):
            return None
    except ValueError:
        return None
    read = json.loads(line)
    heads = tuple(StreamHead(UUID(stream_id), version, sealed) for stream_id, version, sealed in read["heads"])
    return Statement(read["shard"], read["number"], read["previous"], read["signed_at"], heads)


def digest_of(document: bytes) -> str:
    return hashlib.sha256(document).hexdigest()
