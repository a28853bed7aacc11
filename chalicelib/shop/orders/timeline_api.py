"""The route of an order's timeline."""

from typing import TYPE_CHECKING, Annotated, cast
from uuid import UUID

from pydantic import Field

from chalicelib.platform.caller import Role
from chalicelib.platform.errors import NotFound
from chalicelib.platform.http.answers import Tagged, ok
from chalicelib.platform.http.paging import Page, page_of
from chalicelib.platform.http.points_in_time import AsOfQuery
from chalicelib.platform.http.routes import Call, Routes
from chalicelib.platform.services import Services
from chalicelib.shop.orders.timeline.reading import Timeline, TimelineReading

if TYPE_CHECKING:
    from chalicelib.shop.orders.answers import OrderTimeline

routes: Routes[Services] = Routes(__name__)


class TimelineQuery(Page, AsOfQuery):
    """Reads a page, and `as_of`; an order's life is usually shorter than a page."""

    limit: Annotated[int, Field(ge=1, le=100)] = 100


@routes.get("/orders/{order_id}/timeline", Role.CUSTOMER)
def get_timeline(call: Call[Services], query: TimelineQuery) -> "Tagged[OrderTimeline]":
    """Tell what happened to an order: to its customer, to who organises one of its concerts, and to operators."""
    call.budget.spend()  # the look at the account was a read as well
    order_id = call.id("order_id")
    try:
        found = _read(call, query, order_id)
    except NotFound:
        call.add_granted_roles()
        found = _read(call, query, order_id)
    answer = {**page_of(found.items, found.next_key), "left_out": found.left_out}
    return ok(cast("OrderTimeline", answer), found.version)


def _read(call: Call[Services], query: TimelineQuery, order_id: UUID) -> Timeline:
    reading = TimelineReading(call.metered(call.shop.event_store), call.actor)
    return reading.read(order_id, query.instant(call.shop.clock()), query.limit, query.after)
