"""Creates, changes, publishes and cancels concerts, for organisers."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

from chalicelib.platform.caller import Caller
from chalicelib.platform.errors import IdempotencyKeyReused, InvalidInput, NotFound
from chalicelib.platform.eventsourcing.codec import Origin
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Load, Session
from chalicelib.platform.ownership import change_owned, done_before, owned
from chalicelib.shop.concerts.capacity_changes import CapacityChange, StockChange
from chalicelib.shop.concerts.concert import (
    CONCERT,
    CapacityBelowCommitted,
    Concert,
    ConcertDetails,
    ConcertStatus,
    VenueGone,
)
from chalicelib.shop.concerts.events import (
    ConcertAreaCapacityChanged,
    ConcertAreaCapacityChangeRefused,
    ConcertCapacityChanged,
    ConcertCapacityChangeRefused,
    ConcertTicketTypeAdded,
    ShownVenue,
    TicketType,
)
from chalicelib.shop.concerts.offers import terms_of_pools
from chalicelib.shop.concerts.on_sale import (
    Confirmation,
    ensure_more_fit,
    ensure_within_capacity,
    openings_a_commit,
    pools_of_areas,
    pools_of_types,
)
from chalicelib.shop.concerts.publication import RefundPromise, refundable_until
from chalicelib.shop.concerts.terms import Changed, change_with_terms
from chalicelib.shop.inventory.commands import (
    Opening,
    are_cleared,
    change_capacity,
    close_pools,
    largest_capacity,
    list_uncleared,
    open_pools,
    pools_of,
)
from chalicelib.shop.venues.commands import (
    VenueDetails,
    VenueNotShared,
    VenueWasDeleted,
    ensure_venue_usable,
    find_venue,
)

CLOSED_IN_THE_REQUEST = 100
"""The most pools that the request itself closes, which takes about a second; a concert may have thousands."""

FOREVER = datetime.max.replace(tzinfo=UTC)


_ENDS_OF_CHANGES = (
    ConcertCapacityChanged,
    ConcertCapacityChangeRefused,
    ConcertAreaCapacityChanged,
    ConcertAreaCapacityChangeRefused,
)


@dataclass(frozen=True, slots=True)
class ConcertFacts:
    """Tells other contexts whose a concert is, when, and of which pools; `exists` is false also for a deleted draft.

    `currencies` are those of its ticket types: one, if it is on sale. `venue` is the copy that a published concert has;
    one that was published before there were copies has none. `planned` are the dates that it has or had, also
    while it is postponed; `version` is that of its stream.
    """

    id: UUID
    exists: bool
    organiser_id: UUID | None
    starts_at: datetime | None
    ends_at: datetime | None
    promises: tuple[RefundPromise, ...] = ()
    is_cancelled: bool = False
    currencies: frozenset[str] = frozenset()
    pool_ids: tuple[UUID, ...] = ()
    venue: ShownVenue | None = None
    venue_id: UUID | None = None
    planned: tuple[datetime, datetime] | None = None
    version: int = -1
    name: str = ""
    is_postponed: bool = False

    def is_over(self, now: datetime) -> bool:
        """Tell whether the concert has ended; one without a date has not."""
        return self.ends_at is not None and self.ends_at <= now

    def refundable_until(self, bought_at: datetime) -> datetime | None:
        """Return until when a ticket bought then may be given back, because the concert was changed or cancelled later.

        None if it may not.
        """
        return FOREVER if self.is_cancelled else refundable_until(self.promises, bought_at)


def facts_of_concert(repository: Repository, concert_id: UUID) -> ConcertFacts:
    """Return the facts of a concert as the log has them now: one read. Raises Unavailable."""
    concert, version = repository.load(CONCERT, concert_id)
    exists = version >= 0 and concert.status is not ConcertStatus.DELETED
    dates = None if concert.publication.is_postponed else concert.dates
    starts_at, ends_at = dates or (None, None)
    is_cancelled = concert.status in {ConcertStatus.CANCELLING, ConcertStatus.CANCELLED}
    promises = concert.publication.promises
    currencies = frozenset(ticket_type.price.currency for ticket_type in concert.ticket_types.values())
    return ConcertFacts(
        concert_id,
        exists,
        concert.organiser_id,
        starts_at,
        ends_at,
        promises,
        is_cancelled,
        currencies,
        tuple(concert.pool_ids),
        concert.publication.venue,
        None if concert.details is None else concert.details.venue_id,
        None if concert.dates is None else (concert.dates.starts_at, concert.dates.ends_at),
        version,
        "" if concert.details is None else concert.details.name,
        concert.publication.is_postponed,
    )


def venue_shown_by(repository: Repository, concert: ConcertFacts) -> ShownVenue | None:
    """Return what the concert shows of its venue; None if it has none. Raises Unavailable."""
    if concert.venue is not None or concert.venue_id is None:
        return concert.venue
    venue = find_venue(repository, concert.venue_id)
    return None if venue is None else shown_venue(venue)


def create_concert(
    repository: Repository, caller: Caller, details: ConcertDetails, organiser_id: UUID | None = None
) -> UUID:
    """Create a draft of the organiser, or else of whom the caller acts for; return its id. Its version is 0.

    Raises IdempotencyKeyReused, Forbidden, or InvalidInput for an unknown venue or organiser.
    """
    concert_id, owner_id = caller.request.id, caller.actor.organiser(organiser_id)

    def command(session: Session) -> None:
        concert = session.load(CONCERT, concert_id, Load.ASSUME_EMPTY)
        events = concert.create(owner_id, details, caller.request.request_hash)
        if events:
            usable_venue(session, owner_id, details.venue_id)
        session.append(CONCERT, concert_id, *events)

    repository.execute(command, caller.origin)
    return concert_id


def change_concert(
    repository: Repository, caller: Caller, concert_id: UUID, amend: Callable[[ConcertDetails], ConcertDetails]
) -> Changed:
    """Change the details by `amend`, which gets the current ones; a published concert's pools then learn of it.

    Raises NotFound, Forbidden, PreconditionFailed, ConcertNotDraft, or InvalidInput for an unknown venue.
    """

    def decide(session: Session, concert: Concert) -> list[Event]:
        current = concert.ensure_exists()
        details = amend(current)
        if details.venue_id != current.venue_id:
            usable_venue(session, concert.organiser_id, details.venue_id)
        return concert.change_details(details)

    return change_with_terms(repository, caller, concert_id, decide)


def schedule_concert(
    repository: Repository, caller: Caller, concert_id: UUID, starts_at: datetime, ends_at: datetime
) -> int:
    """Set when the concert begins and ends, and return the version.

    Raises NotFound, Forbidden, PreconditionFailed, ConcertNotDraft or InvalidInput.
    """

    def command(session: Session) -> int:
        concert = owned(session, caller, CONCERT, concert_id)
        if (version := done_before(session, caller, concert_id)) is not None:
            return version
        session.append(CONCERT, concert_id, *concert.schedule(starts_at, ends_at, session.now))
        return session.version(concert_id)

    return repository.execute(command, caller.origin)


def add_ticket_type(
    repository: Repository,
    caller: Caller,
    concert_id: UUID,
    describe: Callable[[UUID], TicketType],
    confirmed: Collection[Confirmation] = (),
) -> tuple[UUID, int]:
    """Add the ticket type that `describe` makes for a new id; return the id and the version.

    In a published concert it is on sale at once: its pools are opened in the same transaction.
    Raises NotFound, Forbidden, PreconditionFailed, IdempotencyKeyReused, OverCapacity, or what
    `Concert.add_ticket_type` raises.
    """
    ticket_type = describe(caller.request.id)

    def command(session: Session) -> int:
        concert = owned(session, caller, CONCERT, concert_id)
        pool_ids = pools_of(ticket_type.id, ticket_type.quantity)
        events = concert.add_ticket_type(ticket_type, caller.request.request_hash, session.now, pool_ids)
        if not events:
            return _version_added(session, concert_id, ticket_type.id)
        session.ensure_version(concert_id, caller.expected_version)
        ensure_more_fit(session, concert, ticket_type.quantity, confirmed)
        session.append(CONCERT, concert_id, *events)
        concert = session.load(CONCERT, concert_id)
        if concert.status is ConcertStatus.PUBLISHED:
            open_pools(session, terms_of_pools(concert_id, concert, [ticket_type.id], session.now))
        return session.version(concert_id)

    return ticket_type.id, repository.execute(command, caller.origin)


def remove_ticket_type(repository: Repository, caller: Caller, concert_id: UUID, ticket_type_id: UUID) -> int:
    """Remove a ticket type of a draft, and return the version.

    Raises NotFound, Forbidden, PreconditionFailed or ConcertNotDraft.
    """

    def decide(concert: Concert) -> list[Event]:
        return concert.remove_ticket_type(ticket_type_id)

    return change_owned(repository, caller, CONCERT, concert_id, decide)


def change_quantity(
    repository: Repository,
    caller: Caller,
    concert_id: UUID,
    ticket_type_id: UUID,
    quantity: int,
    confirmed: Collection[Confirmation] = (),
) -> int:
    """Offer more or fewer tickets of a type, and return the version.

    Raises what `change_stock` does.
    """
    change = CapacityChange(caller.request.id, ticket_type_id, quantity, caller.request.request_hash)
    return change_stock(repository, caller, concert_id, change, confirmed)


def change_stock(
    repository: Repository,
    caller: Caller,
    concert_id: UUID,
    change: StockChange,
    confirmed: Collection[Confirmation] = (),
) -> int:
    """Change how many tickets a type or an area has, and return the version.

    A draft is changed at once, a published concert pool by pool. A change that another request began and did not finish
    is finished first.
    Raises NotFound, Forbidden, PreconditionFailed, IdempotencyKeyReused, OverCapacity, CapacityBelowCommitted with the
    facts, or what `Concert.change_capacity` raises.
    """

    def begin(session: Session) -> int | None:
        concert = owned(session, caller, CONCERT, concert_id)
        if concert.capacity_change is not None:
            return None
        if (ended := _capacity_change_ended(session, concert_id, change)) is not None:
            return ended
        session.ensure_version(concert_id, caller.expected_version)
        events = concert.change_capacity(change, largest_capacity(concert.pools_of(change.stock_id)))
        ensure_more_fit(session, concert, change.quantity - concert.offered_before(change), confirmed)
        session.append(CONCERT, concert_id, *events)
        return None if session.load(CONCERT, concert_id).capacity_change else session.version(concert_id)

    # Begin, finish, ask again: the pools are too many for one transaction with the concert. `begin` gives None while a
    # change is under way, ours or another's, and the version once our own has ended. So a request that was interrupted
    # and comes again goes on where it was, and the concert's process does so if nobody comes.
    while (version := repository.execute(begin, caller.origin)) is None:
        finish_capacity_change(repository, concert_id, caller.origin)
    return version


def finish_capacity_change(repository: Repository, concert_id: UUID, origin: Origin) -> None:
    """Bring the change that is under way to its end, or do nothing if there is none."""
    concert, _ = repository.load(CONCERT, concert_id)
    change = concert.capacity_change
    if change is None or concert.status is not ConcertStatus.PUBLISHED:
        return
    pool_ids = concert.pools_of(change.stock_id)
    committed = change_capacity(repository, pool_ids, change.id, change.quantity, origin)

    def end(session: Session) -> None:
        now = session.load(CONCERT, concert_id)
        session.append(
            CONCERT,
            concert_id,
            *(
                now.complete_capacity_change(change.id)
                if committed is None
                else now.refuse_capacity_change(change.id, committed.held, committed.sold)
            ),
        )

    repository.execute(end, origin)


def delete_concert(repository: Repository, caller: Caller, concert_id: UUID) -> int:
    """Delete a draft, and return the version.

    Raises NotFound, Forbidden, PreconditionFailed or ConcertNotDraft.
    """
    return change_owned(repository, caller, CONCERT, concert_id, Concert.delete)


def publish_concert(
    repository: Repository, caller: Caller, concert_id: UUID, confirmed: Collection[Confirmation] = ()
) -> int:
    """Publish the concert and open its pools; return the concert's version.

    What fits into one transaction is committed in one. A larger concert is published first, and then its pools are
    opened. Publishing again finishes what was interrupted.
    Raises NotFound, Forbidden, IdempotencyKeyReused, PreconditionFailed, ConcertNotDraft, ConcertIncomplete,
    ConcertIsOver, SaleNeverOpens, VenueGone or OverCapacity.
    """

    def command(session: Session) -> tuple[int, list[Opening], int]:
        concert = owned(session, caller, CONCERT, concert_id)
        published_before = done_before(session, caller, concert_id)
        if published_before is None:
            _publish(session, concert_id, concert, confirmed)
        concert = session.load(CONCERT, concert_id)
        is_on_sale = concert.status is ConcertStatus.PUBLISHED  # it may be cancelled, if the request comes again
        unopened = terms_of_pools(concert_id, concert, concert.ticket_types, session.now) if is_on_sale else []
        a_commit = openings_a_commit(concert)
        if len(unopened) < a_commit:
            open_pools(session, unopened)
            unopened = []
        version = session.version(concert_id) if published_before is None else published_before
        return version, unopened, a_commit

    # Entrances are opened last. Buyers find a type's pools through its entrance, so nothing of the type is sold before
    # all its pools are open.
    version, rest, a_commit = repository.execute(command, caller.origin)
    for start in range(0, len(rest), a_commit):
        repository.execute(partial(open_pools, openings=rest[start : start + a_commit]), caller.origin)
    return version


def _publish(session: Session, concert_id: UUID, concert: Concert, confirmed: Collection[Confirmation]) -> None:
    venue = _venue_to_publish(session, concert) if concert.status is ConcertStatus.DRAFT else None
    shown = shown_venue(venue) if venue else None
    events = concert.publish(pools_of_types(concert), session.now, shown, pools_of_areas(concert))
    if venue is not None:
        ensure_within_capacity(concert, venue.capacity, confirmed)
    session.append(CONCERT, concert_id, *events)


def cancel_concert(
    repository: Repository, caller: Caller, concert_id: UUID, *, although_over: bool = False
) -> tuple[ConcertStatus, int]:
    """Cancel the concert and close its first pools; return its status and version.

    The concert's process closes the other pools. The status is `cancelling` until every order of the concert is
    cancelled or its refund has begun. Cancelling again goes on with what was interrupted.
    Raises NotFound, Forbidden, PreconditionFailed, ConcertNotPublished, or ConcertHasTakenPlace unless `although_over`.
    """

    def decide(concert: Concert) -> list[Event]:
        return concert.cancel(repository.now(), although_over=although_over)

    version = change_owned(repository, caller, CONCERT, concert_id, decide)
    concert, _ = repository.load(CONCERT, concert_id)
    if concert.status is ConcertStatus.CANCELLING and concert.uncleared is None:
        close_pools(repository, concert.pool_ids[:CLOSED_IN_THE_REQUEST], caller.origin)
    return concert.status or ConcertStatus.CANCELLING, version


def close_sales(repository: Repository, concert_id: UUID, origin: Origin) -> list[UUID]:
    """Close all pools of a concert that is being cancelled; return those whose orders have to decide.

    Whoever comes second, while another worker closes the pools, has nothing to do. Once they are closed, only pools
    with orders are looked at. When all are cleared, the cancellation is completed.
    """
    concert, _ = repository.load(CONCERT, concert_id)
    if concert.status is not ConcertStatus.CANCELLING:
        return []
    uncleared = _uncleared(repository, concert_id, concert, origin)
    if not uncleared:
        complete_cancellation(repository, concert_id, origin)
    return uncleared


def _uncleared(repository: Repository, concert_id: UUID, concert: Concert, origin: Origin) -> list[UUID]:
    if concert.uncleared is not None:
        return list_uncleared(repository, concert.uncleared)
    uncleared = close_pools(repository, concert.pool_ids, origin)

    def record(session: Session) -> list[UUID]:
        events = session.load(CONCERT, concert_id).close_pools(uncleared)
        session.append(CONCERT, concert_id, *events)
        return uncleared if events else []

    return repository.execute(record, origin)


def complete_cancellation(repository: Repository, concert_id: UUID, origin: Origin) -> None:
    """Complete the cancellation if every pool is cleared."""
    # Each worker asks this after its own commit. So of two that clear the last two pools at once, at least the later
    # one finds both cleared.
    concert, _ = repository.load(CONCERT, concert_id)
    if concert.status is not ConcertStatus.CANCELLING or concert.uncleared is None:
        return
    if are_cleared(repository, concert.uncleared):
        repository.execute(partial(_complete_cancellation, concert_id=concert_id), origin)


def _complete_cancellation(session: Session, concert_id: UUID) -> None:
    session.append(CONCERT, concert_id, *session.load(CONCERT, concert_id).complete_cancellation())


def _venue_to_publish(session: Session, concert: Concert) -> VenueDetails | None:
    """Read the venue as it is now; an imported concert may have one that was never imported.

    Raises VenueGone.
    """
    try:
        return ensure_venue_usable(session, concert.ensure_exists().venue_id, concert.organiser_id)
    except VenueWasDeleted:
        raise VenueGone("The venue was deleted.") from None
    except VenueNotShared as error:
        raise VenueGone(error.detail) from None
    except NotFound:
        return None


def _capacity_change_ended(session: Session, concert_id: UUID, change: StockChange) -> int | None:
    """Return the version with which this very request has ended before; None if it has not.

    Raises CapacityBelowCommitted or IdempotencyKeyReused.
    """

    def ends(event: Event) -> bool:
        return isinstance(event, _ENDS_OF_CHANGES) and event.change_id == change.id

    recorded = session.find_recorded(concert_id, ends)
    match recorded and recorded.event:
        case ConcertCapacityChangeRefused() | ConcertAreaCapacityChangeRefused() as refused:
            raise CapacityBelowCommitted(refused.held, refused.sold)
        case ConcertCapacityChanged() | ConcertAreaCapacityChanged() as changed if (
            changed.request_hash != change.request_hash
        ):
            raise IdempotencyKeyReused
    return recorded.version if recorded else None


def _version_added(session: Session, concert_id: UUID, ticket_type_id: UUID) -> int:
    event = session.find_recorded(
        concert_id, lambda e: isinstance(e, ConcertTicketTypeAdded) and e.type.id == ticket_type_id
    )
    if event is None:
        raise NotFound("There is no such ticket type.")
    return event.version


def usable_venue(session: Session, organiser_id: UUID | None, venue_id: UUID) -> VenueDetails:
    """Read a venue that a request names, for a concert of this organiser.

    Raises InvalidInput.
    """
    try:
        return ensure_venue_usable(session, venue_id, organiser_id)
    except NotFound:
        reason = "names no venue"
    except VenueNotShared:
        reason = "names a venue of another organiser, who does not share it"
    raise InvalidInput(f"`venue_id` {reason}.", (("#/venue_id", reason),))


def shown_venue(venue: VenueDetails) -> ShownVenue:
    """Copy what a published concert shows of its venue."""
    return ShownVenue(**{name: getattr(venue, name) for name in ShownVenue.model_fields})
