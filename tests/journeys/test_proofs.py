"""A buyer proves that their ticket is counted, and anybody counts again."""

import hashlib
import json
from pathlib import Path

import httpx
import pytest

from chalicelib.shop.orders.proofs.tree import Tree, leaf_bytes
from ops.__main__ import main
from tests.journeys.shop import Json, Shop, made, order_of, pay, publish_concert, refused

pytestmark = pytest.mark.needs_the_stack


class Sold:
    """A concert with three tickets of one customer, all of them certified."""

    def __init__(self, shop: Shop) -> None:
        self.shop, self.organiser, self.customer = shop, shop.organiser(), shop.customer()
        concert = publish_concert(self.organiser)
        self.ticket_type_id, self.path = concert.ticket_type_id, f"/concerts/{concert.concert_id}"
        self.order_id = order_of(self.customer, self.ticket_type_id, 3)
        made(pay(self.customer, self.order_id))
        self.certify()
        self.tickets = [one["id"] for one in made(self.customer.get(f"/orders/{self.order_id}/tickets"))["items"]]

    def certify(self) -> None:
        self.shop.settle()
        self.shop.pump.tick()

    def proof(self, ticket_id: str, of: httpx.Client | None = None) -> httpx.Response:
        return (of or self.customer).get(f"/orders/{self.order_id}/tickets/{ticket_id}/proof")

    def read(self, what: str = "", **query: int) -> Json:
        """What anybody reads."""
        return made(self.shop.visitor().get(f"{self.path}/sold{what}", params=query))


@pytest.fixture
def sold(shop: Shop) -> Sold:
    return Sold(shop)


def test_a_buyer_proves_that_a_ticket_is_counted_before_and_after_it_was_given_back(
    sold: Sold, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("proof", "later", "keys", "certificate")
    files = {name: tmp_path / f"{name}.json" for name in names}
    files["proof"].write_text(sold.proof(sold.tickets[0]).text)
    files["certificate"].write_text(json.dumps(sold.read()))
    body = {"tickets": [sold.tickets[0]], "reason": "sick"}
    made(sold.organiser.post(f"/orders/{sold.order_id}/refunds", json=body))
    sold.certify()
    files["later"].write_text(sold.proof(sold.tickets[0]).text)
    files["keys"].write_text(sold.shop.visitor().get(f"{sold.path}/ticket-keys").text)
    keys = ["--keys", str(files["keys"])]
    assert main(["prove", str(files["proof"]), *keys, "--certificate", str(files["certificate"])]) == 0
    assert "is one of the 3 tickets sold" in " ".join(capsys.readouterr().out.split())
    assert main(["prove", str(files["later"]), *keys, "--earlier", str(files["proof"])]) == 0
    assert "was revoked, and is none of the 2 tickets sold" in " ".join(capsys.readouterr().out.split())


def test_anybody_counts_again_and_every_certificate_is_kept(sold: Sold) -> None:
    first = sold.read()
    assert (first["number"], first["issued"], first["sold"]) == (1, 3, 3)
    customer = sold.shop.customer()
    made(pay(customer, order_of(customer, sold.ticket_type_id, 2)))
    sold.certify()
    second, again = sold.read(), sold.read(number=1)
    assert (second["number"], second["sold"]) == (2, 5)
    assert again == first
    registers = [sold.read("/register", number=number)["tickets"] for number in (1, 2)]
    assert registers[1][:3] == registers[0]
    assert registers[1][2:4] == sold.read("/register", position=2, limit=2)["tickets"]
    for certificate, tickets in zip((first, second), registers, strict=True):
        root = Tree(leaf_bytes(bytes.fromhex(one[:64]), one[64] == "1") for one in tickets).root
        assert (root.counted, root.hash.hex()) == (certificate["sold"], certificate["root"])
    proof = made(sold.proof(sold.tickets[1]))
    commitment = hashlib.sha256(bytes.fromhex(proof["salt"]) + bytes.fromhex(proof["ticket_id"].replace("-", "")))
    assert registers[1][proof["position"]] == f"{commitment.hexdigest()}1"


def test_a_proof_is_for_the_customer_alone_and_names_nobody(sold: Sold) -> None:
    for stranger in (sold.organiser, sold.shop.customer()):
        refused(sold.proof(sold.tickets[0], stranger), 404, "not_found")
    refused(sold.proof("5e77e4d0-0000-4000-8000-000000000001"), 404, "not_found")
    refused(sold.proof("none"), 404, "not_found")
    shown = sold.proof(sold.tickets[0]).text + json.dumps([sold.read(), sold.read("/register")])
    for personal in ("Guðrún", "gudrun@example.org", sold.order_id):
        assert personal not in shown


def test_what_is_not_certified_is_not_there(sold: Sold) -> None:
    visitor, other = sold.shop.visitor(), publish_concert(sold.organiser)
    refused(visitor.get(f"/concerts/{other.concert_id}/sold"), 404, "not_found")
    refused(visitor.get(f"{sold.path}/sold", params={"number": 2}), 404, "not_found")
    for wrong in ("0", "-1", "x", str(2**60)):
        refused(visitor.get(f"{sold.path}/sold", params={"number": wrong}), 422, "invalid_input")
    refused(visitor.get(f"{sold.path}/sold/register", params={"limit": "10001"}), 422, "invalid_input")
    assert sold.read("/register", position=3)["tickets"] == []
    late = order_of(sold.customer, sold.ticket_type_id, 1)
    made(pay(sold.customer, late))
    sold.shop.settle()
    [ticket] = made(sold.customer.get(f"/orders/{late}/tickets"))["items"]
    problem = refused(sold.customer.get(f"/orders/{late}/tickets/{ticket['id']}/proof"), 409, "not_counted_yet")
    assert problem["counted_at"] == sold.read()["counted_at"]
    cached = visitor.get(f"{sold.path}/sold").headers["Cache-Control"]
    assert cached.startswith("public")
