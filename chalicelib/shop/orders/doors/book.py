"""Makes the codes of tickets, and says of a code that is shown what it is."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from chalicelib.platform.brief_cache import BriefCache
from chalicelib.platform.errors import Expired
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.shop.orders.doors.code import ForgedCode, SignedFacts, TicketFacts, from_code, message_of, to_code
from chalicelib.shop.orders.doors.rules import DOORS, Doors, doors_id

if TYPE_CHECKING:
    from chalicelib.shop.orders.doors.keys import TicketKey, TicketKeys

MEMORY = timedelta(minutes=1)
"""How old what a container knows of a concert's doors may be."""


class KeyRevoked(Expired):
    """The shop has made this code, with a key that it has withdrawn since."""

    code = "key_revoked"


class CodeBook:
    """Knows the keys and rules of concerts' doors, as they were at most a minute ago. It asks anew before it refuses.

    Its methods raise Unavailable.
    """

    def __init__(self, repository: Repository, keys: "Callable[[], TicketKeys]", clock: Callable[[], datetime]) -> None:
        self._keys = keys
        self._doors = BriefCache(lambda concert_id: repository.load(DOORS, doors_id(concert_id))[0], clock, MEMORY)

    def doors(self, concert_id: UUID) -> Doors:
        return self._doors.get(concert_id)

    def refresh(self, concert_id: UUID) -> None:
        """Read the concert's doors anew, because they were just changed by way of this container."""
        self._doors.get_fresh(concert_id)

    def write(self, facts: TicketFacts) -> str:
        """Return the code of a ticket, signed with its concert's key."""
        key = self.signing_key(facts.concert_id)
        message = message_of(key.id, facts)
        return to_code(message, key.sign(message))

    def signing_key(self, concert_id: UUID) -> "TicketKey":
        return self._keys().current(concert_id, self.doors(concert_id).generation)

    def keys(self, concert_id: UUID) -> "list[tuple[TicketKey, bool]]":
        """Return all keys of a concert, newest first, each with whether it still counts."""
        doors = self.doors(concert_id)
        return [(key, key.generation not in doors.revoked) for key in self._keys().all(concert_id, doors.generations)]

    def read(self, text: str) -> TicketFacts:
        """Return what a code says, if the shop has signed it.

        Raises ForgedCode or KeyRevoked.
        """
        signed = from_code(text)
        concert_id = signed.facts.concert_id
        found = self._find(signed) or self._find(signed, self._doors.get_fresh(concert_id))
        if found is None:
            raise ForgedCode
        if found.generation in self._doors.get(concert_id).revoked:
            raise KeyRevoked("The code was signed with a key that was revoked; the ticket has a new one.")
        return signed.facts

    def _find(self, signed: SignedFacts, doors: Doors | None = None) -> "TicketKey | None":
        concert_id = signed.facts.concert_id
        doors = doors or self.doors(concert_id)
        keys = self._keys().all(concert_id, doors.generations)
        known = [key for key in keys if key.id == signed.key_id]
        return next((key for key in known if key.has_signed(signed.message, signed.signature)), None)
