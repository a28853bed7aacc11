"""Brings guests back to their orders by links, and joins these orders to accounts.

What is decided here is pure; `order.py` keeps what it rests on.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chalicelib.platform.caller import Caller, is_guest
from chalicelib.platform.errors import Expired, Forbidden, LogDamaged, NotFound, RuleViolated, facts
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.platform.ids import IdKey
from chalicelib.shop.access.commands import join_guest
from chalicelib.shop.orders.events import OrderJoined, OrderLinkIssued
from chalicelib.shop.orders.granting import GrantedBy
from chalicelib.shop.orders.links import OrderLink, SignedLink, expiry, read_link
from chalicelib.shop.orders.order import ORDER, Order
from chalicelib.shop.orders.refunding import Standing, standing_of

MAX_LINKS = 20


class NotAGuestsOrder(RuleViolated):
    """The order is of an account, and needs no link."""

    code = "not_a_guests_order"


class OrderJoinedAlready(RuleViolated):
    """The order was joined to an account, and guest and links lead to it no more."""

    code = "order_joined"

    def __init__(self) -> None:
        super().__init__("The order belongs to an account; sign in.")


class TooManyLinks(RuleViolated):
    """So many links to this order were issued that there is no other."""

    code = "too_many_links"
    fact_types = facts(limit="int")


class LinkExpired(Expired):
    """The link's time is over; a new one can be issued."""

    code = "link_expired"


class LinkReplaced(Expired):
    """A newer link to this order was issued, which alone is valid."""

    code = "link_replaced"


@dataclass(frozen=True, slots=True)
class IssuedLink:
    link: SignedLink
    version: int


@dataclass(frozen=True, slots=True)
class JoinedOrder:
    order_id: UUID
    version: int


def issue(order: Order, link_id: UUID, now: datetime) -> list[Event]:
    """Issue a new link to a guest's order; asking again with the same request changes nothing.

    Raises NotAGuestsOrder, OrderJoinedAlready or TooManyLinks.
    """
    if link_id in order.links:
        return []
    if order.customer_id is None or not is_guest(order.customer_id):
        raise NotAGuestsOrder("The order is of an account, and needs no link.")
    if order.account_id is not None:
        raise OrderJoinedAlready
    if len(order.links) >= MAX_LINKS:
        raise TooManyLinks("Too many links to this order were issued.", limit=MAX_LINKS)
    return [OrderLinkIssued(link_id=link_id, number=len(order.links) + 1, expires_at=expiry(now), at=now)]


def guest_of(order: Order, link: OrderLink, now: datetime) -> UUID:
    """Return the guest whose order the link leads to.

    Raises NotFound, LinkExpired, LinkReplaced or OrderJoinedAlready.
    """
    ensure_open(link, now)
    if order.customer_id is None or not is_guest(order.customer_id):
        raise NotFound("There is no such link.")
    if link.number != len(order.links):
        raise LinkReplaced("A newer link to this order was issued.")
    if order.account_id is not None:
        raise OrderJoinedAlready
    return order.customer_id


def ensure_open(link: OrderLink, now: datetime) -> None:
    """Check that a link is still valid by the clock, for which nothing has to be read.

    Raises LinkExpired.
    """
    if now >= link.expires_at:
        raise LinkExpired("The link has expired; ask for a new one.")


def join(order: Order, link: OrderLink, account_id: UUID, now: datetime) -> list[Event]:
    """Join the order to an account, once; joining it to the same account again changes nothing.

    Raises what `guest_of` raises.
    """
    if order.account_id == account_id:
        return []
    guest_of(order, link, now)
    return [OrderJoined(account_id=account_id, at=now)]


def issue_link(repository: Repository, caller: Caller, order_id: UUID) -> IssuedLink:
    """Issue a link, for the order's guest, for who organises all of its concerts, and for operators.

    Whoever has the link can do what the guest can, so an organiser of a part of the order gets none.
    Raises NotFound, Forbidden, or what `issue` raises.
    """
    _ensure_may_issue(standing_of(repository, caller.actor, order_id))
    link_id = caller.request.id

    def command(session: Session) -> IssuedLink:
        events = issue(session.load(ORDER, order_id), link_id, session.now)
        session.append(ORDER, order_id, *events)
        issued, version = _issued(session, order_id, link_id) if not events else (events[0], session.version(order_id))
        if not isinstance(issued, OrderLinkIssued):
            raise LogDamaged(f"Link {link_id} of order {order_id} has no beginning.")
        return IssuedLink(OrderLink(order_id, issued.number, issued.expires_at).signed(session.ids), version)

    return repository.execute(command, caller.origin)


def guest_behind(repository: Repository, ids: IdKey, text: str) -> tuple[UUID, UUID]:
    """Return the guest and the order that a link leads to: one read, and none for a link that is not ours.

    Raises NotFound, or what `guest_of` raises.
    """
    link, now = read_link(text, ids), repository.now()
    ensure_open(link, now)
    order, _ = repository.load(ORDER, link.order_id)
    return guest_of(order, link, now), link.order_id


def join_order(repository: Repository, ids: IdKey, caller: Caller, text: str) -> JoinedOrder:
    """Join the order of a link to the caller's account, in one transaction with the account.

    Raises NotFound, AccountErased, or what `join` raises.
    """
    link = read_link(text, ids)
    ensure_open(link, repository.now())

    def command(session: Session) -> JoinedOrder:
        order = session.load(ORDER, link.order_id)
        events = join(order, link, caller.actor.id, session.now)
        if not events:
            return JoinedOrder(link.order_id, _version_joined(session, link.order_id))
        session.append(ORDER, link.order_id, *events)
        join_guest(session, caller.actor.id, guest_of(order, link, session.now))
        return JoinedOrder(link.order_id, session.version(link.order_id))

    return repository.execute(command, caller.origin)


def _ensure_may_issue(standing: Standing) -> None:
    concerts = {line.concert_id for line in standing.order.lines}
    if standing.by is GrantedBy.ORGANISER and concerts != standing.concerts:
        raise Forbidden("The order is for concerts of other organisers too; ask an operator.")


def _issued(session: Session, order_id: UUID, link_id: UUID) -> tuple[Event | None, int]:
    """Find the link that this very request has issued before."""
    found = session.find_recorded(
        order_id, lambda event: isinstance(event, OrderLinkIssued) and event.link_id == link_id
    )
    return (None, -1) if found is None else (found.event, found.version)


def _version_joined(session: Session, order_id: UUID) -> int:
    found = session.find_recorded(order_id, lambda event: isinstance(event, OrderJoined))
    return session.version(order_id) if found is None else found.version
