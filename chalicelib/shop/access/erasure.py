"""Erases a person (ADR 66)."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from chalicelib.platform.errors import NotFound, RuleViolated, facts
from chalicelib.platform.eventsourcing.codec import Origin, aggregate_type_of
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.platform.eventsourcing.store import EventStore
from chalicelib.platform.processes.work import Task, WorkQueue
from chalicelib.platform.readmodels.documents.document import owner_key
from chalicelib.shop.access.account import ACCOUNT
from chalicelib.shop.access.team_commands import leave_all_teams
from chalicelib.shop.concerts.commands import facts_of_concert
from chalicelib.shop.orders.events import OrderEvent

if TYPE_CHECKING:
    from chalicelib.platform.privacy.vault import PersonVault
    from chalicelib.platform.readmodels.documents.projection import DocumentProjection

FINISH_ERASURE = "finish_erasure"
_PAGE = 100
GRACE = timedelta(minutes=1)
"""When a task looks whether an erasure was interrupted: no request lasts so long."""


class OwnsConcerts(RuleViolated):
    """The person organises concerts that are published and not over."""

    code = "owns_concerts"
    fact_types = facts(concert_ids="list[Id]")


def ensure_has_no_concerts_to_come(repository: Repository, candidates: Sequence[UUID]) -> None:
    """Refuse to erase an organiser of these concerts unless all are over or cancelled: somebody has to answer for them.

    Raises OwnsConcerts or Unavailable.
    """
    now = repository.now()
    facts = [facts_of_concert(repository, key) for key in candidates]
    concert_ids = [one.id for one in facts if one.exists and not one.is_cancelled and not one.is_over(now)]
    if concert_ids:
        detail = "Whoever organises concerts that are still to come cannot be erased before they are over or cancelled."
        raise OwnsConcerts(detail, concert_ids=[str(key) for key in concert_ids])


def ensure_known(log: EventStore, vault: "PersonVault", person_id: UUID) -> None:
    """Refuse ids of nobody, because a typing error makes a valid id as well.

    Raises NotFound: the person has neither an account nor a key here. Raises Unavailable.
    """
    stream = log.read_slice(person_id, -1, 1)
    if not (aggregate_type_of(stream[0]) == ACCOUNT.name if stream else vault.knows(person_id)):
        raise NotFound("Nobody with this id has an account or a key.")


def begin_erasure(work_queue: WorkQueue, origin: Origin, person_id: UUID) -> None:
    """Have the erasure finished by a task, should this request not live to do it.

    Raises Unavailable.
    """
    work_queue.send([Task(FINISH_ERASURE, person_id, origin.causation_id)], GRACE)


def other_keys(documents: "DocumentProjection", person_id: UUID) -> Iterator[UUID]:
    """Give the keys under which the person's own orders are sealed, besides the person's.

    An order that was bought as a guest keeps the guest's key when it is joined to an account. One with a key of its own
    id is a complimentary order: its guest is somebody else.
    Raises Unavailable.
    """
    after: list[str] | None = None
    while True:
        orders, after = documents.list_of(owner_key(OrderEvent.aggregate_type, person_id), _PAGE, after)
        for order, _ in orders:
            key = None if order["buyer"] is None else order["buyer"]["key"]
            if key not in {None, order["id"], str(person_id)}:
                yield UUID(key)
        if after is None:
            return


def erase_person(
    repository: Repository, vault: "PersonVault", origin: Origin, person_id: UUID, others: Iterable[UUID] = ()
) -> None:
    """Destroy the person's key and the others, then record it, which takes roles, doors and teams away.

    Then go the keys of the guests as whom the person has bought, and those of the addresses to which the person was
    invited: no more can come to the account. If it is interrupted in between, doing it again finishes it.
    """
    for key in others:
        vault.erase(key)
    vault.erase(person_id)

    def command(session: Session) -> None:
        leave_all_teams(session, person_id)
        session.append(ACCOUNT, person_id, *session.load(ACCOUNT, person_id).erase(session.now))

    repository.execute(command, origin)
    account, _ = repository.load(ACCOUNT, person_id)
    for key in account.guests | account.invitations:
        vault.erase(key)
