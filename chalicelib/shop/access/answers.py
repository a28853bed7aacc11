"""Defines what the routes of door staff, accounts, teams and API keys answer."""

from typing import Literal

from typing_extensions import TypedDict

from chalicelib.platform.caller import KeyScope, Role, TeamRole
from chalicelib.platform.http.shapes import Anything, Id, Instant, Version


class DoorStaff(TypedDict):
    """Names somebody who checks tickets in; hours that are null follow the concert's schedule."""

    person_id: Id
    opens_at: Instant | None
    closes_at: Instant | None
    is_supervisor: bool


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


class TeamMember(TypedDict):
    """Names a member. The founder has no `since`; `email` is the address of the invitation, for owners alone."""

    person_id: Id
    role: TeamRole
    since: Instant | None
    email: str | None


class ChangedMember(TypedDict):
    person_id: Id
    role: TeamRole
    version: Version


class OpenInvitation(TypedDict):
    id: Id
    email: str | None
    role: TeamRole
    expires_at: Instant


class MadeInvitation(OpenInvitation):
    """Has the secret with which the invitation is accepted; nobody is told it later."""

    secret: str
    version: Version


class JoinedTeam(TypedDict):
    organiser_id: Id
    role: TeamRole
    version: Version


class ListedApiKey(TypedDict):
    """Describes an API key; `last_used_at` is right to the hour."""

    id: Id
    name: str
    scopes: list[KeyScope]
    created_at: Instant
    expires_at: Instant
    last_used_at: Instant | None


class MadeApiKey(TypedDict):
    """Has the API key as it is sent: `Authorization: Bearer …`. Nobody is told it later."""

    id: Id
    key: str
    name: str
    scopes: list[KeyScope]
    expires_at: Instant
    version: Version


class OwnTeam(TypedDict):
    organiser_id: Id
    role: TeamRole


class OwnDoor(TypedDict):
    """Names a concert, or an organiser for all of its concerts; hours that are null follow the schedule."""

    concert_id: Id | None
    organiser_id: Id | None
    opens_at: Instant | None
    closes_at: Instant | None


class Person(TypedDict):
    """Tells who the caller is; without a second factor, where the stage wants one, nobody has a role of staff."""

    kind: Literal["person"]
    id: Id
    roles: list[Role]
    second_factor_needed: bool
    organisers: list[OwnTeam]
    doors: list[OwnDoor]


class Machine(TypedDict):
    """Tells whose API key the caller has."""

    kind: Literal["api_key"]
    id: Id
    organiser_id: Id
    scopes: list[KeyScope]
