"""Reads the streams of a timeline, as many as the call may read, and puts them together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import NamedTuple
from uuid import UUID

from chalicelib.platform.caller import Actor, Role
from chalicelib.platform.errors import NotFound, TooMuchToRead
from chalicelib.platform.eventsourcing.codec import aggregate_type_of, decode
from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.eventsourcing.history import PointInTime, created_at
from chalicelib.platform.eventsourcing.store import EventStore, Place
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.http.paging import bad_cursor
from chalicelib.shop.carts.events import CartEvent
from chalicelib.shop.concerts.events import ConcertCreated, ConcertEvent
from chalicelib.shop.mails.commands import recipient_stream
from chalicelib.shop.orders.events import OrderEvent
from chalicelib.shop.orders.order import ORDER, Order
from chalicelib.shop.orders.timeline.entries import Happened, TimelineEntry, TimelineReader
from chalicelib.shop.orders.timeline.of_order import entries_of_order
from chalicelib.shop.orders.timeline.of_others import (
    entries_of_cart,
    entries_of_concert,
    entries_of_mails,
    entries_of_tickets,
)

MOST_EVENTS = 500
"""So many events of an order or of its cart are told of; no life of either is so long."""

_MOST_AT_ONCE = 100
_ROUNDS_OF_TICKETS = 4
_NEWEST_OF_CONCERT = 100
_PARTS_OF_KEY = 5
_MOST_DIGITS = 15


class Timeline(NamedTuple):
    """`left_out` names streams of which no more could be read: `cart`, `check_ins`, `mails`, or a concert by its id."""

    items: list[JsonObject]
    next_key: list[str] | None
    left_out: list[str]
    version: int


@dataclass(frozen=True, slots=True)
class TimelineReading:
    """Reads for one call; `log` spends its budget."""

    log: EventStore
    actor: Actor

    def read(self, order_id: UUID, as_of: datetime | None, limit: int, after: Sequence[str] | None) -> Timeline:
        """Return a page of the order's timeline, oldest first, as it was known at `as_of`.

        Raises NotFound, also for others' orders, InvalidInput, TooMuchToRead or Unavailable.
        """
        stored = self._stream(order_id, OrderEvent.aggregate_type)
        if not stored:
            raise NotFound("There is no such order.")
        order = ORDER.fold(map(decode, stored), ORDER.initial)
        reader = self._reader(order)
        if as_of is not None:
            PointInTime(as_of=as_of).of(stored)
        entries, left_out = list(self._of_order(order, stored, reader)), list[str]()
        for name, told in self._around(order_id, order, created_at(stored[0]), reader):
            try:
                entries += told
            except TooMuchToRead:
                left_out.append(name)
        known = [one for one in entries if as_of is None or datetime.fromisoformat(one.key[0]) <= as_of]
        page, next_key = _page(sorted(known, key=lambda one: one.key), limit, after)
        return Timeline([one.shown() for one in page], next_key, left_out, stored[-1].aggregate_version)

    def _of_order(self, order: Order, stored: Sequence[StoredEvent], reader: TimelineReader) -> Iterator[TimelineEntry]:
        for one in stored:
            yield from entries_of_order(order, Happened.of(one), reader)

    def _around(
        self, order_id: UUID, order: Order, since: datetime, reader: TimelineReader
    ) -> Iterator[tuple[str, Iterator[TimelineEntry]]]:
        """Give what is told by other streams, each under its name; it is read as it is taken."""
        if order.tickets:
            yield "check_ins", self._check_ins(order, reader)
        if order.cart_id is not None and order.issued_by is None:
            yield "cart", self._cart(order, order.cart_id, reader)
        for concert_id in _concerts_of(order):
            if reader.sees(concert_id):
                yield str(concert_id), self._concert(order, concert_id, reader, since)
        if order.buyer is not None:
            yield "mails", self._mails(order_id, UUID(order.buyer.key))

    def _check_ins(self, order: Order, reader: TimelineReader) -> Iterator[TimelineEntry]:
        """Give what happened at the doors. Most tickets have few events: only of the others, more are asked for.

        Raises TooMuchToRead: other streams have to be read as well.
        """
        tickets, since, many = [ticket.id for ticket in order.tickets], 0, 1
        for _ in range(_ROUNDS_OF_TICKETS):
            places = list(product(tickets, range(since, since + many)))
            found: dict[Place, StoredEvent] = {}
            for start in range(0, len(places), _MOST_AT_ONCE):
                found |= self.log.pick(places[start : start + _MOST_AT_ONCE])
            yield from entries_of_tickets([Happened.of(one) for one in found.values()], reader)
            since += many
            tickets = [key for key in tickets if (key, since - 1) in found]
            if not tickets:
                return
            many = max(1, _MOST_AT_ONCE // len(tickets))
        raise TooMuchToRead("The tickets were scanned more often than one timeline tells.", limit=since)

    def _cart(self, order: Order, cart_id: UUID, reader: TimelineReader) -> Iterator[TimelineEntry]:
        stored = self._stream(cart_id, CartEvent.aggregate_type)
        yield from entries_of_cart(order, [Happened.of(one) for one in stored], reader)

    def _mails(self, order_id: UUID, recipient_id: UUID) -> Iterator[TimelineEntry]:
        """Give what came back of the mails about the order."""
        newest = self.log.read_last(recipient_stream(recipient_id), _MOST_AT_ONCE)
        yield from entries_of_mails(order_id, [Happened.of(one) for one in newest])

    def _concert(
        self, order: Order, concert_id: UUID, reader: TimelineReader, since: datetime
    ) -> Iterator[TimelineEntry]:
        newest = self.log.read_last(concert_id, _NEWEST_OF_CONCERT)
        yield from entries_of_concert(order, concert_id, [Happened.of(one) for one in newest], reader, since)

    def _stream(self, stream_id: UUID, aggregate_type: str) -> list[StoredEvent]:
        stored = self.log.read_slice(stream_id, -1, MOST_EVENTS)
        return stored if stored and aggregate_type_of(stored[0]) == aggregate_type else []

    def _reader(self, order: Order) -> TimelineReader:
        """Say what the caller may see: customers their own, organisers what is about their concerts, operators all.

        Raises NotFound: because others' orders do not exist.
        """
        is_customer = order.owner_id == self.actor.id
        concerts = _concerts_of(order)
        is_staff = self.actor.teams.known or not self.actor.roles.isdisjoint({Role.ORGANISER, Role.OPERATOR})
        if not is_customer and not is_staff:
            raise NotFound("There is no such order.")
        organisers = self._organisers(concerts)
        is_operator = Role.OPERATOR in self.actor.roles
        managed = frozenset[UUID]()
        if not is_customer:
            managed = frozenset(key for key in concerts if self.actor.manages(organisers.get(key)))
        if not is_customer and not managed and not is_operator:
            raise NotFound("There is no such order.")
        return TimelineReader(self.actor.id, managed, is_customer, organisers)

    def _organisers(self, concerts: Sequence[UUID]) -> dict[UUID, UUID]:
        """Return whose the concerts are: one read, because the first event of each says it."""
        found = self.log.pick([(key, 0) for key in concerts[:_MOST_AT_ONCE]]) if concerts else {}
        created = {
            stored.aggregate_id: decode(stored)
            for stored in found.values()
            if aggregate_type_of(stored) == ConcertEvent.aggregate_type
        }
        return {
            key: event.organiser_id
            for key, event in created.items()
            if isinstance(event, ConcertCreated) and event.organiser_id is not None
        }


def _concerts_of(order: Order) -> list[UUID]:
    return list(dict.fromkeys(line.concert_id for line in order.lines if line.concert_id is not None))


def _page(
    entries: list[TimelineEntry], limit: int, after: Sequence[str] | None
) -> tuple[list[TimelineEntry], list[str] | None]:
    """Cut a page out of the entries. Raises InvalidInput for a key that no page has given."""
    left = entries
    if after is not None:
        at, place, stream, version, part = after if len(after) == _PARTS_OF_KEY else [""] * _PARTS_OF_KEY
        if not (version.isascii() and version.isdigit() and len(version) <= _MOST_DIGITS):
            raise bad_cursor()
        left = [one for one in entries if one.key > (at, place, stream, int(version), part)]
    page = left[:limit]
    return page, [str(part) for part in page[-1].key] if len(left) > limit else None
