"""Turns errors into RFC 9457 problem documents; only this module knows the HTTP status codes of errors."""

import json
import logging
from http import HTTPStatus
from math import ceil
from typing import Any

from chalice.app import Response

from chalicelib.platform import logs, metrics
from chalicelib.platform.errors import (
    BadSignature,
    BodyTooLarge,
    CloudbashError,
    Expired,
    Forbidden,
    InvalidInput,
    NotFound,
    PaymentRefused,
    PreconditionFailed,
    PreconditionNeeded,
    RuleViolated,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)

logger = logging.getLogger(__name__)

_STATUS_OF_FAMILY: list[tuple[type[CloudbashError], HTTPStatus]] = [
    (BadSignature, HTTPStatus.BAD_REQUEST),
    (BodyTooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (InvalidInput, HTTPStatus.UNPROCESSABLE_ENTITY),
    (NotFound, HTTPStatus.NOT_FOUND),
    (RuleViolated, HTTPStatus.CONFLICT),
    (PaymentRefused, HTTPStatus.PAYMENT_REQUIRED),
    (Expired, HTTPStatus.GONE),
    (Unauthenticated, HTTPStatus.UNAUTHORIZED),
    (Forbidden, HTTPStatus.FORBIDDEN),
    (PreconditionFailed, HTTPStatus.PRECONDITION_FAILED),
    (PreconditionNeeded, HTTPStatus.PRECONDITION_REQUIRED),
    (TooManyRequests, HTTPStatus.TOO_MANY_REQUESTS),
    (Unavailable, HTTPStatus.SERVICE_UNAVAILABLE),
]
_CODE_OF_STATUS = {
    HTTPStatus.BAD_REQUEST: "malformed_request",
    HTTPStatus.UNAUTHORIZED: "unauthenticated",
    HTTPStatus.FORBIDDEN: "forbidden",
    HTTPStatus.NOT_FOUND: "not_found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "body_too_large",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "unsupported_media_type",
    HTTPStatus.INTERNAL_SERVER_ERROR: "internal_error",
}
_METRIC_OF_CODE = {
    "sold_out": "RefusedSoldOut",
    "order_limit_exceeded": "RefusedLimit",
    "customer_limit_exceeded": "RefusedLimit",
    "too_many_declines": "RefusedDeclines",
    "held_limit_exceeded": "RefusedLimit",
}
_TITLES = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Request Entity Too Large",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Unprocessable Entity",
}
"""Python 3.13 has renamed these, and clients may read them."""

RETRY_AFTER_SECONDS = "1"


def title_of(status: HTTPStatus) -> str:
    """Return the name of a status, which is the same whatever Python runs."""
    return _TITLES.get(status, status.phrase)


def status_of(error: type[CloudbashError]) -> HTTPStatus | None:
    """Return the status of an error that is raised on purpose, and None of any other."""
    return next((status for family, status in _STATUS_OF_FAMILY if issubclass(error, family)), None)


def problem(error: CloudbashError) -> Response:
    """Return the response for an error that was raised on purpose."""
    status = status_of(type(error))
    if status is None:
        logger.error("%s: %s", error.code, error.detail, exc_info=error)
        return problem_of_status(HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong on our side.")
    facts = dict(error.facts)
    if isinstance(error, InvalidInput) and error.fields:
        facts["errors"] = [{"pointer": pointer, "detail": reason} for pointer, reason in error.fields]
    logs.note(code=error.code)
    if error.code in _METRIC_OF_CODE:
        metrics.count(_METRIC_OF_CODE[error.code])
    headers = {}
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        logger.warning("%s", error.detail, exc_info=error)
        headers["Retry-After"] = RETRY_AFTER_SECONDS
    if isinstance(error, TooManyRequests):
        headers |= _limits(error)
    if status is HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return _response(status, error.code, error.detail, facts, headers)


def _limits(error: TooManyRequests) -> dict[str, str]:
    """Say which limit was reached, and until when, as `draft-ietf-httpapi-ratelimit-headers-10` has it."""
    (name, most, window), seconds = error.quota, error.facts["retry_after"]
    return {
        "Retry-After": str(seconds),
        "RateLimit-Policy": f'"{name}";q={most};w={ceil(window.total_seconds())}',
        "RateLimit": f'"{name}";r=0;t={seconds}',
    }


def problem_of_status(status: HTTPStatus, detail: str) -> Response:
    """Return the response for an error that only has a status, such as those that Chalice makes itself."""
    return _response(status, _CODE_OF_STATUS.get(status, "error"), detail, {}, {})


def as_json(body: Any) -> str:
    """Write JSON in UTF-8 without escapes, because people read these answers."""
    return json.dumps(body, ensure_ascii=False)


def _response(status: HTTPStatus, code: str, detail: str, facts: dict[str, Any], headers: dict[str, str]) -> Response:
    body = {"type": "about:blank", "title": title_of(status), "status": int(status), "code": code, "detail": detail}
    return Response(as_json(facts | body), {"Content-Type": "application/problem+json", **headers}, int(status))
