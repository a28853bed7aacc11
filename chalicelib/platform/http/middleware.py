"""Applies to every HTTP answer."""

import logging
from collections.abc import Callable
from http import HTTPStatus
from time import perf_counter
from typing import Any

from chalice.app import Response

from chalicelib.platform import logs
from chalicelib.platform.http.methods import HEAD
from chalicelib.platform.http.problems import problem_of_status

logger = logging.getLogger(__name__)

NO_SNIFFING = ("X-Content-Type-Options", "nosniff")
NOT_STORED = ("Cache-Control", "no-store")
HTTPS_ONLY = ("Strict-Transport-Security", "max-age=31536000")
"""A year. It is said over HTTPS only, as RFC 6797 asks; API Gateway has nothing else."""

_DETAILS = {
    HTTPStatus.BAD_REQUEST: "The request cannot be read.",
    HTTPStatus.METHOD_NOT_ALLOWED: "This resource does not have this method.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "Send the body as application/json.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something went wrong on our side.",
}


def problems_only(event: Any, get_response: Callable[[Any], Response]) -> Response:
    """Turns Chalice's own errors (400, 405, 415, 500) into problem documents; the cause of a 500 is only logged."""
    response = get_response(event)
    if response.status_code < HTTPStatus.BAD_REQUEST or "problem" in response.headers.get("Content-Type", ""):
        return response
    status = HTTPStatus(response.status_code)
    replacement = problem_of_status(status, _DETAILS.get(status, status.phrase))
    replacement.headers |= {name: value for name, value in response.headers.items() if name != "Content-Type"}
    return replacement


def guarded(event: Any, get_response: Callable[[Any], Response]) -> Response:
    """Tells browsers to take an answer for what it says it is, and caches to keep none but those of public reads."""
    response = get_response(event)
    https = [HTTPS_ONLY] if event.headers.get("x-forwarded-proto") == "https" else []
    response.headers = {**dict([NOT_STORED, NO_SNIFFING, *https]), **response.headers}
    return response


def without_content_to_head(event: Any, get_response: Callable[[Any], Response]) -> Response:
    """Answers HEAD as GET, with the headers alone."""
    response = get_response(event)
    if event.method == HEAD:
        response.body = b"" if isinstance(response.body, bytes) else ""
    return response


def logged(event: Any, get_response: Callable[[Any], Response]) -> Response:
    """Logs one line for each request.

    It names the route and neither path nor query, which may hold anything.
    """
    began = perf_counter()
    response = get_response(event)
    logs.note(status=response.status_code, milliseconds=round((perf_counter() - began) * 1000, 1))
    logger.info("%s %s", event.method, event.context["resourcePath"])
    return response
