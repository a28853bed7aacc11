"""Tickets are shown at the doors of a concert."""

from dataclasses import dataclass
from uuid import uuid4

import httpx
import pytest
import zxingcpp

from tests.journeys.shop import Json, Shop, made, order_of, pay, person_of, publish_concert, race, refused, shown
from tests.support.pictures import rendered

ALWAYS = {"opens_at": "2020-01-01T00:00:00Z", "closes_at": "2100-01-01T00:00:00Z"}


@dataclass(frozen=True)
class Evening:
    path: str
    organiser: httpx.Client
    customer: httpx.Client
    order_id: str

    @property
    def check_ins(self) -> str:
        return f"{self.path}/check-ins"

    def tickets(self, version: int = 2) -> list[Json]:
        """The tickets as their customer reads them, as of this version of the order."""
        headers = {"Min-Version": f"{self.order_id}:{version}"}
        found: list[Json] = made(self.customer.get(f"/orders/{self.order_id}/tickets", headers=headers))["items"]
        return found

    def codes(self, version: int = 2) -> list[str]:
        return [ticket["code"] for ticket in self.tickets(version)]


@pytest.fixture
def door(shop: Shop) -> httpx.Client:
    return shop.as_role("door")


def bought(shop: Shop, quantity: int, *staff: httpx.Client) -> Evening:
    """A concert with staff at its doors, and somebody's tickets for it."""
    organiser, customer = shop.organiser(), shop.customer()
    concert = publish_concert(organiser)
    for door in staff:
        body = ALWAYS | {"person_id": person_of(door), "is_supervisor": door is staff[0]}
        made(organiser.post(f"/concerts/{concert.concert_id}/door-staff", json=body))
    order_id = order_of(customer, concert.ticket_type_id, quantity)
    made(pay(customer, order_id))
    return Evening(f"/concerts/{concert.concert_id}", organiser, customer, order_id)


def test_a_code_lets_one_person_in_and_the_refusal_says_when_and_where(shop: Shop, door: httpx.Client) -> None:
    evening = bought(shop, 2, door)
    first, second = evening.tickets()
    admitted = made(door.post(evening.check_ins, json=shown(first["code"])))
    assert (admitted["ticket_id"], admitted["ticket_type_name"]) == (first["id"], "Floor")
    again = refused(door.post(evening.check_ins, json=shown(first["code"], "South")), 409, "already_used")
    assert (again["checked_in_at"], again["gate"]) == (admitted["checked_in_at"], "North")
    made(door.post(evening.check_ins, json=shown(second["code"])))


def test_a_request_whose_reply_was_lost_lets_its_person_in(shop: Shop, door: httpx.Client) -> None:
    evening = bought(shop, 1, door)
    body = shown(evening.codes()[0])
    assert made(door.post(evening.check_ins, json=body)) == made(door.post(evening.check_ins, json=body))
    problem = refused(door.post(evening.check_ins, json=body | {"gate": "South"}), 422, "idempotency_key_reused")
    assert problem["errors"] == [{"pointer": "#/nonce", "detail": "was used"}]


def test_a_new_code_needs_no_reason_and_no_body(shop: Shop, door: httpx.Client) -> None:
    evening = bought(shop, 1, door)
    [ticket] = evening.tickets()
    reissued = made(evening.customer.post(f"/orders/{evening.order_id}/tickets/{ticket['id']}/reissue"))
    refused(door.post(evening.check_ins, json=shown(ticket["code"])), 410, "ticket_reissued")
    [code] = evening.codes(reissued["version"])
    made(door.post(evening.check_ins, json=shown(code)))


def test_of_many_gates_that_see_one_code_at_once_one_opens(shop: Shop) -> None:
    doors = [shop.as_role("door") for _ in range(12)]
    evening = bought(shop, 3, *doors)
    for code in evening.codes():
        answers = race([lambda door=door: door.post(evening.check_ins, json=shown(code)) for door in doors])  # type: ignore[misc] # noqa: B023
        assert sorted(answer.status_code for answer in answers) == [201] + [409] * 11


def test_each_code_that_admits_nobody_is_refused_for_its_own_reason(shop: Shop, door: httpx.Client) -> None:
    evening = bought(shop, 3, door)
    ticket, returned, lasting = evening.tickets()
    code = ticket["code"]
    altered = code[:-1] + ("0" if code[-1] != "0" else "1")
    for forged in ("A" * 201, altered, ticket["id"]):
        refused(door.post(evening.check_ins, json=shown(forged)), 400, "forged_code")
    elsewhere = bought(shop, 1, door)
    problem = refused(door.post(elsewhere.check_ins, json=shown(code)), 404, "another_concert")
    assert problem["concert_id"] in evening.path
    path = f"/orders/{evening.order_id}/tickets/{ticket['id']}/reissue"
    reissued = made(evening.customer.post(path, json={"reason": "lost phone"}))
    refused(door.post(evening.check_ins, json=shown(code)), 410, "ticket_reissued")
    made(door.post(evening.check_ins, json=shown(evening.codes(reissued["version"])[0])))
    body = {"tickets": [returned["id"]], "reason": "sick"}
    made(evening.organiser.post(f"/orders/{evening.order_id}/refunds", json=body))
    refused(door.post(evening.check_ins, json=shown(returned["code"])), 410, "ticket_refunded")
    operator = shop.as_role("operator")
    made(operator.post(f"{evening.path}/ticket-keys", json={"reason": "every year"}))
    keys = made(shop.visitor().get(f"{evening.path}/ticket-keys"))["keys"]
    assert len(keys) == 2
    made(operator.post(f"{evening.path}/ticket-keys/{keys[1]['kid']}/revoke", json={"reason": "leaked"}))
    refused(door.post(evening.check_ins, json=shown(lasting["code"])), 410, "key_revoked")
    made(door.post(evening.check_ins, json=shown(evening.codes(reissued["version"])[2])))


def test_a_cancelled_concert_stays_shut(shop: Shop, door: httpx.Client) -> None:
    evening = bought(shop, 1, door)
    [code] = evening.codes()
    made(shop.as_role("operator").post(f"{evening.path}/cancel"))
    shop.settle()
    refused(door.post(evening.check_ins, json=shown(code)), 410, "ticket_refunded")


def test_a_body_that_is_wrong_is_refused_field_by_field(shop: Shop, door: httpx.Client) -> None:
    evening = bought(shop, 1, door)
    problem = refused(door.post(evening.check_ins, json={"code": "X", "gate": "a\nb"}), 422, "invalid_input")
    assert sorted(error["pointer"] for error in problem["errors"]) == ["#/gate", "#/nonce"]
    assert refused(door.post(evening.check_ins, json={"order_id": "x", "ticket_id": "y"}), 422, "invalid_input")


def test_people_leave_and_come_in_again_where_the_organiser_lets_them(shop: Shop, door: httpx.Client) -> None:
    evening = bought(shop, 1, door)
    [code] = evening.codes()
    made(door.post(evening.check_ins, json=shown(code)))
    refused(door.post(f"{evening.path}/exits", json=shown(code)), 409, "no_reentry")
    rules, visitor = f"{evening.path}/door-rules", shop.visitor()
    before = visitor.get(rules)
    assert (made(before)["has_reentry"], made(before)["version"], before.headers.get("ETag")) == (False, None, None)
    made(evening.organiser.post(rules, json={"has_reentry": True}))
    after = visitor.get(rules)
    assert (made(after)["has_reentry"], after.headers["ETag"]) == (True, f'"{made(after)["version"]}"')
    left = made(door.post(f"{evening.path}/exits", json=shown(code, "South")))
    assert left["gate"] == "South"
    refused(door.post(f"{evening.path}/exits", json=shown(code)), 409, "not_inside")
    made(door.post(evening.check_ins, json=shown(code)))
    refused(door.post(evening.check_ins, json=shown(code)), 409, "already_used")


def test_a_mistake_is_undone_and_a_supervisor_overrules_and_the_organiser_sees_both(shop: Shop) -> None:
    supervisor, door = shop.as_role("door"), shop.as_role("door")
    evening = bought(shop, 1, supervisor, door)
    [ticket] = evening.tickets()
    body = shown(ticket["code"])
    made(door.post(evening.check_ins, json=body))
    undone = {"code": ticket["code"], "nonce": body["nonce"], "reason": "wrong queue"}
    made(door.post(f"{evening.check_ins}/undo", json=undone))
    made(door.post(evening.check_ins, json=shown(ticket["code"])))
    overriding = shown(ticket["code"], override="her brother has her bag")
    refused(door.post(evening.check_ins, json=overriding), 403, "not_a_supervisor")
    made(supervisor.post(evening.check_ins, json=overriding))
    shop.settle()
    report = made(evening.organiser.get(f"{evening.path}/door-report"))["items"]
    assert [(item["kind"], item["reason"]) for item in report] == [
        ("undone", None),
        ("override", "her brother has her bag"),
    ]
    counts = made(evening.organiser.get(f"{evening.path}/door-counts"))
    assert (counts["checked_in"], counts["inside"], counts["valid"]) == (1, 1, 1)
    assert sum(item["admitted"] for item in counts["items"]) == 2
    refused(evening.customer.get(f"{evening.path}/door-counts"), 403, "not_at_this_door")
    refused(shop.organiser().get(f"{evening.path}/door-report"), 403, "not_at_this_door")


def test_a_customer_has_the_code_as_a_picture_and_nobody_else_has(shop: Shop) -> None:
    evening = bought(shop, 1)
    [ticket] = evening.tickets()
    seen = {"Min-Version": f"{evening.order_id}:2"}
    shop.settle()
    assert made(evening.customer.get(f"/tickets/{ticket['id']}", headers=seen))["code"] == ticket["code"]
    picture = evening.customer.get(f"/tickets/{ticket['id']}.svg", headers=seen)
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/svg+xml")
    [found] = zxingcpp.read_barcodes(rendered(picture.text))
    assert (found.text, picture.headers["cache-control"]) == (ticket["code"], "no-store")
    for client in (evening.organiser, shop.customer(), shop.as_role("door"), shop.as_role("operator")):
        refused(client.get(f"/tickets/{ticket['id']}"), 404, "not_found")
        refused(client.get(f"/tickets/{ticket['id']}.svg"), 404, "not_found")
    refused(evening.customer.get(f"/tickets/{ticket['id']}.gif"), 404, "not_found")
    refused(evening.customer.get(f"/tickets/{uuid4()}"), 404, "not_found")


def test_only_door_staff_of_this_concert_lets_people_in(shop: Shop) -> None:
    evening = bought(shop, 1)
    [code] = evening.codes()
    for client in (shop.customer(), evening.organiser, shop.as_role("door"), shop.as_role("operator")):
        refused(client.post(evening.check_ins, json=shown(code)), 403, "not_at_this_door")
        refused(client.get(f"{evening.path}/door-list"), 403, "not_at_this_door")


def test_door_staff_of_an_organiser_is_at_the_doors_of_all_his_concerts_until_it_is_revoked(shop: Shop) -> None:
    organiser, door = shop.organiser(), shop.as_role("door")
    concert, person = publish_concert(organiser), person_of(door)
    path = f"/concerts/{concert.concert_id}/check-ins"
    nothing = shown("A" * 201)
    made(organiser.post("/door-staff", json=ALWAYS | {"person_id": person}))
    refused(door.post(path, json=nothing), 400, "forged_code")
    made(organiser.delete(f"/door-staff/{person}"))
    elsewhere = publish_concert(shop.organiser())
    refused(door.post(f"/concerts/{elsewhere.concert_id}/check-ins", json=nothing), 403, "not_at_this_door")


def test_an_organiser_names_door_staff_for_his_own_concerts_alone(shop: Shop) -> None:
    concert, other = publish_concert(shop.organiser()), shop.organiser()
    path, body = f"/concerts/{concert.concert_id}/door-staff", ALWAYS | {"person_id": str(uuid4())}
    refused(other.post(path, json=body), 403, "forbidden")
    refused(shop.customer().post(path, json=body), 403, "forbidden")
    refused(other.post(f"/concerts/{uuid4()}/door-staff", json=body), 404, "not_found")
    made(shop.as_role("operator").post(path, json=body))


def test_a_disabled_account_is_refused(shop: Shop) -> None:
    operator, organiser = shop.as_role("operator"), shop.organiser()
    person = person_of(organiser)
    made(operator.post(f"/accounts/{person}/disable", json={"reason": "lost phone"}))
    refused(organiser.get("/orders"), 401, "account_disabled")
    refused(shop.customer().post(f"/accounts/{person}/enable"), 403, "forbidden")
    made(operator.post(f"/accounts/{person}/enable"))
