"""Names the mails that there may be about an order."""

from collections.abc import Iterator
from uuid import UUID

from chalicelib.shop.concerts.commands import facts_of_concert
from chalicelib.shop.mails.about_concerts import changes, number_of
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
        *(key for concert_id in sorted(order.concert_ids) for key in _of_concert(shop, order_id, concert_id)),
    ]


def _of_concert(shop: WritingServices, order_id: UUID, concert_id: UUID) -> Iterator[MailKey]:
    for change in changes(shop.event_store, concert_id):
        yield MailKey(change.kind, order_id, concert_id, change.number)
    starts_at = facts_of_concert(shop.repository, concert_id).starts_at
    if starts_at is not None:
        yield MailKey(MailKind.REMINDER, order_id, concert_id, number_of(starts_at))
