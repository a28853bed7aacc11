"""Orders: payment, confirmation with the tickets in it, refunds, and admission at the door."""

from chalicelib.platform.manifest import Context

CONTEXT = Context(
    __name__,
    aggregates=("order.ORDER", "ticket.TICKET"),
    routes=("api.routes",),
    projectors={"carts": "projections.PROJECTORS"},
    processes=("process.CheckoutProcess",),
    tasks={
        "settle_order": "tasks.settle_order",
        "settle_payment": "tasks.settle_payment",
        "settle_reversals": "tasks.settle_reversals",
        "cancel_order": "tasks.cancel_order",
        "cancel_pool": "tasks.cancel_pool",
    },
)
