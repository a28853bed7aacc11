"""Webhooks tell the systems of organisers what has happened to their orders, tickets and concerts."""

from chalicelib.platform.function import Function, Need, Schedule
from chalicelib.platform.manifest import Context

CONTEXT = Context(
    __name__,
    aggregates=("endpoints.WEBHOOK_ENDPOINTS", "sold_out.SOLD_OUT"),
    routes=("api.routes",),
    reactions=("reaction.WebhookReaction",),
    tasks={
        "announce_order": "tasks.announce_order",
        "announce_concert": "tasks.announce_concert",
        "announce_erasure": "tasks.announce_erasure",
        "deliver_webhooks": "tasks.deliver_webhooks",
        "replay_webhooks": "tasks.replay_webhooks",
        "redeliver_webhook": "tasks.redeliver_webhook",
        "test_webhook": "tasks.test_webhook",
    },
    queue="WebhookQueue",
    functions=(
        Function(
            "retry_webhooks",
            "Clock → webhook queue: what is to be sent to a receiver again",
            Schedule(),
            frozenset({Need.OVERDUE_WEBHOOKS, Need.ENQUEUE_WEBHOOKS}),
            makes=("webhook_groups", "webhook_queue"),
            run="schedules.retry_webhooks",
        ),
    ),
)
