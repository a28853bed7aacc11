"""Makes and reads the tokens by which somebody unsubscribes without signing in: nobody else can make one."""

import re
from hmac import compare_digest
from uuid import UUID

from chalicelib.platform.errors import NotFound
from chalicelib.platform.ids import IdKey

_SIGNED_BYTES = 16
_TOKEN = re.compile(r"[0-9a-f]{64}")


def token_for(recipient_id: UUID, ids: IdKey) -> str:
    return recipient_id.hex + _signature(recipient_id, ids)


def read_token(token: str, ids: IdKey) -> UUID:
    """Return who unsubscribes.

    Raises NotFound.
    """
    if not _TOKEN.fullmatch(token):
        raise NotFound("There is no such link.")
    recipient_id = UUID(token[:32])
    if not compare_digest(_signature(recipient_id, ids), token[32:]):
        raise NotFound("There is no such link.")
    return recipient_id


def _signature(recipient_id: UUID, ids: IdKey) -> str:
    return ids.signature_of("unsubscribe", recipient_id)[:_SIGNED_BYTES].hex()
