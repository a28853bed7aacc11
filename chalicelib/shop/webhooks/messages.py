"""Turns events of the log into messages: ids and what has happened, and nothing about a person.

The same events always give the same messages, so a message can be made again at any time.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid5

from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.eventsourcing.event import Event, JsonObject
from chalicelib.platform.eventsourcing.instants import as_utc, format_instant
from chalicelib.shop.access.events import PersonErased
from chalicelib.shop.concerts.events import (
    ConcertAreaAdded,
    ConcertAreaCapacityChanged,
    ConcertAreaRemoved,
    ConcertCancellationCompleted,
    ConcertCancelled,
    ConcertCapacityChanged,
    ConcertCreated,
    ConcertDeleted,
    ConcertDetailsChanged,
    ConcertMoved,
    ConcertPostponed,
    ConcertPublished,
    ConcertSalesClosed,
    ConcertSalesOpened,
    ConcertScheduled,
    ConcertTicketTypeAdded,
    ConcertTicketTypeChanged,
    ConcertTicketTypeRemoved,
    ConcertVenueDescribed,
)
from chalicelib.shop.orders.events import (
    BuyerErased,
    OfflineScanRecorded,
    OrderConfirmed,
    OrderEvent,
    OrderPlaced,
    OrderSettled,
    RefundCompleted,
    RefundGranted,
    RefundRecorded,
    TicketCheckedIn,
    TicketRevoked,
    TicketsMoved,
    refund_id_for_concert,
)
from chalicelib.shop.webhooks.events import ConcertSoldOut
from chalicelib.shop.webhooks.kinds import TEST_KIND, WebhookKind

PLACES_PER_EVENT = 4
"""An event makes fewer messages than this; a place is the event's version times this, and the message's number."""

CHANGES: dict[type[Event], str] = {
    ConcertCreated: "created",
    ConcertDetailsChanged: "details",
    ConcertScheduled: "schedule",
    ConcertTicketTypeAdded: "ticket_types",
    ConcertTicketTypeChanged: "ticket_types",
    ConcertTicketTypeRemoved: "ticket_types",
    ConcertCapacityChanged: "ticket_types",
    ConcertAreaAdded: "areas",
    ConcertAreaRemoved: "areas",
    ConcertAreaCapacityChanged: "areas",
    ConcertPublished: "published",
    ConcertMoved: "moved",
    ConcertPostponed: "postponed",
    ConcertVenueDescribed: "venue",
    ConcertSalesClosed: "sales_closed",
    ConcertSalesOpened: "sales_opened",
    ConcertCancelled: "cancelling",
    ConcertCancellationCompleted: "cancelled",
    ConcertDeleted: "deleted",
}
"""What `concert.changed` says of each event of a concert; other events change nothing that a receiver can see."""


@dataclass(frozen=True, slots=True)
class WebhookMessage:
    """`key` is the order or the concert within which messages keep their order."""

    kind: str
    key: UUID
    stream_id: UUID
    place: int
    at: datetime
    data: JsonObject

    def id_for(self, endpoint_id: UUID) -> UUID:
        """Return the id under which an endpoint gets this message, however often it is sent."""
        return uuid5(endpoint_id, f"{self.key}/{self.stream_id}/{self.place}")

    @property
    def body(self) -> bytes:
        payload = {"type": self.kind, "timestamp": format_instant(self.at), "data": self.data}
        return json.dumps(payload, separators=(",", ":")).encode()


def made_to_try(endpoint_id: UUID, request_id: UUID, at: datetime) -> WebhookMessage:
    """Return the message that an organiser has sent to try a receiver."""
    return WebhookMessage(TEST_KIND, request_id, request_id, 0, at, {"endpoint_id": str(endpoint_id)})


def last_place_of(version: int) -> int:
    """Return the place after which everything of this version is sent."""
    return version * PLACES_PER_EVENT + PLACES_PER_EVENT - 1


def in_order(streams: Iterable[Sequence[RecordedEvent]]) -> list[RecordedEvent]:
    """Merge streams by the time of their events; within a stream, and of an order before its tickets, as they were."""
    events = [event for stream in streams for event in stream]
    return sorted(events, key=lambda one: (as_utc(one.created), not isinstance(one.event, OrderEvent)))


def concert_messages(concert_id: UUID, events: Iterable[RecordedEvent]) -> Iterator[WebhookMessage]:
    """Give the messages about one concert, from its own events and those that say it was sold out."""
    for recorded in events:
        concert: JsonObject = {"concert_id": str(concert_id)}
        match recorded.event:
            case ConcertSoldOut() as event:
                data = concert | {"tickets": event.tickets}
                yield _message(WebhookKind.CONCERT_SOLD_OUT, concert_id, recorded, data)
            case event if type(event) in CHANGES:
                data = concert | {"change": CHANGES[type(event)]}
                yield _message(WebhookKind.CONCERT_CHANGED, concert_id, recorded, data)


def order_messages(
    order_id: UUID, concert_ids: AbstractSet[UUID], events: Iterable[RecordedEvent]
) -> Iterator[WebhookMessage]:
    """Give the messages about one order to the organiser of these concerts.

    `events` are all of the order, and those of its tickets and of its customer's account, in order.
    """
    facts = _OrderFacts(order_id, concert_ids)
    for recorded in events:
        facts.note(recorded.event)
        for number, (kind, data) in enumerate(facts.told_of(recorded)):
            yield _message(kind, order_id, recorded, {"order_id": str(order_id), **data}, number)


def _message(
    kind: WebhookKind, key: UUID, recorded: RecordedEvent, data: JsonObject, number: int = 0
) -> WebhookMessage:
    place = recorded.version * PLACES_PER_EVENT + number
    return WebhookMessage(kind, key, recorded.stream_id, place, as_utc(recorded.created), data)


@dataclass
class _OrderFacts:
    """Remembers, while the events go by, what later ones do not repeat."""

    order_id: UUID
    concert_ids: AbstractSet[UUID]
    concert_of_type: dict[UUID, UUID] = field(default_factory=dict)
    ticket_types: dict[UUID, UUID] = field(default_factory=dict)
    concert_of_refund: dict[UUID, UUID] = field(default_factory=dict)
    paying: set[UUID] = field(default_factory=set)
    is_confirmed: bool = False

    @property
    def ours(self) -> list[UUID]:
        """Return the concerts in the order of which the receiver may know."""
        return sorted({*self.concert_of_type.values()} & self.concert_ids)

    def note(self, event: Event) -> None:
        match event:
            case OrderPlaced():
                self.concert_of_type = {
                    line.ticket_type_id: line.concert_id for line in event.lines if line.concert_id is not None
                }
            case OrderConfirmed():
                self.ticket_types = {ticket.id: ticket.ticket_type_id for ticket in event.tickets}
                self.is_confirmed = True
                self._note_payment(event.payment_id)
            case TicketsMoved():
                self.ticket_types |= {ticket.id: ticket.ticket_type_id for ticket in event.tickets}
                if event.line.concert_id is not None:
                    self.concert_of_type[event.line.ticket_type_id] = event.line.concert_id
                self.concert_of_refund |= dict.fromkeys(event.refund_ids, event.concert_id)
                self._note_payment(event.paid_by)
            case RefundGranted():
                for part in event.parts:
                    if part.refund_id is not None:
                        self.concert_of_refund[part.refund_id] = part.concert_id

    def _note_payment(self, payment_id: UUID | None) -> None:
        """Note what pays the order, and its refunds if a concert is cancelled: their ids follow from both."""
        self.paying |= set() if payment_id is None else {payment_id}
        for paying in self.paying:
            for concert_id in self.concert_of_type.values():
                self.concert_of_refund[refund_id_for_concert(paying, concert_id)] = concert_id

    def told_of(self, recorded: RecordedEvent) -> Iterator[tuple[WebhookKind, JsonObject]]:
        match event := recorded.event:
            case OrderConfirmed() if self.ours:
                yield WebhookKind.ORDER_CONFIRMED, {"concert_ids": _texts(self.ours)}
                yield WebhookKind.TICKET_ISSUED, {"tickets": self._tickets(self.ticket_types)}
            case TicketsMoved() if event.line.concert_id in self.concert_ids:
                yield WebhookKind.TICKET_ISSUED, {"tickets": self._tickets(ticket.id for ticket in event.tickets)}
            case RefundCompleted() | RefundRecorded() if event.payment_id in self.paying:
                yield from self._refunded((event.refund_id,))
            case OrderSettled(outcome="refunded") if event.refund_ids:
                yield from self._refunded(event.refund_ids)
            case TicketRevoked() if self._concert_of(event) in self.concert_ids:
                ticket = self._ticket(recorded.stream_id, event.ticket_type_id, event.concert_id)
                yield WebhookKind.TICKET_REVOKED, ticket
            case TicketCheckedIn() | OfflineScanRecorded(direction="in") if event.concert_id in self.concert_ids:
                ticket = self._ticket(recorded.stream_id, event.ticket_type_id, event.concert_id)
                yield WebhookKind.TICKET_CHECKED_IN, ticket
            case PersonErased() | BuyerErased() if self.ours:
                yield WebhookKind.PERSON_ERASED, {"concert_ids": _texts(self.ours)}

    def _refunded(self, refund_ids: Sequence[UUID]) -> Iterator[tuple[WebhookKind, JsonObject]]:
        known = {self.concert_of_refund[key] for key in refund_ids if key in self.concert_of_refund}
        is_of_all = any(key not in self.concert_of_refund for key in refund_ids)
        concerts = self.ours if is_of_all else sorted(known & self.concert_ids)
        if self.is_confirmed and concerts:
            yield WebhookKind.ORDER_REFUNDED, {"refund_ids": _texts(refund_ids), "concert_ids": _texts(concerts)}

    def _tickets(self, ticket_ids: Iterable[UUID]) -> list[JsonObject]:
        kinds = {ticket_id: self.ticket_types[ticket_id] for ticket_id in ticket_ids}
        return [
            self._ticket(ticket_id, kind)
            for ticket_id, kind in kinds.items()
            if self.concert_of_type.get(kind) in self.concert_ids
        ]

    def _ticket(self, ticket_id: UUID, ticket_type_id: UUID, concert_id: UUID | None = None) -> JsonObject:
        concert = concert_id or self.concert_of_type[ticket_type_id]
        return {"ticket_id": str(ticket_id), "ticket_type_id": str(ticket_type_id), "concert_id": str(concert)}

    def _concert_of(self, event: TicketRevoked) -> UUID | None:
        return event.concert_id or self.concert_of_type.get(event.ticket_type_id)


def _texts(ids: Iterable[UUID]) -> list[str]:
    return [str(one) for one in ids]
