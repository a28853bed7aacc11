"""Without the read models the shop still sells, and whoever buys does not wait for them."""

from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import httpx
import pytest

from chalicelib import composition
from chalicelib.composition import Composition
from chalicelib.platform.clock import utc_now
from chalicelib.settings import Settings
from tests.journeys.shop import BUYER, Shop, cart_with, made, order_of, pay, publish_concert, refused
from tests.support.blackhole import Blackhole

pytestmark = pytest.mark.usefixtures("everything_up_again")


@pytest.fixture
def blackhole(shop: Shop) -> Iterator[Blackhole]:
    """Where Postgres and Redis should be."""
    with Blackhole().open() as hole:
        settings = replace(
            Settings.from_environment(),
            database_url=f"postgresql://postgres@{hole.address}/cloudbash",
            redis_url=f"redis://{hole.address}",
        )
        composition.use(Composition(settings, utc_now))
        try:
            yield hole
        finally:
            composition.use(None)
            assert shop.stack


def buy_in_every_way(customer: httpx.Client, ticket_type_id: str) -> str:
    """Every step from the cart to the tickets, with those that change one's mind; the order."""
    cart_id = cart_with(customer, ticket_type_id, 2)
    [item] = made(customer.post(f"/carts/{cart_id}/hold-extensions"))["items"]
    made(customer.delete(f"/carts/{cart_id}/items/{item['item_id']}"))
    cart = made(customer.get(f"/carts/{cart_id}", headers={"Min-Version": f"{cart_id}:2"}))
    assert cart["items"] == []
    made(customer.post(f"/carts/{cart_id}/items", json={"ticket_type_id": ticket_type_id, "quantity": 3}))
    order_id: str = made(customer.post(f"/carts/{cart_id}/checkout", json=BUYER))["order_id"]
    refused(pay(customer, order_id, "tok_declined"), 402, "payment_declined")
    made(pay(customer, order_id))
    return order_id


def test_who_organises_and_who_buys_asks_neither_postgres_nor_redis_anything(shop: Shop, blackhole: Blackhole) -> None:
    customer = shop.customer()
    concert = publish_concert(shop.organiser())
    order_id = buy_in_every_way(customer, concert.ticket_type_id)
    order = made(customer.get(f"/orders/{order_id}", headers={"Min-Version": f"{order_id}:3"}))
    assert order["status"] == "confirmed"
    assert blackhole.visitors == []


def test_what_does_ask_them_says_so_and_comes_to_an_end(shop: Shop, blackhole: Blackhole) -> None:
    concert = publish_concert(shop.organiser())
    away = shop.visitor().get("/concerts")
    refused(away, 503, "unavailable")
    assert int(away.headers["retry-after"]) > 0
    assert made(shop.visitor().get(f"/concerts/{concert.concert_id}/availability"))["source"] == "log"
    assert blackhole.visitors


def test_without_postgres_one_buys_and_searching_is_to_be_tried_again_later(shop: Shop) -> None:
    shop.stack.postgres.stop()
    organiser, customer = shop.organiser(), shop.customer()
    concert = publish_concert(organiser, name=f"In the dark {uuid4()}")
    order_id = buy_in_every_way(customer, concert.ticket_type_id)
    for path in ("/concerts", "/venues", f"/concerts/{concert.concert_id}"):
        away = shop.visitor().get(path)
        refused(away, 503, "unavailable")
        assert int(away.headers["retry-after"]) > 0
    shop.stack.postgres.start()
    composition.use(None)  # in another container, whose breaker is closed
    shop.settle()
    assert made(customer.get(f"/orders/{order_id}"))["status"] == "confirmed"
    assert made(shop.visitor().get(f"/concerts/{concert.concert_id}"))["name"].startswith("In the dark")


def test_without_redis_one_buys_and_availability_is_read_from_the_log(shop: Shop) -> None:
    shop.stack.valkey.kill()
    customer = shop.customer()
    concert = publish_concert(shop.organiser())
    buy_in_every_way(customer, concert.ticket_type_id)
    order_of(customer, concert.ticket_type_id, 1)
    seen = made(shop.visitor().get(f"/concerts/{concert.concert_id}/availability"))
    [stock] = seen["ticket_types"]
    assert (seen["source"], stock["sold"], stock["held"], stock["available"]) == ("log", 3, 1, 16)
