"""Defines an API key: whose it is, what it may do, and whether it was revoked."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from chalicelib.platform.caller import KeyScope
from chalicelib.platform.errors import IdempotencyKeyReused, NotFound
from chalicelib.platform.eventsourcing.aggregate import Aggregate
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.shop.access.events import ApiKeyCreated, ApiKeyRevoked


@dataclass(frozen=True, slots=True)
class NewKey:
    """Describes an API key that is to be made."""

    name: str
    scopes: tuple[KeyScope, ...]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ApiKey:
    organiser_id: UUID | None = None
    scopes: tuple[KeyScope, ...] = ()
    secret_hash: str = ""
    expires_at: datetime | None = None
    request_hash: str = ""
    is_revoked: bool = False

    def create(
        self, organiser_id: UUID, new: NewKey, secret_hash: str, request_hash: str, now: datetime
    ) -> list[Event]:
        """Make the key; the same request again changes nothing.

        Raises:
            IdempotencyKeyReused: another request made this key.
        """
        if self.organiser_id is not None:
            if self.request_hash != request_hash:
                raise IdempotencyKeyReused
            return []
        created = ApiKeyCreated(
            organiser_id=organiser_id,
            scopes=new.scopes,
            secret_hash=secret_hash,
            expires_at=new.expires_at,
            request_hash=request_hash,
            at=now,
        )
        return [created]

    def revoke(self, organiser_id: UUID, now: datetime) -> list[Event]:
        """Revoke the key; revoking it again changes nothing.

        Raises:
            NotFound: the organiser has no such key.
        """
        if self.organiser_id != organiser_id:
            raise NotFound("There is no such API key.")
        return [] if self.is_revoked else [ApiKeyRevoked(at=now)]


def evolve(key: ApiKey, event: Event) -> ApiKey:
    match event:
        case ApiKeyCreated():
            return ApiKey(event.organiser_id, event.scopes, event.secret_hash, event.expires_at, event.request_hash)
        case ApiKeyRevoked():
            return replace(key, is_revoked=True)
    return key


API_KEY = Aggregate("ApiKey", ApiKey(), evolve, owner=lambda key: key.organiser_id)
