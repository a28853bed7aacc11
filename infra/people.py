"""Makes a test person: a user of the stage's pool, with tokens that Cognito has signed."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4


@contextmanager
def somebody(cognito: Any, user_pool: str, client: str, groups: list[str]) -> Iterator[str]:
    """Give an ID token of a new user, who is deleted in the end. No mail is sent."""
    name, password = f"smoke-test-{uuid4()}@example.com", f"Aa1!{secrets.token_urlsafe(32)}"
    attributes = [{"Name": "email", "Value": name}, {"Name": "email_verified", "Value": "true"}]
    cognito.admin_create_user(UserPoolId=user_pool, Username=name, UserAttributes=attributes, MessageAction="SUPPRESS")
    try:
        cognito.admin_set_user_password(UserPoolId=user_pool, Username=name, Password=password, Permanent=True)
        for group in groups:
            cognito.admin_add_user_to_group(UserPoolId=user_pool, Username=name, GroupName=group)
        signed_in = cognito.admin_initiate_auth(
            UserPoolId=user_pool,
            ClientId=client,
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": name, "PASSWORD": password},
        )
        yield signed_in["AuthenticationResult"]["IdToken"]
    finally:
        cognito.admin_delete_user(UserPoolId=user_pool, Username=name)
