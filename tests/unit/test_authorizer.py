"""API Gateway remembers the authorizer's answer; the route does not believe it longer than the token lasts."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from chalicelib.platform.errors import Unauthenticated
from chalicelib.platform.http.authorizer import actor_of

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
