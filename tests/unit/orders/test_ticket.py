"""What becomes of a ticket after it was issued."""

from collections.abc import Callable
from datetime import timedelta

from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.shop.orders.events import IssuedTicket, TicketCheckedIn, TicketRevoked
from chalicelib.shop.orders.ticket import TICKET, AlreadyCheckedIn, AnotherConcert, TicketNotValid
from chalicelib.shop.orders.ticket import Ticket as State
from tests.support.scenario import given
from tests.support.shop import some_id
from tests.support.stored import SOME_TIME as NOW

ORDER, CONCERT, TYPE = some_id("order"), some_id("concert"), some_id("type")
ISSUED = IssuedTicket(id=some_id("ticket"), ticket_type_id=TYPE, concert_id=CONCERT)
REVOKED = TicketRevoked(order_id=ORDER, ticket_type_id=TYPE, concert_id=CONCERT, reason="why", at=NOW)
CHECKED_IN = TicketCheckedIn(order_id=ORDER, ticket_type_id=TYPE, concert_id=CONCERT, at=NOW)


def shown(is_revoked: bool = False) -> Callable[[State], list[Event]]:
    """At the door of its concert, an hour later."""
    return lambda ticket: ticket.check_in(ORDER, ISSUED, CONCERT, is_revoked, NOW + timedelta(hours=1))


def test_the_stream_of_a_ticket_begins_when_it_is_revoked() -> None:
    given(TICKET).when(lambda ticket: ticket.revoke(ORDER, ISSUED, "why", NOW)).then(REVOKED)


def test_revoking_again_changes_nothing() -> None:
    given(TICKET, REVOKED).when(lambda ticket: ticket.revoke(ORDER, ISSUED, "another", NOW)).then_nothing()


def test_a_valid_ticket_lets_its_holder_in() -> None:
    given(TICKET).when(lambda ticket: ticket.check_in(ORDER, ISSUED, CONCERT, False, NOW)).then(CHECKED_IN)


def test_nobody_else_is_let_in_with_it() -> None:
    given(TICKET, CHECKED_IN).when(shown()).then_refuses(AlreadyCheckedIn, checked_in_at=format_instant(NOW))


def test_a_revoked_ticket_lets_nobody_in() -> None:
    given(TICKET, REVOKED).when(shown()).then_refuses(TicketNotValid)
    given(TICKET, CHECKED_IN, REVOKED).when(shown()).then_refuses(TicketNotValid)


def test_a_ticket_that_the_order_has_revoked_lets_nobody_in_though_its_own_stream_does_not_say_so_yet() -> None:
    given(TICKET).when(shown(is_revoked=True)).then_refuses(TicketNotValid)


def test_a_ticket_opens_the_doors_of_its_own_concert_only() -> None:
    elsewhere = some_id("another concert")
    given(TICKET).when(lambda ticket: ticket.check_in(ORDER, ISSUED, elsewhere, False, NOW)).then_refuses(
        AnotherConcert, concert_id=str(CONCERT)
    )


def test_a_ticket_that_was_used_can_be_revoked_and_remembers_its_use() -> None:
    given(TICKET, CHECKED_IN).when(lambda ticket: ticket.revoke(ORDER, ISSUED, "why", NOW)).then(REVOKED)
    assert TICKET.fold([CHECKED_IN, REVOKED]).checked_in_at == NOW
