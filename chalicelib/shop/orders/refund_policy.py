"""What a concert's organiser lets happen to money and tickets of orders; a stream of its own for each concert (ADR 49).

The stream keeps every policy that there was, so that a customer can rely on the one under which an order was placed.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from uuid import UUID, uuid5

from chalicelib.platform.errors import RuleViolated, facts
from chalicelib.platform.eventsourcing.aggregate import Aggregate
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.instants import as_utc
from chalicelib.platform.money import MINOR_DIGITS, Money
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
    """What holds from one change to the next.

    Customers may give tickets back until just before `customers_until`, for a share of the price and `fee_per_ticket`,
    and move them until just before `moves_until`.
    """

    customers_until: datetime | None = None
    fee_percent: int = 0
    tickets_on_reversal: TicketsOnReversal = TicketsOnReversal.REVOKE_WHEN_FINAL
    fee_per_ticket: Money | None = None
    moves_until: datetime | None = None

    def lets_customers(self, now: datetime) -> bool:
        return self.customers_until is not None and now < self.customers_until

    def lets_move(self, now: datetime) -> bool:
        return self.moves_until is not None and now < self.moves_until

    def fee_of(self, price: Money, tickets: int) -> Money:
        """Return what is kept of the price of so many tickets, in the currency's digits, and never more than it."""
        digits = Decimal(1).scaleb(-MINOR_DIGITS.get(price.currency, 2))
        share = (price.amount * self.fee_percent / 100).quantize(digits, ROUND_HALF_UP)
        has_fee = self.fee_per_ticket is not None and self.fee_per_ticket.currency == price.currency
        each = self.fee_per_ticket.amount if self.fee_per_ticket is not None and has_fee else Decimal(0)
        return Money.of(min(price.amount, share + each * tickets), price.currency)


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

    def terms_for(self, placed_at: datetime | None) -> tuple[PolicyTerms, ...]:
        """Return what the customer of an order may choose from: today's terms, and those of its time."""
        return self.terms, *(() if placed_at is None else (self.terms_at(placed_at),))

    def set_terms(self, concert_id: UUID, organiser_id: UUID | None, terms: PolicyTerms, now: datetime) -> list[Event]:
        """Set the terms; setting those of today changes nothing.

        Raises:
            TooManyPolicies
        """
        terms = replace(terms, customers_until=_utc(terms.customers_until), moves_until=_utc(terms.moves_until))
        if self.changes and terms == self.terms:
            return []
        if len(self.changes) >= MAX_CHANGES:
            raise TooManyPolicies(f"The policy was changed {MAX_CHANGES} times, the most it can be.", limit=MAX_CHANGES)
        return [
            RefundPolicySet(
                concert_id=concert_id,
                organiser_id=organiser_id,
                customers_until=terms.customers_until,
                fee_percent=terms.fee_percent,
                fee_per_ticket=terms.fee_per_ticket,
                moves_until=terms.moves_until,
                tickets_on_reversal=terms.tickets_on_reversal,
                at=max([now, *(since for since, _ in self.changes[-1:])]),
            )
        ]


def evolve(policy: RefundPolicy, event: Event) -> RefundPolicy:
    match event:
        case RefundPolicySet():
            terms = PolicyTerms(
                event.customers_until,
                event.fee_percent,
                _known(event.tickets_on_reversal),
                event.fee_per_ticket,
                event.moves_until,
            )
            return RefundPolicy(event.organiser_id, (*policy.changes, (event.at, terms)))
    return policy


def _utc(at: datetime | None) -> datetime | None:
    return None if at is None else as_utc(at)


def _known(value: str) -> TicketsOnReversal:
    """Take what this version does not know for the usual."""
    known = value in set(TicketsOnReversal)
    return TicketsOnReversal(value) if known else TicketsOnReversal.REVOKE_WHEN_FINAL


def refund_policy_id(concert_id: UUID) -> UUID:
    """Return the id of a concert's policy, which follows from the concert's."""
    return uuid5(concert_id, "refund-policy")


REFUND_POLICY = Aggregate("RefundPolicy", RefundPolicy(), evolve, owner=lambda policy: policy.organiser_id)
