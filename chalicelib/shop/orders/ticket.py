"""A ticket after it was issued: valid as its order says, until its own stream says otherwise."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from chalicelib.platform.errors import Expired, NotFound, RuleViolated, facts
from chalicelib.platform.eventsourcing.aggregate import Aggregate
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.shop.orders.doors.movements import NOBODY, Direction, GateScan, Story, Verdict, ordered, story_of
from chalicelib.shop.orders.events import (
    IssuedTicket,
    OfflineScanRecorded,
    TicketCheckedIn,
    TicketCheckInUndone,
    TicketExited,
    TicketRevoked,
)

MAX_MOVEMENTS = 100
ONE_MOMENT = timedelta(milliseconds=1)


class TicketNotValid(Expired):
    """The ticket was revoked."""

    code = "ticket_revoked"


class TicketRefunded(Expired):
    """The ticket was given back, and its money too."""

    code = "ticket_refunded"


class CodeReplaced(Expired):
    """The ticket has a newer code, and only that one counts."""

    code = "ticket_reissued"


class AlreadyUsed(RuleViolated):
    """Somebody was let in with this ticket before."""

    code = "already_used"
    fact_types = facts(checked_in_at="Instant", gate="str | None")

    def __init__(self, movement: GateScan) -> None:
        told = {"checked_in_at": format_instant(movement.at), "gate": movement.gate}
        super().__init__("Somebody was let in with this ticket before.", **told)


class AnotherConcert(NotFound):
    """The ticket is for another concert."""

    code = "another_concert"
    fact_types = facts(concert_id="NotRequired[Id]")

    def __init__(self, concert_id: UUID | None) -> None:
        named = {} if concert_id is None else {"concert_id": str(concert_id)}
        super().__init__("The ticket is for another concert.", **named)


class NotInside(RuleViolated):
    """Nobody is inside with this ticket."""

    code = "not_inside"


class NoReentry(RuleViolated):
    """Whoever leaves this concert cannot come in again."""

    code = "no_reentry"


class TooManyMovements(RuleViolated):
    """The ticket was scanned as often as it can be."""

    code = "too_many_movements"


class TicketStatus(StrEnum):
    VALID = "valid"
    REVOKED = "revoked"


class Flaw(StrEnum):
    """Why the code of a ticket admits nobody; the value is what is stored of a scan without a network."""

    REVOKED = "revoked"
    REFUNDED = "refunded"
    REISSUED = "reissued"

    def refuse(self) -> Expired:
        """Return the refusal of a door that knows it."""
        match self:
            case Flaw.REVOKED:
                return TicketNotValid("The ticket was revoked.")
            case Flaw.REFUNDED:
                return TicketRefunded("The ticket was given back, and its money too.")
            case Flaw.REISSUED:
                return CodeReplaced("The ticket has a newer code, and only that one counts.")


@dataclass(frozen=True, slots=True)
class Scan:
    """What a device at a door tells of a scan; `nonce` is its own id of it."""

    gate: str
    nonce: UUID
    device_id: UUID | None = None
    serial: int = 0


@dataclass(frozen=True, slots=True)
class Ticket:
    """Keeps what a ticket's own stream says; what happened at the doors stays when a ticket is revoked afterwards."""

    status: TicketStatus = TicketStatus.VALID
    revoked_at: datetime | None = None
    movements: tuple[GateScan, ...] = ()
    undone: frozenset[UUID] = frozenset()

    @property
    def story(self) -> Story:
        return story_of(self.movements, self.undone)

    @property
    def checked_in_at(self) -> datetime | None:
        """Return when somebody was first let in, or None."""
        admissions = self.story.admissions
        return admissions[0].at if admissions else None

    def check_in(
        self,
        order_id: UUID,
        issued: IssuedTicket,
        concert_id: UUID,
        scan: Scan,
        flaw: Flaw | None,
        has_reentry: bool,
        now: datetime,
        override: str | None = None,
    ) -> TicketCheckedIn:
        """Let the bearer in at the door of a concert. `flaw` is what the order says, which knows first.

        With `override`, only a ticket of another concert is refused.
        Raises:
            AnotherConcert
            TicketNotValid, TicketRefunded or CodeReplaced
            AlreadyUsed
            TooManyMovements
        """
        _ensure_here(issued, concert_id)
        if override is None:
            self._ensure_admits(flaw, has_reentry)
        self._ensure_few()
        return TicketCheckedIn(
            order_id=order_id,
            ticket_type_id=issued.ticket_type_id,
            concert_id=concert_id,
            gate=scan.gate,
            device_id=scan.device_id,
            nonce=scan.nonce,
            serial=scan.serial,
            override=override,
            at=self._not_before(now),
        )

    def exit(
        self, order_id: UUID, issued: IssuedTicket, concert_id: UUID, scan: Scan, has_reentry: bool, now: datetime
    ) -> TicketExited:
        """Let the bearer out, to come in again.

        Raises:
            AnotherConcert
            NoReentry: whoever leaves this concert cannot come back.
            NotInside
            TooManyMovements
        """
        _ensure_here(issued, concert_id)
        if not has_reentry:
            raise NoReentry("This concert lets nobody in again.")
        if self.story.inside is None:
            raise NotInside("Nobody is inside with this ticket.")
        self._ensure_few()
        return TicketExited(
            order_id=order_id,
            ticket_type_id=issued.ticket_type_id,
            concert_id=concert_id,
            gate=scan.gate,
            device_id=scan.device_id,
            nonce=scan.nonce,
            at=self._not_before(now),
        )

    def record_offline(
        self,
        order_id: UUID,
        issued: IssuedTicket,
        scan: Scan,
        direction: Direction,
        flaw: Flaw | None,
        scanned_at: datetime,
        happened_at: datetime,
        now: datetime,
    ) -> list[Event]:
        """Record what a device did without a network; telling it again changes nothing.

        Raises TooManyMovements.
        """
        if self.story.find(scan.nonce) is not None:
            return []
        self._ensure_few()
        recorded = OfflineScanRecorded(
            order_id=order_id,
            ticket_type_id=issued.ticket_type_id,
            concert_id=issued.concert_id or NOBODY,
            gate=scan.gate,
            device_id=scan.device_id or NOBODY,
            nonce=scan.nonce,
            serial=scan.serial,
            direction=direction,
            flaw=flaw,
            scanned_at=scanned_at,
            happened_at=happened_at,
            at=now,
        )
        return [recorded]

    def undo(self, order_id: UUID, concert_id: UUID, nonce: UUID, reason: str, now: datetime) -> list[Event]:
        """Let a scan not count; undoing it again changes nothing.

        Raises:
            NotFound: the ticket has no such scan.
        """
        judged = self.story.find(nonce)
        if judged is None:
            raise NotFound("The ticket was not scanned under this nonce.")
        if judged.verdict is Verdict.UNDONE:
            return []
        return [TicketCheckInUndone(order_id=order_id, concert_id=concert_id, nonce=nonce, reason=reason, at=now)]

    def revoke(self, order_id: UUID, issued: IssuedTicket, reason: str, now: datetime) -> list[Event]:
        """Revoke the ticket; revoking again changes nothing."""
        if self.status is TicketStatus.REVOKED:
            return []
        return [
            TicketRevoked(
                order_id=order_id,
                ticket_type_id=issued.ticket_type_id,
                concert_id=issued.concert_id,
                reason=reason,
                at=now,
            )
        ]

    def _ensure_admits(self, flaw: Flaw | None, has_reentry: bool) -> None:
        if flaw is None and self.status is TicketStatus.REVOKED:
            flaw = Flaw.REVOKED
        if flaw is not None:
            raise flaw.refuse()
        story = self.story
        before = story.inside or (None if has_reentry else next(reversed(story.admissions), None))
        if before is not None:
            raise AlreadyUsed(before)

    def _not_before(self, now: datetime) -> datetime:
        """Return the time of a scan that the log knows to be the last one, also where containers' clocks differ."""
        return max([now, *(movement.at + ONE_MOMENT for movement in self.movements[-1:])])

    def _ensure_few(self) -> None:
        if len(self.movements) >= MAX_MOVEMENTS:
            raise TooManyMovements(f"The ticket was scanned {MAX_MOVEMENTS} times, the most it can be.")


def _ensure_here(issued: IssuedTicket, concert_id: UUID) -> None:
    if issued.concert_id != concert_id:
        raise AnotherConcert(issued.concert_id)


_MOVEMENTS: dict[type[Event], Callable[..., GateScan]] = {
    TicketCheckedIn: lambda event: GateScan(
        event.at, event.nonce or NOBODY, event.device_id or NOBODY, event.gate, override=event.override
    ),
    TicketExited: lambda event: GateScan(event.at, event.nonce, event.device_id or NOBODY, event.gate, Direction.OUT),
    OfflineScanRecorded: lambda event: GateScan(
        event.happened_at,
        event.nonce,
        event.device_id,
        event.gate,
        Direction.OUT if event.direction == Direction.OUT else Direction.IN,
        flaw=event.flaw,
        is_offline=True,
    ),
}


def evolve(ticket: Ticket, event: Event) -> Ticket:
    if type(event) in _MOVEMENTS:
        movement = _MOVEMENTS[type(event)](event)
        is_known = any(known.nonce == movement.nonce for known in ticket.movements)
        return ticket if is_known else replace(ticket, movements=ordered([*ticket.movements, movement]))
    match event:
        case TicketCheckInUndone():
            return replace(ticket, undone=ticket.undone | {event.nonce})
        case TicketRevoked():
            return replace(ticket, status=TicketStatus.REVOKED, revoked_at=ticket.revoked_at or event.at)
    return ticket


TICKET = Aggregate("Ticket", Ticket(), evolve)
