"""What a concert decides, and what it refuses."""

from dataclasses import asdict, replace
from datetime import timedelta
from uuid import UUID

import pytest

from chalicelib.platform.errors import IdempotencyKeyReused, InvalidInput, NotFound
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.money import Money
from chalicelib.shop.concerts.concert import (
    CONCERT,
    MAX_TICKET_TYPES,
    ConcertDetails,
    ConcertHasTakenPlace,
    ConcertIncomplete,
    ConcertIsOver,
    ConcertNotDraft,
    ConcertNotPublished,
    ConcertStatus,
    TooManyTicketTypes,
)
from chalicelib.shop.concerts.events import (
    ConcertCancellationCompleted,
    ConcertCancelled,
    ConcertCreated,
    ConcertDeleted,
    ConcertDetailsChanged,
    ConcertPoolsClosed,
    ConcertPublished,
    ConcertScheduled,
    ConcertTicketTypeAdded,
    ConcertTicketTypeRemoved,
    PoolsOfTicketType,
    TicketType,
)
from tests.support.scenario import given
from tests.support.shop import OPENING, ORGANISER, some_id
from tests.support.stored import SOME_TIME as NOW

DETAILS = ConcertDetails("Patti Smith", some_id("venue"), "Horses, 50 years on", "rock")
CREATED = ConcertCreated(organiser_id=ORGANISER.id, request_hash="hash", **asdict(DETAILS))
CLOSING = OPENING + timedelta(hours=3)
SCHEDULED = ConcertScheduled(start_date=OPENING, end_date=CLOSING)
STANDING = TicketType(
    id=some_id("standing"), name="Standing", price=Money.of("25.00", "EUR"), quantity=500, max_per_order=4
)
ADDED = ConcertTicketTypeAdded(type=STANDING, request_hash="type hash")
REMOVED = ConcertTicketTypeRemoved(ticket_type_id=STANDING.id)
POOLS = (PoolsOfTicketType(ticket_type_id=STANDING.id, pool_ids=(some_id("pool 0"), some_id("pool 1"))),)
PUBLISHED = ConcertPublished(pools=POOLS)
ON_SALE: tuple[Event, ...] = (CREATED, SCHEDULED, ADDED, PUBLISHED)
CANCELLING: tuple[Event, ...] = (*ON_SALE, ConcertCancelled())
CANCELLED: tuple[Event, ...] = (*CANCELLING, ConcertCancellationCompleted())
DELETED: tuple[Event, ...] = (CREATED, ConcertDeleted())
NEVER_WAS: tuple[Event, ...] = ()
ELSEWHERE = replace(DETAILS, venue_id=some_id("other venue"))
RENAMED = replace(DETAILS, name="Patti Smith and band", genre=None)


def another(number: int) -> TicketType:
    return STANDING.model_copy(update={"id": some_id(f"type {number}")})


def test_creating_a_concert_records_its_details_and_whose_it_is() -> None:
    given(CONCERT).when(lambda concert: concert.create(ORGANISER.id, DETAILS, "hash")).then(CREATED)


def test_creating_a_concert_again_with_the_same_request_changes_nothing() -> None:
    given(CONCERT, CREATED).when(lambda concert: concert.create(ORGANISER.id, DETAILS, "hash")).then_nothing()


def test_creating_a_concert_again_with_another_body_is_refused() -> None:
    outcome = given(CONCERT, CREATED).when(lambda concert: concert.create(ORGANISER.id, RENAMED, "other"))
    outcome.then_refuses(IdempotencyKeyReused)


def test_a_new_concert_is_a_draft() -> None:
    assert given(CONCERT, CREATED).state.status is ConcertStatus.DRAFT


@pytest.mark.parametrize("history", [(CREATED,), ON_SALE], ids=["draft", "published"])
def test_the_name_can_change_before_and_after_publishing(history: tuple[Event, ...]) -> None:
    changed = ConcertDetailsChanged(**asdict(RENAMED))
    given(CONCERT, *history).when(lambda concert: concert.change_details(RENAMED)).then(changed)


def test_details_that_are_the_same_change_nothing() -> None:
    given(CONCERT, CREATED).when(lambda concert: concert.change_details(DETAILS)).then_nothing()


def test_the_venue_of_a_draft_can_change() -> None:
    changed = ConcertDetailsChanged(**asdict(ELSEWHERE))
    given(CONCERT, CREATED).when(lambda concert: concert.change_details(ELSEWHERE)).then(changed)


def test_the_venue_of_a_published_concert_cannot_change() -> None:
    outcome = given(CONCERT, *ON_SALE).when(lambda concert: concert.change_details(ELSEWHERE))
    outcome.then_refuses(ConcertNotDraft, concert_status=ConcertStatus.PUBLISHED)


def test_a_cancelled_concert_cannot_be_changed() -> None:
    for history, status in ((CANCELLING, ConcertStatus.CANCELLING), (CANCELLED, ConcertStatus.CANCELLED)):
        outcome = given(CONCERT, *history).when(lambda concert: concert.change_details(RENAMED))
        outcome.then_refuses(ConcertNotDraft, concert_status=status)


@pytest.mark.parametrize("history", [NEVER_WAS, DELETED], ids=["never was", "deleted"])
def test_nothing_can_be_done_with_a_concert_that_is_not_there(history: tuple[Event, ...]) -> None:
    concert = given(CONCERT, *history)
    concert.when(lambda c: c.change_details(RENAMED)).then_refuses(NotFound)
    concert.when(lambda c: c.schedule(OPENING, CLOSING, NOW)).then_refuses(NotFound)
    concert.when(lambda c: c.add_ticket_type(STANDING, "hash", NOW)).then_refuses(NotFound)
    concert.when(lambda c: c.remove_ticket_type(STANDING.id)).then_refuses(NotFound)
    concert.when(lambda c: c.publish(POOLS, NOW)).then_refuses(NotFound)
    concert.when(lambda c: c.cancel(NOW)).then_refuses(NotFound)


def test_a_draft_is_scheduled() -> None:
    given(CONCERT, CREATED).when(lambda concert: concert.schedule(OPENING, CLOSING, NOW)).then(SCHEDULED)


def test_a_draft_is_scheduled_anew() -> None:
    later = OPENING + timedelta(hours=1)
    outcome = given(CONCERT, CREATED, SCHEDULED).when(lambda concert: concert.schedule(later, CLOSING, NOW))
    outcome.then(ConcertScheduled(start_date=later, end_date=CLOSING))


def test_the_same_schedule_changes_nothing() -> None:
    given(CONCERT, CREATED, SCHEDULED).when(lambda concert: concert.schedule(OPENING, CLOSING, NOW)).then_nothing()


@pytest.mark.parametrize("ends_at", [OPENING, OPENING - timedelta(seconds=1)])
def test_a_concert_that_does_not_end_after_it_starts_is_invalid(ends_at: object) -> None:
    outcome = given(CONCERT, CREATED).when(lambda c: c.schedule(OPENING, ends_at, NOW))  # type: ignore[arg-type]
    outcome.then_refuses(InvalidInput)
    assert isinstance(outcome.refusal, InvalidInput)
    assert outcome.refusal.fields == (("#/ends_at", "must be after starts_at"),)


def test_a_concert_that_does_not_start_in_the_future_is_invalid() -> None:
    outcome = given(CONCERT, CREATED).when(lambda concert: concert.schedule(OPENING, CLOSING, OPENING))
    outcome.then_refuses(InvalidInput)
    assert isinstance(outcome.refusal, InvalidInput)
    assert outcome.refusal.fields == (("#/starts_at", "must be in the future"),)


@pytest.mark.parametrize(
    ("history", "status"),
    [
        (ON_SALE, ConcertStatus.PUBLISHED),
        (CANCELLING, ConcertStatus.CANCELLING),
        (CANCELLED, ConcertStatus.CANCELLED),
    ],
)
def test_what_only_a_draft_allows_is_refused_later(history: tuple[Event, ...], status: ConcertStatus) -> None:
    concert = given(CONCERT, *history)
    later = OPENING + timedelta(hours=1)
    concert.when(lambda c: c.schedule(later, CLOSING, NOW)).then_refuses(ConcertNotDraft, concert_status=status)
    concert.when(lambda c: c.remove_ticket_type(STANDING.id)).then_refuses(ConcertNotDraft, concert_status=status)
    concert.when(lambda c: c.delete()).then_refuses(ConcertNotDraft, concert_status=status)


def test_a_ticket_type_is_added() -> None:
    outcome = given(CONCERT, CREATED).when(lambda concert: concert.add_ticket_type(STANDING, "type hash", NOW))
    outcome.then(ADDED)


@pytest.mark.parametrize(
    ("price", "currency"), [("0.30", "EUR"), ("2.00", "DKK"), ("999999999.00", "EUR"), ("49", "JPY")]
)
def test_a_price_that_providers_never_take_is_refused_when_it_is_entered(price: str, currency: str) -> None:
    dear = STANDING.model_copy(update={"price": Money.of(price, currency)})
    outcome = given(CONCERT, CREATED).when(lambda concert: concert.add_ticket_type(dear, "type hash", NOW))
    assert isinstance(outcome.refusal, InvalidInput)
    assert outcome.refusal.fields[0][0] == "#/price/amount"


def test_a_free_ticket_type_is_added_and_a_price_of_former_times_still_loads() -> None:
    free = STANDING.model_copy(update={"price": Money.zero("EUR")})
    given(CONCERT, CREATED).when(lambda concert: concert.add_ticket_type(free, "type hash", NOW)).then(
        ConcertTicketTypeAdded(type=free, request_hash="type hash")
    )
    cheap = STANDING.model_copy(update={"price": Money.of("0.30", "EUR")})
    stored = given(CONCERT, CREATED, ConcertTicketTypeAdded(type=cheap, request_hash="type hash"))
    assert stored.state.ticket_types[cheap.id].price == Money.of("0.30", "EUR")


def test_adding_a_ticket_type_again_changes_nothing_even_after_publishing() -> None:
    for history in ((CREATED, ADDED), ON_SALE, (CREATED, ADDED, REMOVED)):
        outcome = given(CONCERT, *history).when(lambda concert: concert.add_ticket_type(STANDING, "type hash", NOW))
        outcome.then_nothing()


def test_adding_a_ticket_type_again_with_another_body_is_refused() -> None:
    outcome = given(CONCERT, CREATED, ADDED).when(lambda concert: concert.add_ticket_type(STANDING, "other", NOW))
    outcome.then_refuses(IdempotencyKeyReused)


def test_a_sale_that_does_not_end_after_it_starts_is_invalid() -> None:
    backwards = STANDING.model_copy(update={"sales_start": NOW, "sales_end": NOW})
    outcome = given(CONCERT, CREATED).when(lambda concert: concert.add_ticket_type(backwards, "hash", NOW))
    outcome.then_refuses(InvalidInput)
    assert isinstance(outcome.refusal, InvalidInput)
    assert outcome.refusal.fields == (("#/sales_end", "must be after sales_start"),)


def test_a_concert_has_room_for_fifty_ticket_types_and_no_more() -> None:
    types = [ConcertTicketTypeAdded(type=another(number)) for number in range(MAX_TICKET_TYPES)]
    last = given(CONCERT, CREATED, *types[:-1]).when(lambda c: c.add_ticket_type(STANDING, "type hash", NOW))
    last.then(ADDED)
    outcome = given(CONCERT, CREATED, *types).when(lambda concert: concert.add_ticket_type(STANDING, "type hash", NOW))
    outcome.then_refuses(TooManyTicketTypes, limit=MAX_TICKET_TYPES)


def test_a_removed_ticket_type_makes_room_for_another() -> None:
    types = [ConcertTicketTypeAdded(type=another(number)) for number in range(MAX_TICKET_TYPES)]
    removed = ConcertTicketTypeRemoved(ticket_type_id=another(0).id)
    given(CONCERT, CREATED, *types, removed).when(lambda c: c.add_ticket_type(STANDING, "type hash", NOW)).then(ADDED)


def test_a_ticket_type_is_removed() -> None:
    given(CONCERT, CREATED, ADDED).when(lambda concert: concert.remove_ticket_type(STANDING.id)).then(REMOVED)


def test_removing_a_ticket_type_again_changes_nothing() -> None:
    given(CONCERT, CREATED, ADDED, REMOVED).when(lambda c: c.remove_ticket_type(STANDING.id)).then_nothing()


def test_a_ticket_type_that_never_was_cannot_be_removed() -> None:
    given(CONCERT, CREATED, ADDED).when(lambda c: c.remove_ticket_type(some_id("other"))).then_refuses(NotFound)


def test_a_complete_draft_is_published_with_its_pools() -> None:
    given(CONCERT, CREATED, SCHEDULED, ADDED).when(lambda concert: concert.publish(POOLS, NOW)).then(PUBLISHED)


def test_publishing_again_changes_nothing() -> None:
    given(CONCERT, *ON_SALE).when(lambda concert: concert.publish((), NOW)).then_nothing()


def test_publishing_says_all_that_is_missing() -> None:
    def publishing(*history: Event) -> list[str]:
        outcome = given(CONCERT, CREATED, *history).when(lambda concert: concert.publish(POOLS, NOW))
        assert isinstance(outcome.refusal, ConcertIncomplete)
        missing: list[str] = outcome.refusal.facts["missing"]
        return missing

    assert publishing() == ["schedule", "ticket_types"]
    assert publishing(SCHEDULED) == ["ticket_types"]
    assert publishing(ADDED) == ["schedule"]
    assert publishing(SCHEDULED, ADDED, REMOVED) == ["ticket_types"]


def test_a_cancelled_concert_cannot_be_published() -> None:
    outcome = given(CONCERT, *CANCELLED).when(lambda concert: concert.publish(POOLS, NOW))
    outcome.then_refuses(ConcertNotDraft, concert_status=ConcertStatus.CANCELLED)


def test_a_published_concert_is_cancelled() -> None:
    given(CONCERT, *ON_SALE).when(lambda concert: concert.cancel(NOW)).then(ConcertCancelled())


def test_what_has_taken_place_is_cancelled_only_by_who_knows_it() -> None:
    on_sale, before = given(CONCERT, *ON_SALE), CLOSING - timedelta(milliseconds=1)
    on_sale.when(lambda concert: concert.cancel(before)).then(ConcertCancelled())
    outcome = on_sale.when(lambda concert: concert.cancel(CLOSING))
    outcome.then_refuses(ConcertHasTakenPlace, confirm="has_taken_place", ends_at=format_instant(CLOSING))
    on_sale.when(lambda concert: concert.cancel(CLOSING, although_over=True)).then(ConcertCancelled())


def test_that_all_pools_are_closed_is_recorded_once_and_while_it_is_being_cancelled() -> None:
    closed = ConcertPoolsClosed(uncleared=(some_id("pool 1"),))
    given(CONCERT, *CANCELLING).when(lambda concert: concert.close_pools([some_id("pool 1")])).then(closed)
    given(CONCERT, *CANCELLING, closed).when(lambda concert: concert.close_pools([])).then_nothing()
    given(CONCERT, *CANCELLED).when(lambda concert: concert.close_pools([])).then_nothing()
    given(CONCERT, *ON_SALE).when(lambda concert: concert.close_pools([])).then_nothing()


def test_a_draft_whose_concert_has_ended_is_not_published() -> None:
    draft, before = given(CONCERT, CREATED, SCHEDULED, ADDED), OPENING - timedelta(milliseconds=1)
    draft.when(lambda concert: concert.publish(POOLS, before)).then(PUBLISHED)
    outcome = draft.when(lambda concert: concert.publish(POOLS, CLOSING))
    outcome.then_refuses(ConcertIsOver, ends_at=format_instant(CLOSING))


def test_cancelling_again_changes_nothing() -> None:
    given(CONCERT, *CANCELLING).when(lambda concert: concert.cancel(NOW)).then_nothing()
    given(CONCERT, *CANCELLED).when(lambda concert: concert.cancel(NOW)).then_nothing()


def test_a_draft_cannot_be_cancelled() -> None:
    outcome = given(CONCERT, CREATED).when(lambda concert: concert.cancel(NOW))
    outcome.then_refuses(ConcertNotPublished, concert_status=ConcertStatus.DRAFT)


def test_a_draft_is_deleted() -> None:
    given(CONCERT, CREATED).when(lambda concert: concert.delete()).then(ConcertDeleted())


def test_deleting_again_changes_nothing() -> None:
    given(CONCERT, *DELETED).when(lambda concert: concert.delete()).then_nothing()


def test_a_concert_that_never_was_cannot_be_deleted() -> None:
    given(CONCERT).when(lambda concert: concert.delete()).then_refuses(NotFound)


def test_a_published_concert_keeps_the_pools_it_was_published_with() -> None:
    state = given(CONCERT, *CANCELLED).state
    assert (state.pools, CONCERT.owner(state)) == (POOLS, ORGANISER.id)


def test_a_concert_of_the_original_has_no_owner_and_no_pools() -> None:
    nobodys = ConcertCreated(name="Old", venue_id=UUID(int=1))
    state = given(CONCERT, nobodys, ADDED, SCHEDULED, ConcertPublished()).state
    assert (CONCERT.owner(state), state.pools) == (None, ())


def test_only_a_cancellation_is_completed_and_once() -> None:
    completed = ConcertCancellationCompleted()
    given(CONCERT, *CANCELLING).when(lambda concert: concert.complete_cancellation()).then(completed)
    given(CONCERT, *CANCELLED).when(lambda concert: concert.complete_cancellation()).then_nothing()
    given(CONCERT, *ON_SALE).when(lambda concert: concert.complete_cancellation()).then_nothing()
