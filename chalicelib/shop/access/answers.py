"""Defines what the routes of door staff and accounts answer."""

from typing_extensions import TypedDict

from chalicelib.platform.http.shapes import Id, Instant


class DoorStaff(TypedDict):
    """Names somebody who checks tickets in; hours that are null follow the concert's schedule."""

    person_id: Id
    opens_at: Instant | None
    closes_at: Instant | None


class AccountState(TypedDict):
    person_id: Id
    disabled: bool
