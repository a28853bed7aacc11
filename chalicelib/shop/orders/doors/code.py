"""Writes and reads the code on a ticket: what a door must know without a network, and a signature over it."""

import struct
from dataclasses import dataclass
from uuid import UUID

from chalicelib.platform.errors import BadSignature
from chalicelib.shop.orders.doors import base45

VERSION = 1
SIGNATURE_BYTES = 64
MAX_SERIAL = 255
_LAYOUT = struct.Struct(">B4s16s16s16s16sB")
LENGTH = (_LAYOUT.size + SIGNATURE_BYTES) // 2 * 3
"""201 characters, which fit into QR version 8 at level M."""


class ForgedCode(BadSignature):
    """The code was not made by the shop, or was altered, or misread."""

    code = "forged_code"

    def __init__(self) -> None:
        super().__init__("The shop has not made this code.")


@dataclass(frozen=True, slots=True)
class TicketFacts:
    """What a code says. `serial` counts how often the ticket was reissued before."""

    concert_id: UUID
    order_id: UUID
    ticket_id: UUID
    ticket_type_id: UUID
    serial: int = 0


@dataclass(frozen=True, slots=True)
class SignedFacts:
    """A code as it was read; nobody has looked at the signature yet."""

    key_id: bytes
    facts: TicketFacts
    message: bytes
    signature: bytes


def message_of(key_id: bytes, facts: TicketFacts) -> bytes:
    """Return the bytes that are signed."""
    ids = (facts.concert_id, facts.order_id, facts.ticket_id, facts.ticket_type_id)
    return _LAYOUT.pack(VERSION, key_id, *(key.bytes for key in ids), facts.serial)


def to_code(message: bytes, signature: bytes) -> str:
    return base45.encode(message + signature)


def from_code(text: str) -> SignedFacts:
    """Read a code.

    Raises ForgedCode.
    """
    try:
        content = base45.decode(text)
    except ValueError:
        raise ForgedCode from None
    if len(content) != _LAYOUT.size + SIGNATURE_BYTES or content[0] != VERSION:
        raise ForgedCode
    message, signature = content[: _LAYOUT.size], content[_LAYOUT.size :]
    _, key_id, *ids, serial = _LAYOUT.unpack(message)
    concert_id, order_id, ticket_id, ticket_type_id = (UUID(bytes=key) for key in ids)
    facts = TicketFacts(concert_id, order_id, ticket_id, ticket_type_id, serial)
    return SignedFacts(key_id, facts, message, signature)
