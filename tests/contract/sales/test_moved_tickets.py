"""Tickets that were moved, as organisers see them: who comes, whose the money is, and what happened on which day."""

from datetime import timedelta
from uuid import UUID

from chalicelib.platform.money import Money
from chalicelib.shop.concerts import live_commands
from chalicelib.shop.orders.moves import WantedMove, move_tickets
from chalicelib.shop.orders.policies import set_policy
from chalicelib.shop.orders.refund_policy import PolicyTerms
from chalicelib.shop.orders.refunding import WantedRefund, refund_order
from tests.contract.sales.office import Office
from tests.support.shop import CUSTOMER, ORGANISER, OTHER_CUSTOMER

GINA = {"name": "Gina Guest", "email": "gina@example.org"}


def move(
    office: Office,
    order_id: UUID,
    place: int,
    to: UUID | None = None,
    concert_id: UUID | None = None,
    holder: dict[str, str] | None = None,
) -> None:
    shop = office.shop
    tickets = (shop.order_state(order_id).tickets[place].id,)
    wanted = WantedMove(tickets, to, concert_id, holder)
    move_tickets(shop.repository, shop.vault, shop.gateways, shop.request(ORGANISER), order_id, wanted)


def test_the_door_list_has_who_holds_the_ticket_now(office: Office) -> None:
    concert_id, standing = office.shop.on_sale()
    order_id = office.buy(CUSTOMER, (standing, 2))
    move(office, order_id, 0, holder=GINA)
    office.settle()
    path = f"/concerts/{concert_id}/attendees"
    assert {one["buyer"]["name"] for one in office.get(path).items} == {"Carla Jones", "Gina Guest"}
    assert [one["buyer"] for one in office.get(f"{path}?q=gina").items] == [GINA]
    assert office.get(f"{path}?q=carla").items[0]["buyer"]["name"] == "Carla Jones"
    [move_id] = office.shop.order_state(order_id).moves
    office.shop.vault.erase(move_id)
    assert {one["buyer"] and one["buyer"]["name"] for one in office.get(path).items} == {"Carla Jones", None}


def test_the_money_goes_with_the_ticket(office: Office) -> None:
    shop = office.shop
    here, standing = shop.on_sale(price="25.00")
    cheap, stairs = shop.on_sale(price="10.00")
    dear, boxes = shop.on_sale(price="40.00")
    order_id = office.buy(CUSTOMER, (standing, 3))
    move(office, order_id, 0, stairs, cheap)
    move(office, order_id, 1, boxes, dear)
    shop.pay(order_id)
    office.settle()
    found = {}
    for concert_id in (here, cheap, dear):
        (money,) = office.get(f"/concerts/{concert_id}/sales").body["money"]
        found[concert_id] = tuple(money[name]["amount"] for name in ("taken", "refunded", "kept")), money["sold"]
    assert found == {
        here: (("40.00", "15.00", "0.00"), 1),
        cheap: (("10.00", "0.00", "0.00"), 1),
        dear: (("40.00", "0.00", "0.00"), 1),
    }
    (money,) = office.get("/sales").body["money"]
    assert (money["taken"]["amount"], money["refunded"]["amount"]) == ("90.00", "15.00")
    for concert_id, sold in ((here, [("Standing", 1)]), (cheap, [("Standing", 1)])):
        (order,) = office.get(f"/concerts/{concert_id}/orders").items
        assert [(line["ticket_type_name"], line["quantity"]) for line in order["lines"]] == sold


def test_a_move_counts_on_its_own_day_and_changes_no_day_before(office: Office) -> None:
    shop = office.shop
    here, standing = shop.on_sale(price="25.00")
    there, boxes = shop.on_sale(price="40.00")
    order_id = office.buy(CUSTOMER, (standing, 2))
    office.settle()
    path = f"/concerts/{here}/sales/days"
    [before] = office.get(path).items
    shop.clock.advance(timedelta(days=2))
    move(office, order_id, 0, boxes, there)
    shop.pay(order_id)
    office.settle()
    first, second = office.get(path).items
    assert first == before
    assert (second["tickets"], second["sales"]) == (-1, {"amount": "-25.00", "currency": "EUR"})
    [came] = office.get(f"/concerts/{there}/sales/days").items
    assert (came["tickets"], came["sales"]["amount"]) == (1, "40.00")
    whole = office.get("/sales/days").items
    assert [(one["tickets"], one["sales"]["amount"]) for one in whole] == [(2, "50.00"), (0, "15.00")]
    chart = office.get("/sales/days?format=svg")
    assert (chart.status, "All concerts: tickets sold by day" in chart.text) == (200, True)
    assert 'height="-' not in office.get(f"{path}?format=svg").text


def test_what_a_type_has_sold_is_worth_what_was_paid_at_each_price(office: Office) -> None:
    shop = office.shop
    concert_id, standing = shop.on_sale(price="25.00")
    office.buy(CUSTOMER, (standing, 1))
    price = Money.of("19.99", "EUR")
    live_commands.change_ticket_type(shop.repository, shop.request(ORGANISER), concert_id, standing, {"price": price})
    office.buy(OTHER_CUSTOMER, (standing, 3))
    cheap = office.buy(CUSTOMER, (standing, 2))
    tickets = (shop.order_state(cheap).tickets[0].id,)
    refund_order(shop.repository, shop.gateways, shop.request(ORGANISER), cheap, WantedRefund("x", tickets))
    office.settle()
    [kind] = office.get(f"/concerts/{concert_id}/sales").body["ticket_types"]
    assert (kind["sold"], kind["value"]["amount"]) == (5, "104.96")


def test_a_fee_per_ticket_is_kept_over_all_concerts(office: Office) -> None:
    shop = office.shop
    concert_id, standing = shop.on_sale(price="25.00")
    terms = PolicyTerms(shop.clock() + timedelta(days=1), 10, fee_per_ticket=Money.of("2.50", "EUR"))
    set_policy(shop.repository, shop.request(ORGANISER), concert_id, terms)
    order_id = office.buy(CUSTOMER, (standing, 2))
    refund_order(shop.repository, shop.gateways, shop.request(CUSTOMER), order_id, WantedRefund())
    office.settle()
    (money,) = office.get("/sales").body["money"]
    found = tuple(money[name]["amount"] for name in ("taken", "refunded", "kept"))
    assert found == ("50.00", "40.00", "10.00")
