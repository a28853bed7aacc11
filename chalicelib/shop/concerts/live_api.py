"""Declares the routes by which a concert that is announced lives on."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from chalicelib.platform.caller import KeyScope, Role
from chalicelib.platform.errors import InvalidInput
from chalicelib.platform.http.amounts import OffsetInstant, Price
from chalicelib.platform.http.answers import Tagged, ok
from chalicelib.platform.http.requests import Body, Changes, Line, WebUrl
from chalicelib.platform.http.routes import Call, Routes
from chalicelib.platform.services import Services
from chalicelib.shop.concerts import commands, live_commands
from chalicelib.shop.concerts.api import OrderLimit, Quantity, answer_of
from chalicelib.shop.concerts.on_sale import Confirmation, confirmed_by
from chalicelib.shop.concerts.windows import ConcertDates

if TYPE_CHECKING:
    from chalicelib.shop.concerts.answers import QuantityChanged, TermsChanged

routes: Routes[Services] = Routes(__name__)


class Move(Body):
    """Says where to, or when to, or both; whatever is left out stays as it is."""

    starts_at: OffsetInstant | None = None
    ends_at: OffsetInstant | None = None
    venue_id: UUID | None = None
    refundable_until: OffsetInstant | None = None
    confirm: Confirmation | None = None

    def to_schedule(self) -> ConcertDates | None:
        """Return the new schedule, if one is given.

        Raises InvalidInput for a half of one, or a request that moves nothing.
        """
        if self.starts_at is not None and self.ends_at is not None:
            return ConcertDates(self.starts_at, self.ends_at)
        if self.starts_at is not None or self.ends_at is not None:
            missing = "ends_at" if self.ends_at is None else "starts_at"
            raise InvalidInput(f"`{missing}` is missing.", ((f"#/{missing}", "is missing"),))
        if self.venue_id is None:
            raise InvalidInput("Give `starts_at` and `ends_at`, `venue_id`, or all.", (("#", "moves nothing"),))
        return None


class Postponement(Body):
    refundable_until: OffsetInstant | None = None


class VenueDescription(Changes):
    """Lists what the concert shows of its venue otherwise; whatever is left out stays as it is."""

    name: Line = ""
    address: Line = ""
    city: Line = ""
    country: Line = ""
    web_url: WebUrl | None = None


_ONLY_PRICE = Price(amount="0", currency="EUR")


class TicketTypeChanges(Changes):
    """Lists what to change; whatever is left out stays as it is. `quantity` comes alone, or with `confirm`."""

    name: Line = ""
    price: Price = _ONLY_PRICE
    quantity: Quantity = 1
    max_per_order: OrderLimit = 1
    sales_start: OffsetInstant | None = None
    sales_end: OffsetInstant | None = None
    confirm: Confirmation | None = None

    def to_changes(self) -> dict[str, Any]:
        given = {name: getattr(self, name) for name in self.model_fields_set - {"confirm"}}
        return {name: value.to_money() if isinstance(value, Price) else value for name, value in given.items()}


@routes.post(
    "/concerts/{concert_id}/move",
    Role.ORGANISER,
    if_match=True,
    refuses=(
        "concert_not_published",
        "concert_over",
        "over_capacity",
        "sale_never_opens",
        "venue_gone",
        "venue_not_shared",
    ),
    scopes=(KeyScope.CONCERTS_WRITE,),
)
def move_concert(call: Call[Services], body: Move) -> "Tagged[TermsChanged]":
    """Move a concert to another date, to another venue, or both."""
    concert_id = call.id("concert_id")
    changed = live_commands.move_concert(
        call.shop.repository,
        call.caller(),
        concert_id,
        body.to_schedule(),
        body.venue_id,
        body.refundable_until,
        confirmed_by(body.confirm),
    )
    return answer_of(concert_id, changed)


@routes.post(
    "/concerts/{concert_id}/postpone",
    Role.ORGANISER,
    if_match=True,
    refuses=("concert_not_published", "concert_over"),
    scopes=(KeyScope.CONCERTS_WRITE,),
)
def postpone_concert(call: Call[Services], body: Postponement | None) -> "Tagged[TermsChanged]":
    """Postpone a concert, whose new date is not known yet."""
    concert_id, until = call.id("concert_id"), None if body is None else body.refundable_until
    changed = live_commands.postpone_concert(call.shop.repository, call.caller(), concert_id, until)
    return answer_of(concert_id, changed)


@routes.post(
    "/concerts/{concert_id}/sales/close",
    Role.ORGANISER,
    if_match=True,
    refuses=("concert_not_published", "concert_over"),
    scopes=(KeyScope.CONCERTS_WRITE,),
)
def close_sales(call: Call[Services]) -> "Tagged[TermsChanged]":
    """Close the sale of a concert for the time being."""
    concert_id = call.id("concert_id")
    return answer_of(concert_id, live_commands.close_sales(call.shop.repository, call.caller(), concert_id))


@routes.post(
    "/concerts/{concert_id}/sales/open",
    Role.ORGANISER,
    if_match=True,
    refuses=("concert_not_published", "concert_over"),
    scopes=(KeyScope.CONCERTS_WRITE,),
)
def open_sales(call: Call[Services]) -> "Tagged[TermsChanged]":
    """Open the sale of a concert that was closed."""
    concert_id = call.id("concert_id")
    return answer_of(concert_id, live_commands.open_sales(call.shop.repository, call.caller(), concert_id))


@routes.patch(
    "/concerts/{concert_id}/venue",
    Role.ORGANISER,
    refuses=("concert_not_published", "concert_over"),
    scopes=(KeyScope.CONCERTS_WRITE,),
)
def describe_venue(call: Call[Services], body: VenueDescription) -> "Tagged[TermsChanged]":
    """Change what a published concert shows of its venue."""
    concert_id = call.id("concert_id")
    changes = body.model_dump(exclude_unset=True)
    changed = live_commands.describe_venue(call.shop.repository, call.caller(), concert_id, changes)
    return answer_of(concert_id, changed)


@routes.patch(
    "/concerts/{concert_id}/ticket-types/{ticket_type_id}",
    Role.ORGANISER,
    refuses=(
        "capacity_above_pools",
        "capacity_below_committed",
        "capacity_change_in_progress",
        "concert_not_draft",
        "concert_not_published",
        "concert_over",
        "currency_mismatch",
        "over_capacity",
    ),
    scopes=(KeyScope.CONCERTS_WRITE,),
)
def change_ticket_type(
    call: Call[Services], body: TicketTypeChanges
) -> "Tagged[TermsChanged] | Tagged[QuantityChanged]":
    """Change the terms, or the quantity alone: that is changed pool by pool, and may be refused."""
    concert_id, ticket_type_id = call.id("concert_id"), call.id("ticket_type_id")
    repository, caller, changes = call.shop.repository, call.caller(), body.to_changes()
    if "quantity" not in changes:
        return answer_of(
            ticket_type_id, live_commands.change_ticket_type(repository, caller, concert_id, ticket_type_id, changes)
        )
    if len(changes) > 1:
        raise InvalidInput("`quantity` is changed alone.", (("#/quantity", "must be changed alone"),))
    confirmed = confirmed_by(body.confirm)
    version = commands.change_quantity(repository, caller, concert_id, ticket_type_id, body.quantity, confirmed)
    answer: QuantityChanged = {"id": str(ticket_type_id), "quantity": body.quantity, "version": version}
    return ok(answer, version)
