"""A customer's allowance for one concert: what this person has of it, held or bought, never exceeds the limit.

It commits with the pools that it is about, so it is as exact as they are, and like a pool's its time never goes back.
There is one only where the organiser limits what a customer may have.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import UUID, uuid5

from chalicelib.platform.errors import RuleViolated
from chalicelib.platform.eventsourcing.aggregate import Aggregate
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.shop.inventory.events import AllowanceEvent, AllowanceReturned, AllowanceTaken

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class CustomerLimitExceeded(RuleViolated):
    code = "customer_limit_exceeded"

    def __init__(self, limit: int, taken: int) -> None:
        super().__init__(
            f"At most {limit} tickets of this concert for one customer; you have {taken}.", limit=limit, taken=taken
        )


@dataclass(frozen=True, slots=True)
class Claim:
    """What a hold counts, and until when."""

    quantity: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Allowance:
    bought: int = 0
    claims: Mapping[UUID, Claim] = field(default_factory=dict)
    last_at: datetime = _LONG_AGO

    @property
    def taken(self) -> int:
        """What the customer had at the time of the last event."""
        return self.bought + sum(claim.quantity for claim in self.claims.values())

    def at(self, now: datetime) -> "Allowance":
        """The allowance as it is at `now`, or at its last event if that is later: ended claims are gone."""
        now = max(now, self.last_at)
        return replace(
            self, claims={k: claim for k, claim in self.claims.items() if now < claim.expires_at}, last_at=now
        )

    def take(self, taking: AllowanceTaken, limit: int) -> list[Event]:
        """Count a hold, or from now on otherwise than before; `taking.at` is now by the clock.

        Raises CustomerLimitExceeded.
        """
        allowance = self.at(taking.at)
        others = allowance.without(taking.hold_id).taken
        if others + taking.quantity > limit:
            raise CustomerLimitExceeded(limit, others)
        return [taking.model_copy(update={"at": allowance.last_at})]

    def give_back(self, hold_id: UUID, now: datetime) -> list[Event]:
        """A claim that has ended is given back already."""
        allowance = self.at(now)
        return [AllowanceReturned(hold_id=hold_id, at=allowance.last_at)] if hold_id in allowance.claims else []

    def without(self, hold_id: UUID) -> "Allowance":
        return replace(self, claims={key: claim for key, claim in self.claims.items() if key != hold_id})


def evolve(allowance: Allowance, event: Event) -> Allowance:
    if not isinstance(event, AllowanceEvent):
        return allowance
    allowance = allowance.at(event.at)
    match event:
        case AllowanceTaken(expires_at=None):
            return replace(allowance.without(event.hold_id), bought=allowance.bought + event.quantity)
        case AllowanceTaken(expires_at=datetime() as expires_at):
            claims = {**allowance.claims, event.hold_id: Claim(event.quantity, expires_at)}
            return replace(allowance, claims=claims)
        case AllowanceReturned():
            return allowance.without(event.hold_id)
    return allowance


def allowance_id(concert_id: UUID, customer_id: UUID) -> UUID:
    """The id of a customer's allowance for a concert: known without asking."""
    return uuid5(concert_id, f"allowance/{customer_id}")


ALLOWANCE = Aggregate("Allowance", Allowance(), evolve)
