"""Every code that AWS has for the calls we make, every HTTP status, and every error of the SDK is of one kind."""

from typing import Any

import pytest
from botocore import exceptions
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from chalicelib.platform.aws.failures import failure_of, failures_as_unavailable
from chalicelib.platform.errors import Misconfigured, Unavailable
from chalicelib.platform.failures import Failure
from tests.support.aws_codes import KIND_OF, modelled, status_of

CODES = [(service, code) for service, codes in KIND_OF.items() for code in codes]
ON_THE_WAY = {
    *("ChecksumError", "ConnectionError", "EndpointConnectionError", "SSLError", "ConnectionClosedError"),
    *("ConnectTimeoutError", "ProxyConnectionError", "FlexibleChecksumError", "HTTPClientError", "ReadTimeoutError"),
    *("ResponseStreamingError", "IncompleteReadError", "MetadataRetrievalError"),
}
OUR_OWN_FAULT = {
    *("AwsChunkedWrapperError", "InvalidExpressionError", "OperationNotPageableError", "PaginationError"),
    *("UnseekableStreamError", "ParamValidationError", "RangeError", "UnknownKeyError"),
    *("UnknownParameterError", "AliasConflictParameterError"),
}
OF_THE_SDK = {
    name: error
    for name, error in vars(exceptions).items()
    if isinstance(error, type) and issubclass(error, BotoCoreError)
}


def answered(code: str, status: int = 400, **more: Any) -> ClientError:
    response: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}, **more}
    return ClientError(response, "PutItem")


def cancelled(*codes: str | None) -> ClientError:
    return answered("TransactionCanceledException", CancellationReasons=[{"Code": code} for code in codes])


def test_every_code_that_the_models_know_is_in_the_table() -> None:
    """A new version of the SDK may bring new ones: then somebody has to think."""
    assert [(service, code) for service, code in modelled() if code not in KIND_OF[service]] == []


@pytest.mark.parametrize(("service", "code"), CODES)
def test_each_code_ends_in_its_class(service: str, code: str) -> None:
    assert failure_of(answered(code, status_of(code))) is KIND_OF[service][code]


@pytest.mark.parametrize("status", [500, 501, 502, 503, 504, 599])
def test_a_server_that_fails_is_transient_whatever_it_calls_that(status: int) -> None:
    for code in (str(status), "NeverHeardOf", "ValidationException", "ConditionalCheckFailedException"):
        assert failure_of(answered(code, status)) is Failure.TRANSIENT
    assert failure_of(answered("AccessDeniedException", status)) is Failure.MISCONFIGURED


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        (400, Failure.POISON),
        (401, Failure.MISCONFIGURED),
        (403, Failure.MISCONFIGURED),
        (404, Failure.POISON),
        (408, Failure.TRANSIENT),
        (409, Failure.POISON),
        (413, Failure.POISON),
        (429, Failure.TRANSIENT),
    ],
)
def test_a_code_that_nobody_knows_is_judged_by_its_status(status: int, failure: Failure) -> None:
    assert failure_of(answered("NeverHeardOf", status)) is failure


@pytest.mark.parametrize(
    ("codes", "failure"),
    [
        ([], Failure.TRANSIENT),
        (["None", None], Failure.TRANSIENT),
        (["None", "TransactionConflict"], Failure.TRANSIENT),
        (["ThrottlingError", "ProvisionedThroughputExceeded"], Failure.TRANSIENT),
        (["AccessDenied", "ThrottlingError"], Failure.MISCONFIGURED),
        (["ThrottlingError", "ConditionalCheckFailed"], Failure.REFUSED),
        (["DuplicateItem", "None"], Failure.REFUSED),
        (["ConditionalCheckFailed", "ValidationError"], Failure.POISON),
        (["ItemCollectionSizeLimitExceeded", "TransactionConflict"], Failure.POISON),
    ],
)
def test_a_cancelled_transaction_is_what_the_worst_of_its_reasons_is(codes: list[str | None], failure: Failure) -> None:
    assert failure_of(cancelled(*codes)) is failure


@pytest.mark.parametrize("name", OF_THE_SDK)
def test_what_the_sdk_says_itself_ends_in_its_class(name: str) -> None:
    kind = OF_THE_SDK[name]
    expected = Failure.TRANSIENT if name in ON_THE_WAY else Failure.MISCONFIGURED
    assert failure_of(kind.__new__(kind)) is (Failure.POISON if name in OUR_OWN_FAULT else expected)


def test_an_answer_that_cannot_be_read_is_transient() -> None:
    assert failure_of(ResponseParserError("Unable to parse response, invalid XML received")) is Failure.TRANSIENT


def test_what_a_failure_becomes() -> None:
    with pytest.raises(Unavailable) as transient, failures_as_unavailable("carts"):
        raise answered("ThrottlingException")
    assert not isinstance(transient.value, Misconfigured)
    with pytest.raises(Misconfigured), failures_as_unavailable("carts"):
        raise answered("AccessDeniedException")
    for code in ("ValidationException", "ConditionalCheckFailedException"):
        with pytest.raises(ClientError), failures_as_unavailable("carts"):
            raise answered(code)
        with pytest.raises(Misconfigured), failures_as_unavailable("carts", otherwise=Failure.MISCONFIGURED):
            raise answered(code)
