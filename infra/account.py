"""Finds out whose account it is, before anything is done there."""

from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infra.failures import DeploymentFailed

REGION = "eu-west-1"
"""A stage goes to this region unless the environment, the profile or the command names another."""


@dataclass(frozen=True)
class Account:
    """Names the account; `session` makes the clients of everything that follows."""

    session: Any
    id: str
    caller: str

    @property
    def region(self) -> str:
        return str(self.session.region_name)


def sign_in(region: str | None) -> Account:
    """Return the account of the credentials.

    Raises:
        DeploymentFailed: there are no credentials, or none that AWS accepts.
    """
    try:
        session = boto3.Session()
        session = boto3.Session(region_name=region or session.region_name or REGION)
        identity = session.client("sts").get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        raise DeploymentFailed(
            f"AWS does not accept your credentials: {error}\n"
            "Sign in first (`aws sso login`, or AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)."
        ) from error
    return Account(session, identity["Account"], identity["Arn"])
