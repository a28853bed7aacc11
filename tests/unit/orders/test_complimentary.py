"""Tickets that an organiser gives away, and buyers whose name is corrected: exact stock, sealed names."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest

from chalicelib.platform.caller import Actor
from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.privacy.sealed import Sealed
from chalicelib.shop.inventory.allowance import ALLOWANCE, allowance_id
from chalicelib.shop.orders.projections import fold_order
from chalicelib.shop.orders.rules import OrderStatus
from tests.support.request_scenario import Answered, GivenStreams
from tests.support.shop import CUSTOMER, OPERATOR, ORGANISER, OTHER_CUSTOMER, OTHER_ORGANISER, Shop, some_id

GUEST = {"name": "Gina Guest", "email": "gina@example.org"}


@dataclass(frozen=True)
class Sale(GivenStreams):
    """A concert on sale with three tickets."""

    concert_id: UUID | None = None
    ticket_type_id: UUID | None = None

    def issue(self, actor: Actor = ORGANISER, key: str = "k", **changes: object) -> Answered:
        body: JsonObject = {"ticket_type_id": str(self.ticket_type_id), "quantity": 2, "guest": GUEST, **changes}
        path = f"/concerts/{self.concert_id}/complimentary-tickets"
        return self.when(actor, "POST", path, body, idempotency_key=key)

    def order(self, answered: Answered) -> UUID:
        order_id = UUID(answered.body["order_id"])
        self.and_document(fold_order, order_id, len(self.log.read(order_id)) - 1)
        return order_id

    def bought(self) -> UUID:
        cart_id = self.shop.cart()
        assert self.ticket_type_id is not None
        self.shop.add(cart_id, self.ticket_type_id)
        order_id = self.shop.check_out(cart_id).order_id
        self.and_document(fold_order, order_id, 0)
        return order_id


@pytest.fixture
def small_concert() -> Sale:
    log = MemoryEventStore()
    shop = Shop(log)
    concert_id = shop.draft(max_per_customer=2)
    ticket_type_id = shop.ticket_type(concert_id, quantity=3, sales_start=shop.clock() + timedelta(days=2))
    shop.publish(concert_id)
    return Sale(shop, log, concert_id=concert_id, ticket_type_id=ticket_type_id)


def test_they_come_out_of_the_stock_and_admit_and_cost_nothing(small_concert: Sale) -> None:
    answered = small_concert.issue()
    assert (answered.status, len(answered.body["tickets"])) == (201, 2)
    order_id = small_concert.order(answered)
    assert small_concert.concert_id is not None
    assert small_concert.ticket_type_id is not None
    order, pool = small_concert.shop.order_state(order_id), small_concert.shop.pool(small_concert.ticket_type_id)
    assert (order.status, str(order.total.amount), pool.sold) == (OrderStatus.CONFIRMED, "0.00", 2)
    small_concert.shop.let_in(small_concert.concert_id, small_concert.shop.code(order_id))
    small_concert.issue(key="another").then_refuses(409, "sold_out", available=1)


def test_the_same_request_gives_the_same_tickets_and_another_guest_is_refused(small_concert: Sale) -> None:
    first = small_concert.issue()
    again = small_concert.issue()
    assert (again.status, again.body, again.news) == (201, first.body, {})
    small_concert.issue(guest={"name": "Somebody Else"}).then_refuses(422, "idempotency_key_reused")


def test_the_guests_name_is_nowhere_in_the_log_and_gone_with_its_key(small_concert: Sale) -> None:
    order_id = small_concert.order(small_concert.issue())
    assert not any(
        "Gina" in stored.data for key in small_concert.log.stream_ids() for stored in small_concert.log.read(key)
    )
    small_concert.when(ORGANISER, "GET", f"/orders/{order_id}").then_shows(buyer=GUEST)
    small_concert.shop.vault.erase(order_id)
    small_concert.when(ORGANISER, "GET", f"/orders/{order_id}").then_shows(buyer=None)


def test_nobody_else_gives_tickets_away(small_concert: Sale) -> None:
    small_concert.issue(OTHER_ORGANISER).then_refuses(403, "forbidden")
    small_concert.issue(CUSTOMER).then_refuses(403, "forbidden")
    assert small_concert.issue(OPERATOR).status == 201


def test_a_type_of_another_concert_is_not_found(small_concert: Sale) -> None:
    _, other_type_id = small_concert.shop.on_sale()
    small_concert.issue(ticket_type_id=str(other_type_id)).then_refuses(404, "not_found")
    small_concert.issue(ticket_type_id=str(some_id("none"))).then_refuses(404, "not_found")
    small_concert.issue(quantity=41).then_refuses(422, "invalid_input")
    small_concert.issue(guest={"name": "Gina", "email": "nowhere"}).then_refuses(422, "invalid_input")


def test_they_are_given_back_and_no_limit_counts_them(small_concert: Sale) -> None:
    """The organiser has bought one as anybody may, which still counts."""
    assert small_concert.concert_id is not None
    assert small_concert.ticket_type_id is not None
    shop = small_concert.shop
    shop.clock.advance(timedelta(days=3))
    cart_id = shop.cart(ORGANISER)
    shop.add(cart_id, small_concert.ticket_type_id, 1, shop.request(ORGANISER))
    shop.pay(shop.check_out(cart_id, shop.request(ORGANISER)).order_id, caller=shop.request(ORGANISER))
    order_id = small_concert.order(small_concert.issue())
    body = {"all": True, "reason": "They cannot come."}
    assert small_concert.when(ORGANISER, "POST", f"/orders/{order_id}/refunds", body).status == 201
    assert shop.order_state(order_id).status is OrderStatus.CANCELLED
    assert shop.pool(small_concert.ticket_type_id).sold == 1
    allowance, _ = shop.repository.load(ALLOWANCE, allowance_id(small_concert.concert_id, ORGANISER.id))
    assert allowance.taken == 1


@pytest.mark.parametrize("actor", [CUSTOMER, ORGANISER, OPERATOR])
def test_a_name_is_corrected_and_stays_sealed(small_concert: Sale, actor: Actor) -> None:
    small_concert.shop.clock.advance(timedelta(days=3))
    order_id = small_concert.bought()
    answered = small_concert.when(actor, "PATCH", f"/orders/{order_id}/buyer", {"name": "Clara Jones"}, if_match="*")
    assert (answered.status, answered.body["version"]) == (200, 1)
    assert not any("Jones" in stored.data for stored in small_concert.log.read(order_id))
    small_concert.and_document(fold_order, order_id, 1)
    buyer = {"name": "Clara Jones", "email": "carla@example.org"}
    small_concert.when(CUSTOMER, "GET", f"/orders/{order_id}").then_shows(buyer=buyer)
    again = small_concert.when(actor, "PATCH", f"/orders/{order_id}/buyer", {"name": "Clara Jones"}, if_match="*")
    assert (again.status, again.news) == (200, {})


def test_a_correction_that_makes_no_sense_is_refused(small_concert: Sale) -> None:
    small_concert.shop.clock.advance(timedelta(days=3))
    order_id = small_concert.bought()
    path = f"/orders/{order_id}/buyer"
    for actor in (OTHER_CUSTOMER, OTHER_ORGANISER):
        small_concert.when(actor, "PATCH", path, {"name": "Mallory"}, if_match="*").then_refuses(404, "not_found")
    for body in ({}, {"name": ""}, {"email": "nowhere"}, {"phone": "1"}):
        small_concert.when(CUSTOMER, "PATCH", path, body, if_match="*").then_refuses(422, "invalid_input")
    small_concert.when(CUSTOMER, "PATCH", path, {"name": "C"}, if_match='"7"').then_refuses(412, "version_mismatch")
    small_concert.shop.vault.erase(CUSTOMER.id)
    small_concert.when(CUSTOMER, "PATCH", path, {"name": "C"}, if_match="*").then_refuses(409, "buyer_unknown")


def test_who_is_given_nothing_leaves_no_key_of_a_guest(small_concert: Sale, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed: list[UUID] = []
    seal = small_concert.shop.vault.seal

    def noted(person_id: UUID, value: dict[str, str]) -> Sealed:
        sealed.append(person_id)
        return seal(person_id, value)

    monkeypatch.setattr(small_concert.shop.vault, "seal", noted)
    small_concert.issue(quantity=4).then_refuses(409, "sold_out")
    assert sealed == []


def test_a_request_that_is_repeated_after_its_guest_was_erased_gets_its_answer_and_makes_no_key(
    small_concert: Sale,
) -> None:
    first = small_concert.issue()
    order_id = UUID(first.body["order_id"])
    small_concert.shop.vault.erase(order_id)
    assert small_concert.issue().body == first.body
    assert not small_concert.shop.vault.knows(order_id)
