"""Declares the routes of the stock."""

from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol, cast
from uuid import UUID

from chalicelib.platform.caller import KeyScope, Role
from chalicelib.platform.errors import Unavailable
from chalicelib.platform.eventsourcing.budget import WITH_TOKEN
from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.http.answers import Ok, ok
from chalicelib.platform.http.points_in_time import AsOfQuery
from chalicelib.platform.http.routes import REFUSES_TOKENS, Call, Routes
from chalicelib.platform.services import Services
from chalicelib.shop.inventory import queries

if TYPE_CHECKING:
    from redis import Redis

    from chalicelib.platform.http.auth import CredentialVerifier
    from chalicelib.shop.inventory.answers import Availability, TicketTypeStock
    from chalicelib.shop.inventory.stock_from_log import StockFromLog


class StockServices(Services, Protocol):
    """Declares what these routes use of the container."""

    @property
    def query_redis(self) -> "Redis": ...

    @property
    def verifier(self) -> "CredentialVerifier": ...

    @property
    def stock_from_log(self) -> "StockFromLog": ...


routes: Routes[StockServices] = Routes(__name__)


@routes.get("/concerts/{concert_id}/availability", refuses=REFUSES_TOKENS, takes_token=True)
def get_availability(call: Call[StockServices], query: AsOfQuery) -> "Ok[Availability]":
    """Answer from Redis, or from the log if Redis cannot answer; `source` in the answer says which.

    Redis cannot answer if it is away, behind the reader's minimum versions, or lacks a pool. The log answers for
    concerts with few pools only, once a second for all requests of a container; otherwise the answer is 503.
    """
    shop, concert_id, now = call.shop, call.id("concert_id"), call.shop.clock()
    as_of = query.instant(now)
    if as_of is not None:
        return _as_it_was(call, concert_id, as_of)
    log, min_versions = call.metered(shop.event_store), call.min_versions
    try:
        is_new_enough = queries.reflects(shop.query_redis, log, min_versions)
        ticket_types = queries.availability(shop.query_redis, concert_id, now) if is_new_enough else None
    except Unavailable:
        ticket_types = None
    min_versions.may_tell_of(concert_id)  # an answer at all means that the concert is on sale, for all to see
    if ticket_types is not None:
        return _answer(ticket_types, "read_model")
    streams = shop.repository.through(log)
    found = shop.stock_from_log.answer(
        concert_id,
        now,
        min_versions,
        lambda: queries.stock_from_log(streams, concert_id, now, lambda: call.budget.left),
    )
    return _answer(found, "log")


def _as_it_was(call: Call[StockServices], concert_id: UUID, as_of: datetime) -> "Ok[Availability]":
    """Answer from the log what was available at an instant, for operators and for who organises the concert."""
    call.authenticate(call.shop.verifier)
    call.budget.limit = WITH_TOKEN
    call.require(Role.ORGANISER, KeyScope.SALES_READ)
    log = call.metered(call.shop.event_store)
    found = queries.availability_as_of(log, concert_id, as_of, call.actor, lambda: call.budget.left)
    return _answer(found, "log")


def _answer(rows: list[JsonObject], source: Literal["read_model", "log"]) -> "Ok[Availability]":
    """Show each ticket type, and once each area from which several draw."""
    areas = {row["area"]["id"]: row["area"] for row in rows if "area" in row}
    answer: Availability = {
        "ticket_types": [_with_area_id(row) for row in rows],
        "areas": list(areas.values()),
        "source": source,
    }
    return ok(answer)


def _with_area_id(row: JsonObject) -> "TicketTypeStock":
    if "area" in row:
        row = {name: value for name, value in row.items() if name != "area"} | {"area_id": row["area"]["id"]}
    return cast("TicketTypeStock", row)
