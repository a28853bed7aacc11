"""Makes and revokes the API keys of organisers, for their owners."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chalicelib.platform.caller import Caller
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Load, Session
from chalicelib.platform.http.api_keys import format_key, hash_of
from chalicelib.shop.access.api_key import API_KEY, NewKey
from chalicelib.shop.access.team import TEAM, team_id


@dataclass(frozen=True, slots=True)
class MadeKey:
    """Is an API key as its holder sends it, which nobody can be told later."""

    id: UUID
    text: str
    expires_at: datetime


def create_key(repository: Repository, caller: Caller, organiser_id: UUID, new: NewKey) -> MadeKey:
    """Make an API key. The secret follows from the key's id, so a repeated request tells it again.

    Raises Forbidden, OwnerNeeded, IdempotencyKeyReused, TeamFull or Unavailable.
    """
    caller.actor.ensure_owns(organiser_id)
    key_id, listed_in = caller.request.id, team_id(organiser_id)

    def command(session: Session) -> MadeKey:
        secret = session.ids.secret_of("api-key", key_id)
        key = session.load(API_KEY, key_id, Load.ASSUME_EMPTY)
        events = key.create(organiser_id, new, hash_of(secret), caller.request.request_hash, session.now)
        if events:
            team = session.load(TEAM, listed_in)
            session.append(TEAM, listed_in, *team.list_key(organiser_id, key_id, new, session.now))
        session.append(API_KEY, key_id, *events)
        expires_at = session.load(API_KEY, key_id).expires_at or new.expires_at
        return MadeKey(key_id, format_key(key_id, secret), expires_at)

    return repository.execute(command, caller.origin)


def revoke_key(repository: Repository, caller: Caller, organiser_id: UUID, key_id: UUID) -> int:
    """Revoke an API key, which is refused within a minute, and return its version.

    Raises Forbidden, OwnerNeeded, NotFound or Unavailable.
    """
    caller.actor.ensure_owns(organiser_id)
    listed_in = team_id(organiser_id)

    def command(session: Session) -> int:
        events = session.load(API_KEY, key_id).revoke(organiser_id, session.now)
        session.append(API_KEY, key_id, *events)
        if events:
            session.append(TEAM, listed_in, *session.load(TEAM, listed_in).unlist_key(key_id, session.now))
        return session.version(key_id)

    return repository.execute(command, caller.origin)
