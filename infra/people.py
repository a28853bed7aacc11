"""Makes a test person: a user of the stage's pool, with tokens that Cognito has signed."""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

STEP = 30
"""A code of RFC 6238 is good for so many seconds."""


@contextmanager
def somebody(
    cognito: Any,
    user_pool: str,
    client: str,
    groups: list[str],
    *,
    second_factor: bool = False,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[str]:
    """Give an ID token of a new user, who is deleted in the end. No mail is sent.

    A second factor takes up to half a minute, because Cognito takes no code twice.
    """
    name, password = f"smoke-test-{uuid4()}@example.com", f"Aa1!{secrets.token_urlsafe(32)}"
    attributes = [{"Name": "email", "Value": name}, {"Name": "email_verified", "Value": "true"}]
    cognito.admin_create_user(UserPoolId=user_pool, Username=name, UserAttributes=attributes, MessageAction="SUPPRESS")
    try:
        cognito.admin_set_user_password(UserPoolId=user_pool, Username=name, Password=password, Permanent=True)
        for group in groups:
            cognito.admin_add_user_to_group(UserPoolId=user_pool, Username=name, GroupName=group)
        sign_in = {
            "UserPoolId": user_pool,
            "ClientId": client,
            "AuthFlow": "ADMIN_USER_PASSWORD_AUTH",
            "AuthParameters": {"USERNAME": name, "PASSWORD": password},
        }
        signed_in = cognito.admin_initiate_auth(**sign_in)
        if second_factor:
            secret = _enrol(cognito, signed_in["AuthenticationResult"]["AccessToken"])
            challenge = cognito.admin_initiate_auth(**sign_in)
            sleep(STEP - time.time() % STEP)
            signed_in = cognito.admin_respond_to_auth_challenge(
                UserPoolId=user_pool,
                ClientId=client,
                ChallengeName=challenge["ChallengeName"],
                Session=challenge["Session"],
                ChallengeResponses={"USERNAME": name, "SOFTWARE_TOKEN_MFA_CODE": code_at(secret, time.time())},
            )
        yield signed_in["AuthenticationResult"]["IdToken"]
    finally:
        cognito.admin_delete_user(UserPoolId=user_pool, Username=name)


def code_at(secret: str, now: float) -> str:
    """Return the code of six digits of RFC 6238 for a secret in base32, at `now` in seconds since 1970."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, int(now // STEP).to_bytes(8), hashlib.sha1)
    at = digest[-1] & 0xF
    number = int.from_bytes(digest[at : at + 4]) & 0x7FFFFFFF
    return f"{number % 10**6:06d}"


def _enrol(cognito: Any, access_token: str) -> str:
    """Give the user a second factor, and return its secret in base32."""
    secret: str = cognito.associate_software_token(AccessToken=access_token)["SecretCode"]
    cognito.verify_software_token(AccessToken=access_token, UserCode=code_at(secret, time.time()))
    cognito.set_user_mfa_preference(
        AccessToken=access_token, SoftwareTokenMfaSettings={"Enabled": True, "PreferredMfa": True}
    )
    return secret
