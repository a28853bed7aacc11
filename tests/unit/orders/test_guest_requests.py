"""What the routes of guests answer: buying without an account, coming back by a link, and joining an account."""

from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from uuid import UUID

import pytest

from chalicelib.platform.caller import Actor, Role, guest_id, is_guest
from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.http.guest_tokens import GuestKeys, GuestTokens
from chalicelib.shop.access.account import ACCOUNT
from chalicelib.shop.access.commands import grant_role
from chalicelib.shop.access.erasure import erase_person
from chalicelib.shop.access.events import GuestJoined
from chalicelib.shop.orders.events import OrderJoined, OrderLinkIssued
from chalicelib.shop.orders.joining import MAX_LINKS
from chalicelib.shop.orders.links import VALID_FOR, OrderLink, first_link
from local.keys import LOCAL_ID_KEY
from tests.support.request_scenario import Answered, GivenStreams
from tests.support.shop import (
    BUYER,
    CUSTOMER,
    GUEST,
    IDS,
    OPERATOR,
    ORGANISER,
    OTHER_CUSTOMER,
    OTHER_GUEST,
    OTHER_ORGANISER,
    Shop,
    some_id,
)

NOBODY = UUID(int=0)
TOKENS = GuestTokens(GuestKeys(lambda: [LOCAL_ID_KEY]), timedelta(hours=2))


@dataclass(frozen=True)
class Sale(GivenStreams):
    """A shop with one paid order of two tickets, by a guest."""

    ticket_type_id: UUID = NOBODY
    order_id: UUID = NOBODY
    link: str = ""

    def by_link(self, method: str, path: str, body: JsonObject | None = None) -> Answered:
        """Send a request with the token that the link gives."""
        token = self.when(None, "POST", "/guests", {"link": self.link}).body["token"]
        return self.when(None, method, path, body, authorization=f"Bearer {token}")

    def join(self, actor: Actor = CUSTOMER, link: str = "") -> Answered:
        return self.when(actor, "POST", "/me/orders", {"link": link or self.link})

    def issue(self, actor: Actor = ORGANISER, key: str = "k") -> Answered:
        return self.when(actor, "POST", f"/orders/{self.order_id}/link", idempotency_key=key)


def sale_to(buyer: Actor) -> Sale:
    log = MemoryEventStore()
    shop = Shop(log)
    _, ticket_type_id = shop.on_sale()
    order_id = shop.order(ticket_type_id, actor=buyer)
    shop.pay(order_id, caller=shop.request(buyer))
    due = shop.order_state(order_id).payment_due_at
    assert due is not None
    link = first_link(order_id, due).signed(IDS).text
    return Sale(shop, log, ticket_type_id=ticket_type_id, order_id=order_id, link=link)


@pytest.fixture
def bought() -> Sale:
    return sale_to(GUEST)


# --- tokens ----------------------------------------------------------------------------------------------------------


def test_anybody_becomes_a_guest_and_nothing_is_written(bought: Sale) -> None:
    made = [bought.when(None, "POST", "/guests") for _ in range(2)]
    assert [(one.status, one.news, one.body["order_id"]) for one in made] == [(201, {}, None)] * 2
    guests = [UUID(one.body["guest_id"]) for one in made]
    assert all(map(is_guest, guests))
    assert len({*guests, GUEST.id}) == 3
    assert TOKENS.verify(f"Bearer {made[0].body['token']}").actor.id == guests[0]


def test_a_key_that_another_client_may_guess_gives_nobody_the_same_guest(bought: Sale) -> None:
    first, again = (bought.when(None, "POST", "/guests", idempotency_key="1") for _ in range(2))
    assert first.body["guest_id"] != again.body["guest_id"]


@pytest.mark.parametrize(
    ("body", "pointer"), [({"link": ""}, "#/link"), ({"link": 7}, "#/link"), ({"roles": ["operators"]}, "#/roles")]
)
def test_a_guest_cannot_be_asked_for_with_more(bought: Sale, body: JsonObject, pointer: str) -> None:
    refused = bought.when(None, "POST", "/guests", body)
    refused.then_refuses(422, "invalid_input")
    assert refused.body["errors"][0]["pointer"] == pointer


def test_a_guest_buys_with_the_routes_of_a_customer_and_gets_a_link(bought: Sale) -> None:
    guest = Actor.of(bought.when(None, "POST", "/guests").body["guest_id"], [])
    cart = bought.when(guest, "POST", "/carts").body["id"]
    wanted = {"ticket_type_id": str(bought.ticket_type_id), "quantity": 2}
    assert bought.when(guest, "POST", f"/carts/{cart}/items", wanted).status == 201
    checkout = [
        bought.when(guest, "POST", f"/carts/{cart}/checkout", {"buyer": BUYER}, idempotency_key="k") for _ in range(2)
    ]
    assert checkout[0].status == 201
    assert checkout[0].body == checkout[1].body
    link = checkout[0].body["link"]
    assert bought.when(None, "POST", "/guests", {"link": link}).body["order_id"] == checkout[0].body["order_id"]


def test_a_customer_with_an_account_gets_no_link(bought: Sale) -> None:
    cart = bought.when(CUSTOMER, "POST", "/carts").body["id"]
    wanted = {"ticket_type_id": str(bought.ticket_type_id), "quantity": 1}
    bought.when(CUSTOMER, "POST", f"/carts/{cart}/items", wanted)
    assert "link" not in bought.when(CUSTOMER, "POST", f"/carts/{cart}/checkout", {"buyer": BUYER}).body


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/venues", {}),
        ("POST", "/concerts", {}),
        ("GET", "/sales", None),
        ("GET", f"/streams/{GUEST.id}/events", None),
        ("POST", f"/accounts/{GUEST.id}/enable", None),
        ("POST", f"/concerts/{GUEST.id}/check-ins", {"code": "A CODE", "nonce": str(GUEST.id), "gate": "North"}),
        ("POST", f"/concerts/{GUEST.id}/door-staff", {}),
        ("POST", "/me/orders", {"link": "x" * 72}),
    ],
)
def test_no_route_of_staff_or_of_accounts_serves_a_guest_also_not_by_a_role_granted_here(
    bought: Sale, method: str, path: str, body: JsonObject | None
) -> None:
    for role in ("organisers", "operators"):
        grant_role(bought.shop.repository, bought.shop.request(OPERATOR).origin, GUEST.id, Role(role))
    bought.when(GUEST, method, path, body).then_refuses(403, "account_needed")


def test_a_guest_sees_nothing_of_another_guest(bought: Sale) -> None:
    cart = bought.when(GUEST, "POST", "/carts").body["id"]
    item = {"ticket_type_id": str(bought.ticket_type_id), "quantity": 1}
    line = bought.when(GUEST, "POST", f"/carts/{cart}/items", item).body["item_id"]
    for method, path, body in (
        ("GET", f"/carts/{cart}", None),
        ("POST", f"/carts/{cart}/items", item),
        ("POST", f"/carts/{cart}/hold-extensions", None),
        ("DELETE", f"/carts/{cart}/items/{line}", None),
        ("POST", f"/carts/{cart}/checkout", {"buyer": BUYER}),
        ("GET", f"/orders/{bought.order_id}", None),
        ("GET", f"/orders/{bought.order_id}/tickets", None),
        ("GET", f"/orders/{bought.order_id}/refunds", None),
        ("POST", f"/orders/{bought.order_id}/refunds", {"all": True}),
        ("POST", f"/orders/{bought.order_id}/payments", {"provider": "sandbox", "token": "tok_visa"}),
        ("POST", f"/orders/{bought.order_id}/cancel", None),
        ("POST", f"/orders/{bought.order_id}/link", None),
        ("PATCH", f"/orders/{bought.order_id}/buyer", {"name": "Gus"}),
    ):
        condition = {"if_match": "*"} if method == "PATCH" else {}
        for actor in (OTHER_GUEST, CUSTOMER):
            bought.when(actor, method, path, body, **condition).then_refuses(404, "not_found")


# --- coming back -----------------------------------------------------------------------------------------------------


def test_a_link_gives_the_orders_guest_for_that_order_alone(bought: Sale) -> None:
    given = bought.when(None, "POST", "/guests", {"link": bought.link})
    assert (given.status, given.news) == (201, {})
    assert (given.body["guest_id"], given.body["order_id"]) == (str(GUEST.id), str(bought.order_id))
    found = bought.by_link("GET", f"/orders/{bought.order_id}")
    assert (found.status, found.body["status"], found.body["buyer"]) == (200, "confirmed", BUYER)
    assert len(bought.by_link("GET", f"/orders/{bought.order_id}/tickets").body["items"]) == 2


def test_who_comes_by_a_link_reaches_nothing_else_of_the_guest(bought: Sale) -> None:
    other = bought.shop.order(bought.ticket_type_id, actor=GUEST)
    cart = bought.when(GUEST, "POST", "/carts").body["id"]
    bought.by_link("GET", f"/orders/{other}").then_refuses(404, "not_found")
    bought.by_link("POST", f"/orders/{other}/cancel").then_refuses(404, "not_found")
    for method, path in (("GET", "/orders"), ("GET", f"/carts/{cart}"), ("POST", "/carts"), ("GET", "/sales")):
        refused = bought.by_link(method, path)
        assert (refused.status, refused.news) == (403, {})
    bought.by_link("POST", "/carts").then_refuses(403, "beyond_link")


@pytest.mark.parametrize("link", ["x", "x" * 72, "é" * 72])
def test_a_link_that_is_none_of_ours_leads_nowhere(bought: Sale, link: str) -> None:
    bought.when(None, "POST", "/guests", {"link": link}).then_refuses(404, "not_found")
    bought.when(CUSTOMER, "POST", "/me/orders", {"link": link}).then_refuses(404, "not_found")


def test_a_link_ends(bought: Sale) -> None:
    bought.shop.clock.advance(VALID_FOR + timedelta(days=1))
    bought.when(None, "POST", "/guests", {"link": bought.link}).then_refuses(410, "link_expired")
    bought.join().then_refuses(410, "link_expired")


def test_a_link_to_an_order_that_is_not_there_or_not_a_guests_leads_nowhere() -> None:
    sale = sale_to(CUSTOMER)
    nobody = OrderLink(some_id("nobody"), 0, sale.shop.clock().replace(microsecond=0) + VALID_FOR).signed(IDS).text
    for link in (sale.link, nobody):
        sale.when(None, "POST", "/guests", {"link": link}).then_refuses(404, "not_found")
        sale.join(link=link).then_refuses(404, "not_found")


# --- a new link ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("actor", [GUEST, ORGANISER, OPERATOR])
def test_a_new_link_ends_the_one_before(bought: Sale, actor: Actor) -> None:
    issued = bought.issue(actor)
    assert (issued.status, issued.headers["location"]) == (201, f"/orders/{bought.order_id}")
    [event] = issued.news[bought.order_id]
    assert isinstance(event, OrderLinkIssued)
    assert event.number == 1
    bought.when(None, "POST", "/guests", {"link": bought.link}).then_refuses(410, "link_replaced")
    bought.join().then_refuses(410, "link_replaced")
    assert bought.when(None, "POST", "/guests", {"link": issued.body["link"]}).status == 201


def test_the_same_key_gives_the_same_link_also_after_another(bought: Sale) -> None:
    first, other, again = bought.issue(), bought.issue(key="other"), bought.issue()
    assert (again.status, again.body, again.news) == (201, first.body, {})
    assert other.body["link"] != first.body["link"]


def test_links_are_issued_a_limited_number_of_times(bought: Sale) -> None:
    keys = count()
    for _ in range(MAX_LINKS):
        assert bought.issue(key=f"{next(keys)}").status == 201
    bought.issue(key="more").then_refuses(409, "too_many_links", limit=MAX_LINKS)


@pytest.mark.parametrize("actor", [OTHER_ORGANISER, CUSTOMER, OTHER_GUEST])
def test_others_are_given_no_link(bought: Sale, actor: Actor) -> None:
    bought.issue(actor).then_refuses(404, "not_found")


def test_who_organises_a_part_of_the_order_is_given_no_link() -> None:
    log = MemoryEventStore()
    shop = Shop(log)
    _, own = shop.on_sale()
    others = shop.draft(OTHER_ORGANISER)
    their_type = shop.ticket_type(others, actor=OTHER_ORGANISER)
    shop.publish(others, OTHER_ORGANISER)
    cart_id = shop.cart(GUEST)
    for key in (own, their_type):
        shop.add(cart_id, key, 1, shop.request(GUEST))
    order_id = shop.check_out(cart_id, shop.request(GUEST)).order_id
    streams = GivenStreams(shop, log)
    for actor in (ORGANISER, OTHER_ORGANISER):
        streams.when(actor, "POST", f"/orders/{order_id}/link").then_refuses(403, "forbidden")
    assert streams.when(OPERATOR, "POST", f"/orders/{order_id}/link").status == 201


def test_an_order_of_an_account_has_no_link() -> None:
    sale_to(CUSTOMER).issue().then_refuses(409, "not_a_guests_order")


# --- joining ---------------------------------------------------------------------------------------------------------


def test_an_order_is_joined_to_an_account_once(bought: Sale) -> None:
    joined = bought.join()
    assert (joined.status, joined.headers["location"]) == (201, f"/orders/{bought.order_id}")
    [in_order], [in_account] = joined.news[bought.order_id], joined.news[CUSTOMER.id]
    assert in_order == OrderJoined(account_id=CUSTOMER.id, at=bought.shop.clock())
    assert in_account == GuestJoined(guest_id=GUEST.id, at=bought.shop.clock())
    again = bought.join()
    assert (again.status, again.body, again.news) == (201, joined.body, {})
    bought.join(OTHER_CUSTOMER).then_refuses(409, "order_joined")


def test_the_account_may_do_then_what_the_guest_could_and_the_guest_no_more(bought: Sale) -> None:
    bought.join()
    path = f"/orders/{bought.order_id}"
    found = bought.when(CUSTOMER, "GET", path)
    assert (found.status, found.body["buyer"], len(found.body["tickets"])) == (200, BUYER, 2)
    assert bought.when(CUSTOMER, "PATCH", f"{path}/buyer", {"name": "Gina"}, if_match="*").status == 200
    bought.when(CUSTOMER, "POST", f"{path}/refunds", {"all": True}).then_refuses(409, "refund_not_permitted")
    for actor in (GUEST, OTHER_CUSTOMER):
        bought.when(actor, "GET", path).then_refuses(404, "not_found")
        bought.when(actor, "POST", f"{path}/refunds", {"all": True}).then_refuses(404, "not_found")
    bought.when(None, "POST", "/guests", {"link": bought.link}).then_refuses(409, "order_joined")
    bought.issue().then_refuses(409, "order_joined")


def test_an_order_that_is_not_paid_is_paid_and_cancelled_by_its_account(bought: Sale) -> None:
    for number, (what, body) in enumerate(
        [("payments", {"provider": "sandbox", "token": "tok_visa"}), ("cancel", None)]
    ):
        order_id = bought.shop.order(bought.ticket_type_id, 1, GUEST)
        due = bought.shop.order_state(order_id).payment_due_at
        assert due is not None
        assert bought.join(link=first_link(order_id, due).signed(IDS).text).status == 201
        before = bought.shop.pool(bought.ticket_type_id).free
        assert bought.when(CUSTOMER, "POST", f"/orders/{order_id}/{what}", body).status in {200, 201}
        assert bought.shop.pool(bought.ticket_type_id).free - before == number


def test_what_came_by_a_guest_of_before_is_given_back_to_the_stock(bought: Sale) -> None:
    bought.join()
    body = {"all": True, "reason": "The view is blocked."}
    free = bought.shop.pool(bought.ticket_type_id).free
    assert bought.when(ORGANISER, "POST", f"/orders/{bought.order_id}/refunds", body).status == 201
    assert bought.shop.pool(bought.ticket_type_id).free == free + 2


def test_several_orders_of_a_guest_are_joined_one_by_one_also_to_several_accounts(bought: Sale) -> None:
    other = bought.shop.order(bought.ticket_type_id, actor=GUEST)
    due = bought.shop.order_state(other).payment_due_at
    assert due is not None
    link = first_link(other, due).signed(IDS).text
    assert [bought.join().status, bought.join(OTHER_CUSTOMER, link).status] == [201, 201]
    bought.when(CUSTOMER, "GET", f"/orders/{other}").then_refuses(404, "not_found")


def test_whoever_erases_an_account_erases_the_guests_that_were_joined_to_it(bought: Sale) -> None:
    bought.join()
    shop = bought.shop
    erase_person(shop.repository, shop.vault, shop.request(OPERATOR).origin, CUSTOMER.id)
    assert not shop.vault.knows(GUEST.id)
    assert shop.repository.load(ACCOUNT, CUSTOMER.id)[0].erased


def test_nothing_is_joined_to_an_account_that_was_erased(bought: Sale) -> None:
    shop = bought.shop
    erase_person(shop.repository, shop.vault, shop.request(OPERATOR).origin, CUSTOMER.id)
    bought.join().then_refuses(401, "person_erased")


# --- many guests at one address --------------------------------------------------------------------------------------


def test_guests_of_one_address_cannot_take_all_tickets_and_whoever_signs_in_still_buys() -> None:
    log = MemoryEventStore()
    shop = Shop(log)
    streams = GivenStreams(shop, log)
    _, ticket_type_id = shop.on_sale(quantity=200)
    wanted = {"ticket_type_id": str(ticket_type_id), "quantity": 10}

    def add(actor: Actor, key: str = "k") -> Answered:
        cart = streams.when(actor, "POST", "/carts").body["id"]
        return streams.when(actor, "POST", f"/carts/{cart}/items", wanted, idempotency_key=key)

    guests = [Actor.of(str(guest_id(bits)), []) for bits in range(20)]
    answers = [add(guest) for guest in guests]
    assert [answer.status for answer in answers] == [201] * 6 + [429] * 14
    answers[-1].then_refuses(429, "too_many_guests", retry_after=1800)
    assert answers[-1].headers["retry-after"] == "1800"
    assert answers[-1].headers["ratelimit"] == '"tickets-of-address";r=0;t=1800'
    assert answers[-1].headers["ratelimit-policy"] == '"tickets-of-address";q=60;w=1800'
    again = add(guests[0])
    assert (again.status, again.body, again.news) == (201, answers[0].body, {})
    assert add(CUSTOMER).status == 201
