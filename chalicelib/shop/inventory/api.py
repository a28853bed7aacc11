"""Declares the routes of the stock."""

from typing import TYPE_CHECKING, Protocol

from chalicelib.platform.errors import Unavailable
from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.http.points_in_time import AsOfQuery
from chalicelib.platform.http.routes import Answer, Call, Routes, ok
from chalicelib.platform.services import Services
from chalicelib.shop.inventory import queries

if TYPE_CHECKING:
    from redis import Redis


class StockServices(Services, Protocol):
    """Declares what these routes use of the container."""

    @property
    def redis(self) -> "Redis": ...


routes: Routes[StockServices] = Routes(__name__)


@routes.get("/concerts/{concert_id}/availability")
def get_availability(call: Call[StockServices]) -> Answer:
    """Answer from Redis, or from the log if Redis cannot answer; `source` in the answer says which.

    Redis cannot answer if it is away, behind the reader's minimum versions, or lacks a pool, and for `as_of`.
    """
    shop, concert_id = call.shop, call.id("concert_id")
    now = shop.clock()
    as_of = call.query(AsOfQuery).instant(now)
    if as_of is not None:
        return _answer(queries.availability_as_of(shop.event_store, concert_id, as_of), "log")
    try:
        is_new_enough = queries.reflects(shop.redis, call.min_versions)
        ticket_types = queries.availability(shop.redis, concert_id, now) if is_new_enough else None
    except Unavailable:
        ticket_types = None
    call.min_versions.may_tell_of(concert_id)  # an answer at all means that the concert is on sale, for all to see
    if ticket_types is not None:
        return _answer(ticket_types, "read_model")
    return _answer(queries.availability_from_log(shop.repository, concert_id, now), "log")


def _answer(ticket_types: list[JsonObject], source: str) -> Answer:
    return ok({"ticket_types": ticket_types, "source": source})
