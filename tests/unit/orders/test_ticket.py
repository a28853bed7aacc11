"""What becomes of a ticket after it was issued."""

from chalicelib.orders.events import Ticket, TicketRevoked
from chalicelib.orders.ticket import TICKET
from tests.support.scenario import given
from tests.support.shop import some_id
from tests.support.stored import SOME_TIME as NOW

ORDER, CONCERT, TYPE = some_id("order"), some_id("concert"), some_id("type")
ISSUED = Ticket(id=some_id("ticket"), ticket_type_id=TYPE, concert_id=CONCERT)
REVOKED = TicketRevoked(order_id=ORDER, ticket_type_id=TYPE, concert_id=CONCERT, reason="why", at=NOW)


def test_the_stream_of_a_ticket_begins_when_it_is_revoked() -> None:
    given(TICKET).when(lambda ticket: ticket.revoke(ORDER, ISSUED, "why", NOW)).then(REVOKED)


def test_revoking_again_changes_nothing() -> None:
    given(TICKET, REVOKED).when(lambda ticket: ticket.revoke(ORDER, ISSUED, "another", NOW)).then_nothing()
