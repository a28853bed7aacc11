"""Gives tickets new codes, after which the ones they had admit nobody: for a lost phone, or a screenshot passed on."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from chalicelib.platform.caller import Caller
from chalicelib.platform.errors import IdempotencyKeyReused, NotFound, RuleViolated, facts
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.shop.orders.doors.code import MAX_SERIAL
from chalicelib.shop.orders.events import TicketsReissued
from chalicelib.shop.orders.order import ORDER, Order
from chalicelib.shop.orders.refunding import standing_of
from chalicelib.shop.orders.ticket import TicketNotValid

MAX_REISSUES = 100
"""How often the tickets of one order can be given new codes; a serial has room for more."""
assert MAX_REISSUES <= MAX_SERIAL  # noqa: S101 - one constant against another


class TooManyReissues(RuleViolated):
    """Tickets of the order were reissued as often as they can be."""

    code = "too_many_reissues"
    fact_types = facts(limit="int")


def serial_of(order: Order, ticket_id: UUID, at: datetime | None = None) -> int:
    """Return how often the ticket was reissued: ever, or up to a time."""
    reissues = [event for event in order.reissues.values() if ticket_id in event.ticket_ids]
    return sum(at is None or event.at <= at for event in reissues)


def reissue(
    order: Order,
    ticket_ids: Sequence[UUID],
    reissue_id: UUID,
    request_hash: str,
    by: str,
    reason: str | None,
    now: datetime,
) -> list[Event]:
    """Give the tickets new codes; the same request again changes nothing.

    Raises:
        NotFound: the order has no such ticket.
        TicketNotValid: it was revoked.
        TooManyReissues
        IdempotencyKeyReused
    """
    known = order.reissues.get(reissue_id)
    if known is not None:
        if known.request_hash != request_hash:
            raise IdempotencyKeyReused
        return []
    if not {ticket.id for ticket in order.tickets}.issuperset(ticket_ids):
        raise NotFound("The order has no such ticket.")
    if not order.valid.issuperset(ticket_ids):
        raise TicketNotValid("The ticket was revoked.")
    if len(order.reissues) >= MAX_REISSUES:
        raise TooManyReissues(f"Tickets of this order were reissued {MAX_REISSUES} times.", limit=MAX_REISSUES)
    reissued = TicketsReissued(
        reissue_id=reissue_id, request_hash=request_hash, ticket_ids=tuple(ticket_ids), by=by, reason=reason, at=now
    )
    return [reissued]


def reissue_tickets(
    repository: Repository, caller: Caller, order_id: UUID, ticket_ids: Sequence[UUID], reason: str | None
) -> int:
    """Give tickets new codes, for the customer, an organiser of their concert or an operator; return the version.

    Raises what `reissue` raises, and NotFound or Unavailable.
    """
    standing = standing_of(repository, caller.actor, order_id)
    concerts = {ticket.id: ticket.concert_id for ticket in standing.order.tickets}
    if any(concerts.get(key) not in standing.concerts for key in ticket_ids):
        raise NotFound("The order has no such ticket.")

    def command(session: Session) -> int:
        order, request = session.load(ORDER, order_id), caller.request
        events = reissue(order, ticket_ids, request.id, request.request_hash, standing.by.value, reason, session.now)
        session.append(ORDER, order_id, *events)
        return session.version(order_id)

    return repository.execute(command, caller.origin)
