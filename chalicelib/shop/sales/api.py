"""Declares the routes of the sales, for the organiser of the concerts and for operators.

A list is JSON, or a file in parts: `Link: …; rel="next"` names the next part. Lambda returns 6 MB at most.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol, cast
from urllib.parse import urlencode
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from chalicelib.platform.caller import KeyScope, Role
from chalicelib.platform.errors import InvalidInput
from chalicelib.platform.eventsourcing.store import EventStore
from chalicelib.platform.http.answers import PDF, Csv, Ok, Pdf, Svg, ok
from chalicelib.platform.http.paging import Page, cursor_of, page_of
from chalicelib.platform.http.requests import PLAIN, Query, ensure_accepted, said, without_control_characters
from chalicelib.platform.http.routes import Call, Routes
from chalicelib.platform.readmodels.min_versions import MinVersions
from chalicelib.platform.services import Services
from chalicelib.shop.sales import charts, figures
from chalicelib.shop.sales.exports import csv_of
from chalicelib.shop.sales.lists import Filter, Found, Listed, Lists
from chalicelib.shop.sales.scope import Scope, concerts_of, find_concert

if TYPE_CHECKING:
    from chalicelib.platform.http.shapes import Items
    from chalicelib.platform.privacy.vault import PersonVault
    from chalicelib.platform.readmodels.postgres.pool import Reader
    from chalicelib.shop.sales.answers import Attendee, ConcertSales, DaySales, Opening, Sales, SoldOrder, SoldRefund


class SalesServices(Services, Protocol):
    """Declares what these routes use of the container."""

    @property
    def vault(self) -> "PersonVault": ...

    def sales_reflecting(self, min_versions: MinVersions, log: EventStore) -> AbstractContextManager["Reader"]: ...


routes: Routes[SalesServices] = Routes(__name__)

LONGEST_PAGE = 100
LONGEST_PART = 2000
"""A page has so many rows as JSON, and a part of a file so many: each opens the names of as many persons at most."""

Words = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=200),
    AfterValidator(without_control_characters),
    said(PLAIN),
]
Status = Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,30}$")]


class FileQuery(Page):
    """Reads how something is to be shown: as JSON or as a file; `bom` is for Excel."""

    limit: Annotated[int, Field(ge=1, le=LONGEST_PART)] = 20
    format: str = "json"
    bom: bool = False

    @property
    def rows(self) -> int:
        """Return how many rows are wanted: of a file a whole part, unless `limit` says less."""
        is_page = self.format == "json" or "limit" in self.model_fields_set
        return self.limit if is_page else LONGEST_PART


class ListQuery(FileQuery):
    """Reads what a list is to show."""

    q: Words | None = None
    status: Status | None = None
    format: Literal["json", "csv", "pdf"] = "json"

    def to_filter(self) -> Filter:
        return Filter(self.q, self.status)


class OrderQuery(ListQuery):
    format: Literal["json", "csv"] = "json"


class AttendeeQuery(ListQuery):
    checked_in: bool | None = None

    def to_filter(self) -> Filter:
        return Filter(self.q, self.status or "valid", self.checked_in)


class OfOrganiser(Query):
    """Reads whose concerts are meant; only operators may name somebody else."""

    organiser_id: UUID | None = None


class ConcertsQuery(Page, OfOrganiser):
    pass


class OwnOrderQuery(OrderQuery, OfOrganiser):
    pass


class OwnAttendeeQuery(AttendeeQuery, OfOrganiser):
    pass


class DaysQuery(FileQuery):
    """Reads which days are to be shown, both included."""

    limit: Annotated[int, Field(ge=1, le=LONGEST_PART)] = LONGEST_PAGE
    date_from: date | None = None
    date_to: date | None = None
    format: Literal["json", "csv", "svg"] = "json"


class OwnDaysQuery(DaysQuery, OfOrganiser):
    pass


class OpeningQuery(Query):
    minutes: Annotated[int, Field(ge=1, le=240)] = 30
    format: Literal["json", "csv", "svg"] = "json"
    bom: bool = False


Read = Callable[[Lists, Filter, int, Sequence[str] | None], Found[Listed]]
"""Reads a part of one of the lists."""


@routes.get("/sales", Role.ORGANISER, scopes=(KeyScope.SALES_READ,))
def get_sales(call: Call[SalesServices], wanted: ConcertsQuery) -> "Ok[Sales]":
    """Show what an organiser's concerts have sold, all together and each."""
    scope = concerts_of(call.actor, wanted.organiser_id)
    with _sales(call) as sales:
        totals = figures.totals(sales, scope)
        found = figures.list_concerts(sales, scope, wanted.limit, wanted.after)
    page = page_of(*found)
    answer: Sales = {**totals, "items": page["items"], "next_cursor": page["next_cursor"]}
    return ok(answer)


@routes.get("/sales/orders", Role.ORGANISER, scopes=(KeyScope.ATTENDEES_READ,))
def list_own_orders(call: Call[SalesServices], wanted: OwnOrderQuery) -> "Ok[Items[SoldOrder]] | Csv":
    """List the orders of an organiser's concerts, the newest first."""
    return _own_list(call, wanted, "orders", Lists.orders)


@routes.get("/sales/attendees", Role.ORGANISER, scopes=(KeyScope.ATTENDEES_READ,))
def list_own_attendees(call: Call[SalesServices], wanted: OwnAttendeeQuery) -> "Ok[Items[Attendee]] | Csv | Pdf":
    """List the tickets of an organiser's concerts with their buyers."""
    scope = concerts_of(call.actor, wanted.organiser_id)
    with _sales(call) as sales:
        return _attendees(call, sales, scope, wanted)


@routes.get("/sales/refunds", Role.ORGANISER, scopes=(KeyScope.ATTENDEES_READ,))
def list_own_refunds(call: Call[SalesServices], wanted: OwnOrderQuery) -> "Ok[Items[SoldRefund]] | Csv":
    """List the refunds of an organiser's concerts, the newest first."""
    return _own_list(call, wanted, "refunds", Lists.refunds)


@routes.get("/sales/days", Role.ORGANISER, scopes=(KeyScope.SALES_READ,))
def list_own_days(call: Call[SalesServices], wanted: OwnDaysQuery) -> "Ok[Items[DaySales]] | Csv | Svg":
    """List the days on which an organiser's concerts have sold, the earliest first."""
    scope = concerts_of(call.actor, wanted.organiser_id)
    with _sales(call) as sales:
        return _days(call, sales, scope, wanted, "All concerts")


@routes.get("/concerts/{concert_id}/sales", Role.ORGANISER, scopes=(KeyScope.SALES_READ,))
def get_concert_sales(call: Call[SalesServices]) -> "Ok[ConcertSales]":
    """Show what a concert has sold, by currency and by ticket type."""
    with _sales(call) as sales:
        concert = _concert(call, sales)
        return ok(figures.concert_totals(sales, concert))


@routes.get("/concerts/{concert_id}/orders", Role.ORGANISER, scopes=(KeyScope.ATTENDEES_READ,))
def list_concert_orders(call: Call[SalesServices], wanted: OrderQuery) -> "Ok[Items[SoldOrder]] | Csv":
    """List the orders of a concert, the newest first."""
    return _concert_list(call, wanted, "orders", Lists.orders)


@routes.get("/concerts/{concert_id}/attendees", Role.ORGANISER, scopes=(KeyScope.ATTENDEES_READ,))
def list_concert_attendees(call: Call[SalesServices], wanted: AttendeeQuery) -> "Ok[Items[Attendee]] | Csv | Pdf":
    """List the tickets of a concert with their buyers."""
    with _sales(call) as sales:
        return _attendees(call, sales, Scope(concert_id=_concert(call, sales)["id"]), wanted)


@routes.get("/concerts/{concert_id}/refunds", Role.ORGANISER, scopes=(KeyScope.ATTENDEES_READ,))
def list_concert_refunds(call: Call[SalesServices], wanted: OrderQuery) -> "Ok[Items[SoldRefund]] | Csv":
    """List the refunds of a concert, the newest first."""
    return _concert_list(call, wanted, "refunds", Lists.refunds)


@routes.get("/concerts/{concert_id}/sales/days", Role.ORGANISER, scopes=(KeyScope.SALES_READ,))
def list_concert_days(call: Call[SalesServices], wanted: DaysQuery) -> "Ok[Items[DaySales]] | Csv | Svg":
    """List the days on which a concert has sold, the earliest first."""
    with _sales(call) as sales:
        concert = _concert(call, sales)
        return _days(call, sales, Scope(concert_id=concert["id"]), wanted, concert["name"])


@routes.get("/concerts/{concert_id}/sales/opening", Role.ORGANISER, scopes=(KeyScope.SALES_READ,))
def show_opening(call: Call[SalesServices], wanted: OpeningQuery) -> "Ok[Opening] | Csv | Svg":
    """Show the first minutes of a sale."""
    with _sales(call) as sales:
        concert = _concert(call, sales)
        found = figures.opening(sales, Scope(concert_id=concert["id"]), wanted.minutes)
    if wanted.format == "svg":
        return Svg.named("opening.svg", charts.opening_chart(concert["name"], found["items"]))
    if wanted.format == "csv":
        text = csv_of("opening", found["items"], is_first=True, for_excel=wanted.bom)
        return Csv.named("opening.csv", text)
    return ok(found)


@contextmanager
def _sales(call: Call[SalesServices]) -> "Iterator[Reader]":
    with call.shop.sales_reflecting(call.min_versions, call.metered(call.shop.event_store)) as sales:
        yield sales


def _concert(call: Call[SalesServices], sales: "Reader") -> Any:
    """Return the concert that the path names, which the caller manages and so may hear the lag of."""
    concert = find_concert(sales, call.actor, call.id("concert_id"))
    call.min_versions.may_tell_of(concert["id"])
    return concert


def _own_list(
    call: Call[SalesServices], wanted: OwnOrderQuery, name: str, read: Read[Listed]
) -> "Ok[Items[Listed]] | Csv":
    scope = concerts_of(call.actor, wanted.organiser_id)
    with _sales(call) as sales:
        return _as_wanted(call, wanted, name, _found(call, sales, scope, wanted, read))


def _concert_list(
    call: Call[SalesServices], wanted: OrderQuery, name: str, read: Read[Listed]
) -> "Ok[Items[Listed]] | Csv":
    with _sales(call) as sales:
        scope = Scope(concert_id=_concert(call, sales)["id"])
        return _as_wanted(call, wanted, name, _found(call, sales, scope, wanted, read))


def _attendees(
    call: Call[SalesServices], sales: "Reader", scope: Scope, wanted: AttendeeQuery
) -> "Ok[Items[Attendee]] | Csv | Pdf":
    found = _found(call, sales, scope, wanted, Lists.attendees)
    return _printed(call, *found) if wanted.format == "pdf" else _as_wanted(call, wanted, "attendees", found)


def _found(
    call: Call[SalesServices], sales: "Reader", scope: Scope, wanted: ListQuery, read: Read[Listed]
) -> Found[Listed]:
    _ensure_readable(call, wanted)
    lists = Lists(sales, scope, call.shop.vault.open_many, call.shop.clock())
    return read(lists, wanted.to_filter(), wanted.rows, wanted.after)


def _printed(call: Call[SalesServices], items: "Sequence[Attendee]", next_key: Sequence[str] | None) -> Pdf:
    from chalicelib.shop.sales.pdf import attendee_list  # noqa: PLC0415 - brings libraries that no other answer needs

    concerts, now = sorted({item["concert_name"] or "" for item in items}), call.shop.clock()
    more = "" if next_key is None else "; a part of the list, more tickets follow in the next one"
    subtitle = f"{len(items)} tickets, as of {now:%Y-%m-%d %H:%M} UTC{more}"
    content = attendee_list(", ".join(concerts), subtitle, items)
    return Pdf.named("attendees.pdf", content, _link(call, next_key))


def _ensure_readable(call: Call[SalesServices], wanted: ListQuery) -> None:
    """Refuse a page that is too long, and a PDF for a client that does not say that it takes one.

    Raises InvalidInput.
    """
    if wanted.format == "json" and wanted.limit > LONGEST_PAGE:
        reason = f"must be {LONGEST_PAGE} at most, or {LONGEST_PART} with another `format`"
        raise InvalidInput(f"`limit` {reason}.", (("?limit", reason),))
    if wanted.format == "pdf":
        ensure_accepted(call.headers.get("accept"), PDF)


def _days(
    call: Call[SalesServices], sales: "Reader", scope: Scope, wanted: DaysQuery, title: str
) -> "Ok[Items[DaySales]] | Csv | Svg":
    found = figures.list_days(sales, scope, wanted.date_from, wanted.date_to, wanted.rows, wanted.after)
    if wanted.format != "svg":
        return _as_wanted(call, wanted, "days", found)
    items, next_key = found
    shown = title if next_key is None else f"{title}, in part"
    return Svg.named("days.svg", charts.days_chart(shown, items), _link(call, next_key))


def _as_wanted(
    call: Call[SalesServices], wanted: ListQuery | DaysQuery, name: str, found: "Found[Listed]"
) -> "Ok[Items[Listed]] | Csv":
    items, next_key = found
    if wanted.format == "csv":
        text = csv_of(
            name, cast("list[Mapping[str, Any]]", items), is_first=wanted.cursor is None, for_excel=wanted.bom
        )
        return Csv.named(f"{name}.csv", text, _link(call, next_key))
    return ok(page_of(items, next_key))


def _link(call: Call[SalesServices], next_key: Sequence[str] | None) -> dict[str, str]:
    """Name the next part of a file, by RFC 8288."""
    cursor = cursor_of(next_key)
    if cursor is None:
        return {}
    parameters = {**call.query_parameters, "cursor": cursor}
    return {"Link": f'<?{urlencode(parameters)}>; rel="next"'}
