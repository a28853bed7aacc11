"""Issues complimentary tickets: free, out of the stock, by the organiser, for a guest whose name is sealed.

The order is the organiser's, who hands the tickets on. The guest need not have an account: the name is sealed with a
key of its own, whose person has the order's id, so it is erased as any person is.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from chalicelib.platform.caller import Caller
from chalicelib.platform.errors import IdempotencyKeyReused, NotFound
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Load, Session
from chalicelib.platform.money import Money
from chalicelib.shop.concerts.commands import facts_of_concert
from chalicelib.shop.inventory.commands import give_away
from chalicelib.shop.orders.events import IssuedTicket, OrderConfirmed, OrderLine, OrderPlaced
from chalicelib.shop.orders.order import ORDER

if TYPE_CHECKING:
    from chalicelib.platform.privacy.vault import PersonVault


@dataclass(frozen=True, slots=True)
class ComplimentaryTickets:
    order_id: UUID
    tickets: tuple[IssuedTicket, ...]
    version: int


def issue_tickets(
    repository: Repository,
    vault: "PersonVault",
    caller: Caller,
    concert_id: UUID,
    ticket_type_id: UUID,
    quantity: int,
    guest: dict[str, str],
) -> ComplimentaryTickets:
    """Take the tickets out of the stock and confirm an order of them that costs nothing, in one transaction.

    Raises NotFound, Forbidden, TicketsSoldOut, NotOnSale or IdempotencyKeyReused.
    """
    concert = facts_of_concert(repository, concert_id)
    if not concert.exists:
        raise NotFound("There is no such concert.")
    caller.actor.ensure_manages(concert.organiser_id)
    order_id, issuer_id = caller.request.id, concert.organiser_id or caller.actor.id

    def command(session: Session) -> ComplimentaryTickets:
        order = session.load(ORDER, order_id, Load.ASSUME_EMPTY)
        if order.status is not None:
            return _issued_before(session, order_id, vault, caller.request.request_hash)
        terms, shares = give_away(session, concert_id, ticket_type_id, order_id, order_id, quantity)
        line = OrderLine(
            hold_id=order_id,
            ticket_type_id=ticket_type_id,
            ticket_type_name=terms.ticket_type_name,
            concert_id=concert_id,
            concert_name=terms.concert_name,
            quantity=quantity,
            unit_price=Money.zero(terms.price.currency),
            shares=shares,
        )
        placed = OrderPlaced(
            cart_id=order_id,
            customer_id=issuer_id,
            buyer=vault.seal(order_id, guest),  # only now: who is given nothing leaves no key
            lines=(line,),
            total=line.unit_price,
            payment_due_at=session.now,
            issued_by=caller.actor.id,
            request_hash=vault.digest(order_id, caller.request.request_hash),  # the body names a person
            at=session.now,
        )
        session.append(ORDER, order_id, placed)
        confirmed = session.load(ORDER, order_id).confirm_free(order_id, session.ids, session.now)
        session.append(ORDER, order_id, *confirmed)
        return ComplimentaryTickets(order_id, session.load(ORDER, order_id).tickets, session.version(order_id))

    return repository.execute(command, caller.origin)


def _issued_before(session: Session, order_id: UUID, vault: "PersonVault", request_hash: str) -> ComplimentaryTickets:
    """Return the answer that the request was given the first time; of an erased guest's request nothing is compared.

    Raises IdempotencyKeyReused.
    """
    placed = session.find_recorded(order_id, lambda event: isinstance(event, OrderPlaced))
    if placed is None or not isinstance(placed.event, OrderPlaced):
        raise IdempotencyKeyReused
    if vault.knows(order_id) and placed.event.request_hash != vault.digest(order_id, request_hash):
        raise IdempotencyKeyReused
    confirmed = session.find_recorded(order_id, lambda event: isinstance(event, OrderConfirmed))
    tickets = session.load(ORDER, order_id).tickets
    return ComplimentaryTickets(order_id, tickets, confirmed.version if confirmed else session.version(order_id))
