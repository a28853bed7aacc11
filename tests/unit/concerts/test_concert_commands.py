"""What an organiser can do with a concert, over the whole way to the log."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from chalicelib.platform.errors import (
    Forbidden,
    IdempotencyKeyReused,
    InvalidInput,
    NotFound,
    PreconditionFailed,
    Unavailable,
)
from chalicelib.platform.eventsourcing.store import MAX_COMMIT_ITEMS, ConcurrencyError
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.money import Money
from chalicelib.shop.carts.lost_lines import LinesNotOnSale
from chalicelib.shop.concerts.commands import (
    add_ticket_type,
    cancel_concert,
    change_concert,
    create_concert,
    delete_concert,
    publish_concert,
    remove_ticket_type,
    schedule_concert,
)
from chalicelib.shop.concerts.concert import ConcertDetails, ConcertIncomplete, ConcertNotDraft, ConcertStatus
from chalicelib.shop.concerts.events import TicketType
from chalicelib.shop.concerts.on_sale import Confirmation
from chalicelib.shop.concerts.terms import Changed
from chalicelib.shop.inventory.commands import closing
from chalicelib.shop.inventory.pool_sizing import TICKETS_PER_POOL
from chalicelib.shop.inventory.ticket_pool import NotOnSale, TicketsSoldOut, pool_id
from chalicelib.shop.venues.commands import delete_venue
from tests.support.shop import CUSTOMER, OPENING, OPERATOR, ORGANISER, OTHER_ORGANISER, Clock, Shop, some_id
from tests.support.stored import imported

PUBLISHED_IN_THE_ORIGINAL = some_id("original concert")


class FragileStore(MemoryEventStore):
    """Works for a given number of appends and is away from then on, until it is mended."""

    def __init__(self) -> None:
        super().__init__()
        self.appends_left: int | None = None
        self.commits: list[int] = []

    def append(self, events: Sequence[StoredEvent], raising: Collection[UUID] = ()) -> None:
        if self.appends_left is not None:
            if self.appends_left == 0:
                raise Unavailable("The store is away.")
            self.appends_left -= 1
        super().append(events, raising)
        self.commits.append(len(events))


@pytest.fixture
def fragile_store() -> FragileStore:
    return FragileStore()


@pytest.fixture
def fragile_shop(fragile_store: FragileStore) -> Shop:
    return Shop(fragile_store)


def describe(key: UUID) -> TicketType:
    return TicketType(id=key, name="Seated", price=Money.of("40.00", "EUR"), quantity=100, max_per_order=4)


def large_draft(shop: Shop) -> tuple[UUID, list[UUID]]:
    """Three ticket types of 45 pools each: 135 pools, more than one transaction takes."""
    concert_id = shop.draft()
    return concert_id, [shop.ticket_type(concert_id, quantity=45 * TICKETS_PER_POOL) for _ in range(3)]


def test_a_concert_is_created_at_a_venue_that_exists(fragile_shop: Shop) -> None:
    concert_id = create_concert(
        fragile_shop.repository, fragile_shop.request(ORGANISER), ConcertDetails("Sunn O)))", fragile_shop.venue())
    )
    concert = fragile_shop.concert_state(concert_id)
    assert (concert.status, concert.organiser_id) == (ConcertStatus.DRAFT, ORGANISER.id)


def test_a_concert_at_a_venue_that_is_not_there_is_invalid(fragile_shop: Shop) -> None:
    venue_id = fragile_shop.venue()
    delete_venue(fragile_shop.repository, fragile_shop.request(ORGANISER), venue_id)
    for nowhere in (venue_id, some_id("nowhere")):
        with pytest.raises(InvalidInput) as refusal:
            create_concert(
                fragile_shop.repository, fragile_shop.request(ORGANISER), ConcertDetails("Sunn O)))", nowhere)
            )
        assert refusal.value.fields == (("#/venue_id", "names no venue"),)


def test_a_venue_that_another_container_deleted_is_gone_here_too(fragile_shop: Shop) -> None:
    venue_id = fragile_shop.venue()
    delete_venue(fragile_shop.other_container(), fragile_shop.request(ORGANISER), venue_id)
    with pytest.raises(InvalidInput):
        create_concert(fragile_shop.repository, fragile_shop.request(ORGANISER), ConcertDetails("Sunn O)))", venue_id))


def test_a_repeated_creation_gives_the_same_answer_even_when_the_venue_is_gone(fragile_shop: Shop) -> None:
    details = ConcertDetails("Sunn O)))", fragile_shop.venue())
    first = create_concert(fragile_shop.repository, fragile_shop.request(ORGANISER, "key"), details)
    delete_venue(fragile_shop.repository, fragile_shop.request(ORGANISER), details.venue_id)
    before = fragile_shop.log([first])
    assert create_concert(fragile_shop.other_container(), fragile_shop.request(ORGANISER, "key"), details) == first
    assert fragile_shop.log([first]) == before


def test_the_same_key_with_another_body_is_refused(fragile_shop: Shop) -> None:
    details = ConcertDetails("Sunn O)))", fragile_shop.venue())
    create_concert(fragile_shop.repository, fragile_shop.request(ORGANISER, "key", "one"), details)
    with pytest.raises(IdempotencyKeyReused):
        create_concert(fragile_shop.repository, fragile_shop.request(ORGANISER, "key", "two"), details)
    concert_id = fragile_shop.draft()
    add_ticket_type(fragile_shop.repository, fragile_shop.request(ORGANISER, "type", "one"), concert_id, describe)
    with pytest.raises(IdempotencyKeyReused):
        add_ticket_type(fragile_shop.repository, fragile_shop.request(ORGANISER, "type", "two"), concert_id, describe)


def test_another_organiser_may_do_nothing_with_a_concert(fragile_shop: Shop) -> None:
    concert_id = fragile_shop.draft()
    ticket_type_id = fragile_shop.ticket_type(concert_id)
    other = fragile_shop.request(OTHER_ORGANISER)
    with pytest.raises(Forbidden):
        change_concert(fragile_shop.repository, other, concert_id, lambda details: replace(details, name="Mine"))
    with pytest.raises(Forbidden):
        schedule_concert(fragile_shop.repository, other, concert_id, OPENING, OPENING + timedelta(hours=1))
    with pytest.raises(Forbidden):
        add_ticket_type(fragile_shop.repository, other, concert_id, describe)
    with pytest.raises(Forbidden):
        remove_ticket_type(fragile_shop.repository, other, concert_id, ticket_type_id)
    with pytest.raises(Forbidden):
        publish_concert(fragile_shop.repository, other, concert_id)
    with pytest.raises(Forbidden):
        cancel_concert(fragile_shop.repository, other, concert_id)
    with pytest.raises(Forbidden):
        delete_concert(fragile_shop.repository, other, concert_id)


def test_an_operator_may_publish_for_an_organiser(fragile_shop: Shop) -> None:
    concert_id = fragile_shop.draft()
    fragile_shop.ticket_type(concert_id)
    fragile_shop.publish(concert_id, OPERATOR)
    assert fragile_shop.concert_state(concert_id).organiser_id == ORGANISER.id


def test_a_concert_that_never_was_is_not_found(fragile_shop: Shop) -> None:
    with pytest.raises(NotFound):
        publish_concert(fragile_shop.repository, fragile_shop.request(ORGANISER), some_id("nowhere"))
    with pytest.raises(NotFound):
        cancel_concert(fragile_shop.repository, fragile_shop.request(ORGANISER), some_id("nowhere"))


def test_a_change_names_the_version_it_was_made_for(fragile_shop: Shop) -> None:
    concert_id = fragile_shop.draft()
    with pytest.raises(PreconditionFailed) as refusal:
        delete_concert(fragile_shop.repository, fragile_shop.request(ORGANISER, if_match=0), concert_id)
    assert refusal.value.facts == {"version": 1}
    assert delete_concert(fragile_shop.repository, fragile_shop.request(ORGANISER, if_match=1), concert_id) == 2


def test_a_draft_moves_to_a_venue_that_exists(fragile_shop: Shop) -> None:
    concert_id, elsewhere = fragile_shop.draft(), fragile_shop.venue()
    moved = change_concert(
        fragile_shop.repository,
        fragile_shop.request(ORGANISER),
        concert_id,
        lambda details: replace(details, venue_id=elsewhere),
    )
    assert moved == Changed(2)
    with pytest.raises(InvalidInput):
        change_concert(
            fragile_shop.repository,
            fragile_shop.request(ORGANISER),
            concert_id,
            lambda details: replace(details, venue_id=some_id("nowhere")),
        )


@pytest.mark.parametrize("cold", [False, True], ids=["same container", "other container"])
def test_a_repeated_ticket_type_gets_its_first_answer_although_the_concert_went_on(
    fragile_shop: Shop, cold: bool
) -> None:
    concert_id = fragile_shop.draft()
    first = add_ticket_type(fragile_shop.repository, fragile_shop.request(ORGANISER, "key"), concert_id, describe)
    fragile_shop.ticket_type(concert_id)
    fragile_shop.publish(concert_id)
    before = fragile_shop.log([concert_id])
    repository = fragile_shop.other_container() if cold else fragile_shop.repository
    assert add_ticket_type(repository, fragile_shop.request(ORGANISER, "key"), concert_id, describe) == first
    assert fragile_shop.log([concert_id]) == before
    assert first[1] == 2


def test_a_repeated_ticket_type_gets_its_first_answer_with_if_match_too(fragile_shop: Shop) -> None:
    concert_id = fragile_shop.draft()
    first = add_ticket_type(
        fragile_shop.repository, fragile_shop.request(ORGANISER, "key", if_match=1), concert_id, describe
    )
    again = add_ticket_type(
        fragile_shop.repository, fragile_shop.request(ORGANISER, "key", if_match=1), concert_id, describe
    )
    assert again == first


def test_instants_finer_than_the_log_mean_the_same_in_every_container(fragile_shop: Shop) -> None:
    starts_at = OPENING + timedelta(microseconds=123_456)
    ends_at = starts_at + timedelta(hours=2)
    concert_id = fragile_shop.draft()
    versions = [
        schedule_concert(repository, fragile_shop.request(ORGANISER), concert_id, starts_at, ends_at)
        for repository in (fragile_shop.repository, fragile_shop.repository, fragile_shop.other_container())
    ]
    assert versions == [2, 2, 2]


def test_publishing_opens_the_pools_in_the_same_transaction(fragile_shop: Shop, fragile_store: FragileStore) -> None:
    concert_id = fragile_shop.draft()
    first, second = fragile_shop.ticket_type(concert_id, 3 * TICKETS_PER_POOL), fragile_shop.ticket_type(concert_id, 1)
    fragile_store.commits.clear()
    version = fragile_shop.publish(concert_id)
    assert fragile_store.commits == [1 + 3 + 1]
    concert = fragile_shop.concert_state(concert_id)
    assert (concert.status, version) == (ConcertStatus.PUBLISHED, 4)
    assert {pools.ticket_type_id: pools.pool_ids for pools in concert.pools} == {
        first: tuple(pool_id(first, index) for index in range(3)),
        second: (pool_id(second, 0),),
    }
    assert [pool.free for pool in fragile_shop.pools(first)] == [TICKETS_PER_POOL] * 3


def test_a_pool_knows_the_terms_of_its_ticket_type(fragile_shop: Shop) -> None:
    sales_start = OPENING - timedelta(days=20)
    concert_id = fragile_shop.draft()
    ticket_type_id = fragile_shop.ticket_type(
        concert_id, 2 * TICKETS_PER_POOL, "9.50", "GBP", 4, sales_start=sales_start
    )
    fragile_shop.publish(concert_id)
    terms = fragile_shop.pool(ticket_type_id, 1).terms
    assert terms is not None
    assert (terms.concert_id, terms.concert_name, terms.organiser_id) == (concert_id, "Patti Smith", ORGANISER.id)
    assert (terms.ticket_type_id, terms.ticket_type_name) == (ticket_type_id, "Standing")
    assert (terms.pool_index, terms.pool_count, terms.max_per_order) == (1, 2, 4)
    assert terms.capacity == TICKETS_PER_POOL
    assert (terms.price, terms.sales_start, terms.sales_end) == (Money.of("9.50", "GBP"), sales_start, OPENING)


@pytest.mark.parametrize("cold", [False, True], ids=["same container", "other container"])
def test_publishing_again_gives_the_same_answer_and_adds_nothing(
    fragile_shop: Shop, fragile_store: FragileStore, cold: bool
) -> None:
    concert_id, _ = fragile_shop.on_sale(3 * TICKETS_PER_POOL)
    before = fragile_shop.log(fragile_store.stream_ids())
    repository = fragile_shop.other_container() if cold else fragile_shop.repository
    assert publish_concert(repository, fragile_shop.request(ORGANISER), concert_id) == 3
    assert fragile_shop.log(fragile_store.stream_ids()) == before


def test_an_incomplete_draft_is_not_published(fragile_shop: Shop, fragile_store: FragileStore) -> None:
    concert_id = fragile_shop.draft()
    before = fragile_shop.log(fragile_store.stream_ids())
    with pytest.raises(ConcertIncomplete):
        fragile_shop.publish(concert_id)
    assert fragile_shop.log(fragile_store.stream_ids()) == before


def test_ninety_nine_pools_are_published_in_one_transaction(fragile_shop: Shop, fragile_store: FragileStore) -> None:
    concert_id = fragile_shop.draft()
    fragile_shop.ticket_type(concert_id, 90 * TICKETS_PER_POOL)
    fragile_shop.ticket_type(concert_id, 9 * TICKETS_PER_POOL)
    fragile_store.commits.clear()
    fragile_shop.publish(concert_id)
    assert fragile_store.commits == [MAX_COMMIT_ITEMS]


def test_a_concert_of_more_than_ninety_nine_pools_is_published_first_and_then_opened(
    fragile_shop: Shop, fragile_store: FragileStore
) -> None:
    concert_id, ticket_types = large_draft(fragile_shop)
    fragile_store.commits.clear()
    fragile_shop.publish(concert_id)
    assert fragile_store.commits == [1, 100, 35]
    assert [sum(pool.free for pool in fragile_shop.pools(key)) for key in ticket_types] == [45 * TICKETS_PER_POOL] * 3


@pytest.mark.parametrize("commits_before", [0, 1, 2])
@pytest.mark.parametrize("cold", [False, True], ids=["same container", "other container"])
def test_publishing_again_finishes_what_was_interrupted(
    fragile_shop: Shop, fragile_store: FragileStore, commits_before: int, cold: bool
) -> None:
    concert_id, ticket_types = large_draft(fragile_shop)
    fragile_store.appends_left = commits_before
    with pytest.raises(Unavailable):
        fragile_shop.publish(concert_id)
    assert not any(fragile_shop.pools(key) for key in ticket_types), "a sale starts only when all pools are open"
    fragile_store.appends_left = None
    repository = fragile_shop.other_container() if cold else fragile_shop.repository
    fragile_shop.clock.advance(timedelta(minutes=1))
    assert publish_concert(repository, fragile_shop.request(ORGANISER), concert_id, [Confirmation.OVER_CAPACITY]) == 5
    assert [sum(pool.free for pool in fragile_shop.pools(key)) for key in ticket_types] == [45 * TICKETS_PER_POOL] * 3
    before = fragile_shop.log(fragile_store.stream_ids())
    publish_concert(repository, fragile_shop.request(ORGANISER), concert_id)
    assert fragile_shop.log(fragile_store.stream_ids()) == before


def test_while_its_pools_are_being_opened_nothing_can_be_bought(
    fragile_shop: Shop, fragile_store: FragileStore
) -> None:
    concert_id, ticket_types = large_draft(fragile_shop)
    fragile_store.appends_left = 2
    with pytest.raises(Unavailable):
        fragile_shop.publish(concert_id)
    fragile_store.appends_left = None
    cart_id = fragile_shop.cart()
    for ticket_type_id in ticket_types:
        with pytest.raises(NotFound):
            fragile_shop.add(cart_id, ticket_type_id)


def test_cancelling_closes_every_pool(fragile_shop: Shop) -> None:
    concert_id, ticket_type_id = fragile_shop.on_sale(3 * TICKETS_PER_POOL)
    cart_id = fragile_shop.cart()
    item = fragile_shop.add(cart_id, ticket_type_id, 2)
    assert cancel_concert(fragile_shop.repository, fragile_shop.request(ORGANISER), concert_id) == (
        ConcertStatus.CANCELLING,
        4,
    )
    assert [pool.closed for pool in fragile_shop.pools(ticket_type_id)] == [True] * 3
    assert fragile_shop.concert_state(concert_id).status is ConcertStatus.CANCELLING
    with pytest.raises(NotOnSale):
        fragile_shop.add(cart_id, ticket_type_id)
    with pytest.raises(LinesNotOnSale):
        fragile_shop.check_out(cart_id)
    assert fragile_shop.remove(cart_id, item.item_id) == 2


def test_a_container_that_has_not_heard_of_the_cancellation_sells_nothing_either(fragile_shop: Shop) -> None:
    concert_id, ticket_type_id = fragile_shop.on_sale()
    cart_id = fragile_shop.cart()
    cancel_concert(fragile_shop.other_container(), fragile_shop.request(ORGANISER), concert_id)
    with pytest.raises(NotOnSale):
        fragile_shop.add(cart_id, ticket_type_id)


@pytest.mark.parametrize("commits_before", [0, 1, 2, 3])
def test_cancelling_again_finishes_what_was_interrupted(
    fragile_shop: Shop, fragile_store: FragileStore, commits_before: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closing, "CLOSED_AT_ONCE", 1)
    concert_id, ticket_type_id = fragile_shop.on_sale(3 * TICKETS_PER_POOL)
    fragile_store.appends_left = commits_before
    with pytest.raises(Unavailable):
        cancel_concert(fragile_shop.repository, fragile_shop.request(ORGANISER), concert_id)
    fragile_store.appends_left = None
    assert cancel_concert(fragile_shop.other_container(), fragile_shop.request(ORGANISER), concert_id) == (
        ConcertStatus.CANCELLING,
        4,
    )
    assert [pool.closed for pool in fragile_shop.pools(ticket_type_id)] == [True] * 3
    before = fragile_shop.log(fragile_store.stream_ids())
    assert cancel_concert(fragile_shop.repository, fragile_shop.request(ORGANISER), concert_id) == (
        ConcertStatus.CANCELLING,
        4,
    )
    assert fragile_shop.log(fragile_store.stream_ids()) == before


def test_pools_are_closed_one_by_one_where_buyers_win_every_race_for_all_together(
    fragile_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    concert_id, ticket_type_id = fragile_shop.on_sale(3 * TICKETS_PER_POOL)
    append = fragile_shop.store.append

    def lose_long_ones(events: Sequence[StoredEvent], raising: Collection[UUID] = ()) -> None:
        if len({event.aggregate_id for event in events}) > 1:
            raise ConcurrencyError(frozenset({events[0].aggregate_id}))
        append(events, raising)

    monkeypatch.setattr(fragile_shop.store, "append", lose_long_ones)
    cancel_concert(fragile_shop.repository, fragile_shop.request(ORGANISER), concert_id)
    assert [pool.closed for pool in fragile_shop.pools(ticket_type_id)] == [True] * 3


def test_a_publication_resumed_after_the_cancellation_sells_nothing(
    fragile_shop: Shop, fragile_store: FragileStore
) -> None:
    concert_id, ticket_types = large_draft(fragile_shop)
    fragile_store.appends_left = 1
    with pytest.raises(Unavailable):
        fragile_shop.publish(concert_id)
    fragile_store.appends_left = None
    cancel_concert(fragile_shop.other_container(), fragile_shop.request(ORGANISER), concert_id)
    with pytest.raises(ConcertNotDraft):
        fragile_shop.publish(concert_id)
    with pytest.raises(NotFound):
        fragile_shop.add(fragile_shop.cart(), ticket_types[0])


def test_two_containers_that_publish_at_once_open_every_pool_once(fragile_shop: Shop) -> None:
    concert_id = fragile_shop.draft()
    ticket_type_id = fragile_shop.ticket_type(concert_id, 3 * TICKETS_PER_POOL)
    other = fragile_shop.other_container(Clock(fragile_shop.clock.now + timedelta(seconds=1)))
    publish_concert(other, fragile_shop.request(ORGANISER), concert_id)
    assert fragile_shop.publish(concert_id) == 3
    assert [pool.free for pool in fragile_shop.pools(ticket_type_id)] == [TICKETS_PER_POOL] * 3
    assert len(fragile_shop.store.read(pool_id(ticket_type_id, 0))) == 1


def test_an_operator_can_publish_a_draft_of_the_original_and_sell_its_tickets(
    fragile_shop: Shop, fragile_store: FragileStore
) -> None:
    ticket_type_id = original_draft(fragile_store, quantity=20)
    fragile_shop.publish(PUBLISHED_IN_THE_ORIGINAL, OPERATOR)
    assert fragile_shop.add(fragile_shop.cart(), ticket_type_id, 3).version == 1
    terms = fragile_shop.pool(ticket_type_id).terms
    assert terms is not None
    assert (terms.price, terms.organiser_id) == (Money.of("25.00", "EUR"), None)


def test_a_ticket_type_of_the_original_without_any_tickets_is_sold_out_and_no_error(
    fragile_shop: Shop, fragile_store: FragileStore
) -> None:
    ticket_type_id = original_draft(fragile_store, quantity=0)
    fragile_shop.publish(PUBLISHED_IN_THE_ORIGINAL, OPERATOR)
    with pytest.raises(TicketsSoldOut) as refusal:
        fragile_shop.add(fragile_shop.cart(CUSTOMER), ticket_type_id)
    assert refusal.value.facts == {"available": 0}


def original_draft(store: MemoryEventStore, quantity: int) -> UUID:
    stream_id, ticket_type_id = PUBLISHED_IN_THE_ORIGINAL, some_id("original type")
    prefix = "Cloudbash.Domain.Concerts.Events.Concert"
    store.append(
        [
            imported(f"{prefix}CreatedEvent", stream_id, 0, Name="Old", VenueId=str(some_id("v")), ImageUrl=None),
            imported(
                f"{prefix}ScheduledEvent", stream_id, 1, StartDate="2030-03-01T20:00:00", EndDate="2030-03-01T23:00:00"
            ),
            imported(
                f"{prefix}TicketTypeAddedEvent",
                stream_id,
                2,
                Type={"Id": str(ticket_type_id), "Name": "All", "Price": 25.0, "Quantity": quantity},
            ),
        ]
    )
    return ticket_type_id
