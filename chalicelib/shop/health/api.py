"""Declares the route of the health check."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

from chalicelib.platform.caller import Role
from chalicelib.platform.http.answers import Answer, Content_co, Ok
from chalicelib.platform.http.requests import Query
from chalicelib.platform.http.routes import REFUSES_TOKENS, Call, Routes
from chalicelib.platform.services import Services
from chalicelib.shop.health.queries import check

if TYPE_CHECKING:
    from chalicelib.platform.http.auth import CredentialVerifier
    from chalicelib.shop.health.answers import Health

NOT_KEPT = {"Cache-Control": "no-store"}
"""A probe must not be answered by a cache."""


class HealthServices(Services, Protocol):
    """Declares what these routes use of the container."""

    @property
    def verifier(self) -> "CredentialVerifier": ...

    @property
    def probes(self) -> Mapping[str, Callable[[], object]]: ...


routes: Routes[HealthServices] = Routes(__name__)


class Down(Answer[Content_co]):
    """Answers 503 with what is known, for probes that look at the status alone."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class HealthQuery(Query):
    deep: bool = False


@routes.get("/health", refuses=REFUSES_TOKENS, takes_token=True)
def get_health(call: Call[HealthServices], query: HealthQuery) -> "Ok[Health] | Down[Health]":
    """Answer anyone, without asking a server; `deep=true` asks all of them, for operators.

    The deep answer is 503 only if the log is away: without a read database the shop still sells.
    """
    if not query.deep:
        return Ok({"status": "ok"}, headers=NOT_KEPT)
    call.authenticate(call.shop.verifier)
    call.require(Role.OPERATOR)
    states = check(call.shop.probes)
    healthy = all(state == "ok" for state in states.values())
    health: Health = {"status": "ok" if healthy else "degraded", "dependencies": states}
    return Ok(health, headers=NOT_KEPT) if states["event_log"] == "ok" else Down(health, headers=NOT_KEPT)
