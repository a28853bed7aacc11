"""Deletes users of a pool of Cognito."""

from typing import Any
from uuid import UUID

from botocore.exceptions import ClientError

from chalicelib.platform.aws.failures import error_code, failures_as_unavailable


class CognitoSignIns:
    """Deletes the user whose `sub` is the person's id, and with it the address that the person signs in with."""

    def __init__(self, client: Any, user_pool_arn: str) -> None:
        self._client = client
        self._user_pool = user_pool_arn.rpartition("/")[2]

    def delete(self, person_id: UUID) -> None:
        try:
            with failures_as_unavailable("The user pool"):
                self._client.admin_delete_user(UserPoolId=self._user_pool, Username=str(person_id))
        except ClientError as error:
            if error_code(error) != "UserNotFound":
                raise
