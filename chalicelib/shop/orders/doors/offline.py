"""Takes what a device scanned without a network, and judges when it happened by the shop's clock (ADR 71)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from chalicelib.platform.caller import Caller
from chalicelib.platform.errors import BadSignature, Expired, InvalidInput, NotFound, RuleViolated
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.shop.orders.doors.admission import flaw_at, read_code, show
from chalicelib.shop.orders.doors.book import CodeBook
from chalicelib.shop.orders.doors.code import TicketFacts
from chalicelib.shop.orders.doors.movements import Direction, Judged
from chalicelib.shop.orders.ticket import TICKET, Scan

if TYPE_CHECKING:
    from chalicelib.shop.orders.doors.answers import CountingScan, RecordedScan, RefusedScan

LONGEST_AGO = timedelta(hours=72)
MOST_SCANS = 100


@dataclass(frozen=True, slots=True)
class OfflineScan:
    """`scanned_at` is by the clock of the device."""

    code: str
    nonce: UUID
    gate: str
    scanned_at: datetime
    direction: Direction = Direction.IN


@dataclass(frozen=True, slots=True)
class Device:
    """A device as it tells: `clock` is what its clock shows at that moment."""

    id: UUID
    clock: datetime

    def judge(self, scanned_at: datetime, now: datetime) -> datetime:
        """Return when it was by our clock: as long ago as it is by the device's, and never later than now."""
        return min(now, scanned_at + (now - self.clock))


def record_scans(
    repository: Repository,
    book: CodeBook,
    caller: Caller,
    concert_id: UUID,
    device: Device,
    scans: Sequence[OfflineScan],
    now: datetime,
) -> "list[RecordedScan | RefusedScan]":
    """Record each scan in its ticket's stream, and say what became of it. Telling again what was told changes nothing.

    Raises InvalidInput for what was scanned too long ago, or Unavailable.
    """
    too_old = [place for place, scan in enumerate(scans) if device.clock - scan.scanned_at > LONGEST_AGO]
    if too_old:
        reason = f"is more than {LONGEST_AGO // timedelta(hours=1)} hours before device_clock"
        raise InvalidInput(f"A scan {reason}.", tuple((f"#/scans/{place}/scanned_at", reason) for place in too_old))
    return [_outcome(repository, book, caller, concert_id, device, scan, now) for scan in scans]


def _outcome(
    repository: Repository,
    book: CodeBook,
    caller: Caller,
    concert_id: UUID,
    device: Device,
    scan: OfflineScan,
    now: datetime,
) -> "RecordedScan | RefusedScan":
    try:
        facts = read_code(book, scan.code, concert_id)
        judged = _record(repository, caller, facts, device, scan, now)
    except (BadSignature, Expired, NotFound, RuleViolated) as error:
        return {"nonce": str(scan.nonce), "outcome": "refused", "code": error.code, "detail": error.detail}
    return _recorded(facts.ticket_id, judged)


def _record(
    repository: Repository, caller: Caller, facts: TicketFacts, device: Device, scan: OfflineScan, now: datetime
) -> Judged:
    happened_at = device.judge(scan.scanned_at, now)
    told = Scan(scan.gate, scan.nonce, device.id, facts.serial)

    def command(session: Session) -> Judged:
        shown = show(session, facts)
        flaw = flaw_at(shown, facts, happened_at)
        events = shown.ticket.record_offline(
            facts.order_id, shown.issued, told, scan.direction, flaw, scan.scanned_at, happened_at, session.now
        )
        session.append(TICKET, facts.ticket_id, *events)
        judged = session.load(TICKET, facts.ticket_id).story.find(scan.nonce)
        assert judged is not None  # noqa: S101 - it was recorded, now or before
        return judged

    return repository.execute(command, caller.origin)


def _recorded(ticket_id: UUID, judged: Judged) -> "RecordedScan":
    movement, against = judged.movement, judged.against
    counts: CountingScan | None = None
    if against is not None:
        counts = {"gate": against.gate, "at": format_instant(against.at), "nonce": str(against.nonce)}
    return {
        "nonce": str(movement.nonce),
        "ticket_id": str(ticket_id),
        "outcome": judged.verdict,
        "at": format_instant(movement.at),
        "flaw": movement.flaw,
        "counts": counts,
    }
