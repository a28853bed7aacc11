"""Changes concerts whose tickets are on sale: first the concert, then its pools, one by one (ADR 43)."""

from collections.abc import Callable, Sequence
from typing import NamedTuple
from uuid import UUID

from chalicelib.platform.caller import Caller
from chalicelib.platform.eventsourcing.codec import Origin
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.platform.ownership import done_before, owned
from chalicelib.shop.concerts.concert import CONCERT, Concert, ConcertStatus
from chalicelib.shop.concerts.events import ConcertTermsChanged
from chalicelib.shop.concerts.living import complete_terms_change
from chalicelib.shop.concerts.offers import terms_of_pools, with_changed_terms
from chalicelib.shop.concerts.publication import CHANGED_IN_THE_REQUEST
from chalicelib.shop.inventory.commands import change_terms
from chalicelib.shop.inventory.events import TicketTypeAssignedToArea


class Changed(NamedTuple):
    """The concert's version, and whether all pools have its terms already; if not, its process goes on."""

    version: int
    is_applied: bool = True


def change_with_terms(
    repository: Repository,
    caller: Caller,
    concert_id: UUID,
    decide: Callable[[Session, Concert], Sequence[Event]],
) -> Changed:
    """Append what `decide` returns, and give the pools the terms that follow from it.

    Repeating it finishes what was interrupted.
    Raises NotFound, Forbidden, PreconditionFailed, or what `decide` raises.
    """

    def command(session: Session) -> tuple[Changed, bool]:
        events: list[Event] = []
        concert = owned(session, caller, CONCERT, concert_id)
        version = done_before(session, caller, concert_id)
        if version is None:
            events = with_changed_terms(concert_id, concert, decide(session, concert))
            session.append(CONCERT, concert_id, *events)
            version = session.version(concert_id)
        # A change that leaves the terms alone leaves it to the process to finish an earlier one.
        is_about_terms = not events or isinstance(events[-1], ConcertTermsChanged)
        return Changed(version, not _is_due(session.load(CONCERT, concert_id))), is_about_terms

    changed, is_about_terms = repository.execute(command, caller.origin)
    if changed.is_applied or not is_about_terms:
        return changed
    finished = finish_terms_change(repository, concert_id, caller.origin, CHANGED_IN_THE_REQUEST)
    return changed if finished is None else Changed(finished)


def finish_terms_change(
    repository: Repository, concert_id: UUID, origin: Origin, most_pools: int | None = None
) -> int | None:
    """Give all pools the concert's terms, and return its version; None if only the first `most_pools` got them."""
    concert, version = repository.load(CONCERT, concert_id)
    if not _is_due(concert):
        return version
    publication = concert.publication
    openings = terms_of_pools(concert_id, concert, publication.unapplied, repository.now())
    terms = [opening for opening in openings if not isinstance(opening, TicketTypeAssignedToArea)]
    change_terms(repository, terms[:most_pools], origin)
    if most_pools is not None and len(terms) > most_pools:
        return None

    def complete(session: Session) -> int:
        events = complete_terms_change(session.load(CONCERT, concert_id), publication.terms_version)
        session.append(CONCERT, concert_id, *events)
        return session.version(concert_id)

    return repository.execute(complete, origin)


def _is_due(concert: Concert) -> bool:
    return concert.status is ConcertStatus.PUBLISHED and bool(concert.publication.unapplied)
