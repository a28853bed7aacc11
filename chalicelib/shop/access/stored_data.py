"""Exports everything that is stored about a person, stream by stream: every event, with the person's names opened.

A page reads as much as its call may, and its cursor goes on in the middle of a stream. Account and list of carts come
first, then each cart and each order, newest first, followed by the allowances and tickets that belong to it.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from chalicelib.platform.errors import TooMuchToRead
from chalicelib.platform.eventsourcing.budget import ReadBudget
from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.eventsourcing.store import EventStore
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.http.paging import bad_cursor
from chalicelib.platform.readmodels.documents.document import Versioned, owner_key, sort_key_of
from chalicelib.shop.access.envelopes import OpenAll, with_names
from chalicelib.shop.carts.commands import carts_of
from chalicelib.shop.carts.events import CartEvent
from chalicelib.shop.inventory.commands import allowance_id
from chalicelib.shop.mails.commands import recipient_stream
from chalicelib.shop.orders.events import OrderEvent

if TYPE_CHECKING:
    from chalicelib.platform.readmodels.documents.projection import DocumentProjection

_SLICE = 100
_DOCUMENTS = 10
_MOST_DIGITS = 15
_TICKETS = 50
"""So many tickets are found in one request: each has two events at most."""

MOST_BYTES = 1_000_000
"""A page ends after so many bytes of events; Lambda returns 6 MB."""

_LISTED = {"cart": CartEvent.aggregate_type, "order": OrderEvent.aggregate_type}
_FIRST = "account"
_SECTIONS = (_FIRST, *_LISTED)


class PlaceInData(NamedTuple):
    """Says where a page begins: at a part of the account, or of a listed document, after a version of its stream."""

    section: str = _FIRST
    sort_key: str = ""
    part: int = 0
    version: int = -1

    @classmethod
    def read(cls, after: Sequence[str] | None) -> "PlaceInData":
        """Read a cursor's key. Raises InvalidInput."""
        if after is None:
            return cls()
        try:
            section, sort_key, part, version = after
            place = cls(section, sort_key, _number(part), _number(version) - 1)
            if section not in _SECTIONS or (section in _LISTED) != bool(sort_key):
                raise bad_cursor()
            _ = place.document_id
        except ValueError:
            raise bad_cursor() from None
        return place

    @property
    def document_id(self) -> UUID | None:
        """Return the id at the end of the sort key. Raises ValueError."""
        return UUID(self.sort_key.rpartition("#")[2]) if self.sort_key else None

    def written(self) -> list[str]:
        return [self.section, self.sort_key, str(self.part), str(self.version + 1)]


@dataclass(frozen=True, slots=True)
class StoredPart:
    """One stream, or the streams of some tickets, which begin at a check-in or a revocation."""

    kind: str
    id: UUID
    tickets: tuple[UUID, ...] = ()
    document: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class StoredData:
    """Reads what is stored about one person."""

    documents: "DocumentProjection"
    log: EventStore
    open_all: OpenAll
    person_id: UUID

    def page(self, budget: ReadBudget, after: Sequence[str] | None) -> tuple[list[JsonObject], list[str] | None]:
        """Return a page, and the key to go on after it. `log` spends the budget.

        Raises InvalidInput, Unavailable, or TooMuchToRead if the budget is not enough for anything.
        """
        items, read, size = list[JsonObject](), False, 0
        for place, part in self._parts(PlaceInData.read(after)):
            if read and (budget.left < 1 or size >= MOST_BYTES):
                return self._named(items), place.written()
            try:
                events = self._events(part, place.version)
            except TooMuchToRead:
                if not read:
                    raise
                return self._named(items), place.written()
            read, size = True, size + sum(len(event.data) for event in events)
            document = part.document if place.version < 0 else None
            if events or document is not None:
                items.append(_item(part, events, document))
            if len(events) == _SLICE and not part.tickets:
                return self._named(items), place._replace(version=events[-1].aggregate_version).written()
        return self._named(items), None

    def _parts(self, start: PlaceInData) -> Iterator[tuple[PlaceInData, StoredPart]]:
        """Give every part from this place on."""
        if start.section == _FIRST:
            own = [
                StoredPart("account", self.person_id),
                StoredPart("list_of_carts", carts_of(self.person_id)),
                StoredPart("mails", recipient_stream(self.person_id)),
            ]
            yield from _placed(start, own)
        for section in _SECTIONS[max(1, _SECTIONS.index(start.section)) :]:
            begun = start if section == start.section else PlaceInData(section)
            if begun.document_id is not None:
                found = self.documents.find(begun.document_id)
                if found is not None and found.document["customer_id"] == str(self.person_id):
                    yield from _placed(begun, self._parts_of(section, found))
            after = [begun.sort_key] if begun.sort_key else None
            owner = owner_key(_LISTED[section], self.person_id)
            while True:
                listed, after = self.documents.list_of(owner, _DOCUMENTS, after)
                for one in listed:
                    yield from _placed(PlaceInData(section, sort_key_of(one)), self._parts_of(section, one))
                if after is None:
                    break

    def _parts_of(self, section: str, found: Versioned) -> list[StoredPart]:
        document = found.document
        lines = document["lines"] if section == "order" else document["items"].values()
        concerts = dict.fromkeys(UUID(line["concert_id"]) for line in lines if line["concert_id"])
        tickets = [UUID(ticket["id"]) for ticket in document.get("tickets", [])]
        chunks = [tuple(tickets[start : start + _TICKETS]) for start in range(0, len(tickets), _TICKETS)]
        stream_id = UUID(document["id"])
        return [
            StoredPart(section, stream_id, document=document),
            *(StoredPart("allowance", allowance_id(key, self.person_id)) for key in concerts),
            *(StoredPart("tickets", stream_id, chunk) for chunk in chunks),
        ]

    def _events(self, part: StoredPart, after: int) -> list[StoredEvent]:
        if not part.tickets:
            return self.log.read_slice(part.id, after, _SLICE)
        places = [(key, version) for key in part.tickets for version in (0, 1)]
        found = self.log.pick(places)
        return [found[place] for place in places if place in found]

    def _named(self, items: list[JsonObject]) -> list[JsonObject]:
        return with_names(items, self.open_all)


def _placed(start: PlaceInData, parts: Sequence[StoredPart]) -> Iterator[tuple[PlaceInData, StoredPart]]:
    """Give the parts from the one on at which `start` is, each with its place."""
    for number, part in list(enumerate(parts))[start.part :]:
        version = start.version if number == start.part else -1
        yield start._replace(part=number, version=version), part


def _item(part: StoredPart, events: Sequence[StoredEvent], document: JsonObject | None) -> JsonObject:
    return {"kind": part.kind, "id": str(part.id), "document": document, "events": [_event(one) for one in events]}


def _event(stored: StoredEvent) -> JsonObject:
    """Show what the event says, without who was its actor: that may be somebody else."""
    return {
        "stream_id": str(stored.aggregate_id),
        "version": stored.aggregate_version,
        "at": stored.created,
        "type": stored.event_type,
        "data": json.loads(stored.data),
    }


def _number(text: str) -> int:
    """Raises ValueError."""
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise ValueError(text)
    return int(text)
