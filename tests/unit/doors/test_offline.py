"""What devices scanned without a network, told in any order: everybody has the same story, and the earliest counts."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.platform.errors import InvalidInput
from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.shop.orders.doors.movements import Direction
from chalicelib.shop.orders.doors.offline import LONGEST_AGO, Device, OfflineScan, record_scans
from chalicelib.shop.orders.doors.reissue import reissue_tickets
from chalicelib.shop.orders.ticket import TICKET, AlreadyUsed, Ticket
from tests.support.shop import CUSTOMER, ORGANISER, OTHER_CUSTOMER, Shop, some_id
from tests.support.stored import SOME_TIME

HOUR, TICKETS = 3600, 3
CLOCKS = (timedelta(seconds=-90), timedelta(0), timedelta(seconds=90))


@dataclass
class Phone:
    """A device whose clock is wrong by `off`, with what it scanned by that clock, and what it was told became of it."""

    id: UUID
    gate: str
    off: timedelta
    scans: list[OfflineScan] = field(default_factory=list)
    told: dict[str, JsonObject] = field(default_factory=dict)

    def scan(self, code: str, at: datetime, direction: Direction = Direction.IN) -> OfflineScan:
        nonce = some_id(f"{self.gate} {len(self.scans)}")
        self.scans.append(OfflineScan(code, nonce, self.gate, at + self.off, direction))
        return self.scans[-1]

    def tell(self, outage: "Evening") -> list[JsonObject]:
        """Upload everything, to a container of its own, and remember the answer."""
        shop, now = outage.shop, outage.shop.clock()
        outcomes: list[JsonObject] = list[Any](
            record_scans(
                shop.other_container(),
                shop.code_book,
                shop.request(ORGANISER),
                outage.concert_id,
                Device(self.id, now + self.off),
                self.scans,
                now,
            )
        )
        self.told = {outcome["nonce"]: outcome for outcome in outcomes}
        return outcomes


class Evening:
    """A concert with some tickets sold, as it begins."""

    def __init__(self) -> None:
        self.shop = Shop(MemoryEventStore())
        self.concert_id, ticket_type_id = self.shop.on_sale()
        self.order_id = self.shop.order(ticket_type_id, TICKETS)
        self.shop.pay(self.order_id)
        self.tickets = [ticket.id for ticket in self.shop.order_state(self.order_id).tickets]
        self.codes = [self.shop.code(self.order_id, place) for place in range(TICKETS)]
        self.began = self.shop.clock()

    def ticket(self, place: int = 0) -> Ticket:
        return self.shop.other_container().load(TICKET, self.tickets[place])[0]

    def later(self, seconds: float) -> datetime:
        return self.began + timedelta(seconds=seconds)


@pytest.fixture
def outage() -> Evening:
    return Evening()


def phones() -> list[Phone]:
    return [Phone(some_id(f"phone {place}"), f"Gate {place}", off) for place, off in enumerate(CLOCKS)]


scanned = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, TICKETS - 1), st.integers(0, HOUR), st.sampled_from(Direction)),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(scanned, st.permutations([0, 1, 2, 0, 1, 2]))
def test_in_whatever_order_phones_tell_everybody_has_the_same_story(
    scans: list[tuple[int, int, int, Direction]], order: list[int]
) -> None:
    """Three phones are without a network for an hour; each tells twice, because a reply was lost."""
    stories = []
    for uploads in (order, [0, 1, 2]):
        outage, devices = Evening(), phones()
        for phone, place, second, direction in scans:
            devices[phone].scan(outage.codes[place], outage.later(second), direction)
        outage.shop.clock.advance(timedelta(seconds=HOUR))
        for phone in uploads:
            devices[phone].tell(outage)
        for device in devices:
            device.tell(outage)
        stories.append([outage.ticket(place).story for place in range(TICKETS)])
        told = {nonce: outcome for device in devices for nonce, outcome in device.told.items()}
        for story in stories[-1]:
            for judged in story.scans:
                outcome = told.pop(str(judged.movement.nonce))
                assert outcome["outcome"] == judged.verdict
                assert outcome["at"] == format_instant(judged.movement.at)
        assert not told
    assert stories[0] == stories[1]
    for place in range(TICKETS):
        entries = sorted(second for _, ticket, second, way in scans if (ticket, way) == (place, Direction.IN))
        admissions = stories[0][place].admissions
        assert [one.at for one in admissions[:1]] == [SOME_TIME + timedelta(seconds=first) for first in entries[:1]]


def test_of_three_phones_that_saw_one_ticket_the_earliest_counts_though_its_clock_is_fast(
    outage: Evening,
) -> None:
    for order in permutations(range(3)):
        outage, devices = Evening(), phones()
        for second, device in zip((30, 20, 10), devices, strict=True):  # by their clocks it is the other way round
            device.scan(outage.codes[0], outage.later(second))
        outage.shop.clock.advance(timedelta(hours=1))
        for place in order:
            devices[place].tell(outage)
        [counts, first_double, second_double] = outage.ticket().story.scans
        assert (counts.movement.gate, counts.movement.at) == ("Gate 2", outage.later(10))
        assert [double.against for double in (first_double, second_double)] == [counts.movement] * 2
        outcomes = [device.tell(outage)[0] for device in devices]
        assert [outcome["outcome"] for outcome in outcomes] == ["double", "double", "admitted"]
        assert {outcome["counts"]["gate"] for outcome in outcomes[:2]} == {"Gate 2"}


def test_a_scan_without_a_network_was_before_one_with_it_that_came_later(outage: Evening) -> None:
    [phone, *_] = phones()
    phone.scan(outage.codes[0], outage.later(10))
    outage.shop.clock.advance(timedelta(minutes=1))
    online = outage.shop.scan("Online")
    outage.shop.let_in(outage.concert_id, outage.codes[0], online)
    phone.tell(outage)
    [counts, double] = outage.ticket().story.scans
    assert (counts.movement.gate, double.movement.nonce, double.against) == ("Gate 0", online.nonce, counts.movement)


def test_what_was_let_in_without_a_network_is_not_let_in_again(outage: Evening) -> None:
    [phone, *_] = phones()
    phone.scan(outage.codes[0], outage.later(10))
    outage.shop.clock.advance(timedelta(minutes=1))
    phone.tell(outage)
    with pytest.raises(AlreadyUsed) as refusal:
        outage.shop.let_in(outage.concert_id, outage.codes[0])
    assert refusal.value.facts == {"checked_in_at": format_instant(outage.later(10)), "gate": "Gate 0"}


def test_equal_times_are_ordered_by_device(outage: Evening) -> None:
    devices = phones()
    for device in devices:
        device.scan(outage.codes[0], outage.later(10))
    outage.shop.clock.advance(timedelta(minutes=1))
    for device in reversed(devices):
        device.tell(outage)
    assert outage.ticket().story.scans[0].movement.device_id == min(device.id for device in devices)


def test_a_code_that_was_reissued_before_it_was_scanned_is_flawed_and_after_it_is_not(outage: Evening) -> None:
    [phone, *_] = phones()
    outage.shop.clock.advance(timedelta(seconds=30))
    reissue_tickets(
        outage.shop.repository,
        outage.shop.request(CUSTOMER),
        outage.order_id,
        outage.tickets,
        "lost phone",
    )
    phone.scan(outage.codes[0], outage.later(29))
    phone.scan(outage.codes[1], outage.later(31))
    outage.shop.clock.advance(timedelta(minutes=1))
    assert [outcome["outcome"] for outcome in phone.tell(outage)] == ["admitted", "flawed"]
    outage.shop.let_in(outage.concert_id, outage.shop.code(outage.order_id, 1))


def test_what_is_forged_or_of_another_concert_holds_up_no_other_scan(outage: Evening) -> None:
    [phone, *_] = phones()
    _, ticket_type_id = outage.shop.on_sale()
    cart_id = outage.shop.cart(OTHER_CUSTOMER)
    outage.shop.add(cart_id, ticket_type_id, 1, outage.shop.request(OTHER_CUSTOMER))
    order_id = outage.shop.check_out(cart_id, outage.shop.request(OTHER_CUSTOMER)).order_id
    outage.shop.pay(order_id, caller=outage.shop.request(OTHER_CUSTOMER))
    for code in ("A" * 201, outage.shop.code(order_id), outage.codes[0]):
        phone.scan(code, outage.later(0))
    outcomes = phone.tell(outage)
    assert [outcome.get("code") for outcome in outcomes] == ["forged_code", "another_concert", None]
    assert outcomes[2]["outcome"] == "admitted"


def test_a_clock_that_was_set_in_between_makes_no_scan_of_the_future(outage: Evening) -> None:
    device = Device(some_id("phone"), outage.began)
    assert device.judge(outage.later(500), outage.began) == outage.began


def test_what_was_scanned_days_ago_is_refused_as_a_whole(outage: Evening) -> None:
    [phone, *_] = phones()
    phone.scan(outage.codes[0], outage.began)
    phone.scan(outage.codes[1], outage.began - LONGEST_AGO - timedelta(seconds=1))
    with pytest.raises(InvalidInput) as refusal:
        phone.tell(outage)
    assert [pointer for pointer, _ in refusal.value.fields] == ["#/scans/1/scanned_at"]
    assert outage.began == SOME_TIME
    assert outage.ticket() == Ticket()
