"""A buyer's name and address lie nowhere in clear, and are gone when the person is erased."""

import json
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest

from chalicelib import composition
from chalicelib.platform.mail.folder import MailFolder
from chalicelib.platform.privacy.sealed import Sealed
from chalicelib.platform.processes.work import Task
from chalicelib.shop.access.erasure import FINISH_ERASURE
from tests.journeys.shop import (
    VENUE,
    Json,
    Published,
    Shop,
    cart_with,
    made,
    pay,
    person_of,
    publish_concert,
    refused,
    shown,
)
from tests.support.everything import everything_stored, forms_of, places_of

NAME, EMAIL = "Hallgerður Höskuldsdóttir", "hallgerdur@njala.example"
CHECKOUT: Json = {"buyer": {"name": NAME, "email": EMAIL}}
PERSON = forms_of(NAME, EMAIL, *NAME.split(), EMAIL.partition("@")[0])


@pytest.mark.needs_the_stack
def test_names_and_addresses_are_stored_and_logged_as_ciphertext_only(
    shop: Shop, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    concert = publish_concert(shop.organiser())
    customer = shop.customer()
    cart_id = cart_with(customer, concert.ticket_type_id, 1)
    order_id = made(customer.post(f"/carts/{cart_id}/checkout", json=CHECKOUT))["order_id"]
    pay(customer, order_id, "tok_declined")
    made(pay(customer, order_id))
    shop.settle()
    assert made(customer.get(f"/orders/{order_id}"))["buyer"] == CHECKOUT["buyer"]

    stored = list(everything_stored(shop.stack, tmp_path))
    logged = [("a log", text.encode()) for text in (*capfd.readouterr(), *logged_by_the_shop(caplog))]
    assert places_of({order_id.encode()}, iter(stored))
    places = {Path(place) for place, _ in places_of(PERSON, iter([*stored, *logged]))}
    assert all(place.is_relative_to(shop.stack.mail_folder) for place in places), "but for mails, which are for people"


def test_what_a_client_sends_as_correlation_is_kept_only_if_it_is_a_uuid_which_names_nobody(shop: Shop) -> None:
    organiser = shop.organiser()
    for sent, kept in ((str(uuid4()), True), ("Hallgerdur-1975", False), (f"{EMAIL}", False), ("x" * 65, False)):
        venue_id = made(organiser.post("/venues", json=VENUE, headers={"X-Correlation-Id": sent}))["id"]
        [event] = made(organiser.get(f"/streams/{venue_id}/events"))["items"]
        assert (event["correlation_id"] == sent) is kept
        assert UUID(event["correlation_id"])


@dataclass(frozen=True)
class Future:
    """A customer with a ticket of a concert that is still to come."""

    shop: Shop
    organiser: httpx.Client
    customer: httpx.Client
    person: str
    concert: Published
    order_id: str
    code: str

    def attendee(self) -> Json:
        found: Json = made(self.organiser.get(f"/concerts/{self.concert.concert_id}/attendees"))["items"][0]
        return found

    def files(self) -> Iterator[tuple[str, bytes]]:
        """What the organiser downloads."""
        for name in ("attendees", "orders"):
            for kind in ("csv", "pdf"):
                answer = self.organiser.get(f"/concerts/{self.concert.concert_id}/{name}", params={"format": kind})
                if answer.is_success:
                    yield f"{name}.{kind}", answer.content

    def sums(self) -> Json:
        return made(self.organiser.get(f"/concerts/{self.concert.concert_id}/sales"))


@pytest.fixture
def future(shop: Shop) -> Future:
    person = str(uuid4())
    organiser, customer = shop.organiser(), shop.customer(person)
    concert = publish_concert(organiser)
    cart_id = cart_with(customer, concert.ticket_type_id, 1)
    order_id = made(customer.post(f"/carts/{cart_id}/checkout", json=CHECKOUT))["order_id"]
    made(pay(customer, order_id))
    shop.settle()
    [ticket] = made(customer.get(f"/orders/{order_id}/tickets"))["items"]
    return Future(shop, organiser, customer, person, concert, order_id, ticket["code"])


@pytest.mark.needs_the_stack
def test_nothing_of_somebody_who_is_erased_is_left_anywhere_and_the_ticket_admits(
    future: Future, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Names are in the answers before, and so this test would find them."""
    from ops.__main__ import main  # noqa: PLC0415 - reads the environment

    caplog.set_level(logging.DEBUG)
    shop, sums = future.shop, future.sums()
    MailFolder(shop.stack.mail_folder).forget(lambda key: str(key) == future.person)  # others have the same name
    assert future.attendee()["buyer"] == CHECKOUT["buyer"]
    assert places_of(PERSON, future.files())
    assert places_of(PERSON, everything_stored(shop.stack, tmp_path)), "the mail with the tickets"
    certificate = made(future.customer.delete("/me"))
    finish_erasure(UUID(future.person))
    shop.settle()

    assert future.attendee()["buyer"] is None
    assert future.sums() == sums
    assert places_of(PERSON, future.files()) == []
    logged = [("a log", text.encode()) for text in (*capfd.readouterr(), *logged_by_the_shop(caplog))]
    assert places_of(PERSON, iter([*everything_stored(shop.stack, tmp_path), *logged])) == []
    assert nothing_opens_any_more(future.person, future.order_id)

    assert made(shop.visitor().get(f"/people/{future.person}/erasure")) == certificate
    assert not places_of({future.order_id.encode(), *PERSON}, iter([("", str(certificate).encode())]))
    [stored] = composition.current().event_store.read(UUID(future.person))
    assert stored.expected_hash() == certificate["event"]["hash"]
    assert main(["verify"]) == 0
    assert main(["verify", "--chain", "--stream", future.person]) == 0

    door = shop.as_role("door")
    hours = {"opens_at": "2020-01-01T00:00:00Z", "closes_at": "2099-01-01T00:00:00Z"}
    path = f"/concerts/{future.concert.concert_id}"
    made(future.organiser.post(f"{path}/door-staff", json={"person_id": person_of(door), **hours}))
    made(door.post(f"{path}/check-ins", json=shown(future.code)))


@pytest.mark.needs_the_stack
def test_a_token_of_an_erased_person_is_refused_as_soon_as_the_authorizer_is_asked(future: Future) -> None:
    """Before that, for a minute, it counts, and stores nobody anew."""
    shop = future.shop
    cart_id = cart_with(future.customer, future.concert.ticket_type_id, 1)
    made(future.customer.delete("/me"))
    refused(future.customer.post(f"/carts/{cart_id}/checkout", json=CHECKOUT), 409, "account_erased")
    made(future.customer.delete("/me"))
    another_token = shop.as_role("customer", future.person, exp=int(time.time()) + 1234)
    refused(another_token.get("/orders"), 401, "person_erased")
    refused(shop.organiser().delete(f"/people/{future.person}"), 403, "forbidden")


@pytest.mark.needs_the_stack
def test_somebody_is_given_everything_that_is_stored_about_them(future: Future) -> None:
    items: list[Json] = []
    cursor = None
    while cursor is not None or not items:
        page = made(future.customer.get("/me/data", params={"cursor": cursor} if cursor else {}))
        items += page["items"]
        cursor = page["next_cursor"]
    orders = [item for item in items if item["kind"] == "order"]
    assert [item["document"]["buyer"] for item in orders] == [CHECKOUT["buyer"]]
    assert orders[0]["events"][0]["data"]["Buyer"] == CHECKOUT["buyer"]
    assert {"list_of_carts", "cart", "order"} <= {item["kind"] for item in items}


@pytest.mark.needs_the_stack
def test_what_happened_to_an_order_is_told_to_its_customer_and_its_organiser(future: Future) -> None:
    path = f"/orders/{future.order_id}/timeline"
    kinds = ["cart_opened", "tickets_held", "order_placed", "payment_started", "order_confirmed"]
    for client, by in ((future.customer, "you"), (future.organiser, "customer")):
        items = made(client.get(path))["items"]
        assert [item["kind"] for item in items] == kinds
        assert items[0]["by"] == by
    refused(future.shop.customer().get(path), 404, "not_found")


def finish_erasure(person_id: UUID) -> None:
    """What the delayed task does after a minute; here a worker gets it at once."""
    composition.current().work_queue.send([Task(FINISH_ERASURE, person_id, "a test")])


def nothing_opens_any_more(person: str, order_id: str) -> bool:
    shop = composition.current()
    envelopes = [json.loads(event.data).get("Buyer") for event in shop.event_store.read(UUID(order_id))]
    sealed = [Sealed.model_validate(envelope) for envelope in envelopes if envelope]
    return bool(sealed) and shop.vault.open_many(sealed) == [None] * len(sealed) and not shop.vault.knows(UUID(person))


def logged_by_the_shop(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Not the customer's own wire log, which is no log of the shop."""
    wires = ("httpx", "httpcore")
    return [record.getMessage() for record in caplog.records if not record.name.startswith(wires)]
