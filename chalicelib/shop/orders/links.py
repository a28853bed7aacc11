"""Signs the links by which a guest comes back to an order (ADR 63).

A link is a text of 72 characters that holds the order, the number of the link and until when it is valid, and their
signature under the key of ids. So nobody else makes one, a forged one costs no look at the log, and the mail needs no
more than the order to make the first one.
"""

import re
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hmac import compare_digest
from uuid import UUID

from chalicelib.platform.errors import NotFound
from chalicelib.platform.ids import IdKey

VALID_FOR = timedelta(days=365)
"""How long a link is valid, from the payment deadline of its order, or from when it was issued anew."""

LENGTH = 72
_LAYOUT = struct.Struct(">16sHI")
_TEXT = re.compile(rf"[A-Za-z0-9_-]{{{LENGTH}}}")


@dataclass(frozen=True, slots=True)
class SignedLink:
    """A link as it is sent to the guest."""

    text: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class OrderLink:
    """Link number 0 comes with the order, and each one that is issued later ends those of before.

    `expires_at` has whole seconds.
    """

    order_id: UUID
    number: int
    expires_at: datetime

    def signed(self, ids: IdKey) -> SignedLink:
        contents = _LAYOUT.pack(self.order_id.bytes, self.number, int(self.expires_at.timestamp()))
        return SignedLink(urlsafe_b64encode(contents + _signature(contents, ids)).decode(), self.expires_at)


def first_link(order_id: UUID, payment_due_at: datetime) -> OrderLink:
    """Return the link that comes with an order: the same whenever it is asked for."""
    return OrderLink(order_id, 0, expiry(payment_due_at))


def expiry(since: datetime) -> datetime:
    """Return until when a link of this instant is valid."""
    return since.replace(microsecond=0) + VALID_FOR


def read_link(text: str, ids: IdKey) -> OrderLink:
    """Return what a link says, if it is one of ours.

    Raises NotFound.
    """
    if not _TEXT.fullmatch(text):
        raise NotFound("There is no such link.")
    raw = urlsafe_b64decode(text)
    contents = raw[: _LAYOUT.size]
    if not compare_digest(_signature(contents, ids), raw[_LAYOUT.size :]):
        raise NotFound("There is no such link.")
    order_id, number, expires_at = _LAYOUT.unpack(contents)
    return OrderLink(UUID(bytes=order_id), number, datetime.fromtimestamp(expires_at, UTC))


def _signature(contents: bytes, ids: IdKey) -> bytes:
    return ids.signature_of("link of an order", contents.hex())
