"""Declares the routes of door staff and accounts."""

from typing import TYPE_CHECKING
from uuid import UUID

from chalicelib.platform.caller import Role
from chalicelib.platform.errors import InvalidInput
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.http.amounts import OffsetInstant
from chalicelib.platform.http.answers import Created, NoContent, Ok, created, no_content, ok
from chalicelib.platform.http.requests import ActingFor, Body, Line, Query
from chalicelib.platform.http.routes import Call, Routes
from chalicelib.platform.services import Services
from chalicelib.shop.access import commands
from chalicelib.shop.access.doors import DoorHours, Place

if TYPE_CHECKING:
    from chalicelib.shop.access.answers import AccountState, DoorStaff

routes: Routes[Services] = Routes(__name__)


class NewDoorStaff(Body):
    """Names somebody who checks tickets in; hours that are left out follow the concert's schedule."""

    person_id: UUID
    opens_at: OffsetInstant | None = None
    closes_at: OffsetInstant | None = None
    is_supervisor: bool = False
    organiser_id: ActingFor = None

    def to_hours(self) -> DoorHours:
        return DoorHours(self.opens_at, self.closes_at, self.is_supervisor)


class OrganiserQuery(Query):
    organiser_id: UUID | None = None


class Reason(Body):
    reason: Line


@routes.post("/concerts/{concert_id}/door-staff", Role.ORGANISER, refuses=("account_erased",))
def add_door_staff(call: Call[Services], body: NewDoorStaff) -> "Created[DoorStaff]":
    """Name somebody who checks tickets in at a concert."""
    concert_id = call.id("concert_id")
    if body.organiser_id is not None:
        reason = "is given by the concert"
        raise InvalidInput(f"`organiser_id` {reason}.", (("#/organiser_id", reason),))
    return _granted(call, body, Place(concert_id=concert_id), f"/concerts/{concert_id}/door-staff")


@routes.delete("/concerts/{concert_id}/door-staff/{person_id}", Role.ORGANISER)
def remove_door_staff(call: Call[Services]) -> NoContent:
    """Take somebody from the door of a concert."""
    return _revoked(call, Place(concert_id=call.id("concert_id")))


@routes.post("/door-staff", Role.ORGANISER, refuses=("account_erased",))
def add_door_staff_of_all_concerts(call: Call[Services], body: NewDoorStaff) -> "Created[DoorStaff]":
    """Name somebody who checks tickets in at every concert of the organiser."""
    return _granted(call, body, Place(organiser_id=call.actor.organiser(body.organiser_id)), "/door-staff")


@routes.delete("/door-staff/{person_id}", Role.ORGANISER)
def remove_door_staff_of_all_concerts(call: Call[Services], query: OrganiserQuery) -> NoContent:
    """Take somebody from the doors of all of the organiser's concerts."""
    return _revoked(call, Place(organiser_id=call.actor.organiser(query.organiser_id, "?organiser_id")))


@routes.post("/accounts/{person_id}/disable", Role.OPERATOR, refuses=("account_erased",))
def disable_account(call: Call[Services], body: Reason) -> "Ok[AccountState]":
    """Disable an account: its tokens are refused within a minute."""
    person_id = call.id("person_id")
    commands.disable_account(call.shop.repository, call.caller(), person_id, body.reason)
    return _state_of(person_id, is_disabled=True)


@routes.post("/accounts/{person_id}/enable", Role.OPERATOR, refuses=("account_erased",))
def enable_account(call: Call[Services]) -> "Ok[AccountState]":
    """Enable an account again."""
    person_id = call.id("person_id")
    commands.enable_account(call.shop.repository, call.caller(), person_id)
    return _state_of(person_id, is_disabled=False)


def _state_of(person_id: UUID, *, is_disabled: bool) -> "Ok[AccountState]":
    answer: AccountState = {"person_id": str(person_id), "disabled": is_disabled}
    return ok(answer)


def _granted(call: Call[Services], body: NewDoorStaff, place: Place, path: str) -> "Created[DoorStaff]":
    commands.grant_door(call.shop.repository, call.caller(), body.person_id, place, body.to_hours())
    answer: DoorStaff = {
        "person_id": str(body.person_id),
        "opens_at": None if body.opens_at is None else format_instant(body.opens_at),
        "closes_at": None if body.closes_at is None else format_instant(body.closes_at),
        "is_supervisor": body.is_supervisor,
    }
    return created(answer, f"{path}/{body.person_id}")


def _revoked(call: Call[Services], place: Place) -> NoContent:
    commands.revoke_door(call.shop.repository, call.caller(), call.id("person_id"), place)
    return no_content()
