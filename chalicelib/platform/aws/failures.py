"""Classifies errors of AWS by the code of the answer, by its HTTP status, or by the SDK's class.

A code has the same meaning in every service that we call, so there is one table for all of them. A code that is not in
it is classified by the status of the answer.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from botocore import exceptions as sdk
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from chalicelib.platform.failures import Failure, raise_if_unavailable

CONDITION_FAILED = "ConditionalCheckFailed"

_TRANSIENT_CODES = """
    BadDigest BandwidthLimitExceeded DependencyTimeout IncompleteBody InternalError InternalFailure InternalServerError
    InternalServiceError KMSInternal KMSThrottling KeyUnavailable KmsThrottled LimitExceeded OperationAborted
    PriorRequestNotComplete ProvisionedThroughputExceeded ReplicatedWriteConflict RequestLimitExceeded RequestThrottled
    RequestTimeout ResourceInUse ServiceUnavailable SlowDown TemporaryRedirect Throttled Throttling ThrottlingError
    TooManyRequests TransactionConflict TransactionInProgress
"""
_MISCONFIGURED_CODES = """
    AccessDenied AccountProblem AllAccessDisabled AuthFailure AuthorizationHeaderMalformed DecryptionFailure Disabled
    EncryptionTypeMismatch ExpiredToken IllegalLocationConstraint IncompleteSignature IncorrectKey InvalidAccessKeyId
    InvalidAction InvalidAddress InvalidArn InvalidClientTokenId InvalidGrantToken InvalidKeyUsage InvalidObjectState
    InvalidRequest InvalidSecurity InvalidSignature InvalidToken KMSAccessDenied KMSDisabled KMSInvalidState KMSNotFound
    KMSOptInRequired KmsAccessDenied KmsDisabled KmsInvalidKeyUsage KmsInvalidState KmsNotFound KmsOptInRequired
    MissingAuthenticationToken NoSuchBucket NonExistentQueue NotAuthorized NotFound NotSignedUp OptInRequired
    PermanentRedirect QueueDeletedRecently QueueDoesNotExist RequestExpired RequestTimeTooSkewed ResourceNotFound
    SignatureDoesNotMatch TableNotFound UnauthorizedOperation UnknownOperation UnrecognizedClient UnsupportedOperation
"""
_REFUSED_CODES = """
    ConditionalCheckFailed ConditionalRequestConflict DuplicateItem ExpiredIterator InvalidCiphertext NoSuchKey
    PreconditionFailed TrimmedDataAccess
"""
_BY_CODE = {
    code: failure
    for failure, codes in (
        (Failure.TRANSIENT, _TRANSIENT_CODES),
        (Failure.MISCONFIGURED, _MISCONFIGURED_CODES),
        (Failure.REFUSED, _REFUSED_CODES),
    )
    for code in codes.split()
}
_BY_STATUS: dict[int, Failure] = {
    HTTPStatus.UNAUTHORIZED: Failure.MISCONFIGURED,
    HTTPStatus.FORBIDDEN: Failure.MISCONFIGURED,
    HTTPStatus.REQUEST_TIMEOUT: Failure.TRANSIENT,
    HTTPStatus.TOO_MANY_REQUESTS: Failure.TRANSIENT,
}
_CANCELLED = "TransactionCanceled"
_NO_REASON = "None"

_ON_THE_WAY = (
    sdk.ChecksumError,
    sdk.ConnectionError,
    sdk.FlexibleChecksumError,
    sdk.HTTPClientError,
    sdk.IncompleteReadError,
    sdk.MetadataRetrievalError,
)
_OUR_OWN_FAULT = (
    sdk.AliasConflictParameterError,
    sdk.AwsChunkedWrapperError,
    sdk.InvalidExpressionError,
    sdk.OperationNotPageableError,
    sdk.PaginationError,
    sdk.ParamValidationError,
    sdk.RangeError,
    sdk.UnknownKeyError,
    sdk.UnknownParameterError,
    sdk.UnseekableStreamError,
)


@contextmanager
def failures_as_unavailable(server: str, otherwise: Failure | None = None) -> Iterator[None]:
    """Turn failures of the server into Unavailable, after the SDK's own retries; the rest stays the SDK's error.

    `otherwise` is what refusals and wrong requests count as: where no event is in the request, only the deployment can
    make it wrong.

    Raises:
        Unavailable: trying again later is right.
        Misconfigured: trying again is right once the deployment is repaired.
    """
    try:
        yield
    except (ClientError, BotoCoreError, ResponseParserError) as error:
        failure = failure_of(error)
        if otherwise is not None and failure in {Failure.REFUSED, Failure.POISON}:
            failure = otherwise
        raise_if_unavailable(failure, server, error)
        raise


def failure_of(error: ClientError | BotoCoreError | ResponseParserError) -> Failure:
    """Classify an error of the SDK. A cancelled transaction is what the worst of its reasons is."""
    if isinstance(error, ClientError):
        return _failure_of_answer(error)
    if isinstance(error, (*_ON_THE_WAY, ResponseParserError)):
        return Failure.TRANSIENT
    return Failure.POISON if isinstance(error, _OUR_OWN_FAULT) else Failure.MISCONFIGURED


def error_code(error: ClientError) -> str:
    """Return the code without a service before it and without the ending `Exception`.

    Reasons of cancelled transactions, and some services' forms of the same error, lack these.
    """
    return _bare(error.response.get("Error", {}).get("Code", ""))


def cancellation_reasons(error: ClientError) -> list[Any]:
    """Return why a transaction was cancelled, `{"Code": …, "Item": …}` for each of its items; `[]` for other errors."""
    if error_code(error) != _CANCELLED:
        return []
    reasons: list[Any] = error.response.get("CancellationReasons", [])
    return [{**reason, "Code": _bare(reason.get("Code") or _NO_REASON)} for reason in reasons]


def _failure_of_answer(error: ClientError) -> Failure:
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if error_code(error) == _CANCELLED:
        found = {_failure_of_reason(reason["Code"]) for reason in cancellation_reasons(error)} - {None}
        worst_first = (Failure.POISON, Failure.REFUSED, Failure.MISCONFIGURED)
        return next((failure for failure in worst_first if failure in found), Failure.TRANSIENT)
    # HTTP 5xx is transient whatever its code, unless the code names something that only a deployment can repair. The
    # status alone must not decide there, or a missing permission would be retried without a word.
    known = _BY_CODE.get(error_code(error))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR and known is not Failure.MISCONFIGURED:
        return Failure.TRANSIENT
    return known or _BY_STATUS.get(status, Failure.POISON)


def _failure_of_reason(code: str) -> Failure | None:
    return None if code == _NO_REASON else _BY_CODE.get(code, Failure.POISON)


def _bare(code: object) -> str:
    return str(code).rpartition(".")[2].removesuffix("Exception")
