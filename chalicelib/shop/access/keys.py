"""Finds API keys; it imports no more than that, because the authorizer waits for it."""

from uuid import UUID

from chalicelib.platform.caller import KeyGrant
from chalicelib.platform.eventsourcing.streams import Streams
from chalicelib.platform.http.api_keys import KeyRecord
from chalicelib.shop.access.api_key import API_KEY


def find_key(streams: Streams, key_id: UUID) -> KeyRecord | None:
    """Return what the log knows of an API key: one read. Raises Unavailable."""
    key, _ = streams.load(API_KEY, key_id)
    if key.organiser_id is None or key.expires_at is None:
        return None
    grant = KeyGrant(key.organiser_id, frozenset(key.scopes))
    return KeyRecord(grant, key.secret_hash, key.expires_at, key.is_revoked)
