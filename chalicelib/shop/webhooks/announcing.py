"""Finds the endpoints that are to hear of an event, and has the groups of its messages delivered."""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol
from uuid import UUID

from chalicelib.platform.eventsourcing.codec import Origin
from chalicelib.platform.processes.process import Instances
from chalicelib.platform.processes.work import Task, WorkQueue
from chalicelib.shop.webhooks.endpoints import WebhookEndpoint, endpoints_id
from chalicelib.shop.webhooks.group_store import change_group
from chalicelib.shop.webhooks.groups import GroupKey, MessageGroup, Source
from chalicelib.shop.webhooks.kinds import OF_CONCERTS, OF_ORDERS, WebhookKind
from chalicelib.shop.webhooks.selling_out import record_what_is_sold_out
from chalicelib.shop.webhooks.sources import SourceServices, endpoints_of, events_of, organiser_of, parties_of
from chalicelib.shop.webhooks.task_kinds import DELIVER_WEBHOOKS


class AnnouncingServices(SourceServices, Protocol):
    """Declares what announcing uses of a container."""

    @property
    def webhook_groups(self) -> Instances: ...

    @property
    def webhook_queue(self) -> WorkQueue: ...

    def clock(self) -> datetime: ...


def announce_order(shop: AnnouncingServices, order_id: UUID, *streams: UUID, origin: Origin) -> None:
    """Have what is new of an order, and of these streams that concern it, sent to those who want to hear of it.

    What is new of the order alone may be that it took the last ticket of a concert, which is recorded.
    Raises Unavailable.
    """
    order = events_of(shop, order_id)
    for organiser_id, concert_ids in parties_of(shop, order).concerts.items():
        endpoints = endpoints_of(shop, organiser_id)
        for endpoint in endpoints.wanting(OF_ORDERS):
            named = GroupKey(endpoints_id(organiser_id), endpoint.id, Source.ORDER, order_id)
            _join(shop, named, endpoint, (order_id, *streams), origin.causation_id)
        if not streams and endpoints.wanting({WebhookKind.CONCERT_SOLD_OUT}):
            record_what_is_sold_out(shop, order, concert_ids, origin)


def announce_concert(shop: AnnouncingServices, concert_id: UUID, *streams: UUID, cause: str) -> None:
    """Have what is new of a concert sent to its organiser.

    Raises Unavailable.
    """
    organiser_id = organiser_of(shop, concert_id)
    if organiser_id is not None:
        for endpoint in endpoints_of(shop, organiser_id).wanting(OF_CONCERTS):
            named = GroupKey(endpoints_id(organiser_id), endpoint.id, Source.CONCERT, concert_id)
            _join(shop, named, endpoint, (concert_id, *streams), cause)


def _join(
    shop: AnnouncingServices, named: GroupKey, endpoint: WebhookEndpoint, streams: Iterable[UUID], cause: str
) -> None:
    """Have a group follow the streams, and be delivered unless it waits for its next attempt.

    It is changed in any case: a worker that is just about to leave it then looks once more.
    """

    def follow(group: MessageGroup | None) -> MessageGroup:
        return (group or MessageGroup(named, endpoint.created_at)).following(*streams)

    group, _ = change_group(shop.webhook_groups, named.group_id, follow)
    if group.may_be_sent(shop.clock()):
        shop.webhook_queue.send([Task(DELIVER_WEBHOOKS, named.group_id, cause)])
