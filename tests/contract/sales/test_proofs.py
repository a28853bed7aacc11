"""What the certificates count of what is sold, refunded, moved, given away and imported, from the sales in Postgres."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.readmodels.postgres.pool import Pool
from chalicelib.shop.orders.complimentary import issue_tickets
from chalicelib.shop.orders.doors.reissue import reissue_tickets
from chalicelib.shop.orders.doors.rules_api import public_key
from chalicelib.shop.orders.proofs.certifying import COUNTED_FOR, certify_sold_tickets
from chalicelib.shop.orders.proofs.proving import CertifiedRegisters, NotCountedYet, get_certificate, prove
from chalicelib.shop.orders.proofs.registers import MemoryRegisters, Registers
from chalicelib.shop.orders.proofs.verification import KeySet, Proof, faults_of
from chalicelib.shop.orders.refunding import WantedRefund, refund_order
from chalicelib.shop.orders.settlement import cancel_order
from tests.contract.sales.office import Office
from tests.contract.sales.test_moved_tickets import GINA, move
from tests.support.shop import CUSTOMER, OPENING, ORGANISER, OTHER_CUSTOMER
from tests.support.stored import imported


class Notary:
    """The function that certifies, in a container of its own, and what it shows of one concert."""

    certificate_minutes = 1

    def __init__(self, office: Office) -> None:
        self.office = office
        self.registers: Registers = MemoryRegisters()
        self.repository: Repository = office.shop.other_container()

    @property
    def postgres(self) -> Pool:
        return self.office.model.pool

    def clock(self) -> datetime:
        return self.office.shop.clock()

    def certify(self) -> int:
        self.office.settle()
        return certify_sold_tickets(self)

    def count(self, concert_id: UUID) -> tuple[int, int]:
        """Issued and sold, as certified now."""
        self.certify()
        certified = get_certificate(self.office.log, concert_id)
        return certified.issued, certified.sold

    def prove(self, concert_id: UUID, ticket_id: UUID) -> bool:
        """Whether the ticket counts; the proof is checked as its buyer would."""
        book, registers = self.office.shop.code_book, CertifiedRegisters(self.registers)
        found: Any = prove(self.office.log, registers, book, concert_id, ticket_id)
        proof = Proof.model_validate(found | {"path": tuple(found["path"])})
        keys = tuple(public_key(key) for key, _ in book.keys(concert_id))
        assert faults_of(proof, KeySet.model_validate({"keys": keys})) == []
        return proof.counts

    def tickets(self, order_id: UUID) -> list[UUID]:
        return [ticket.id for ticket in self.office.shop.order_state(order_id).tickets]


@pytest.fixture
def notary(office: Office) -> Notary:
    return Notary(office)


def test_what_is_bought_counts_and_what_is_in_a_cart_or_unpaid_does_not(office: Office, notary: Notary) -> None:
    concert_id, standing = office.shop.on_sale()
    order_id = office.buy(CUSTOMER, (standing, 3))
    office.order(OTHER_CUSTOMER, (standing, 2))
    office.shop.add(office.shop.cart(), standing, 1)
    assert notary.count(concert_id) == (3, 3)
    assert [notary.prove(concert_id, key) for key in notary.tickets(order_id)] == [True] * 3
    assert notary.certify() == 0


def test_a_refunded_ticket_counts_no_more_and_is_proven_to_be_revoked(office: Office, notary: Notary) -> None:
    concert_id, standing = office.shop.on_sale()
    order_id = office.buy(CUSTOMER, (standing, 3))
    assert notary.count(concert_id) == (3, 3)
    tickets = notary.tickets(order_id)
    wanted = WantedRefund(reason="sick", tickets=(tickets[1],))
    refund_order(office.shop.repository, office.shop.gateways, office.shop.request(ORGANISER), order_id, wanted)
    assert notary.count(concert_id) == (3, 2)
    assert [notary.prove(concert_id, key) for key in tickets] == [True, False, True]


def test_of_a_cancelled_concert_nothing_is_sold(office: Office, notary: Notary) -> None:
    concert_id, standing = office.shop.on_sale()
    other_id, seated = office.shop.on_sale()
    order_id = office.buy(CUSTOMER, (standing, 2), (seated, 1))
    notary.certify()
    cancel_order(office.shop.context(), order_id, concert_id, "The concert is cancelled.")
    assert (notary.count(concert_id), notary.count(other_id)) == ((2, 0), (1, 1))


def test_a_new_code_and_a_check_in_change_nothing(office: Office, notary: Notary) -> None:
    concert_id, standing = office.shop.on_sale()
    order_id = office.buy(CUSTOMER, (standing, 2))
    notary.certify()
    shop, [ticket_id, _] = office.shop, notary.tickets(order_id)
    reissue_tickets(shop.repository, shop.request(CUSTOMER), order_id, [ticket_id], "lost")
    office.let_in(concert_id, order_id, 1)
    assert notary.certify() == 0
    assert notary.prove(concert_id, ticket_id)


def test_a_ticket_for_another_holder_takes_the_place_of_the_first(office: Office, notary: Notary) -> None:
    concert_id, standing = office.shop.on_sale()
    order_id = office.buy(CUSTOMER, (standing, 2))
    notary.certify()
    move(office, order_id, 0, holder=GINA)
    assert notary.count(concert_id) == (3, 2)
    before, kept, after = notary.tickets(order_id)
    assert [notary.prove(concert_id, key) for key in (before, kept, after)] == [False, True, True]


def test_a_ticket_that_is_moved_counts_at_its_new_concert_only(office: Office, notary: Notary) -> None:
    here, standing = office.shop.on_sale()
    there, stairs = office.shop.on_sale(price="10.00")
    order_id = office.buy(CUSTOMER, (standing, 2))
    notary.certify()
    move(office, order_id, 0, stairs, there)
    assert (notary.count(here), notary.count(there)) == ((2, 1), (1, 1))
    before, _, after = notary.tickets(order_id)
    assert (notary.prove(here, before), notary.prove(there, after)) == (False, True)
    with pytest.raises(NotCountedYet):
        notary.prove(there, before)


def test_a_ticket_that_was_given_away_admits_somebody_and_counts(office: Office, notary: Notary) -> None:
    concert_id, standing = office.shop.on_sale()
    shop = office.shop
    issue_tickets(shop.repository, shop.vault, shop.request(ORGANISER), concert_id, standing, 3, {"name": "Gina"})
    assert notary.count(concert_id) == (3, 3)


def test_an_order_of_the_original_has_no_tickets_to_count(office: Office, notary: Notary) -> None:
    concert_id, standing = office.shop.on_sale()
    office.buy(CUSTOMER, (standing, 1))
    name = "Cloudbash.Domain.Orders.Events.OrderCreatedEvent"
    office.log.append([imported(name, uuid4(), CustomerId=str(CUSTOMER.id), Items=[{"Id": "1", "TicketId": "2"}])])
    assert notary.count(concert_id) == (1, 1)


def test_an_erased_buyer_leaves_the_count_and_the_proof_as_they_are(office: Office, notary: Notary) -> None:
    concert_id, standing = office.shop.on_sale()
    order_id = office.buy(CUSTOMER, (standing, 1))
    notary.certify()
    office.shop.vault.erase(CUSTOMER.id)
    assert notary.certify() == 0
    assert notary.prove(concert_id, notary.tickets(order_id)[0])
    certified = get_certificate(office.log, concert_id).model_dump_json()
    assert str(CUSTOMER.id) not in certified
    assert str(order_id) not in certified


def test_a_concert_is_counted_until_a_month_after_it_began(office: Office, notary: Notary) -> None:
    concert_id, standing = office.shop.on_sale()
    order_id = office.buy(CUSTOMER, (standing, 2))
    office.shop.clock.now = OPENING + COUNTED_FOR - timedelta(seconds=1)
    assert notary.certify() == 1
    cancel_order(office.shop.context(), order_id, concert_id, "It rained.")
    office.shop.clock.advance(timedelta(seconds=2))
    assert notary.certify() == 0
    assert notary.count(concert_id) == (2, 2)


def test_sales_that_were_rebuilt_are_certified_as_before(office: Office, notary: Notary) -> None:
    """The register rests on the log alone: whatever order the rebuilt rows have, counted tickets keep their places."""
    concert_id, standing = office.shop.on_sale()
    first = office.buy(CUSTOMER, (standing, 2))
    notary.certify()
    places = _places(notary, concert_id, notary.tickets(first))
    second = office.buy(OTHER_CUSTOMER, (standing, 2))
    with office.model.pool.transaction() as cursor:
        cursor.execute("truncate sales_1.sales_tickets, sales_1.sales_orders, sales_1.positions")
    office.forget()
    assert notary.count(concert_id) == (4, 4)
    assert _places(notary, concert_id, notary.tickets(first)) == places
    assert all(notary.prove(concert_id, key) for key in notary.tickets(second))


def test_sales_that_lack_tickets_which_were_counted_are_not_certified(office: Office, notary: Notary) -> None:
    concert_id, standing = office.shop.on_sale()
    office.buy(CUSTOMER, (standing, 2))
    notary.certify()
    with office.model.pool.transaction() as cursor:
        cursor.execute("truncate sales_1.sales_tickets")
    assert certify_sold_tickets(notary) == 0
    office.buy(OTHER_CUSTOMER, (standing, 1))
    assert notary.certify() == 0
    assert get_certificate(office.log, concert_id).issued == 2


def _places(notary: Notary, concert_id: UUID, tickets: list[UUID]) -> list[tuple[int, bytes]]:
    root = get_certificate(notary.office.log, concert_id).root
    register = CertifiedRegisters(notary.registers).get(concert_id, root).register
    return [(entry.position, entry.salt) for entry in map(register.find, tickets) if entry is not None]
