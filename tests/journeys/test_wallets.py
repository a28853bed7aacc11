"""A ticket in the wallet of a phone, over HTTP: the local stack signs with a test certificate of its own."""

import jwt

from chalicelib.platform.http.answers import PKPASS
from tests.journeys.shop import Shop, made, refused
from tests.journeys.test_at_the_door import bought
from tests.support.passes import OpenedPass


def test_a_customer_adds_a_ticket_to_either_wallet_and_nobody_else_can(shop: Shop) -> None:
    evening = bought(shop, 1)
    [ticket] = evening.tickets()
    shop.settle()
    path = f"/tickets/{ticket['id']}"
    downloaded = evening.customer.get(f"{path}.pkpass", headers={"Accept": PKPASS})
    assert (downloaded.status_code, downloaded.headers["content-type"]) == (200, PKPASS)
    opened = OpenedPass.of(downloaded.content)
    [barcode] = opened.contents["barcodes"]
    assert barcode["message"] == ticket["code"]
    assert opened.contents["organizationName"].startswith("TEST, not valid")
    link = made(evening.customer.get(f"{path}/google-wallet"))["url"]
    claims = jwt.decode(link.rpartition("/")[2], options={"verify_signature": False})
    [added] = claims["payload"]["eventTicketObjects"]
    assert added["barcode"]["value"] == ticket["code"]
    for client in (evening.organiser, shop.customer(), shop.as_role("door"), shop.as_role("operator")):
        refused(client.get(f"{path}.pkpass", headers={"Accept": PKPASS}), 404, "not_found")
        refused(client.get(f"{path}/google-wallet"), 404, "not_found")
    refused(shop.visitor().get(f"{path}/google-wallet"), 401, "unauthenticated")
