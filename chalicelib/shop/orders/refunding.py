"""Gives money or tickets of an order back, for its customer, the organiser of a concert, or an operator."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from uuid import UUID

from chalicelib.platform.caller import Actor, Caller, Role
from chalicelib.platform.errors import InvalidInput, LogDamaged, RuleViolated, Unavailable, facts
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.platform.eventsourcing.store import CommitTooLarge
from chalicelib.platform.money import Money
from chalicelib.shop.concerts.commands import facts_of_concert
from chalicelib.shop.inventory.commands import take_back
from chalicelib.shop.orders.events import RefundGranted
from chalicelib.shop.orders.granting import GrantedBy, RefundRequest, grant_refund, returns_of
from chalicelib.shop.orders.order import ORDER, Order
from chalicelib.shop.orders.payments.port import PaymentGateway
from chalicelib.shop.orders.policies import policy_of
from chalicelib.shop.orders.refund_policy import PolicyTerms
from chalicelib.shop.orders.relocation import ensure_unused
from chalicelib.shop.orders.revocation import complete_in, revoke_in
from chalicelib.shop.orders.settlement import SettlementContext, finish_refunds

GIVEN_BACK = "The customer gave the tickets back."
MOST_AT_THE_DOOR = 40
"""So many tickets are revoked in their own streams in the grant's commit; of more, the order's process sees to it."""


class RefundTooLarge(RuleViolated):
    """The refund has more parts than one commit can take."""

    code = "refund_too_large"
    fact_types = facts(limit="int")


@dataclass(frozen=True, slots=True)
class WantedRefund:
    """What a request asks for: `tickets`, or an `amount`, or everything; of one concert, if it names one."""

    reason: str | None = None
    tickets: tuple[UUID, ...] | None = None
    amount: Money | None = None
    concert_id: UUID | None = None
    restock: bool = True


@dataclass(frozen=True, slots=True)
class GrantedRefund:
    """The grant as it was decided, and the order's version with it: a repeated request is answered with the same.

    `order` is the order as it is now.
    """

    granted: RefundGranted
    version: int
    order: Order = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Standing:
    """As whom somebody speaks about an order, and about which of its concerts."""

    by: GrantedBy
    concerts: frozenset[UUID]
    order: Order
    version: int


def refund_order(
    repository: Repository, gateways: Mapping[str, PaymentGateway], caller: Caller, order_id: UUID, wanted: WantedRefund
) -> GrantedRefund:
    """Grant the refund, take the tickets back and free the allowance, in one transaction; then call the provider.

    What the provider is to do and does not do now, the order's process sees to.
    Raises NotFound, InvalidInput, TicketsUsed, RefundTooLarge, or what `grant_refund` raises.
    """
    standing = standing_of(repository, caller.actor, order_id)
    request = _with_promises(repository, standing.order, _request(caller, standing, wanted))
    command = partial(_grant, order_id=order_id, request=request)
    granted = _execute(repository, caller, command, (0,) if standing.by is not GrantedBy.CUSTOMER else ())
    context = SettlementContext(repository, gateways, caller.origin)
    with suppress(Unavailable):  # money that goes back is not lost: the process finishes it
        finish_refunds(context, order_id, granted.order)
    return granted


def _execute(
    repository: Repository, caller: Caller, command: Callable[..., GrantedRefund], fallback: tuple[int, ...]
) -> GrantedRefund:
    """Run the command; if its commit is too large, again with fewer tickets that hear of it.

    Raises RefundTooLarge.
    """
    for told in (MOST_AT_THE_DOOR, *fallback):
        with suppress(CommitTooLarge):
            return repository.execute(partial(command, told=told), caller.origin)
    raise _too_large(MOST_AT_THE_DOOR)


def standing_of(repository: Repository, actor: Actor, order_id: UUID) -> Standing:
    """Say as whom the caller speaks about the order: of an own one as its customer, unless all of it is theirs to sell.

    Raises NotFound: because others' orders do not exist.
    """
    order, version = repository.load(ORDER, order_id)
    concerts = frozenset(line.concert_id for line in order.lines if line.concert_id is not None)
    if order.status is not None and Role.OPERATOR in actor.roles and order.owner_id != actor.id:
        return Standing(GrantedBy.OPERATOR, concerts, order, version)
    managed = frozenset[UUID]()
    if Role.ORGANISER in actor.roles or actor.teams.known:
        facts = (facts_of_concert(repository, key) for key in concerts)
        managed = frozenset(concert.id for concert in facts if actor.works_for(concert.organiser_id))
    if managed and (order.owner_id != actor.id or managed == concerts):
        return Standing(GrantedBy.ORGANISER, managed, order, version)
    order.ensure_of(actor.id)
    return Standing(GrantedBy.CUSTOMER, concerts, order, version)


def _request(caller: Caller, standing: Standing, wanted: WantedRefund) -> RefundRequest:
    """Raises InvalidInput: staff must say why, and customers need not; or the concert is not the caller's."""
    is_customer = standing.by is GrantedBy.CUSTOMER
    if is_customer and wanted.reason is not None:
        raise InvalidInput("Customers give no reason.", (("#/reason", "is for organisers"),))
    if is_customer and not wanted.restock:
        raise InvalidInput("What customers give back is for sale again.", (("#/restock", "is for organisers"),))
    if not is_customer and wanted.reason is None:
        raise InvalidInput("Say why.", (("#/reason", "is needed"),))
    concerts = standing.concerts
    if wanted.concert_id is not None:
        concerts &= {wanted.concert_id}
        if not concerts:
            fields = (("#/concert_id", "names no concert of the order"),)
            raise InvalidInput("The order is not for this concert.", fields)
    return RefundRequest(
        id=caller.request.id,
        request_hash=caller.request.request_hash,
        by=standing.by,
        reason=wanted.reason or GIVEN_BACK,
        concerts=concerts,
        tickets=wanted.tickets,
        amount=wanted.amount,
        restock=wanted.restock,
    )


def _grant(session: Session, order_id: UUID, request: RefundRequest, told: int) -> GrantedRefund:
    """Append the grant with all that follows; up to `told` tickets hear of it in the same commit."""
    order = session.load(ORDER, order_id)
    if request.is_bound:
        request = _with_terms(session, order, request)
    events = grant_refund(order, request, session.now)
    if not events:
        return _granted_before(session, order_id, request.id)
    *events, granted = events
    if not isinstance(granted, RefundGranted):
        raise LogDamaged("A grant does not end with its own event.")
    session.append(ORDER, order_id, *events)
    tickets = [key for part in granted.parts for key in part.ticket_ids]
    if request.is_bound:
        _ensure_unused(session, tickets)
    if len(tickets) <= told:
        _tell(session, order_id, order, granted)
    for returned in returns_of(order, granted):
        if order.customer_id is not None:
            take_back(session, returned, order_id, order.customer_id, restock=granted.restocked)
    session.append(ORDER, order_id, granted)
    return GrantedRefund(granted, session.version(order_id), session.load(ORDER, order_id))


def _with_promises(repository: Repository, order: Order, request: RefundRequest) -> RefundRequest:
    """Add what a customer was promised when a concert was moved or postponed: all of the money."""
    if not request.is_bound or order.placed_at is None:
        return request
    until = {key: facts_of_concert(repository, key).refundable_until(order.placed_at) for key in request.concerts}
    return replace(request, terms={key: (PolicyTerms(at),) for key, at in until.items() if at is not None})


def _with_terms(session: Session, order: Order, request: RefundRequest) -> RefundRequest:
    """Add what the customer may go by beside what was promised, unless the request was granted before."""
    if request.id in order.grants:
        return request
    terms: Mapping[UUID, tuple[PolicyTerms, ...]] = {
        key: (*policy_of(session, key).terms_for(order.placed_at), *request.terms.get(key, ()))
        for key in request.concerts
    }
    return replace(request, terms=terms)


def _granted_before(session: Session, order_id: UUID, grant_id: UUID) -> GrantedRefund:
    def grants(event: Event) -> bool:
        return isinstance(event, RefundGranted) and event.grant_id == grant_id

    recorded = session.find_recorded(order_id, grants)
    if recorded is None or not isinstance(recorded.event, RefundGranted):
        raise LogDamaged(f"Grant {grant_id} of order {order_id} has no beginning.")
    return GrantedRefund(recorded.event, recorded.version, session.load(ORDER, order_id))


def _ensure_unused(session: Session, tickets: Sequence[UUID]) -> None:
    """Refuse what a customer has been let in with.

    Raises:
        TicketsUsed
        RefundTooLarge: because a commit does not take so many tickets.
    """
    if len(tickets) > MOST_AT_THE_DOOR:
        raise _too_large(MOST_AT_THE_DOOR)
    ensure_unused(session, tickets)


def _tell(session: Session, order_id: UUID, order: Order, granted: RefundGranted) -> None:
    for part in granted.parts:
        told = frozenset(part.ticket_ids)
        if told:
            issued = [ticket for ticket in order.tickets if ticket.id in told]
            revoke_in(session, order_id, issued, granted.reason)
            complete_in(session, order_id, part.concert_id, told)


def _too_large(limit: int) -> RefundTooLarge:
    return RefundTooLarge("These are too many tickets for one refund; ask for fewer at once.", limit=limit)
