"""What providers tell us by themselves."""

from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256

from chalicelib.platform.processes.work import Task, WorkQueue
from chalicelib.shop.orders.payments.port import News, PaymentGateway
from chalicelib.shop.orders.task_kinds import SETTLE_PAYMENT, SETTLE_REVERSALS


def receive(
    gateway: PaymentGateway,
    queue: WorkQueue,
    body: bytes,
    headers: Mapping[str, str],
    delay: timedelta = timedelta(),
) -> None:
    """Check who says it, and put it into the work queue: that holds it until the order can be seen, and asks the
    provider what happened. Raises BadSignature, or Unavailable: then the provider tells us again."""
    notification = gateway.read_notification(body, headers)
    if notification is not None:
        cause = f"webhook:{sha256(body).hexdigest()[:32]}"
        kind = SETTLE_PAYMENT if notification.news is News.PAYMENT else SETTLE_REVERSALS
        queue.send([Task(kind, notification.order_id, cause, notification.payment_id)], delay)
