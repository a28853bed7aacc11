"""The systems of organisers are told what has happened, and told again if they were away."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx
import pytest

from chalicelib import composition
from chalicelib.platform.errors import Unavailable
from chalicelib.platform.eventsourcing.codec import Origin
from chalicelib.shop.access.erasure import erase_person
from chalicelib.shop.webhooks.delivery_log import DynamoDBDeliveryLog
from tests.journeys.shop import (
    ANY_VERSION,
    Json,
    Published,
    Shop,
    clock_of_the_shop,
    made,
    order_of,
    pay,
    person_of,
    publish_concert,
    refused,
    shown,
)
from tests.support.receiver import Receiver, running_receiver

pytestmark = pytest.mark.needs_the_stack

ALL = [
    "order.confirmed",
    "order.refunded",
    "ticket.issued",
    "ticket.checked_in",
    "ticket.revoked",
    "concert.changed",
    "concert.sold_out",
    "person.erased",
]
ALWAYS = {"opens_at": "2020-01-01T00:00:00Z", "closes_at": "2100-01-01T00:00:00Z"}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as running:
        yield running


def endpoint_of(organiser: httpx.Client, receiver: Receiver, *events: str) -> Json:
    return made(organiser.post("/webhook-endpoints", json={"url": receiver.url, "events": list(events or ALL)}))


def deliveries_of(organiser: httpx.Client, endpoint: Json) -> list[Json]:
    items: list[Json] = made(organiser.get(f"/webhook-endpoints/{endpoint['id']}/deliveries?limit=100"))["items"]
    return items


def buy(shop: Shop, concert: Published, quantity: int = 1) -> tuple[httpx.Client, str]:
    customer = shop.customer()
    order_id = order_of(customer, concert.ticket_type_id, quantity)
    made(pay(customer, order_id))
    return customer, order_id


def check_in(shop: Shop, organiser: httpx.Client, concert: Published, customer: httpx.Client, order_id: str) -> None:
    door = shop.as_role("door")
    body = ALWAYS | {"person_id": person_of(door)}
    made(organiser.post(f"/concerts/{concert.concert_id}/door-staff", json=body))
    [ticket] = made(customer.get(f"/orders/{order_id}/tickets", headers={"Min-Version": f"{order_id}:2"}))["items"]
    made(door.post(f"/concerts/{concert.concert_id}/check-ins", json=shown(ticket["code"])))


def test_a_receiver_is_told_of_an_order_and_verifies_it_with_the_official_library(
    shop: Shop, receiver: Receiver
) -> None:
    organiser = shop.organiser()
    endpoint = endpoint_of(organiser, receiver, "order.confirmed", "ticket.issued")
    concert = publish_concert(organiser)
    _, order_id = buy(shop, concert, 2)
    shop.settle()
    assert receiver.kinds_about(order_id) == ["order.confirmed", "ticket.issued"]
    confirmed, issued = receiver.taken
    assert confirmed.verified_with(endpoint["secret"])["data"] == {
        "order_id": order_id,
        "concert_ids": [concert.concert_id],
    }
    assert len(issued.verified_with(endpoint["secret"])["data"]["tickets"]) == 2
    assert {one["status"] for one in deliveries_of(organiser, endpoint)} == {"delivered"}


class ShopTime:
    """The clock of every Lambda: the real one, moved on."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture
def time() -> Iterator[ShopTime]:
    clock = ShopTime()
    with clock_of_the_shop(clock):
        yield clock


def let_pass(shop: Shop, time: ShopTime, minutes: float, steps: int = 1) -> None:
    """Time goes by, and at each step the scheduled functions run."""
    for _ in range(steps):
        time.ahead += timedelta(minutes=minutes / steps)
        shop.pump.tick()
        shop.settle()


def test_a_receiver_that_fails_for_an_hour_gets_every_event_afterwards_in_order_per_order(
    shop: Shop, receiver: Receiver, time: ShopTime
) -> None:
    organiser = shop.organiser()
    endpoint = endpoint_of(organiser, receiver, "order.confirmed", "ticket.issued", "ticket.checked_in")
    concert = publish_concert(organiser)
    receiver.answer = 503
    customer, first = buy(shop, concert)
    shop.settle()
    let_pass(shop, time, 20, steps=4)
    check_in(shop, organiser, concert, customer, first)
    _, second = buy(shop, concert)
    shop.settle()
    let_pass(shop, time, 40, steps=4)
    assert receiver.taken == []
    assert {one["status"] for one in deliveries_of(organiser, endpoint)} == {"retrying"}
    receiver.answer = 204
    let_pass(shop, time, 180, steps=6)
    assert receiver.kinds_about(first) == ["order.confirmed", "ticket.issued", "ticket.checked_in"]
    assert receiver.kinds_about(second) == ["order.confirmed", "ticket.issued"]
    assert len({*receiver.ids()}) == len(receiver.ids()) == 5
    assert {one.id for one in receiver.refused} <= {*receiver.ids()}
    shown = deliveries_of(organiser, endpoint)
    assert [one["status"] for one in shown] == ["delivered"] * 5
    assert {one["id"] for one in shown} == {*receiver.ids()}


def test_an_order_that_its_receiver_cannot_take_holds_up_no_other(
    shop: Shop, receiver: Receiver, time: ShopTime
) -> None:
    organiser = shop.organiser()
    endpoint_of(organiser, receiver, "order.confirmed")
    concert = publish_concert(organiser)
    receiver.answer = 400
    _, first = buy(shop, concert)
    shop.settle()
    receiver.answer = 204
    _, second = buy(shop, concert)
    shop.settle()
    assert (receiver.kinds_about(first), receiver.kinds_about(second)) == ([], ["order.confirmed"])
    let_pass(shop, time, 1)
    assert receiver.kinds_about(first) == ["order.confirmed"]


def test_a_worker_that_dies_after_it_has_sent_leaves_a_message_that_is_sent_again_under_its_id(
    shop: Shop, receiver: Receiver, time: ShopTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    organiser = shop.organiser()
    endpoint_of(organiser, receiver, "order.confirmed", "ticket.issued")
    concert = publish_concert(organiser)
    _, order_id = buy(shop, concert)

    def die(*_: object) -> None:
        raise Unavailable("The worker is gone.")

    with monkeypatch.context() as patch:
        patch.setattr(DynamoDBDeliveryLog, "put", die)
        shop.settle()
    assert receiver.kinds_about(order_id) == ["order.confirmed"]
    let_pass(shop, time, 3)
    assert receiver.kinds_about(order_id) == ["order.confirmed", "order.confirmed", "ticket.issued"]
    confirmed, again, issued = receiver.ids()
    assert confirmed == again != issued


def test_a_replay_sends_everything_since_an_instant_under_the_same_ids(shop: Shop, receiver: Receiver) -> None:
    organiser = shop.organiser()
    concert = publish_concert(organiser)
    customer, order_id = buy(shop, concert)
    shop.settle()
    began = datetime.now(UTC)
    check_in(shop, organiser, concert, customer, order_id)
    endpoint = endpoint_of(organiser, receiver)
    path = f"/webhook-endpoints/{endpoint['id']}/replay"
    shop.settle()
    assert receiver.taken == [], "a new endpoint gets no history by itself"
    made(organiser.post(path, json={"since": "2020-01-01T00:00:00Z"}))
    shop.settle()
    whole = receiver.ids()
    assert receiver.kinds_about(order_id) == ["order.confirmed", "ticket.issued", "ticket.checked_in"]
    assert "concert.changed" in receiver.kinds_about(concert.concert_id, "concert_id")
    made(organiser.post(path, json={"since": "2020-01-01T00:00:00Z", "concert_ids": [concert.concert_id]}))
    shop.settle()
    assert sorted(receiver.ids()) == sorted(whole * 2)
    made(organiser.post(path, json={"since": began.isoformat()}))
    shop.settle()
    assert [one.kind for one in receiver.taken[2 * len(whole) :]] == ["ticket.checked_in"]


def test_a_receiver_at_a_private_address_is_refused(shop: Shop, receiver: Receiver) -> None:
    organiser = shop.organiser()
    for url in ("https://10.0.0.1/", "http://169.254.169.254/latest", "https://[::ffff:10.0.0.1]/", "ftp://a.example"):
        problem = refused(organiser.post("/webhook-endpoints", json={"url": url, "events": ALL}), 422, "invalid_input")
        assert [one["pointer"] for one in problem["errors"]] == ["#/url"]
    receiver.answer, receiver.location = 307, "http://169.254.169.254/"
    endpoint = endpoint_of(organiser, receiver)
    made(organiser.post(f"/webhook-endpoints/{endpoint['id']}/test"))
    shop.settle()
    [delivery] = deliveries_of(organiser, endpoint)
    assert (delivery["status"], delivery["response_status"]) == ("failed", 307), "a redirect is not followed"


def test_a_test_and_a_redelivery_send_one_message(shop: Shop, receiver: Receiver) -> None:
    organiser = shop.organiser()
    endpoint = endpoint_of(organiser, receiver, "order.confirmed")
    asked = organiser.post(f"/webhook-endpoints/{endpoint['id']}/test")
    shop.settle()
    assert [(one.kind, one.id) for one in receiver.taken] == [("webhook.test", made(asked)["id"])]
    assert made(organiser.get(asked.headers["location"]))["response_status"] == 204
    concert = publish_concert(organiser)
    buy(shop, concert)
    shop.settle()
    confirmed = receiver.taken[-1]
    path = f"/webhook-endpoints/{endpoint['id']}/deliveries/{confirmed.id}"
    made(organiser.post(f"{path}/redeliver"))
    shop.settle()
    assert receiver.taken[-1].body == confirmed.body
    assert receiver.ids()[-2:] == [confirmed.id, confirmed.id]
    assert made(organiser.get(path))["attempts"] == 2
    refused(organiser.get(f"/webhook-endpoints/{endpoint['id']}/deliveries/{uuid4()}"), 404, "not_found")


def test_a_rotated_secret_and_the_old_one_both_verify_for_a_day(shop: Shop, receiver: Receiver, time: ShopTime) -> None:
    organiser = shop.organiser()
    endpoint = endpoint_of(organiser, receiver, "order.confirmed")
    path = f"/webhook-endpoints/{endpoint['id']}"
    key = {"Idempotency-Key": "rotate-once"}
    rotated = made(organiser.post(f"{path}/rotate-secret", headers=key))
    assert made(organiser.post(f"{path}/rotate-secret", headers=key))["secret"] == rotated["secret"]
    made(organiser.post(f"{path}/test"))
    shop.settle()
    for secret in (endpoint["secret"], rotated["secret"]):
        assert receiver.taken[0].verified_with(secret)["type"] == "webhook.test"
    assert rotated["public_key"] != endpoint["public_key"]
    time.ahead = timedelta(days=1, minutes=1)
    made(organiser.post(f"{path}/test"))
    shop.settle()
    assert len(receiver.taken[1].headers["webhook-signature"].split()) == 2


def test_an_endpoint_that_fails_for_three_days_is_disabled_and_one_that_is_gone_at_once(
    shop: Shop, receiver: Receiver, time: ShopTime
) -> None:
    organiser = shop.organiser()
    endpoint = endpoint_of(organiser, receiver, "order.confirmed", "concert.changed")
    path = f"/webhook-endpoints/{endpoint['id']}"
    concert = publish_concert(organiser)
    shop.settle()
    receiver.answer = 500
    buy(shop, concert)
    shop.settle()
    let_pass(shop, time, 3 * 24 * 60 + 60, steps=8)
    disabled = made(organiser.get(path))
    assert (disabled["enabled"], disabled["disabled_reason"]) == (False, "failing")
    assert deliveries_of(organiser, endpoint)[0]["status"] == "failed"
    refused(organiser.post(f"{path}/replay", json={"since": "2020-01-01T00:00:00Z"}), 409, "webhook_endpoint_disabled")
    receiver.answer = 410
    made(organiser.patch(path, json={"enabled": True}, headers=ANY_VERSION))
    made(organiser.patch(f"/concerts/{concert.concert_id}", json={"name": "Björk again"}, headers=ANY_VERSION))
    shop.settle()
    let_pass(shop, time, 30)
    assert made(organiser.get(path))["disabled_reason"] == "gone"


def test_refunds_revocations_and_the_last_ticket_are_told(shop: Shop, receiver: Receiver) -> None:
    organiser = shop.organiser()
    endpoint_of(organiser, receiver)
    concert = publish_concert(organiser, {"quantity": 2})
    _, order_id = buy(shop, concert, 2)
    shop.settle()
    assert receiver.kinds_about(concert.concert_id, "concert_id").count("concert.sold_out") == 1
    body = {"all": True, "reason": "The view is blocked."}
    made(organiser.post(f"/orders/{order_id}/refunds", json=body))
    shop.settle()
    kinds = receiver.kinds_about(order_id)
    assert kinds[:2] == ["order.confirmed", "ticket.issued"]
    assert sorted(kinds[2:]) == ["order.refunded", "ticket.revoked", "ticket.revoked"]


def test_an_erased_person_is_told_by_their_orders_and_never_by_name(shop: Shop, receiver: Receiver) -> None:
    organiser = shop.organiser()
    endpoint_of(organiser, receiver)
    concert = publish_concert(organiser)
    customer, order_id = buy(shop, concert)
    shop.settle()
    ours = composition.current()
    erase_person(ours.repository, ours.vault, Origin("test", "test", "test"), UUID(person_of(customer)))
    shop.settle()
    assert receiver.kinds_about(order_id)[-1] == "person.erased"
    sent = b" ".join(one.body for one in receiver.taken).decode()
    assert person_of(customer) not in sent
    assert "Guðrún" not in sent
    assert "example.org" not in sent


def test_endpoints_are_their_organisers_own(shop: Shop, receiver: Receiver) -> None:
    organiser, other = shop.organiser(), shop.organiser()
    endpoint = endpoint_of(organiser, receiver)
    path = f"/webhook-endpoints/{endpoint['id']}"
    for asked in ("get", "delete"):
        refused(getattr(other, asked)(path), 404, "not_found")
    for asked in ("test", "rotate-secret", "replay"):
        body = {"since": "2020-01-01T00:00:00Z"} if asked == "replay" else None
        refused(other.post(f"{path}/{asked}", json=body), 404, "not_found")
    assert made(other.get("/webhook-endpoints"))["items"] == []
    concert = publish_concert(other)
    buy(shop, concert)
    shop.settle()
    assert receiver.taken == []


def test_an_endpoint_is_changed_and_deleted_under_the_version_that_its_organiser_has_seen(
    shop: Shop, receiver: Receiver
) -> None:
    organiser = shop.organiser()
    body = {"url": receiver.url, "events": ["order.confirmed", "order.confirmed"], "description": "Box office"}
    key = {"Idempotency-Key": str(uuid4())}
    endpoint = made(organiser.post("/webhook-endpoints", json=body, headers=key))
    assert endpoint["events"] == ["order.confirmed"]
    assert made(organiser.post("/webhook-endpoints", json=body, headers=key)) == endpoint
    refused(
        organiser.post("/webhook-endpoints", json=body | {"events": ALL}, headers=key), 422, "idempotency_key_reused"
    )
    path, seen = f"/webhook-endpoints/{endpoint['id']}", {"If-Match": '"0"'}
    shown = organiser.get(path)
    assert shown.headers["etag"] == '"0"'
    assert "secret" not in made(shown)
    changed = made(organiser.patch(path, json={"enabled": False}, headers=seen))
    assert (changed["enabled"], changed["disabled_reason"], changed["version"]) == (False, "organiser", 1)
    refused(organiser.patch(path, json={"enabled": True}, headers=seen), 412, "version_mismatch")
    assert organiser.delete(path, headers={"If-Match": '"1"'}).status_code == 204
    refused(organiser.get(path), 404, "not_found")
    for _ in range(10):
        endpoint_of(organiser, receiver)
    problem = refused(organiser.post("/webhook-endpoints", json=body), 409, "too_many_webhook_endpoints")
    assert problem["limit"] == 10
