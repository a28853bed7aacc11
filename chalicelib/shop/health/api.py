"""Declares the route of the health check."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

from chalicelib.platform.caller import Role
from chalicelib.platform.http.requests import Query
from chalicelib.platform.http.routes import Answer, Call, Routes
from chalicelib.platform.services import Services
from chalicelib.shop.health.queries import check

if TYPE_CHECKING:
    from chalicelib.platform.http.auth import CredentialVerifier

NOT_KEPT = {"Cache-Control": "no-store"}
"""A probe must not be answered by a cache."""


class HealthServices(Services, Protocol):
    """Declares what these routes use of the container."""

    @property
    def verifier(self) -> "CredentialVerifier": ...

    @property
    def probes(self) -> Mapping[str, Callable[[], object]]: ...


routes: Routes[HealthServices] = Routes(__name__)


class HealthQuery(Query):
    deep: bool = False


@routes.get("/health")
def get_health(call: Call[HealthServices]) -> Answer:
    """Answer anyone, without asking a server; `deep=true` asks all of them, for operators.

    The deep answer is 503 only if the log is away: without a read database the shop still sells.
    """
    if not call.query(HealthQuery).deep:
        return Answer(HTTPStatus.OK, {"status": "ok"}, headers=NOT_KEPT)
    call.authenticate(call.shop.verifier)
    call.require(Role.OPERATOR)
    states = check(call.shop.probes)
    healthy = all(state == "ok" for state in states.values())
    status = HTTPStatus.OK if states["event_log"] == "ok" else HTTPStatus.SERVICE_UNAVAILABLE
    return Answer(status, {"status": "ok" if healthy else "degraded", "dependencies": states}, headers=NOT_KEPT)
