"""Measures what routing, authorizer, validation and serialisation add to a request: `python -m benchmarks.overhead`."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from statistics import median
from typing import Any, cast
from uuid import UUID, uuid4

from chalice.app import AuthResponse, Chalice, Request, Response

from benchmarks.machine import describe_machine
from benchmarks.programme import VENUE
from benchmarks.report import Record, Section, publish
from chalicelib.platform.caller import Grants, KeyGrant, Role, TeamRole
from chalicelib.platform.http.answers import Created, created
from chalicelib.platform.http.middleware import problems_only
from chalicelib.platform.http.routes import Call, Routes
from chalicelib.platform.ids import IdKey
from chalicelib.shop.venues.api import NewVenue

ROUNDS = 7
REQUESTS = 1_000
BODY = json.dumps(VENUE)
MADE = {"id": "0c8a1d3e-64f5-4b0b-9d0f-6c1f2f4f8b7a", "version": 0}


def _bare() -> Chalice:
    """Make the app of Chalice alone, with the same request, the same body and the same answer."""
    app = Chalice(app_name="bare")

    @app.route("/venues", methods=["POST"])
    def create() -> Response:
        _ = cast(Request, app.current_request).json_body
        return Response(MADE, {"Content-Type": "application/json"}, 201)

    return app


class _Nobody:
    """Knows the key of ids, and no person."""

    ids = IdKey("known to everybody, for benchmarks alone")

    def known_teams(self, _: UUID) -> Mapping[UUID, TeamRole]:
        return {}

    def grants_of(self, _: UUID) -> Grants:
        return Grants()

    def note_use(self, _: UUID, key: KeyGrant) -> None:
        """Note nothing."""

    def ensure_enabled(self, _: UUID) -> None:
        """Take everybody's account for enabled."""


def _ours() -> Chalice:
    """Make an app with routes like those of the shop, with no command behind them."""
    routes: Routes[None] = Routes("overhead")

    @routes.post("/public")
    def answer(_: Call[None]) -> Created[dict[str, Any]]:
        return created(MADE, "/venues/1")

    @routes.post("/authorised", Role.ORGANISER)
    def answer_the_caller(call: Call[None]) -> Created[dict[str, Any]]:
        call.caller()
        return created(MADE, "/venues/1")

    @routes.post("/venues", Role.ORGANISER)
    def answer_to_the_body(call: Call[None], _: NewVenue) -> Created[dict[str, Any]]:
        call.caller()
        return created(MADE, "/venues/1")

    app = Chalice(app_name="ours")
    app.register_middleware(problems_only, "http")

    @app.authorizer()
    def authorize(_: Any) -> AuthResponse:
        raise AssertionError("the gateway has asked it before")

    app.register_blueprint(routes.blueprint(authorize, lambda: None, _Nobody))
    return app


def _event(path: str, body: str) -> dict[str, Any]:
    """Return a request as API Gateway sends it after the authorizer."""
    passed = {
        "person": str(uuid4()),
        "groups": "organisers",
        "expires_at": str(int(time.time()) + 3600),
        "may_be_staff": "true",
    }
    return {
        "requestContext": {
            "httpMethod": "POST",
            "resourcePath": path,
            "identity": {"sourceIp": "192.0.2.1"},
            "authorizer": passed,
        },
        "headers": {"Content-Type": "application/json", "Idempotency-Key": "0c8a1d3e", "Accept": "*/*"},
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "body": body,
        "isBase64Encoded": False,
    }


def _microseconds(app: Chalice, path: str, body: str, status: HTTPStatus) -> float:
    """Return the microseconds of processor time for one request, which must be answered with `status`."""
    events = [_event(path, body) for _ in range(REQUESTS)]
    began = time.process_time()
    answers = [app(event, None) for event in events]
    seconds = time.process_time() - began
    if any(answer["statusCode"] != status for answer in answers):
        raise AssertionError(f"{path} answered {answers[0]}")
    return seconds / REQUESTS * 1e6


def measure(rounds: int = ROUNDS, on_round: Callable[[], None] = lambda: None) -> Section:
    bare, ours = _bare(), _ours()
    cases: dict[str, tuple[Chalice, str, str, HTTPStatus]] = {
        "bare Chalice": (bare, "/venues", BODY, HTTPStatus.CREATED),
        "routing and serialisation": (ours, "/public", BODY, HTTPStatus.CREATED),
        "and auth": (ours, "/authorised", "", HTTPStatus.CREATED),
        "and validation": (ours, "/venues", BODY, HTTPStatus.CREATED),
        "a body that is refused": (ours, "/venues", "{}", HTTPStatus.UNPROCESSABLE_ENTITY),
    }
    took: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, case in cases.items():
            took[name].append(_microseconds(*case))
        on_round()
    medians = {name: median(times) for name, times in took.items()}
    note = f"CPU microseconds, medians of {rounds} times {REQUESTS:,} requests with a body of {len(BODY)} bytes"
    return Section("overhead_of_a_request", note, [_row(name, medians) for name in cases])


def _row(name: str, medians: dict[str, float]) -> Record:
    bare = medians["bare Chalice"]
    return {"request": name, "microseconds": round(medians[name], 1), "ratio": round(medians[name] / bare, 2)}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overhead", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    publish(describe_machine(), [measure()], as_json=parser.parse_args(arguments).json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
