"""Sends mails by SES, which has no key that would make a repeated request the same one."""

from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from typing import Any, NoReturn
from uuid import UUID

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
)

from chalicelib.platform.aws.failures import error_code
from chalicelib.platform.errors import Unavailable
from chalicelib.platform.failures import Failure, raise_if_unavailable
from chalicelib.platform.mail.message import OutgoingMail
from chalicelib.platform.mail.port import MailRefused, OutcomeUnknown

MAIL_TAG = "mail"
"""The tag by which SES says which mail an event is about."""

_SERVER = "SES"
_NOT_REACHED = (ConnectTimeoutError, EndpointConnectionError)
_LATER = {"TooManyRequests", "Throttling", "LimitExceeded"}
_NOT_SET_UP = {"AccountSuspended", "MailFromDomainNotVerified", "MessageRejected", "NotFound", "SendingPaused"}
"""SES says `MessageRejected` of a sender that is not verified, so it does not end the mail."""


class SesSender:
    """Sends through one configuration set, whose events tell what became of each mail.

    `client` must not repeat requests by itself: a repeated one is a second mail.
    """

    tells_within = timedelta(minutes=15)
    keeps_copies = False

    def __init__(self, client: Any, configuration_set: str) -> None:
        self._client = client
        self._configuration_set = configuration_set

    def send(self, mail: OutgoingMail, content: bytes) -> str:
        try:
            reply = self._client.send_email(
                FromEmailAddress=mail.sender_address,
                Destination={"ToAddresses": [mail.address]},
                Content={"Raw": {"Data": content}},
                ConfigurationSetName=self._configuration_set,
                EmailTags=[{"Name": MAIL_TAG, "Value": str(mail.id)}],
            )
        except ClientError as error:
            _fail(error)
        except _NOT_REACHED as error:
            raise Unavailable(f"{_SERVER} cannot be reached.") from error
        except HTTPClientError as error:
            raise OutcomeUnknown(type(error).__name__) from error
        except BotoCoreError as error:
            raise_if_unavailable(Failure.MISCONFIGURED, _SERVER, error)
            raise
        return str(reply["MessageId"])

    def find(self, mail_id: UUID) -> str | None:  # noqa: ARG002 - the port has it
        """Return nothing: SES can only be asked by its own id. Its events have told by then what it has taken."""
        return None

    def forget(self, is_known: Callable[[UUID], bool]) -> None:
        """Do nothing: SES has no copies."""


def _fail(error: ClientError) -> NoReturn:
    """Raise what an answer of SES means for the mail. Answers below 500 say that it was not taken."""
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    code = error_code(error)
    if code in _LATER:
        raise Unavailable(f"{_SERVER} takes no more mails for now.") from error
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or not status:
        raise OutcomeUnknown(code) from error
    if code in _NOT_SET_UP or status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise_if_unavailable(Failure.MISCONFIGURED, _SERVER, error)
    raise MailRefused(code) from error
