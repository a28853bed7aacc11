"""Declares the routes of door staff and accounts."""

from http import HTTPStatus
from uuid import UUID

from chalicelib.platform.caller import Role
from chalicelib.platform.errors import InvalidInput
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.http.amounts import OffsetInstant
from chalicelib.platform.http.requests import ActingFor, Body, Line, Query
from chalicelib.platform.http.routes import Answer, Call, Routes, created, ok
from chalicelib.platform.services import Services
from chalicelib.shop.access import commands
from chalicelib.shop.access.doors import DoorHours, Place

routes: Routes[Services] = Routes(__name__)


class NewDoorStaff(Body):
    """Names somebody who checks tickets in; hours that are left out follow the concert's schedule."""

    person_id: UUID
    opens_at: OffsetInstant | None = None
    closes_at: OffsetInstant | None = None
    organiser_id: ActingFor = None

    def to_hours(self) -> DoorHours:
        return DoorHours(self.opens_at, self.closes_at)


class OrganiserQuery(Query):
    organiser_id: UUID | None = None


class Reason(Body):
    reason: Line


@routes.post("/concerts/{concert_id}/door-staff", Role.ORGANISER)
def add_door_staff(call: Call[Services]) -> Answer:
    body, concert_id = call.body(NewDoorStaff), call.id("concert_id")
    if body.organiser_id is not None:
        reason = "is given by the concert"
        raise InvalidInput(f"`organiser_id` {reason}.", (("#/organiser_id", reason),))
    return _granted(call, body, Place(concert_id=concert_id), f"/concerts/{concert_id}/door-staff")


@routes.delete("/concerts/{concert_id}/door-staff/{person_id}", Role.ORGANISER)
def remove_door_staff(call: Call[Services]) -> Answer:
    return _revoked(call, Place(concert_id=call.id("concert_id")))


@routes.post("/door-staff", Role.ORGANISER)
def add_door_staff_of_all_concerts(call: Call[Services]) -> Answer:
    body = call.body(NewDoorStaff)
    return _granted(call, body, Place(organiser_id=call.actor.organiser(body.organiser_id)), "/door-staff")


@routes.delete("/door-staff/{person_id}", Role.ORGANISER)
def remove_door_staff_of_all_concerts(call: Call[Services]) -> Answer:
    named = call.query(OrganiserQuery).organiser_id
    return _revoked(call, Place(organiser_id=call.actor.organiser(named, "?organiser_id")))


@routes.post("/accounts/{person_id}/disable", Role.OPERATOR)
def disable_account(call: Call[Services]) -> Answer:
    body, person_id = call.body(Reason), call.id("person_id")
    commands.disable_account(call.shop.repository, call.caller(body).origin, person_id, body.reason)
    return ok({"person_id": str(person_id), "disabled": True})


@routes.post("/accounts/{person_id}/enable", Role.OPERATOR)
def enable_account(call: Call[Services]) -> Answer:
    person_id = call.id("person_id")
    commands.enable_account(call.shop.repository, call.caller().origin, person_id)
    return ok({"person_id": str(person_id), "disabled": False})


def _granted(call: Call[Services], body: NewDoorStaff, place: Place, path: str) -> Answer:
    commands.grant_door(call.shop.repository, call.caller(body), body.person_id, place, body.to_hours())
    hours = {"opens_at": body.opens_at, "closes_at": body.closes_at}
    shown = {name: None if at is None else format_instant(at) for name, at in hours.items()}
    return created({"person_id": str(body.person_id), **shown}, f"{path}/{body.person_id}")


def _revoked(call: Call[Services], place: Place) -> Answer:
    commands.revoke_door(call.shop.repository, call.caller(), call.id("person_id"), place)
    return Answer(HTTPStatus.NO_CONTENT)
