"""The log as CloudWatch gets it: from a request to the read models, and not a word about anybody."""

import json
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from chalicelib.platform.eventsourcing.repository import Repository
from tests.faults.test_transient_failures_and_poison import append_poison
from tests.journeys.shop import VENUE, Shop, cart_with, made, pay, publish_concert, refused
from tests.support.metrics import collected

pytestmark = pytest.mark.needs_the_stack

if TYPE_CHECKING:
    from tests.support.runtime import RuntimeLog

NAME, EMAIL = "Hallgerður Höskuldsdóttir", "hallgerdur@njala.example"


def test_a_request_is_followed_from_its_route_to_every_read_model(shop: Shop, runtime_log: "RuntimeLog") -> None:
    concert = publish_concert(shop.organiser())
    customer = shop.customer()
    cart_id = made(customer.post("/carts"))["id"]
    given = str(uuid4())
    item = {"ticket_type_id": concert.ticket_type_id, "quantity": 2}
    made(customer.post(f"/carts/{cart_id}/items", json=item, headers={"X-Correlation-Id": given}))
    shop.settle()

    [request] = runtime_log.about(logger="chalicelib.platform.http.middleware", correlationId=given)
    assert (request["message"], request["status"], request["level"]) == ("POST /carts/{cart_id}/items", 201, "INFO")
    applied = runtime_log.about(correlationId=given, causationId=request["causationId"], version=1)
    assert {(line["message"], line["eventType"]) for line in applied if line["stream"] == cart_id} == {
        ("carts: applied", "CartItemAddedEvent")
    }
    messages = {line["message"] for line in runtime_log.about(correlationId=given) if "lagMilliseconds" in line}
    assert messages == {"carts: applied", "availability: applied"}
    for line in runtime_log.lines:
        assert {"timestamp", "level", "message", "logger"} <= line.keys()
        assert line["function"] == "cloudbash-test-function"


def test_a_request_without_a_correlation_id_has_the_one_that_the_gateway_gave_it(
    shop: Shop, runtime_log: "RuntimeLog"
) -> None:
    made(shop.organiser().post("/venues", json=VENUE))
    [request] = runtime_log.about(message="POST /venues")
    assert UUID(request["correlationId"])


def test_no_name_no_address_and_no_token_is_ever_logged(
    shop: Shop, runtime_log: "RuntimeLog", capfd: pytest.CaptureFixture[str]
) -> None:
    concert = publish_concert(shop.organiser())
    customer = shop.customer()
    cart_id = cart_with(customer, concert.ticket_type_id, 1)
    checkout = {"buyer": {"name": NAME, "email": EMAIL}}
    key = str(uuid4())
    order_id = made(customer.post(f"/carts/{cart_id}/checkout", json=checkout, headers={"Idempotency-Key": key}))[
        "order_id"
    ]
    customer.post(f"/carts/{cart_id}/checkout", json={"buyer": {"name": [NAME], "email": EMAIL}})
    customer.get(f"/orders/{EMAIL}")
    shop.visitor().get("/concerts", params={"q": EMAIL}, headers={"X-Correlation-Id": EMAIL})
    shop.as_role("customer", EMAIL).get(f"/orders/{order_id}")
    pay(customer, order_id, "tok_declined")
    made(pay(customer, order_id))
    shop.settle()
    output = capfd.readouterr()
    text = "".join(runtime_log.text) + output.out + output.err
    assert order_id in text
    token = customer.headers["authorization"].removeprefix("Bearer ")
    secrets = {NAME, EMAIL, json.dumps(NAME)[1:-1], NAME.split(maxsplit=1)[0], token, token.split(".")[2], "tok_visa"}
    assert not [secret for secret in secrets if secret in text]


def test_a_server_that_is_away_is_named_in_the_log_with_the_request_that_it_failed(
    shop: Shop, runtime_log: "RuntimeLog"
) -> None:
    search = str(uuid4())
    shop.stack.postgres.stop()
    try:
        refused(shop.visitor().get("/concerts", headers={"X-Correlation-Id": search}), 503, "unavailable")
    finally:
        shop.stack.ensure_running()
    [line] = runtime_log.about(correlationId=search, logger="chalicelib.platform.http.problems")
    assert (line["errorType"], line["level"]) == ("Unavailable", "WARNING")
    assert [cause.partition(":")[0] for cause in line["causes"]] == ["PoolTimeout"]
    [request] = runtime_log.about(correlationId=search, message="GET /concerts")
    assert (request["status"], request["code"]) == (503, "unavailable")


def test_what_nobody_foresaw_is_logged_with_its_stack_in_one_line(
    shop: Shop, runtime_log: "RuntimeLog", monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        try:
            int(EMAIL)
        except ValueError as error:
            raise RuntimeError("nobody foresaw this") from error

    monkeypatch.setattr(Repository, "execute", broken)
    fault = str(uuid4())
    refused(shop.customer().post("/carts", headers={"X-Correlation-Id": fault}), 500, "internal_error")
    [line] = runtime_log.about(correlationId=fault, errorType="RuntimeError")
    assert line["errorMessage"] == "nobody foresaw this"
    assert "broken" in "".join(line["stackTrace"])
    assert line["causes"] == ["ValueError"]


def test_a_parked_stream_is_logged_with_the_request_that_its_event_came_from(
    shop: Shop, runtime_log: "RuntimeLog"
) -> None:
    concert = publish_concert(shop.organiser())
    shop.settle()
    poison = append_poison(UUID(concert.concert_id))
    shop.settle()
    lines = runtime_log.about(level="ERROR", stream=concert.concert_id, version=4)
    parked = {line["correlationId"] for line in lines if line["message"].startswith("programme: stream")}
    assert parked == {poison.correlation_id}


def test_one_request_prints_one_line_of_metrics(
    shop: Shop, runtime_log: "RuntimeLog", capsys: pytest.CaptureFixture[str]
) -> None:
    concert = publish_concert(shop.organiser(), {"quantity": 3})
    customer = shop.customer()
    cart_id = made(customer.post("/carts"))["id"]
    shop.settle()
    item = {"ticket_type_id": concert.ticket_type_id, "quantity": 3}
    capsys.readouterr()
    made(customer.post(f"/carts/{cart_id}/items", json=item))
    assert collected(capsys.readouterr().out) == {"TicketsHeld": 3}
    refused(customer.post(f"/carts/{cart_id}/items", json=item | {"quantity": 1}), 409, "sold_out")
    assert collected(capsys.readouterr().out) == {"RefusedSoldOut": 1}
    order_id = made(customer.post(f"/carts/{cart_id}/checkout", json={"buyer": {"name": "N", "email": "n@n.example"}}))
    capsys.readouterr()
    made(pay(customer, order_id["order_id"]))
    assert collected(capsys.readouterr().out) == {"TicketsSold": 3}
    assert runtime_log.about(message="POST /orders/{order_id}/payments", status=201)
