"""Reads from the log what a group of messages is made of."""

from collections.abc import Iterable
from typing import NamedTuple, Protocol
from uuid import UUID

from chalicelib.platform.eventsourcing.codec import RecordedEvent, recorded
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.store import EventStore
from chalicelib.shop.concerts.commands import facts_of_concert
from chalicelib.shop.orders.events import OrderConfirmed, OrderJoined, OrderPlaced, TicketsMoved
from chalicelib.shop.webhooks.endpoints import WEBHOOK_ENDPOINTS, WebhookEndpoints, endpoints_id
from chalicelib.shop.webhooks.groups import GroupKey, Source
from chalicelib.shop.webhooks.messages import (
    PLACES_PER_EVENT,
    WebhookMessage,
    concert_messages,
    in_order,
    order_messages,
)


class SourceServices(Protocol):
    """Declares what reading takes of a container."""

    @property
    def repository(self) -> Repository: ...

    @property
    def event_store(self) -> EventStore: ...


class OrderParties(NamedTuple):
    """Tells who has to do with an order: its customer, its concerts by organiser, and its tickets."""

    customer_id: UUID | None
    concerts: dict[UUID, frozenset[UUID]]
    ticket_ids: tuple[UUID, ...]


def events_of(shop: SourceServices, stream_id: UUID, after: int = -1) -> list[RecordedEvent]:
    """Read the events of a stream after a version.

    Raises LogDamaged or Unavailable.
    """
    return [recorded(stored) for stored in shop.event_store.read(stream_id, after)]


def parties_of(shop: SourceServices, order: Iterable[RecordedEvent]) -> OrderParties:
    """Tell from an order's events who has to do with it.

    Raises Unavailable.
    """
    customer_id: UUID | None = None
    concert_ids: set[UUID] = set()
    ticket_ids: tuple[UUID, ...] = ()
    for one in order:
        match one.event:
            case OrderPlaced() as event:
                customer_id = event.customer_id
                concert_ids = {line.concert_id for line in event.lines if line.concert_id is not None}
            case OrderJoined() as event:
                customer_id = event.account_id
            case OrderConfirmed() as event:
                ticket_ids = tuple(ticket.id for ticket in event.tickets)
            case TicketsMoved() as event:
                ticket_ids += tuple(ticket.id for ticket in event.tickets)
                concert_ids |= set() if event.line.concert_id is None else {event.line.concert_id}
    concerts: dict[UUID, frozenset[UUID]] = {}
    for concert_id in sorted(concert_ids):
        organiser_id = organiser_of(shop, concert_id)
        if organiser_id is not None:
            concerts[organiser_id] = concerts.get(organiser_id, frozenset()) | {concert_id}
    return OrderParties(customer_id, concerts, ticket_ids)


def organiser_of(shop: SourceServices, concert_id: UUID) -> UUID | None:
    return facts_of_concert(shop.repository, concert_id).organiser_id


def endpoints_of(shop: SourceServices, organiser_id: UUID) -> WebhookEndpoints:
    """Return the organiser's endpoints as the log has them now: one read.

    Raises Unavailable.
    """
    return shop.repository.load(WEBHOOK_ENDPOINTS, endpoints_id(organiser_id))[0]


def messages_of(
    shop: SourceServices, named: GroupKey, organiser_id: UUID, streams: dict[UUID, int]
) -> list[WebhookMessage]:
    """Make all messages of a group, in order, from these streams; `streams` has the place after which each counts.

    Of an order all events are read, because later ones do not repeat what is in it.
    Raises LogDamaged or Unavailable.
    """
    if named.source is Source.CONCERT:
        unread = in_order(events_of(shop, key, place // PLACES_PER_EVENT) for key, place in streams.items())
        return list(concert_messages(named.key, unread))
    order = events_of(shop, named.key)
    ours = parties_of(shop, order).concerts.get(organiser_id, frozenset())
    others = [events_of(shop, key) for key in streams if key != named.key]
    return list(order_messages(named.key, ours, in_order([order, *others])))
