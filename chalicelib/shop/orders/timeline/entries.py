"""Defines an entry of a timeline, and who reads it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from chalicelib.platform.eventsourcing.codec import recorded
from chalicelib.platform.eventsourcing.event import Event, JsonObject
from chalicelib.platform.eventsourcing.instants import as_utc, format_instant
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.money import Money
from chalicelib.shop.orders.order import Order
from chalicelib.shop.orders.timeline.texts import en

_PLACES = {"Cart": "1", "Concert": "2", "Order": "3", "Ticket": "4"}
"""Puts in order what happened at the same moment: each is the cause of what comes after it."""


class By(StrEnum):
    """Says who did something; nobody is named."""

    YOU = "you"
    CUSTOMER = "customer"
    ORGANISER = "organiser"
    SHOP = "shop"
    DOOR = "door"


@dataclass(frozen=True, slots=True)
class TimelineReader:
    """Who reads the timeline: about which concerts of the order, and whether its payments as well."""

    id: UUID
    concerts: frozenset[UUID]
    is_customer: bool
    organisers: Mapping[UUID, UUID] = field(default_factory=dict)

    def sees_all_of(self, order: Order) -> bool:
        """Tell whether the whole order is the reader's business, and so are its sums."""
        return self.is_customer or all(line.concert_id in self.concerts for line in order.lines)

    def sees(self, concert_id: UUID | None) -> bool:
        return self.is_customer or concert_id in self.concerts


@dataclass(frozen=True, slots=True)
class Happened:
    """An event of one of the streams, with what the timeline needs of its place."""

    event: Event
    actor_id: str
    at: datetime
    key: tuple[str, str, str, int]

    @property
    def stream_id(self) -> UUID:
        return UUID(self.key[2])

    @classmethod
    def of(cls, stored: StoredEvent) -> "Happened":
        """Raises LogDamaged."""
        decoded = recorded(stored)
        place = _PLACES.get(decoded.event.aggregate_type, "9")
        key = (stored.created, place, str(stored.aggregate_id), decoded.version)
        return cls(decoded.event, stored.actor_id, as_utc(decoded.created), key)

    def by(self, reader: TimelineReader, order: Order) -> By:
        """Say who did it, as far as the reader may know."""
        if self.actor_id == str(reader.id):
            return By.YOU
        if self.actor_id in {str(order.customer_id), str(order.account_id)}:  # a guest is who joined the order
            return By.YOU if reader.is_customer else By.CUSTOMER
        return By.ORGANISER if self.actor_id in {str(one) for one in reader.organisers.values()} else By.SHOP


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One line of a timeline; `key` sorts it, and says where a page ends."""

    key: tuple[str, str, str, int, str]
    kind: str
    by: By
    facts: JsonObject = field(default_factory=dict)

    def shown(self) -> JsonObject:
        words = {name: _words(value) for name, value in self.facts.items()}
        if "quantity" in self.facts:
            words["tickets"] = en.tickets(self.facts["quantity"])
        text = en.TEXTS[self.kind].format_map({"By": en.BY[self.by], **words})
        return {"at": self.key[0], "kind": self.kind, "by": self.by, "text": text, "facts": self.facts}


def entry(happened: Happened, kind: str, by: By, **facts: Any) -> TimelineEntry:
    """Make an entry; instants, amounts and ids become JSON."""
    return TimelineEntry((*happened.key, ""), kind, by, {name: _json(value) for name, value in facts.items()})


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return format_instant(value)
    if isinstance(value, Money):
        return value.model_dump(mode="json")
    return str(value) if isinstance(value, UUID) else value


def _words(value: Any) -> str:
    """Write a fact as a sentence has it."""
    return f"{value['amount']} {value['currency']}" if isinstance(value, dict) and "amount" in value else str(value)
