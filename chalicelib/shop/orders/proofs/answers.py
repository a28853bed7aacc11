"""Defines what the routes of certificates and proofs answer."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from chalicelib.platform.http.shapes import Count, Id, Instant

Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class SoldCertificate(TypedDict):
    """States how many tickets of a concert were issued by `counted_at`, and how many of them were valid.

    `previous` is the SHA-256 of the statement before it. What is signed is in the page about proofs.
    """

    concert_id: Id
    number: Annotated[int, Field(ge=1)]
    counted_at: Instant
    issued: Count
    sold: Count
    root: Hash
    previous: Hash
    key_id: str
    signature: Annotated[str, Field(pattern=r"^[0-9a-f]{128}$")]


class PathNode(TypedDict):
    """A neighbour on the way to the root: how many tickets below it count, and its hash."""

    count: Count
    hash: Hash


class TicketProof(TypedDict):
    """Proves that the certificate counts the ticket, or that it names it as revoked if `counts` is false."""

    ticket_id: Id
    salt: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    counts: bool
    position: Count
    path: list[PathNode]
    certificate: SoldCertificate


class SoldRegister(TypedDict):
    """A part of the register: from `position` on, each ticket's commitment, and `1` if it counts, or `0`."""

    certificate: SoldCertificate
    position: Count
    tickets: list[Annotated[str, Field(pattern=r"^[0-9a-f]{64}[01]$")]]
