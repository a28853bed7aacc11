"""Buyers get mails, which lie in a folder here; the local server shows them."""

from pathlib import Path
from uuid import UUID

import pytest

from chalicelib import composition
from chalicelib.shop.mails.commands import recipient_stream
from chalicelib.shop.mails.unsubscribing import token_for
from tests.journeys.shop import Json, Shop, cart_with, made, pay, person_of, publish_concert, refused

CHECKOUT: Json = {"buyer": {"name": "Ada <b>Lovelace</b>", "email": "ada@lovelace.example"}}


def mails_of(shop: Shop, address: str) -> list[Json]:
    """The mails to an address, the newest first."""
    listed = made(shop.visitor().get("/mails", headers={"Accept": "application/json"}))["items"]
    return [mail for mail in listed if address in mail["to"]]


@pytest.mark.needs_the_stack
def test_who_pays_gets_one_mail_in_the_language_of_the_browser_and_the_page_shows_it_without_running_it(
    shop: Shop,
) -> None:
    concert, customer = publish_concert(shop.organiser()), shop.customer()
    cart_id = cart_with(customer, concert.ticket_type_id, 2)
    headers = {"Accept-Language": "nl-NL, en;q=0.5"}
    order_id = made(customer.post(f"/carts/{cart_id}/checkout", json=CHECKOUT, headers=headers))["order_id"]
    shop.settle()
    assert mails_of(shop, "ada@lovelace.example") == []
    made(pay(customer, order_id))
    shop.settle()
    shop.settle()
    [mail] = mails_of(shop, "ada@lovelace.example")
    assert mail["subject"].startswith("Je tickets voor")
    shown = made(shop.visitor().get(f"/mails/{mail['id']}", headers={"Accept": "application/json"}))
    assert order_id in shown["text"]
    assert "Ada &lt;b&gt;Lovelace" in shown["html"]

    page = shop.visitor().get(f"/mails/{mail['id']}")
    assert '<iframe sandbox title="The mail as HTML"' in page.text
    assert "<b>Lovelace" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    content = shop.visitor().get(f"/mails/{mail['id']}/html")
    assert content.headers["content-security-policy"].startswith("sandbox;")
    assert mail["subject"] in shop.visitor().get("/mails").text
    assert Path(shop.stack.environment["MAIL_FOLDER"]).is_dir()


@pytest.mark.needs_the_stack
@pytest.mark.parametrize(
    "path", ["/mails/../secret", "/mails/x", "/mailsx", "/mails/5e77e4d0-0000-4000-8000-000000000001"]
)
def test_no_other_address_is_taken_for_a_mail(shop: Shop, path: str) -> None:
    refused(shop.visitor().get(path), 404, "not_found")


@pytest.mark.needs_the_stack
def test_a_checkout_may_name_the_language_and_no_other_than_those_that_we_write(shop: Shop) -> None:
    concert, customer = publish_concert(shop.organiser()), shop.customer()
    cart_id = cart_with(customer, concert.ticket_type_id, 1)
    problem = refused(
        customer.post(f"/carts/{cart_id}/checkout", json=CHECKOUT | {"language": "tlh"}), 422, "invalid_input"
    )
    assert problem["errors"][0]["pointer"] == "#/language"
    made(customer.post(f"/carts/{cart_id}/checkout", json=CHECKOUT | {"language": "nl"}))


@pytest.mark.needs_the_stack
def test_a_link_in_a_reminder_asks_and_one_request_ends_them_without_signing_in(shop: Shop) -> None:
    customer = UUID(person_of(shop.customer()))
    path = f"/unsubscribe/{token_for(customer, composition.current().ids)}"
    asked = shop.visitor().get(path, headers={"Accept-Language": "nl"})
    assert "Geen herinneringen meer" in asked.text
    assert "form-action 'self'" in asked.headers["content-security-policy"]
    assert composition.current().event_store.read(recipient_stream(customer)) == []
    one_click = {"Content-Type": "application/x-www-form-urlencoded"}
    for _ in range(2):
        answer = shop.visitor().post(path, content="List-Unsubscribe=One-Click", headers=one_click)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    [event] = composition.current().event_store.read(recipient_stream(customer))
    assert event.event_type.endswith("RemindersUnsubscribedEvent")
    refused(shop.visitor().post(f"{path[:-1]}{'0' if path[-1] != '0' else '1'}"), 404, "not_found")
