"""Notices, when an order is confirmed, that it took the last ticket of a concert."""

from uuid import UUID

from chalicelib.platform.eventsourcing.codec import Origin
from chalicelib.platform.eventsourcing.instants import as_utc
from chalicelib.shop.concerts.commands import facts_of_concert
from chalicelib.shop.inventory.commands import sold_in
from chalicelib.shop.orders.events import OrderConfirmed
from chalicelib.shop.webhooks.commands import record_sold_out
from chalicelib.shop.webhooks.kinds import WebhookKind
from chalicelib.shop.webhooks.sold_out import sold_out_id
from chalicelib.shop.webhooks.sources import SourceServices, endpoints_of, events_of, parties_of


def record_what_is_sold_out(shop: SourceServices, order_id: UUID, origin: Origin) -> None:
    """Record each concert of a confirmed order that has no ticket left, if its organiser wants to hear of that.

    Raises Unavailable.
    """
    order = events_of(shop, order_id)
    confirmed = next((as_utc(one.created) for one in order if isinstance(one.event, OrderConfirmed)), None)
    if confirmed is None:
        return
    for organiser_id, concert_ids in parties_of(shop, order).concerts.items():
        endpoints = endpoints_of(shop, organiser_id).endpoints.values()
        if not any(one.is_enabled and one.wants(WebhookKind.CONCERT_SOLD_OUT) for one in endpoints):
            continue
        for concert_id in concert_ids:
            pool_ids = facts_of_concert(shop.repository, concert_id).pool_ids
            sold = sold_in(shop.repository, pool_ids, sold_out_id(concert_id))
            if sold is not None:
                record_sold_out(shop.repository, origin, concert_id, sold, confirmed)
