"""People buy without an account, come back by the link of their order, and join it to an account."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import jwt
import pytest

from chalicelib import composition
from chalicelib.platform.clock import utc_now
from tests.journeys.shop import (
    ANY_VERSION,
    BUYER,
    VENUE,
    Shop,
    cart_with,
    clock_of_the_shop,
    made,
    order_of,
    pay,
    person_of,
    publish_concert,
    race,
    refused,
    shown,
)
from tests.support.shop import Clock

AT_ONCE = 8


def guest_of(shop: Shop, link: str | None = None) -> httpx.Client:
    given = made(shop.visitor().post("/guests", json={} if link is None else {"link": link}))
    client = shop.visitor()
    client.headers["Authorization"] = f"Bearer {given['token']}"
    return client


def bought_by(guest: httpx.Client, ticket_type_id: str, quantity: int = 2) -> tuple[str, str]:
    """A paid order, and its link."""
    cart_id = cart_with(guest, ticket_type_id, quantity)
    placed = made(guest.post(f"/carts/{cart_id}/checkout", json=BUYER))
    assert made(pay(guest, placed["order_id"]))["order_status"] == "confirmed"
    return placed["order_id"], placed["link"]


def test_a_guest_buys_two_tickets_comes_back_by_the_link_and_joins_them_to_an_account(shop: Shop) -> None:
    concert = publish_concert(shop.organiser())
    guest = guest_of(shop)
    order_id, link = bought_by(guest, concert.ticket_type_id)
    shop.settle()
    order = made(guest.get(f"/orders/{order_id}"))
    assert (order["status"], order["buyer"], len(order["tickets"])) == ("confirmed", BUYER["buyer"], 2)
    assert [one["id"] for one in made(guest.get("/orders"))["items"]] == [order_id]

    back = guest_of(shop, link)
    assert made(back.get(f"/orders/{order_id}"))["tickets"] == order["tickets"]
    assert len(made(back.get(f"/orders/{order_id}/tickets"))["items"]) == 2
    refused(back.get("/orders"), 403, "beyond_link")
    refused(back.post("/carts"), 403, "beyond_link")

    customer = shop.customer()
    joined = made(customer.post("/me/orders", json={"link": link}))
    named = {"Min-Version": f"{order_id}:{joined['version']}"}
    assert [one["id"] for one in made(customer.get("/orders", headers=named))["items"]] == [order_id]
    shop.settle()
    assert [one["id"] for one in made(customer.get("/orders"))["items"]] == [order_id]
    assert made(customer.get(f"/orders/{order_id}"))["tickets"] == order["tickets"]
    assert made(guest.get("/orders"))["items"] == []
    for client in (guest, back):
        refused(client.get(f"/orders/{order_id}"), 404, "not_found")
    refused(shop.visitor().post("/guests", json={"link": link}), 409, "order_joined")


def test_a_guest_gives_tickets_back_as_far_as_the_policy_lets_customers(shop: Shop) -> None:
    organiser = shop.organiser()
    concert = publish_concert(organiser)
    policy = {"customers_until": "2040-01-01T00:00:00Z"}
    made(organiser.post(f"/concerts/{concert.concert_id}/refund-policy", json=policy))
    order_id, link = bought_by(guest_of(shop), concert.ticket_type_id)
    back = guest_of(shop, link)
    assert made(back.post(f"/orders/{order_id}/refunds", json={"all": True}))["by"] == "customer"
    shop.settle()
    assert made(back.get(f"/orders/{order_id}"))["status"] == "refunded"


def test_the_organiser_sees_a_guests_order_and_sends_a_new_link(shop: Shop) -> None:
    organiser = shop.organiser()
    concert = publish_concert(organiser)
    order_id, link = bought_by(guest_of(shop), concert.ticket_type_id)
    shop.settle()
    [listed] = made(organiser.get(f"/concerts/{concert.concert_id}/orders"))["items"]
    assert (listed["id"], listed["buyer"]["name"]) == (order_id, BUYER["buyer"]["name"])
    headers = {"Idempotency-Key": str(uuid4())}
    first, again = (made(organiser.post(f"/orders/{order_id}/link", headers=headers)) for _ in range(2))
    assert first == again
    refused(shop.visitor().post("/guests", json={"link": link}), 410, "link_replaced")
    assert made(guest_of(shop, first["link"]).get(f"/orders/{order_id}"))["status"] == "confirmed"
    refused(shop.organiser().post(f"/orders/{order_id}/link"), 404, "not_found")


def test_of_accounts_that_join_an_order_at_once_one_has_it(shop: Shop) -> None:
    concert = publish_concert(shop.organiser())
    order_id, link = bought_by(guest_of(shop), concert.ticket_type_id)
    accounts = [shop.customer() for _ in range(6)]
    answers = race([lambda one=one: one.post("/me/orders", json={"link": link}) for one in accounts])  # type: ignore[misc]
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 5]
    shop.settle()
    having = [one for one in accounts if made(one.get("/orders"))["items"]]
    assert len(having) == 1
    assert made(having[0].get(f"/orders/{order_id}"))["status"] == "confirmed"


# --- attacks ---------------------------------------------------------------------------------------------------------


def test_no_route_shows_or_changes_another_guests_cart_or_order(shop: Shop) -> None:
    """Every route with the id of a cart or an order, whatever it is called; a new one is asked too."""
    from app import app  # noqa: PLC0415 - reads the environment as it is imported

    concert = publish_concert(shop.organiser())
    owner, other = guest_of(shop), guest_of(shop)
    order_id = order_of(owner, concert.ticket_type_id, 1)
    cart_id = cart_with(owner, concert.ticket_type_id, 1)
    shop.settle()
    paths = f"/carts/{cart_id}", f"/orders/{order_id}"
    before = [owner.get(path).headers["ETag"] for path in paths]
    [item] = made(owner.get(f"/carts/{cart_id}"))["items"]
    ids = {"cart_id": cart_id, "order_id": order_id, "item_id": item["id"], "ticket_id": str(uuid4())}
    bodies: dict[str, Any] = {
        "items": {"ticket_type_id": concert.ticket_type_id, "quantity": 1},
        "checkout": BUYER,
        "payments": {"provider": "sandbox", "token": "tok_visa"},
        "refunds": {"all": True},
        "buyer": {"name": "Somebody Else"},
        "reissue": {},
        "moves": {"tickets": [order_id], "holder": {"name": "Somebody Else"}},
    }
    asked = 0
    for path, methods in app.routes.items():
        if not path.startswith(("/carts/{", "/orders/{")):
            continue
        for method in methods:
            body = bodies.get(path.rpartition("/")[2]) if method in {"POST", "PATCH"} else None
            for client in (other, shop.customer(), shop.organiser()):
                headers = ANY_VERSION if method == "PATCH" else {}
                answer = client.request(method, path.format(**ids), json=body, headers=headers)
                if path.endswith("/guest"):  # is for organisers, whoever the guest is
                    assert answer.status_code in {403, 404}
                elif method == "HEAD":
                    assert answer.status_code == 404
                else:
                    refused(answer, 404, "not_found")
            asked += 1
    assert asked >= 12
    shop.settle()
    assert [owner.get(path).headers["ETag"] for path in paths] == before


def test_a_guest_is_nothing_but_a_customer(shop: Shop) -> None:
    concert = publish_concert(shop.organiser())
    order_id, link = bought_by(guest_of(shop), concert.ticket_type_id)
    [ticket, _] = made(guest_of(shop, link).get(f"/orders/{order_id}/tickets"))["items"]
    guest = guest_of(shop)
    refused(guest.post("/venues", json=VENUE), 403, "account_needed")
    refused(guest.get("/sales"), 403, "account_needed")
    refused(guest.post("/me/orders", json={"link": link}), 403, "account_needed")
    refused(guest.post(f"/concerts/{concert.concert_id}/check-ins", json=shown(ticket["code"])), 403, "account_needed")
    refused(guest.get("/health", params={"deep": "true"}), 403, "account_needed")


def test_a_guests_token_cannot_be_changed_and_no_issuer_of_accounts_makes_one(shop: Shop) -> None:
    token = guest_of(shop).headers["Authorization"].removeprefix("Bearer ")
    header, payload, signature = token.split(".")
    claims = jwt.decode(token, options={"verify_signature": False})

    def with_claims(**changes: Any) -> str:
        changed = base64.urlsafe_b64encode(json.dumps(claims | changes).encode()).rstrip(b"=").decode()
        return f"{header}.{changed}.{signature}"

    unsigned = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).rstrip(b"=").decode()
    forged = [
        with_claims(exp=claims["exp"] + 3600),
        with_claims(sub=str(uuid4())),
        with_claims(**{"cognito:groups": ["operators"]}),
        with_claims(iss="https://issuer.cloudbash.local"),
        f"{unsigned}.{payload}.",
    ]
    for one in forged:
        headers = {"Authorization": f"Bearer {one}"}
        refused(shop.visitor().get("/orders", headers=headers), 401, "unauthenticated")


@pytest.mark.needs_the_stack
def test_a_token_of_an_account_never_names_a_guest(shop: Shop) -> None:
    guest_id = person_of(guest_of(shop))
    refused(shop.customer(guest_id).get("/orders"), 401, "unauthenticated")
    refused(shop.as_role("operator", guest_id).get("/orders"), 401, "unauthenticated")
    as_guests = shop.as_role("customer", guest_id, iss="cloudbash:guests", aud="cloudbash:shop")
    refused(as_guests.get("/orders"), 401, "unauthenticated")


@pytest.mark.needs_the_stack
def test_a_flood_of_guests_from_one_address_neither_reads_nor_writes_the_log(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    most, asked, sent = 20, list[str](), list[None]()
    monkeypatch.setenv("GUESTS_PER_ADDRESS", str(most))
    visitor = shop.visitor()

    def remember(params: dict[str, Any], **_: Any) -> None:
        asked.append(params["TableName"])

    def count(**_: Any) -> None:
        sent.append(None)

    with clock_of_the_shop(Clock(utc_now() + timedelta(days=1))):  # when no guest of another test counts
        composition.current().dynamodb.meta.events.register("provide-client-params.dynamodb", remember)
        composition.current().dynamodb.meta.events.register("before-send.dynamodb", count)
        with ThreadPoolExecutor(AT_ONCE) as threads:
            answers = list(threads.map(lambda _: visitor.post("/guests"), range(5 * most)))
    admitted, repeated = sum(answer.status_code == 201 for answer in answers), len(sent) - len(asked)
    assert most - repeated <= admitted <= most, "of a write that the SDK repeats, both may count"
    for answer in answers:
        if answer.status_code != 201:
            problem = refused(answer, 429, "too_many_guests")
            assert answer.headers["Retry-After"] == str(problem["retry_after"])
            assert 0 < problem["retry_after"] <= 600
    assert set(asked) == {shop.stack.environment["COUNTERS_TABLE"]}
    assert len(asked) <= most + 3 * AT_ONCE, "once an address is full, a container asks no more"


@pytest.mark.needs_the_stack
def test_erasing_the_guest_or_the_account_that_the_order_was_joined_to_erases_the_name(shop: Shop) -> None:
    from ops.__main__ import main  # noqa: PLC0415 - reads the environment

    concert = publish_concert(shop.organiser())
    guest = guest_of(shop)
    alone, _ = bought_by(guest, concert.ticket_type_id, 1)
    joined, link = bought_by(guest_of(shop), concert.ticket_type_id, 1)
    customer = shop.customer()
    made(customer.post("/me/orders", json={"link": link}))
    shop.settle()
    for person in (person_of(guest), person_of(customer)):
        assert main(["erase", str(UUID(person)), "--yes"]) == 0
    assert made(guest.get(f"/orders/{alone}"))["buyer"] is None
    assert made(customer.get(f"/orders/{joined}"))["buyer"] is None
