"""Where there may be room: which pools to try, and when to refuse without trying.

Sold out is remembered exactly. A sweep reads every pool of a ticket type with one now, and its verdict holds as long as
nobody frees stock before its time or closes a pool (that raises the mark's epoch, in its own transaction), no hold
reaches its deadline, and the sale has not ended. So the crowd that comes after the last ticket costs one read of stock
each, and the mark never hides why one cannot buy.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import TypeAdapter

from chalicelib.platform.errors import Busy, NotFound
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL, TicketPool, TicketsSoldOut, pool_id

MAX_SWEEPS = 5
"""How often tickets may be given back during a sweep before the buyer has to ask again."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """No more than `free` tickets are to be had before `until`: then a hold or the sale ends."""

    free: int
    until: datetime


_VERDICT = TypeAdapter(Verdict)


def hopeful(session: Session, ticket_type_id: UUID, quantity: int) -> Iterator[UUID]:
    """The pools that this container believes to have room.

    One that knows nothing starts with pool 0, which tells how many there are: so its first hold costs one read of
    stock. It stays with the pool that it took from last, because it knows that one best, until it loses a race there;
    then it tries a pool that it has never read: so containers spread, each to a pool of its own as far as they last.
    """
    last = session.choices.get(ticket_type_id)
    if last is not None and last not in session.contended and _has(session, last, quantity):
        yield last
    known = [key for key in _known(session, ticket_type_id) if _has(session, key, quantity)]
    random.shuffle(known)
    yield from (key for key in known if key not in session.contended)
    if session.contended:
        yield from unknown(session, ticket_type_id)[:1]
    yield from (key for key in known if key in session.contended)


def is_known(session: Session, ticket_type_id: UUID) -> bool:
    """Whether this container has read any of the stock: the first that it reads is pool 0."""
    return session.peek(TICKET_POOL, pool_id(ticket_type_id, 0)) is not None


def unknown(session: Session, ticket_type_id: UUID) -> list[UUID]:
    """The pools that this container has never read, in random order."""
    known = set(_known(session, ticket_type_id))
    keys = [key for key in pools_of_type(session, ticket_type_id) if key not in known]
    random.shuffle(keys)
    return keys


def ensure_not_marked(session: Session, ticket_type_id: UUID, quantity: int) -> int:
    """Ask the mark; raises TicketsSoldOut if it knows that there is not enough. Returns the epoch for a sweep."""
    mark = session.find_mark(ticket_type_id)
    if mark.verdict is None:
        return mark.epoch
    verdict = _VERDICT.validate_json(mark.verdict)
    if quantity > verdict.free and session.now < verdict.until:
        session.rely_on_mark()
        raise TicketsSoldOut(verdict.free)
    return mark.epoch


def sweep(session: Session, ticket_type_id: UUID, quantity: int, epoch: int) -> dict[UUID, TicketPool]:
    """Every pool as it is in the log now; what is free over all of them is kept as the verdict of `epoch`.

    If that is less than `quantity`, it was so at one instant: when tickets were given back between two reads, all are
    read again. Raises NotOnSale, and then there is no verdict, or Busy if that goes on and on.
    """
    keys = pools_of_type(session, ticket_type_id)
    for _ in range(MAX_SWEEPS):
        pools = {key: session.read(TICKET_POOL, key).at(session.now) for key in keys}
        ends = [pool.ensure_on_sale().sales_end for pool in pools.values()]
        deadlines = [pool.next_expiry for pool in pools.values() if pool.next_expiry is not None]
        verdict = Verdict(sum(pool.free for pool in pools.values()), min(ends + deadlines))
        is_kept = session.marks.keep_verdict(ticket_type_id, epoch, _VERDICT.dump_json(verdict).decode())
        if is_kept or quantity <= verdict.free:
            return pools
        epoch = session.marks.find_mark(ticket_type_id).epoch
    raise Busy("Tickets are being given back at this moment. Please try again.")


def pools_of_type(session: Session, ticket_type_id: UUID) -> list[UUID]:
    """The ids of all pools of the type. Raises NotFound for a type that is not on sale."""
    terms = session.consider(TICKET_POOL, pool_id(ticket_type_id, 0)).terms
    if terms is None:
        raise NotFound("There is no such ticket type on sale.")
    return [pool_id(ticket_type_id, index) for index in range(terms.pool_count)]


def _known(session: Session, ticket_type_id: UUID) -> list[UUID]:
    keys = pools_of_type(session, ticket_type_id)
    return [key for key in keys if session.peek(TICKET_POOL, key) is not None]


def _has(session: Session, key: UUID, quantity: int) -> bool:
    pool = session.peek(TICKET_POOL, key)
    return pool is not None and quantity <= pool.at(session.now).free
