"""Letting people in: each ticket admits once, whichever of the doors its code is shown at."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chalicelib.platform.caller import Caller
from chalicelib.platform.errors import IdempotencyKeyReused
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Load, Session
from chalicelib.shop.orders.doors.book import CodeBook
from chalicelib.shop.orders.doors.code import ForgedCode, TicketFacts
from chalicelib.shop.orders.doors.reissue import serial_of
from chalicelib.shop.orders.events import IssuedTicket, TicketCheckedIn, TicketExited
from chalicelib.shop.orders.order import ORDER, Order
from chalicelib.shop.orders.rules import OrderStatus
from chalicelib.shop.orders.ticket import TICKET, AnotherConcert, Flaw, Scan, Ticket

Passed = TicketCheckedIn | TicketExited
_REFUNDED = {OrderStatus.REFUNDING, OrderStatus.REFUND_FAILED, OrderStatus.REFUNDED}


@dataclass(frozen=True, slots=True)
class Passage:
    """Somebody went through a door. `version` is the one to which this brought the ticket's stream."""

    ticket_id: UUID
    ticket_type_name: str
    gate: str
    at: datetime
    version: int


@dataclass(frozen=True, slots=True)
class Shown:
    """The ticket behind a code, as order and ticket are now."""

    order: Order
    issued: IssuedTicket
    ticket: Ticket
    flaw: Flaw | None

    @property
    def type_name(self) -> str:
        lines = self.order.lines
        return next(line.ticket_type_name for line in lines if line.ticket_type_id == self.issued.ticket_type_id)


def read_code(book: CodeBook, text: str, concert_id: UUID) -> TicketFacts:
    """Return what a code says that is shown at the doors of a concert.

    Raises:
        ForgedCode or KeyRevoked
        AnotherConcert
    """
    facts = book.read(text)
    if facts.concert_id != concert_id:
        raise AnotherConcert(facts.concert_id)
    return facts


def check_in(
    repository: Repository,
    book: CodeBook,
    caller: Caller,
    concert_id: UUID,
    code: str,
    scan: Scan,
    override: str | None = None,
) -> Passage:
    """Let somebody in. Of two doors that see one code at once one admits: each version of a stream is written once.

    The same nonce again is answered as the first time.
    Raises what `read_code` and `Ticket.check_in` raise, and IdempotencyKeyReused.
    """
    facts = read_code(book, code, concert_id)
    scan = Scan(scan.gate, scan.nonce, scan.device_id, facts.serial)
    has_reentry = book.doors(concert_id).has_reentry

    def decide(shown: Shown, now: datetime) -> Passed:
        return shown.ticket.check_in(
            facts.order_id, shown.issued, concert_id, scan, shown.flaw, has_reentry, now, override
        )

    return _pass(repository, caller, facts, scan, TicketCheckedIn, decide)


def let_out(repository: Repository, book: CodeBook, caller: Caller, concert_id: UUID, code: str, scan: Scan) -> Passage:
    """Let somebody out who may come in again. The same nonce again is answered as the first time.

    Raises what `read_code` and `Ticket.exit` raise, and IdempotencyKeyReused.
    """
    facts = read_code(book, code, concert_id)
    has_reentry = book.doors(concert_id).has_reentry

    def decide(shown: Shown, now: datetime) -> Passed:
        return shown.ticket.exit(facts.order_id, shown.issued, concert_id, scan, has_reentry, now)

    return _pass(repository, caller, facts, scan, TicketExited, decide)


def undo(
    repository: Repository,
    caller: Caller,
    book: CodeBook,
    concert_id: UUID,
    code: str,
    nonce: UUID,
    reason: str,
) -> int:
    """Let a scan of a ticket not count, and return the version of the ticket's stream.

    Raises what `read_code` and `Ticket.undo` raise.
    """
    facts = read_code(book, code, concert_id)

    def command(session: Session) -> int:
        ticket = session.load(TICKET, facts.ticket_id)
        session.append(TICKET, facts.ticket_id, *ticket.undo(facts.order_id, concert_id, nonce, reason, session.now))
        return session.version(facts.ticket_id)

    return repository.execute(command, caller.origin)


def show(session: Session, facts: TicketFacts) -> Shown:
    """Load what a code is about; the order knows first what was revoked or reissued.

    Raises:
        ForgedCode: the shop never issued such a ticket.
    """
    order = session.load(ORDER, facts.order_id, Load.FRESH)
    issued = next((ticket for ticket in order.tickets if ticket.id == facts.ticket_id), None)
    if issued is None:
        raise ForgedCode
    ticket = session.load(TICKET, facts.ticket_id, Load.ASSUME_EMPTY)
    return Shown(order, issued, ticket, _flaw(order, facts))


def flaw_at(shown: Shown, facts: TicketFacts, at: datetime) -> Flaw | None:
    """Return why the code should have been refused then; what was revoked or reissued later counts."""
    if facts.serial < serial_of(shown.order, facts.ticket_id, at):
        return Flaw.REISSUED
    revoked_at = shown.ticket.revoked_at
    if facts.ticket_id in shown.order.valid or (revoked_at is not None and at < revoked_at):
        return None
    return _why_revoked(shown.order, facts.ticket_id)


def _pass(
    repository: Repository,
    caller: Caller,
    facts: TicketFacts,
    scan: Scan,
    kind: type[Passed],
    decide: Callable[[Shown, datetime], Passed],
) -> Passage:
    def command(session: Session) -> Passage:
        shown = show(session, facts)
        if shown.ticket.story.find(scan.nonce) is not None:
            return _as_before(session, shown, scan, kind)
        passed = decide(shown, session.now)
        session.append(TICKET, facts.ticket_id, passed)
        return Passage(facts.ticket_id, shown.type_name, scan.gate, passed.at, session.version(facts.ticket_id))

    return repository.execute(command, caller.origin)


def _as_before(session: Session, shown: Shown, scan: Scan, kind: type[Passed]) -> Passage:
    """Answer a scan that was recorded before.

    Raises:
        IdempotencyKeyReused: the nonce was used at another gate or by another device, the other way, or offline.
    """
    found = session.find_recorded(shown.issued.id, lambda event: getattr(event, "nonce", None) == scan.nonce)
    if found is None or not isinstance(found.event, kind):
        raise _nonce_reused()
    if (found.event.gate, found.event.device_id) != (scan.gate, scan.device_id):
        raise _nonce_reused()
    return Passage(shown.issued.id, shown.type_name, scan.gate, found.event.at, found.version)


def _nonce_reused() -> IdempotencyKeyReused:
    return IdempotencyKeyReused("This nonce was used before for another scan.", "#/nonce")


def _flaw(order: Order, facts: TicketFacts) -> Flaw | None:
    if facts.ticket_id not in order.valid:
        return _why_revoked(order, facts.ticket_id)
    return Flaw.REISSUED if facts.serial != serial_of(order, facts.ticket_id) else None


def _why_revoked(order: Order, ticket_id: UUID) -> Flaw:
    parts = [part for grant in order.grants.values() for part in grant.parts if part.refund_id is not None]
    is_refunded = order.status in _REFUNDED or any(ticket_id in part.ticket_ids for part in parts)
    return Flaw.REFUNDED if is_refunded else Flaw.REVOKED
