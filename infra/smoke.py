"""Buys a free ticket on a deployed stage, and waits until every read model has it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx

from infra.failures import DeploymentFailed

WITHIN = 90.0
"""The read models have so many seconds. The first record of a new stream waits for its event source to begin."""

POLL = 1.0
NAME = "Smoke test"
VENUE = {"name": NAME, "capacity": 1, "address": "1", "city": NAME, "country": NAME, "time_zone": "Europe/Amsterdam"}

Json = dict[str, Any]


def buy_a_free_ticket(base_url: str, token: str, within: float = WITHIN) -> None:
    """Put a free ticket on sale, buy it, and cancel the concert in the end.

    Raises:
        DeploymentFailed: a request fails, or a read model does not follow in time.
    """
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=base_url.rstrip("/"), headers=headers, timeout=60) as client:
        Buyer(client, within).buy()


class Buyer:
    """Buys the ticket, and is the organiser too."""

    def __init__(self, client: httpx.Client, within: float) -> None:
        self._client = client
        self._within = within

    def buy(self) -> None:
        venue = self._post("/venues", VENUE)["id"]
        concert = self._post("/concerts", {"name": NAME, "venue_id": venue})["id"]
        try:
            order = self._order(concert)
            self._see(f"/orders/{order}/tickets", lambda body: len(body["items"]) == 1, "The ticket in DynamoDB")
            self._see(
                f"/concerts/{concert}/availability",
                lambda body: body["source"] == "read_model" and body["ticket_types"][0]["sold"] == 1,
                "The sale in Redis",
            )
            self._see(f"/concerts/{concert}", lambda body: body["status"] == "published", "The concert in Postgres")
        except DeploymentFailed as failure:
            raise DeploymentFailed(f"{failure}\nThe concert {concert} ({NAME}) is still there: cancel it.") from failure
        self._post(f"/concerts/{concert}/cancel")
        self._ask("DELETE", f"/venues/{venue}")

    def _order(self, concert: str) -> str:
        """Place an order that needs no payment, and return its id."""
        starts_at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=365)
        hours = {"starts_at": starts_at.isoformat(), "ends_at": (starts_at + timedelta(hours=1)).isoformat()}
        self._post(f"/concerts/{concert}/schedule", hours)
        free = {"name": "Free", "price": {"amount": "0.00", "currency": "EUR"}, "quantity": 1}
        ticket_type = self._post(f"/concerts/{concert}/ticket-types", free)["id"]
        self._post(f"/concerts/{concert}/publish")
        cart = self._post("/carts")["id"]
        self._post(f"/carts/{cart}/items", {"ticket_type_id": ticket_type, "quantity": 1})
        buyer = {"name": NAME, "email": "smoke-test@example.com"}
        order = self._post(f"/carts/{cart}/checkout", {"buyer": buyer})
        if order["status"] != "confirmed":
            raise DeploymentFailed(f"The free order is {order['status']} and not confirmed.")
        return str(order["order_id"])

    def _post(self, path: str, body: Json | None = None) -> Json:
        return self._ask("POST", path, body)

    def _ask(self, method: str, path: str, body: Json | None = None) -> Json:
        """Send a request and return the body of the answer.

        Raises:
            DeploymentFailed: the answer is anything but success.
        """
        try:
            answer = self._client.request(method, path, json=body, headers={"Idempotency-Key": str(uuid4())})
        except httpx.HTTPError as error:
            raise DeploymentFailed(f"{method} {path}: {error!r}") from error
        if not answer.is_success:
            raise DeploymentFailed(f"{method} {path} answered {answer.status_code}: {answer.text}")
        found: Json = answer.json() if answer.content else {}
        return found

    def _see(self, path: str, wanted: Callable[[Json], bool], what: str) -> None:
        """Ask until the read model has followed.

        Raises:
            DeploymentFailed: it does not follow in time.
        """
        deadline = time.monotonic() + self._within
        while True:
            answer = self._client.get(path)
            if answer.is_success and wanted(answer.json()):
                return
            if time.monotonic() > deadline:
                raise DeploymentFailed(f"{what} did not show within {self._within:.0f} s: {answer.text}")
            time.sleep(POLL)
