"""What a published concert decides: to move, to wait for a date, to close its sales, to sell on other terms."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.platform.errors import InvalidInput, NotFound
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.money import CurrencyMismatch, Money
from chalicelib.shop.concerts.concert import CONCERT, Concert, ConcertIsOver, ConcertNotPublished
from chalicelib.shop.concerts.events import (
    ConcertMoved,
    ConcertPostponed,
    ConcertPublished,
    ConcertSalesClosed,
    ConcertSalesOpened,
    ConcertTermsApplied,
    ConcertTermsChanged,
    ConcertTicketTypeAdded,
    ConcertTicketTypeChanged,
    ConcertVenueDescribed,
    ShownVenue,
)
from chalicelib.shop.concerts.living import (
    ConcertPlace,
    change_ticket_type,
    close_sales,
    complete_terms_change,
    describe_venue,
    move,
    open_sales,
    place_of,
    postpone,
)
from chalicelib.shop.concerts.offers import with_changed_terms
from chalicelib.shop.concerts.publication import refundable_until
from chalicelib.shop.concerts.windows import ConcertDates, SaleNeverOpens
from tests.support.scenario import given
from tests.support.shop import OPENING, some_id
from tests.support.stored import SOME_TIME as NOW
from tests.unit.concerts.test_concert import (
    ADDED,
    CANCELLED,
    CLOSING,
    CREATED,
    POOLS,
    SCHEDULED,
    STANDING,
    another,
)

DAY = timedelta(days=1)
PARADISO = ShownVenue(name="Paradiso", address="Weteringschans 6", city="Amsterdam", country="NL", time_zone="UTC")
MELKWEG = PARADISO.model_copy(update={"name": "Melkweg"})
PUBLISHED = ConcertPublished(pools=POOLS, venue=PARADISO)
ON_SALE: tuple[Event, ...] = (CREATED, SCHEDULED, ADDED, PUBLISHED)
HERE = ConcertPlace(CREATED.venue_id, PARADISO)
THERE = ConcertPlace(some_id("melkweg"), MELKWEG)
LATER = ConcertDates(OPENING + DAY, CLOSING + DAY)
DRAFT: tuple[Event, ...] = (CREATED, SCHEDULED, ADDED)


def moved(place: ConcertPlace = HERE, schedule: ConcertDates = LATER, **keys: Any) -> ConcertMoved:
    return ConcertMoved(
        start_date=schedule.starts_at,
        end_date=schedule.ends_at,
        venue_id=place.venue_id,
        venue=place.shown,
        **{"at": NOW, **keys},
    )


def changed(**terms: Any) -> ConcertTicketTypeChanged:
    known = {"name": "Standing", "price": STANDING.price, "max_per_order": 4}
    return ConcertTicketTypeChanged(ticket_type_id=STANDING.id, **{**known, **terms})


def change(concert: Concert, **changes: Any) -> list[Event]:
    return change_ticket_type(concert, STANDING.id, changes, NOW)


def test_a_published_concert_moves_to_another_date() -> None:
    given(CONCERT, *ON_SALE).when(lambda c: move(c, LATER, HERE, None, NOW)).then(moved())


def test_it_moves_to_another_venue_and_keeps_its_date() -> None:
    schedule = ConcertDates(OPENING, CLOSING)
    given(CONCERT, *ON_SALE).when(lambda c: move(c, None, THERE, None, NOW)).then(moved(THERE, schedule))
    state = given(CONCERT, *ON_SALE, moved(THERE, schedule)).state
    assert (place_of(state), state.dates) == (THERE, schedule)


def test_to_where_it_is_already_it_does_not_move() -> None:
    given(CONCERT, *ON_SALE, moved()).when(lambda c: move(c, LATER, HERE, None, NOW)).then_nothing()


def test_the_windows_are_checked_when_it_moves() -> None:
    late = ConcertTicketTypeAdded(type=another(1).model_copy(update={"sales_start": OPENING - timedelta(hours=1)}))
    outcome = given(CONCERT, CREATED, SCHEDULED, late, PUBLISHED).when(
        lambda c: move(c, ConcertDates(OPENING - DAY, CLOSING - DAY), HERE, None, NOW)
    )
    assert isinstance(outcome.refusal, SaleNeverOpens)


def test_a_sale_that_is_over_does_not_keep_a_concert_from_moving() -> None:
    early_bird = ConcertTicketTypeAdded(type=another(1).model_copy(update={"sales_end": NOW - DAY}))
    concert = given(CONCERT, CREATED, SCHEDULED, ADDED, early_bird, PUBLISHED)
    concert.when(lambda c: move(c, LATER, HERE, None, NOW)).then(moved())


def test_a_postponed_concert_has_no_date_until_it_is_moved_to_one() -> None:
    concert = given(CONCERT, *ON_SALE)
    concert.when(lambda c: postpone(c, None, NOW)).then(ConcertPostponed(at=NOW))
    postponed = given(CONCERT, *ON_SALE, ConcertPostponed(at=NOW))
    postponed.when(lambda c: postpone(c, None, NOW)).then_nothing()
    refused = postponed.when(lambda c: move(c, None, THERE, None, NOW))
    assert isinstance(refused.refusal, InvalidInput)
    same_date = ConcertDates(OPENING, CLOSING)
    postponed.when(lambda c: move(c, same_date, HERE, None, NOW)).then(moved(HERE, same_date))
    assert not given(CONCERT, *ON_SALE, ConcertPostponed(at=NOW), moved()).state.publication.is_postponed


def test_who_bought_before_a_change_may_have_the_money_back_until_the_date_that_was_promised() -> None:
    promises = given(
        CONCERT,
        *ON_SALE,
        ConcertPostponed(refundable_until=NOW + 9 * DAY, at=NOW),
        moved(refundable_until=NOW + 5 * DAY, at=NOW + DAY),
        moved(schedule=ConcertDates(OPENING + 2 * DAY, CLOSING + 2 * DAY), at=NOW + 2 * DAY),
    ).state.publication.promises
    assert refundable_until(promises, NOW - DAY) == NOW + 9 * DAY
    assert refundable_until(promises, NOW) == NOW + 5 * DAY
    assert refundable_until(promises, NOW + DAY) is None


def test_the_same_promise_is_made_once() -> None:
    until = NOW + 9 * DAY
    postponed = given(CONCERT, *ON_SALE, ConcertPostponed(refundable_until=until, at=NOW))
    postponed.when(lambda c: postpone(c, until, NOW + DAY)).then_nothing()
    later = ConcertPostponed(refundable_until=until + DAY, at=NOW + DAY)
    postponed.when(lambda c: postpone(c, until + DAY, NOW + DAY)).then(later)
    there = given(CONCERT, *ON_SALE, moved(refundable_until=until))
    there.when(lambda c: move(c, LATER, HERE, until, NOW + DAY)).then_nothing()


def test_a_promise_that_is_over_already_is_refused() -> None:
    for decide in (lambda c: postpone(c, NOW, NOW), lambda c: move(c, LATER, HERE, NOW, NOW)):
        outcome = given(CONCERT, *ON_SALE).when(decide)
        assert isinstance(outcome.refusal, InvalidInput)
        assert outcome.refusal.fields == (("#/refundable_until", "must be in the future"),)


def test_sales_are_closed_and_opened_once() -> None:
    given(CONCERT, *ON_SALE).when(close_sales).then(ConcertSalesClosed())
    given(CONCERT, *ON_SALE, ConcertSalesClosed()).when(close_sales).then_nothing()
    given(CONCERT, *ON_SALE, ConcertSalesClosed()).when(open_sales).then(ConcertSalesOpened())
    given(CONCERT, *ON_SALE).when(open_sales).then_nothing()


def test_what_is_shown_of_the_venue_is_changed_by_the_concert() -> None:
    concert = given(CONCERT, *ON_SALE)
    concert.when(lambda c: describe_venue(c, {"name": "Melkweg"})).then(ConcertVenueDescribed(venue=MELKWEG))
    concert.when(lambda c: describe_venue(c, {"name": "Paradiso"})).then_nothing()
    old = given(CONCERT, CREATED, SCHEDULED, ADDED, ConcertPublished(pools=POOLS))
    old.when(lambda c: describe_venue(c, {"name": "Melkweg"})).then_refuses(NotFound)


@pytest.mark.parametrize("history", [DRAFT, ON_SALE], ids=["draft", "published"])
def test_a_ticket_type_changes_its_terms(history: tuple[Event, ...]) -> None:
    dear = Money.of("30.00", "EUR")
    given(CONCERT, *history).when(lambda c: change(c, price=dear, name="Floor")).then(changed(price=dear, name="Floor"))
    given(CONCERT, *history).when(lambda c: change(c, name="Standing")).then_nothing()
    state = given(CONCERT, *history, changed(price=dear)).state
    assert state.ticket_types[STANDING.id] == STANDING.model_copy(update={"price": dear})


def test_a_published_price_keeps_its_currency() -> None:
    dollars = Money.of("30.00", "USD")
    given(CONCERT, *DRAFT).when(lambda c: change(c, price=dollars)).then(changed(price=dollars))
    given(CONCERT, *ON_SALE).when(lambda c: change(c, price=dollars)).then_refuses(CurrencyMismatch)


def test_a_window_that_is_over_is_kept_and_never_given() -> None:
    over = changed(sales_end=NOW - DAY)
    concert = given(CONCERT, *ON_SALE, over)
    concert.when(lambda c: change(c, name="Early")).then(changed(name="Early", sales_end=NOW - DAY))
    outcome = concert.when(lambda c: change(c, sales_end=NOW - 2 * DAY))
    assert isinstance(outcome.refusal, InvalidInput)


def test_nothing_of_this_is_possible_before_it_is_published_or_once_it_is_cancelled() -> None:
    for history in (DRAFT, CANCELLED):
        concert = given(CONCERT, *history)
        for decide in (
            lambda c: move(c, LATER, HERE, None, NOW),
            lambda c: postpone(c, None, NOW),
            close_sales,
            open_sales,
            lambda c: describe_venue(c, {}),
        ):
            assert isinstance(concert.when(decide).refusal, ConcertNotPublished)


def test_only_the_types_whose_terms_change_are_told() -> None:
    concert_id, early = some_id("concert"), another(1).model_copy(update={"sales_end": OPENING - DAY})
    pools = (*POOLS, POOLS[0].model_copy(update={"ticket_type_id": early.id}))
    history = (CREATED, SCHEDULED, ADDED, ConcertTicketTypeAdded(type=early), ConcertPublished(pools=pools))
    concert = given(CONCERT, *history)

    def told(*types: Any, events: list[Event]) -> list[Event]:
        return [*events, ConcertTermsChanged(terms_version=2, ticket_type_ids=types, pool_count=2 * len(types))]

    dear = [changed(price=Money.of("30.00", "EUR"))]
    concert.when(lambda c: with_changed_terms(concert_id, c, dear)).then(*told(STANDING.id, events=[*dear]))
    # The early tickets end on their own date, whenever the concert begins.
    concert.when(lambda c: with_changed_terms(concert_id, c, [moved()])).then(*told(STANDING.id, events=[moved()]))
    closed = [ConcertSalesClosed()]
    everything = told(STANDING.id, early.id, events=[*closed])
    concert.when(lambda c: with_changed_terms(concert_id, c, closed)).then(*everything)
    shown = [ConcertVenueDescribed(venue=MELKWEG)]
    concert.when(lambda c: with_changed_terms(concert_id, c, shown)).then(*shown)


def test_a_change_of_terms_is_completed_once_and_only_up_to_what_was_applied() -> None:
    first = ConcertTermsChanged(terms_version=2, ticket_type_ids=(STANDING.id,), pool_count=2)
    second = first.model_copy(update={"terms_version": 3})
    concert = given(CONCERT, *ON_SALE, first, second)
    concert.when(lambda c: complete_terms_change(c, 2)).then(ConcertTermsApplied(terms_version=2))
    half = given(CONCERT, *ON_SALE, first, second, ConcertTermsApplied(terms_version=2))
    assert half.state.publication.unapplied == [STANDING.id]
    half.when(lambda c: complete_terms_change(c, 2)).then_nothing()
    assert given(CONCERT, *ON_SALE, first, ConcertTermsApplied(terms_version=2)).state.publication.unapplied == []


# What has taken place, and what is promised


def test_what_has_taken_place_is_neither_moved_nor_postponed() -> None:
    over = CLOSING + DAY
    concert = CONCERT.fold(ON_SALE)
    with pytest.raises(ConcertIsOver):
        postpone(concert, None, over)
    with pytest.raises(ConcertIsOver):
        move(concert, ConcertDates(over + DAY, over + 2 * DAY), HERE, None, over)


def test_a_later_promise_does_not_shorten_an_earlier_one() -> None:
    concert = CONCERT.fold([*ON_SALE, ConcertPostponed(at=NOW, refundable_until=NOW + 3 * DAY)])
    with pytest.raises(InvalidInput) as refusal:
        move(concert, LATER, HERE, NOW + 2 * DAY, NOW)
    assert refusal.value.fields[0][0] == "#/refundable_until"
    for until in (None, NOW + 3 * DAY, NOW + 4 * DAY):
        assert move(concert, LATER, HERE, until, NOW)


def test_a_postponed_concert_takes_a_ticket_type_also_when_its_former_date_has_passed() -> None:
    concert = CONCERT.fold([*ON_SALE, ConcertPostponed(at=NOW)])
    [added] = concert.add_ticket_type(another(2), "hash", CLOSING + DAY, (some_id("a pool"),))[:1]
    assert isinstance(added, ConcertTicketTypeAdded)
