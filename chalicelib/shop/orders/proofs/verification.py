"""Checks a proof without the shop: with the public keys of its concert, and what else somebody has kept of it."""

import hashlib
from base64 import urlsafe_b64decode
from collections.abc import Iterator, Mapping
from typing import Annotated
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import BaseModel, ConfigDict, Field

from chalicelib.shop.orders.proofs.counter import statement
from chalicelib.shop.orders.proofs.tree import Node, commitment_of, leaf, root_by

Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0, lt=2**53)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)


class Certificate(_Strict):
    """A certificate as the shop shows it."""

    concert_id: str
    number: Count
    counted_at: str
    issued: Count
    sold: Count
    root: Hash
    previous: Hash
    key_id: str
    signature: Annotated[str, Field(pattern=r"^[0-9a-f]{128}$")]

    @property
    def statement(self) -> bytes:
        facts = (self.concert_id, self.number, self.counted_at, self.issued, self.sold, self.root, self.previous)
        return statement(*facts)


class Neighbour(_Strict):
    count: Count
    hash: Hash


class Proof(_Strict):
    """A proof as the shop shows it; JSON has the ticket's id as a text."""

    ticket_id: Annotated[UUID, Field(strict=False)]
    salt: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    counts: bool
    position: Count
    path: tuple[Neighbour, ...]
    certificate: Certificate


class VerifyingKey(_Strict):
    kid: str
    x: str


class KeySet(_Strict):
    """The answer of `GET /concerts/{id}/ticket-keys`."""

    keys: tuple[VerifyingKey, ...]

    def by_id(self) -> Mapping[str, Ed25519PublicKey]:
        """Return the keys by their ids.

        Raises ValueError.
        """
        return {key.kid: Ed25519PublicKey.from_public_bytes(urlsafe_b64decode(f"{key.x}=")) for key in self.keys}


def faults_of(
    proof: Proof, keys: KeySet, published: Certificate | None = None, earlier: Proof | None = None
) -> list[str]:
    """Return what is wrong with a proof: nothing if the ticket is counted as it says.

    `published` is the certificate of which everybody else knows, and `earlier` a proof of the same ticket.
    Raises ValueError for a key that is none.
    """
    found = [*_signature_faults(proof.certificate, keys), *_path_faults(proof)]
    if published is not None:
        found += [*_signature_faults(published, keys), *_differences(proof.certificate, published)]
    if earlier is not None:
        found += [*faults_of(earlier, keys), *_contradictions(earlier, proof)]
    return list(dict.fromkeys(found))


def _signature_faults(certificate: Certificate, keys: KeySet) -> Iterator[str]:
    key = keys.by_id().get(certificate.key_id)
    if key is None:
        yield f"certificate {certificate.number} names the key {certificate.key_id}, which is not among the keys"
        return
    try:
        key.verify(bytes.fromhex(certificate.signature), certificate.statement)
    except InvalidSignature:
        yield f"certificate {certificate.number} was not signed by the shop, or was changed"


def _path_faults(proof: Proof) -> Iterator[str]:
    certificate = proof.certificate
    commitment = commitment_of(bytes.fromhex(proof.salt) + proof.ticket_id.bytes)
    path = [Node(neighbour.count, bytes.fromhex(neighbour.hash)) for neighbour in proof.path]
    root = root_by(path, leaf(commitment, proof.counts), proof.position, certificate.issued)
    if root is None or root.hash.hex() != certificate.root:
        yield f"the ticket is not in the tree of certificate {certificate.number} as the proof says"
    elif root.counted != certificate.sold:
        yield f"certificate {certificate.number} says {certificate.sold} sold, and its tree has {root.counted}"


def _differences(shown: Certificate, published: Certificate) -> Iterator[str]:
    if shown.concert_id != published.concert_id:
        yield "the published certificate is that of another concert"
    elif shown.number != published.number:
        yield f"the published certificate is number {published.number}, and the proof is about number {shown.number}"
    elif shown.statement != published.statement:
        yield f"there are two certificates with the number {shown.number}: others were told something else"


def _contradictions(earlier: Proof, later: Proof) -> Iterator[str]:
    """Give what is against the rule that a counted ticket keeps its place, and leaves only as a revoked one."""
    before, after = earlier.certificate, later.certificate
    if (earlier.ticket_id, before.concert_id) != (later.ticket_id, after.concert_id):
        yield "the earlier proof is about another ticket"
        return
    if before.number > after.number:
        yield f"the earlier proof is about certificate {before.number}, which is newer"
        return
    if (earlier.position, earlier.salt) != (later.position, later.salt):
        yield "the ticket has lost its place in the register"
    if later.counts and not earlier.counts:
        yield "the ticket was revoked, and counts again"
    if after.issued < before.issued:
        yield f"{before.issued} tickets had been issued before, and now only {after.issued}"
    if before.number == after.number and before.statement != after.statement:
        yield f"there are two certificates with the number {after.number}: others were told something else"
    if before.number + 1 == after.number and after.previous != hashlib.sha256(before.statement).hexdigest():
        yield f"certificate {after.number} does not follow the certificate {before.number} of the earlier proof"
