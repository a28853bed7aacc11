"""Lets the organiser change what is on sale, and checks that every pool and every line has the right terms."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from chalicelib.platform.caller import Caller
from chalicelib.platform.eventsourcing.codec import RecordedEvent, decode
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.money import Money
from chalicelib.shop.carts.events import CartItemAdded
from chalicelib.shop.concerts import live_commands
from chalicelib.shop.concerts.commands import change_concert
from chalicelib.shop.concerts.concert import CONCERT, Concert, ConcertStatus
from chalicelib.shop.concerts.offers import offers_of
from chalicelib.shop.concerts.windows import ConcertDates
from chalicelib.shop.inventory.terms import CHANGEABLE_TERMS
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL, TicketPool
from simulator.opening import OPENS
from simulator.resizing import resize
from simulator.world import World

Change = Callable[[Repository, Caller], Any]
PROMISED = OPENS + timedelta(days=10)
"""Until when money is given back after a move; a later promise must not be an earlier date."""


def changes(world: World) -> list[tuple[str, Change]]:
    """Choose what an organiser does one after the other."""
    concert_id = world.stock.concert_id
    steps = (_rename, _reprice, _move, _pause, _postpone, resize, resize)
    chosen = [world.random.choice(steps) for _ in range(world.random.randint(1, 3))]
    return [step for choose in chosen for step in choose(world, concert_id)]


def _rename(world: World, concert_id: UUID) -> list[tuple[str, Change]]:
    name = f"Name {world.random.randint(1, 9)}"
    return [
        ("rename", lambda r, caller: change_concert(r, caller, concert_id, lambda details: replace(details, name=name)))
    ]


def _reprice(world: World, concert_id: UUID) -> list[tuple[str, Change]]:
    ticket_type_id = world.random.choice(world.stock.kinds)
    price = Money.of(str(world.random.choice((20, 30, 40))), "EUR")

    def reprice(repository: Repository, caller: Caller) -> Any:
        return live_commands.change_ticket_type(repository, caller, concert_id, ticket_type_id, {"price": price})

    return [("reprice", reprice)]


def _move(world: World, concert_id: UUID) -> list[tuple[str, Change]]:
    starts_at = OPENS + timedelta(days=world.random.randint(1, 9))
    dates = ConcertDates(starts_at, starts_at + timedelta(hours=3))
    until = PROMISED if world.random.random() < 0.5 else None  # noqa: PLR2004
    return [("move", lambda r, caller: live_commands.move_concert(r, caller, concert_id, dates, None, until))]


def _pause(_: World, concert_id: UUID) -> list[tuple[str, Change]]:
    return [
        ("close sales", partial(_called, live_commands.close_sales, concert_id)),
        ("open sales", partial(_called, live_commands.open_sales, concert_id)),
    ]


def _postpone(world: World, concert_id: UUID) -> list[tuple[str, Change]]:
    return [
        ("postpone", lambda r, caller: live_commands.postpone_concert(r, caller, concert_id, None)),
        *_move(world, concert_id),
    ]


def _called(command: Callable[..., Any], concert_id: UUID, repository: Repository, caller: Caller) -> Any:
    return command(repository, caller, concert_id)


def wrong_terms(world: World, streams: Mapping[UUID, Sequence[RecordedEvent]]) -> Iterator[str]:
    """Find pools that have other terms than their concert, and lines at a price that their pools did not have."""
    concert_id = world.stock.concert_id
    concert = CONCERT.fold(entry.event for entry in streams[concert_id])
    if concert.status is ConcertStatus.PUBLISHED:
        yield from _stale_pools(concert_id, concert, streams)
    pools: dict[UUID, TicketPool] = {}
    for commit in world.log.commits:
        yield from _wrong_prices(pools, commit)


def _stale_pools(concert_id: UUID, concert: Concert, streams: Mapping[UUID, Sequence[RecordedEvent]]) -> Iterator[str]:
    if concert.publication.unapplied:
        yield f"Concert {concert_id} has terms that are not in all its pools, for ever."
    for key, offer in offers_of(concert_id, concert).items():
        for pool in concert.pools_of(concert.stock_of(key)):
            terms = TICKET_POOL.fold(entry.event for entry in streams[pool]).terms_of(key)
            stale = [name for name in CHANGEABLE_TERMS if getattr(terms, name) != getattr(offer, name)]
            if stale:
                yield f"Pool {pool} has another {', '.join(stale)} than its concert."


def _wrong_prices(pools: dict[UUID, TicketPool], commit: Sequence[StoredEvent]) -> Iterator[str]:
    for stored in commit:
        if stored.aggregate_type == TICKET_POOL.name:
            pools[stored.aggregate_id] = TICKET_POOL.fold([decode(stored)], pools.get(stored.aggregate_id))
    for event in (decode(stored) for stored in commit):
        if isinstance(event, CartItemAdded):
            of_shares = [pools[share.pool_id].terms_of(event.item.ticket_type_id) for share in event.item.shares]
            prices = {terms.price for terms in of_shares if terms is not None}
            if prices != {event.item.unit_price}:
                yield f"Line {event.item.id} costs {event.item.unit_price}, and its pools {prices}."
