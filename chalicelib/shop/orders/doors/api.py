"""Declares the routes of the doors: people come in, leave, and come in again, with and without a network."""

from typing import TYPE_CHECKING, Annotated, Literal, Protocol
from uuid import UUID

from pydantic import Field, StringConstraints

from chalicelib.platform.caller import KeyScope, Role
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.http.amounts import OffsetInstant
from chalicelib.platform.http.answers import Created, Ok, Tagged, created, ok
from chalicelib.platform.http.requests import Body, Line
from chalicelib.platform.http.routes import Call, Routes
from chalicelib.platform.services import Services
from chalicelib.shop.access.commands import Accounts
from chalicelib.shop.orders.doors import admission, offline
from chalicelib.shop.orders.doors.book import CodeBook
from chalicelib.shop.orders.doors.movements import Direction
from chalicelib.shop.orders.doors.offline import MOST_SCANS, Device, OfflineScan
from chalicelib.shop.orders.ticket import Scan

if TYPE_CHECKING:
    from chalicelib.shop.orders.doors.answers import CheckedIn, LetOut, RecordedScans, UndoneScan


class DoorServices(Services, Protocol):
    """What these routes use of the container."""

    @property
    def accounts(self) -> Accounts: ...

    @property
    def code_book(self) -> CodeBook: ...


routes: Routes[DoorServices] = Routes(__name__)

Code = Annotated[str, StringConstraints(min_length=1, max_length=500)]


class ShownCode(Body):
    """What a device tells of a code that is shown; `nonce` is its own id of the scan, and makes repeating it safe."""

    code: Code
    nonce: UUID
    gate: Line
    device_id: UUID | None = None

    def to_scan(self) -> Scan:
        return Scan(self.gate, self.nonce, self.device_id)


class NewCheckIn(ShownCode):
    """With `override`, a supervisor lets somebody in whom the rules refuse, and says why."""

    override: Line | None = None


class NewExit(ShownCode):
    pass


class MistakenScan(Body):
    code: Code
    nonce: UUID
    reason: Line


class ToldScan(Body, defer_build=False):
    code: Code
    nonce: UUID
    gate: Line
    scanned_at: OffsetInstant
    direction: Literal["in", "out"] = "in"

    def to_scan(self) -> OfflineScan:
        return OfflineScan(self.code, self.nonce, self.gate, self.scanned_at, Direction(self.direction))


class ToldScans(Body):
    """What a device scanned without a network; `device_clock` is what its clock shows as it sends this."""

    device_id: UUID
    device_clock: OffsetInstant
    scans: Annotated[tuple[ToldScan, ...], Field(strict=False, min_length=1, max_length=MOST_SCANS)]


_AT_DOORS = ("account_needed", "door_not_open", "not_at_this_door", "second_factor_needed")
_CODES = ("another_concert", "forged_code", "key_revoked")


@routes.post(
    "/concerts/{concert_id}/check-ins",
    Role.CUSTOMER,
    refuses=(
        *_AT_DOORS,
        *_CODES,
        "already_used",
        "not_a_supervisor",
        "ticket_refunded",
        "ticket_reissued",
        "ticket_revoked",
        "too_many_movements",
    ),
    scopes=(KeyScope.DOOR,),
)
def check_in_ticket(call: Call[DoorServices], body: NewCheckIn) -> "Created[CheckedIn]":
    """Let somebody in with the code of a ticket, once.

    For who is at the doors of this concert; to override a refusal, for a supervisor of them.
    """
    shop, concert_id = call.shop, _at_the_door(call)
    if body.override is not None:
        shop.accounts.ensure_at_door(call.actor, concert_id, as_supervisor=True)
    passed = admission.check_in(
        shop.repository, shop.code_book, call.caller(), concert_id, body.code, body.to_scan(), body.override
    )
    answer: CheckedIn = {
        "ticket_id": str(passed.ticket_id),
        "ticket_type_name": passed.ticket_type_name,
        "gate": passed.gate,
        "checked_in_at": format_instant(passed.at),
        "version": passed.version,
    }
    return created(answer, f"/concerts/{concert_id}/check-ins")


@routes.post(
    "/concerts/{concert_id}/exits",
    Role.CUSTOMER,
    refuses=(*_AT_DOORS, *_CODES, "no_reentry", "not_inside", "too_many_movements"),
    scopes=(KeyScope.DOOR,),
)
def let_out(call: Call[DoorServices], body: NewExit) -> "Created[LetOut]":
    """Let somebody out who may come in again."""
    shop, concert_id = call.shop, _at_the_door(call)
    passed = admission.let_out(shop.repository, shop.code_book, call.caller(), concert_id, body.code, body.to_scan())
    answer: LetOut = {
        "ticket_id": str(passed.ticket_id),
        "ticket_type_name": passed.ticket_type_name,
        "gate": passed.gate,
        "left_at": format_instant(passed.at),
        "version": passed.version,
    }
    return created(answer, f"/concerts/{concert_id}/exits")


@routes.post(
    "/concerts/{concert_id}/check-ins/undo",
    Role.CUSTOMER,
    refuses=(*_AT_DOORS, *_CODES),
    scopes=(KeyScope.DOOR,),
)
def undo_check_in(call: Call[DoorServices], body: MistakenScan) -> "Tagged[UndoneScan]":
    """Let a scan not count, and say why."""
    shop, concert_id = call.shop, _at_the_door(call)
    version = admission.undo(
        shop.repository, call.caller(), shop.code_book, concert_id, body.code, body.nonce, body.reason
    )
    answer: UndoneScan = {"nonce": str(body.nonce), "undone": True, "version": version}
    return ok(answer, version)


@routes.post("/concerts/{concert_id}/check-ins/batch", Role.CUSTOMER, refuses=_AT_DOORS, scopes=(KeyScope.DOOR,))
def tell_offline_scans(call: Call[DoorServices], body: ToldScans) -> "Ok[RecordedScans]":
    """Record what a device scanned without a network, and tell what became of it.

    Each scan is recorded by itself, so that one which is refused holds up no other.
    """
    shop, now, concert_id = call.shop, call.shop.clock(), _at_the_door(call)
    answer: RecordedScans = {
        "clock_offset_ms": round((now - body.device_clock).total_seconds() * 1000),
        "items": offline.record_scans(
            shop.repository,
            shop.code_book,
            call.caller(),
            concert_id,
            Device(body.device_id, body.device_clock),
            [scan.to_scan() for scan in body.scans],
            now,
        ),
    }
    return ok(answer)


def _at_the_door(call: Call[DoorServices]) -> UUID:
    """Return the concert at whose doors the caller is.

    Raises NotAtThisDoor or DoorNotOpen.
    """
    concert_id = call.id("concert_id")
    call.ensure_may_be_staff()
    call.shop.accounts.ensure_at_door(call.actor, concert_id)
    return concert_id
