"""What a door takes along, and what the organiser sees of the doors, as Postgres has it."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from chalicelib.platform.caller import Actor, Role
from chalicelib.shop.access.commands import grant_door
from chalicelib.shop.access.doors import DoorHours, Place
from chalicelib.shop.orders.doors.admission import let_out
from chalicelib.shop.orders.doors.commands import set_rules
from chalicelib.shop.orders.doors.door_list import ticket_name
from chalicelib.shop.orders.doors.offline import Device, OfflineScan, record_scans
from chalicelib.shop.orders.doors.reissue import reissue_tickets
from chalicelib.shop.orders.doors.watch_api import SIGNED_AS
from chalicelib.shop.orders.refunding import WantedRefund, refund_order
from tests.contract.sales.office import Office, Read
from tests.support.shop import CUSTOMER, ORGANISER, OTHER_ORGANISER, some_id

DOOR = Actor(some_id("dora"), frozenset({Role.CUSTOMER}))


class Evening:
    """A concert with five tickets sold and somebody at its doors."""

    def __init__(self, office: Office) -> None:
        self.office, self.shop = office, office.shop
        self.concert_id, ticket_type_id = self.shop.on_sale()
        self.order_id = office.buy(CUSTOMER, (ticket_type_id, 5))
        self.tickets = [ticket.id for ticket in self.shop.order_state(self.order_id).tickets]
        hours = DoorHours(self.shop.clock(), self.shop.clock() + timedelta(days=1))
        grant_door(self.shop.repository, self.shop.request(ORGANISER), DOOR.id, Place(self.concert_id), hours)
        office.settle()

    def read_list(self, query: str = "", **headers: str) -> Read:
        return self.office.get(f"/concerts/{self.concert_id}/door-list{query}", DOOR, **headers)

    def entries_since(self, cursor: str) -> dict[str, list[Any]]:
        """What is new, by ticket."""
        self.office.settle()
        return by_ticket(self.read_list(f"?since={cursor}").body)

    def let_in(self, place: int, gate: str = "North") -> None:
        self.shop.let_in(self.concert_id, self.shop.code(self.order_id, place), self.shop.scan(gate))


def by_ticket(listed: Mapping[str, Any]) -> dict[str, list[Any]]:
    return {name: rest for name, *rest in listed["entries"]}


@pytest.fixture
def gates(office: Office) -> Evening:
    return Evening(office)


def verify(read: Read) -> None:
    """Check the signature as a device does, with the keys of the list."""
    kid, signature = read.headers["door-list-signature"].split(".")
    [key] = [key for key in read.body["keys"] if key["kid"] == kid]
    public = Ed25519PublicKey.from_public_bytes(urlsafe_b64decode(key["x"] + "="))
    public.verify(urlsafe_b64decode(signature), SIGNED_AS + read.text.encode())


def test_a_list_begins_with_nothing_but_keys_and_rules_and_is_signed(gates: Evening) -> None:
    read = gates.read_list()
    verify(read)
    assert (read.body["entries"], read.body["is_delta"], read.body["is_complete"]) == ([], False, True)
    assert (read.body["has_reentry"], len(read.body["keys"])) == (False, 1)
    altered = read._replace(text=read.text.replace("false", "true"))
    with pytest.raises(InvalidSignature):
        verify(altered)


def test_a_delta_has_who_came_in_and_what_was_reissued_and_revoked_and_nothing_else(gates: Evening) -> None:
    shop = gates.shop
    first = gates.read_list().body["next"]
    gates.let_in(0)
    at = int(shop.clock().timestamp())
    assert gates.entries_since(first) == {ticket_name(gates.tickets[0]): [0, "in", "North", at]}
    second = gates.read_list().body["next"]
    reissue_tickets(shop.repository, shop.request(CUSTOMER), gates.order_id, [gates.tickets[1]], "lost")
    wanted = WantedRefund(reason="sick", tickets=(gates.tickets[2],))
    refund_order(shop.repository, shop.gateways, shop.request(ORGANISER), gates.order_id, wanted)
    assert gates.entries_since(second) == {
        ticket_name(gates.tickets[1]): [1, "new", None, None],
        ticket_name(gates.tickets[2]): [0, "revoked", None, None],
    }
    assert len(by_ticket(gates.read_list().body)) == len(gates.entries_since(first)) == 3


def test_whoever_left_or_was_let_in_by_mistake_is_in_the_delta_too(gates: Evening) -> None:
    shop = gates.shop
    set_rules(shop.repository, shop.request(ORGANISER), gates.concert_id, has_reentry=True)
    gates.let_in(0)
    gates.office.settle()
    cursor = gates.read_list().body["next"]
    code = shop.code(gates.order_id)
    let_out(shop.other_container(), shop.code_book, shop.request(ORGANISER), gates.concert_id, code, shop.scan())
    [[serial, state, gate, _]] = gates.entries_since(cursor).values()
    assert (serial, state, gate) == (0, "out", "North")
    assert gates.read_list().body["has_reentry"] is True


def test_nothing_new_is_304_and_has_the_same_bytes(gates: Evening) -> None:
    gates.let_in(0)
    gates.office.settle()
    cursor = gates.read_list().body["next"]
    read = gates.read_list(f"?since={cursor}")
    assert (read.body["entries"], read.body["next"], read.body["is_delta"]) == ([], cursor, True)
    again = gates.read_list(f"?since={cursor}", If_None_Match=read.headers["etag"])
    assert (again.status, again.text, again.headers["etag"]) == (304, "", read.headers["etag"])
    gates.let_in(1)
    gates.office.settle()
    assert gates.read_list(f"?since={cursor}", If_None_Match=read.headers["etag"]).status == 200


def test_a_long_list_comes_in_parts_and_a_change_meanwhile_is_in_the_next_delta(gates: Evening) -> None:
    for place in range(4):
        gates.let_in(place)
    gates.office.settle()
    read = gates.read_list("?limit=3").body
    assert (len(read["entries"]), read["is_complete"], read["is_delta"]) == (3, False, False)
    gates.let_in(4)
    gates.office.settle()
    last = gates.read_list(f"?limit=3&since={read['next']}").body
    assert (last["is_complete"], last["is_delta"]) == (True, True)
    delta = gates.read_list(f"?since={last['next']}").body
    seen = by_ticket(read).keys() | by_ticket(last).keys() | by_ticket(delta).keys()
    assert seen == {ticket_name(ticket) for ticket in gates.tickets}


def test_a_change_that_commits_late_is_not_left_out(gates: Evening) -> None:
    """A projection that began before the list was read, and ends after others."""
    gates.let_in(0)
    gates.let_in(1)
    gates.office.settle()
    with gates.office.model.pool.transaction() as slow:
        slow.execute(
            b"update sales_1.sales_check_ins set gate = 'Slow', changed_in = default where id = %(id)s",
            {"id": gates.tickets[0]},
        )
        cursor = gates.read_list().body["next"]
        gates.let_in(2)
        gates.office.settle()
        cursor = gates.read_list(f"?since={cursor}").body["next"]
    assert by_ticket(gates.read_list(f"?since={cursor}").body)[ticket_name(gates.tickets[0])][2] == "Slow"


@pytest.mark.parametrize("cursor", ["x", "MS8w", "LS8wLy8w", "%00", "MS85OTk5OTk5OTk5OTk5OTk5OTk5OTk5OS8vMDA="])
def test_a_cursor_that_was_made_up_is_refused(gates: Evening, cursor: str) -> None:
    assert gates.read_list(f"?since={cursor}").status == 422


def test_a_cursor_of_a_restored_server_begins_anew(gates: Evening) -> None:
    gates.let_in(0)
    gates.office.settle()
    from_the_future = "MS85OTk5OTk5OTk5OTk5Ly8wMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMA=="
    read = gates.read_list(f"?since={from_the_future}").body
    assert (read["is_delta"], len(read["entries"])) == (False, 1)


def test_counts_are_by_minute_and_gate_and_say_how_many_are_inside(gates: Evening) -> None:
    gates.let_in(0)
    gates.let_in(1, "South")
    gates.shop.clock.advance(timedelta(minutes=1))
    gates.let_in(2)
    gates.office.settle()
    path = f"/concerts/{gates.concert_id}/door-counts"
    counted = gates.office.get(path).body
    assert (counted["inside"], counted["checked_in"], counted["valid"]) == (3, 3, 5)
    assert [(item["gate"], item["admitted"]) for item in counted["items"]] == [("North", 1), ("South", 1), ("North", 1)]
    page = gates.office.get(f"{path}?limit=2").body
    assert gates.office.get(f"{path}?limit=2&cursor={page['next_cursor']}").items == counted["items"][2:]
    assert gates.office.get(path, OTHER_ORGANISER).status == gates.office.get(path, CUSTOMER).status == 403
    assert gates.office.get(path, DOOR).status == 200


def test_every_double_entry_is_in_the_report_with_both_gates(gates: Evening) -> None:
    shop, now = gates.shop, gates.shop.clock()
    for gate, seconds in (("North", 30), ("South", 10), ("West", 20)):
        scan = OfflineScan(shop.code(gates.order_id), some_id(gate), gate, now - timedelta(seconds=seconds))
        device = Device(some_id(f"phone at {gate}"), now)
        record_scans(
            shop.other_container(),
            shop.code_book,
            shop.request(ORGANISER),
            gates.concert_id,
            device,
            [scan],
            now,
        )
    gates.office.settle()
    path = f"/concerts/{gates.concert_id}/door-report"
    report = gates.office.get(path).items
    assert [(item["kind"], item["gate"], item["counts"]["gate"]) for item in report] == [
        ("double", "West", "North"),
        ("double", "South", "North"),
    ]
    assert {UUID(item["ticket_id"]) for item in report} == {gates.tickets[0]}
    assert {item["order_id"] for item in report} == {str(gates.order_id)}
    page = gates.office.get(f"{path}?limit=1").body
    assert gates.office.get(f"{path}?limit=1&cursor={page['next_cursor']}").items == report[1:]
    assert json.dumps(report).count("phone") == 0
