"""Demo data for `make run`, made through the API as an organiser would make it."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from local.issuer import Issuer

PROGRAMME = Path(__file__).with_name("programme.json")
VENUE_FIELDS = ("name", "description", "capacity", "address", "city", "country", "time_zone")
LENGTH = timedelta(hours=3)
BALCONY_SHARE = 4
"""One ticket in four is on the balcony, at half the price."""


def load(base_url: str, issuer: Issuer) -> None:
    """Some twenty concerts in the coming months. Loading it again makes nothing new."""
    programme = json.loads(PROGRAMME.read_text())
    headers = {"Authorization": f"Bearer {issuer.token(role='organiser')}"}
    with httpx.Client(base_url=base_url, headers=headers, timeout=10) as client:
        venues = {key: (_create_venue(client, key, values), values[-1]) for key, values in programme["venues"].items()}
        for number, concert in enumerate(programme["concerts"]):
            _create_concert(client, f"demo-concert-{number}", concert, *venues[concert[1]])


def _create_venue(client: httpx.Client, key: str, values: list[Any]) -> str:
    return _post(client, "/venues", f"demo-venue-{key}", dict(zip(VENUE_FIELDS, values, strict=True)))


def _create_concert(client: httpx.Client, key: str, concert: list[Any], venue_id: str, time_zone: str) -> None:
    name, _, genre, in_days, hour, price, currency, quantity = concert
    concert_id = _post(client, "/concerts", key, {"name": name, "venue_id": venue_id, "genre": genre})
    day = datetime.now(UTC).astimezone(ZoneInfo(time_zone)) + timedelta(days=in_days)
    starts_at = day.replace(hour=hour, minute=0, second=0, microsecond=0)
    schedule = {"starts_at": starts_at.isoformat(), "ends_at": (starts_at + LENGTH).isoformat()}
    _post(client, f"/concerts/{concert_id}/schedule", key, schedule)
    balcony = quantity // BALCONY_SHARE
    half = str((Decimal(price) / 2).quantize(Decimal(price)))
    _add_ticket_type(client, concert_id, f"{key}-floor", "Floor", price, currency, quantity - balcony)
    _add_ticket_type(client, concert_id, f"{key}-balcony", "Balcony", half, currency, balcony)
    _post(client, f"/concerts/{concert_id}/publish", key, None)


def _add_ticket_type(
    client: httpx.Client, concert_id: str, key: str, name: str, amount: str, currency: str, quantity: int
) -> None:
    price = {"amount": amount, "currency": currency}
    _post(client, f"/concerts/{concert_id}/ticket-types", key, {"name": name, "price": price, "quantity": quantity})


def _post(client: httpx.Client, path: str, idempotency_key: str, body: dict[str, Any] | None) -> str:
    """The id of what was made. Raises httpx.HTTPStatusError if it was refused."""
    response = client.post(path, json=body, headers={"Idempotency-Key": idempotency_key})
    response.raise_for_status()
    made: str = response.json()["id"]
    return made
