"""Reads a customer's own documents, as new as the reader wants them, or as they were."""

from collections.abc import Sequence
from datetime import datetime
from functools import reduce
from uuid import UUID

from chalicelib.platform.errors import NotFound, ReadModelBehind
from chalicelib.platform.eventsourcing.codec import RecordedEvent, aggregate_type_of, recorded
from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.eventsourcing.history import PointInTime
from chalicelib.platform.eventsourcing.store import EventStore
from chalicelib.platform.readmodels.documents.document import (
    Fold,
    Versioned,
    owner_key,
    sort_key_in,
    sort_key_of,
)
from chalicelib.platform.readmodels.documents.projection import DocumentProjection
from chalicelib.platform.readmodels.min_versions import NOTHING_NAMED, MinVersions
from chalicelib.platform.readmodels.missing import missing_events

MAX_TAIL = 500
"""The most events of one stream that are folded into a document for one reader."""


def read_own(
    documents: DocumentProjection,
    store: EventStore,
    fold: Fold,
    aggregate_type: str,
    stream_id: UUID,
    customer_id: UUID,
    min_versions: MinVersions = NOTHING_NAMED,
) -> Versioned:
    """Return the customer's document, at least as new as the reader wants it.

    What it lacks is folded from the log, and if there is no document yet, all of it.
    Raises NotFound, for another customer's document as well, ReadModelBehind or Unavailable.
    """
    found = _overlaid(documents, store, fold, aggregate_type, stream_id, min_versions)
    if found is None or not _is_of(found.document, aggregate_type, customer_id):
        raise _no_such(aggregate_type)
    min_versions.may_tell_of(stream_id)
    return found


def read_own_as_of(
    store: EventStore, fold: Fold, aggregate_type: str, stream_id: UUID, customer_id: UUID, point: PointInTime
) -> tuple[Versioned, datetime]:
    """Fold the customer's document as it was from the log; return the instant for its clocks as well.

    Raises NotFound, with facts for its owner only, or Unavailable.
    """
    stream = store.read(stream_id)
    if not stream or aggregate_type_of(stream[0]) != aggregate_type:
        raise _no_such(aggregate_type)
    latest = _folded(fold, [recorded(event) for event in stream])
    if not _is_of(latest.document, aggregate_type, customer_id):
        raise _no_such(aggregate_type)
    history = point.of(stream)
    return _folded(fold, history.events), history.at


def list_own(
    documents: DocumentProjection,
    store: EventStore,
    fold: Fold,
    aggregate_type: str,
    customer_id: UUID,
    limit: int,
    after: Sequence[str] | None,
    min_versions: MinVersions,
) -> tuple[list[Versioned], list[str] | None]:
    """List the customer's documents, each that `min_versions` names at least as new as it asks for.

    The second value is the cursor of the next page, None on the last one.
    Raises InvalidInput for a cursor that no page has given, ReadModelBehind or Unavailable.
    """
    page, next_key = documents.list_of(owner_key(aggregate_type, customer_id), limit, after)
    named = _named(documents, store, fold, aggregate_type, min_versions) if min_versions.named else []
    own = [found for found in named if _is_of(found.document, aggregate_type, customer_id)]
    min_versions.may_tell_of(*(UUID(found.document["id"]) for found in own))
    # The index may not have a new document yet, and sort keys fall from page to page: so a named document is on the
    # page where the index will show it, and on no earlier or later one.
    new = [found for found in own if after is None or sort_key_of(found) < sort_key_in(after)]
    known = {sort_key_of(found): found for found in [*page, *new]}
    places = sorted(known, reverse=True)
    more = next_key is not None or len(places) > limit
    return [known[place] for place in places[:limit]], [places[limit - 1]] if more else None


def _named(
    documents: DocumentProjection, log: EventStore, fold: Fold, aggregate_type: str, min_versions: MinVersions
) -> list[Versioned]:
    """Return the named documents, all read in one request, and what they lack in two more."""
    held = {
        key: Versioned(found.contents, found.version)
        for key, found in documents.read(min_versions.named.keys()).items()
    }
    positions = {key: found.version for key, found in held.items()}
    missing = missing_events(log, {aggregate_type}, positions, min_versions)
    return [*(held | {key: _folded(fold, events, held.get(key)) for key, events in missing.items()}).values()]


def _overlaid(
    documents: DocumentProjection,
    store: EventStore,
    fold: Fold,
    aggregate_type: str,
    stream_id: UUID,
    min_versions: MinVersions,
) -> Versioned | None:
    found = documents.find(stream_id)
    if found is not None and not min_versions.lacks(stream_id, found.version):
        return found
    # Of a stream that nobody follows one item is read, however long it is: its id may be that of anything.
    first = store.read_slice(stream_id, -1, 1) if found is None else []
    if found is None and (not first or aggregate_type_of(first[0]) != aggregate_type):
        return None
    position = first[0].aggregate_version if found is None else found.version
    tail = [*first, *store.read_slice(stream_id, position, MAX_TAIL + 1)]
    if len(tail) > MAX_TAIL:
        raise ReadModelBehind(f"The read model lacks more than {MAX_TAIL} events of this; try again later.")
    if not tail or aggregate_type_of(tail[0]) != aggregate_type:
        return found
    if found is None:
        min_versions.lacks(stream_id, -1)
    return _folded(fold, [recorded(event) for event in tail], found)


def _folded(fold: Fold, events: Sequence[RecordedEvent], found: Versioned | None = None) -> Versioned:
    """Fold the events, one at least, into the document."""
    first, *others = events
    document = fold(None if found is None else found.document, first)
    return Versioned(reduce(fold, others, document), events[-1].version)


def _is_of(document: JsonObject, aggregate_type: str, customer_id: UUID) -> bool:
    return (document["type"], document["customer_id"]) == (aggregate_type, str(customer_id))


def _no_such(aggregate_type: str) -> NotFound:
    return NotFound(f"There is no such {aggregate_type.lower()}.")
