"""No body and no condition that a route cannot take is ever ignored, and none makes a 500: every route of the table."""

from uuid import UUID

import pytest

from chalicelib.platform.caller import Actor, Role
from chalicelib.platform.http.requests import MAX_BODY_BYTES
from chalicelib.shop.orders.payments.signatures import HEADER, sign
from tests.support.hostile import BODIES, REFUSALS, routes
from tests.support.request_scenario import GivenStreams, given_streams

EVERYBODY = Actor(UUID(int=7), frozenset(Role))
"""Has every role, so that no refusal is about roles."""


@pytest.fixture
def given() -> GivenStreams:
    return given_streams({})


@pytest.mark.parametrize("body", BODIES)
def test_every_route_refuses_a_body_that_makes_no_sense(given: GivenStreams, body: str) -> None:
    for method, path, _ in routes():
        condition = {"if_match": "*"} if method == "PATCH" else {}
        answered = given.when_sent(EVERYBODY, method, path, BODIES[body], **condition)
        assert (answered.status in REFUSALS, answered.news) == (True, {}), (method, path, answered.body)
        assert answered.headers["content-type"] == "application/problem+json"


def test_every_route_refuses_a_body_that_is_too_large_and_names_the_limit(given: GivenStreams) -> None:
    for method, path, _ in routes():
        answered = given.when_sent(EVERYBODY, method, path, b"x" * (MAX_BODY_BYTES + 1))
        answered.then_refuses(413, "body_too_large", limit=MAX_BODY_BYTES)


def test_every_write_that_takes_json_refuses_another_content_type(given: GivenStreams) -> None:
    for method, path, _ in routes():
        if method in {"POST", "PATCH"}:
            answered = given.when_sent(EVERYBODY, method, path, b"{}", content_type="text/xml")
            answered.then_refuses(415, "unsupported_media_type")


def test_a_patch_without_a_condition_is_refused_and_changes_nothing(given: GivenStreams) -> None:
    patched = [path for method, path, _ in routes() if method == "PATCH"]
    assert len(patched) >= 8
    for path in patched:
        given.when_sent(EVERYBODY, "PATCH", path, b"{}").then_refuses(428, "precondition_required")


def test_a_condition_counts_or_is_refused_by_name(given: GivenStreams) -> None:
    for method, path, route in routes():
        answered = given.when_sent(EVERYBODY, method, path, b"", if_match='"3"')
        refused_by_name = answered.body.get("code") == "if_match_not_supported"
        assert refused_by_name is not route.takes_if_match, (method, path, answered.body)
        assert answered.news == {}


@pytest.mark.parametrize("body", BODIES)
def test_a_signature_makes_a_body_no_better(given: GivenStreams, body: str) -> None:
    signature = sign("secret", BODIES[body], given.shop.clock())
    headers = {HEADER.replace("-", "_"): signature}
    answered = given.when_sent(EVERYBODY, "POST", "/webhooks/payments/sandbox", BODIES[body], **headers)
    assert answered.status in {413, 422}, answered.body


def test_no_answer_is_kept_by_caches_or_taken_for_another_type(given: GivenStreams) -> None:
    for method, path, route in routes():
        answered = given.when_sent(EVERYBODY, method, path, b"garbage", x_forwarded_proto="https")
        assert answered.headers["cache-control"] == "no-store", (method, path, route.role)
        assert answered.headers["x-content-type-options"] == "nosniff"
        assert answered.headers["strict-transport-security"] == "max-age=31536000"


def test_https_is_promised_over_https_only(given: GivenStreams) -> None:
    answered = given.when_sent(EVERYBODY, "GET", "/health", b"")
    assert (answered.status, answered.body) == (200, {"status": "ok"})
    assert "strict-transport-security" not in answered.headers
    assert answered.headers["cache-control"] == "no-store"


def test_a_parameter_that_is_given_twice_is_refused_and_named(given: GivenStreams) -> None:
    answered = given.when_sent(EVERYBODY, "GET", "/orders?limit=1&limit=2", b"")
    answered.then_refuses(422, "invalid_input", errors=[{"pointer": "?limit", "detail": "is given more than once"}])
