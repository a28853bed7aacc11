"""API Gateway remembers the authorizer's answer; the route does not believe it longer than the token lasts."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from chalice.app import AuthRequest, AuthResponse, Chalice
from chalice.local import LambdaContext

import app
from chalicelib.functions import FUNCTIONS
from chalicelib.platform.errors import TokenOfDisabledAccount, Unauthenticated
from chalicelib.platform.function import Authorizer
from chalicelib.platform.http.authorizer import actor_of
from local.gateway import Authorizers

MINUTE = 60
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def context(expires_at: datetime) -> dict[str, object]:
    passed = {"person": str(uuid4()), "groups": "organisers", "expires_at": str(int(expires_at.timestamp()))}
    return {"authorizer": passed}


def test_a_token_is_good_until_it_expires_and_not_a_second_longer() -> None:
    assert actor_of(context(datetime(2026, 11, 23, 12, 0, 1, tzinfo=UTC)), NOON).roles >= {"organisers"}
    with pytest.raises(Unauthenticated, match="expired"):
        actor_of(context(NOON), NOON)


def test_without_an_authorizer_there_is_no_caller() -> None:
    with pytest.raises(Unauthenticated):
        actor_of({}, NOON)
    with pytest.raises(Unauthenticated, match="cannot be trusted"):
        actor_of({"authorizer": {"refusal": "The token cannot be trusted."}}, NOON)


def test_a_disabled_account_is_refused_with_a_code_of_its_own() -> None:
    with pytest.raises(TokenOfDisabledAccount):
        actor_of({"authorizer": {"disabled": "true"}}, NOON)


def test_the_gateway_goes_by_an_answer_no_longer_than_a_disabled_account_may_go_on() -> None:
    (declared,) = app.app.builtin_auth_handlers
    assert declared.ttl_seconds is not None
    assert declared.ttl_seconds <= MINUTE
    assert FUNCTIONS["authorize"].trigger == Authorizer(declared.ttl_seconds)


def test_the_local_gateway_remembers_an_answer_as_long_as_api_gateway_does() -> None:
    asked: list[str] = []
    served = Chalice(app_name="served")

    @served.authorizer(ttl_seconds=MINUTE)
    def who(request: AuthRequest) -> AuthResponse:
        asked.append(request.token)
        return AuthResponse(routes=["*"], principal_id="somebody", context={"person": request.token})

    for path in ("/one", "/other"):
        served.route(path, authorizer=who, name=path)(dict)
    seconds = [0.0]
    authorizers = Authorizers(served, lambda: seconds[0])

    def said(token: str, path: str = "/one") -> Any:
        event: dict[str, Any] = {"requestContext": {"httpMethod": "GET", "resourcePath": path}}
        event["headers"] = {"authorization": token}
        authorizers.authorize(path, event, LambdaContext("api", 1, 1))
        return event["requestContext"]["authorizer"]["person"]

    assert [said("mine"), said("theirs"), said("mine", "/other")] == ["mine", "theirs", "mine"]
    assert asked == ["mine", "theirs"]
    seconds[0] = MINUTE
    assert said("mine") == "mine"
    assert asked == ["mine", "theirs", "mine"]
