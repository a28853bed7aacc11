"""Corrects the name or the address of an order's buyer, which stay sealed with the same person's key."""

from typing import TYPE_CHECKING
from uuid import UUID

from chalicelib.platform.caller import Caller
from chalicelib.platform.errors import RuleViolated
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.platform.ownership import done_before
from chalicelib.shop.orders.events import BuyerCorrected
from chalicelib.shop.orders.order import ORDER
from chalicelib.shop.orders.refunding import standing_of

if TYPE_CHECKING:
    from chalicelib.platform.privacy.vault import PersonVault


class BuyerUnknown(RuleViolated):
    """The order is of the original, which stored no buyer, or the person is erased."""

    code = "buyer_unknown"


def correct_buyer(
    repository: Repository, vault: "PersonVault", caller: Caller, order_id: UUID, changes: dict[str, str]
) -> int:
    """Change what is named, for the customer, an organiser of the order's concerts or an operator; return the version.

    Correcting to what is there already changes nothing.
    Raises NotFound, IdempotencyKeyReused, PreconditionFailed, BuyerUnknown or Unavailable.
    """
    standing_of(repository, caller.actor, order_id)

    def command(session: Session) -> int:
        order = session.load(ORDER, order_id)
        known = None if order.buyer is None else vault.open(order.buyer)
        if order.buyer is None or known is None:
            raise BuyerUnknown("Nobody knows any more who bought this.")
        person_id = UUID(order.buyer.key)
        request_hash = vault.digest(person_id, caller.request.request_hash)  # the body names a person
        if (version := done_before(session, caller, order_id, request_hash)) is not None:
            return version
        if known | changes != known:
            buyer = vault.seal(person_id, known | changes)
            session.append(ORDER, order_id, BuyerCorrected(buyer=buyer, at=session.now))
        return session.version(order_id)

    return repository.execute(command, caller.origin)
