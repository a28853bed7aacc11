"""What holds at the doors of one concert, in a stream of its own: re-entry, and the generations of the signing key."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid5

from chalicelib.platform.errors import NotFound, RuleViolated, facts
from chalicelib.platform.eventsourcing.aggregate import Aggregate
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.shop.orders.events import DoorRulesSet, TicketKeyRevoked, TicketKeyRotated

MAX_KEYS = 100


class TooManyKeys(RuleViolated):
    """The concert has had as many keys as it can have."""

    code = "too_many_keys"
    fact_types = facts(limit="int")

    def __init__(self) -> None:
        super().__init__(f"The concert has had {MAX_KEYS} keys, the most it can have.", limit=MAX_KEYS)


@dataclass(frozen=True, slots=True)
class Doors:
    """Has the usual rules and the first key until somebody says otherwise."""

    organiser_id: UUID | None = None
    has_reentry: bool = False
    are_set: bool = False
    generation: int = 1
    revoked: frozenset[int] = frozenset()

    @property
    def generations(self) -> range:
        """Return every generation there was, the revoked ones included."""
        return range(1, self.generation + 1)

    def set_rules(self, concert_id: UUID, organiser_id: UUID | None, has_reentry: bool, now: datetime) -> list[Event]:
        """Set the rules, once also to the usual ones; setting those of today again changes nothing."""
        if self.are_set and has_reentry == self.has_reentry:
            return []
        return [DoorRulesSet(concert_id=concert_id, organiser_id=organiser_id, has_reentry=has_reentry, at=now)]

    def rotate_key(self, concert_id: UUID, reason: str, now: datetime) -> list[Event]:
        """Sign with another key from now on; what the ones before have signed still counts.

        Raises TooManyKeys.
        """
        if self.generation >= MAX_KEYS:
            raise TooManyKeys
        return [TicketKeyRotated(concert_id=concert_id, generation=self.generation + 1, reason=reason, at=now)]

    def revoke_key(self, concert_id: UUID, generation: int, reason: str, now: datetime) -> list[Event]:
        """Refuse what a key has signed, and sign with another one if it was today's; again it changes nothing.

        Raises:
            NotFound: there is no such generation.
            TooManyKeys
        """
        if generation not in self.generations:
            raise NotFound("The concert has no such key.")
        if generation in self.revoked:
            return []
        rotated = self.rotate_key(concert_id, reason, now) if generation == self.generation else []
        return [*rotated, TicketKeyRevoked(concert_id=concert_id, generation=generation, reason=reason, at=now)]


def evolve(doors: Doors, event: Event) -> Doors:
    match event:
        case DoorRulesSet():
            return replace(doors, organiser_id=event.organiser_id, has_reentry=event.has_reentry, are_set=True)
        case TicketKeyRotated():
            return replace(doors, generation=event.generation)
        case TicketKeyRevoked():
            return replace(doors, revoked=doors.revoked | {event.generation})
    return doors


def doors_id(concert_id: UUID) -> UUID:
    """Return the id of a concert's doors, which follows from the concert's."""
    return uuid5(concert_id, "doors")


DOORS = Aggregate("Doors", Doors(), evolve, owner=lambda doors: doors.organiser_id)
