"""A sales window that would never open is refused wherever it, or the schedule, changes."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given as given_any
from hypothesis import strategies as st

from chalicelib.platform.errors import InvalidInput
from chalicelib.platform.money import Money
from chalicelib.shop.concerts.concert import CONCERT
from chalicelib.shop.concerts.events import ConcertTicketTypeAdded, TicketType
from chalicelib.shop.concerts.windows import ConcertDates, SaleNeverOpens, fault_of
from tests.support.scenario import given
from tests.support.shop import some_id
from tests.unit.concerts.test_concert import CREATED, POOLS
from tests.unit.concerts.test_concert import SCHEDULED as SOON

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STARTS, ENDS = datetime(2030, 6, 15, 18, tzinfo=UTC), datetime(2030, 6, 15, 21, tzinfo=UTC)
SCHEDULED = SOON.model_copy(update={"start_date": STARTS, "end_date": ENDS})
DAY = timedelta(days=1)
instants = st.integers(-20, 20).map(lambda hours: STARTS + timedelta(hours=hours))


def sold(start: datetime | None = None, end: datetime | None = None) -> TicketType:
    price = Money.of("25.00", "EUR")
    return TicketType(
        id=some_id("type"), name="All", price=price, quantity=5, max_per_order=5, sales_start=start, sales_end=end
    )


@pytest.mark.parametrize(
    ("ticket_type", "field", "reason"),
    [
        (sold(start=STARTS), "sales_start", "must be before the concert's start, when the sale ends"),
        (sold(start=ENDS + DAY), "sales_start", "must be before the concert's start, when the sale ends"),
        (sold(start=STARTS, end=STARTS), "sales_end", "must be after sales_start"),
        (sold(end=ENDS + DAY), "sales_end", "must not be after the concert's end"),
        (sold(end=datetime(2020, 1, 1, tzinfo=UTC)), "sales_end", "must be in the future"),
    ],
    ids=["starts with the concert", "starts after it", "no time", "ends after it", "is over"],
)
def test_a_ticket_type_that_would_never_be_sold_is_refused_with_the_reason(
    ticket_type: TicketType, field: str, reason: str
) -> None:
    outcome = given(CONCERT, CREATED, SCHEDULED).when(lambda c: c.add_ticket_type(ticket_type, "hash", NOW))
    assert isinstance(outcome.refusal, InvalidInput)
    assert outcome.refusal.fields == ((f"#/{field}", reason),)


def test_a_schedule_that_comes_later_is_checked_against_the_windows() -> None:
    window = ConcertTicketTypeAdded(type=sold(start=STARTS + DAY))
    outcome = given(CONCERT, CREATED, window).when(lambda c: c.schedule(STARTS, ENDS, NOW))
    assert isinstance(outcome.refusal, SaleNeverOpens)
    assert outcome.refusal.facts == {
        "ticket_types": [
            {
                "id": str(some_id("type")),
                "field": "sales_start",
                "reason": "must be before the concert's start, when the sale ends",
            }
        ]
    }


def test_a_sale_that_was_over_before_it_is_published_is_refused() -> None:
    window = ConcertTicketTypeAdded(type=sold(end=NOW + DAY))
    concert = given(CONCERT, CREATED, SCHEDULED, window)
    concert.when(lambda c: c.publish(POOLS, NOW))
    outcome = concert.when(lambda c: c.publish(POOLS, NOW + DAY))
    assert isinstance(outcome.refusal, SaleNeverOpens)


def test_a_draft_whose_concert_has_begun_is_not_published() -> None:
    concert = given(CONCERT, CREATED, SCHEDULED, ConcertTicketTypeAdded(type=sold()))
    assert isinstance(concert.when(lambda c: c.publish(POOLS, STARTS)).refusal, SaleNeverOpens)


@given_any(st.none() | instants, st.none() | instants, instants)
def test_what_is_accepted_is_open_at_some_instant_that_is_still_to_come(
    start: datetime | None, end: datetime | None, now: datetime
) -> None:
    schedule = ConcertDates(STARTS, ENDS)
    if fault_of(sold(start, end), schedule, now) is None:
        first, last = max(start or now, now), end or STARTS
        assert first < last <= ENDS


def test_windows_of_types_of_which_nothing_is_known_yet_are_only_checked_in_themselves() -> None:
    assert fault_of(sold(start=ENDS + DAY), None) is None
