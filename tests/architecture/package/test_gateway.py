"""Errors of the gateway are problems as ours are."""

import json

import pytest

from chalicelib.platform.http.middleware import HTTPS_ONLY
from local import gateway, server
from tests.architecture.package.template import Json


@pytest.fixture(scope="session")
def responses(sam: str) -> Json:
    body: Json = json.loads(sam)["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    found: Json = body["x-amazon-apigateway-gateway-responses"]
    return found


@pytest.mark.parametrize(
    ("response_type", "local"),
    [
        ("MISSING_AUTHENTICATION_TOKEN", gateway.not_found()),
        ("RESOURCE_NOT_FOUND", gateway.not_found()),
        ("INVALID_SIGNATURE", gateway.not_found()),
        ("DEFAULT_4XX", gateway.not_found()),
        ("UNAUTHORIZED", gateway.unauthenticated()),
        ("ACCESS_DENIED", gateway.forbidden()),
        ("REQUEST_TOO_LARGE", server.too_large()),
        ("DEFAULT_5XX", gateway.internal_error()),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_gateway_says_what_the_local_one_says(response_type: str, local: gateway.Problem, responses: Json) -> None:
    expected, deployed = local.answer(), responses[response_type]
    assert int(deployed["statusCode"]) == expected.status
    assert json.loads(deployed["responseTemplates"]["application/json"]) == json.loads(expected.body)
    over_https = dict([HTTPS_ONLY])
    assert headers_of(deployed) == dict(expected.headers) | over_https


def test_every_error_of_the_gateway_is_a_problem_document(responses: Json) -> None:
    for response_type, response in responses.items():
        body = json.loads(response["responseTemplates"]["application/json"])
        assert body.keys() == {"type", "title", "status", "code", "detail"}, response_type
        assert body["status"] == int(response["statusCode"]), response_type
        assert headers_of(response)["Content-Type"] == "application/problem+json", response_type


def test_a_throttled_caller_is_told_when_to_come_back(responses: Json) -> None:
    assert responses["THROTTLED"]["statusCode"] == "429"
    assert headers_of(responses["THROTTLED"])["Retry-After"] == "1"


def headers_of(response: Json) -> dict[str, str]:
    parameters: dict[str, str] = response["responseParameters"]
    return {name.removeprefix("gatewayresponse.header."): value.strip("'") for name, value in parameters.items()}
