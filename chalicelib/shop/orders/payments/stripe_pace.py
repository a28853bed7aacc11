"""Keeps every request to Stripe, also those that its library repeats, within Stripe's limits."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import stripe

from chalicelib.shop.orders.payments.pace import ProviderLimits

LIMITS = ProviderLimits(in_all=100, per_route=25, of_routes={"GET payment_intents/search": 20})
"""Documented for live mode; Stripe raises them for those who ask."""

Wait = Callable[[str], None]
"""Waits until a route may be asked. It may raise Unavailable."""

_SEARCH = "search"


def at_any_pace(route: str) -> None:
    """Wait for nothing."""


class PacedClient(stripe.RequestsClient):
    """Waits before every request."""

    def __init__(self, wait: Wait, timeout: tuple[float, float]) -> None:
        super().__init__(timeout=timeout)
        self._wait = wait

    def request(  # type: ignore[override]  # the library's own override differs from its base in the same way
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        self._wait(route_of(method, url))
        return super().request(method, url, headers, post_data)


def route_of(method: str, url: str) -> str:
    """Return method and path without ids, such as `POST payment_intents/confirm`."""
    resource, *rest = urlsplit(url).path.removeprefix("/v1/").split("/")
    return f"{method.upper()} {'/'.join([resource, *(rest if rest[:1] == [_SEARCH] else rest[1:])])}"
