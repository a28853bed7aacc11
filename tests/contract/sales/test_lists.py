"""Organisers see the orders, attendees and refunds of their own concerts, and of nobody else's."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.shop.orders.settlement import cancel_order
from tests.contract.sales.office import Office
from tests.support.shop import CUSTOMER, OPERATOR, ORGANISER, OTHER_CUSTOMER, OTHER_ORGANISER


def all_pages(office: Office, path: str) -> list[Any]:
    items, cursor = [], ""
    while True:
        page = office.get(f"{path}{cursor}").body
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        cursor = f"&cursor={page['next_cursor']}"


def test_an_order_is_listed_with_its_buyer_its_state_and_what_was_bought(office: Office) -> None:
    concert_id, standing = office.shop.on_sale(price="25.00")
    paid = office.buy(CUSTOMER, (standing, 2), name="Guðrún Helgadóttir")
    office.shop.clock.advance(timedelta(seconds=1))
    unpaid = office.order(OTHER_CUSTOMER, (standing, 1))
    office.settle()
    newest, oldest = office.get(f"/concerts/{concert_id}/orders").items
    assert (newest["id"], newest["status"], newest["sold"]) == (str(unpaid), "awaiting_payment", 0)
    assert (oldest["id"], oldest["status"], oldest["sold"]) == (str(paid), "confirmed", 2)
    assert oldest["buyer"] == {"name": "Guðrún Helgadóttir", "email": "guðrún@example.org"}
    assert oldest["total"] == oldest["taken"] == {"amount": "50.00", "currency": "EUR"}
    (line,) = oldest["lines"]
    assert (line["ticket_type_id"], line["ticket_type_name"], line["quantity"]) == (str(standing), "Standing", 2)
    assert [item["id"] for item in office.get("/sales/orders").items] == [str(unpaid), str(paid)]


def test_an_unpaid_order_past_its_deadline_has_expired_by_the_clock(office: Office) -> None:
    concert_id, standing = office.shop.on_sale()
    order_id = office.order(CUSTOMER, (standing, 1))
    office.settle()
    office.shop.clock.advance(timedelta(minutes=21))
    assert [item["status"] for item in office.get(f"/concerts/{concert_id}/orders").items] == ["expired"]
    assert office.get(f"/concerts/{concert_id}/orders?status=expired").items[0]["id"] == str(order_id)
    assert office.get(f"/concerts/{concert_id}/orders?status=awaiting_payment").items == []


def test_of_an_order_over_two_organisers_each_sees_only_the_own_part(office: Office) -> None:
    shop = office.shop
    own_concert, own_type = shop.on_sale(price="25.00")
    other_concert = shop.draft(OTHER_ORGANISER, name="Muse")
    other_type = shop.ticket_type(other_concert, price="40.00", actor=OTHER_ORGANISER)
    shop.publish(other_concert, OTHER_ORGANISER)
    office.buy(CUSTOMER, (own_type, 1), (other_type, 2))
    office.settle()
    for actor, concert_id, total in ((ORGANISER, own_concert, "25.00"), (OTHER_ORGANISER, other_concert, "80.00")):
        (order,) = office.get("/sales/orders", actor).items
        assert (order["total"]["amount"], order["taken"]["amount"]) == (total, total)
        assert [line["concert_id"] for line in order["lines"]] == [str(concert_id)]
    (order,) = office.get("/sales/orders", ORGANISER).items
    assert "Muse" not in str(order)


@pytest.mark.parametrize("what", ["sales", "orders", "attendees", "refunds", "sales/days", "sales/opening"])
def test_nobody_sees_another_organisers_sales_but_operators(office: Office, what: str) -> None:
    concert_id, standing = office.shop.on_sale()
    office.buy(CUSTOMER, (standing, 1))
    draft_id = office.shop.draft()
    office.settle()
    path = f"/concerts/{concert_id}/{what}"
    assert office.get(path, OTHER_ORGANISER).status == 403
    assert office.get(path, CUSTOMER).status == 403
    assert office.get(f"/concerts/{draft_id}/{what}", OTHER_ORGANISER).status == 404
    assert office.get(f"/concerts/{standing}/{what}").status == 404
    assert office.get(path, OPERATOR).status == office.get(path, ORGANISER).status == 200


@pytest.mark.parametrize("what", ["sales", "sales/orders", "sales/attendees", "sales/refunds", "sales/days"])
def test_only_operators_may_name_an_organiser(office: Office, what: str) -> None:
    _, standing = office.shop.on_sale()
    office.buy(CUSTOMER, (standing, 1))
    office.settle()
    named = f"/{what}?organiser_id={ORGANISER.id}"
    assert office.get(named, OTHER_ORGANISER).status == 403
    assert office.get(f"/{what}", CUSTOMER).status == 403
    assert office.get(named, OPERATOR).text == office.get(f"/{what}", ORGANISER).text
    assert office.get(f"/{what}", OTHER_ORGANISER).items == []


def test_attendees_are_listed_with_who_was_let_in(office: Office) -> None:
    concert_id, standing = office.shop.on_sale()
    order_id = office.buy(CUSTOMER, (standing, 2))
    inside = office.let_in(concert_id, order_id)
    office.settle()
    path = f"/concerts/{concert_id}/attendees"
    found = {item["ticket_id"]: item["checked_in_at"] for item in office.get(path).items}
    assert len(found) == 2
    assert [key for key, at in found.items() if at is not None] == [str(inside)]
    assert [item["ticket_id"] for item in office.get(f"{path}?checked_in=true").items] == [str(inside)]
    assert str(inside) not in office.get(f"{path}?checked_in=false").text
    assert office.get(f"/concerts/{concert_id}/sales").body["tickets"] == {"valid": 2, "revoked": 0, "checked_in": 1}


def test_pages_show_everything_once_whatever_came_at_the_same_instant(office: Office) -> None:
    concert_id, standing = office.shop.on_sale(quantity=50)
    bought = [office.buy(CUSTOMER, (standing, 2)) for _ in range(7)]
    office.settle()
    listed = all_pages(office, f"/concerts/{concert_id}/orders?limit=2")
    assert sorted(item["id"] for item in listed) == sorted(map(str, bought))
    tickets = all_pages(office, f"/concerts/{concert_id}/attendees?limit=3")
    assert len({item["ticket_id"] for item in tickets}) == len(tickets) == 14
    assert all_pages(office, "/sales/orders?limit=2") == listed


def test_a_cancelled_concerts_refunds_are_listed_and_its_tickets_are_no_attendees(office: Office) -> None:
    shop = office.shop
    concert_id, standing = shop.on_sale(price="25.00")
    other_concert, seated = shop.on_sale(price="40.00")
    order_id = office.buy(CUSTOMER, (standing, 2), (seated, 1))
    shop.clock.advance(timedelta(days=1))
    cancel_order(shop.context(), order_id, concert_id, "The concert is cancelled.")
    office.settle()
    (refund,) = office.get(f"/concerts/{concert_id}/refunds").items
    assert (refund["order_id"], refund["status"], refund["amount"]["amount"]) == (str(order_id), "completed", "50.00")
    assert (refund["reason"], refund["completed_at"]) == ("The concert is cancelled.", format_instant(shop.clock()))
    assert office.get(f"/concerts/{other_concert}/refunds").items == []
    assert office.get("/sales/refunds?status=completed").items == [refund]
    assert office.get(f"/concerts/{concert_id}/attendees").items == []
    assert len(office.get(f"/concerts/{concert_id}/attendees?status=revoked").items) == 2
    assert len(office.get("/sales/attendees").items) == 1


def test_words_find_buyers_by_name_and_address_without_case_and_accents(office: Office) -> None:
    concert_id, standing = office.shop.on_sale(quantity=50)
    wanted = office.buy(CUSTOMER, (standing, 1), name="Guðrún Helgadóttir")
    office.buy(OTHER_CUSTOMER, (standing, 1), name="Carlos Jones")
    office.settle()
    for q in ("helgadottir", "GUÐRÚN helga", "guðrún@example", str(wanted), str(wanted).upper()):
        for what in ("orders", "attendees"):
            found = office.get(f"/concerts/{concert_id}/{what}?q={q}").items
            assert [item.get("order_id") or item["id"] for item in found] == [str(wanted)], (q, what)
    assert office.get(f"/concerts/{concert_id}/orders?q=nobody").items == []


def test_a_search_opens_a_bounded_number_of_names_and_goes_on_where_it_stopped(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chalicelib.shop.sales.lists.SEARCHED", 3)
    concert_id, standing = office.shop.on_sale(quantity=50)
    wanted = []
    for number in range(8):
        name = "Ada Lovelace" if number % 3 == 0 else "Carla Jones"
        wanted += [office.buy(CUSTOMER, (standing, 1), name=name)] if number % 3 == 0 else []
        office.shop.clock.advance(timedelta(seconds=1))
        if number % 3:
            office.buy(CUSTOMER, (standing, 1), name=name)
    office.settle()
    for limit in (1, 2, 20):
        found = all_pages(office, f"/concerts/{concert_id}/orders?q=lovelace&limit={limit}")
        assert [item["id"] for item in found] == [str(key) for key in reversed(wanted)]


def test_an_erased_person_is_gone_from_the_next_answer(office: Office) -> None:
    concert_id, standing = office.shop.on_sale()
    office.buy(CUSTOMER, (standing, 1), name="Guðrún Helgadóttir")
    office.settle()
    path = f"/concerts/{concert_id}/attendees"
    assert office.get(path).items[0]["buyer"]["name"] == "Guðrún Helgadóttir"
    office.shop.vault.erase(CUSTOMER.id)
    assert office.get(path).items[0]["buyer"] is None
    assert office.get(f"{path}?q=helgad").items == []
    assert "Guðrún" not in office.get(f"{path}?format=csv").text
    kept = office.model.pool.fetch_all("select to_jsonb(o)::text as x from sales_orders o", {})
    assert "Guðrún" not in str(kept)
    assert "Gu\\u00f0" not in str(kept)


def test_a_reader_sees_an_order_that_the_sales_have_not_heard_of(office: Office) -> None:
    concert_id, standing = office.shop.on_sale()
    office.settle()
    order_id = office.buy(CUSTOMER, (standing, 1))
    version = office.log.read(order_id)[-1].aggregate_version
    path = f"/concerts/{concert_id}/orders"
    assert office.get(path).items == []
    (order,) = office.get(path, min_version=f"{order_id}:{version}").items
    assert (order["id"], order["status"]) == (str(order_id), "confirmed")
    assert office.get(path).items == []


@pytest.mark.parametrize("query", ["limit=101", "limit=2001&format=csv", "cursor=W10=", "status=A%20B", "bom=maybe"])
def test_what_is_wrong_with_a_query_is_said(office: Office, query: str) -> None:
    concert_id, _ = office.shop.on_sale()
    office.settle()
    answer = office.get(f"/concerts/{concert_id}/orders?{query}")
    assert (answer.status, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.body["errors"][0]["pointer"].startswith("?"), answer.body
