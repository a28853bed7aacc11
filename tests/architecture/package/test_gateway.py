"""Errors of the gateway are problems as ours are."""

import json

import pytest

from chalicelib.platform.http.methods import allow
from chalicelib.platform.http.middleware import HTTPS_ONLY
from infra.methods import ANY
from local import gateway, server
from tests.architecture.package.template import Json

MOST_RESOURCES = 300
"""How many API Gateway takes in one API, unless Amazon is asked for more; each part of a path is one."""
LARGEST_TEMPLATE = 1_000_000
"""The bytes that CloudFormation takes from a bucket."""


@pytest.fixture(scope="session")
def definition(sam: str) -> Json:
    body: Json = json.loads(sam)["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    return body


@pytest.fixture(scope="session")
def responses(definition: Json) -> Json:
    found: Json = definition["x-amazon-apigateway-gateway-responses"]
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


def test_a_method_that_a_path_does_not_have_is_refused_as_by_the_local_gateway(definition: Json) -> None:
    for path, methods in definition["paths"].items():
        expected = gateway.method_not_allowed(methods_of(methods)).answer()
        integration = methods[ANY]["x-amazon-apigateway-integration"]
        [answer] = integration["responses"].values()
        assert json.loads(answer["responseTemplates"]["application/json"]) == json.loads(expected.body), path
        assert int(answer["statusCode"]) == expected.status
        assert headers_of(answer) == dict(expected.headers) | dict([HTTPS_ONLY])
        assert json.loads(integration["requestTemplates"]["application/json"]) == {"statusCode": expected.status}
        assert methods[ANY]["responses"][answer["statusCode"]]["headers"].keys() == headers_of(answer).keys()


def test_the_gateway_says_in_every_preflight_what_a_path_allows(definition: Json) -> None:
    for path, methods in definition["paths"].items():
        answer = methods["options"]["x-amazon-apigateway-integration"]["responses"]["default"]
        assert headers_of(answer)["Allow"] == allow(methods_of(methods)), path
        assert headers_of(answer)["Access-Control-Allow-Origin"] == "*"
        assert methods["options"]["responses"]["200"]["headers"].keys() == headers_of(answer).keys()


def test_the_gateway_asks_the_function_for_head_where_it_asks_it_for_get(definition: Json) -> None:
    integration = "x-amazon-apigateway-integration"
    for path, methods in definition["paths"].items():
        assert ("head" in methods) is ("get" in methods), path
        if "get" in methods:
            assert methods["head"].get("security") == methods["get"].get("security"), path
            assert methods["head"][integration] == methods["get"][integration]


def test_the_api_is_not_too_large_for_its_gateway(definition: Json, sam: str) -> None:
    paths = [path.strip("/").split("/") for path in definition["paths"]]
    resources = {tuple(parts[: length + 1]) for parts in paths for length in range(len(parts))}
    assert len(resources) + 1 < MOST_RESOURCES * 0.8
    assert len(json.dumps(json.loads(sam), separators=(",", ":"))) < LARGEST_TEMPLATE * 0.8


def methods_of(methods: Json) -> list[str]:
    """What a path has beside what the gateway answers itself."""
    return [method.upper() for method in methods if method not in {"options", ANY}]


def headers_of(response: Json) -> dict[str, str]:
    parameters: dict[str, str] = response["responseParameters"]
    return {name.partition(".header.")[2]: value.strip("'") for name, value in parameters.items()}
