"""A payment that waits for its customer to authenticate makes way for another one."""

from uuid import UUID

from chalicelib.shop.orders.payments.next_action import ActionRequired
from chalicelib.shop.orders.payments.port import Attempt
from chalicelib.shop.orders.settlement import SettlementContext, record_outcome


def give_up_authentication(context: SettlementContext, order_id: UUID) -> bool:
    """Cancel the open payment at the provider if it waits for its customer; tell whether its outcome is recorded now.

    The provider decides between this and an authentication that succeeds at the same time, so that one of them wins.
    Raises Unavailable.
    """
    order = context.order(order_id)
    given_up = False
    for payment_id in order.open_payments:
        gateway = context.gateway(order.payments[payment_id])
        attempt = Attempt(payment_id, order_id, order.asked_for(payment_id))
        if isinstance(gateway.find_payment(attempt), ActionRequired):
            settled = record_outcome(context, order_id, payment_id, gateway.cancel(attempt))
            given_up = given_up or not settled.order.payments[payment_id].status.is_open
    return given_up
