"""What becomes of a ticket after it was issued."""

from collections.abc import Callable
from datetime import timedelta

from chalicelib.platform.errors import NotFound
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.shop.orders.doors.movements import Direction
from chalicelib.shop.orders.events import (
    IssuedTicket,
    OfflineScanRecorded,
    TicketCheckedIn,
    TicketCheckInUndone,
    TicketExited,
    TicketRevoked,
)
from chalicelib.shop.orders.ticket import (
    MAX_MOVEMENTS,
    TICKET,
    AlreadyUsed,
    AnotherConcert,
    CodeReplaced,
    Flaw,
    NoReentry,
    NotInside,
    Scan,
    TicketNotValid,
    TicketRefunded,
    TooManyMovements,
)
from chalicelib.shop.orders.ticket import Ticket as State
from tests.support.scenario import given
from tests.support.shop import some_id
from tests.support.stored import SOME_TIME as NOW

ORDER, CONCERT, TYPE = some_id("order"), some_id("concert"), some_id("type")
ISSUED = IssuedTicket(id=some_id("ticket"), ticket_type_id=TYPE, concert_id=CONCERT)
REVOKED = TicketRevoked(order_id=ORDER, ticket_type_id=TYPE, concert_id=CONCERT, reason="why", at=NOW)
OLD_CHECK_IN = TicketCheckedIn(order_id=ORDER, ticket_type_id=TYPE, concert_id=CONCERT, at=NOW)
FIRST, SECOND, DEVICE = some_id("first scan"), some_id("second scan"), some_id("device")
LATER = NOW + timedelta(hours=1)
CHECKED_IN = TicketCheckedIn(
    order_id=ORDER, ticket_type_id=TYPE, concert_id=CONCERT, gate="North", nonce=FIRST, device_id=DEVICE, at=NOW
)
LEFT = TicketExited(
    order_id=ORDER, ticket_type_id=TYPE, concert_id=CONCERT, gate="South", nonce=SECOND, device_id=DEVICE, at=LATER
)
UNDONE = TicketCheckInUndone(order_id=ORDER, concert_id=CONCERT, nonce=FIRST, reason="wrong queue", at=NOW)


def shown(
    flaw: Flaw | None = None, *, has_reentry: bool = False, override: str | None = None
) -> Callable[[State], list[Event]]:
    """At the door of its concert, two hours later."""
    scan, now = Scan("West", some_id("third scan"), DEVICE), NOW + timedelta(hours=2)
    return lambda ticket: [ticket.check_in(ORDER, ISSUED, CONCERT, scan, flaw, has_reentry, now, override)]


def let_out(*, has_reentry: bool = True) -> Callable[[State], list[Event]]:
    scan = Scan("South", SECOND, DEVICE)
    return lambda ticket: [ticket.exit(ORDER, ISSUED, CONCERT, scan, has_reentry, LATER)]


def test_the_stream_of_a_ticket_begins_when_it_is_revoked() -> None:
    given(TICKET).when(lambda ticket: ticket.revoke(ORDER, ISSUED, "why", NOW)).then(REVOKED)


def test_revoking_again_changes_nothing() -> None:
    given(TICKET, REVOKED).when(lambda ticket: ticket.revoke(ORDER, ISSUED, "another", NOW)).then_nothing()


def test_a_valid_ticket_lets_its_holder_in() -> None:
    scan = Scan("North", FIRST, DEVICE)
    given(TICKET).when(lambda ticket: [ticket.check_in(ORDER, ISSUED, CONCERT, scan, None, False, NOW)]).then(
        CHECKED_IN
    )


def test_nobody_else_is_let_in_with_it_and_the_refusal_says_when_and_where_somebody_was() -> None:
    facts = {"checked_in_at": format_instant(NOW), "gate": "North"}
    given(TICKET, CHECKED_IN).when(shown()).then_refuses(AlreadyUsed, **facts)
    given(TICKET, CHECKED_IN).when(shown(has_reentry=True)).then_refuses(AlreadyUsed, **facts)


def test_a_check_in_from_before_gates_were_named_counts() -> None:
    given(TICKET, OLD_CHECK_IN).when(shown()).then_refuses(AlreadyUsed, checked_in_at=format_instant(NOW), gate=None)


def test_a_revoked_ticket_lets_nobody_in() -> None:
    given(TICKET, REVOKED).when(shown()).then_refuses(TicketNotValid)
    given(TICKET, CHECKED_IN, REVOKED).when(shown()).then_refuses(TicketNotValid)


def test_what_the_order_says_counts_though_the_ticket_does_not_know_it_yet() -> None:
    given(TICKET).when(shown(Flaw.REVOKED)).then_refuses(TicketNotValid)
    given(TICKET).when(shown(Flaw.REFUNDED)).then_refuses(TicketRefunded)
    given(TICKET).when(shown(Flaw.REISSUED)).then_refuses(CodeReplaced)


def test_a_supervisor_lets_somebody_in_against_the_rules_and_it_is_recorded_why() -> None:
    for history, flaw in (([CHECKED_IN], None), ([], Flaw.REISSUED), ([REVOKED], Flaw.REVOKED)):
        [admitted] = given(TICKET, *history).when(shown(flaw, override="the artist's mother")).events
        assert isinstance(admitted, TicketCheckedIn)
        assert admitted.override == "the artist's mother"
        assert TICKET.fold([*history, admitted]).story.inside is not None


def test_a_ticket_opens_the_doors_of_its_own_concert_only() -> None:
    elsewhere, scan = some_id("another concert"), Scan("North", FIRST)
    for override in (None, "why not"):
        given(TICKET).when(
            lambda ticket, override=override: [  # type: ignore[misc]
                ticket.check_in(ORDER, ISSUED, elsewhere, scan, None, False, NOW, override)
            ]
        ).then_refuses(AnotherConcert, concert_id=str(CONCERT))


def test_a_ticket_that_was_used_can_be_revoked_and_remembers_its_use() -> None:
    given(TICKET, CHECKED_IN).when(lambda ticket: ticket.revoke(ORDER, ISSUED, "why", NOW)).then(REVOKED)
    assert TICKET.fold([CHECKED_IN, REVOKED]).checked_in_at == NOW


def test_whoever_left_comes_in_again_where_the_concert_lets_them_and_not_elsewhere() -> None:
    given(TICKET, CHECKED_IN).when(let_out()).then(LEFT)
    [again] = given(TICKET, CHECKED_IN, LEFT).when(shown(has_reentry=True)).events
    assert isinstance(again, TicketCheckedIn)
    west = {"checked_in_at": format_instant(again.at), "gate": "West"}
    given(TICKET, CHECKED_IN, LEFT, again).when(shown(has_reentry=True)).then_refuses(AlreadyUsed, **west)
    north = {"checked_in_at": format_instant(NOW), "gate": "North"}
    given(TICKET, CHECKED_IN, LEFT).when(shown()).then_refuses(AlreadyUsed, **north)
    given(TICKET, CHECKED_IN).when(let_out(has_reentry=False)).then_refuses(NoReentry)


def test_nobody_leaves_who_is_not_inside() -> None:
    given(TICKET).when(let_out()).then_refuses(NotInside)
    given(TICKET, CHECKED_IN, LEFT).when(let_out()).then_refuses(NotInside)


def test_a_scan_that_was_undone_is_as_if_it_had_not_been() -> None:
    given(TICKET, CHECKED_IN).when(lambda ticket: ticket.undo(ORDER, CONCERT, FIRST, "wrong queue", NOW)).then(UNDONE)
    assert TICKET.fold([CHECKED_IN, UNDONE]).checked_in_at is None
    given(TICKET, CHECKED_IN, UNDONE).when(
        lambda ticket: ticket.undo(ORDER, CONCERT, FIRST, "again", NOW)
    ).then_nothing()
    assert given(TICKET, CHECKED_IN, UNDONE).when(shown()).events
    given(TICKET, CHECKED_IN).when(lambda ticket: ticket.undo(ORDER, CONCERT, SECOND, "?", NOW)).then_refuses(NotFound)


def test_a_scan_without_a_network_is_recorded_once() -> None:
    scan, at = Scan("North", FIRST, DEVICE, serial=1), NOW - timedelta(minutes=1)
    recorded = OfflineScanRecorded(
        order_id=ORDER,
        ticket_type_id=TYPE,
        concert_id=CONCERT,
        gate="North",
        device_id=DEVICE,
        nonce=FIRST,
        serial=1,
        direction="in",
        scanned_at=at,
        happened_at=at,
        at=NOW,
    )
    given(TICKET).when(lambda ticket: ticket.record_offline(ORDER, ISSUED, scan, Direction.IN, None, at, at, NOW)).then(
        recorded
    )
    given(TICKET, recorded).when(
        lambda ticket: ticket.record_offline(ORDER, ISSUED, scan, Direction.IN, None, at, at, LATER)
    ).then_nothing()


def test_a_ticket_does_not_remember_scans_without_end() -> None:
    history = [CHECKED_IN.model_copy(update={"nonce": some_id(f"scan {place}")}) for place in range(MAX_MOVEMENTS)]
    given(TICKET, *history).when(shown(override="why")).then_refuses(TooManyMovements)


def test_time_at_the_doors_does_not_run_backwards_where_clocks_differ() -> None:
    scan, before = Scan("South", SECOND, DEVICE), NOW - timedelta(seconds=2)
    [left] = given(TICKET, CHECKED_IN).when(lambda t: [t.exit(ORDER, ISSUED, CONCERT, scan, True, before)]).events
    assert TICKET.fold([CHECKED_IN, left]).story.inside is None
