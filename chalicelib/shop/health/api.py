"""Route of the health."""

from http import HTTPStatus

from chalicelib import composition
from chalicelib.platform.http.routes import Answer, Call, Routes
from chalicelib.shop.health.queries import check

routes = Routes(__name__)


@routes.get("/health")
def get_health(_: Call) -> Answer:
    """503 only if the log is away: without a read database the shop still sells."""
    states = check(composition.current().probes)
    healthy = all(state == "ok" for state in states.values())
    status = HTTPStatus.OK if states["event_log"] == "ok" else HTTPStatus.SERVICE_UNAVAILABLE
    return Answer(status, {"status": "ok" if healthy else "degraded", "dependencies": states})
