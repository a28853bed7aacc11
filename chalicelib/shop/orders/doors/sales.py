"""Projects a ticket's stream into the sales: every scan with its verdict, and who is inside."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.readmodels.port import Contents
from chalicelib.platform.readmodels.postgres.tables import Folding
from chalicelib.shop.orders.doors.movements import Direction, GateScan, Judged, Verdict, ordered
from chalicelib.shop.orders.ticket import TICKET, Ticket, TicketStatus

Row = Mapping[str, Any]

TABLES = ("sales_check_ins", "sales_scans")


def fold_ticket(contents: Contents, recorded: RecordedEvent) -> Contents:
    """Return the rows of the ticket with the event in them: what the aggregate makes of all its scans."""
    known: Row = contents.get("sales_check_ins", {}).get(str(recorded.stream_id), {})
    ticket = TICKET.evolve(_ticket(known, contents.get("sales_scans", {})), recorded.event)
    ids = {name: getattr(recorded.event, name, None) or known.get(name) for name in ("order_id", "concert_id")}
    row = {"id": recorded.stream_id, "version": recorded.version, **ids, **_figures(ticket)}
    scans = {str(scan["id"]): scan for scan in _scans(ticket, recorded.stream_id, ids["concert_id"])}
    check_ins = {str(recorded.stream_id): {name: value for name, value in row.items() if value is not None}}
    return {"sales_check_ins": check_ins} | ({"sales_scans": scans} if scans else {})


def _figures(ticket: Ticket) -> dict[str, Any]:
    story = ticket.story
    last = next(reversed(story.admissions), None)
    return {
        "checked_in_at": ticket.checked_in_at,
        "revoked_at": ticket.revoked_at,
        "inside_since": None if story.inside is None else story.inside.at,
        "gate": None if last is None or last.gate is None else last.gate.replace("\0", ""),
    }


def _scans(ticket: Ticket, ticket_id: UUID, concert_id: UUID | None) -> Iterator[dict[str, Any]]:
    for judged in ticket.story.scans:
        row = {"ticket_id": ticket_id, "id": judged.movement.nonce, "concert_id": concert_id, **_scan(judged)}
        yield {name: value for name, value in row.items() if value is not None}


def _scan(judged: Judged) -> dict[str, Any]:
    movement = judged.movement
    texts = {"gate": movement.gate, "override": movement.override, "flaw": movement.flaw}
    return {
        **{name: None if text is None else text.replace("\0", "") for name, text in texts.items()},
        "direction": movement.direction.value,
        "verdict": judged.verdict.value,
        "device_id": movement.device_id,
        "at": movement.at,
        "is_offline": movement.is_offline,
        "against": None if judged.against is None else judged.against.nonce,
    }


def _ticket(known: Row, scans: Mapping[str, Row]) -> Ticket:
    """Return the ticket of which the rows are. Rows of before scans were kept have the one check-in there was."""
    movements = [_movement(scan) for scan in scans.values()]
    if not movements and "checked_in_at" in known:
        movements = [GateScan(known["checked_in_at"])]
    revoked_at = known.get("revoked_at")
    return Ticket(
        TicketStatus.VALID if revoked_at is None else TicketStatus.REVOKED,
        revoked_at,
        ordered(movements),
        frozenset(scan["id"] for scan in scans.values() if scan["verdict"] == Verdict.UNDONE),
    )


def _movement(scan: Row) -> GateScan:
    return GateScan(
        at=scan["at"],
        nonce=scan["id"],
        device_id=scan["device_id"],
        gate=scan.get("gate"),
        direction=Direction(scan["direction"]),
        override=scan.get("override"),
        flaw=scan.get("flaw"),
        is_offline=scan["is_offline"],
    )


TICKETS = Folding(fold_ticket, TABLES)
