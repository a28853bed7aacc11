"""Names the mails that there may be about an order."""

from uuid import UUID

from chalicelib.shop.mails.about_orders import WritingServices
from chalicelib.shop.mails.kinds import MailKind
from chalicelib.shop.mails.mail import MailKey
from chalicelib.shop.orders.commands import details_of_order


def keys_of_order(shop: WritingServices, order_id: UUID) -> list[MailKey]:
    """Return the keys of all mails that the order's events may have caused.

    Raises Unavailable.
    """
    order = details_of_order(shop.event_store, order_id)
    return [
        MailKey(MailKind.CONFIRMATION, order_id),
        *(MailKey(MailKind.PAYMENT_FAILED, order_id, key) for key in order.payments_failed_at),
        *(MailKey(MailKind.LINK, order_id, key) for key in order.links_issued_at),
        *(MailKey(MailKind.REFUND, order_id, key) for key in order.refunded_at),
    ]
