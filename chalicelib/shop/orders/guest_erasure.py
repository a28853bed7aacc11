"""Erases the guest of a complimentary order, whose name has a key of its own and who has no account."""

from typing import TYPE_CHECKING
from uuid import UUID

from chalicelib.platform.caller import Caller
from chalicelib.platform.errors import NotFound
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.shop.concerts.commands import facts_of_concert
from chalicelib.shop.orders.order import ORDER, Order

if TYPE_CHECKING:
    from chalicelib.platform.privacy.vault import PersonVault


def erase_guest(repository: Repository, vault: "PersonVault", caller: Caller, order_id: UUID) -> None:
    """Destroy the guest's key, then record it; the tickets stay valid.

    If it is interrupted in between, doing it again finishes it.
    Raises NotFound, also for an order whose buyer has an account, Forbidden or Unavailable.
    """
    order, _ = repository.load(ORDER, order_id)
    if not _has_guest(order, order_id):
        raise NotFound("There is no such guest.")
    for concert_id in {line.concert_id for line in order.lines if line.concert_id is not None}:
        caller.actor.ensure_manages(facts_of_concert(repository, concert_id).organiser_id)
    vault.erase(order_id)

    def command(session: Session) -> None:
        order = session.load(ORDER, order_id)
        session.append(ORDER, order_id, *order.erase_buyer(session.now))

    repository.execute(command, caller.origin)


def _has_guest(order: Order, order_id: UUID) -> bool:
    return order.issued_by is not None and order.buyer is not None and order.buyer.key == str(order_id)
