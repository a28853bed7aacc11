"""The tasks of the webhook queue; each may come twice, late, or half done."""

from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from chalicelib.platform.processes.work import Task
from chalicelib.platform.readmodels.documents.document import owner_key
from chalicelib.shop.orders.events import OrderEvent
from chalicelib.shop.webhooks import announcing, delivering, replaying
from chalicelib.shop.webhooks.delivering import DeliveringServices
from chalicelib.shop.webhooks.endpoints import WEBHOOK_ENDPOINTS
from chalicelib.shop.webhooks.single import redeliver, send_test

if TYPE_CHECKING:
    from chalicelib.platform.readmodels.documents.projection import DocumentProjection

_ORDERS_A_PAGE = 100


class WebhookTaskServices(DeliveringServices, Protocol):
    """Declares what these tasks use of a container."""

    @property
    def documents(self) -> "DocumentProjection": ...


def announce_order(shop: WebhookTaskServices, task: Task) -> None:
    """Tell of what is new in an order, or of one of its tickets."""
    streams = () if task.about is None else (task.about,)
    announcing.announce_order(shop, task.stream_id, *streams, origin=task.origin)


def announce_concert(shop: WebhookTaskServices, task: Task) -> None:
    """Tell of what is new about a concert."""
    streams = () if task.about is None else (task.about,)
    announcing.announce_concert(shop, task.stream_id, *streams, cause=task.cause)


def announce_erasure(shop: WebhookTaskServices, task: Task) -> None:
    """Tell, for each order of a person, that its buyer was erased: receivers know people by their orders only."""
    owner, after = owner_key(OrderEvent.aggregate_type, task.stream_id), None
    while True:
        page, after = shop.documents.list_of(owner, _ORDERS_A_PAGE, after)
        for order, _ in page:
            announcing.announce_order(shop, UUID(order["id"]), task.stream_id, origin=task.origin)
        if after is None:
            return


def deliver_webhooks(shop: WebhookTaskServices, task: Task) -> None:
    """Send what a group of messages has to send."""
    delivering.deliver(shop, task.stream_id, task)


def replay_webhooks(shop: WebhookTaskServices, task: Task) -> None:
    """Take one step of a replay."""
    replaying.replay(shop, task.stream_id, task.subject, task)


def redeliver_webhook(shop: WebhookTaskServices, task: Task) -> None:
    """Send one message again, now and once."""
    redeliver(shop, task.stream_id)


def test_webhook(shop: WebhookTaskServices, task: Task) -> None:
    """Send a message that tries the receiver, once; the request that asked for it is the task's cause."""
    state = shop.repository.load(WEBHOOK_ENDPOINTS, task.stream_id)[0]
    if endpoint := state.endpoints.get(task.subject):
        send_test(shop, task.stream_id, endpoint, UUID(task.cause))
