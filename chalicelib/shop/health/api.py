"""Declares the route of the health check."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Protocol

from chalicelib.platform.http.routes import Answer, Call, Routes
from chalicelib.platform.services import Services
from chalicelib.shop.health.queries import check


class HealthServices(Services, Protocol):
    """Declares what these routes use of the container."""

    @property
    def probes(self) -> Mapping[str, Callable[[], object]]: ...


routes: Routes[HealthServices] = Routes(__name__)


@routes.get("/health")
def get_health(call: Call[HealthServices]) -> Answer:
    """Answer 503 only if the log is away: without a read database the shop still sells."""
    states = check(call.shop.probes)
    healthy = all(state == "ok" for state in states.values())
    status = HTTPStatus.OK if states["event_log"] == "ok" else HTTPStatus.SERVICE_UNAVAILABLE
    return Answer(status, {"status": "ok" if healthy else "degraded", "dependencies": states})
