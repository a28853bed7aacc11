"""Makes the methods that API Gateway answers by itself: OPTIONS says what is allowed, and 405 refuses what is not.

Without them it answers a method that a path does not have as it answers a path that there is not (ADR 73).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from chalicelib import contexts
from chalicelib.platform.http.methods import allow, methods_of
from infra.gateway_responses import NOT_ALLOWED, body_of, headers_of

Json = dict[str, Any]

ANY = "x-amazon-apigateway-any-method"
"""Any method that the path does not have."""


def paths() -> Json:
    """Return what the API's definition says of each path, beside the methods and the preflight that Chalice makes."""
    return {path: {"options": _options(allowed), ANY: _refusal(allowed)} for path, allowed in allowed_by_path().items()}


def allowed_by_path() -> Mapping[str, str]:
    """Return the header `Allow` of each path."""
    methods: dict[str, set[str]] = {}
    for routes in contexts.routes():
        for route in routes.declared:
            methods.setdefault(route.path, set()).update(methods_of(route.method))
    return {path: allow(of_path) for path, of_path in methods.items()}


def _options(allowed: str) -> Json:
    """Add a header to the preflight, which Chalice has made an answer of the gateway."""
    return {
        "responses": {"200": _declared({"Allow": allowed})},
        "x-amazon-apigateway-integration": {"responses": {"default": _sent({"Allow": allowed})}},
    }


def _refusal(allowed: str) -> Json:
    refusal = replace(NOT_ALLOWED, header=("Allow", allowed))
    status, headers = str(refusal.status.value), headers_of(refusal)
    return {
        "responses": {status: {"description": refusal.detail, **_declared(headers)}},
        "x-amazon-apigateway-integration": {
            "type": "mock",
            "requestTemplates": {"application/json": f'{{"statusCode": {status}}}'},
            # A mock reads its status from what the template makes of the body. A body without a template is for 415.
            "passthroughBehavior": "never",
            "responses": {
                "default": {
                    "statusCode": status,
                    "responseTemplates": {"application/json": body_of(refusal)},
                    **_sent(headers),
                }
            },
        },
    }


def _declared(headers: Mapping[str, str]) -> Json:
    return {"headers": {name: {"type": "string"} for name in headers}}


def _sent(headers: Mapping[str, str]) -> Json:
    return {"responseParameters": {f"method.response.header.{name}": f"'{value}'" for name, value in headers.items()}}
