"""Stripe as it answers in virtual time, and refuses what is above its limits in any second."""

import json
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from chalicelib.shop.orders.payments.stripe_pace import PacedClient, Wait, route_of
from simulator.scheduler import Scheduler
from tests.support.stripe_server import FakeStripe

A_SECOND = timedelta(seconds=1)
IN_ALL, PER_ROUTE, SEARCHES = 100, 25, 20
"""As `limits_of_the_provider` of the issue's case has them, not as the code does."""

ROUND_TRIP = timedelta(milliseconds=120)
TOO_MANY = {"error": {"type": "invalid_request_error", "code": "rate_limit", "message": "Too many requests"}}


class LimitedStripe:
    """Counts what comes, in the second that ends now."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.fake = FakeStripe()
        self.refused = 0
        self.busiest: dict[str, int] = defaultdict(int)
        self._now = now
        self._recent: dict[str, deque[datetime]] = defaultdict(deque)

    def answer(self, method: str, url: str, headers: Mapping[str, str], body: Any) -> tuple[int, Any]:
        if not self._is_within_limits(route_of(method, url)):
            self.refused += 1
            return 429, TOO_MANY
        parts = urlsplit(url)
        params = dict(parse_qsl(parts.query) + parse_qsl(body or ""))
        return self.fake.answer(method.upper(), parts.path, params, headers.get("Idempotency-Key"))

    def _is_within_limits(self, route: str) -> bool:
        most = SEARCHES if route.endswith("/search") else PER_ROUTE
        return all([self._is_below("all", IN_ALL), self._is_below(route, most)])

    def _is_below(self, name: str, most: int) -> bool:
        recent = self._recent[name]
        while recent and recent[0] <= self._now() - A_SECOND:
            recent.popleft()
        recent.append(self._now())
        self.busiest[name] = max(self.busiest[name], len(recent))
        return len(recent) <= most


class VirtualClient(PacedClient):
    """The client of one container, which waits as in production, over a wire that takes virtual time."""

    def __init__(self, wait: Wait, stripe: LimitedStripe, scheduler: Scheduler) -> None:
        super().__init__(wait, (1.0, 1.0))
        self._stripe = stripe
        self._scheduler = scheduler

    def _request_internal(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any, is_streaming: bool
    ) -> tuple[bytes, int, dict[str, str]]:
        assert not is_streaming
        status, answer = self._stripe.answer(method, url, headers or {}, post_data)
        self._scheduler.sleep(ROUND_TRIP)
        return json.dumps(answer).encode(), status, {}
