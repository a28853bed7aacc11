"""Does what API Gateway does around the api Lambda: routing, the authorizer, and errors of its own."""

import base64
import json
import logging
import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from time import monotonic
from typing import Any

from chalice.app import Chalice, ChaliceAuthorizer
from chalice.config import Config
from chalice.local import (
    ForbiddenError,
    InvalidAuthorizerError,
    LambdaContext,
    LambdaEventConverter,
    LocalGateway,
    LocalGatewayAuthorizer,
    NotAuthorizedError,
    RouteMatcher,
)

from chalicelib.platform.http.methods import OPTIONS, READS, allow
from chalicelib.platform.http.problems import title_of
from infra.gateway_responses import FOR_BROWSERS, GUARDS, NOT_ALLOWED
from local import docs
from local.mails import LocalMails, Shown

log = logging.getLogger("local.server")

MEMORY_MB = 1024
TIMEOUT_MS = 29_000
PROBLEM = "application/problem+json"
MOST_TOKENS = 10_000
"""With so many tokens in memory, those whose time is over are forgotten."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes


@dataclass
class Problem(Exception):
    status: HTTPStatus
    code: str
    detail: str
    headers: list[tuple[str, str]] = field(default_factory=list)

    def answer(self) -> Answer:
        body = {
            "type": "about:blank",
            "title": title_of(self.status),
            "status": self.status.value,
            "code": self.code,
            "detail": self.detail,
        }
        headers = [("Content-Type", PROBLEM), *self.headers, *GUARDS, *FOR_BROWSERS]
        return Answer(self.status, headers, json.dumps(body).encode())


# The first three, word for word, are also the gateway responses of the deployed API.
def not_found() -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, "not_found", "There is nothing at this address.")


def unauthenticated() -> Problem:
    detail = "This request needs a valid bearer token."
    return Problem(HTTPStatus.UNAUTHORIZED, "unauthenticated", detail, [("WWW-Authenticate", "Bearer")])


def forbidden() -> Problem:
    return Problem(HTTPStatus.FORBIDDEN, "forbidden", "You may not do this.")


def method_not_allowed(methods: Collection[str]) -> Problem:
    return Problem(NOT_ALLOWED.status, NOT_ALLOWED.code, NOT_ALLOWED.detail, [("Allow", allow(methods))])


def malformed() -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, "malformed_request", "The request cannot be read.")


def internal_error() -> Problem:
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", "Something went wrong on our side.")


class Authorizers:
    """Remembers what an authorizer said of a token, as long as API Gateway does."""

    def __init__(self, app: Chalice, clock: Callable[[], float] = monotonic) -> None:
        self._app = app
        self._asked = LocalGatewayAuthorizer(app)
        self._clock = clock
        self._said: dict[tuple[str, str], tuple[float, dict[str, Any]]] = {}

    def authorize(self, target: str, event: dict[str, Any], context: LambdaContext) -> None:
        """Put into the event what the route's authorizer says. Raises what the authorizer raises."""
        request = event["requestContext"]
        authorizer = self._app.routes[request["resourcePath"]][request["httpMethod"]].authorizer
        key = getattr(authorizer, "name", ""), event["headers"].get("authorization", "")
        until, said = self._said.get(key, (0.0, {}))
        if authorizer is not None and self._clock() < until:
            request["authorizer"] = dict(said)
            return
        self._asked.authorize(target, event, context)
        if isinstance(authorizer, ChaliceAuthorizer):
            self._remember(key, authorizer.config.ttl_seconds or 0, dict(request["authorizer"]))

    def _remember(self, key: tuple[str, str], seconds: int, said: dict[str, Any]) -> None:
        now = self._clock()
        if len(self._said) >= MOST_TOKENS:
            self._said = {known: answer for known, answer in self._said.items() if now < answer[0]}
        self._said[key] = now + seconds, said


class Gateway:
    def __init__(self, app: Chalice) -> None:
        self._app = app
        self._events = LambdaEventConverter(RouteMatcher(list(app.routes)), app.api.binary_types)
        self._authorizers = Authorizers(app)
        self._chalice = LocalGateway(app, Config())
        folder = os.environ.get("MAIL_FOLDER")
        self._mails = LocalMails(Path(folder)) if folder else None

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        try:
            return self._answer(method, target, dict(headers), body)
        except Problem as problem:
            return problem.answer()
        except Exception:
            log.exception("%s %s", method, target)
            return internal_error().answer()

    def _answer(self, method: str, target: str, headers: dict[str, str], body: bytes | None) -> Answer:
        if method in READS and (shown := docs.shown_at(target) or self._mail_at(target, headers)) is not None:
            return Answer(*shown)
        context = LambdaContext("api", MEMORY_MB, TIMEOUT_MS)
        event = self._event(method, target, headers, body)
        event["requestContext"]["requestId"] = context.aws_request_id
        methods = self._app.routes[event["requestContext"]["resourcePath"]]
        if method == OPTIONS:
            cors = self._chalice._autogen_options_headers(event)  # noqa: SLF001 - Chalice's own, as it deploys it
            return Answer(HTTPStatus.OK, [("Allow", allow(methods)), *cors.items()], b"")
        if method not in methods:
            raise method_not_allowed(methods)
        self._authorize(target, event, context)
        return read_answer(self._app(event, context))

    def _mail_at(self, target: str, headers: Mapping[str, str]) -> Shown | None:
        accept = next((value for name, value in headers.items() if name.lower() == "accept"), "")
        return None if self._mails is None else self._mails.shown_at(target, accept)

    def _event(self, method: str, target: str, headers: dict[str, str], body: bytes | None) -> dict[str, Any]:
        try:
            event: dict[str, Any] = self._events.create_lambda_event(method, target, headers, body)
        except UnicodeDecodeError:
            raise malformed() from None
        except ValueError:
            raise not_found() from None
        return event

    def _authorize(self, target: str, event: dict[str, Any], context: LambdaContext) -> None:
        try:
            self._authorizers.authorize(target, event, context)
        except NotAuthorizedError:
            raise unauthenticated() from None
        except ForbiddenError:
            raise forbidden() from None
        except InvalidAuthorizerError:
            raise internal_error() from None
        except Exception as error:
            # The contract between API Gateway and an authorizer: this very text means 401, anything else is a fault.
            if str(error) == "Unauthorized":
                raise unauthenticated() from None
            raise


def read_answer(response: dict[str, Any]) -> Answer:
    headers = [(name, str(value)) for name, value in response["headers"].items()]
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", "application/json"))
    for name, values in response.get("multiValueHeaders", {}).items():
        headers += [(name, str(value)) for value in values]
    for _, value in headers:
        # Said here, where it is still a 500 and not half an answer.
        if value.encode("latin-1").splitlines() not in ([], [value.encode("latin-1")]):
            raise ValueError(f"a header with a line break: {value!r}")
    return Answer(response["statusCode"], headers, _body(response))


def _body(response: dict[str, Any]) -> bytes:
    body = response["body"]
    if body is None:
        return b""
    if response.get("isBase64Encoded"):
        return base64.b64decode(body)
    return body if isinstance(body, bytes) else str(body).encode()
