"""Makes problem documents of the errors that API Gateway answers itself.

They go into the API's definition and not into resources of their own. Importing a definition removes the responses that
are not in it, and only what is in it is deployed with it (aws/serverless-application-model issue 390).
"""

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from chalicelib.platform.http.browsers import ALLOWED_ORIGIN, EXPOSED
from chalicelib.platform.http.middleware import HTTPS_ONLY, NO_SNIFFING, NOT_STORED
from chalicelib.platform.http.problems import title_of

CONTENT_TYPE = "application/problem+json"
FOR_BROWSERS = [
    ("Access-Control-Allow-Origin", ALLOWED_ORIGIN),
    ("Access-Control-Expose-Headers", ",".join(EXPOSED)),
]
GUARDS = [NOT_STORED, NO_SNIFFING]
LARGEST_BODY = 10 * 1024 * 1024


@dataclass(frozen=True)
class Refusal:
    status: HTTPStatus
    code: str
    detail: str
    header: tuple[str, str] | None = None


UNAUTHENTICATED = Refusal(
    HTTPStatus.UNAUTHORIZED,
    "unauthenticated",
    "This request needs a valid bearer token.",
    ("WWW-Authenticate", "Bearer"),
)
FORBIDDEN = Refusal(HTTPStatus.FORBIDDEN, "forbidden", "You may not do this.")
NOT_FOUND = Refusal(HTTPStatus.NOT_FOUND, "not_found", "There is nothing at this address.")
MALFORMED = Refusal(HTTPStatus.BAD_REQUEST, "malformed_request", "The request cannot be read.")
TOO_LARGE = Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", f"A body may have {LARGEST_BODY} bytes.")
UNSUPPORTED = Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "Send the body as application/json.")
NOT_ALLOWED = Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed", "This resource does not have this method.")
"""The gateway has no response of its own for this: `infra.methods` makes one for each path."""
TOO_MANY = Refusal(
    HTTPStatus.TOO_MANY_REQUESTS,
    "too_many_requests",
    "There are too many requests at this moment. Please try again.",
    ("Retry-After", "1"),
)
TOO_SLOW = Refusal(
    HTTPStatus.GATEWAY_TIMEOUT,
    "gateway_timeout",
    "The answer took too long, and what was asked may have been done: repeat it with the same Idempotency-Key.",
)
INTERNAL = Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", "Something went wrong on our side.")

REFUSALS = {
    "UNAUTHORIZED": UNAUTHENTICATED,
    "ACCESS_DENIED": FORBIDDEN,
    "INVALID_API_KEY": FORBIDDEN,
    "WAF_FILTERED": FORBIDDEN,
    "MISSING_AUTHENTICATION_TOKEN": NOT_FOUND,
    "RESOURCE_NOT_FOUND": NOT_FOUND,
    # No route takes AWS signatures. Where there is no route, a bearer token is read as a broken one.
    "INVALID_SIGNATURE": NOT_FOUND,
    "EXPIRED_TOKEN": NOT_FOUND,
    "DEFAULT_4XX": NOT_FOUND,
    "BAD_REQUEST_BODY": MALFORMED,
    "BAD_REQUEST_PARAMETERS": MALFORMED,
    "REQUEST_TOO_LARGE": TOO_LARGE,
    "UNSUPPORTED_MEDIA_TYPE": UNSUPPORTED,
    "THROTTLED": TOO_MANY,
    "QUOTA_EXCEEDED": TOO_MANY,
    "INTEGRATION_TIMEOUT": TOO_SLOW,
    "DEFAULT_5XX": INTERNAL,
}


def gateway_responses() -> dict[str, Any]:
    """Return the member `x-amazon-apigateway-gateway-responses` of an API definition."""
    return {response_type: _response(refusal) for response_type, refusal in REFUSALS.items()}


def headers_of(refusal: Refusal) -> dict[str, str]:
    """Return the headers with which the gateway refuses."""
    own = [refusal.header] if refusal.header else []
    return dict([("Content-Type", CONTENT_TYPE), *own, *GUARDS, HTTPS_ONLY, *FOR_BROWSERS])


def body_of(refusal: Refusal) -> str:
    """Return the problem document with which the gateway refuses."""
    body = {
        "type": "about:blank",
        "title": title_of(refusal.status),
        "status": refusal.status.value,
        "code": refusal.code,
        "detail": refusal.detail,
    }
    return json.dumps(body)


def _response(refusal: Refusal) -> dict[str, Any]:
    headers = headers_of(refusal)
    return {
        "statusCode": str(refusal.status.value),
        "responseParameters": {f"gatewayresponse.header.{name}": f"'{value}'" for name, value in headers.items()},
        "responseTemplates": {"application/json": body_of(refusal)},
    }
