"""Finds the endpoints that are to hear of an event, and has the groups of its messages delivered."""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol
from uuid import UUID

from chalicelib.platform.processes.process import Instances
from chalicelib.platform.processes.work import Task, WorkQueue
from chalicelib.shop.webhooks.endpoints import WebhookEndpoint, endpoints_id
from chalicelib.shop.webhooks.group_store import change_group
from chalicelib.shop.webhooks.groups import GroupKey, MessageGroup, Source
from chalicelib.shop.webhooks.kinds import OF_CONCERTS, OF_ORDERS
from chalicelib.shop.webhooks.sources import SourceServices, endpoints_of, events_of, organiser_of, parties_of
from chalicelib.shop.webhooks.task_kinds import DELIVER_WEBHOOKS


class AnnouncingServices(SourceServices, Protocol):
    """Declares what announcing uses of a container."""

    @property
    def webhook_groups(self) -> Instances: ...

    @property
    def webhook_queue(self) -> WorkQueue: ...

    def clock(self) -> datetime: ...


def announce_order(shop: AnnouncingServices, order_id: UUID, *streams: UUID, cause: str) -> None:
    """Have what is new of an order, and of these streams that concern it, sent to those who want to hear of it.

    Raises Unavailable.
    """
    for organiser_id in parties_of(shop, events_of(shop, order_id)).concerts:
        _announce(shop, organiser_id, Source.ORDER, order_id, (order_id, *streams), cause)


def announce_concert(shop: AnnouncingServices, concert_id: UUID, *streams: UUID, cause: str) -> None:
    """Have what is new of a concert sent to its organiser.

    Raises Unavailable.
    """
    organiser_id = organiser_of(shop, concert_id)
    if organiser_id is not None:
        _announce(shop, organiser_id, Source.CONCERT, concert_id, (concert_id, *streams), cause)


def _announce(
    shop: AnnouncingServices, organiser_id: UUID, source: Source, key: UUID, streams: Iterable[UUID], cause: str
) -> None:
    kinds = OF_ORDERS if source is Source.ORDER else OF_CONCERTS
    for endpoint in endpoints_of(shop, organiser_id).endpoints.values():
        if endpoint.is_enabled and any(endpoint.wants(kind) for kind in kinds):
            named = GroupKey(endpoints_id(organiser_id), endpoint.id, source, key)
            join(shop, named, endpoint, streams, cause)


def join(
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
