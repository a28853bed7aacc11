"""Names what receivers can be told of; the names are part of the API and never change."""

from enum import StrEnum


class WebhookKind(StrEnum):
    ORDER_CONFIRMED = "order.confirmed"
    ORDER_REFUNDED = "order.refunded"
    TICKET_ISSUED = "ticket.issued"
    TICKET_CHECKED_IN = "ticket.checked_in"
    TICKET_REVOKED = "ticket.revoked"
    CONCERT_CHANGED = "concert.changed"
    CONCERT_SOLD_OUT = "concert.sold_out"
    PERSON_ERASED = "person.erased"


OF_CONCERTS = frozenset({WebhookKind.CONCERT_CHANGED, WebhookKind.CONCERT_SOLD_OUT})
OF_ORDERS = frozenset(WebhookKind) - OF_CONCERTS

TEST_KIND = "webhook.test"
"""The kind of a message that an organiser has sent to try a receiver; every endpoint takes it."""
