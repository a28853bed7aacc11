"""An organiser's day: who has bought, who comes, what it earned, and what can be taken away as a file."""

from uuid import uuid4

import pytest

from tests.journeys.shop import BUYER, Shop, made, order_of, pay, person_of, publish_concert, refused, shown
from tests.journeys.test_at_the_door import ALWAYS


def test_an_organiser_sees_who_has_bought_and_what_it_earned(shop: Shop) -> None:
    organiser, customer = shop.organiser(), shop.customer()
    concert = publish_concert(organiser)
    order_id = order_of(customer, concert.ticket_type_id, 2)
    made(pay(customer, order_id))
    shop.settle()
    ticket = made(customer.get(f"/orders/{order_id}/tickets"))["items"][0]
    ticket_id = ticket["id"]
    door = shop.as_role("door")
    hours = ALWAYS | {"person_id": person_of(door)}
    made(organiser.post(f"/concerts/{concert.concert_id}/door-staff", json=hours))
    made(door.post(f"/concerts/{concert.concert_id}/check-ins", json=shown(ticket["code"])))
    shop.settle()
    path = f"/concerts/{concert.concert_id}"
    (order,) = made(organiser.get(f"{path}/orders", params={"q": "helgadottir"}))["items"]
    assert (order["id"], order["status"], order["buyer"]) == (order_id, "confirmed", BUYER["buyer"])
    attendees = made(organiser.get(f"{path}/attendees", params={"checked_in": True}))["items"]
    assert [attendee["ticket_id"] for attendee in attendees] == [ticket_id]
    sales = made(organiser.get(f"{path}/sales"))
    assert sales["tickets"] == {"valid": 2, "revoked": 0, "checked_in": 1}
    assert sales["money"][0]["taken"] == {"amount": "50.00", "currency": "EUR"}
    assert made(organiser.get(f"{path}/sales/days"))["items"][0]["time_zone"] == "Atlantic/Reykjavik"
    assert made(organiser.get("/sales"))["items"][0]["concert_id"] == concert.concert_id


def test_lists_and_charts_come_as_files(shop: Shop) -> None:
    organiser, customer = shop.organiser(), shop.customer()
    concert = publish_concert(organiser)
    made(pay(customer, order_of(customer, concert.ticket_type_id, 1)))
    shop.settle()
    path = f"/concerts/{concert.concert_id}"
    csv = organiser.get(f"{path}/attendees", params={"format": "csv", "bom": True})
    assert csv.text.startswith("\ufeffname,email,")
    assert BUYER["buyer"]["email"] in csv.text
    assert organiser.get(f"{path}/sales/days", params={"format": "svg"}).text.startswith("<svg ")
    pdf = organiser.get(f"{path}/attendees", params={"format": "pdf"}, headers={"Accept": "application/pdf"})
    assert (pdf.headers["content-type"], pdf.content[:5]) == ("application/pdf", b"%PDF-")


def test_another_organiser_and_the_customer_see_nothing_of_it(shop: Shop) -> None:
    concert = publish_concert(shop.organiser())
    shop.settle()
    for what in ("sales", "orders", "attendees", "refunds", "sales/days", "sales/opening"):
        path = f"/concerts/{concert.concert_id}/{what}"
        refused(shop.organiser().get(path), 403, "forbidden")
        refused(shop.customer().get(path), 403, "forbidden")
        assert shop.visitor().get(path).status_code == 401


@pytest.mark.needs_the_stack
def test_whoever_is_erased_is_gone_from_the_organisers_lists(shop: Shop) -> None:
    from ops.__main__ import main  # noqa: PLC0415 - reads the environment

    person = str(uuid4())
    organiser, customer = shop.organiser(), shop.customer(person)
    concert = publish_concert(organiser)
    made(pay(customer, order_of(customer, concert.ticket_type_id, 1)))
    shop.settle()
    path = f"/concerts/{concert.concert_id}/attendees"
    assert made(organiser.get(path))["items"][0]["buyer"] == BUYER["buyer"]
    assert main(["erase", person, "--yes"]) == 0
    assert made(organiser.get(path))["items"][0]["buyer"] is None
