"""The free ticket of a deployment: what it says when the shop is not right."""

import json
from typing import Any

import httpx
import pytest

from infra.failures import DeploymentFailed
from infra.smoke import Buyer

Json = dict[str, Any]

GOOD: dict[tuple[str, str], Json] = {
    ("POST", "/venues"): {"id": "v"},
    ("DELETE", "/venues/v"): {},
    ("POST", "/concerts"): {"id": "c"},
    ("POST", "/concerts/c/schedule"): {},
    ("POST", "/concerts/c/ticket-types"): {"id": "t"},
    ("POST", "/concerts/c/publish"): {},
    ("POST", "/concerts/c/cancel"): {},
    ("POST", "/carts"): {"id": "k"},
    ("POST", "/carts/k/items"): {},
    ("POST", "/carts/k/checkout"): {"order_id": "o", "status": "confirmed"},
    ("GET", "/orders/o/tickets"): {"items": [{"status": "valid"}]},
    ("GET", "/concerts/c/availability"): {"source": "read_model", "ticket_types": [{"sold": 1}]},
    ("GET", "/concerts/c"): {"status": "published"},
}


def buyer(answers: dict[tuple[str, str], Json], asked: list[tuple[str, str]]) -> Buyer:
    def answer(request: httpx.Request) -> httpx.Response:
        asked.append((request.method, request.url.path))
        found = answers.get(asked[-1])
        return httpx.Response(500, text="broken") if found is None else httpx.Response(200, text=json.dumps(found))

    return Buyer(httpx.Client(base_url="http://shop", transport=httpx.MockTransport(answer)), within=0)


def test_everything_is_seen_and_then_taken_away() -> None:
    asked: list[tuple[str, str]] = []
    buyer(GOOD, asked).buy()
    assert set(asked) == GOOD.keys()
    assert asked[-2:] == [("POST", "/concerts/c/cancel"), ("DELETE", "/venues/v")]


@pytest.mark.parametrize(
    ("request_", "answered", "said"),
    [
        (("POST", "/carts"), None, "POST /carts answered 500: broken"),
        (("POST", "/carts/k/checkout"), {"order_id": "o", "status": "awaiting_payment"}, "awaiting_payment"),
        (("GET", "/orders/o/tickets"), {"items": []}, "The ticket in DynamoDB did not show"),
        (("GET", "/concerts/c/availability"), {"source": "log", "ticket_types": []}, "The sale in Redis did not show"),
        (("GET", "/concerts/c"), None, "The concert in Postgres did not show"),
    ],
)
def test_what_is_not_right_is_named_with_the_concert_that_stays(
    request_: tuple[str, str], answered: Json | None, said: str
) -> None:
    answers = {key: value for key, value in GOOD.items() if key != request_}
    with pytest.raises(DeploymentFailed, match=rf"{said}(?s:.)*The concert c \(Smoke test\) is still there"):
        buyer(answers | ({request_: answered} if answered else {}), []).buy()
