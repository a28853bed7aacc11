"""Declares the routes that show the doors: the list that a device takes along, the counts, and the report."""

from base64 import urlsafe_b64encode
from contextlib import AbstractContextManager
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Protocol
from uuid import UUID

from pydantic import Field

from chalicelib.platform.caller import Role
from chalicelib.platform.eventsourcing.store import EventStore
from chalicelib.platform.http.amounts import OffsetInstant
from chalicelib.platform.http.paging import Page, page_of
from chalicelib.platform.http.problems import as_json
from chalicelib.platform.http.requests import Query
from chalicelib.platform.http.routes import Answer, Call, Routes, ok
from chalicelib.platform.readmodels.min_versions import MinVersions
from chalicelib.platform.services import Services
from chalicelib.shop.access.commands import Accounts
from chalicelib.shop.orders.doors import door_list, figures
from chalicelib.shop.orders.doors.book import CodeBook
from chalicelib.shop.orders.doors.door_list import LONGEST_LIST, Cursor
from chalicelib.shop.orders.doors.rules_api import public_key

if TYPE_CHECKING:
    from chalicelib.platform.readmodels.postgres.pool import Reader

SIGNED_AS = b"door-list\n"
"""Stands before the body in what is signed, so that no list can be taken for a code, nor a code for a list."""


class WatchServices(Services, Protocol):
    """What these routes use of the container."""

    @property
    def accounts(self) -> Accounts: ...

    @property
    def code_book(self) -> CodeBook: ...

    def sales_reflecting(self, min_versions: MinVersions, log: EventStore) -> AbstractContextManager["Reader"]: ...


routes: Routes[WatchServices] = Routes(__name__)


class DoorListQuery(Query):
    """Reads where the device's list ends; without `since` it begins anew."""

    since: Annotated[str, Field(max_length=200)] | None = None
    limit: Annotated[int, Field(ge=1, le=LONGEST_LIST)] = LONGEST_LIST


class CountsQuery(Page):
    since: OffsetInstant | None = None


@routes.get("/concerts/{concert_id}/door-list", Role.CUSTOMER)
def get_door_list(call: Call[WatchServices]) -> Answer:
    """For who is at the doors of this concert. The signature is over `door-list`, a line feed and the body."""
    wanted, concert_id = call.query(DoorListQuery), call.id("concert_id")
    call.ensure_may_be_staff()
    call.shop.accounts.ensure_at_door(call.actor.id, concert_id)
    cursor = None if wanted.since is None else Cursor.of(wanted.since)
    book = call.shop.code_book
    with _sales(call) as sales:
        found = door_list.read_list(sales, concert_id, cursor, wanted.limit)
    listed = {
        "concert_id": str(concert_id),
        "has_reentry": book.doors(concert_id).has_reentry,
        "keys": [public_key(key) for key, counts in book.keys(concert_id) if counts],
        "is_delta": found.is_delta,
        "entries": found.entries,
        "is_complete": found.is_complete,
        "next": found.next.text,
    }
    body = as_json(listed).encode()
    key = book.signing_key(concert_id)
    signature = urlsafe_b64encode(key.sign(SIGNED_AS + body)).decode()
    etag = door_list.etag_of(body)
    headers = {"ETag": etag, "Cache-Control": "no-store", "Door-List-Signature": f"{key.name}.{signature}"}
    if call.headers.get("if-none-match") == etag:
        return Answer(HTTPStatus.NOT_MODIFIED, None, headers=headers)
    return Answer(HTTPStatus.OK, listed, headers=headers)


@routes.get("/concerts/{concert_id}/door-counts", Role.CUSTOMER)
def get_door_counts(call: Call[WatchServices]) -> Answer:
    wanted, concert_id = call.query(CountsQuery), _watched(call)
    with _sales(call) as sales:
        totals = figures.read_totals(sales, concert_id)
        minutes = figures.list_minutes(sales, concert_id, wanted.since, wanted.limit, wanted.after)
    return ok({**totals, **page_of(*minutes)})


@routes.get("/concerts/{concert_id}/door-report", Role.CUSTOMER)
def get_door_report(call: Call[WatchServices]) -> Answer:
    """Double entries with both gates, scans of tickets that were not valid, overrides, and what was undone."""
    wanted, concert_id = call.query(Page), _watched(call)
    with _sales(call) as sales:
        found = figures.list_report(sales, concert_id, wanted.limit, wanted.after)
    return ok(page_of(*found))


def _watched(call: Call[WatchServices]) -> UUID:
    """Return the concert, which the caller manages or lets people in to.

    Raises NotAtThisDoor or DoorNotOpen.
    """
    concert_id = call.id("concert_id")
    call.ensure_may_be_staff()
    call.shop.accounts.ensure_watches(call.actor, concert_id)
    return concert_id


def _sales(call: Call[WatchServices]) -> AbstractContextManager["Reader"]:
    return call.shop.sales_reflecting(call.min_versions, call.metered(call.shop.event_store))
