"""People and machines work for an organiser: invited, admitted to what is theirs to do, and gone within a minute."""

from uuid import uuid4

import pytest

from chalicelib import composition
from tests.journeys.company import Company
from tests.journeys.shop import ANY_VERSION, Shop, made, order_of, pay, person_of, publish_concert, refused, shown


@pytest.fixture
def company(shop: Shop) -> Company:
    return Company(shop)


@pytest.mark.needs_the_stack
def test_staff_publishes_and_sells_and_somebody_lets_people_in_and_a_machine_reads_the_sales(
    company: Company, shop: Shop
) -> None:
    concert = publish_concert(company.staff)
    path = f"/concerts/{concert.concert_id}"
    customer = shop.customer()
    order_id = order_of(customer, concert.ticket_type_id, 2)
    made(pay(customer, order_id))
    shop.settle()
    assert made(company.owner.get(path))["organiser_id"] == company.id
    sales = made(company.staff.get(f"{path}/sales"))
    assert sales["ticket_types"][0]["sold"] == 2
    company.open_doors(concert.concert_id)
    [ticket, _] = made(customer.get(f"/orders/{order_id}/tickets"))["items"]
    made(company.door.post(f"{path}/check-ins", json=shown(ticket["code"])))
    machine = company.key("sales:read")
    assert made(machine.get(f"{path}/sales")) == sales
    assert made(machine.get("/sales"))["items"][0]["concert_id"] == concert.concert_id
    refused(machine.get(f"{path}/attendees"), 403, "scope_needed")
    refused(machine.patch(path, json={"name": "Sigur Rós"}, headers=ANY_VERSION), 403, "scope_needed")
    refused(company.staff.post(f"{path}/refund-policy", json={"fee_percent": 5}), 403, "owner_needed")
    refused(company.door.get(f"{path}/sales"), 403, "forbidden")


def test_a_machine_sells_what_it_may_write_and_nobody_else_sees_its_draft(company: Company, shop: Shop) -> None:
    machine, other = company.key("concerts:write"), company.key("sales:read")
    concert_id = made(machine.post("/concerts", json={"name": "Björk", "venue_id": company.venue()}))["id"]
    shop.settle()
    assert made(machine.get(f"/concerts/{concert_id}"))["organiser_id"] == company.id
    for client in (other, shop.visitor(), shop.organiser()):
        refused(client.get(f"/concerts/{concert_id}"), 404, "not_found")
    refused(machine.post(f"/concerts/{concert_id}/cancel"), 403, "scope_needed")


@pytest.mark.needs_the_stack
def test_a_member_who_is_removed_is_refused_by_every_new_container_and_by_an_old_one_in_a_minute(
    company: Company,
) -> None:
    venue_id = company.venue()
    made(company.staff.patch(f"/venues/{venue_id}", json={"capacity": 5}, headers=ANY_VERSION))
    members = company.owner.get(f"{company.path}/members")
    [_, staff, _] = made(members)["items"]
    assert staff == {**staff, "person_id": person_of(company.staff), "role": "staff", "email": "sven@example.org"}
    path = f"{company.path}/members/{person_of(company.staff)}"
    refused(company.owner.delete(path, headers={"If-Match": '"0"'}), 412, "version_mismatch")
    assert company.owner.delete(path, headers={"If-Match": members.headers["etag"]}).status_code == 204
    composition.use(None)
    refused(company.staff.patch(f"/venues/{venue_id}", json={"capacity": 6}, headers=ANY_VERSION), 403, "forbidden")
    assert made(company.staff.get("/me"))["organisers"] == []


def test_an_invitation_is_accepted_once_and_only_with_its_secret(company: Company, shop: Shop) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    body = {"email": "sven@example.org", "role": "staff"}
    path = f"{company.path}/invitations"
    invited = made(company.owner.post(path, json=body, headers=key))
    assert made(company.owner.post(path, json=body, headers=key)) == invited
    refused(company.owner.post(path, json={**body, "role": "owner"}, headers=key), 422, "idempotency_key_reused")
    [listed] = made(company.owner.get(path))["items"]
    assert listed == {name: invited[name] for name in ("id", "email", "role", "expires_at")}
    accept, sven, other = f"{path}/{invited['id']}/accept", shop.customer(), shop.customer()
    refused(sven.post(accept, json={"secret": "guess"}), 404, "not_found")
    for _ in range(2):
        assert made(sven.post(accept, json={"secret": invited["secret"]}))["role"] == "staff"
    refused(other.post(accept, json={"secret": invited["secret"]}), 409, "invitation_used")
    refused(company.owner.post(accept, json={"secret": company.invite()["secret"]}), 404, "not_found")
    assert made(sven.get("/me"))["organisers"] == [{"organiser_id": company.id, "role": "staff"}]


def test_an_invitation_that_was_revoked_is_gone(company: Company, shop: Shop) -> None:
    invited = company.invite()
    path = f"{company.path}/invitations/{invited['id']}"
    assert company.owner.delete(path).status_code == 204
    refused(shop.customer().post(f"{path}/accept", json={"secret": invited["secret"]}), 410, "invitation_expired")
    assert made(company.owner.get(f"{company.path}/invitations"))["items"] == []


def test_a_key_is_told_once_seen_in_use_and_refused_after_it_was_revoked(company: Company) -> None:
    path, key = f"{company.path}/api-keys", {"Idempotency-Key": str(uuid4())}
    body = {"name": "Box office", "scopes": ["sales:read", "door"], "expires_in_days": 30}
    first = made(company.owner.post(path, json=body, headers=key))
    assert made(company.owner.post(path, json=body, headers=key)) == first
    machine = company.with_authorization(f"Bearer {first['key']}")
    [listed] = made(company.owner.get(path))["items"]
    assert (listed["name"], listed["last_used_at"]) == ("Box office", None)
    assert "key" not in listed
    me = {"kind": "api_key", "id": first["id"], "organiser_id": company.id, "scopes": ["door", "sales:read"]}
    assert made(machine.get("/me")) == me
    assert made(company.owner.get(path))["items"][0]["last_used_at"] is not None
    unused = made(company.owner.post(path, json=body))
    assert company.owner.delete(f"{path}/{unused['id']}").status_code == 204
    assert [item["id"] for item in made(company.owner.get(path))["items"]] == [first["id"]]
    refused(company.with_authorization(f"Bearer {unused['key']}").get("/me"), 401, "unauthenticated")


def test_bad_input_is_named(company: Company) -> None:
    keys, invitations = f"{company.path}/api-keys", f"{company.path}/invitations"
    for path, body, pointer in (
        (keys, {"name": "K", "scopes": []}, "#/scopes"),
        (keys, {"name": "K", "scopes": ["everything"]}, "#/scopes/0"),
        (keys, {"name": "K", "scopes": ["door", "door"]}, "#/scopes"),
        (keys, {"name": "", "scopes": ["door"]}, "#/name"),
        (keys, {"name": "K", "scopes": ["door"], "expires_in_days": 731}, "#/expires_in_days"),
        (invitations, {"email": "nobody", "role": "staff"}, "#/email"),
        (invitations, {"email": "a@example.org", "role": "king"}, "#/role"),
        (invitations, {"email": "a@example.org", "role": "staff", "expires_in_days": 0}, "#/expires_in_days"),
    ):
        problem = refused(company.owner.post(path, json=body), 422, "invalid_input")
        assert pointer in [error["pointer"] for error in problem["errors"]]


@pytest.mark.needs_the_stack
def test_operators_see_and_change_who_works_for_an_organiser(
    company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    from ops.__main__ import main  # noqa: PLC0415 - reads the environment

    person = str(uuid4())
    assert main(["member", person, "--organiser", company.id, "--role", "staff"]) == 0
    organisers = made(company.shop.customer(person).get("/me"))["organisers"]
    assert organisers == [{"organiser_id": company.id, "role": "staff"}]
    assert main(["member", person, "--organiser", company.id, "--remove"]) == 0
    assert made(company.shop.customer(person).get("/me"))["organisers"] == []
    company.key("door")
    capsys.readouterr()
    assert main(["team", "--organiser", company.id]) == 0
    assert "door" in capsys.readouterr().out
    [key] = made(company.owner.get(f"{company.path}/api-keys"))["items"]
    assert main(["keys", "--organiser", company.id, "--revoke", key["id"]]) == 0
    assert made(company.owner.get(f"{company.path}/api-keys"))["items"] == []
