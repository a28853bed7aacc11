"""A cold load costs the same however long the stream is, and a snapshot is never more than a shortcut."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from chalicelib.platform.errors import Unavailable
from chalicelib.platform.eventsourcing.aggregate import Aggregate
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.platform.eventsourcing.snapshots import MemorySnapshots, Snapshot, Snapshots
from chalicelib.platform.eventsourcing.store import StoreUsage
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.shop.inventory.events import HoldReleased, TicketsHeld
from chalicelib.shop.inventory.ticket_pool import SNAPSHOT_EVERY, TICKET_POOL, TicketPool, pool_id
from tests.support.shop import Clock, CountedStore, Shop
from tests.support.stored import SOMEBODY


def hold_and_release(repository: Repository, key: UUID, times: int) -> None:
    """Two events each time."""
    for _ in range(times):
        hold_id = uuid4()

        def command(session: Session, hold_id: UUID = hold_id) -> None:
            at, later = session.now, session.now + timedelta(minutes=1)
            session.load(TICKET_POOL, key)
            held = TicketsHeld(hold_id=hold_id, cart_id=uuid4(), quantity=1, expires_at=later, at=at)
            session.append(TICKET_POOL, key, held, HoldReleased(hold_id=hold_id, quantity=1, at=at))

        repository.execute(command, SOMEBODY)


@pytest.mark.parametrize("length", [SNAPSHOT_EVERY // 2, SNAPSHOT_EVERY, 2 * SNAPSHOT_EVERY, 5 * SNAPSHOT_EVERY])
def test_a_cold_load_is_at_most_two_requests_and_equals_the_fold(
    store: CountedStore, snapshots: Snapshots, length: int
) -> None:
    key = uuid4()
    hold_and_release(Repository(store, Clock(), snapshots=snapshots), key, length)
    before = store.usage.reads
    state, version = Repository(store, Clock(), snapshots=snapshots).load(TICKET_POOL, key)
    assert store.usage.reads - before == 1
    assert version == 2 * length - 1
    assert state == Repository(store, Clock()).load(TICKET_POOL, key)[0]


def test_a_snapshot_survives_with_everything_a_pool_knows(shop_on_store: Shop, snapshots: Snapshots) -> None:
    shop = shop_on_store
    _, ticket_type_id = shop.on_sale(quantity=100, max_per_order=10)
    repository = Repository(shop.store, shop.clock, snapshots=snapshots)
    for _ in range(3):
        cart_id = shop.cart()
        shop.add(cart_id, ticket_type_id, 2, repository=repository)
    shop.check_out(cart_id)
    key = pool_id(ticket_type_id, 0)
    hold_and_release(repository, key, 2 * SNAPSHOT_EVERY)
    loaded = Repository(shop.store, shop.clock, snapshots=snapshots).load(TICKET_POOL, key)
    assert loaded == Repository(shop.store, shop.clock).load(TICKET_POOL, key)
    assert (loaded[0].held, len(loaded[0].holds)) == (6, 3)


def test_an_older_snapshot_never_replaces_a_newer_one(snapshots: Snapshots) -> None:
    newer = Snapshot(uuid4(), 99, "2030-01-01T12:00:00.000Z", "hash", "shape", "{}")
    snapshots.save(newer)
    snapshots.save(replace(newer, version=49))
    assert snapshots.find(newer.stream_id) == newer


def test_a_snapshot_of_another_shape_is_not_believed(snapshots: Snapshots) -> None:
    store, key = MemoryEventStore(), uuid4()
    hold_and_release(Repository(store, Clock(), snapshots=snapshots), key, 2 * SNAPSHOT_EVERY)
    kept = snapshots.find(key)
    assert kept is not None
    snapshots.save(replace(kept, version=kept.version + 1, shape="of yesterday", state='{"sold": 1000}'))
    state, _ = Repository(store, Clock(), snapshots=snapshots).load(TICKET_POOL, key)
    assert state.sold == 0


def test_without_snapshots_the_stream_is_read_and_a_command_never_fails_for_one() -> None:
    class Away(MemorySnapshots):
        def save(self, snapshot: Snapshot) -> None:
            raise Unavailable(f"no room for {snapshot.stream_id}")

    store, key = MemoryEventStore(), uuid4()
    hold_and_release(Repository(store, Clock(), snapshots=Away()), key, 2 * SNAPSHOT_EVERY)
    state, version = Repository(store, Clock(), snapshots=MemorySnapshots()).load(TICKET_POOL, key)
    assert (version, state.held) == (4 * SNAPSHOT_EVERY - 1, 0)


def test_aggregates_with_short_streams_take_no_snapshots() -> None:
    assert Aggregate("Short", TicketPool(), lambda state, _: state).snapshot_every is None
    assert isinstance(MemoryEventStore().usage, StoreUsage)
