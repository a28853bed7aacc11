"""Letting people in, over the whole way to the log."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.platform.errors import Expired, IdempotencyKeyReused
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.shop.orders.doors import admission, commands
from chalicelib.shop.orders.doors.admission import let_out
from chalicelib.shop.orders.doors.code import ForgedCode, TicketFacts
from chalicelib.shop.orders.doors.reissue import MAX_REISSUES, TooManyReissues, reissue_tickets
from chalicelib.shop.orders.refunding import WantedRefund, refund_order
from chalicelib.shop.orders.ticket import AlreadyUsed, AnotherConcert, CodeReplaced, NoReentry, TicketRefunded
from tests.support.shop import CUSTOMER, ORGANISER, OTHER_CUSTOMER, OTHER_ORGANISER, Shop, some_id


class Evening:
    """A concert and an order of two tickets."""

    def __init__(self) -> None:
        self.store = MemoryEventStore()
        self.shop = Shop(self.store)
        self.concert_id, ticket_type_id = self.shop.on_sale()
        cart_id = self.shop.cart()
        self.shop.add(cart_id, ticket_type_id, 2)
        self.order_id = self.shop.check_out(cart_id).order_id
        self.shop.pay(self.order_id)
        self.first, self.second = (ticket.id for ticket in self.shop.order_state(self.order_id).tickets)

    def code(self, place: int = 0) -> str:
        return self.shop.code(self.order_id, place)

    def show(self, code: str) -> int:
        return self.shop.let_in(self.concert_id, code).version


@pytest.fixture
def evening() -> Evening:
    return Evening()


def test_each_ticket_of_an_order_lets_one_person_in(evening: Evening) -> None:
    assert [evening.show(evening.code(0)), evening.show(evening.code(1))] == [0, 0]
    with pytest.raises(AlreadyUsed):
        evening.show(evening.code())


def test_the_same_nonce_again_gets_the_same_answer_and_at_another_gate_none(evening: Evening) -> None:
    scan, code = evening.shop.scan(), evening.code()
    first = evening.shop.let_in(evening.concert_id, code, scan)
    evening.shop.clock.advance(timedelta(minutes=1))
    assert evening.shop.let_in(evening.concert_id, code, scan) == first
    assert len(evening.store.read(evening.first)) == 1
    for other in (replace(scan, gate="South"), replace(scan, device_id=some_id("another device"))):
        with pytest.raises(IdempotencyKeyReused):
            evening.shop.let_in(evening.concert_id, code, other)


def test_a_genuine_signature_over_a_ticket_that_was_never_issued_lets_nobody_in(evening: Evening) -> None:
    facts = TicketFacts(evening.concert_id, evening.order_id, some_id("no ticket"), some_id("type"))
    with pytest.raises(ForgedCode):
        evening.show(evening.shop.code_book.write(facts))


def test_letting_somebody_in_costs_one_read_and_one_write_once_the_doors_are_known(evening: Evening) -> None:
    shop, book = evening.shop, evening.shop.code_book
    repository, code = shop.other_container(), evening.code()
    book.read(code)
    before = Counter(evening.store.usage.requests)
    admission.check_in(repository, book, shop.request(ORGANISER), evening.concert_id, code, shop.scan())
    assert evening.store.usage.requests - before == Counter(Query=1, PutItem=1)


def test_a_code_that_was_reissued_is_refused_and_the_new_one_admits(evening: Evening) -> None:
    lost, other = evening.code(0), evening.code(1)
    shop = evening.shop
    reissue_tickets(shop.repository, shop.request(CUSTOMER), evening.order_id, [evening.first], "lost phone")
    with pytest.raises(CodeReplaced):
        evening.show(lost)
    assert [evening.show(evening.code(0)), evening.show(other)] == [0, 0]


def test_reissuing_a_used_ticket_lets_nobody_in_again(evening: Evening) -> None:
    shop = evening.shop
    evening.show(evening.code())
    reissue_tickets(shop.repository, shop.request(CUSTOMER), evening.order_id, [evening.first], None)
    with pytest.raises(AlreadyUsed):
        evening.show(evening.code())


def test_the_customer_and_the_organiser_reissue_and_others_find_no_such_order(evening: Evening) -> None:
    shop = evening.shop
    for actor in (CUSTOMER, ORGANISER):
        before = evening.code()
        reissue_tickets(shop.repository, shop.request(actor), evening.order_id, [evening.first], "why")
        assert evening.code() != before
    for actor in (OTHER_CUSTOMER, OTHER_ORGANISER):
        with pytest.raises(Exception, match="no such order"):
            reissue_tickets(shop.repository, shop.request(actor), evening.order_id, [evening.first], "why")


def test_a_repeated_request_reissues_once_and_with_another_body_not_at_all(evening: Evening) -> None:
    shop, order_id = evening.shop, evening.order_id
    versions = {
        reissue_tickets(shop.other_container(), shop.request(CUSTOMER, "key"), order_id, [evening.first], None)
        for _ in range(2)
    }
    assert len(versions) == 1
    with pytest.raises(IdempotencyKeyReused):
        reissue_tickets(shop.repository, shop.request(CUSTOMER, "key", "other"), order_id, [evening.first], "other")


def test_tickets_are_not_reissued_without_end(evening: Evening) -> None:
    shop = evening.shop
    for _ in range(MAX_REISSUES):
        reissue_tickets(shop.repository, shop.request(CUSTOMER), evening.order_id, [evening.first], None)
    with pytest.raises(TooManyReissues):
        reissue_tickets(shop.repository, shop.request(CUSTOMER), evening.order_id, [evening.second], None)
    assert evening.show(evening.code(0)) == 0


def test_a_ticket_whose_money_went_back_lets_nobody_in_and_is_not_reissued(evening: Evening) -> None:
    shop, code = evening.shop, evening.code()
    wanted = WantedRefund(reason="sick", tickets=(evening.first,))
    refund_order(shop.repository, shop.gateways, shop.request(ORGANISER), evening.order_id, wanted)
    with pytest.raises(TicketRefunded):
        evening.show(code)
    with pytest.raises(Expired):
        reissue_tickets(shop.repository, shop.request(CUSTOMER), evening.order_id, [evening.first], None)
    assert evening.show(evening.code(1)) == 0


def test_a_code_of_another_concert_opens_no_door_here_not_even_for_a_supervisor(evening: Evening) -> None:
    elsewhere, _ = evening.shop.on_sale()
    for override in (None, "a friend"):
        with pytest.raises(AnotherConcert) as refusal:
            evening.shop.let_in(elsewhere, evening.code(), override=override)
        assert refusal.value.facts == {"concert_id": str(evening.concert_id)}


def test_people_come_in_again_once_the_organiser_lets_them(evening: Evening) -> None:
    shop, code = evening.shop, evening.code()
    evening.show(code)
    staff, repository = shop.request(ORGANISER), shop.other_container()
    with pytest.raises(NoReentry):
        let_out(repository, shop.code_book, staff, evening.concert_id, code, shop.scan())
    commands.set_rules(shop.repository, shop.request(ORGANISER), evening.concert_id, has_reentry=True)
    scan = shop.scan("South")
    first = let_out(repository, shop.code_book, staff, evening.concert_id, code, scan)
    assert let_out(shop.other_container(), shop.code_book, staff, evening.concert_id, code, scan) == first
    assert evening.show(code) == 2


def test_a_nonce_of_one_direction_is_no_answer_for_the_other(evening: Evening) -> None:
    """Whoever is told that somebody is out must be able to rely on it."""
    shop, code, scan = evening.shop, evening.code(), evening.shop.scan()
    commands.set_rules(shop.repository, shop.request(ORGANISER), evening.concert_id, has_reentry=True)
    shop.let_in(evening.concert_id, code, scan)
    with pytest.raises(IdempotencyKeyReused):
        let_out(shop.repository, shop.code_book, shop.request(ORGANISER), evening.concert_id, code, scan)
    assert len(evening.store.read(evening.first)) == 1


def test_somebody_who_was_let_in_by_mistake_can_be_let_in_again_after_it_is_undone(evening: Evening) -> None:
    shop, code, scan = evening.shop, evening.code(), evening.shop.scan()
    shop.let_in(evening.concert_id, code, scan)
    staff = shop.request(ORGANISER)
    admission.undo(shop.repository, staff, shop.code_book, evening.concert_id, code, scan.nonce, "wrong queue")
    assert evening.show(code) == 2
