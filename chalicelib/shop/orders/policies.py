"""Sets and reads the refund policies of concerts."""

from uuid import UUID

from chalicelib.platform.caller import Caller
from chalicelib.platform.errors import InvalidInput, NotFound
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Load, Session
from chalicelib.platform.ownership import done_before
from chalicelib.shop.concerts.commands import facts_of_concert
from chalicelib.shop.orders.refund_policy import (
    REFUND_POLICY,
    PolicyTerms,
    RefundPolicy,
    TicketsOnReversal,
    refund_policy_id,
)


def set_policy(repository: Repository, caller: Caller, concert_id: UUID, terms: PolicyTerms) -> int:
    """Set what holds from now on for a concert of an organiser that the caller owns; return the policy's version.

    Raises NotFound, Forbidden, OwnerNeeded, PreconditionFailed, TooManyPolicies, or InvalidInput for a fee in another
    currency.
    """
    concert = facts_of_concert(repository, concert_id)
    if not concert.exists:
        raise NotFound("There is no such concert.")
    caller.actor.ensure_owns(concert.organiser_id)
    fee, sold_in = terms.fee_per_ticket, ", ".join(sorted(concert.currencies))
    if fee is not None and concert.currencies and concert.currencies != {fee.currency}:
        reason = f"must be {sold_in}, as the tickets are"
        raise InvalidInput(f"The currency {reason}.", (("#/fee_per_ticket/currency", reason),))
    key = refund_policy_id(concert_id)

    def command(session: Session) -> int:
        policy = session.load(REFUND_POLICY, key)
        if (version := done_before(session, caller, key)) is not None:
            return version
        events = policy.set_terms(concert_id, concert.organiser_id, terms, session.now)
        session.append(REFUND_POLICY, key, *events)
        return session.version(key)

    return repository.execute(command, caller.origin)


def find_policy(repository: Repository, concert_id: UUID) -> tuple[PolicyTerms, int]:
    """Return the terms of today, and the policy's version, which is -1 if none was ever set.

    Raises NotFound for an unknown concert.
    """
    policy, version = repository.load(REFUND_POLICY, refund_policy_id(concert_id))
    if version < 0 and not facts_of_concert(repository, concert_id).exists:
        raise NotFound("There is no such concert.")
    return policy.terms, version


def policy_of(session: Session, concert_id: UUID) -> RefundPolicy:
    """Return a concert's policy as the log has it now."""
    return session.load(REFUND_POLICY, refund_policy_id(concert_id), Load.FRESH)


def tickets_on_reversal(session: Session, concert_id: UUID) -> TicketsOnReversal:
    """Return what today's policy lets become of tickets whose money is away."""
    return policy_of(session, concert_id).terms.tickets_on_reversal
