"""How a person is erased: by themselves, by an operator, interrupted, twice, and what stays."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import pytest

from chalicelib.platform.caller import Actor
from chalicelib.platform.errors import AccountErased, TokenOfErasedPerson, Unavailable
from chalicelib.platform.eventsourcing.codec import decode
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.eventsourcing.streams import Streams
from chalicelib.platform.processes.work import MemoryWorkQueue, Task
from chalicelib.shop.access import tasks
from chalicelib.shop.access.account import ACCOUNT, Account
from chalicelib.shop.access.disabled import ensure_enabled
from chalicelib.shop.access.erasure import begin_erasure
from chalicelib.shop.access.events import PersonErased
from chalicelib.shop.concerts.commands import cancel_concert
from chalicelib.shop.orders.events import BuyerCorrected, BuyerErased
from chalicelib.shop.orders.order import ORDER
from chalicelib.shop.orders.projections import fold_order
from chalicelib.shop.orders.rules import OrderStatus
from tests.support.request_scenario import Answered, FollowedDocuments, GivenStreams
from tests.support.shop import (
    BUYER,
    CUSTOMER,
    OPENING,
    OPERATOR,
    ORGANISER,
    OTHER_CUSTOMER,
    OTHER_ORGANISER,
    Shop,
    some_id,
)

DURATION = timedelta(hours=3)
NOBODY = UUID(int=0)


@dataclass(frozen=True)
class Sale(GivenStreams):
    """A concert on box_office."""

    concert_id: UUID = NOBODY
    ticket_type_id: UUID = NOBODY

    def issue(self) -> UUID:
        """A ticket for a guest who has no account."""
        body = {"ticket_type_id": str(self.ticket_type_id), "guest": {"name": "Gina Guest"}}
        issued = self.when(ORGANISER, "POST", f"/concerts/{self.concert_id}/complimentary-tickets", body)
        return UUID(issued.body["order_id"])

    def certificate(self, person_id: UUID) -> Answered:
        return self.when(OTHER_CUSTOMER, "GET", f"/people/{person_id}/erasure")


@pytest.fixture
def box_office() -> Sale:
    log = MemoryEventStore()
    shop = Shop(log)
    concert_id, ticket_type_id = shop.on_sale()
    return Sale(shop, log, concert_id=concert_id, ticket_type_id=ticket_type_id)


def test_a_person_erases_themselves_and_gets_a_certificate_that_the_log_proves(box_office: Sale) -> None:
    sealed = box_office.shop.vault.seal(CUSTOMER.id, BUYER)
    answered = box_office.when(CUSTOMER, "DELETE", "/me")
    [stored] = box_office.log.read(CUSTOMER.id)
    assert decode(stored) == PersonErased(at=box_office.shop.clock())
    assert (answered.status, answered.body["person_id"]) == (200, str(CUSTOMER.id))
    event = {"id": stored.event_id, "type": "PersonErased", "version": 0, "hash": stored.expected_hash()}
    assert answered.body["event"] == event
    assert box_office.shop.vault.open(sealed) is None


def test_the_certificate_can_be_fetched_without_a_token_and_names_nobody(box_office: Sale) -> None:
    box_office.shop.vault.seal(CUSTOMER.id, BUYER)
    erased = box_office.when(OPERATOR, "DELETE", f"/people/{CUSTOMER.id}")
    assert box_office.certificate(CUSTOMER.id).body == erased.body
    assert not [value for value in (*BUYER.values(), str(OPERATOR.id)) if value in json.dumps(erased.body)]


def test_who_was_not_erased_has_no_certificate(box_office: Sale) -> None:
    order_id = box_office.shop.order(box_office.ticket_type_id)
    for key in (CUSTOMER.id, order_id, box_office.concert_id):
        box_office.certificate(key).then_refuses(404, "not_found")


def test_erasing_again_changes_nothing_and_gives_the_same_certificate(box_office: Sale) -> None:
    box_office.shop.vault.seal(CUSTOMER.id, BUYER)
    first = box_office.when(OPERATOR, "DELETE", f"/people/{CUSTOMER.id}")
    box_office.shop.clock.advance(timedelta(days=1))
    again = box_office.when(OPERATOR, "DELETE", f"/people/{CUSTOMER.id}")
    assert (again.status, again.body, again.news) == (200, first.body, {})


def test_only_operators_erase_others(box_office: Sale) -> None:
    for actor in (OTHER_CUSTOMER, ORGANISER):
        box_office.when(actor, "DELETE", f"/people/{CUSTOMER.id}").then_refuses(403, "forbidden")


def test_an_operator_who_mistypes_an_id_erases_nobody(box_office: Sale) -> None:
    for key in (NOBODY, box_office.concert_id, box_office.issue()):
        box_office.when(OPERATOR, "DELETE", f"/people/{key}").then_refuses(404, "not_found")


def test_the_token_of_an_erased_person_is_refused_with_a_code_of_its_own(box_office: Sale) -> None:
    box_office.when(CUSTOMER, "DELETE", "/me")
    for_anybody = f"/concerts/{box_office.concert_id}/availability?as_of=2026-01-01T00:00:00Z"
    for method, path in (("GET", "/orders"), ("POST", "/carts"), ("DELETE", "/me"), ("GET", for_anybody)):
        box_office.when(CUSTOMER, method, path).then_refuses(401, "person_erased")
    with pytest.raises(TokenOfErasedPerson):
        ensure_enabled(Streams(box_office.log), CUSTOMER.id)


def test_a_checkout_that_comes_in_the_minute_in_which_the_token_still_counts_stores_nobody_anew(
    box_office: Sale,
) -> None:
    """API Gateway goes by the authorizer's answer for so long."""
    cart_id = box_office.shop.cart()
    box_office.shop.add(cart_id, box_office.ticket_type_id)
    box_office.when(CUSTOMER, "DELETE", "/me")
    before = box_office.shop.log(box_office.log.stream_ids())
    with pytest.raises(AccountErased):
        box_office.shop.check_out(cart_id)
    assert box_office.shop.log(box_office.log.stream_ids()) == before


def test_a_payment_that_is_under_way_confirms_the_order_and_its_tickets_admit(box_office: Sale) -> None:
    order_id = box_office.shop.order(box_office.ticket_type_id)
    box_office.shop.gateway.lose_charge_replies = 1
    with pytest.raises(Unavailable):
        box_office.shop.pay(order_id)
    box_office.when(CUSTOMER, "DELETE", "/me")
    box_office.shop.clock.advance(timedelta(minutes=2))
    box_office.shop.settle(order_id)
    assert box_office.shop.order_state(order_id).status is OrderStatus.CONFIRMED
    assert box_office.shop.let_in(box_office.concert_id, box_office.shop.code(order_id)).ticket_type_name


def test_an_unpaid_order_and_a_cart_end_by_their_deadlines(box_office: Sale) -> None:
    order_id, cart_id = box_office.shop.order(box_office.ticket_type_id, 4), box_office.shop.cart()
    box_office.shop.add(cart_id, box_office.ticket_type_id, 4)
    box_office.when(CUSTOMER, "DELETE", "/me")
    box_office.shop.clock.advance(timedelta(hours=1))
    box_office.shop.settle(order_id)
    assert box_office.shop.order_state(order_id).status is OrderStatus.EXPIRED
    other = box_office.shop.cart(OTHER_CUSTOMER)
    box_office.shop.add(other, box_office.ticket_type_id, 10, box_office.shop.request(OTHER_CUSTOMER))


def test_an_own_order_that_is_sealed_under_another_key_is_erased_as_well(box_office: Sale) -> None:
    """As one is that was bought as a guest."""
    vault, guest, order_id = box_office.shop.vault, some_id("guest"), box_office.shop.order(box_office.ticket_type_id)
    sealed, of_guest = vault.seal(guest, BUYER), box_office.issue()
    box_office.shop.repository.execute(
        lambda session: session.append(ORDER, order_id, BuyerCorrected(buyer=sealed, at=session.now)),
        box_office.shop.request(CUSTOMER).origin,
    )
    box_office.and_document(fold_order, order_id, 1).and_document(fold_order, of_guest, 0)
    box_office.when(CUSTOMER, "DELETE", "/me")
    assert (vault.open(sealed), vault.knows(guest), vault.knows(of_guest)) == (None, False, True)


def test_a_refund_finds_its_way_without_the_person(box_office: Sale) -> None:
    order_id = box_office.shop.order(box_office.ticket_type_id)
    box_office.shop.pay(order_id)
    box_office.when(CUSTOMER, "DELETE", "/me")
    body = {"all": True, "reason": "The view is blocked."}
    assert box_office.when(ORGANISER, "POST", f"/orders/{order_id}/refunds", body).status == 201
    assert box_office.shop.gateway.taken_for(order_id) == 0


# --- organisers -----------------------------------------------------------------------------------------------------


def test_an_organiser_of_concerts_to_come_cannot_be_erased(box_office: Sale) -> None:
    facts = {"concert_ids": [str(box_office.concert_id)]}
    box_office.when(ORGANISER, "DELETE", "/me").then_refuses(409, "owns_concerts", **facts)
    box_office.shop.vault.seal(ORGANISER.id, BUYER)
    box_office.when(OPERATOR, "DELETE", f"/people/{ORGANISER.id}").then_refuses(409, "owns_concerts", **facts)
    assert box_office.when(OTHER_ORGANISER, "DELETE", "/me").status == 200


def test_an_organiser_is_erased_once_the_concerts_are_over(box_office: Sale) -> None:
    box_office.shop.clock.advance(OPENING + DURATION - box_office.shop.clock())
    assert box_office.when(ORGANISER, "DELETE", "/me").status == 200


def test_an_organiser_is_erased_once_the_concerts_are_cancelled(box_office: Sale) -> None:
    cancel_concert(box_office.shop.repository, box_office.shop.request(ORGANISER), box_office.concert_id)
    assert box_office.when(ORGANISER, "DELETE", "/me").status == 200


# --- interrupted ----------------------------------------------------------------------------------------------------


@dataclass
class Worker:
    """What the task uses of a container."""

    shop: Shop
    deleted: list[UUID]
    documents: FollowedDocuments = field(default_factory=FollowedDocuments)

    @property
    def sign_ins(self) -> "Worker":
        return self

    def __getattr__(self, name: str) -> object:
        return getattr(self.shop, name)

    def delete(self, person_id: UUID) -> None:
        self.deleted.append(person_id)


def test_an_erasure_that_ends_between_key_and_event_is_finished_by_its_task(
    box_office: Sale, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed, queue = box_office.shop.vault.seal(CUSTOMER.id, BUYER), MemoryWorkQueue()
    begin_erasure(queue, box_office.shop.request(CUSTOMER).origin, CUSTOMER.id)
    with monkeypatch.context() as broken:
        broken.setattr(box_office.log, "append", _away)
        with pytest.raises(Unavailable):
            _finish(box_office.shop, queue.tasks)
    assert (box_office.shop.vault.open(sealed), box_office.log.read(CUSTOMER.id)) == (None, [])
    for _ in range(2):
        assert _finish(box_office.shop, queue.tasks) == [CUSTOMER.id]
        assert box_office.shop.repository.load(ACCOUNT, CUSTOMER.id) == (Account(erased=True), 0)


def test_nothing_is_erased_before_the_task_is_sent(box_office: Sale, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = box_office.shop.vault.seal(CUSTOMER.id, BUYER)
    monkeypatch.setattr(MemoryWorkQueue, "send", _away)
    box_office.when(CUSTOMER, "DELETE", "/me").then_refuses(503, "unavailable")
    assert box_office.shop.vault.open(sealed) == BUYER


def _finish(shop: Shop, sent: list[Task]) -> list[UUID]:
    worker = Worker(shop, [])
    for task in sent:
        tasks.finish_erasure(worker, task)  # type: ignore[arg-type]
    return worker.deleted


def _away(*_: object, **__: object) -> None:
    raise Unavailable("away")


# --- guests of an organiser -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("actor", [ORGANISER, OPERATOR], ids=["organiser", "operator"])
def test_a_guest_is_erased_with_the_key_of_the_order_and_the_tickets_admit(box_office: Sale, actor: Actor) -> None:
    order_id = box_office.issue()
    answered = box_office.when(actor, "DELETE", f"/orders/{order_id}/guest")
    assert answered.news == {order_id: [BuyerErased(at=box_office.shop.clock())]}
    order = box_office.shop.order_state(order_id)
    assert order.buyer is not None
    assert box_office.shop.vault.open(order.buyer) is None
    assert box_office.certificate(order_id).body == answered.body
    assert answered.body["event"]["type"] == "BuyerErased"
    box_office.shop.let_in(box_office.concert_id, box_office.shop.code(order_id))
    again = box_office.when(actor, "DELETE", f"/orders/{order_id}/guest")
    assert (again.body, again.news) == (answered.body, {})


def test_nobody_else_erases_a_guest_and_a_buyer_is_none(box_office: Sale) -> None:
    order_id, bought = box_office.issue(), box_office.shop.order(box_office.ticket_type_id)
    box_office.when(OTHER_ORGANISER, "DELETE", f"/orders/{order_id}/guest").then_refuses(403, "forbidden")
    box_office.when(CUSTOMER, "DELETE", f"/orders/{order_id}/guest").then_refuses(403, "forbidden")
    for key in (bought, box_office.concert_id, NOBODY):
        box_office.when(ORGANISER, "DELETE", f"/orders/{key}/guest").then_refuses(404, "not_found")


def test_an_organiser_who_is_erased_leaves_the_guests_to_be_erased_by_their_own_keys(box_office: Sale) -> None:
    order_id = box_office.issue()
    box_office.shop.clock.advance(OPENING + DURATION - box_office.shop.clock())
    box_office.when(ORGANISER, "DELETE", "/me")
    assert box_office.shop.vault.knows(order_id)
    assert box_office.when(OPERATOR, "DELETE", f"/orders/{order_id}/guest").status == 200
