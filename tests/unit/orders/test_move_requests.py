"""What the route of moves answers, and what customers see of moved tickets."""

from dataclasses import dataclass
from uuid import UUID

import pytest

from chalicelib.platform.caller import Actor
from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.shop.orders.projections import fold_order
from tests.support.request_scenario import Answered, GivenStreams
from tests.support.shop import CUSTOMER, OPERATOR, ORGANISER, OTHER_CUSTOMER, OTHER_ORGANISER, Shop, some_id

GINA = {"name": "Gina Guest", "email": "gina@example.org"}


@dataclass(frozen=True)
class RowSale(GivenStreams):
    """A concert with three rows, and a paid order of two tickets in the one at 25.00."""

    concert_id: UUID | None = None
    rows: tuple[UUID, ...] = ()
    order_id: UUID | None = None

    @property
    def tickets(self) -> list[str]:
        assert self.order_id is not None
        return [str(ticket.id) for ticket in self.shop.order_state(self.order_id).tickets]

    def move(self, actor: Actor = ORGANISER, key: str = "k", **changes: object) -> Answered:
        body: JsonObject = {"tickets": self.tickets[:1], **changes}
        return self.when(actor, "POST", f"/orders/{self.order_id}/moves", body, idempotency_key=key)

    def shown(self, actor: Actor = CUSTOMER) -> JsonObject:
        assert self.order_id is not None
        self.and_document(fold_order, self.order_id, len(self.log.read(self.order_id)) - 1)
        body: JsonObject = self.when(actor, "GET", f"/orders/{self.order_id}").body
        return body


@pytest.fixture
def order_with_rows() -> RowSale:
    log = MemoryEventStore()
    shop = Shop(log)
    concert_id = shop.draft()
    rows = tuple(shop.ticket_type(concert_id, 5, price, name=f"At {price}") for price in ("25.00", "10.00", "40.00"))
    shop.publish(concert_id)
    order_id = shop.order(rows[0])
    shop.pay(order_id)
    return RowSale(shop, log, concert_id=concert_id, rows=rows, order_id=order_id)


@pytest.mark.parametrize("actor", [ORGANISER, OPERATOR, CUSTOMER])
def test_another_holder_is_answered_with_the_new_ticket_and_shown_to_the_buyer(
    order_with_rows: RowSale, actor: Actor
) -> None:
    old, stays = order_with_rows.tickets
    answered = order_with_rows.move(actor, holder=GINA)
    assert (answered.status, answered.body["status"], answered.body["replaced"]) == (201, "moved", [old])
    [new] = answered.body["tickets"]
    shown = order_with_rows.shown()
    assert [(one["id"], one["status"], one.get("holder")) for one in shown["tickets"]] == [
        (old, "revoked", None),
        (stays, "valid", None),
        (new["id"], "valid", GINA),
    ]
    assert shown["tickets"][0]["replaced_by"] == new["id"]
    assert GINA["name"] not in str(order_with_rows.log.read(UUID(shown["id"])))


def test_the_tickets_of_an_order_name_their_holder_and_the_list_of_orders_names_nobody(
    order_with_rows: RowSale,
) -> None:
    old, stays = order_with_rows.tickets
    [new] = order_with_rows.move(holder=GINA).body["tickets"]
    order_with_rows.shown()
    tickets = order_with_rows.when(CUSTOMER, "GET", f"/orders/{order_with_rows.order_id}/tickets").body["items"]
    assert [(one["id"], one.get("holder")) for one in tickets] == [(old, None), (stays, None), (new["id"], GINA)]
    [order] = order_with_rows.when(CUSTOMER, "GET", "/orders").body["items"]
    assert [one["id"] for one in order["tickets"]] == [old, stays, new["id"]]
    assert GINA["name"] not in str(order)


def test_a_holder_who_is_erased_is_named_no_more(order_with_rows: RowSale) -> None:
    moved = order_with_rows.move(holder=GINA)
    order_with_rows.shop.vault.erase(UUID(moved.body["id"]))
    order_with_rows.shown()
    tickets = order_with_rows.when(CUSTOMER, "GET", f"/orders/{order_with_rows.order_id}/tickets").body["items"]
    assert tickets[-1]["holder"] is None


def test_a_cheaper_row_says_what_goes_back(order_with_rows: RowSale) -> None:
    answered = order_with_rows.move(ticket_type_id=str(order_with_rows.rows[1]))
    assert (answered.status, answered.body["refunded"]["amount"], answered.body["by"]) == (201, "15.00", "organiser")
    shown = order_with_rows.shown()
    assert [line["ticket_type_name"] for line in shown["lines"]] == ["At 25.00", "At 10.00"]
    assert [(one["status"], one["refunded"]["amount"]) for one in shown["moves"]] == [("moved", "15.00")]
    listed = order_with_rows.when(ORGANISER, "GET", f"/orders/{order_with_rows.order_id}/refunds").body["items"]
    assert [(one["amount"]["amount"], one["status"], one["by"]) for one in listed] == [
        ("15.00", "completed", "organiser")
    ]


def test_a_dearer_row_is_paid_by_a_payment_of_the_order(order_with_rows: RowSale) -> None:
    answered = order_with_rows.move(ticket_type_id=str(order_with_rows.rows[2]))
    assert (answered.body["status"], answered.body["supplement"]["amount"]) == ("awaiting_payment", "15.00")
    assert order_with_rows.shown()["moves"][0]["status"] == "awaiting_payment"
    order_with_rows.move(key="l", tickets=order_with_rows.tickets[1:], holder=GINA).then_refuses(
        409, "move_in_progress"
    )
    path, body = f"/orders/{order_with_rows.order_id}/payments", {"provider": "sandbox", "token": "tok_visa"}
    paid = order_with_rows.when(CUSTOMER, "POST", path, body, idempotency_key="p")
    again = order_with_rows.when(CUSTOMER, "POST", path, body, idempotency_key="p")
    assert (paid.status, again.status, again.body) == (201, 201, paid.body)
    shown = order_with_rows.shown()
    assert [(one["amount"]["amount"], one["status"]) for one in shown["payments"]] == [
        ("50.00", "succeeded"),
        ("15.00", "succeeded"),
    ]


def test_the_same_key_gives_the_same_answer_and_moves_nothing_more(order_with_rows: RowSale) -> None:
    tickets = order_with_rows.tickets[:1]
    first = order_with_rows.move(tickets=tickets, ticket_type_id=str(order_with_rows.rows[1]), holder=GINA)
    again = order_with_rows.move(tickets=tickets, ticket_type_id=str(order_with_rows.rows[1]), holder=GINA)
    assert (again.status, again.body, again.news) == (first.status, first.body, {})
    order_with_rows.move(tickets=tickets, holder=GINA).then_refuses(422, "idempotency_key_reused")


@pytest.mark.parametrize("actor", [OTHER_ORGANISER, OTHER_CUSTOMER])
def test_others_find_no_order(order_with_rows: RowSale, actor: Actor) -> None:
    order_with_rows.move(actor, holder=GINA).then_refuses(404, "not_found")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#"),
        ({"tickets": []}, "#/tickets"),
        ({"tickets": [str(some_id("a"))] * 2, "holder": GINA}, "#/tickets"),
        ({"tickets": [str(some_id("a"))], "holder": GINA}, "#/tickets/0"),
        ({"tickets": [str(some_id("a"))], "ticket_type_id": str(some_id("b"))}, "#/tickets/0"),
        ({"holder": {}}, "#/holder/name"),
        ({"holder": {"name": "Gina", "email": "nobody"}}, "#/holder/email"),
        ({"concert_id": str(some_id("a"))}, "#/ticket_type_id"),
        ({"concert_id": str(some_id("a")), "ticket_type_id": str(some_id("b"))}, "#/concert_id"),
        ({"holder": GINA, "reason": ""}, "#/reason"),
    ],
)
def test_a_body_that_makes_no_sense_is_refused_with_its_place(
    order_with_rows: RowSale, body: JsonObject, pointer: str
) -> None:
    answered = order_with_rows.move(**body)
    answered.then_refuses(422, "invalid_input")
    assert answered.body["errors"][0]["pointer"] == pointer


def test_customers_give_no_reason_and_need_a_policy_for_another_row(order_with_rows: RowSale) -> None:
    order_with_rows.move(CUSTOMER, holder=GINA, reason="why").then_refuses(422, "invalid_input")
    wanted = str(order_with_rows.rows[1])
    order_with_rows.move(CUSTOMER, ticket_type_id=wanted).then_refuses(409, "move_not_permitted", until=None)
    path, policy = f"/concerts/{order_with_rows.concert_id}/refund-policy", {"moves_until": "2099-01-01T00:00:00Z"}
    shown = order_with_rows.when(ORGANISER, "POST", path, policy)
    assert (shown.status, shown.body["moves_until"]) == (200, "2099-01-01T00:00:00.000Z")
    assert order_with_rows.move(CUSTOMER, ticket_type_id=wanted).status == 201


def test_a_fee_for_each_ticket_is_kept_beside_the_share(order_with_rows: RowSale) -> None:
    path = f"/concerts/{order_with_rows.concert_id}/refund-policy"
    policy: JsonObject = {"customers_until": "2099-01-01T00:00:00Z", "fee_percent": 10}
    fee = {"amount": "2.00", "currency": "EUR"}
    wrong = {"fee_per_ticket": {"amount": "2.00", "currency": "USD"}}
    order_with_rows.when(ORGANISER, "POST", path, policy | wrong).then_refuses(422, "invalid_input")
    assert order_with_rows.when(ORGANISER, "POST", path, policy | {"fee_per_ticket": fee}).body["fee_per_ticket"] == fee
    [part] = order_with_rows.when(CUSTOMER, "POST", f"/orders/{order_with_rows.order_id}/refunds", {"all": True}).body[
        "parts"
    ]
    assert (part["amount"]["amount"], part["fee"]["amount"]) == ("41.00", "9.00")
