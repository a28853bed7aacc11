"""Keeps a timer for each concert, so that its reminders are sent the day before, whatever date it has by then."""

from datetime import datetime
from uuid import UUID, uuid5

from chalicelib.platform.bus.projection import PositionMoved
from chalicelib.platform.errors import Busy
from chalicelib.platform.processes.process import Instance
from chalicelib.shop.concerts.commands import ConcertFacts, facts_of_concert
from chalicelib.shop.mails.about_concerts import number_of, time_to_remind
from chalicelib.shop.mails.kinds import MailKind
from chalicelib.shop.mails.spreading import SpreadingServices, begin_spread

REMINDER = "Reminder"
_TRIES = 20


def set_timer(shop: SpreadingServices, concert_id: UUID) -> None:
    """Set the timer of a concert by the date that it has now. A reminder whose time is past by then is not sent.

    Raises Unavailable.
    """
    concert, now = facts_of_concert(shop.repository, concert_id), shop.clock()
    _set(shop, concert, _next(concert, now))


def remind(shop: SpreadingServices, concert_id: UUID, cause: str) -> None:
    """Have the reminders of a concert sent if their time has come, and set its timer for what comes after.

    Raises Unavailable.
    """
    concert, now = facts_of_concert(shop.repository, concert_id), shop.clock()
    remind_at = time_to_remind(concert)
    if remind_at is not None and concert.starts_at is not None and remind_at <= now < concert.starts_at:
        begin_spread(shop, MailKind.REMINDER, concert_id, number_of(concert.starts_at), cause)
    _set(shop, concert, _next(concert, now))


def timer_id(concert_id: UUID) -> UUID:
    return uuid5(concert_id, "reminder")


def _next(concert: ConcertFacts, now: datetime) -> datetime | None:
    remind_at = time_to_remind(concert)
    return remind_at if remind_at is not None and now < remind_at else None


def _set(shop: SpreadingServices, concert: ConcertFacts, due_at: datetime | None) -> None:
    stream_id = timer_id(concert.id)
    state = {"concert_id": str(concert.id), "due_at": None if due_at is None else due_at.isoformat()}
    for _ in range(_TRIES):
        found = shop.mails.find(stream_id)
        version = -1 if found is None else found.version
        if found is None and due_at is None:
            return
        if found is not None and found.state == state and found.due_at == due_at:
            return
        try:
            shop.mails.save(Instance(stream_id, REMINDER, version + 1, state, due_at), version)
        except PositionMoved:
            continue
        return
    raise Busy(f"Others keep setting the timer of concert {concert.id}.")
