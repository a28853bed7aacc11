"""The kinds of tasks that orders handle, as the messages of the work queue name them."""

SETTLE_ORDER = "settle_order"
SETTLE_PAYMENT = "settle_payment"
SETTLE_REVERSALS = "settle_reversals"
CANCEL_ORDER = "cancel_order"
