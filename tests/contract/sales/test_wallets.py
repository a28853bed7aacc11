"""A customer's ticket in a wallet: who gets it, and what is said where there is none to get."""

from base64 import b64decode
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from chalicelib.platform.caller import Actor, Role
from chalicelib.platform.http.answers import PKPASS
from chalicelib.platform.readmodels.documents.projection import DocumentProjection
from chalicelib.shop.ceilings import CEILINGS
from chalicelib.shop.orders.doors.reissue import reissue_tickets
from chalicelib.shop.orders.projections import PROJECTORS
from chalicelib.shop.orders.refunding import WantedRefund, refund_order
from tests.contract.sales.office import Container, Office, Read
from tests.support import passes
from tests.support.passes import OpenedPass
from tests.support.request_scenario import FollowedDocuments, ask
from tests.support.shop import CUSTOMER, OPERATOR, ORGANISER, OTHER_CUSTOMER, some_id

DOOR = Actor(some_id("dora"), frozenset({Role.CUSTOMER, Role.DOOR}))
BOTH, NOTHING = None, ""


@dataclass
class Pocket:
    """Somebody's two tickets."""

    office: Office
    order_id: UUID
    tickets: list[UUID]

    def ask(self, path: str, actor: Actor = CUSTOMER, secret: str | None = BOTH, accept: str = PKPASS) -> Read:
        """Send a request to a new container whose wallets have this secret, and whose documents have followed."""
        shop, documents, log = self.office.shop, FollowedDocuments(), self.office.log
        documents.follow(PROJECTORS["Order"], log, self.order_id, len(log.read(self.order_id)) - 1)
        container: Any = WithDocuments(shop, self.office.model)
        container.documents_followed, container.repository = documents, shop.other_container()
        container.wallet_keys = passes.wallet_keys(shop.clock, secret)
        answer = ask(container, actor, "GET", path, b"", {"Accept": accept})
        headers = {str(name).lower(): str(value) for name, value in answer["headers"].items()}
        return Read(int(answer["statusCode"]), headers, answer["body"])

    def path(self, place: int = 0) -> str:
        return f"/tickets/{self.tickets[place]}"

    def opened(self, place: int = 0) -> OpenedPass:
        read = self.ask(f"{self.path(place)}.pkpass")
        assert read.status == 200, read.text
        return OpenedPass.of(b64decode(read.text))


class WithDocuments(Container):
    """A container whose orders are read from these documents."""

    documents_followed: FollowedDocuments

    @property
    def documents(self) -> DocumentProjection:
        return cast("DocumentProjection", self.documents_followed)


@pytest.fixture
def pocket(office: Office) -> Pocket:
    _, ticket_type_id = office.shop.on_sale()
    order_id = office.buy(CUSTOMER, (ticket_type_id, 2))
    office.settle()
    return Pocket(office, order_id, [ticket.id for ticket in office.shop.order_state(order_id).tickets])


def refuses(read: Read, status: int, code: str) -> None:
    assert (read.status, read.body["code"]) == (status, code), read.text


def test_a_customer_gets_a_pass_that_has_the_code_of_the_ticket(pocket: Pocket) -> None:
    read = pocket.ask(f"{pocket.path(1)}.pkpass")
    assert (read.headers["content-type"], read.headers["cache-control"]) == (PKPASS, "no-store")
    assert read.headers["content-disposition"] == 'attachment; filename="ticket.pkpass"'
    opened = pocket.opened(1)
    [barcode] = opened.contents["barcodes"]
    assert barcode["message"] == pocket.office.shop.code(pocket.order_id, 1)
    assert opened.field("holder")["value"] == "Carla Jones"
    assert (opened.field("concert")["value"], opened.field("venue")["value"]) == ("Patti Smith", "Paradiso")


def test_a_customer_gets_a_link_to_google_that_has_the_code_of_the_ticket(pocket: Pocket) -> None:
    read = pocket.ask(f"{pocket.path()}/google-wallet", accept="application/json")
    assert (read.status, read.headers["cache-control"]) == (200, "no-store")
    assert urlsplit(read.body["url"]).hostname == "pay.google.com"


@pytest.mark.parametrize("actor", [OTHER_CUSTOMER, ORGANISER, OPERATOR, DOOR], ids=lambda actor: str(actor.id))
def test_a_ticket_is_in_nobody_elses_wallet(pocket: Pocket, actor: Actor) -> None:
    for secret in (BOTH, NOTHING):
        for path in (f"{pocket.path()}.pkpass", f"{pocket.path()}/google-wallet"):
            refuses(pocket.ask(path, actor, secret), 404, "not_found")
    refuses(pocket.ask(f"/tickets/{some_id('none')}.pkpass"), 404, "not_found")
    refuses(pocket.ask(f"/tickets/{some_id('none')}/google-wallet"), 404, "not_found")


def test_a_shop_without_certificates_says_so(pocket: Pocket) -> None:
    refuses(pocket.ask(f"{pocket.path()}.pkpass", secret=NOTHING), 409, "wallet_not_configured")
    refuses(pocket.ask(f"{pocket.path()}/google-wallet", secret=NOTHING), 409, "wallet_not_configured")
    assert pocket.ask(pocket.path(), secret=NOTHING).status == 200


def test_a_secret_that_makes_no_sense_is_no_fault_of_the_customers(pocket: Pocket) -> None:
    for path in (f"{pocket.path()}.pkpass", f"{pocket.path()}/google-wallet"):
        refuses(pocket.ask(path, secret="{"), 503, "unavailable")


def test_a_revoked_ticket_has_no_pass(pocket: Pocket) -> None:
    shop = pocket.office.shop
    wanted = WantedRefund("sick", tuple(pocket.tickets[:1]))
    refund_order(shop.repository, shop.gateways, shop.request(ORGANISER), pocket.order_id, wanted)
    pocket.office.settle()
    for path in (f"{pocket.path()}.pkpass", f"{pocket.path()}/google-wallet"):
        refuses(pocket.ask(path), 410, "ticket_revoked")
    assert pocket.ask(f"{pocket.path(1)}.pkpass").status == 200


def test_a_reissued_ticket_has_a_pass_with_its_new_code_in_place_of_the_old_one(pocket: Pocket) -> None:
    before, shop = pocket.opened(), pocket.office.shop
    reissue_tickets(shop.repository, shop.request(CUSTOMER), pocket.order_id, pocket.tickets[:1], "lost phone")
    after = pocket.opened()
    assert after.contents["serialNumber"] == before.contents["serialNumber"]
    assert after.contents["barcodes"][0]["message"] == shop.code(pocket.order_id)
    assert after.contents["barcodes"] != before.contents["barcodes"]


def test_a_client_that_does_not_take_the_bytes_of_a_pass_is_told(pocket: Pocket) -> None:
    read = pocket.ask(f"{pocket.path()}.pkpass", accept="*/*")
    refuses(read, 422, "invalid_input")
    assert read.body["errors"] == [{"pointer": "/Accept", "detail": f"must be {PKPASS} for this answer"}]


def test_the_first_pass_of_a_container_reads_no_more_of_the_log_than_its_ceiling(pocket: Pocket) -> None:
    for route, kind in (
        ("GET /tickets/{ticket}", ".pkpass"),
        ("GET /tickets/{ticket}/google-wallet", "/google-wallet"),
    ):
        usage = pocket.office.log.usage
        reads, items = usage.reads, usage.items_read
        assert pocket.ask(f"{pocket.path()}{kind}").status == 200
        ceiling = CEILINGS[route, Role.CUSTOMER]
        assert 0 < usage.reads - reads <= ceiling.log_reads
        assert usage.items_read - items <= ceiling.log_items
