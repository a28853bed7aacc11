"""Routes of the log."""

from chalicelib import composition
from chalicelib.caller import Role
from chalicelib.http.routes import Answer, Call, Routes, ok
from chalicelib.streams import queries

routes = Routes(__name__)


@routes.get("/streams/{stream_id}/events", Role.CUSTOMER)
def list_events(call: Call) -> Answer:
    """For operators every stream, for organisers their own."""
    if Role.OPERATOR not in call.actor.roles:
        call.add_granted_roles()
    call.require(Role.ORGANISER)
    shop = composition.current()
    items = queries.list_events(shop.event_store, shop.aggregates, call.actor, call.id("stream_id"))
    return ok({"items": items}, items[-1]["aggregate_version"])
