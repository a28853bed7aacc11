"""What a person is given of everything that is stored about them."""

from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID

import pytest

from chalicelib.platform.caller import Actor
from chalicelib.platform.eventsourcing.budget import ReadBudget
from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.eventsourcing.stored import Head
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.http.paging import page_of
from chalicelib.platform.readmodels.documents.projection import DocumentProjection
from chalicelib.shop.access.commands import disable_account, enable_account
from chalicelib.shop.access.stored_data import StoredData
from chalicelib.shop.carts.events import CartItemRemoved
from chalicelib.shop.carts.projections import fold_cart
from chalicelib.shop.inventory.allowance import allowance_id
from chalicelib.shop.orders.projections import fold_order
from tests.support.request_scenario import GivenStreams
from tests.support.shop import BUYER, CUSTOMER, OPERATOR, ORGANISER, OTHER_CUSTOMER, Shop
from tests.support.stored import store_all

NOBODY = UUID(int=0)


@dataclass(frozen=True)
class Life(GivenStreams):
    """A person who has bought tickets of a concert that limits them."""

    concert_id: UUID = NOBODY
    ticket_type_id: UUID = NOBODY
    orders: list[UUID] = field(default_factory=list)

    def buy(self, actor: Actor = CUSTOMER, quantity: int = 2) -> UUID:
        shop, request = self.shop, self.shop.request
        cart_id = shop.cart(actor)
        shop.add(cart_id, self.ticket_type_id, quantity, request(actor))
        order_id = shop.check_out(cart_id, request(actor)).order_id
        shop.pay(order_id, caller=request(actor))
        for key, fold in ((cart_id, fold_cart), (order_id, fold_order)):
            self.and_document(fold, key, len(self.log.read(key)) - 1)
        return order_id

    def page(self, cursor: str | None = None, actor: Actor = CUSTOMER) -> Any:
        answered = self.when(actor, "GET", "/me/data" + (f"?cursor={cursor}" if cursor else ""))
        assert (answered.status, answered.news) == (200, {}), answered.body
        return answered.body

    def everything(self, actor: Actor = CUSTOMER) -> list[JsonObject]:
        items, cursor = list[JsonObject](), None
        while True:
            page = self.page(cursor, actor)
            items += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return items


@pytest.fixture
def life() -> Life:
    log = MemoryEventStore()
    shop = Shop(log)
    concert_id = shop.draft(max_per_customer=40)
    ticket_type_id = shop.ticket_type(concert_id, quantity=40)
    shop.publish(concert_id)
    return Life(shop, log, concert_id=concert_id, ticket_type_id=ticket_type_id)


def events_in(items: list[JsonObject]) -> set[tuple[str, int]]:
    found = [(event["stream_id"], event["version"]) for item in items for event in item["events"]]
    assert len(found) == len(set(found)), "no event comes twice"
    return set(found)


def test_every_event_of_the_persons_streams_is_in_it_once(life: Life) -> None:
    disable_account(life.shop.repository, life.shop.request(OPERATOR), CUSTOMER.id, "a lost phone")
    enable_account(life.shop.repository, life.shop.request(OPERATOR), CUSTOMER.id)
    orders = [life.buy() for _ in range(5)]
    life.buy(OTHER_CUSTOMER)
    ticket = life.shop.order_state(orders[0]).tickets[0]
    life.shop.let_in(life.concert_id, life.shop.code(orders[0]))
    carts = {life.shop.order_state(key).cart_id for key in orders}
    items = life.everything()
    expected = {CUSTOMER.id, *orders, *carts, ticket.id, allowance_id(life.concert_id, CUSTOMER.id)}
    unique = {(str(key), event.aggregate_version) for key in expected if key for event in life.log.read(key)}
    found = {(event["stream_id"], event["version"]) for item in items for event in item["events"]}
    assert unique <= found
    assert {item["kind"] for item in items} == {"account", "list_of_carts", "cart", "order", "allowance", "tickets"}
    of_orders = [item for item in items if item["kind"] == "order"]
    assert events_in(of_orders) == {(str(k), e.aggregate_version) for k in orders for e in life.log.read(k)}
    assert [UUID(item["id"]) for item in of_orders if item["document"]] == newest_first(life, orders)


def newest_first(life: Life, orders: list[UUID]) -> list[UUID]:
    return sorted(orders, key=lambda key: (life.log.read(key)[0].created, str(key)), reverse=True)


def test_names_are_opened_and_nothing_is_sealed_in_it(life: Life) -> None:
    life.buy()
    items = life.everything()
    [order] = [item for item in items if item["kind"] == "order"]
    assert order["document"]["buyer"] == order["events"][0]["data"]["Buyer"] == BUYER
    assert "$enc" not in str(items)


def test_the_name_of_an_organisers_guest_is_not_the_organisers(life: Life) -> None:
    body = {"ticket_type_id": str(life.ticket_type_id), "guest": {"name": "Gina Guest"}}
    issued = life.when(ORGANISER, "POST", f"/concerts/{life.concert_id}/complimentary-tickets", body)
    life.and_document(fold_order, UUID(issued.body["order_id"]), 1)
    items = life.everything(ORGANISER)
    assert [item["kind"] for item in items] == ["order"]
    assert "Gina" not in str(items)
    assert items[0]["document"]["buyer"] is None


@pytest.mark.parametrize("limit", [1, 2, 3, 10])
def test_a_page_reads_no_more_than_it_may_and_goes_on_in_the_middle_of_a_long_stream(life: Life, limit: int) -> None:
    orders = [life.buy() for _ in range(2)]
    cart_id = life.shop.order_state(orders[0]).cart_id
    assert cart_id is not None
    head = Head.of(life.log.read_last(cart_id, 1)[0])
    for event in store_all(cart_id, [CartItemRemoved(item_id=NOBODY)] * 450, after=head, now=life.shop.clock()):
        life.log.append([event])
    after: list[str] | None = None
    items: list[JsonObject] = []
    pages = 0
    while pages == 0 or after is not None:
        budget, reads = ReadBudget(limit), life.log.usage.reads
        documents = cast("DocumentProjection", life.documents)
        log = life.log.metered(budget.spend)
        page, after = StoredData(documents, log, life.shop.vault.open_many, CUSTOMER.id).page(budget, after)
        assert life.log.usage.reads - reads == budget.spent <= limit
        items, pages = items + page, pages + 1
    of_cart = [item for item in items if item["id"] == str(cart_id)]
    assert len(of_cart) == 5
    assert len(events_in(of_cart)) == len(life.log.read(cart_id))
    assert len([item for item in items if item["document"]]) == 4


def test_a_cursor_with_the_place_of_somebody_elses_order_shows_nothing_of_it(life: Life) -> None:
    theirs = life.buy(OTHER_CUSTOMER)
    created = life.documents.find(theirs).document["created_at"]  # type: ignore[union-attr]
    cursor = page_of([], ["order", f"{created}#{theirs}", "0", "0"])["next_cursor"]
    assert life.page(cursor) == {"items": [], "next_cursor": None}


@pytest.mark.parametrize(
    "key",
    [
        ["order"],
        ["order", "", "0", "0"],
        ["account", "x#y", "0", "0"],
        ["nothing", "", "0", "0"],
        ["account", "", "-1", "0"],
        ["account", "", "0", "x"],
        ["order", "x#y", "0", "0"],
    ],
    ids=str,
)
def test_a_cursor_that_no_page_has_given_is_refused(life: Life, key: list[str]) -> None:
    cursor = page_of([], key)["next_cursor"]
    life.when(CUSTOMER, "GET", f"/me/data?cursor={cursor}").then_refuses(422, "invalid_input")
