"""The figures add up: money, tickets, days of 23, 24 and 25 hours, and the first minutes of a sale."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from xml.etree.ElementTree import fromstring

import pytest

from chalicelib.platform.http.paging import page_of
from chalicelib.shop.orders.buyers import correct_buyer
from chalicelib.shop.orders.complimentary import issue_tickets
from chalicelib.shop.orders.policies import set_policy
from chalicelib.shop.orders.refund_policy import PolicyTerms
from chalicelib.shop.orders.refunding import WantedRefund, refund_order
from chalicelib.shop.orders.settlement import cancel_order
from tests.contract.sales.office import Office
from tests.support.shop import CUSTOMER, ORGANISER, OTHER_CUSTOMER


def amounts(money: dict[str, Any]) -> dict[str, str]:
    return {name: value["amount"] for name, value in money.items() if isinstance(value, dict)}


def test_a_concert_shows_its_money_its_tickets_and_what_each_type_has_sold(office: Office) -> None:
    shop = office.shop
    concert_id = shop.draft()
    standing = shop.ticket_type(concert_id, quantity=20, price="25.00")
    balcony = shop.ticket_type(concert_id, quantity=30, price="40.50", name="Balcony")
    shop.publish(concert_id)
    order_id = office.buy(CUSTOMER, (standing, 2), (balcony, 1))
    office.order(OTHER_CUSTOMER, (balcony, 1))
    office.let_in(concert_id, order_id)
    office.settle()
    found = office.get(f"/concerts/{concert_id}/sales").body
    assert (found["name"], found["venue"], found["time_zone"]) == ("Patti Smith", "Paradiso", "Europe/Amsterdam")
    assert found["tickets"] == {"valid": 3, "revoked": 0, "checked_in": 1}
    (money,) = found["money"]
    assert (money["currency"], money["orders"], money["sold"]) == ("EUR", 1, 3)
    assert amounts(money) == {
        "taken": "90.50",
        "refunded": "0.00",
        "refunding": "0.00",
        "charged_back": "0.00",
        "kept": "0.00",
    }
    types = [(one["name"], one["quantity"], one["sold"], one["value"]["amount"]) for one in found["ticket_types"]]
    assert types == [("Standing", 20, 2, "50.00"), ("Balcony", 30, 1, "40.50")]


def test_ticket_types_of_an_area_have_sold_tickets_and_no_quantity_of_their_own(office: Office) -> None:
    concert_id, _, [adult, _] = office.shop.area_on_sale(10, Adult=None, Child=3)
    office.buy(CUSTOMER, (adult, 2))
    office.settle()
    found = office.get(f"/concerts/{concert_id}/sales").body
    types = [(one["name"], one["quantity"], one["sold"]) for one in found["ticket_types"]]
    assert types == [("Adult", None, 2), ("Child", None, 0)]


def test_all_concerts_add_up_and_are_listed_with_their_own_money(office: Office) -> None:
    shop = office.shop
    euros, in_euros = shop.on_sale(price="25.00")
    pounds, in_pounds = shop.on_sale(price="10.00", currency="GBP")
    office.buy(CUSTOMER, (in_euros, 2))
    office.buy(CUSTOMER, (in_euros, 1))
    office.buy(CUSTOMER, (in_pounds, 3))
    office.settle()
    found = office.get("/sales").body
    assert [(one["currency"], one["orders"], one["taken"]["amount"]) for one in found["money"]] == [
        ("EUR", 2, "75.00"),
        ("GBP", 1, "30.00"),
    ]
    of_concerts = {one["concert_id"]: [money["taken"]["amount"] for money in one["money"]] for one in found["items"]}
    assert of_concerts == {str(euros): ["75.00"], str(pounds): ["30.00"]}
    first = office.get("/sales?limit=1").body
    second = office.get(f"/sales?limit=1&cursor={first['next_cursor']}").body
    assert {one["concert_id"] for one in first["items"] + second["items"]} == {str(euros), str(pounds)}
    assert second["next_cursor"] is None


def test_what_goes_back_for_one_concert_is_taken_from_no_other(office: Office) -> None:
    shop = office.shop
    cancelled, standing = shop.on_sale(price="25.00")
    goes_on, seated = shop.on_sale(price="40.00")
    order_id = office.buy(CUSTOMER, (standing, 2), (seated, 1))
    cancel_order(shop.context(), order_id, cancelled, "The concert is cancelled.")
    office.settle()
    for concert_id, taken, refunded, sold in ((cancelled, "50.00", "50.00", 0), (goes_on, "40.00", "0.00", 1)):
        (money,) = office.get(f"/concerts/{concert_id}/sales").body["money"]
        assert (money["taken"]["amount"], money["refunded"]["amount"], money["sold"]) == (taken, refunded, sold)
        assert money["kept"]["amount"] == "0.00"


def test_a_fee_is_kept_and_a_guest_costs_and_pays_nothing(office: Office) -> None:
    shop = office.shop
    concert_id, standing = shop.on_sale(price="25.00")
    terms = PolicyTerms(shop.clock() + timedelta(days=1), 10)
    set_policy(shop.repository, shop.request(ORGANISER), concert_id, terms)
    order_id = office.buy(CUSTOMER, (standing, 2))
    tickets = (shop.order_state(order_id).tickets[0].id,)
    refund_order(shop.repository, shop.gateways, shop.request(CUSTOMER), order_id, WantedRefund(tickets=tickets))
    issue_tickets(shop.repository, shop.vault, shop.request(ORGANISER), concert_id, standing, 3, {"name": "Gina"})
    office.settle()
    found = office.get(f"/concerts/{concert_id}/sales").body
    assert found["tickets"] == {"valid": 4, "revoked": 1, "checked_in": 0}
    (money,) = found["money"]
    assert amounts(money) == {
        "taken": "50.00",
        "refunded": "22.50",
        "refunding": "0.00",
        "charged_back": "0.00",
        "kept": "2.50",
    }
    buyers = [one["buyer"]["name"] for one in office.get(f"/concerts/{concert_id}/attendees").items]
    assert sorted(buyers) == ["Carla Jones"] + ["Gina"] * 3


def test_a_corrected_buyer_is_the_one_who_is_listed(office: Office) -> None:
    shop = office.shop
    _, standing = shop.on_sale()
    order_id = office.buy(CUSTOMER, (standing, 1), name="Carla Jnoes")
    right = {"name": "Carla Jones", "email": "carla@example.org"}
    correct_buyer(shop.repository, shop.vault, shop.request(CUSTOMER), order_id, right)
    office.settle()
    assert [one["buyer"] for one in office.get("/sales/orders").items] == [right]


def on_sale_at(office: Office, time_zone: str) -> tuple[UUID, UUID]:
    """A concert that is sold at all hours of these tests, in a venue of this time zone."""
    from chalicelib.shop.concerts import commands as concerts  # noqa: PLC0415 - beside its only use
    from chalicelib.shop.concerts.concert import ConcertDetails  # noqa: PLC0415
    from chalicelib.shop.venues import commands as venues  # noqa: PLC0415
    from chalicelib.shop.venues.venue import VenueDetails  # noqa: PLC0415

    shop = office.shop
    details = VenueDetails("Hall", "", 1500, "A", "C", "NL", time_zone)
    venue_id = venues.create_venue(shop.repository, shop.request(ORGANISER), details)
    concert_id = concerts.create_concert(shop.repository, shop.request(ORGANISER), ConcertDetails("Night", venue_id))
    starts_at = datetime(2031, 12, 1, 20, tzinfo=UTC)
    concerts.schedule_concert(
        shop.repository, shop.request(ORGANISER), concert_id, starts_at, starts_at + timedelta(hours=3)
    )
    ticket_type_id = shop.ticket_type(concert_id, quantity=100)
    shop.publish(concert_id)
    return concert_id, ticket_type_id


@pytest.mark.parametrize(
    ("midnight", "hours"),
    [
        (datetime(2031, 3, 29, 23, tzinfo=UTC), 23),
        (datetime(2031, 10, 25, 22, tzinfo=UTC), 25),
        (datetime(2031, 6, 9, 22, tzinfo=UTC), 24),
    ],
    ids=["summer time begins", "summer time ends", "any other"],
)
def test_a_day_is_that_of_the_venue_however_many_hours_it_has(office: Office, midnight: datetime, hours: int) -> None:
    clock = office.shop.clock
    clock.now = midnight - timedelta(days=3)
    concert_id, ticket_type_id = on_sale_at(office, "Europe/Amsterdam")
    last = midnight + timedelta(hours=hours) - timedelta(seconds=1)
    for at, quantity in ((midnight - timedelta(seconds=1), 1), (midnight, 2), (last, 3)):
        clock.now = at
        office.buy(CUSTOMER, (ticket_type_id, quantity))
    clock.now = last + timedelta(seconds=1)
    office.buy(CUSTOMER, (ticket_type_id, 4))
    office.settle()
    days = office.get(f"/concerts/{concert_id}/sales/days").items
    date = (midnight + timedelta(hours=12)).date()
    assert [(day["date"], day["tickets"]) for day in days] == [
        ((date - timedelta(days=1)).isoformat(), 1),
        (date.isoformat(), 5),
        ((date + timedelta(days=1)).isoformat(), 4),
    ]
    assert [day["hours"] for day in days] == [24, hours, 24]
    assert days[1]["sales"] == {"amount": "125.00", "currency": "EUR"}
    only = f"date_from={date}&date_to={date}"
    assert office.get(f"/concerts/{concert_id}/sales/days?{only}").items == office.get(f"/sales/days?{only}").items
    first = office.get(f"/concerts/{concert_id}/sales/days?limit=2").body
    rest = office.get(f"/concerts/{concert_id}/sales/days?limit=2&cursor={first['next_cursor']}").body
    assert first["items"] + rest["items"] == days


def test_a_refund_counts_on_the_day_on_which_it_arrived(office: Office) -> None:
    shop = office.shop
    concert_id, standing = shop.on_sale(price="25.00")
    order_id = office.buy(CUSTOMER, (standing, 2))
    shop.clock.advance(timedelta(days=2))
    cancel_order(shop.context(), order_id, concert_id, "The concert is cancelled.")
    office.settle()
    days = office.get(f"/concerts/{concert_id}/sales/days").items
    assert [(day["tickets"], day["sales"]["amount"], day["refunded"]["amount"]) for day in days] == [
        (2, "50.00", "0.00"),
        (0, "0.00", "50.00"),
    ]


def test_the_first_minutes_show_what_was_ordered_and_what_was_paid_in_the_end(office: Office) -> None:
    shop = office.shop
    concert_id, standing = shop.on_sale(quantity=50)
    office.buy(CUSTOMER, (standing, 2))
    shop.clock.advance(timedelta(minutes=2))
    office.order(OTHER_CUSTOMER, (standing, 3))
    office.buy(CUSTOMER, (standing, 1))
    shop.clock.advance(timedelta(minutes=30))
    office.buy(CUSTOMER, (standing, 1))
    office.settle()
    found = office.get(f"/concerts/{concert_id}/sales/opening?minutes=4").body
    assert [(one["ordered"], one["paid"]) for one in found["items"]] == [(2, 2), (0, 0), (4, 1), (0, 0)]
    assert office.get(f"/concerts/{concert_id}/sales/opening?minutes=241").status == 422


@pytest.mark.parametrize("what", ["days", "opening"])
def test_a_chart_has_a_title_a_description_and_a_table_with_its_numbers(office: Office, what: str) -> None:
    shop = office.shop
    concert_id = shop.draft(name='Ke$ha & <"P!nk">\uffff')
    standing = shop.ticket_type(concert_id)
    shop.publish(concert_id)
    office.settle()
    assert office.get(f"/concerts/{concert_id}/sales/{what}?format=svg").status == 200
    office.buy(CUSTOMER, (standing, 2))
    shop.clock.advance(timedelta(days=3))
    office.buy(CUSTOMER, (standing, 5))
    office.settle()
    answer = office.get(f"/concerts/{concert_id}/sales/{what}?format=svg")
    assert answer.headers["content-type"] == "image/svg+xml"
    chart, space = fromstring(answer.text), "{http://www.w3.org/2000/svg}"  # noqa: S314 - our own drawing
    assert 'Ke$ha & <"P!nk">' in (chart.findtext(f"{space}title") or "")
    assert "in all" in (chart.findtext(f"{space}desc") or "")
    (table,) = [group for group in chart.iter(f"{space}g") if group.get("role") == "table"]
    rows = [[cell.text for cell in row] for row in table]
    assert len(rows) == (1 + 4 if what == "days" else 1 + 30)
    assert rows[1][1] == "2"


# The first minutes


def test_the_first_minutes_begin_with_the_first_order_however_long_the_sale_was_open(office: Office) -> None:
    shop = office.shop
    concert_id = shop.draft()
    standing = shop.ticket_type(concert_id, quantity=50, sales_start=shop.clock() - timedelta(days=3))
    shop.publish(concert_id)
    shop.clock.advance(timedelta(minutes=45))
    office.buy(CUSTOMER, (standing, 2))
    office.settle()
    found = office.get(f"/concerts/{concert_id}/sales/opening").body["items"]
    assert (found[0]["ordered"], sum(one["ordered"] for one in found)) == (2, 2)


def test_guests_of_before_the_sale_are_no_part_of_its_first_minutes(office: Office) -> None:
    shop = office.shop
    concert_id = shop.draft()
    standing = shop.ticket_type(concert_id, quantity=50, sales_start=shop.clock() + timedelta(days=3))
    shop.publish(concert_id)
    request = shop.request(ORGANISER)
    issue_tickets(shop.repository, shop.vault, request, concert_id, standing, 3, {"name": "Gina"})
    shop.clock.advance(timedelta(days=3, minutes=1))
    office.buy(CUSTOMER, (standing, 2))
    office.settle()
    found = office.get(f"/concerts/{concert_id}/sales/opening").body["items"]
    assert sum(one["ordered"] for one in found) == 2


@pytest.mark.parametrize("at", ["2024-W01-1", "2024-01-01T00:00:00,5", "2024-01-01T00+00:00:30", "2024-01-01T00+18:00"])
def test_any_cursor_of_the_concerts_is_taken_or_refused(office: Office, at: str) -> None:
    office.shop.on_sale()
    office.settle()
    cursor = page_of([], (at, str(UUID(int=1))))["next_cursor"]
    assert office.get(f"/sales?cursor={cursor}").status in {200, 422}
