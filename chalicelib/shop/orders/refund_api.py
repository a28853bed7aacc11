"""Routes of refunds, and of the policy that customers go by."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Protocol
from uuid import UUID

from pydantic import Field

from chalicelib.platform.caller import Role
from chalicelib.platform.errors import InvalidInput, NotFound
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.http.amounts import OffsetInstant, Price
from chalicelib.platform.http.paging import page_of
from chalicelib.platform.http.requests import Body, Line, Query
from chalicelib.platform.http.routes import Answer, Call, Routes, created, ok
from chalicelib.platform.services import Services
from chalicelib.shop.orders import policies, refunding
from chalicelib.shop.orders.payments.port import PaymentGateway
from chalicelib.shop.orders.refund_policy import PolicyTerms, TicketsOnReversal
from chalicelib.shop.orders.refund_views import shown_refunds


class RefundServices(Services, Protocol):
    """What these routes use of the container."""

    @property
    def gateways(self) -> Mapping[str, PaymentGateway]: ...


routes: Routes[RefundServices] = Routes(__name__)


class NewPolicy(Body):
    """What is left out is as it is without a policy: customers give nothing back, and move nothing."""

    customers_until: OffsetInstant | None = None
    fee_percent: Annotated[int, Field(ge=0, le=100)] = 0
    tickets_on_reversal: Annotated[TicketsOnReversal, Field(strict=False)] = TicketsOnReversal.REVOKE_WHEN_FINAL
    fee_per_ticket: Price | None = None
    moves_until: OffsetInstant | None = None

    def to_terms(self) -> PolicyTerms:
        each = None if self.fee_per_ticket is None else self.fee_per_ticket.to_money()
        return PolicyTerms(self.customers_until, self.fee_percent, self.tickets_on_reversal, each, self.moves_until)


class NewRefund(Body):
    """Asks for exactly one of `all`, `tickets` and `amount`."""

    all: Literal[True] | None = None
    tickets: Annotated[tuple[UUID, ...], Field(strict=False, min_length=1, max_length=1000)] | None = None
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
def get_refund_policy(call: Call[RefundServices]) -> Answer:
    call.query(Query)
    terms, version = policies.find_policy(call.shop.repository, call.id("concert_id"))
    known = version if version >= 0 else None
    return ok(_shown(call.id("concert_id"), terms, known), known)


@routes.post("/concerts/{concert_id}/refund-policy", Role.ORGANISER, if_match=True)
def set_refund_policy(call: Call[RefundServices]) -> Answer:
    body, concert_id = call.body(NewPolicy), call.id("concert_id")
    version = policies.set_policy(call.shop.repository, call.caller(body), concert_id, body.to_terms())
    return ok(_shown(concert_id, body.to_terms(), version), version)


@routes.post("/orders/{order_id}/refunds", Role.CUSTOMER)
def refund_order(call: Call[RefundServices]) -> Answer:
    """For the order's customer, for who organises one of its concerts, and for operators."""
    body, order_id = call.body(NewRefund), call.id("order_id")
    shop, wanted = call.shop, body.to_wanted()
    try:
        refunded = refunding.refund_order(shop.repository, shop.gateways, call.caller(body), order_id, wanted)
    except NotFound:
        call.add_granted_roles()
        refunded = refunding.refund_order(shop.repository, shop.gateways, call.caller(body), order_id, wanted)
    granted = refunded.granted
    answer = {
        "id": str(granted.grant_id),
        "order_id": str(order_id),
        "by": granted.by,
        "reason": granted.reason,
        "restocked": granted.restocked,
        "parts": [part.model_dump(mode="json") for part in granted.parts],
        "version": refunded.version,
    }
    return created(answer, f"/orders/{order_id}/refunds")


@routes.get("/orders/{order_id}/refunds", Role.CUSTOMER)
def get_refunds(call: Call[RefundServices]) -> Answer:
    """For whoever may ask for one; from the log, and so never behind."""
    call.query(Query)
    repository, order_id = call.shop.repository, call.id("order_id")
    try:
        standing = refunding.standing_of(repository, call.actor, order_id)
    except NotFound:
        call.add_granted_roles()
        standing = refunding.standing_of(repository, call.actor, order_id)
    return ok(page_of(shown_refunds(standing.order, standing.concerts), None), standing.version)


def _shown(concert_id: UUID, terms: PolicyTerms, version: int | None) -> dict[str, Any]:
    return {
        "concert_id": str(concert_id),
        "customers_until": None if terms.customers_until is None else format_instant(terms.customers_until),
        "fee_percent": terms.fee_percent,
        "fee_per_ticket": None if terms.fee_per_ticket is None else terms.fee_per_ticket.model_dump(mode="json"),
        "moves_until": None if terms.moves_until is None else format_instant(terms.moves_until),
        "tickets_on_reversal": terms.tickets_on_reversal,
        "version": version,
    }
