"""Counts a concert's tickets and certifies what it finds, away from every purchase."""

import logging
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Protocol
from uuid import UUID, uuid4

from chalicelib.platform import metrics
from chalicelib.platform.eventsourcing.codec import Origin
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.shop.orders.proofs import statements
from chalicelib.shop.orders.proofs.counter import SOLD_COUNTER, SoldCounter, counter_id
from chalicelib.shop.orders.proofs.register import SALT_BYTES, Register, RegisterContradicted
from chalicelib.shop.orders.proofs.registers import Registers

if TYPE_CHECKING:
    from chalicelib.platform.readmodels.postgres.pool import Reader

logger = logging.getLogger(__name__)

COUNTED_FOR = timedelta(days=30)
"""How long after its beginning a concert is counted: refunds and disputes come later."""

_CONCERTS_AT_ONCE = 20


class CertifyingServices(Protocol):
    """Declares what this schedule uses of a container."""

    @property
    def certificate_minutes(self) -> int: ...

    @property
    def repository(self) -> Repository: ...

    @property
    def postgres(self) -> "Reader": ...

    @property
    def registers(self) -> Registers: ...

    def clock(self) -> datetime: ...


def certify_sold_tickets(shop: CertifyingServices) -> int:
    """Certify the concerts whose turn it is and whose tickets have changed since; return how many those are.

    Each has its minute of every quarter of an hour, or of the time that the stage sets, so that the work is spread. A
    concert whose sales contradict what was certified is named in the log and gets no certificate.
    Raises Unavailable.
    """
    now, every, total = shop.clock(), shop.certificate_minutes, 0
    origin, minute = Origin("certify", str(uuid4()), format_instant(now)), int(now.timestamp()) // 60
    concerts = shop.postgres.fetch_all(statements.CONCERTS, {"since": now - COUNTED_FOR})
    due = [row["id"] for row in concerts if row["id"].int % every == minute % every]
    for concert_id, issued, sold in _counts(shop.postgres, due):
        if _is_certified(shop.repository, counter_id(concert_id), issued, sold):
            continue
        try:
            total += certify(shop, concert_id, origin, partial(secrets.token_bytes, SALT_BYTES))
        except RegisterContradicted:
            metrics.count("CertificatesContradicted")
            logger.exception("the tickets sold of concert %s cannot be certified", concert_id)
    return total


def certify(shop: CertifyingServices, concert_id: UUID, origin: Origin, new_salt: Callable[[], bytes]) -> bool:
    """Count the concert's tickets and append a certificate; return False if there is nothing new to certify.

    Of two at once, one appends. Raises RegisterContradicted or Unavailable.
    """
    key = counter_id(concert_id)
    counter, _ = shop.repository.load(SOLD_COUNTER, key)
    counted_at = shop.clock()
    states = _states(shop.postgres, concert_id)
    if counter.has_counted(len(states), sum(states.values())):
        return False
    register = _certified(shop.registers, concert_id, counter).followed_by(states, new_salt)
    root = register.tree().root
    shop.registers.put(concert_id, root.hash.hex(), register.content)

    def command(session: Session) -> bool:
        current = session.load(SOLD_COUNTER, key)
        if current.number != counter.number:
            return False
        found = (len(register), root.counted, root.hash.hex())
        session.append(SOLD_COUNTER, key, *current.certify(concert_id, *found, counted_at, session.now))
        return True

    return shop.repository.execute(command, origin)


def _is_certified(repository: Repository, key: UUID, issued: int, sold: int) -> bool:
    """Tell whether a certificate has these numbers; the log is asked if this container knows of none."""
    known = repository.cached(SOLD_COUNTER, key)
    if known is None or not known.state.has_counted(issued, sold):
        counter, _ = repository.load(SOLD_COUNTER, key)
        return counter.has_counted(issued, sold)
    return True


def _certified(registers: Registers, concert_id: UUID, counter: SoldCounter) -> Register:
    """Return the register of the last certificate, which must have its root.

    Raises RegisterContradicted or Unavailable.
    """
    if not counter.number:
        return Register()
    register = Register(registers.read(concert_id, counter.root))
    if register.tree().root.hash.hex() != counter.root:
        raise RegisterContradicted(f"The register of certificate {counter.number} is not the one that was certified.")
    return register


def _counts(sales: "Reader", concert_ids: Sequence[UUID]) -> Iterator[tuple[UUID, int, int]]:
    """Give for each concert how many tickets were issued and are valid."""
    for start in range(0, len(concert_ids), _CONCERTS_AT_ONCE):
        some = concert_ids[start : start + _CONCERTS_AT_ONCE]
        for row in sales.fetch_all(statements.COUNTS, {"concert_ids": some}):
            yield row["id"], row["issued"], row["sold"]


def _states(sales: "Reader", concert_id: UUID) -> Mapping[bytes, bool]:
    """Return whether each ticket is valid, by the bytes of its id, in the order in which they were issued."""
    rows = sales.fetch_all(statements.TICKETS, {"concert_id": concert_id})
    return {row["id"].bytes: row["is_valid"] for row in rows}
