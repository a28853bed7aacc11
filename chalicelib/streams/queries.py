"""Reading one stream of the log, event by event."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from pydantic_core import from_json

from chalicelib.caller import Actor, Role
from chalicelib.errors import Forbidden, LogDamaged, NotFound
from chalicelib.eventsourcing.aggregate import Aggregate
from chalicelib.eventsourcing.codec import aggregate_type_of, decode
from chalicelib.eventsourcing.event import JsonObject
from chalicelib.eventsourcing.store import EventStore
from chalicelib.eventsourcing.stored import StoredEvent
from chalicelib.streams.changes import changes_between


def list_events(
    store: EventStore, aggregates: Mapping[str, Aggregate[Any]], actor: Actor, stream_id: UUID
) -> list[JsonObject]:
    """The history of a stream for those who may see it: operators every one, organisers their own.

    Raises NotFound or Forbidden.
    """
    stored = store.read(stream_id)
    if Role.OPERATOR not in actor.roles:
        _ensure_owner(aggregates, stored, actor)
    return history(stored, aggregates)


def history(stored: Sequence[StoredEvent], aggregates: Mapping[str, Aggregate[Any]]) -> list[JsonObject]:
    """Every event as it is stored, in order, each with what it changed; personal data as ciphertext.

    Raises NotFound for a stream without events.
    """
    if not stored:
        raise NotFound("There is no such stream.")
    aggregate = aggregates.get(aggregate_type_of(stored[0]))
    state = aggregate.initial if aggregate else None
    items = []
    for event in stored:
        before, state = state, _evolved(aggregate, state, event)
        items.append(_item(event) | {"changes": changes_between(before, state)})
    return items


def _ensure_owner(aggregates: Mapping[str, Aggregate[Any]], stored: Sequence[StoredEvent], actor: Actor) -> None:
    if not stored:
        raise NotFound("There is no such stream.")
    aggregate = aggregates.get(aggregate_type_of(stored[0]))
    owner = aggregate.owner(aggregate.fold(map(decode, stored))) if aggregate else None
    if owner is None or owner != actor.id:
        raise Forbidden("This stream belongs to somebody else.")


def _evolved(aggregate: Aggregate[Any] | None, state: Any, event: StoredEvent) -> Any:
    """The state after the event; one that cannot be read is shown and changes nothing."""
    if aggregate is None:
        return state
    try:
        return aggregate.fold([decode(event)], state)
    except LogDamaged:
        return state


def _item(event: StoredEvent) -> JsonObject:
    return {
        "aggregate_id": str(event.aggregate_id),
        "aggregate_version": event.aggregate_version,
        "aggregate_type": aggregate_type_of(event),
        "created": event.created,
        "event_type": event.event_type,
        "schema_version": event.schema_version,
        "actor_id": event.actor_id,
        "correlation_id": event.correlation_id,
        "causation_id": event.causation_id,
        "previous_hash": event.previous_hash,
        "hash": event.hash,
        "data": _data(event),
    }


def _data(event: StoredEvent) -> Any:
    try:
        return from_json(event.data)
    except ValueError:
        return event.data
