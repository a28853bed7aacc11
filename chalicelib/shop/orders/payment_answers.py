"""What a client is told of a payment, and of what its customer has still to do."""

from http import HTTPStatus
from uuid import UUID

from chalicelib.platform.http.routes import Answer, created
from chalicelib.shop.orders.commands import PaidOrder

REQUIRES_ACTION = "requires_action"
"""The status that a client sees of a payment that waits for its customer. The log has it as started."""


def answer_of(order_id: UUID, paid: PaidOrder) -> Answer:
    """Answer 201; or 202 with `next_action`, which no cache may keep, while the customer has to authenticate."""
    answer = {
        "payment_id": str(paid.payment_id),
        "status": paid.status,
        "order_id": str(order_id),
        "order_status": paid.order_status,
        "version": paid.version,
    }
    if paid.next_action is None:
        return created(answer, f"/orders/{order_id}")
    action = {"client_secret": paid.next_action.client_secret, "redirect_url": paid.next_action.redirect_url}
    headers = {"Location": f"/orders/{order_id}", "Cache-Control": "no-store"}
    return Answer(
        HTTPStatus.ACCEPTED, answer | {"status": REQUIRES_ACTION, "next_action": action}, paid.version, headers
    )
