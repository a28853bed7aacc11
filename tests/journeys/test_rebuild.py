"""Read models are built anew, verified and mended while people keep buying."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import httpx
import pytest

from chalicelib import composition
from chalicelib.platform.readmodels.port import ReadModel, Rewrite
from ops.__main__ import main as ops
from tests.journeys.shop import Published, Shop, cart_with, made, order_of, pay, publish_concert

pytestmark = pytest.mark.needs_the_stack

MODELS = ["programme", "carts", "availability", "processes", "sales"]


class Crowd:
    """Threads that do something again and again until they are told to stop; what fails in one fails the test."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.failures: list[BaseException] = []
        self.rounds = 0

    def repeat(self, what: Callable[[], object]) -> None:
        try:
            while not self.stop.is_set():
                what()
                self.rounds += 1
        except BaseException as failure:  # noqa: BLE001 - told to the test
            self.failures.append(failure)

    @contextmanager
    def doing(self, *things: Callable[[], object]) -> Iterator[None]:
        threads = [threading.Thread(target=self.repeat, args=[thing]) for thing in things]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.stop.set()
            for thread in threads:
                thread.join()
        assert self.failures == []


@contextmanager
def running_pump(shop: Shop) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=shop.pump.run, args=[stop])
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def buying(shop: Shop, concert: Published) -> Callable[[], object]:
    customer = shop.customer()

    def buy() -> None:
        order_id = order_of(customer, concert.ticket_type_id, 1)
        made(pay(customer, order_id))
        cart_with(customer, concert.ticket_type_id, 1)

    return buy


def looking(
    shop: Shop, organiser: httpx.Client, concert: Published, customer: httpx.Client, order_id: str, cart_id: str
) -> Callable[[], object]:
    """Reads from every store; none may fail, and what was there stays there."""
    visitor = shop.visitor()

    def look() -> None:
        found = made(visitor.get(f"/concerts/{concert.concert_id}"))
        assert found["venue"]["name"] == "Harpa"
        assert made(visitor.get(f"/concerts/{concert.concert_id}/availability"))["ticket_types"]
        assert made(customer.get(f"/orders/{order_id}"))["status"] == "confirmed"
        assert made(customer.get(f"/carts/{cart_id}"))["items"]
        assert [order["id"] for order in made(customer.get("/orders"))["items"]] == [order_id]
        sold = organiser.get(f"/concerts/{concert.concert_id}/orders", params={"q": order_id})
        assert [order["id"] for order in made(sold)["items"]] == [order_id]

    return look


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    """What a command says to machines."""
    capsys.readouterr()
    assert ops(["--json", *arguments]) == 0
    records: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return records


def lagging(found: dict[str, Any]) -> list[str]:
    """The streams that are behind though nothing is wrong with them: other tests leave parked ones in the log."""
    return [one["stream"] for one in found["behind"] if not one["parked"]]


def model_of(name: str) -> ReadModel:
    model = composition.current().read_model(name)
    return model.live_generation()


@pytest.mark.parametrize("name", MODELS)
def test_while_a_read_model_is_rebuilt_people_buy_and_no_read_fails(
    shop: Shop, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.settle()
    organiser, customer = shop.organiser(), shop.customer()
    concert = publish_concert(organiser, {"quantity": 2000})
    cart_id = cart_with(customer, concert.ticket_type_id, 1)
    order_id = order_of(customer, concert.ticket_type_id, 1)
    made(pay(customer, order_id))
    shop.settle()
    before, crowd = model_of(name).generation, Crowd()
    look = looking(shop, organiser, concert, customer, order_id, cart_id)
    with running_pump(shop), crowd.doing(buying(shop, concert), buying(shop, concert), look, look):
        (rebuilt,) = told(capsys, "rebuild", name, "--segments", "2")
        told(capsys, "rebuild", name, "--switch-back")
        told(capsys, "rebuild", name, "--switch-back")
    assert crowd.rounds > 0
    assert rebuilt["live"] > before
    assert model_of(name).generation == rebuilt["live"]
    shop.settle()
    (busy,) = told(capsys, "verify", name)
    assert (lagging(busy), busy["different"]) == ([], [])
    (silent,) = told(capsys, "rebuild", name)
    assert (silent["digest"], silent["streams"]) == (busy["digest"], busy["streams"])


@pytest.mark.parametrize("name", MODELS)
def test_a_row_edited_by_hand_is_named_by_verify_and_mended(
    shop: Shop, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    concert = publish_concert(shop.organiser())
    customer = shop.customer()
    order_id = order_of(customer, concert.ticket_type_id, 1)
    shop.settle()
    told(capsys, "verify", name, "--repair")
    live, key = model_of(name), UUID(concert.concert_id if name in {"programme", "availability"} else order_id)
    version, contents = live.read([key])[key]
    match name:
        case "programme":
            contents["concerts"][str(key)]["name"] = "Somebody else"
        case "availability":
            contents["concert"] += f" {key}"
        case "sales":
            contents["sales_orders"][str(key)]["status"] = "expired"
        case _:
            contents = contents | {"state": {}, "status": "edited"}
    assert not live.rewrite([Rewrite(key, version, version, contents)])
    (found,) = told(capsys, "verify", name, "--repair")
    assert [one["stream"] for one in found["different"]] == [str(key)]
    assert found["different"][0]["changes"]
    (mended,) = told(capsys, "verify", name)
    assert (lagging(mended), mended["different"]) == ([], [])


def test_the_bus_can_be_replayed_to_a_projection_and_nothing_changes(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    publish_concert(shop.organiser())
    shop.settle()
    (before,) = told(capsys, "verify", "programme")
    (replayed,) = told(capsys, "replay", "programme")
    assert int(replayed["records"]) > 0
    (nothing,) = told(capsys, "replay", "programme", "--since", "2999-01-01T00:00:00Z")
    assert int(nothing["records"]) == 0
    assert told(capsys, "verify", "programme") == [before]


def test_a_redis_that_lost_its_memory_is_mended_by_the_watch_that_runs_every_minute(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    publish_concert(shop.organiser())
    shop.settle()
    shop.pump.tick()
    shop.stack.valkey.forget_everything()
    assert lagging(told(capsys, "verify", "availability")[0])
    shop.pump.tick()
    (mended,) = told(capsys, "verify", "availability")
    assert (lagging(mended), mended["different"]) == ([], [])
