"""Makes the clients of AWS's services, and reads its secrets."""

from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from typing import Any

import botocore
import botocore.session
from botocore.config import Config

from chalicelib.platform.aws.failures import failures_as_unavailable
from chalicelib.platform.failures import Failure

VALIDATES_REQUESTS = False
"""Tests let the SDK check every request against its model; what the shop sends, mypy has checked."""


def make_client(service: str, patience: int = 5, attempts: int = 3) -> Any:
    """Make a client of an AWS service, with timeouts for a buyer who waits: for an answer, `patience` seconds.

    It makes a request `attempts` times at most: once, where a repeated request would do a thing twice.

    A 503 that asks to come back is better than a request that hangs for the SDK's default minute. The SDK would put its
    `User-Agent` together anew for each request, and check it: four tenths of the processor time that a request takes.
    """
    config = Config(
        connect_timeout=2,
        read_timeout=patience,
        retries={"mode": "standard", "total_max_attempts": attempts},
        max_pool_connections=64,
        user_agent=f"cloudbash Botocore/{botocore.__version__}",
        parameter_validation=VALIDATES_REQUESTS,
    )
    return sdk_session().create_client(service, config=config)


@cache
def sdk_session() -> botocore.session.Session:
    """Return the session of all clients. That of boto3 would load resources and transfers too, which nothing uses."""
    return botocore.session.get_session()


def read_secret(secret_id: str) -> str:
    """Read a secret from Secrets Manager.

    Raises Unavailable.
    """
    with failures_as_unavailable("A secret", otherwise=Failure.MISCONFIGURED):
        return _secret(make_client("secretsmanager"), secret_id)


def read_secret_and_previous(secret_id: str) -> Sequence[str]:
    """Read a secret, and the one that it has replaced, newest first.

    Raises Unavailable.
    """
    with failures_as_unavailable("A secret", otherwise=Failure.MISCONFIGURED):
        client = make_client("secretsmanager")
        found = [_secret(client, secret_id)]
        with suppress(client.exceptions.ResourceNotFoundException):
            found.append(_secret(client, secret_id, VersionStage="AWSPREVIOUS"))
    return found


def _secret(client: Any, secret_id: str, **version: str) -> str:
    return str(client.get_secret_value(SecretId=secret_id, **version)["SecretString"])
