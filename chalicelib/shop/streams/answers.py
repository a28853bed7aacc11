"""Defines what the routes of the log answer."""

from typing import NotRequired

from typing_extensions import TypedDict

from chalicelib.platform.http.shapes import Anything, Id, Version


class StateChange(TypedDict):
    """One difference between the states before and after an event; `path` is a JSON pointer, or `/` for all of it."""

    path: str
    before: Anything
    after: Anything


class StoredEvent(TypedDict):
    """An event as it is stored; personal data is ciphertext, and an organiser sees no ids of other people.

    `changes` is there if it was asked for, and null where that would take too many reads.
    """

    aggregate_id: Id
    aggregate_version: Version
    aggregate_type: str
    created: str
    event_type: str
    schema_version: int
    actor_id: str | None
    correlation_id: str | None
    causation_id: str | None
    previous_hash: str | None
    hash: str | None
    data: Anything
    changes: NotRequired[list[StateChange] | None]
