"""Signatures of webhooks: HMAC-SHA256 over `<timestamp>.<raw body>`, in one header with the timestamp.

`Payment-Signature: t=1893499200,v1=<hex>`. The timestamp is signed, so a recorded request cannot be sent again later.
"""

import hashlib
import hmac
import re
from datetime import datetime, timedelta

from chalicelib.platform.errors import BadSignature

HEADER = "payment-signature"
TOLERANCE = timedelta(minutes=5)
"""How far the provider's clock and ours may be apart, the way of the message included."""

_FORM = re.compile(r"t=(\d{1,12}),v1=([0-9a-f]{64})")


def sign(secret: str, body: bytes, now: datetime) -> str:
    """The header's value."""
    timestamp = int(now.timestamp())
    return f"t={timestamp},v1={_digest(secret, timestamp, body)}"


def ensure_signed(secret: str, body: bytes, signature: str, now: datetime) -> None:
    """Raises BadSignature."""
    found = _FORM.fullmatch(signature)
    if found is None:
        raise BadSignature("The signature is missing or malformed.")
    timestamp = int(found[1])
    if not hmac.compare_digest(found[2], _digest(secret, timestamp, body)):
        raise BadSignature("The signature does not fit the body.")
    if abs(now.timestamp() - timestamp) > TOLERANCE.total_seconds():
        raise BadSignature("The signature is too old.")


def _digest(secret: str, timestamp: int, body: bytes) -> str:
    return hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
