"""What a concert's organiser lets happen to money and tickets of orders; a stream of its own for each concert (ADR 49).

The stream keeps every policy that there was, so that a customer can rely on the one under which an order was placed.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid5

from chalicelib.platform.errors import RuleViolated, facts
from chalicelib.platform.eventsourcing.aggregate import Aggregate
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.instants import as_utc
from chalicelib.shop.orders.events import RefundPolicySet

MAX_CHANGES = 100


class TooManyPolicies(RuleViolated):
    """The policy was changed too often."""

    code = "too_many_policies"
    fact_types = facts(limit="int")


class TicketsOnReversal(StrEnum):
    """What becomes of tickets when a buyer disputes their payment, or the provider's dashboard refunds all of it.

    At once is when a dispute is opened, final when it is lost. A refund in part revokes nothing, because nobody can
    tell for which ticket it was.
    """

    REVOKE_AT_ONCE = "revoke_at_once"
    REVOKE_WHEN_FINAL = "revoke_when_final"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class PolicyTerms:
    """What holds from one change to the next. Customers may give tickets back until just before `customers_until`."""

    customers_until: datetime | None = None
    fee_percent: int = 0
    tickets_on_reversal: TicketsOnReversal = TicketsOnReversal.REVOKE_WHEN_FINAL

    def lets_customers(self, now: datetime) -> bool:
        return self.customers_until is not None and now < self.customers_until


@dataclass(frozen=True, slots=True)
class RefundPolicy:
    """Keeps all terms with the instant from which each holds, oldest first."""

    organiser_id: UUID | None = None
    changes: tuple[tuple[datetime, PolicyTerms], ...] = ()

    @property
    def terms(self) -> PolicyTerms:
        """Return the terms of today; those of a concert without a policy are the usual ones."""
        return self.changes[-1][1] if self.changes else PolicyTerms()

    def terms_at(self, at: datetime) -> PolicyTerms:
        """Return the terms as they were."""
        return next((terms for since, terms in reversed(self.changes) if since <= at), PolicyTerms())

    def terms_for(self, placed_at: datetime | None, now: datetime, promised: PolicyTerms | None = None) -> PolicyTerms:
        """Return what a customer may go by now: the order's terms, today's or promised ones, whichever keep less."""
        candidates = [self.terms, *([] if placed_at is None else [self.terms_at(placed_at)])]
        candidates += [] if promised is None else [promised]
        return min(_permitting(candidates, now), key=lambda terms: terms.fee_percent, default=self.terms)

    def set_terms(self, concert_id: UUID, organiser_id: UUID | None, terms: PolicyTerms, now: datetime) -> list[Event]:
        """Set the terms; setting those of today changes nothing.

        Raises:
            TooManyPolicies
        """
        until = None if terms.customers_until is None else as_utc(terms.customers_until)
        terms = replace(terms, customers_until=until)
        if self.changes and terms == self.terms:
            return []
        if len(self.changes) >= MAX_CHANGES:
            raise TooManyPolicies(f"The policy was changed {MAX_CHANGES} times, the most it can be.", limit=MAX_CHANGES)
        return [
            RefundPolicySet(
                concert_id=concert_id,
                organiser_id=organiser_id,
                customers_until=until,
                fee_percent=terms.fee_percent,
                tickets_on_reversal=terms.tickets_on_reversal,
                at=max([now, *(since for since, _ in self.changes[-1:])]),
            )
        ]


def _permitting(candidates: Iterable[PolicyTerms], now: datetime) -> list[PolicyTerms]:
    return [terms for terms in candidates if terms.lets_customers(now)]


def evolve(policy: RefundPolicy, event: Event) -> RefundPolicy:
    match event:
        case RefundPolicySet():
            terms = PolicyTerms(event.customers_until, event.fee_percent, _known(event.tickets_on_reversal))
            return RefundPolicy(event.organiser_id, (*policy.changes, (event.at, terms)))
    return policy


def _known(value: str) -> TicketsOnReversal:
    """Take what this version does not know for the usual."""
    known = value in set(TicketsOnReversal)
    return TicketsOnReversal(value) if known else TicketsOnReversal.REVOKE_WHEN_FINAL


def refund_policy_id(concert_id: UUID) -> UUID:
    """Return the id of a concert's policy, which follows from the concert's."""
    return uuid5(concert_id, "refund-policy")


REFUND_POLICY = Aggregate("RefundPolicy", RefundPolicy(), evolve, owner=lambda policy: policy.organiser_id)
