"""Moves tickets for the order's customer, the organiser of their concert, or an operator."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from chalicelib.platform.caller import Caller
from chalicelib.platform.errors import IdempotencyKeyReused, InvalidInput, LogDamaged, Unavailable
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.platform.money import Money
from chalicelib.platform.privacy.sealed import Sealed
from chalicelib.shop.concerts.commands import facts_of_concert
from chalicelib.shop.inventory.commands import (
    FreePlace,
    TicketsSoldOut,
    count_place,
    find_place,
    hold_place,
    sell_place,
    share_a_stock,
)
from chalicelib.shop.orders.commands import PAYMENT_GRACE
from chalicelib.shop.orders.events import OrderLine, TicketMoveStarted, TicketsMoved
from chalicelib.shop.orders.granting import GrantedBy
from chalicelib.shop.orders.moving import (
    MoveRequest,
    begin_move,
    concert_of,
    ensure_permitted,
    is_same_place,
    movable,
    same_place,
)
from chalicelib.shop.orders.order import ORDER, Order
from chalicelib.shop.orders.payments.port import PaymentGateway
from chalicelib.shop.orders.policies import policy_of
from chalicelib.shop.orders.refunding import Standing, standing_of
from chalicelib.shop.orders.relocation import ensure_unused, give_place_back, move_in
from chalicelib.shop.orders.settlement import SettlementContext, finish_refunds

if TYPE_CHECKING:
    from chalicelib.platform.privacy.vault import PersonVault

MOVED = "The tickets were moved."
CUSTOMERS_PAY_WITHIN = timedelta(minutes=30)
OTHERS_PAY_WITHIN = timedelta(days=1)
"""A customer has first to hear of a move that the organiser asked for."""


@dataclass(frozen=True, slots=True)
class WantedMove:
    """What a request asks for: another ticket type, of the same concert if no other is named, or another holder."""

    tickets: tuple[UUID, ...]
    ticket_type_id: UUID | None = None
    concert_id: UUID | None = None
    holder: dict[str, str] | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class MovedTickets:
    """What the request brought about, and the order's version with it; `order` is the order as it is now."""

    event: TicketMoveStarted | TicketsMoved
    version: int
    order: Order = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class _Mover:
    """Holds what one request needs in each attempt."""

    vault: "PersonVault"
    order_id: UUID
    request: MoveRequest
    wanted: WantedMove
    free_limit: int | None

    def __call__(self, session: Session) -> MovedTickets:
        """Append the move, or its beginning if it has to be paid first, with all that follows."""
        order, request, key = session.load(ORDER, self.order_id), self.request, self.request.id
        if key in order.moves:
            return self._moved_before(session)
        tickets = movable(order, request)
        ensure_unused(session, request.tickets)
        place, full = None, None
        if is_same_place(order, request, self.wanted.ticket_type_id):
            if self.wanted.holder is None:
                raise InvalidInput("Nothing is to be changed.", (("#", "must have ticket_type_id or holder"),))
            line = same_place(order, request)
        else:
            place, full = self._find(session, order, len(tickets))
            line = _line(key, place, is_free=order.issued_by is not None)
            request = self._bound(session, order)
            ensure_permitted(order, request, line, place.terms.max_per_order, session.now)
        begun = begin_move(order, request, line, None, session.now + _pay_within(request), session.now)
        begun = begun.model_copy(update={"holder": self._sealed(), "request_hash": self._hash()})
        if place is None:
            move_in(session, self.order_id, begun)
        else:
            self._move_to(session, order, place, begun, full)
        return self._answer(session, session.version(self.order_id), begun)

    def _move_to(
        self, session: Session, order: Order, place: FreePlace, begun: TicketMoveStarted, full: TicketsSoldOut | None
    ) -> None:
        """Take the place: at once, or for whoever pays the difference. Until then the tickets keep the place they have.

        Raises `full` where the place is free only once they have left it.
        """
        if begun.supplement.amount:
            if full is not None:
                raise full
            expires_at = begun.payment_due_at + PAYMENT_GRACE
            session.append(ORDER, self.order_id, begun)
            hold_place(session, place, begun.move_id, self.order_id, expires_at)
            if begun.line.concert_id != begun.concert_id:  # of the same one, the tickets that it replaces are counted
                self._count(session, order, place, expires_at)
            return
        move_in(session, self.order_id, begun, is_back=full is not None)
        sell_place(session, place, begun.move_id, self.order_id)
        self._count(session, order, place, None)

    def _count(self, session: Session, order: Order, place: FreePlace, expires_at: datetime | None) -> None:
        """Count the place in the allowance of the order's customer. Raises CustomerLimitExceeded."""
        if order.customer_id is not None:
            is_limited = self.request.is_bound
            limit = self.free_limit if is_limited and not place.terms.price.amount else None
            key = self.request.id
            count_place(session, place, key, order.customer_id, expires_at, limit, is_limited=is_limited)

    def _find(self, session: Session, order: Order, quantity: int) -> tuple[FreePlace, TicketsSoldOut | None]:
        """Find a place. If there is none, find that which the tickets leave, and say so by the refusal.

        Raises what `find_place` raises.
        """
        try:
            return self._place(session, order, quantity), None
        except TicketsSoldOut as full:
            left = {ticket.ticket_type_id for ticket in order.tickets if ticket.id in self.request.tickets}
            if not share_a_stock(session, left | {self._wanted_type()}):
                raise
            give_place_back(session, self.order_id, self.request.tickets)
            with suppress(TicketsSoldOut):
                return self._place(session, order, quantity), full
            raise

    def _place(self, session: Session, order: Order, quantity: int) -> FreePlace:
        concert_id = self.wanted.concert_id or concert_of(order, self.request.tickets)
        return find_place(session, concert_id, self._wanted_type(), quantity, on_sale=self.request.is_bound)

    def _wanted_type(self) -> UUID:
        """Raises InvalidInput."""
        if self.wanted.ticket_type_id is None:
            raise InvalidInput("Say which ticket type.", (("#/ticket_type_id", "is needed"),))
        return self.wanted.ticket_type_id

    def _bound(self, session: Session, order: Order) -> MoveRequest:
        """Add what a customer may go by."""
        if not self.request.is_bound:
            return self.request
        concert_id = concert_of(order, self.request.tickets)
        terms = policy_of(session, concert_id).terms_for(order.placed_at)
        return replace(self.request, terms={concert_id: terms})

    def _sealed(self) -> Sealed | None:
        """Seal the holder's name, only now: who gets nothing leaves no key."""
        return None if self.wanted.holder is None else self.vault.seal(self.request.id, self.wanted.holder)

    def _hash(self) -> str:
        """Return the hash of the request; of one that names a person it is made with that person's key."""
        if self.wanted.holder is None:
            return self.request.request_hash
        return self.vault.digest(self.request.id, self.request.request_hash)

    def _moved_before(self, session: Session) -> MovedTickets:
        """Return the answer of the first time; of an erased holder's request nothing is compared.

        Raises IdempotencyKeyReused.
        """
        key = self.request.id

        def is_of_move(event: Event) -> bool:
            return isinstance(event, TicketMoveStarted | TicketsMoved) and event.move_id == key

        recorded = session.find_recorded(self.order_id, is_of_move)
        if recorded is None or not isinstance(recorded.event, TicketMoveStarted | TicketsMoved):
            raise LogDamaged(f"Move {key} of order {self.order_id} has no beginning.")
        is_erased = recorded.event.holder is not None and not self.vault.knows(key)
        if not is_erased and recorded.event.request_hash != self._hash():
            raise IdempotencyKeyReused
        return MovedTickets(recorded.event, recorded.version, session.load(ORDER, self.order_id))

    def _answer(self, session: Session, version: int, begun: TicketMoveStarted) -> MovedTickets:
        order = session.load(ORDER, self.order_id)
        return MovedTickets(order.moves[begun.move_id].moved or begun, version, order)


def move_tickets(
    repository: Repository,
    vault: "PersonVault",
    gateways: Mapping[str, PaymentGateway],
    caller: Caller,
    order_id: UUID,
    wanted: WantedMove,
    free_limit: int | None = None,
) -> MovedTickets:
    """Move the tickets in one transaction, or hold the dearer place until its difference is paid.

    A difference that goes back is refunded then, at once or by the order's process.
    Raises NotFound, InvalidInput, TicketsUsed, NotOnSale, TicketsSoldOut, CustomerLimitExceeded, CurrencyMismatch,
    IdempotencyKeyReused, or what `movable` and `ensure_permitted` raise.
    """
    standing = standing_of(repository, caller.actor, order_id)
    _ensure_same_organiser(repository, standing.order, wanted)
    request = _request(caller, standing, wanted)
    moved = repository.execute(_Mover(vault, order_id, request, wanted, free_limit), caller.origin)
    with suppress(Unavailable):  # money that goes back is not lost: the process finishes it
        finish_refunds(SettlementContext(repository, gateways, caller.origin), order_id, moved.order)
    return moved


def _request(caller: Caller, standing: Standing, wanted: WantedMove) -> MoveRequest:
    """Raises InvalidInput: customers give no reason."""
    if standing.by is GrantedBy.CUSTOMER and wanted.reason is not None:
        raise InvalidInput("Customers give no reason.", (("#/reason", "is for organisers"),))
    return MoveRequest(
        id=caller.request.id,
        request_hash=caller.request.request_hash,
        by=standing.by,
        reason=wanted.reason or MOVED,
        concerts=standing.concerts,
        tickets=wanted.tickets,
    )


def _ensure_same_organiser(repository: Repository, order: Order, wanted: WantedMove) -> None:
    """Refuse another concert that is not of the organiser of the tickets' concert.

    Raises InvalidInput.
    """
    if wanted.concert_id is None:
        return
    here = facts_of_concert(repository, concert_of(order, wanted.tickets))
    there = facts_of_concert(repository, wanted.concert_id)
    if not there.exists or here.organiser_id is None or here.organiser_id != there.organiser_id:
        reason = "names no concert of the same organiser"
        raise InvalidInput(f"`concert_id` {reason}.", (("#/concert_id", reason),))


def _pay_within(request: MoveRequest) -> timedelta:
    return CUSTOMERS_PAY_WITHIN if request.is_bound else OTHERS_PAY_WITHIN


def _line(move_id: UUID, place: FreePlace, *, is_free: bool) -> OrderLine:
    """Return the place as a line of the order; what was given away costs nothing wherever it is."""
    terms = place.terms
    return OrderLine(
        hold_id=move_id,
        ticket_type_id=terms.ticket_type_id,
        ticket_type_name=terms.ticket_type_name,
        concert_id=terms.concert_id,
        concert_name=terms.concert_name,
        quantity=place.quantity,
        unit_price=Money.zero(terms.price.currency) if is_free else terms.price,
        shares=place.shares,
    )
