"""What a client is told of a payment, and of what its customer has still to do."""

from typing import TYPE_CHECKING
from uuid import UUID

from chalicelib.platform.http.answers import Accepted, Created, created
from chalicelib.shop.orders.commands import PaidOrder

if TYPE_CHECKING:
    from chalicelib.shop.orders.answers import ActionRequired, Paid


def answer_of(order_id: UUID, paid: PaidOrder) -> "Created[Paid] | Accepted[ActionRequired]":
    """Answer 201; or 202 with `next_action`, which no cache may keep, while the customer has to authenticate.

    The log has a payment that waits for its customer as started, and clients see `requires_action`.
    """
    if paid.next_action is None:
        answer: Paid = {
            "payment_id": str(paid.payment_id),
            "status": paid.status,
            "order_id": str(order_id),
            "order_status": paid.order_status,
            "version": paid.version,
        }
        return created(answer, f"/orders/{order_id}")
    action: ActionRequired = {
        "payment_id": str(paid.payment_id),
        "status": "requires_action",
        "order_id": str(order_id),
        "order_status": paid.order_status,
        "next_action": {
            "client_secret": paid.next_action.client_secret,
            "redirect_url": paid.next_action.redirect_url,
        },
        "version": paid.version,
    }
    return Accepted(action, paid.version, {"Location": f"/orders/{order_id}", "Cache-Control": "no-store"})
