"""Tickets that are sold without a shop, counted and certified in memory."""

from collections.abc import Mapping
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from chalicelib.platform.eventsourcing.codec import Origin
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.shop.orders.doors.book import CodeBook
from chalicelib.shop.orders.doors.rules_api import public_key
from chalicelib.shop.orders.proofs import statements
from chalicelib.shop.orders.proofs.certifying import certify, certify_sold_tickets
from chalicelib.shop.orders.proofs.counter import SOLD_COUNTER, SoldCounter, counter_id
from chalicelib.shop.orders.proofs.proving import CertifiedRegisters, get_certificate, prove, signed
from chalicelib.shop.orders.proofs.registers import MemoryRegisters
from chalicelib.shop.orders.proofs.verification import Certificate, KeySet, Proof
from tests.support.shop import TICKET_KEYS, Clock, Shop

ORIGIN = Origin("certify", "correlation", "cause")


class CountingHouse:
    """Is a container of the function that certifies; `sales` has for each concert whether a ticket is valid."""

    certificate_minutes = 1

    def __init__(self) -> None:
        self.shop = Shop(MemoryEventStore())
        self.registers = MemoryRegisters()
        self.sales: dict[UUID, dict[UUID, bool]] = {}
        self.asked: list[str] = []
        self.repository = self.shop.other_container()
        self._salts = count()

    @property
    def clock(self) -> Clock:
        return self.shop.clock

    @property
    def postgres(self) -> "CountingHouse":
        return self

    def fetch_all(self, query: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Answer the statements of the function as Postgres does."""
        self.asked.append(query)
        if query == statements.CONCERTS:
            return [{"id": key} for key in sorted(self.sales)]
        if query == statements.COUNTS:
            of_concerts = [(key, self.sales[key].values()) for key in parameters["concert_ids"]]
            return [{"id": key, "issued": len(of), "sold": sum(of)} for key, of in of_concerts if of]
        assert query == statements.TICKETS
        return [{"id": key, "is_valid": state} for key, state in self.sales[parameters["concert_id"]].items()]

    def sell(self, quantity: int, concert_id: UUID | None = None) -> tuple[UUID, list[UUID]]:
        concert_id, tickets = concert_id or uuid4(), [uuid4() for _ in range(quantity)]
        self.sales.setdefault(concert_id, {}).update(dict.fromkeys(tickets, True))
        return concert_id, tickets

    def revoke(self, concert_id: UUID, *tickets: UUID) -> None:
        self.sales[concert_id].update(dict.fromkeys(tickets, False))

    def certify(self, concert_id: UUID) -> bool:
        """Certify one concert, with salts that are the same in every run."""
        return certify(self, concert_id, ORIGIN, lambda: next(self._salts).to_bytes(16))

    def certify_all(self) -> int:
        return certify_sold_tickets(self)

    def counter(self, concert_id: UUID) -> SoldCounter:
        return self.shop.other_container().load(SOLD_COUNTER, counter_id(concert_id))[0]

    @property
    def book(self) -> CodeBook:
        return CodeBook(self.shop.other_container(), lambda: TICKET_KEYS, self.clock)

    def proof(self, concert_id: UUID, ticket_id: UUID) -> Proof:
        """The proof as a buyer reads it, from a container that has read nothing yet."""
        registers = CertifiedRegisters(self.registers)
        found: Any = prove(self.shop.store, registers, self.book, concert_id, ticket_id)
        return Proof.model_validate(found | {"path": tuple(found["path"])})

    def certificate(self, concert_id: UUID, number: int | None = None) -> Certificate:
        """The certificate as everybody reads it."""
        return Certificate.model_validate(signed(get_certificate(self.shop.store, concert_id, number), self.book))

    def keys(self, concert_id: UUID) -> KeySet:
        keys = tuple(public_key(key) for key, counts in self.book.keys(concert_id) if counts)
        return KeySet.model_validate({"keys": keys})
