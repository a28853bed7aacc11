"""Defines a customer's allowance for one concert: what this person holds or has bought never exceeds the limit.

It commits with the pools that it counts, so it is as exact as they are, and its time, like a pool's, never goes back.
There is one only where the organiser limits what a customer may have (ADR 16).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import UUID, uuid5

from chalicelib.platform.errors import RuleViolated, facts
from chalicelib.platform.eventsourcing.aggregate import Aggregate
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.shop.inventory.events import (
    AllowanceEvent,
    AllowanceReturned,
    AllowanceTaken,
    BoughtAllowanceReturned,
)

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class CustomerLimitExceeded(RuleViolated):
    """One customer cannot have so many tickets of this concert."""

    code = "customer_limit_exceeded"
    fact_types = facts(limit="int", taken="int")

    def __init__(self, limit: int, taken: int) -> None:
        super().__init__(
            f"One customer can have at most {limit} tickets of this concert; you have {taken}.",
            limit=limit,
            taken=taken,
        )


@dataclass(frozen=True, slots=True)
class Claim:
    """The tickets that a hold counts until just before `expires_at`."""

    quantity: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Allowance:
    bought: Mapping[UUID, int] = field(default_factory=dict)
    claims: Mapping[UUID, Claim] = field(default_factory=dict)
    last_at: datetime = _LONG_AGO

    @property
    def taken(self) -> int:
        """Return how many tickets the customer held or had bought at the time of the last event."""
        return sum(self.bought.values()) + sum(claim.quantity for claim in self.claims.values())

    def at(self, now: datetime) -> "Allowance":
        """Return the allowance as it is at `now`, or at its last event if that is later, without ended claims."""
        now = max(now, self.last_at)
        return replace(
            self, claims={k: claim for k, claim in self.claims.items() if now < claim.expires_at}, last_at=now
        )

    def take(self, taking: AllowanceTaken, limit: int, *, is_held: bool = False) -> list[Event]:
        """Count a hold, in the place of what it counted before; `taking.at` is now by the clock.

        What is counted already may stay, also when the limit has been lowered since. So may what `is_held`: it was
        admitted before there was a limit, and nobody who holds tickets or has paid for them is refused them for it.
        Raises CustomerLimitExceeded.
        """
        allowance = self.at(taking.at)
        others = allowance.without(taking.hold_id).taken
        if not is_held and others + taking.quantity > max(limit, allowance.taken):
            raise CustomerLimitExceeded(limit, others)
        return [taking.model_copy(update={"at": allowance.last_at})]

    def give_back(self, hold_id: UUID, now: datetime) -> list[Event]:
        """Count a hold no more; a claim that has ended is given back already."""
        allowance = self.at(now)
        return [AllowanceReturned(hold_id=hold_id, at=allowance.last_at)] if hold_id in allowance.claims else []

    def give_back_bought(self, hold_id: UUID, quantity: int, now: datetime) -> list[Event]:
        """Count bought tickets no more, at most as many as are counted."""
        quantity = min(quantity, self.bought.get(hold_id, 0))
        if quantity < 1:
            return []
        return [BoughtAllowanceReturned(hold_id=hold_id, quantity=quantity, at=self.at(now).last_at)]

    def without(self, hold_id: UUID) -> "Allowance":
        return replace(self, claims={key: claim for key, claim in self.claims.items() if key != hold_id})


def evolve(allowance: Allowance, event: Event) -> Allowance:
    if not isinstance(event, AllowanceEvent):
        return allowance
    allowance = allowance.at(event.at)
    match event:
        case AllowanceTaken(expires_at=None):
            return replace(
                allowance.without(event.hold_id), bought=_changed(allowance.bought, event.hold_id, event.quantity)
            )
        case AllowanceTaken(expires_at=datetime() as expires_at):
            claims = {**allowance.claims, event.hold_id: Claim(event.quantity, expires_at)}
            return replace(allowance, claims=claims)
        case AllowanceReturned():
            return allowance.without(event.hold_id)
        case BoughtAllowanceReturned():
            return replace(allowance, bought=_changed(allowance.bought, event.hold_id, -event.quantity))
    return allowance


def _changed(bought: Mapping[UUID, int], hold_id: UUID, by: int) -> Mapping[UUID, int]:
    changed = {**bought, hold_id: bought.get(hold_id, 0) + by}
    return {key: quantity for key, quantity in changed.items() if quantity > 0}


def allowance_id(concert_id: UUID, customer_id: UUID) -> UUID:
    """Return the id of a customer's allowance for a concert, which follows from both ids."""
    return uuid5(concert_id, f"allowance/{customer_id}")


ALLOWANCE = Aggregate("Allowance", Allowance(), evolve)
