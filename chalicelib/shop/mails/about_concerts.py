"""Writes the letters about a concert to those with tickets: that it was moved, postponed or cancelled, or is near."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from chalicelib.platform.eventsourcing.codec import recorded
from chalicelib.platform.eventsourcing.instants import as_utc
from chalicelib.platform.eventsourcing.store import EventStore
from chalicelib.shop.concerts.commands import ConcertFacts
from chalicelib.shop.concerts.events import ConcertCancelled, ConcertMoved, ConcertPostponed
from chalicelib.shop.mails.about_orders import ANYWHERE, OrderWriter
from chalicelib.shop.mails.kinds import MailKind
from chalicelib.shop.mails.letters import Addressed, NotToBeSent
from chalicelib.shop.mails.mail import MailKey

REMINDED_AT_HOUR = 10


class ConcertChange(NamedTuple):
    """The last change of a concert that those with tickets have to know; `number` is the version of its event."""

    kind: MailKind
    number: int
    at: datetime
    refundable_until: datetime | None = None


def last_change(log: EventStore, concert_id: UUID) -> ConcertChange | None:
    """Return the last change of a concert, if there was any: one read.

    Raises LogDamaged or Unavailable.
    """
    return next(reversed(list(changes(log, concert_id))), None)


def changes(log: EventStore, concert_id: UUID) -> Iterator[ConcertChange]:
    """Give the changes of a concert, the oldest first."""
    for stored in log.read(concert_id):
        one = recorded(stored)
        at = as_utc(one.created)
        match one.event:
            case ConcertMoved() as event:
                yield ConcertChange(MailKind.CONCERT_MOVED, one.version, at, event.refundable_until)
            case ConcertPostponed() as event:
                yield ConcertChange(MailKind.CONCERT_POSTPONED, one.version, at, event.refundable_until)
            case ConcertCancelled():
                yield ConcertChange(MailKind.CONCERT_CANCELLED, one.version, at)


def time_to_remind(concert: ConcertFacts) -> datetime | None:
    """Return when to remind those with tickets: at ten in the morning of the day before, where the concert is."""
    if concert.starts_at is None or concert.is_cancelled or not concert.exists:
        return None
    zone = ZoneInfo(concert.venue.time_zone if concert.venue else ANYWHERE)
    day = concert.starts_at.astimezone(zone) - timedelta(days=1)
    return day.replace(hour=REMINDED_AT_HOUR, minute=0, second=0, microsecond=0)


def number_of(starts_at: datetime) -> int:
    """Return the number of the reminders of a concert that starts then: another date has others."""
    return int(starts_at.timestamp())


def about_change(writer: OrderWriter, log: EventStore, key: MailKey) -> Addressed:
    """Write about a change, while it is the last one, to who had tickets when it was made.

    Raises NotToBeSent.
    """
    concert_id = key.about or key.stream_id
    change = last_change(log, concert_id)
    if change is None or change.number != key.number:
        raise NotToBeSent("it was changed again")
    admissions = writer.order.admissions_to(concert_id)
    if not any(one.is_valid or (one.ended_at is not None and one.ended_at >= change.at) for one in admissions):
        raise NotToBeSent("no tickets")
    concert, words, kind = writer.facts(concert_id), writer.words, key.kind
    paragraphs = [words(f"{kind}.intro")]
    if kind is MailKind.CONCERT_CANCELLED:
        paragraphs += [words("concert_cancelled.money")] if writer.order.total.amount else []
    if kind is MailKind.CONCERT_POSTPONED:
        paragraphs.append(words("concert_postponed.later"))
    if change.refundable_until is not None:
        until = words.instant(change.refundable_until, concert.venue.time_zone if concert.venue else ANYWHERE)
        paragraphs.append(words("refundable_until", until=until))
    sections = [] if kind is MailKind.CONCERT_CANCELLED else [writer.section(concert)]
    letter = writer.letter(words(f"{kind}.subject", concert=writer.name(concert)), paragraphs, "see_order", sections)
    return writer.addressed(letter, change.at)


def reminder(writer: OrderWriter, now: datetime, key: MailKey) -> Addressed:
    """Write a reminder, unless the concert has another date by now, is over, or the order has no ticket left.

    Raises NotToBeSent.
    """
    concert = writer.facts(key.about or key.stream_id)
    if concert.starts_at is None or concert.is_cancelled or number_of(concert.starts_at) != key.number:
        raise NotToBeSent("it has another date")
    if now >= concert.starts_at:
        raise NotToBeSent("it has begun")
    if not any(one.is_valid for one in writer.order.admissions_to(concert.id)):
        raise NotToBeSent("no tickets")
    words = writer.words
    subject = words("reminder.subject", concert=writer.name(concert))
    sections = [writer.section(concert)]
    letter = writer.letter(subject, [words("reminder.intro")], "see_tickets", sections, words("why_reminder"))
    return writer.addressed(letter, now)
