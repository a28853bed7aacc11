"""Makes entries of what happened around an order: in its cart, to its concerts, and at the door."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.shop.carts.events import (
    CartCheckedOut,
    CartCreated,
    CartHoldsExtended,
    CartItemAdded,
    CartItemRemoved,
    CartLine,
)
from chalicelib.shop.concerts.events import ConcertCancelled, ConcertMoved, ConcertPostponed
from chalicelib.shop.mails.events import MailBounced, MailComplained
from chalicelib.shop.orders.doors.movements import Direction
from chalicelib.shop.orders.events import OfflineScanRecorded, TicketCheckedIn, TicketCheckInUndone, TicketExited
from chalicelib.shop.orders.order import Order
from chalicelib.shop.orders.timeline.entries import By, Happened, TimelineEntry, TimelineReader, entry


def entries_of_cart(order: Order, cart: Sequence[Happened], reader: TimelineReader) -> Iterator[TimelineEntry]:
    """Give what happened before the order was placed, as far as the reader may see the lines it is about.

    A hold that has ended says so by its deadline alone, so it is told when the line goes.
    """
    lines: dict[UUID, CartLine] = {}
    for happened in cart:
        before, lines = lines, _lines_after(lines, happened.event)
        seen = {key: line for key, line in (before | lines).items() if reader.sees(line.concert_id)}
        yield from _of_cart(happened, seen, happened.by(reader, order))


def _lines_after(lines: dict[UUID, CartLine], event: Event) -> dict[UUID, CartLine]:
    match event:
        case CartItemAdded():
            return {**lines, event.item.id: event.item}
        case CartItemRemoved():
            return {key: line for key, line in lines.items() if key != event.item_id}
        case CartHoldsExtended():
            until = {one.item_id: {"expires_at": one.expires_at} for one in event.lines}
            return {key: line.model_copy(update=until.get(key, {})) for key, line in lines.items()}
    return lines


def _of_cart(happened: Happened, lines: Mapping[UUID, CartLine], by: By) -> Iterator[TimelineEntry]:
    match happened.event:
        case CartCreated():
            yield entry(happened, "cart_opened", by)
        case CartItemAdded(item=item) if item.id in lines:
            yield entry(happened, "tickets_held", by, **_line(item), until=item.expires_at)
        case CartHoldsExtended() as event:
            own = [one.expires_at for one in event.lines if one.item_id in lines]
            if own:
                yield entry(happened, "holds_extended", by, until=max(own))
        case CartItemRemoved(item_id=item_id) if item_id in lines:
            yield from _lapsed(happened, [lines[item_id]])
            yield entry(happened, "tickets_removed", by, **_line(lines[item_id]))
        case CartCheckedOut():
            yield from _lapsed(happened, lines.values())


def entries_of_concert(
    order: Order, concert_id: UUID, concert: Sequence[Happened], reader: TimelineReader, since: datetime
) -> Iterator[TimelineEntry]:
    """Give the changes of a concert since the order was placed."""
    name = next((line.concert_name for line in order.lines if line.concert_id == concert_id), "")
    facts = {"concert_id": concert_id, "concert_name": name}
    for happened in concert:
        if happened.at < since:
            continue
        by = happened.by(reader, order)
        match happened.event:
            case ConcertMoved() as event:
                more = {"starts_at": event.start_date, "refundable_until": event.refundable_until}
                yield entry(happened, "concert_moved", by, **facts, **more)
            case ConcertPostponed() as event:
                yield entry(happened, "concert_postponed", by, **facts, refundable_until=event.refundable_until)
            case ConcertCancelled():
                yield entry(happened, "concert_cancelled", by, **facts)


def entries_of_tickets(tickets: Sequence[Happened], reader: TimelineReader) -> Iterator[TimelineEntry]:
    """Give who came in and went out, and which scan was undone; who stood at the door is nobody's business."""
    for happened in tickets:
        kind, concert_id = _at_the_door(happened.event)
        if kind is not None and reader.sees(concert_id):
            yield entry(happened, kind, By.DOOR, ticket_id=happened.stream_id, concert_id=concert_id)


def entries_of_mails(order_id: UUID, recipient: Sequence[Happened]) -> Iterator[TimelineEntry]:
    """Give the mails about the order that came back, or that the buyer called unwanted."""
    for happened in recipient:
        match happened.event:
            case MailBounced(subject_id=subject_id) as event if subject_id == order_id:
                yield entry(happened, "mail_bounced", By.SHOP, mail=event.kind)
            case MailComplained(subject_id=subject_id) as event if subject_id == order_id:
                yield entry(happened, "mail_unwanted", By.CUSTOMER, mail=event.kind)


def _at_the_door(event: Event) -> tuple[str | None, UUID | None]:
    """Return what a ticket's event tells of the doors, and of which concert's."""
    match event:
        case TicketCheckedIn() | OfflineScanRecorded(direction=Direction.IN):
            return "ticket_checked_in", event.concert_id
        case TicketExited() | OfflineScanRecorded(direction=Direction.OUT):
            return "ticket_left", event.concert_id
        case TicketCheckInUndone():
            return "scan_undone", event.concert_id
    return None, None


def _lapsed(happened: Happened, lines: Iterable[CartLine]) -> Iterator[TimelineEntry]:
    """Give the holds among these that had ended by then."""
    for line in lines:
        if line.expires_at is not None and line.expires_at <= happened.at:
            key = (format_instant(line.expires_at), *happened.key[1:], str(line.id))
            yield replace(entry(happened, "hold_lapsed", By.SHOP, **_line(line)), key=key)


def _line(line: CartLine) -> dict[str, object]:
    return line.model_dump(mode="json", include={"concert_id", "concert_name", "ticket_type_name", "quantity"})
