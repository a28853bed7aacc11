"""Defines what the routes of the doors answer."""

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from chalicelib.platform.http.shapes import Count, Id, Instant, Version
from chalicelib.shop.orders.doors.movements import Direction, Verdict


class CheckedIn(TypedDict):
    """Says whom the door lets in; `version` is that of the ticket."""

    ticket_id: Id
    ticket_type_name: str
    gate: str
    checked_in_at: Instant
    version: Version


class LetOut(TypedDict):
    """Says whom the door lets out; `version` is that of the ticket."""

    ticket_id: Id
    ticket_type_name: str
    gate: str
    left_at: Instant
    version: Version


class UndoneScan(TypedDict):
    nonce: Id
    undone: Literal[True]
    version: Version


class CountingScan(TypedDict):
    """The scan that counts instead of a double one."""

    gate: str | None
    at: Instant
    nonce: Id


class RecordedScan(TypedDict):
    """What became of a scan: `flaw` says why its code should have been refused, `counts` is there for a double one."""

    nonce: Id
    ticket_id: Id
    outcome: Verdict
    at: Instant
    flaw: str | None
    counts: CountingScan | None


class RefusedScan(TypedDict):
    """Says why a scan was not recorded."""

    nonce: Id
    outcome: Literal["refused"]
    code: str
    detail: str


class RecordedScans(TypedDict):
    """`clock_offset_ms` is how far the device's clock was behind ours."""

    clock_offset_ms: int
    items: list[RecordedScan | RefusedScan]


class PublishedKey(TypedDict):
    """The public half of a key, as a JSON Web Key."""

    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    use: Literal["sig"]
    alg: Literal["EdDSA"]
    kid: str
    x: str


class TicketKeySet(TypedDict):
    keys: list[PublishedKey]


class KeyRotated(TypedDict):
    concert_id: Id
    version: Version


class RevokedKey(TypedDict):
    concert_id: Id
    key_id: str
    version: Version


class DoorRules(TypedDict):
    """Says whether people who left may come in again. `version` is null until somebody has said so."""

    concert_id: Id
    has_reentry: bool
    version: Version | None


class Reissued(TypedDict):
    """Says which ticket has a new code; `version` is that of its order."""

    order_id: Id
    ticket_id: Id
    version: Version


class DoorListPart(TypedDict):
    """A part of a door list: each entry is `[ticket, serial, state, gate, seconds]`."""

    concert_id: Id
    has_reentry: bool
    keys: list[PublishedKey]
    is_delta: bool
    entries: list[Annotated[list[str | int | None], Field(min_length=5, max_length=5)]]
    is_complete: bool
    next: str


class DoorMinute(TypedDict):
    """What was scanned at a gate in a minute."""

    minute: Instant
    gate: str | None
    admitted: Count
    left: Count
    double: Count
    flawed: Count


class DoorTotals(TypedDict):
    checked_in: Count
    inside: Count
    valid: Count


class DoorCounts(DoorTotals):
    """How many are inside, and a page of what was scanned by minute and gate."""

    items: list[DoorMinute]
    next_cursor: str | None


class ReportedScan(TypedDict):
    """A scan that its organiser should look at; `counts` is the one that counts instead of a double one."""

    kind: Literal["double", "flawed", "undone", "override"]
    ticket_id: Id
    order_id: Id | None
    nonce: Id
    at: Instant
    gate: str | None
    device_id: Id
    direction: Direction
    flaw: str | None
    reason: str | None
    offline: bool
    counts: "OtherScan | None"


class OtherScan(TypedDict):
    nonce: Id
    at: Instant
    gate: str | None
    device_id: Id
