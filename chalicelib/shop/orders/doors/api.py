"""Declares the routes of the doors: people come in, leave, and come in again, with and without a network."""

from typing import Annotated, Literal, Protocol
from uuid import UUID

from pydantic import Field, StringConstraints

from chalicelib.platform.caller import Role
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.http.amounts import OffsetInstant
from chalicelib.platform.http.requests import Body, Line
from chalicelib.platform.http.routes import Answer, Call, Routes, created, ok
from chalicelib.platform.services import Services
from chalicelib.shop.access.commands import Accounts
from chalicelib.shop.orders.doors import admission, offline
from chalicelib.shop.orders.doors.admission import Passage
from chalicelib.shop.orders.doors.book import CodeBook
from chalicelib.shop.orders.doors.movements import Direction
from chalicelib.shop.orders.doors.offline import MOST_SCANS, Device, OfflineScan
from chalicelib.shop.orders.ticket import Scan


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


class UndoneScan(Body):
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


@routes.post("/concerts/{concert_id}/check-ins", Role.CUSTOMER)
def check_in_ticket(call: Call[DoorServices]) -> Answer:
    """For who is at the doors of this concert; to override a refusal, for a supervisor of them."""
    body, concert_id = call.body(NewCheckIn), _at_the_door(call)
    if body.override is not None:
        call.shop.accounts.ensure_at_door(call.actor.id, concert_id, as_supervisor=True)
    shop = call.shop
    passed = admission.check_in(
        shop.repository, shop.code_book, call.caller(body), concert_id, body.code, body.to_scan(), body.override
    )
    return _passed(passed, "checked_in_at", f"/concerts/{concert_id}/check-ins")


@routes.post("/concerts/{concert_id}/exits", Role.CUSTOMER)
def let_out(call: Call[DoorServices]) -> Answer:
    body, concert_id = call.body(NewExit), _at_the_door(call)
    shop = call.shop
    passed = admission.let_out(
        shop.repository, shop.code_book, call.caller(body), concert_id, body.code, body.to_scan()
    )
    return _passed(passed, "left_at", f"/concerts/{concert_id}/exits")


@routes.post("/concerts/{concert_id}/check-ins/undo", Role.CUSTOMER)
def undo_check_in(call: Call[DoorServices]) -> Answer:
    body, concert_id = call.body(UndoneScan), _at_the_door(call)
    shop = call.shop
    version = admission.undo(
        shop.repository, call.caller(body), shop.code_book, concert_id, body.code, body.nonce, body.reason
    )
    return ok({"nonce": str(body.nonce), "undone": True, "version": version}, version)


@routes.post("/concerts/{concert_id}/check-ins/batch", Role.CUSTOMER)
def tell_offline_scans(call: Call[DoorServices]) -> Answer:
    """Each scan is recorded by itself, so that one which is refused holds up no other."""
    body, concert_id = call.body(ToldScans), _at_the_door(call)
    shop, now = call.shop, call.shop.clock()
    outcomes = offline.record_scans(
        shop.repository,
        shop.code_book,
        call.caller(body),
        concert_id,
        Device(body.device_id, body.device_clock),
        [scan.to_scan() for scan in body.scans],
        now,
    )
    offset = round((now - body.device_clock).total_seconds() * 1000)
    return ok({"clock_offset_ms": offset, "items": outcomes})


def _at_the_door(call: Call[DoorServices]) -> UUID:
    """Return the concert at whose doors the caller is.

    Raises NotAtThisDoor or DoorNotOpen.
    """
    concert_id = call.id("concert_id")
    call.ensure_may_be_staff()
    call.shop.accounts.ensure_at_door(call.actor.id, concert_id)
    return concert_id


def _passed(passed: Passage, instant: str, location: str) -> Answer:
    answer = {
        "ticket_id": str(passed.ticket_id),
        "ticket_type_name": passed.ticket_type_name,
        "gate": passed.gate,
        instant: format_instant(passed.at),
        "version": passed.version,
    }
    return created(answer, location)
