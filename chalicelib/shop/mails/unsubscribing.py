"""Reads the requests by which somebody unsubscribes without signing in; nobody else can make the token of one."""

import re
from email import message_from_bytes, policy
from hmac import compare_digest
from urllib.parse import parse_qsl
from uuid import UUID

from chalicelib.platform.errors import InvalidInput, NotFound
from chalicelib.platform.ids import IdKey

_SIGNED_BYTES = 16
_TOKEN = re.compile(r"[0-9a-f]{64}")


def ensure_one_click(body: bytes, content_type: str) -> None:
    """Check that a body has `List-Unsubscribe=One-Click`, in either way of RFC 8058, or nothing, as our own page sends.

    Raises InvalidInput.
    """
    if body and _fields(body, content_type) != [("List-Unsubscribe", "One-Click")]:
        raise InvalidInput("Send the form of RFC 8058.", (("#", "must be List-Unsubscribe=One-Click"),))


def _fields(body: bytes, content_type: str) -> list[tuple[str, str]]:
    if not content_type.lower().startswith("multipart/form-data"):
        return parse_qsl(body.decode(errors="replace"), keep_blank_values=True)
    parts = message_from_bytes(f"Content-Type: {content_type}\n\n".encode() + body, policy=policy.default).iter_parts()
    return [(str(part.get_param("name", "", "Content-Disposition")), part.get_content().strip()) for part in parts]


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
