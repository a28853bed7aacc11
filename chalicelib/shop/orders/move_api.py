"""The route that moves tickets to another holder, ticket type or concert."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Annotated, Protocol, cast
from uuid import UUID

from pydantic import Field

from chalicelib.platform.caller import Role
from chalicelib.platform.errors import InvalidInput, NotFound
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.http.amounts import amount_of
from chalicelib.platform.http.answers import Created, created
from chalicelib.platform.http.emails import EmailAddress
from chalicelib.platform.http.requests import EACH_ONCE, Body, Line
from chalicelib.platform.http.routes import Call, Routes
from chalicelib.platform.services import Services
from chalicelib.shop.orders.events import TicketMoveStarted, TicketsMoved
from chalicelib.shop.orders.granting import GrantedBy
from chalicelib.shop.orders.moves import WantedMove, move_tickets
from chalicelib.shop.orders.payments.port import PaymentGateway

if TYPE_CHECKING:
    from chalicelib.platform.privacy.vault import PersonVault
    from chalicelib.shop.orders.answers import IssuedTicket, TicketsMovedTo


class FreeLimits(Protocol):
    """What this route uses of the settings."""

    @property
    def held_per_concert(self) -> int: ...


class MoveServices(Services, Protocol):
    """What this route uses of the container."""

    @property
    def vault(self) -> "PersonVault": ...

    @property
    def gateways(self) -> Mapping[str, PaymentGateway]: ...

    @property
    def settings(self) -> FreeLimits: ...


routes: Routes[MoveServices] = Routes(__name__)


class Holder(Body, defer_build=False):
    name: Line
    email: EmailAddress | None = None


class NewMove(Body):
    """Names the tickets, and their new ticket type, holder or both."""

    tickets: Annotated[tuple[UUID, ...], Field(strict=False, min_length=1, max_length=20, json_schema_extra=EACH_ONCE)]
    ticket_type_id: UUID | None = None
    concert_id: UUID | None = None
    holder: Holder | None = None
    reason: Line | None = None

    def to_wanted(self) -> WantedMove:
        """Raises InvalidInput."""
        if len(set(self.tickets)) < len(self.tickets):
            raise InvalidInput("A ticket is named twice.", (("#/tickets", "must name each ticket once"),))
        if self.concert_id is not None and self.ticket_type_id is None:
            reason = "is needed with another concert"
            raise InvalidInput(f"`ticket_type_id` {reason}.", (("#/ticket_type_id", reason),))
        holder = None if self.holder is None else self.holder.model_dump(exclude_none=True)
        return WantedMove(self.tickets, self.ticket_type_id, self.concert_id, holder, self.reason)


@routes.post(
    "/orders/{order_id}/moves",
    Role.CUSTOMER,
    refuses=(
        "currency_mismatch",
        "customer_limit_exceeded",
        "move_in_progress",
        "move_not_permitted",
        "not_movable",
        "not_on_sale",
        "order_limit_exceeded",
        "sold_out",
        "tickets_moved",
        "tickets_not_valid",
        "tickets_used",
        "too_many_moves",
    ),
)
def move_order_tickets(call: Call[MoveServices], body: NewMove) -> "Created[TicketsMovedTo]":
    """Move tickets to another holder, ticket type or concert.

    For the order's customer, for who organises the concert of the tickets, and for operators.
    """
    order_id, shop = call.id("order_id"), call.shop
    wanted, caller = body.to_wanted(), call.caller()
    move = partial(move_tickets, shop.repository, shop.vault, shop.gateways)
    try:
        moved = move(caller, order_id, wanted, shop.settings.held_per_concert)
    except NotFound:
        call.add_granted_roles()
        moved = move(call.caller(), order_id, wanted, shop.settings.held_per_concert)
    return created(_shown(order_id, moved.event, moved.version), f"/orders/{order_id}")


def _shown(order_id: UUID, event: TicketMoveStarted | TicketsMoved, version: int) -> "TicketsMovedTo":
    """Show what is done, or what has to be paid first, by a payment of the order."""
    begun = event if isinstance(event, TicketMoveStarted) else None
    moved = event if isinstance(event, TicketsMoved) else None
    return {
        "id": str(event.move_id),
        "order_id": str(order_id),
        "by": GrantedBy(event.by),
        "reason": event.reason,
        "status": "awaiting_payment" if moved is None else "moved",
        "replaced": [str(key) for key in event.ticket_ids],
        "tickets": [
            cast("IssuedTicket", ticket.model_dump(mode="json")) for ticket in (moved.tickets if moved else ())
        ],
        "unit_price": amount_of(event.line.unit_price),
        "supplement": amount_of(event.supplement),
        "refunded": None if moved is None else amount_of(moved.refunded),
        "payment_due_at": None if begun is None else format_instant(begun.payment_due_at),
        "version": version,
    }
