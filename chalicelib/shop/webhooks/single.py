"""Sends single messages, outside of their groups: tests, and what an organiser wants delivered again."""

from uuid import UUID

from chalicelib.shop.webhooks.deliveries import Delivery
from chalicelib.shop.webhooks.delivering import DeliveringServices, post
from chalicelib.shop.webhooks.endpoints import WEBHOOK_ENDPOINTS, WebhookEndpoint
from chalicelib.shop.webhooks.group_store import find_group
from chalicelib.shop.webhooks.groups import GroupKey, Source
from chalicelib.shop.webhooks.messages import WebhookMessage, made_to_try
from chalicelib.shop.webhooks.sources import messages_of


def send_test(shop: DeliveringServices, endpoints_id: UUID, endpoint: WebhookEndpoint, request_id: UUID) -> None:
    """Send a message that tries a receiver, also one that is disabled, and put the answer into the log.

    Raises Unavailable.
    """
    message = made_to_try(endpoint.id, request_id, shop.clock())
    named = GroupKey(endpoints_id, endpoint.id, Source.TEST, request_id)
    reply = post(shop, endpoint, message)
    shop.webhook_deliveries.put(Delivery.of(named, message, reply, shop.clock()))


def redeliver(shop: DeliveringServices, delivery_id: UUID) -> None:
    """Send a message again that is in the log of deliveries, under its old id, whatever waits before it.

    Raises Unavailable.
    """
    delivery = shop.webhook_deliveries.find(delivery_id)
    if delivery is None:
        return
    state = shop.repository.load(WEBHOOK_ENDPOINTS, delivery.named.endpoints_id)[0]
    endpoint = state.endpoints.get(delivery.named.endpoint_id)
    if endpoint is None or state.organiser_id is None:
        return
    message = _made_again(shop, delivery, state.organiser_id)
    if message is None:
        return
    reply = post(shop, endpoint, message)
    again = delivery.next_attempt_at
    shop.webhook_deliveries.put(
        Delivery.of(delivery.named, message, reply, shop.clock(), delivery.attempts + 1, again, delivery.waiting)
    )


def _made_again(shop: DeliveringServices, delivery: Delivery, organiser_id: UUID) -> WebhookMessage | None:
    named = delivery.named
    if named.source is Source.TEST:
        return made_to_try(named.endpoint_id, named.key, delivery.happened_at)
    group, _ = find_group(shop.webhook_groups, named.group_id)
    streams = {} if group is None else dict.fromkeys(group.done, -1)
    made = messages_of(shop, named, organiser_id, streams)
    return next((one for one in made if one.id_for(named.endpoint_id) == delivery.id), None)
