"""Routes of refunds, and of the policy that customers go by."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal, Protocol, cast
from uuid import UUID

from pydantic import Field

from chalicelib.platform.caller import Role
from chalicelib.platform.errors import InvalidInput, NotFound
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.http.amounts import OffsetInstant, Price, amount_of
from chalicelib.platform.http.answers import Created, Ok, Tagged, created, ok
from chalicelib.platform.http.paging import page_of
from chalicelib.platform.http.requests import EACH_ONCE, WHOLE, Body, Line
from chalicelib.platform.http.routes import Call, Routes
from chalicelib.platform.services import Services
from chalicelib.shop.orders import policies, refunding
from chalicelib.shop.orders.granting import GrantedBy
from chalicelib.shop.orders.payments.port import PaymentGateway
from chalicelib.shop.orders.refund_policy import PolicyTerms, TicketsOnReversal
from chalicelib.shop.orders.refund_views import shown_refunds

if TYPE_CHECKING:
    from chalicelib.platform.http.shapes import Items
    from chalicelib.shop.orders.answers import GrantedPart, Refund, RefundGranted, RefundPolicy


class RefundServices(Services, Protocol):
    """What these routes use of the container."""

    @property
    def gateways(self) -> Mapping[str, PaymentGateway]: ...


routes: Routes[RefundServices] = Routes(__name__)


class NewPolicy(Body):
    """What is left out is as it is without a policy: customers give nothing back, and move nothing."""

    customers_until: OffsetInstant | None = None
    fee_percent: Annotated[int, Field(ge=0, le=100), WHOLE] = 0
    tickets_on_reversal: Annotated[TicketsOnReversal, Field(strict=False)] = TicketsOnReversal.REVOKE_WHEN_FINAL
    fee_per_ticket: Price | None = None
    moves_until: OffsetInstant | None = None

    def to_terms(self) -> PolicyTerms:
        each = None if self.fee_per_ticket is None else self.fee_per_ticket.to_money()
        return PolicyTerms(self.customers_until, self.fee_percent, self.tickets_on_reversal, each, self.moves_until)


class NewRefund(Body):
    """Asks for exactly one of `all`, `tickets` and `amount`."""

    all: Literal[True] | None = None
    tickets: (
        Annotated[tuple[UUID, ...], Field(strict=False, min_length=1, max_length=1000, json_schema_extra=EACH_ONCE)]
        | None
    ) = None
    amount: Price | None = None
    concert_id: UUID | None = None
    reason: Line | None = None
    restock: bool | None = None

    def to_wanted(self) -> refunding.WantedRefund:
        """Raises InvalidInput."""
        if sum(one is not None for one in (self.all, self.tickets, self.amount)) != 1:
            reason = "must have one of all, tickets and amount"
            raise InvalidInput(f"The body {reason}.", (("#", reason),))
        if self.tickets is not None and len(set(self.tickets)) < len(self.tickets):
            raise InvalidInput("A ticket is named twice.", (("#/tickets", "must name each ticket once"),))
        if self.amount is not None and self.restock is not None:
            reason = "needs tickets that come back"
            raise InvalidInput(f"`restock` {reason}.", (("#/restock", reason),))
        return refunding.WantedRefund(
            reason=self.reason,
            tickets=self.tickets,
            amount=None if self.amount is None else self.amount.to_money(),
            concert_id=self.concert_id,
            restock=self.restock is not False,
        )


@routes.get("/concerts/{concert_id}/refund-policy")
def get_refund_policy(call: Call[RefundServices]) -> "Ok[RefundPolicy] | Tagged[RefundPolicy]":
    """Show until when customers may give tickets back, and what is kept of the price."""
    terms, version = policies.find_policy(call.shop.repository, call.id("concert_id"))
    if version < 0:
        return ok(_shown(call.id("concert_id"), terms, None))
    return ok(_shown(call.id("concert_id"), terms, version), version)


@routes.post(
    "/concerts/{concert_id}/refund-policy",
    Role.ORGANISER,
    if_match=True,
    refuses=("concert_not_published", "owner_needed", "too_many_policies"),
)
def set_refund_policy(call: Call[RefundServices], body: NewPolicy) -> "Tagged[RefundPolicy]":
    """Say until when customers may give tickets back, and what is kept of the price."""
    concert_id = call.id("concert_id")
    version = policies.set_policy(call.shop.repository, call.caller(), concert_id, body.to_terms())
    return ok(_shown(concert_id, body.to_terms(), version), version)


@routes.post(
    "/orders/{order_id}/refunds",
    Role.CUSTOMER,
    refuses=(
        "not_refundable",
        "nothing_to_refund",
        "refund_exceeds_payment",
        "refund_not_permitted",
        "refund_too_large",
        "tickets_not_valid",
        "tickets_used",
        "too_many_refunds",
    ),
)
def refund_order(call: Call[RefundServices], body: NewRefund) -> "Created[RefundGranted]":
    """Give tickets or money of an order back.

    For the order's customer, for who organises one of its concerts, and for operators.
    """
    order_id = call.id("order_id")
    shop, wanted = call.shop, body.to_wanted()
    try:
        refunded = refunding.refund_order(shop.repository, shop.gateways, call.caller(), order_id, wanted)
    except NotFound:
        call.add_granted_roles()
        refunded = refunding.refund_order(shop.repository, shop.gateways, call.caller(), order_id, wanted)
    granted = refunded.granted
    answer: RefundGranted = {
        "id": str(granted.grant_id),
        "order_id": str(order_id),
        "by": GrantedBy(granted.by),
        "reason": granted.reason,
        "restocked": granted.restocked,
        "parts": [cast("GrantedPart", part.model_dump(mode="json")) for part in granted.parts],
        "version": refunded.version,
    }
    return created(answer, f"/orders/{order_id}/refunds")


@routes.get("/orders/{order_id}/refunds", Role.CUSTOMER)
def get_refunds(call: Call[RefundServices]) -> "Tagged[Items[Refund]]":
    """List the refunds of an order, from the log and so never behind, for whoever may ask for one."""
    repository, order_id = call.shop.repository, call.id("order_id")
    try:
        standing = refunding.standing_of(repository, call.actor, order_id)
    except NotFound:
        call.add_granted_roles()
        standing = refunding.standing_of(repository, call.actor, order_id)
    return ok(page_of(shown_refunds(standing.order, standing.concerts), None), standing.version)


def _shown(concert_id: UUID, terms: PolicyTerms, version: int | None) -> "RefundPolicy":
    return {
        "concert_id": str(concert_id),
        "customers_until": None if terms.customers_until is None else format_instant(terms.customers_until),
        "fee_percent": terms.fee_percent,
        "fee_per_ticket": None if terms.fee_per_ticket is None else amount_of(terms.fee_per_ticket),
        "moves_until": None if terms.moves_until is None else format_instant(terms.moves_until),
        "tickets_on_reversal": terms.tickets_on_reversal,
        "version": version,
    }
