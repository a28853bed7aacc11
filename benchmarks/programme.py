"""Puts a concert on sale through the API, as an organiser would."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

VENUE = {
    "name": "Harpa",
    "capacity": 90_000,
    "address": "Austurbakki 2",
    "city": "Reykjavík",
    "country": "Iceland",
    "time_zone": "Atlantic/Reykjavik",
}


@dataclass(frozen=True)
class Concert:
    concert_id: str
    ticket_type_id: str


def put_on_sale(organiser: httpx.Client, quantity: int, max_per_order: int = 10) -> Concert:
    """Make a concert and put its tickets on sale.

    Raises:
        httpx.HTTPStatusError: the shop refused a request.
    """
    concert_id = draft(organiser)
    tickets: dict[str, Any] = {"name": "Floor", "price": {"amount": "25.00", "currency": "EUR"}}
    tickets |= {"quantity": quantity, "max_per_order": max_per_order}
    ticket_type_id = post(organiser, f"/concerts/{concert_id}/ticket-types", tickets)["id"]
    publish(organiser, concert_id)
    return Concert(concert_id, ticket_type_id)


def draft(organiser: httpx.Client) -> str:
    """Make a draft with a venue and a schedule, and return its id."""
    venue_id = post(organiser, "/venues", VENUE)["id"]
    concert_id: str = post(organiser, "/concerts", {"name": "The on-sale", "venue_id": venue_id})["id"]
    starts_at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
    ends_at = starts_at + timedelta(hours=3)
    schedule = {"starts_at": starts_at.isoformat(), "ends_at": ends_at.isoformat()}
    post(organiser, f"/concerts/{concert_id}/schedule", schedule)
    return concert_id


def publish(organiser: httpx.Client, concert_id: str) -> None:
    post(organiser, f"/concerts/{concert_id}/publish")


def person(base_url: str, token: str) -> httpx.Client:
    return httpx.Client(base_url=base_url, headers={"Authorization": f"Bearer {token}"}, timeout=30)


def post(client: httpx.Client, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    response = client.post(path, json=body)
    response.raise_for_status()
    made: dict[str, Any] = response.json()
    return made
