"""Declares the routes that show the doors: the list that a device takes along, the counts, and the report."""

from base64 import urlsafe_b64encode
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Annotated, Protocol
from uuid import UUID

from pydantic import Field

from chalicelib.platform.caller import KeyScope, Role
from chalicelib.platform.eventsourcing.store import EventStore
from chalicelib.platform.http.amounts import OffsetInstant
from chalicelib.platform.http.answers import NotModified, Ok, SignedList, ok
from chalicelib.platform.http.paging import Page, page_of
from chalicelib.platform.http.problems import as_json
from chalicelib.platform.http.requests import Query
from chalicelib.platform.http.routes import Call, Routes
from chalicelib.platform.readmodels.min_versions import MinVersions
from chalicelib.platform.services import Services
from chalicelib.shop.access.commands import Accounts
from chalicelib.shop.orders.doors import door_list, figures
from chalicelib.shop.orders.doors.book import CodeBook
from chalicelib.shop.orders.doors.door_list import LONGEST_LIST, ListCursor
from chalicelib.shop.orders.doors.rules_api import public_key

if TYPE_CHECKING:
    from chalicelib.platform.http.shapes import Items
    from chalicelib.platform.readmodels.postgres.pool import Reader
    from chalicelib.shop.orders.doors.answers import DoorCounts, DoorListPart, ReportedScan

SIGNED_AS = b"door-list\n"
"""Stands before the body in what is signed, so that no list can be taken for a code, nor a code for a list."""


_AT_DOORS = ("account_needed", "door_not_open", "not_at_this_door", "second_factor_needed")


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


@routes.get("/concerts/{concert_id}/door-list", Role.CUSTOMER, refuses=_AT_DOORS, scopes=(KeyScope.DOOR,))
def get_door_list(call: Call[WatchServices], wanted: DoorListQuery) -> "SignedList[DoorListPart] | NotModified":
    """Show what a device at the doors must know without a network, or what is new.

    The signature is over `door-list`, a line feed and the body.
    """
    concert_id, book = call.id("concert_id"), call.shop.code_book
    call.ensure_may_be_staff()
    call.shop.accounts.ensure_at_door(call.actor, concert_id)
    cursor = None if wanted.since is None else ListCursor.of(wanted.since)
    with _sales(call) as sales:
        found = door_list.read_list(sales, concert_id, cursor, wanted.limit)
    listed: DoorListPart = {
        "concert_id": str(concert_id),
        "has_reentry": book.doors(concert_id).has_reentry,
        "keys": [public_key(key) for key, counts in book.keys(concert_id) if counts],
        "is_delta": found.is_delta,
        "entries": found.entries,
        "is_complete": found.is_complete,
        "next": found.next.text,
    }
    body, key = as_json(listed).encode(), book.signing_key(concert_id)
    etag, signature = door_list.etag_of(body), urlsafe_b64encode(key.sign(SIGNED_AS + body)).decode()
    headers = {"ETag": etag, "Cache-Control": "no-store", "Door-List-Signature": f"{key.name}.{signature}"}
    if call.headers.get("if-none-match") == etag:
        return NotModified(None, headers=headers)
    return SignedList(listed, headers=headers)


@routes.get("/concerts/{concert_id}/door-counts", Role.CUSTOMER, refuses=_AT_DOORS, scopes=(KeyScope.DOOR,))
def get_door_counts(call: Call[WatchServices], wanted: CountsQuery) -> "Ok[DoorCounts]":
    """Count who is inside, and what was scanned by minute and gate."""
    concert_id = _watched(call)
    with _sales(call) as sales:
        totals = figures.read_totals(sales, concert_id)
        items, next_key = figures.list_minutes(sales, concert_id, wanted.since, wanted.limit, wanted.after)
    answer: DoorCounts = {**totals, **page_of(items, next_key)}
    return ok(answer)


@routes.get("/concerts/{concert_id}/door-report", Role.CUSTOMER, refuses=_AT_DOORS, scopes=(KeyScope.DOOR,))
def get_door_report(call: Call[WatchServices], wanted: Page) -> "Ok[Items[ReportedScan]]":
    """List double entries with both gates, flawed scans, overrides, and what was undone."""
    concert_id = _watched(call)
    with _sales(call) as sales:
        items, next_key = figures.list_report(sales, concert_id, wanted.limit, wanted.after)
    return ok(page_of(items, next_key))


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
