"""Sends again what has happened since an instant, from the log: pool by pool, order by order, in small steps."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from chalicelib.platform.bus.projection import PositionMoved
from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.eventsourcing.instants import as_utc
from chalicelib.platform.processes.process import Instance
from chalicelib.platform.processes.work import Task
from chalicelib.shop.concerts.commands import facts_of_concert
from chalicelib.shop.inventory.commands import orders_in
from chalicelib.shop.webhooks.announcing import AnnouncingServices
from chalicelib.shop.webhooks.endpoints import WEBHOOK_ENDPOINTS, WebhookEndpoint, WebhookReplay
from chalicelib.shop.webhooks.group_store import change_group
from chalicelib.shop.webhooks.groups import GroupKey, MessageGroup, Source
from chalicelib.shop.webhooks.messages import last_place_of
from chalicelib.shop.webhooks.sold_out import sold_out_id
from chalicelib.shop.webhooks.sources import events_of, parties_of
from chalicelib.shop.webhooks.task_kinds import DELIVER_WEBHOOKS, REPLAY_WEBHOOKS

REPLAY = "WebhookReplay"
STEP_TAKES = timedelta(minutes=3)
ORDERS_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class ReplayProgress:
    """Lists what a replay has still to go through."""

    endpoints_id: UUID
    concerts: tuple[UUID, ...]
    pools: tuple[UUID, ...] = ()
    orders: tuple[UUID, ...] = ()

    @property
    def is_finished(self) -> bool:
        return not (self.concerts or self.pools or self.orders)

    def to_state(self) -> JsonObject:
        lists = {"concerts": self.concerts, "pools": self.pools, "orders": self.orders}
        return {"endpoints_id": str(self.endpoints_id)} | {
            name: [str(one) for one in ids] for name, ids in lists.items()
        }

    @classmethod
    def from_state(cls, state: JsonObject) -> "ReplayProgress":
        lists = (tuple(UUID(one) for one in state[name]) for name in ("concerts", "pools", "orders"))
        return cls(UUID(state["endpoints_id"]), *lists)


def replay(shop: AnnouncingServices, endpoints_id: UUID, replay_id: UUID, task: Task) -> None:
    """Take one step of a replay, and have the next one taken.

    A step that is taken twice rewinds the same groups twice, which sends some messages once more.
    Raises Unavailable.
    """
    endpoints = shop.repository.load(WEBHOOK_ENDPOINTS, endpoints_id)[0]
    requested = endpoints.replays.get(replay_id)
    endpoint = None if requested is None else endpoints.endpoints.get(requested.endpoint_id)
    if requested is None or endpoint is None or endpoints.organiser_id is None:
        return
    found = shop.webhook_groups.find(replay_id)
    progress = (
        ReplayProgress(endpoints_id, requested.concert_ids) if found is None else ReplayProgress.from_state(found.state)
    )
    version = -1 if found is None else found.version
    if progress.is_finished:
        return
    progress = _Replaying(shop, endpoints.organiser_id, endpoint, requested, task).step(progress)
    due_at = None if progress.is_finished else shop.clock() + STEP_TAKES
    try:
        shop.webhook_groups.save(Instance(replay_id, REPLAY, version + 1, progress.to_state(), due_at), version)
    except PositionMoved:
        return  # another worker takes the same steps, and goes on
    if not progress.is_finished:
        shop.webhook_queue.send([replay_task(endpoints_id, replay_id, task.cause)])


def replay_task(endpoints_id: UUID, replay_id: UUID, cause: str) -> Task:
    return Task(REPLAY_WEBHOOKS, endpoints_id, cause, about=replay_id)


class _Replaying:
    def __init__(
        self,
        shop: AnnouncingServices,
        organiser_id: UUID,
        endpoint: WebhookEndpoint,
        requested: WebhookReplay,
        task: Task,
    ) -> None:
        self._shop = shop
        self._organiser_id = organiser_id
        self._endpoint = endpoint
        self._requested = requested
        self._task = task

    def step(self, progress: ReplayProgress) -> ReplayProgress:
        """Rewind some orders; without any left, find those of the next pool, or the pools of the next concert."""
        if progress.orders:
            for order_id in progress.orders[:ORDERS_AT_ONCE]:
                self._rewind_order(progress, order_id)
            return replace(progress, orders=progress.orders[ORDERS_AT_ONCE:])
        if progress.pools:
            pool_id, *pools = progress.pools
            orders = tuple(orders_in(self._shop.repository, pool_id))
            return replace(progress, pools=tuple(pools), orders=orders)
        concert_id, *concerts = progress.concerts
        facts = facts_of_concert(self._shop.repository, concert_id)
        if facts.organiser_id != self._organiser_id:
            return replace(progress, concerts=tuple(concerts))
        self._rewind_concert(progress, concert_id)
        return replace(progress, concerts=tuple(concerts), pools=facts.pool_ids)

    def _rewind_concert(self, progress: ReplayProgress, concert_id: UUID) -> None:
        named = GroupKey(progress.endpoints_id, self._endpoint.id, Source.CONCERT, concert_id)
        streams = [concert_id, sold_out_id(concert_id)]
        self._rewind(named, {key: events_of(self._shop, key) for key in streams})

    def _rewind_order(self, progress: ReplayProgress, order_id: UUID) -> None:
        order = events_of(self._shop, order_id)
        parties = parties_of(self._shop, order)
        if self._organiser_id not in parties.concerts:
            return
        # Most tickets have no events: one request tells which of a hundred have, and only these are read.
        others = [key for key in [*self._begun(parties.ticket_ids), parties.customer_id] if key is not None]
        named = GroupKey(progress.endpoints_id, self._endpoint.id, Source.ORDER, order_id)
        self._rewind(named, {order_id: order, **{key: events_of(self._shop, key) for key in others}})

    def _begun(self, ticket_ids: Sequence[UUID]) -> list[UUID]:
        begun: list[UUID] = []
        for start in range(0, len(ticket_ids), 100):
            places = [(key, 0) for key in ticket_ids[start : start + 100]]
            begun += [stream_id for stream_id, _ in self._shop.event_store.pick(places)]
        return begun

    def _rewind(self, named: GroupKey, streams: dict[UUID, list[RecordedEvent]]) -> None:
        """Have a group deliver everything since the instant again, if there is anything."""
        since = self._requested.since
        if not any(as_utc(event.created) >= since for events in streams.values() for event in events):
            return
        places = {key: _last_before(events, since) for key, events in streams.items()}

        def rewind(group: MessageGroup | None) -> MessageGroup:
            known = group or MessageGroup(named, self._endpoint.created_at)
            return known.rewound(since, places)

        group, _ = change_group(self._shop.webhook_groups, named.group_id, rewind)
        if group.may_be_sent(self._shop.clock()):
            self._shop.webhook_queue.send([Task(DELIVER_WEBHOOKS, named.group_id, self._task.cause)])


def _last_before(events: Iterable[RecordedEvent], since: datetime) -> int:
    versions = [event.version for event in events if as_utc(event.created) < since]
    return last_place_of(versions[-1]) if versions else -1
