"""Orders: payment, confirmation with the tickets in it, refunds, and admission at the door."""

from chalicelib.platform.function import Function, Need, Schedule
from chalicelib.platform.manifest import Context

CONTEXT = Context(
    __name__,
    aggregates=(
        "order.ORDER",
        "ticket.TICKET",
        "refund_policy.REFUND_POLICY",
        "doors.rules.DOORS",
        "proofs.counter.SOLD_COUNTER",
    ),
    routes=(
        "api.routes",
        "refund_api.routes",
        "people_api.routes",
        "ticket_api.routes",
        "paper_api.routes",
        "guest_api.routes",
        "move_api.routes",
        "timeline_api.routes",
        "doors.api.routes",
        "doors.rules_api.routes",
        "doors.watch_api.routes",
        "proofs.api.routes",
    ),
    projectors={"carts": "projections.PROJECTORS", "sales": "sales.PROJECTORS"},
    processes=("process.CheckoutProcess",),
    tasks={
        "settle_order": "tasks.settle_order",
        "settle_payment": "tasks.settle_payment",
        "settle_reversals": "tasks.settle_reversals",
        "cancel_order": "tasks.cancel_order",
        "cancel_pool": "tasks.cancel_pool",
    },
    functions=(
        Function(
            "reconcile_money",
            "Clock → the payment providers' books, compared with the log",
            Schedule(hour=3),
            frozenset({Need.READ_LOG, Need.PAYMENTS, Need.LIST_PAYMENTS, Need.ENQUEUE}),
            makes=("event_store", "gateways", "work_queue"),
            timeout=900,
            run="schedules.reconcile_money",
        ),
        Function(
            "certify_sold_tickets",
            "Clock → log and bucket: how many tickets of each concert are sold, certified",
            Schedule(),
            frozenset({Need.APPEND, Need.POSTGRES, Need.WRITE_REGISTERS}),
            makes=("repository", "postgres", "registers"),
            memory=1024,
            timeout=900,
            run="proofs.certifying.certify_sold_tickets",
        ),
    ),
)
