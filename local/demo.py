"""Makes the demo data for `make run` through the API, as organisers and customers would."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import httpx

from local.issuer import Issuer

PROGRAMME = Path(__file__).with_name("programme.json")
VENUE_FIELDS = ("name", "description", "capacity", "address", "city", "country", "time_zone", "coordinates")
LENGTH = timedelta(hours=3)
_CUSTOMERS = UUID("2f6f6d0e-0b1c-5b6e-9d0c-7f8d4c1e5a21")
"""These names give the subjects, so the people are the same in every run."""

Offers = dict[str, str]
"""It has the ids of a concert's ticket types, on the floor and on the balcony."""

BALCONY_SHARE = 4
"""One ticket in four is on the balcony, at half the price."""


def load(base_url: str, issuer: Issuer) -> None:
    """Make some twenty concerts in the coming months, and their first sales, in a shop that is empty."""
    programme = json.loads(PROGRAMME.read_text())
    with _client(base_url, issuer.token(role="organiser")) as client:
        venues = {
            key: (_create_venue(client, key, values), values[VENUE_FIELDS.index("time_zone")])
            for key, values in programme["venues"].items()
        }
        offers = [
            _create_concert(client, f"demo-concert-{number}", concert, *venues[concert[1]])
            for number, concert in enumerate(programme["concerts"])
        ]
    for name in programme["customers"]:
        with _client(base_url, issuer.token(sub=str(uuid5(_CUSTOMERS, name)))) as client:
            for number, (buyer, concert, ticket_type, quantity) in enumerate(programme["sales"]):
                if buyer == name:
                    _buy(client, f"demo-sale-{number}", name, offers[concert][ticket_type], quantity)


def _client(base_url: str, token: str) -> httpx.Client:
    return httpx.Client(base_url=base_url, headers={"Authorization": f"Bearer {token}"}, timeout=10)


def _buy(client: httpx.Client, key: str, name: str, ticket_type_id: str, quantity: int) -> None:
    """Buy tickets, and pay in the sandbox."""
    cart = _post(client, "/carts", key, None)["id"]
    _post(client, f"/carts/{cart}/items", key, {"ticket_type_id": ticket_type_id, "quantity": quantity})
    email = f"{uuid5(_CUSTOMERS, name).hex[:8]}@example.org"
    order = _post(client, f"/carts/{cart}/checkout", key, {"buyer": {"name": name, "email": email}})["order_id"]
    _post(client, f"/orders/{order}/payments", key, {"provider": "sandbox", "token": "tok_visa"})


def _create_venue(client: httpx.Client, key: str, values: list[Any]) -> str:
    return _made(client, "/venues", f"demo-venue-{key}", dict(zip(VENUE_FIELDS, values, strict=True)))


def _create_concert(client: httpx.Client, key: str, concert: list[Any], venue_id: str, time_zone: str) -> Offers:
    name, _, genre, in_days, hour, price, currency, quantity = concert
    concert_id = _made(client, "/concerts", key, {"name": name, "venue_id": venue_id, "genre": genre})
    day = datetime.now(UTC).astimezone(ZoneInfo(time_zone)) + timedelta(days=in_days)
    starts_at = day.replace(hour=hour, minute=0, second=0, microsecond=0)
    schedule = {"starts_at": starts_at.isoformat(), "ends_at": (starts_at + LENGTH).isoformat()}
    _post(client, f"/concerts/{concert_id}/schedule", key, schedule)
    balcony = quantity // BALCONY_SHARE
    half = str((Decimal(price) / 2).quantize(Decimal(price)))
    offers = {
        "floor": _add_ticket_type(client, concert_id, f"{key}-floor", "Floor", price, currency, quantity - balcony),
        "balcony": _add_ticket_type(client, concert_id, f"{key}-balcony", "Balcony", half, currency, balcony),
    }
    _post(client, f"/concerts/{concert_id}/publish", key, None)
    return offers


def _add_ticket_type(
    client: httpx.Client, concert_id: str, key: str, name: str, amount: str, currency: str, quantity: int
) -> str:
    price = {"amount": amount, "currency": currency}
    return _made(
        client, f"/concerts/{concert_id}/ticket-types", key, {"name": name, "price": price, "quantity": quantity}
    )


def _made(client: httpx.Client, path: str, idempotency_key: str, body: dict[str, Any]) -> str:
    """Return the id of what was made.

    Raises:
        httpx.HTTPStatusError: the shop refused the request.
    """
    made: str = _post(client, path, idempotency_key, body)["id"]
    return made


def _post(client: httpx.Client, path: str, idempotency_key: str, body: dict[str, Any] | None) -> dict[str, Any]:
    """Send a POST request and return the answer.

    Raises:
        httpx.HTTPStatusError: the shop refused the request.
    """
    response = client.post(path, json=body, headers={"Idempotency-Key": idempotency_key})
    response.raise_for_status()
    answer: dict[str, Any] = response.json()
    return answer
