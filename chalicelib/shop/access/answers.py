"""Defines what the routes of door staff and accounts answer."""

from typing import Literal

from typing_extensions import TypedDict

from chalicelib.platform.http.shapes import Anything, Id, Instant, Version


class DoorStaff(TypedDict):
    """Names somebody who checks tickets in; hours that are null follow the concert's schedule."""

    person_id: Id
    opens_at: Instant | None
    closes_at: Instant | None


class AccountState(TypedDict):
    person_id: Id
    disabled: bool


class DataEvent(TypedDict):
    """An event as it is stored, with the person's names opened."""

    stream_id: Id
    version: Version
    at: Instant
    type: str
    data: Anything


class DataItem(TypedDict):
    """A part of what is stored about a person; `document` is the state of a cart or an order, with its first events."""

    kind: Literal["account", "list_of_carts", "cart", "order", "allowance", "tickets"]
    id: Id
    document: Anything
    events: list[DataEvent]
