"""Finds certificates, and proves of a ticket that a certificate counts it."""

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from chalicelib.platform.errors import Misconfigured, NotFound, RuleViolated, facts
from chalicelib.platform.eventsourcing.codec import decode
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.eventsourcing.store import EventStore
from chalicelib.shop.orders.events import SoldTicketsCertified
from chalicelib.shop.orders.proofs.counter import counter_id, statement_of
from chalicelib.shop.orders.proofs.register import RECORD_BYTES, Register

if TYPE_CHECKING:
    from chalicelib.shop.orders.doors.book import CodeBook
    from chalicelib.shop.orders.proofs.answers import SoldCertificate, TicketProof
    from chalicelib.shop.orders.proofs.registers import Registers
    from chalicelib.shop.orders.proofs.tree import Tree

_MOST = 8
"""How many trees a container holds: one of 80,000 tickets, with its register, takes 9 MB."""


class NotCountedYet(RuleViolated):
    """The ticket was sold after the newest certificate; the next one will count it."""

    code = "not_counted_yet"
    fact_types = facts(counted_at="NotRequired[Instant]")


class Certified(NamedTuple):
    """A register with its tree, as a certificate has it."""

    register: Register
    tree: "Tree"


class CertifiedRegisters:
    """Holds the registers that a container was last asked about, whose roots were computed anew."""

    def __init__(self, registers: "Registers") -> None:
        self.stored = registers
        self._known: OrderedDict[tuple[UUID, str], Certified] = OrderedDict()
        self._lock = Lock()

    def get(self, concert_id: UUID, root: str) -> Certified:
        """Return the register with this root.

        Raises Unavailable, also if what is stored has another root.
        """
        key = concert_id, root
        with self._lock:
            if key not in self._known:
                register = Register(self.stored.read(concert_id, root))
                found = Certified(register, register.tree())
                if found.tree.root.hash.hex() != root:
                    raise Misconfigured("A register of tickets is damaged.")
                self._known[key] = found
                if len(self._known) > _MOST:
                    self._known.popitem(last=False)
            self._known.move_to_end(key)
            return self._known[key]


def find_certificate(log: EventStore, concert_id: UUID, number: int | None = None) -> SoldTicketsCertified | None:
    """Return a concert's certificate of this number, or the newest one: one read of the log.

    Raises Unavailable.
    """
    key = counter_id(concert_id)
    found = log.read_last(key, 1) if number is None else log.read_slice(key, number - 2, 1)
    events = [decode(event) for event in found]
    return next((event for event in events if isinstance(event, SoldTicketsCertified)), None)


def get_certificate(log: EventStore, concert_id: UUID, number: int | None = None) -> SoldTicketsCertified:
    """Return a concert's certificate of this number, or the newest one.

    Raises NotFound or Unavailable.
    """
    found = find_certificate(log, concert_id, number)
    if found is None:
        raise NotFound("There is no such certificate: the first one comes within the hour after the first sale.")
    return found


def signed(certified: SoldTicketsCertified, book: "CodeBook") -> "SoldCertificate":
    """Return a certificate, signed with the key that signs the concert's tickets today.

    Raises Unavailable.
    """
    key = book.signing_key(certified.concert_id)
    return {
        "concert_id": str(certified.concert_id),
        "number": certified.number,
        "counted_at": format_instant(certified.counted_at),
        "issued": certified.issued,
        "sold": certified.sold,
        "root": certified.root,
        "previous": certified.previous,
        "key_id": key.name,
        "signature": key.sign(statement_of(certified)).hex(),
    }


def list_part(registers: "Registers", certified: SoldTicketsCertified, position: int, limit: int) -> list[str]:
    """Return what anybody may see of so many tickets of a certificate, from a position on.

    Raises Unavailable.
    """
    end = min(position + limit, certified.issued)
    if position >= end:
        return []
    start, until = position * RECORD_BYTES, end * RECORD_BYTES
    return Register(registers.read(certified.concert_id, certified.root, start, until)).public_list()


def prove(
    log: EventStore, registers: CertifiedRegisters, book: "CodeBook", concert_id: UUID, ticket_id: UUID
) -> "TicketProof":
    """Prove that the newest certificate counts a ticket, or that it names it as revoked.

    Raises NotCountedYet or Unavailable.
    """
    certified = find_certificate(log, concert_id)
    if certified is None:
        raise NotCountedYet("No ticket of this concert has been counted yet.")
    register, tree = registers.get(concert_id, certified.root)
    entry = register.find(ticket_id)
    if entry is None:
        counted_at = format_instant(certified.counted_at)
        raise NotCountedYet("The ticket has not been counted yet.", counted_at=counted_at)
    return {
        "ticket_id": str(ticket_id),
        "salt": entry.salt.hex(),
        "counts": entry.is_valid,
        "position": entry.position,
        "path": [{"count": node.counted, "hash": node.hash.hex()} for node in tree.path(entry.position)],
        "certificate": signed(certified, book),
    }
