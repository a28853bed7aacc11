"""The key of guests' tokens lies in Secrets Manager, which keeps the one before through a rotation."""

from typing import Any
from uuid import uuid4

import boto3
import jwt
import pytest

from chalicelib.composition import Composition
from chalicelib.platform.errors import Unauthenticated, Unavailable
from chalicelib.platform.http.guest_tokens import GuestTokens
from chalicelib.settings import NotConfigured, Settings
from local.resources import CREDENTIALS, REGION
from local.stack import Stack
from tests.support.shop import GUEST


class Secret:
    """A secret that is given new values, as docs/operations.md says."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.id = str(client.create_secret(Name=f"guest-key-{uuid4()}", SecretString="first" * 12)["ARN"])

    def rotate(self, to: str) -> None:
        self._client.put_secret_value(SecretId=self.id, SecretString=to * 12)

    def new_container(self) -> GuestTokens:
        return Composition(Settings(guest_key_secret_id=self.id)).guest_tokens


@pytest.fixture
def secret(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Secret:
    for name, value in {**CREDENTIALS, "AWS_DEFAULT_REGION": REGION, "AWS_ENDPOINT_URL": stack.emulator.url}.items():
        monkeypatch.setenv(name, value)
    return Secret(boto3.session.Session().client("secretsmanager"))


def bearer(token: str) -> str:
    return f"Bearer {token}"


def test_tokens_of_the_key_before_are_good_until_the_next_rotation(secret: Secret) -> None:
    first = secret.new_container().issue(GUEST.id).token
    secret.rotate("second")
    rotated = secret.new_container()
    second = rotated.issue(GUEST.id).token
    assert jwt.get_unverified_header(first)["kid"] != jwt.get_unverified_header(second)["kid"]
    assert {rotated.verify(bearer(token)).actor for token in (first, second)} == {GUEST}
    secret.rotate("third")
    again = secret.new_container()
    assert again.verify(bearer(second)).actor == GUEST
    with pytest.raises(Unauthenticated):
        again.verify(bearer(first))


def test_a_container_that_runs_on_takes_tokens_of_the_new_key(secret: Secret) -> None:
    running = secret.new_container()
    secret.rotate("second")
    assert running.verify(bearer(secret.new_container().issue(GUEST.id).token)).actor == GUEST


@pytest.mark.usefixtures("secret")
def test_a_secret_that_is_not_there_is_a_transient_failure_and_a_setting_that_is_not_there_none() -> None:
    with pytest.raises(Unavailable):
        Composition(Settings(guest_key_secret_id="no-such-secret")).guest_tokens.issue(GUEST.id)
    with pytest.raises(NotConfigured):
        _ = Composition(Settings()).guest_tokens
