"""A page of another origin, in a browser: it asks first, and sees only what it is allowed to see."""

import httpx
import pytest

from tests.journeys.shop import Shop, publish_concert

PAGE = {"Origin": "https://tickets.example"}


def words(answer: httpx.Response, header: str) -> set[str]:
    return set(answer.headers[header].lower().split(","))


def test_before_it_buys_a_page_hears_what_it_may_send(shop: Shop) -> None:
    asking = PAGE | {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,idempotency-key",
    }
    answer = shop.visitor().options("/carts", headers=asking)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "post" in words(answer, "access-control-allow-methods")
    assert words(answer, "access-control-allow-headers") >= {
        "authorization",
        "content-type",
        "idempotency-key",
        "if-match",
        "if-none-match",
        "min-version",
    }


def test_every_route_may_be_asked_for(shop: Shop) -> None:
    from app import app  # noqa: PLC0415 - reads the environment as it is imported

    for path, methods in app.routes.items():
        answer = shop.visitor().options(path.replace("{", "").replace("}", ""))
        assert words(answer, "access-control-allow-methods") == {"options", *map(str.lower, methods)}, path


def test_a_page_sees_answers_and_the_headers_that_a_client_needs(shop: Shop) -> None:
    concert = publish_concert(shop.organiser())
    answer = shop.visitor().get(
        f"/concerts/{concert.concert_id}", headers=PAGE | {"Min-Version": f"{concert.concert_id}:3"}
    )
    assert answer.is_success
    assert answer.headers["access-control-allow-origin"] == "*"
    assert words(answer, "access-control-expose-headers") >= {
        "door-list-signature",
        "etag",
        "location",
        "read-model-lag",
        "retry-after",
    }


@pytest.mark.parametrize(
    ("method", "path", "body", "statuses"),
    [
        ("GET", "/nowhere", None, {404}),
        ("GET", "/concerts?limit=none", None, {422}),
        ("POST", "/carts", None, {401}),
        ("DELETE", "/concerts", None, {405}),
        ("POST", "/webhooks/payments/nobody", {}, {404}),
    ],
    ids=["no such route", "bad input", "no token", "wrong method", "refused by the shop"],
)
def test_a_page_sees_why_it_was_refused(
    shop: Shop, method: str, path: str, body: dict[str, str] | None, statuses: set[int]
) -> None:
    answer = shop.visitor().request(method, path, headers=PAGE, json=body)
    assert answer.status_code in statuses
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.json()["code"]
