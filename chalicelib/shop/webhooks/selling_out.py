"""Notices, when an order is confirmed, that it took the last ticket of a concert."""

from collections.abc import Iterable
from uuid import UUID

from chalicelib.platform.eventsourcing.codec import Origin, RecordedEvent
from chalicelib.platform.eventsourcing.instants import as_utc
from chalicelib.shop.concerts.commands import facts_of_concert
from chalicelib.shop.inventory.commands import sold_in
from chalicelib.shop.orders.events import OrderConfirmed
from chalicelib.shop.webhooks.commands import record_sold_out
from chalicelib.shop.webhooks.sold_out import sold_out_id
from chalicelib.shop.webhooks.sources import SourceServices


def record_what_is_sold_out(
    shop: SourceServices, order: Iterable[RecordedEvent], concert_ids: Iterable[UUID], origin: Origin
) -> None:
    """Record each of these concerts of the order that has no ticket left, once the order is confirmed.

    Raises Unavailable.
    """
    confirmed = next((as_utc(one.created) for one in order if isinstance(one.event, OrderConfirmed)), None)
    if confirmed is None:
        return
    for concert_id in concert_ids:
        pool_ids = facts_of_concert(shop.repository, concert_id).pool_ids
        sold = sold_in(shop.repository, pool_ids, sold_out_id(concert_id))
        if sold is not None:
            record_sold_out(shop.repository, origin, concert_id, sold, confirmed)
