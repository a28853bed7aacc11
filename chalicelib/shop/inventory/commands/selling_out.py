"""Tells whether everything is sold."""

from collections.abc import Sequence
from uuid import UUID

from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL


def sold_in(repository: Repository, pool_ids: Sequence[UUID], about: UUID) -> int | None:
    """Return how many tickets these pools have sold, if they have none left, held or free; None otherwise.

    The first pool that has any ends the search. It is remembered, under `about`, as the one to ask first next time.
    Raises Unavailable.
    """
    remembered = repository.hint_choices.get(about)
    first = [remembered] if remembered is not None and remembered in pool_ids else []
    total = 0
    for key in dict.fromkeys([*first, *pool_ids]):
        pool, _ = repository.load(TICKET_POOL, key)
        if pool.sold < pool.capacity:
            repository.hint_choices[about] = key
            return None
        total += pool.sold
    return total or None
