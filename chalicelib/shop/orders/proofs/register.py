"""Keeps the tickets of a concert in the order in which they were first counted, each with its salt and its state."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple
from uuid import UUID

from chalicelib.platform.errors import Misconfigured
from chalicelib.shop.orders.proofs.tree import Tree, commitment_of, leaf_bytes

SALT_BYTES = 16
_SALTED_ID = SALT_BYTES + 16
RECORD_BYTES = _SALTED_ID + 1
_STATES = (b"\x00", b"\x01")


class RegisterContradicted(Misconfigured):
    """The sales say of a ticket that was counted before what cannot be: an operator must look."""

    code = "register_contradicted"


class RegisteredTicket(NamedTuple):
    """One ticket; `position` is its place in the register, for good."""

    position: int
    salt: bytes
    is_valid: bool


class Register:
    """Holds 33 bytes a ticket: salt, id and state. The same bytes always have the same root."""

    __slots__ = ("content",)

    def __init__(self, content: bytes = b"") -> None:
        if len(content) % RECORD_BYTES:
            raise Misconfigured("A register of tickets is damaged.")
        self.content = content

    def __len__(self) -> int:
        return len(self.content) // RECORD_BYTES

    def find(self, ticket_id: UUID) -> RegisteredTicket | None:
        """Return the entry of a ticket, if it has one."""
        place = self.content.find(ticket_id.bytes)
        while place >= 0 and place % RECORD_BYTES != SALT_BYTES:
            place = self.content.find(ticket_id.bytes, place + 1)
        if place < 0:
            return None
        start = place - SALT_BYTES
        return RegisteredTicket(start // RECORD_BYTES, self.content[start:place], self.content[start + _SALTED_ID] == 1)

    def tree(self) -> Tree:
        return Tree(leaf_bytes(commitment_of(salted_id), is_valid) for salted_id, is_valid in self._records())

    def public_list(self) -> list[str]:
        """Return what anybody may see: for each ticket its commitment, and `1` if it counts, or `0`."""
        return [f"{commitment_of(salted_id).hex()}{is_valid:d}" for salted_id, is_valid in self._records()]

    def followed_by(self, states: Mapping[bytes, bool], new_salt: Callable[[], bytes]) -> "Register":
        """Return the register with new tickets at its end, in this order, and with the states of today.

        `states` tells by the bytes of its id whether a ticket is valid. A ticket that was counted stays in its place
        for ever, and can only become invalid.
        Raises RegisterContradicted.
        """
        known = {salted_id[SALT_BYTES:]: salted_id + _STATES[is_valid] for salted_id, is_valid in self._records()}
        for ticket_id, record in known.items():
            is_valid = states.get(ticket_id)
            if is_valid is None or is_valid > record[-1]:
                said = "revoked" if is_valid else "counted"
                raise RegisterContradicted(f"Ticket {UUID(bytes=ticket_id)} was {said}, and the sales say otherwise.")
            known[ticket_id] = record[:-1] + _STATES[is_valid]
        added = (new_salt() + key + _STATES[is_valid] for key, is_valid in states.items() if key not in known)
        return Register(b"".join((*known.values(), *added)))

    def _records(self) -> Iterator[tuple[bytes, bool]]:
        content = self.content
        for start in range(0, len(content), RECORD_BYTES):
            end = start + _SALTED_ID
            yield content[start:end], content[end] == 1
