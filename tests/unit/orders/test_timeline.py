"""What an order's timeline tells, and to whom."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.platform.caller import Actor
from chalicelib.platform.errors import PaymentRefused, Unavailable
from chalicelib.platform.eventsourcing.event import Event, JsonObject, event_classes
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.shop.carts.commands import extend_holds
from chalicelib.shop.concerts.commands import cancel_concert
from chalicelib.shop.concerts.live_commands import postpone_concert
from chalicelib.shop.mails.commands import record_bounce
from chalicelib.shop.mails.kinds import MailKind
from chalicelib.shop.mails.mail import Mail, MailKey
from chalicelib.shop.orders.doors.admission import let_out, undo
from chalicelib.shop.orders.doors.commands import set_rules
from chalicelib.shop.orders.doors.movements import Direction
from chalicelib.shop.orders.doors.offline import Device, OfflineScan, record_scans
from chalicelib.shop.orders.events import OrderEvent, RefundGranted, TicketRevocationCompleted
from chalicelib.shop.orders.order import ORDER
from chalicelib.shop.orders.timeline.entries import Happened, TimelineReader
from chalicelib.shop.orders.timeline.of_order import entries_of_order
from chalicelib.shop.orders.timeline.texts import en
from tests.support.any_events import events_of
from tests.support.request_scenario import Answered, GivenStreams
from tests.support.shop import CUSTOMER, HOLD_FOR, OPERATOR, ORGANISER, OTHER_CUSTOMER, OTHER_ORGANISER, Shop, some_id
from tests.support.stored import store_all

NOBODY = UUID(int=0)
DOOR = Actor.of("dora", [])


@dataclass(frozen=True)
class Sale(GivenStreams):
    concert_id: UUID = NOBODY
    ticket_type_id: UUID = NOBODY

    def timeline(self, order_id: UUID, actor: Actor = CUSTOMER, query: str = "") -> Answered:
        answered = self.when(actor, "GET", f"/orders/{order_id}/timeline{query}")
        assert (answered.status, answered.news) == (200, {}), answered.body
        return answered

    def kinds(self, order_id: UUID, actor: Actor = CUSTOMER) -> list[tuple[str, str]]:
        return [(item["kind"], item["by"]) for item in self.timeline(order_id, actor).body["items"]]

    def facts(self, order_id: UUID, kind: str, actor: Actor = CUSTOMER) -> JsonObject:
        found = [item["facts"] for item in self.timeline(order_id, actor).body["items"] if item["kind"] == kind]
        [facts] = found
        return dict(facts)

    def paid(self, quantity: int = 2) -> UUID:
        order_id = self.shop.order(self.ticket_type_id, quantity)
        self.later()
        self.shop.pay(order_id)
        return order_id

    def later(self) -> None:
        self.shop.clock.advance(timedelta(minutes=1))

    def refund(self, order_id: UUID, actor: Actor, body: Mapping[str, Any]) -> None:
        assert self.when(actor, "POST", f"/orders/{order_id}/refunds", dict(body)).status == 201


@pytest.fixture
def story() -> Sale:
    log = MemoryEventStore()
    shop = Shop(log)
    concert_id, ticket_type_id = shop.on_sale()
    return Sale(shop, log, concert_id=concert_id, ticket_type_id=ticket_type_id)


def test_an_order_is_told_from_its_cart_to_the_door(story: Sale) -> None:
    cart_id = story.shop.cart()
    story.shop.add(cart_id, story.ticket_type_id, 2)
    story.shop.clock.advance(timedelta(minutes=5))
    extend_holds(story.shop.repository, story.shop.request(CUSTOMER), cart_id, HOLD_FOR)
    story.later()
    order_id = story.shop.check_out(cart_id).order_id
    story.later()
    with pytest.raises(PaymentRefused):
        story.shop.pay(order_id, "tok_declined")
    story.later()
    story.shop.pay(order_id)
    story.later()
    story.shop.let_in(story.concert_id, story.shop.code(order_id), caller=story.shop.request(DOOR))
    expected = [
        ("cart_opened", "you"),
        ("tickets_held", "you"),
        ("holds_extended", "you"),
        ("order_placed", "you"),
        ("payment_started", "you"),
        ("payment_failed", "shop"),
        ("payment_started", "you"),
        ("order_confirmed", "you"),
        ("ticket_checked_in", "door"),
    ]
    assert story.kinds(order_id) == expected
    answered = story.timeline(order_id)
    assert answered.headers["etag"] == f'"{len(story.log.read(order_id)) - 1}"'
    assert answered.body["items"][1]["text"].startswith(
        "You put 2 × Standing for Patti Smith into the cart, held until"
    )
    assert answered.body["left_out"] == []


def test_a_hold_that_has_lapsed_is_told_at_its_deadline(story: Sale) -> None:
    cart_id = story.shop.cart()
    lapsed = story.shop.add(cart_id, story.ticket_type_id, 3)
    story.shop.clock.advance(HOLD_FOR + timedelta(minutes=1))
    story.shop.remove(cart_id, lapsed.item_id)
    story.shop.add(cart_id, story.ticket_type_id, 1)
    story.later()
    order_id = story.shop.check_out(cart_id).order_id
    [item] = [item for item in story.timeline(order_id).body["items"] if item["kind"] == "hold_lapsed"]
    assert (item["at"], item["facts"]["quantity"]) == (format_instant(lapsed.hold_expires_at), 3)
    assert [kind for kind, _ in story.kinds(order_id)] == [
        "cart_opened",
        "tickets_held",
        "hold_lapsed",
        "tickets_removed",
        "tickets_held",
        "order_placed",
    ]


def test_refunds_are_told_with_who_had_them_made_and_why(story: Sale) -> None:
    order_id = story.paid()
    tickets = [str(ticket.id) for ticket in story.shop.order_state(order_id).tickets]
    story.later()
    story.refund(order_id, ORGANISER, {"tickets": tickets[:1], "reason": "The view is blocked."})
    granted = story.facts(order_id, "refund_granted")
    assert (granted["quantity"], granted["reason"]) == (1, "The view is blocked.")
    assert granted["amount"] == {"amount": "25.00", "currency": "EUR"}
    kinds = story.kinds(order_id)[-4:]
    assert sorted(kinds) == sorted(
        [
            ("refund_started", "shop"),
            ("tickets_revoked", "organiser"),
            ("refund_granted", "organiser"),
            ("refund_completed", "shop"),
        ]
    )
    assert ("refund_granted", "you") in story.kinds(order_id, ORGANISER)
    text = story.timeline(order_id).body["items"][-2]["text"]
    assert text == "The organiser had 25.00 EUR given back and 1 ticket revoked: The view is blocked."


def test_one_ticket_is_told_in_the_singular(story: Sale) -> None:
    order_id = story.paid(quantity=1)
    [ticket] = story.shop.order_state(order_id).tickets
    story.refund(order_id, ORGANISER, {"tickets": [str(ticket.id)], "reason": "The view is blocked."})
    texts = [item["text"] for item in story.timeline(order_id).body["items"]]
    assert "The order was confirmed with 1 ticket." in texts
    assert "The organiser revoked 1 ticket of the order: The view is blocked." in texts
    assert not [text for text in texts if "1 tickets" in text]


def test_a_refund_that_fails_is_told_with_its_next_try(story: Sale) -> None:
    order_id = story.shop.order(story.ticket_type_id)
    story.shop.pay(order_id, "tok_refund_fails_once")
    story.later()
    story.refund(order_id, ORGANISER, {"all": True, "reason": "Rain."})
    retried = story.facts(order_id, "refund_retried")
    assert retried["retry_at"] > format_instant(story.shop.clock())
    story.shop.clock.advance(timedelta(minutes=11))
    story.shop.settle(order_id)
    assert ("refund_completed", "shop") in story.kinds(order_id)


def test_what_happened_to_the_concert_since_is_told(story: Sale) -> None:
    order_id = story.paid()
    story.later()
    postpone_concert(story.shop.repository, story.shop.request(ORGANISER), story.concert_id, None)
    story.later()
    cancel_concert(story.shop.repository, story.shop.request(OPERATOR), story.concert_id)
    assert story.kinds(order_id)[-2:] == [("concert_postponed", "organiser"), ("concert_cancelled", "shop")]
    assert story.kinds(order_id, ORGANISER)[-2:] == [("concert_postponed", "you"), ("concert_cancelled", "shop")]


def test_an_order_that_was_not_paid_and_one_that_was_cancelled_say_so(story: Sale) -> None:
    expired, cancelled = story.shop.order(story.ticket_type_id), story.shop.order(story.ticket_type_id)
    story.shop.cancel_order(cancelled)
    story.shop.clock.advance(timedelta(hours=1))
    story.shop.settle(expired)
    assert story.kinds(expired)[-1] == ("order_expired", "shop")
    assert story.kinds(cancelled)[-1] == ("order_cancelled", "you")


def at_the_doors(story: Sale, order_id: UUID) -> list[str]:
    return [kind for kind, by in story.kinds(order_id) if by == "door"]


def test_whoever_leaves_and_comes_in_again_is_told_as_often_and_what_was_undone_too(story: Sale) -> None:
    shop, order_id = story.shop, story.paid()
    set_rules(shop.repository, shop.request(ORGANISER), story.concert_id, has_reentry=True)
    code, staff, place = shop.code(order_id), shop.request(DOOR), story.concert_id
    expected = []
    for _ in range(3):
        story.later()
        shop.let_in(place, code, caller=staff)
        story.later()
        let_out(shop.repository, shop.code_book, staff, place, code, shop.scan())
        expected += ["ticket_checked_in", "ticket_left"]
    story.later()
    mistaken = shop.scan()
    shop.let_in(place, shop.code(order_id, 1), mistaken, staff)
    then = format_instant(shop.clock())
    story.later()
    undo(shop.repository, staff, shop.code_book, place, shop.code(order_id, 1), mistaken.nonce, "wrong queue")
    expected += ["ticket_checked_in", "scan_undone"]
    assert at_the_doors(story, order_id) == expected
    before = story.timeline(order_id, query=f"?as_of={then}").body["items"]
    assert [item["kind"] for item in before if item["by"] == "door"] == expected[:-1]
    assert "wrong queue" not in str(story.timeline(order_id).body)


def test_what_was_scanned_without_a_network_is_told_in_both_directions(story: Sale) -> None:
    shop, order_id = story.shop, story.paid()
    device = Device(some_id("phone"), shop.clock())
    scans = [
        OfflineScan(shop.code(order_id), some_id(way), "North", shop.clock(), Direction(way)) for way in ("in", "out")
    ]
    record_scans(shop.repository, shop.code_book, shop.request(DOOR), story.concert_id, device, scans, shop.clock())
    assert at_the_doors(story, order_id) == ["ticket_checked_in", "ticket_left"]


def test_the_doors_cost_a_second_read_once_somebody_is_in_and_never_more_than_four(story: Sale) -> None:
    shop, order_id = story.shop, story.paid(10)
    set_rules(shop.repository, shop.request(ORGANISER), story.concert_id, has_reentry=True)
    codes, staff = [shop.code(order_id, place) for place in range(10)], shop.request(DOOR)

    def picks() -> int:
        before = story.log.usage.requests["BatchGetItem"]
        left_out = story.timeline(order_id).body["left_out"]
        assert left_out in ([], ["check_ins"])
        return int(story.log.usage.requests["BatchGetItem"] - before) - 1 + 100 * len(left_out)

    assert picks() == 1
    for scanned in range(1, 33):
        for code in codes:
            if scanned % 2:
                shop.let_in(story.concert_id, code, caller=staff, repository=shop.repository)
            else:
                let_out(shop.repository, shop.code_book, staff, story.concert_id, code, shop.scan())
        if scanned in {1, 10, 11, 30, 31}:
            assert picks() == {1: 2, 10: 2, 11: 3, 30: 4, 31: 104}[scanned]


# --- who sees what ---------------------------------------------------------------------------------------------------


def test_others_are_told_that_there_is_no_such_order(story: Sale) -> None:
    order_id = story.paid()
    for actor in (OTHER_CUSTOMER, OTHER_ORGANISER, DOOR):
        story.when(actor, "GET", f"/orders/{order_id}/timeline").then_refuses(404, "not_found")
    for key in (NOBODY, story.concert_id):
        story.when(OPERATOR, "GET", f"/orders/{key}/timeline").then_refuses(404, "not_found")


def test_the_organiser_sees_no_secret_of_the_payment(story: Sale) -> None:
    order_id = story.shop.order(story.ticket_type_id)
    with pytest.raises(PaymentRefused):
        story.shop.pay(order_id, "tok_declined")
    assert story.facts(order_id, "payment_started")["provider"] == "sandbox"
    assert story.facts(order_id, "payment_failed")["reason"]
    for actor in (ORGANISER, OPERATOR):
        assert story.facts(order_id, "payment_started", actor) == story.facts(order_id, "payment_failed", actor) == {}
        assert ("order_placed", "customer") in story.kinds(order_id, actor)


def test_nobody_sees_whose_ids_did_it(story: Sale) -> None:
    order_id = story.paid()
    story.shop.let_in(story.concert_id, story.shop.code(order_id), caller=story.shop.request(DOOR))
    story.refund(order_id, OPERATOR, {"all": True, "reason": "Asked by phone."})
    for actor in (CUSTOMER, ORGANISER, OPERATOR):
        text = str(story.timeline(order_id, actor).body)
        for person in (CUSTOMER, ORGANISER, OPERATOR, DOOR):
            assert str(person.id) not in text
        assert not re.search("hash|reference|token", text)


def test_an_organiser_of_one_of_two_concerts_sees_that_one(story: Sale) -> None:
    shop = story.shop
    other = shop.draft(OTHER_ORGANISER, "Somebody Else")
    other_type = shop.ticket_type(other, actor=OTHER_ORGANISER, price="99.00")
    shop.publish(other, OTHER_ORGANISER)
    cart_id = shop.cart()
    shop.add(cart_id, story.ticket_type_id, 1)
    shop.add(cart_id, other_type, 2)
    order_id = shop.check_out(cart_id).order_id
    shop.pay(order_id)
    cancel_concert(shop.repository, shop.request(OTHER_ORGANISER), other)
    order = shop.order_state(order_id)
    story.refund(order_id, ORGANISER, {"all": True, "reason": "Rain."})
    theirs, mine = (story.timeline(order_id, actor).body["items"] for actor in (OTHER_ORGANISER, ORGANISER))
    assert order.tickets
    for items, hidden in ((theirs, story.concert_id), (mine, other)):
        assert str(hidden) not in str(items)
    assert "Somebody Else" not in str(mine)
    assert [item["facts"]["quantity"] for item in mine if item["kind"] == "tickets_held"] == [1]
    assert [item["facts"] for item in theirs if item["kind"] == "order_confirmed"] == [{"quantity": 2}]
    assert [item["kind"] for item in theirs].count("concert_cancelled") == 1
    assert [item["kind"] for item in theirs].count("refund_granted") == 0
    assert "total" not in story.facts(order_id, "order_placed", ORGANISER)
    assert story.facts(order_id, "order_placed")["total"]["amount"] == "223.00"


def test_complimentary_tickets_are_told_to_their_organiser(story: Sale) -> None:
    body = {"ticket_type_id": str(story.ticket_type_id), "guest": {"name": "Gina Guest"}}
    issued = story.when(ORGANISER, "POST", f"/concerts/{story.concert_id}/complimentary-tickets", body)
    order_id = UUID(issued.body["order_id"])
    story.when(ORGANISER, "DELETE", f"/orders/{order_id}/guest")
    assert story.kinds(order_id, ORGANISER) == [
        ("tickets_given_away", "you"),
        ("order_confirmed", "you"),
        ("buyer_erased", "you"),
    ]
    assert "Gina" not in str(story.timeline(order_id, ORGANISER).body)


# --- pages, and the past ---------------------------------------------------------------------------------------------


def test_pages_together_are_the_whole(story: Sale) -> None:
    order_id = story.paid()
    whole = story.timeline(order_id).body["items"]
    items: list[JsonObject] = []
    query = "?limit=2"
    while query:
        page = story.timeline(order_id, query=query).body
        items += page["items"]
        query = page["next_cursor"] and f"?limit=2&cursor={page['next_cursor']}"
    assert items == whole
    story.when(CUSTOMER, "GET", f"/orders/{order_id}/timeline?cursor=WyJ4Il0=").then_refuses(422, "invalid_input")


def test_the_past_shows_what_was_known_then(story: Sale) -> None:
    order_id = story.shop.order(story.ticket_type_id)
    then = format_instant(story.shop.clock())
    story.later()
    story.shop.pay(order_id)
    kinds = [item["kind"] for item in story.timeline(order_id, query=f"?as_of={then}").body["items"]]
    assert kinds == ["cart_opened", "tickets_held", "order_placed"]
    early = format_instant(story.shop.clock() - timedelta(days=1))
    path = f"/orders/{order_id}/timeline?as_of={early}"
    story.when(CUSTOMER, "GET", path).then_refuses(404, "not_found", first_event_at=then)
    story.when(OTHER_CUSTOMER, "GET", path).then_refuses(404, "not_found", first_event_at=None)


def test_what_cannot_be_read_within_the_budget_is_named(story: Sale) -> None:
    """The order itself, its check-ins and its cart come first."""
    shop = story.shop
    cart_id, concerts = shop.cart(), [shop.on_sale() for _ in range(12)]
    for _, ticket_type_id in concerts:
        shop.add(cart_id, ticket_type_id)
    order_id = shop.check_out(cart_id).order_id
    shop.pay(order_id)
    answered = story.timeline(order_id)
    assert answered.body["left_out"] == [*(str(concert_id) for concert_id, _ in concerts[5:]), "mails"]
    assert answered.body["items"][0]["kind"] == "cart_opened"


ORDER_EVENTS = sorted((cls for cls in event_classes() if issubclass(cls, OrderEvent)), key=lambda cls: cls.__name__)
SILENT = {TicketRevocationCompleted}
"""Tell the shop, and nobody else, that it has done its work."""


@given(data=st.data())
@pytest.mark.parametrize("cls", ORDER_EVENTS, ids=lambda cls: cls.__name__)
def test_every_event_of_an_order_has_a_text_that_its_facts_fill(cls: type[Event], data: st.DataObject) -> None:
    order_id, event = some_id("order"), data.draw(events_of(cls))
    [stored] = store_all(order_id, [event])
    order = ORDER.fold([event], ORDER.initial)
    reader = TimelineReader(CUSTOMER.id, frozenset(), is_customer=True)
    shown = [one.shown() for one in entries_of_order(order, Happened.of(stored), reader)]
    without_parts = isinstance(event, RefundGranted) and not event.parts
    assert len(shown) == (0 if cls in SILENT or without_parts else 1)
    assert all(item["kind"] in en.TEXTS and item["text"] for item in shown)


def test_a_lost_reply_is_told_as_what_became_of_it(story: Sale) -> None:
    order_id = story.shop.order(story.ticket_type_id)
    story.shop.gateway.lose_charge_replies = 1
    with pytest.raises(Unavailable):
        story.shop.pay(order_id)
    story.shop.clock.advance(timedelta(minutes=2))
    story.shop.settle(order_id)
    assert story.kinds(order_id)[-2:] == [("payment_started", "you"), ("order_confirmed", "shop")]


def test_a_mail_that_came_back_is_told_to_the_organiser_and_one_about_another_order_is_not(story: Sale) -> None:
    orders = [story.paid(), story.paid()]
    mail = Mail(MailKey(MailKind.CONFIRMATION, orders[0]), story.shop.clock(), recipient=str(CUSTOMER.id), address="x")
    record_bounce(story.shop.repository, story.shop.request(OPERATOR).origin, mail)
    told = [[kind for kind, _ in story.kinds(key, ORGANISER)] for key in orders]
    assert ["mail_bounced" in kinds for kinds in told] == [True, False]
