"""Declares the routes of a concert's areas, whose stock its ticket types share."""

from typing import Annotated

from pydantic import Field

from chalicelib.platform.caller import Role
from chalicelib.platform.http.requests import Body, Line
from chalicelib.platform.http.routes import Answer, Call, Routes, created, no_content, ok
from chalicelib.platform.services import Services
from chalicelib.shop.concerts import area_commands
from chalicelib.shop.concerts.on_sale import Confirmation, confirmed_by
from chalicelib.shop.inventory.commands import LARGEST_OFFER

routes: Routes[Services] = Routes(__name__)

Capacity = Annotated[int, Field(ge=1, le=LARGEST_OFFER)]


class NewArea(Body):
    name: Line
    capacity: Capacity


class AreaChanges(Body):
    capacity: Capacity
    confirm: Confirmation | None = None


@routes.post("/concerts/{concert_id}/areas", Role.ORGANISER, if_match=True)
def add_area(call: Call[Services]) -> Answer:
    body = call.body(NewArea)
    concert_id = call.id("concert_id")
    area_id, version = area_commands.add_area(
        call.shop.repository, call.caller(body), concert_id, body.name, body.capacity
    )
    return created({"id": str(area_id), "version": version}, f"/concerts/{concert_id}")


@routes.patch("/concerts/{concert_id}/areas/{area_id}", Role.ORGANISER, if_match=True)
def change_area(call: Call[Services]) -> Answer:
    body = call.body(AreaChanges)
    concert_id, area_id = call.id("concert_id"), call.id("area_id")
    version = area_commands.change_area_capacity(
        call.shop.repository, call.caller(body), concert_id, area_id, body.capacity, confirmed_by(body.confirm)
    )
    return ok({"id": str(area_id), "capacity": body.capacity, "version": version}, version)


@routes.delete("/concerts/{concert_id}/areas/{area_id}", Role.ORGANISER, if_match=True)
def remove_area(call: Call[Services]) -> Answer:
    repository, concert_id, area_id = call.shop.repository, call.id("concert_id"), call.id("area_id")
    return no_content(area_commands.remove_area(repository, call.caller(), concert_id, area_id))
