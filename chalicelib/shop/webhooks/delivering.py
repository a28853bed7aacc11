"""Sends the messages of a group, one after the other, and remembers each answer before it sends the next.

A worker that dies after a message was sent and before that is remembered leaves it to be sent again, with the same id.
"""

from collections.abc import Callable
from typing import Protocol
from uuid import UUID

from chalicelib.platform import metrics
from chalicelib.platform.bus.projection import PositionMoved
from chalicelib.platform.processes.work import Task
from chalicelib.shop.webhooks.announcing import AnnouncingServices
from chalicelib.shop.webhooks.commands import disable_endpoint
from chalicelib.shop.webhooks.deliveries import Delivery, DeliveryLog
from chalicelib.shop.webhooks.endpoints import WEBHOOK_ENDPOINTS, WebhookEndpoint
from chalicelib.shop.webhooks.group_store import change_group, find_group, save_group
from chalicelib.shop.webhooks.groups import MessageGroup
from chalicelib.shop.webhooks.health import SHORTEST_PAUSE, EndpointHealths
from chalicelib.shop.webhooks.messages import WebhookMessage
from chalicelib.shop.webhooks.signing import SecretBox, signed_headers
from chalicelib.shop.webhooks.sources import messages_of
from chalicelib.shop.webhooks.task_kinds import DELIVER_WEBHOOKS
from chalicelib.shop.webhooks.transport import Receivers, Reply

AGENT = "Cloudbash-Webhooks/1.0"
MOST_AT_ONCE = 10
"""A worker sends so many messages of a group and leaves the rest to the next: no group keeps others waiting."""


class DeliveringServices(AnnouncingServices, Protocol):
    """Declares what delivering uses of a container."""

    @property
    def webhook_deliveries(self) -> DeliveryLog: ...

    @property
    def webhook_receivers(self) -> Receivers: ...

    @property
    def webhook_secrets(self) -> SecretBox: ...


def deliver(shop: DeliveringServices, group_id: UUID, task: Task) -> None:
    """Send what a group has to send, unless another worker does, or its next attempt is not due.

    Raises Unavailable.
    """
    group, version = find_group(shop.webhook_groups, group_id)
    now = shop.clock()
    if group is None or not group.may_be_sent(now):
        return
    endpoints = shop.repository.load(WEBHOOK_ENDPOINTS, group.named.endpoints_id)[0]
    endpoint = endpoints.endpoints.get(group.named.endpoint_id)
    if endpoint is None or not endpoint.is_enabled or endpoints.organiser_id is None:
        _replace(shop, group.released(), version)
        return
    healths = EndpointHealths(shop.webhook_groups)
    if not healths.claim_probe(endpoint.id, now):
        paused_until = healths.find(endpoint.id).paused_until or now
        _replace(shop, group.released(max(paused_until, now + SHORTEST_PAUSE)), version)
        return
    leased = group.leased(now)
    if (leased_at := _replace(shop, leased, version)) is not None:
        _Turn(shop, endpoints.organiser_id, endpoint, task).take(leased, leased_at)


def _replace(shop: DeliveringServices, group: MessageGroup, expected: int) -> int | None:
    """Store the group and return its version; None if somebody has changed it, who has it delivered as well."""
    try:
        return save_group(shop.webhook_groups, group, expected)
    except PositionMoved:
        return None


class _Turn:
    """One worker's turn at one group, which it holds by a lease."""

    def __init__(self, shop: DeliveringServices, organiser_id: UUID, endpoint: WebhookEndpoint, task: Task) -> None:
        self._shop = shop
        self._organiser_id = organiser_id
        self._endpoint = endpoint
        self._task = task
        self._healths = EndpointHealths(shop.webhook_groups)
        self._is_ailing = self._healths.find(endpoint.id).failures > 0

    def take(self, group: MessageGroup, version: int) -> None:
        unsent = self._unsent(group)
        for _ in range(MOST_AT_ONCE):
            while not unsent:
                if _replace(self._shop, group.released(), version) is not None:
                    return
                group, version = self._found(group)
                unsent = self._unsent(group)
            message, *waiting = unsent
            reply = post(self._shop, self._endpoint, message)
            if not reply.is_success:
                self._leave_failed(group, message, reply, len(waiting))
                return
            changed, now_at = self._sent(group, message, reply, len(waiting))
            # Nobody else has changed the group: what was read of the log before is all that it was told of.
            unsent = waiting if now_at == version + 1 else self._unsent(changed)
            group, version = changed, now_at
        self._change(lambda one: (one or group).released(), group)
        self._deliver_more(group)

    def _unsent(self, group: MessageGroup) -> list[WebhookMessage]:
        messages = messages_of(self._shop, group.named, self._organiser_id, dict(group.done))
        return [one for one in messages if group.is_unsent(one) and self._endpoint.wants(one.kind)]

    def _found(self, group: MessageGroup) -> tuple[MessageGroup, int]:
        found, version = find_group(self._shop.webhook_groups, group.named.group_id)
        return found or group, version

    def _sent(
        self, group: MessageGroup, message: WebhookMessage, reply: Reply, waiting: int
    ) -> tuple[MessageGroup, int]:
        now = self._shop.clock()
        attempts = group.attempts + 1
        self._shop.webhook_deliveries.put(Delivery.of(group.named, message, reply, now, attempts, waiting=waiting))
        if self._is_ailing:
            self._healths.count_success(self._endpoint.id)
            self._is_ailing = False
        return self._change(lambda one: _unless_rewound(one or group, group, message).leased(now), group)

    def _leave_failed(self, group: MessageGroup, message: WebhookMessage, reply: Reply, waiting: int) -> None:
        now = self._shop.clock()
        metrics.count("WebhookFailures")
        health = self._healths.count_failure(self._endpoint.id, now)
        failed = group.failed(now)
        retry_at = failed.next_attempt_at(now)
        delivery = Delivery.of(group.named, message, reply, now, failed.attempts, retry_at, waiting)
        self._shop.webhook_deliveries.put(delivery)
        if reply.is_gone or health.is_hopeless(now):
            disable_endpoint(
                self._shop.repository, self._task.origin, group.named, "gone" if reply.is_gone else "failing"
            )
        if retry_at is None:
            self._change(lambda one: _unless_rewound(one or group, group, message).released(), group)
            self._deliver_more(group)
        else:
            self._change(lambda one: (one or group).failed(now).released(retry_at), group)

    def _change(
        self, change: Callable[[MessageGroup | None], MessageGroup], group: MessageGroup
    ) -> tuple[MessageGroup, int]:
        return change_group(self._shop.webhook_groups, group.named.group_id, change)

    def _deliver_more(self, group: MessageGroup) -> None:
        self._shop.webhook_queue.send([Task(DELIVER_WEBHOOKS, group.named.group_id, self._task.cause)])


def _unless_rewound(current: MessageGroup, sent: MessageGroup, message: WebhookMessage) -> MessageGroup:
    """Return the group with the message behind it, unless a replay went back meanwhile: then it is to be sent again."""
    is_as_it_was = current.done.get(message.stream_id) == sent.done.get(message.stream_id)
    return current.past(message) if is_as_it_was else current


def post(shop: DeliveringServices, endpoint: WebhookEndpoint, message: WebhookMessage) -> Reply:
    """Send one message once, signed with the keys that count now.

    Raises Unavailable.
    """
    now, body = shop.clock(), message.body
    keys = [shop.webhook_secrets.open(endpoint.id, keys) for keys in endpoint.keys_at(now)]
    headers = {"Content-Type": "application/json", "User-Agent": AGENT}
    signed = signed_headers(message.id_for(endpoint.id), now, body, keys)
    return shop.webhook_receivers.post(endpoint.details.url, {**headers, **signed}, body)
