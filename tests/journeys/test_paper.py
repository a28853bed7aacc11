"""Tickets on paper and in a calendar, over HTTP."""

from typing import Any

import zxingcpp
from icalendar import Calendar

from chalicelib.platform.http.answers import PDF
from tests.journeys.shop import Shop, made, order_of, pay, publish_concert, refused, schedule_in
from tests.journeys.test_at_the_door import bought
from tests.journeys.test_guests import bought_by, guest_of
from tests.support.documents import rendered_pages, texts_of

PRINTED = {"Accept": PDF}


def the_event(calendar: str) -> Any:
    [event] = Calendar.from_ical(calendar).events
    return event


def test_a_customer_prints_tickets_whose_codes_a_decoder_reads_and_nobody_else_can(shop: Shop) -> None:
    evening = bought(shop, 2)
    codes = evening.codes()
    shop.settle()
    one, all_of_them = f"/tickets/{evening.tickets()[0]['id']}.pdf", f"/orders/{evening.order_id}/tickets.pdf"
    single = evening.customer.get(one, headers=PRINTED)
    assert (single.status_code, single.headers["content-type"], single.headers["cache-control"]) == (
        200,
        PDF,
        "no-store",
    )
    [page] = rendered_pages(single.content)
    assert [found.text for found in zxingcpp.read_barcodes(page)] == codes[:1]
    assert "Guðrún Helgadóttir" in texts_of(single.content)[0]
    together = evening.customer.get(f"{all_of_them}?language=nl", headers=PRINTED)
    pages = rendered_pages(together.content)
    assert [found.text for page in pages for found in zxingcpp.read_barcodes(page)] == codes
    assert "Soort ticket" in texts_of(together.content)[1]
    for path in (one, all_of_them, one.replace(".pdf", ".ics"), all_of_them.replace(".pdf", ".ics")):
        for client in (evening.organiser, shop.customer(), shop.as_role("door"), shop.as_role("operator")):
            refused(client.get(path, headers=PRINTED), 404, "not_found")
        refused(shop.visitor().get(path, headers=PRINTED), 401, "unauthenticated")
    refused(evening.customer.get(one), 422, "invalid_input")
    refused(evening.customer.get(f"{one}?language=de", headers=PRINTED), 422, "invalid_input")


def test_paper_has_the_newest_code_and_a_ticket_that_was_given_back_has_none(shop: Shop) -> None:
    evening = bought(shop, 2)
    first, second = evening.tickets()
    path = f"/orders/{evening.order_id}"
    reissued = made(evening.customer.post(f"{path}/tickets/{first['id']}/reissue", json={}))
    refund = made(evening.organiser.post(f"{path}/refunds", json={"tickets": [second["id"]], "reason": "sick"}))
    seen = PRINTED | {"Min-Version": f"{evening.order_id}:{refund['version']}"}
    shop.settle()
    [page] = rendered_pages(evening.customer.get(f"{path}/tickets.pdf", headers=seen).content)
    [found] = zxingcpp.read_barcodes(page)
    assert found.text == evening.codes(reissued["version"])[0] != first["code"]
    refused(evening.customer.get(f"/tickets/{second['id']}.pdf", headers=seen), 410, "ticket_revoked")
    made(evening.organiser.post(f"{path}/refunds", json={"tickets": [first["id"]], "reason": "sick"}))
    shop.settle()
    refused(evening.customer.get(f"{path}/tickets.pdf", headers=PRINTED), 410, "ticket_revoked")
    event = the_event(evening.customer.get(f"{path}/tickets.ics").text)
    assert event["STATUS"] == "CANCELLED"


def test_an_entry_in_a_calendar_follows_the_concert(shop: Shop) -> None:
    evening = bought(shop, 1)
    shop.settle()
    path = f"/tickets/{evening.tickets()[0]['id']}.ics"
    answer = evening.customer.get(path, headers={"Accept-Language": "nl"})
    assert answer.headers["content-type"].startswith("text/calendar")
    before = the_event(answer.text)
    made(evening.organiser.post(f"{evening.path}/move", json=schedule_in(50)))
    shop.settle()
    after = the_event(evening.customer.get(f"/orders/{evening.order_id}/tickets.ics").text)
    assert (after["UID"], after["STATUS"]) == (before["UID"], "CONFIRMED")
    assert after["SEQUENCE"] > before["SEQUENCE"]
    assert after.start > before.start


def test_an_order_that_is_not_paid_has_no_paper(shop: Shop) -> None:
    concert, customer = publish_concert(shop.organiser()), shop.customer()
    path = f"/orders/{order_of(customer, concert.ticket_type_id, 1)}/tickets"
    shop.settle()
    refused(customer.get(f"{path}.pdf", headers=PRINTED), 409, "no_tickets")
    refused(customer.get(f"{path}.ics"), 409, "no_tickets")
    made(pay(customer, path.split("/")[2]))
    shop.settle()
    assert customer.get(f"{path}.pdf", headers=PRINTED).status_code == 200


def test_a_guest_prints_by_the_link_of_the_order(shop: Shop) -> None:
    concert = publish_concert(shop.organiser())
    order_id, link = bought_by(guest_of(shop), concert.ticket_type_id)
    shop.settle()
    printed = guest_of(shop, link).get(f"/orders/{order_id}/tickets.pdf", headers=PRINTED)
    assert len(rendered_pages(printed.content)) == 2
