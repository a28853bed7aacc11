"""Every error code that AWS has for the calls we make, and of which kind of failure it is."""

from collections.abc import Iterator
from typing import Any

from botocore.session import get_session

from chalicelib.platform.failures import Failure

CALLS = {
    "dynamodb": (
        *("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "ExecuteStatement", "ExecuteTransaction"),
        *("GetItem", "Query", "Scan", "BatchGetItem", "BatchWriteItem", "DescribeTable"),
    ),
    "dynamodbstreams": ("DescribeStream", "GetShardIterator", "GetRecords", "ListStreams"),
    "kinesis": ("PutRecords",),
    "kms": ("Encrypt", "Decrypt", "Sign", "GetPublicKey"),
    "s3": ("PutObject", "GetObject", "ListObjectsV2", "ListObjectVersions", "DeleteObjects"),
    "secretsmanager": ("GetSecretValue",),
    "sqs": ("SendMessageBatch",),
}

EVERYWHERE = {
    # The documentation of each service calls these the errors common to all actions.
    "AccessDeniedException": Failure.MISCONFIGURED,
    "ExpiredTokenException": Failure.MISCONFIGURED,
    "IncompleteSignature": Failure.MISCONFIGURED,
    "InternalFailure": Failure.TRANSIENT,
    "InvalidClientTokenId": Failure.MISCONFIGURED,
    "InvalidSignatureException": Failure.MISCONFIGURED,
    "MalformedHttpRequestException": Failure.POISON,
    "MissingAuthenticationTokenException": Failure.MISCONFIGURED,
    "NotAuthorized": Failure.MISCONFIGURED,
    "OptInRequired": Failure.MISCONFIGURED,
    "RequestAbortedException": Failure.POISON,
    "RequestEntityTooLargeException": Failure.POISON,
    "RequestExpired": Failure.MISCONFIGURED,
    "RequestTimeoutException": Failure.TRANSIENT,
    "SerializationException": Failure.POISON,
    "ServiceUnavailable": Failure.TRANSIENT,
    "ThrottlingException": Failure.TRANSIENT,
    "UnrecognizedClientException": Failure.MISCONFIGURED,
    "UnknownOperationException": Failure.MISCONFIGURED,
    "ValidationError": Failure.POISON,
    "ValidationException": Failure.POISON,
}

BY_SERVICE = {
    "dynamodb": {
        "ConditionalCheckFailedException": Failure.REFUSED,
        "DuplicateItemException": Failure.REFUSED,
        "IdempotentParameterMismatchException": Failure.POISON,
        "InternalServerError": Failure.TRANSIENT,
        "ItemCollectionSizeLimitExceededException": Failure.POISON,
        "ProvisionedThroughputExceededException": Failure.TRANSIENT,
        "ReplicatedWriteConflictException": Failure.TRANSIENT,
        "RequestLimitExceeded": Failure.TRANSIENT,
        "ResourceNotFoundException": Failure.MISCONFIGURED,
        "TransactionCanceledException": Failure.TRANSIENT,  # one that gives no reasons
        "TransactionConflictException": Failure.TRANSIENT,
        "TransactionInProgressException": Failure.TRANSIENT,
    },
    "dynamodbstreams": {
        "ExpiredIteratorException": Failure.REFUSED,
        "InternalServerError": Failure.TRANSIENT,
        "LimitExceededException": Failure.TRANSIENT,
        "ResourceNotFoundException": Failure.MISCONFIGURED,
        "TrimmedDataAccessException": Failure.REFUSED,
    },
    "kinesis": {
        "AccessDeniedException": Failure.MISCONFIGURED,
        "DryRunOperationException": Failure.POISON,
        "InternalFailureException": Failure.TRANSIENT,
        "InvalidArgumentException": Failure.POISON,
        "KMSAccessDeniedException": Failure.MISCONFIGURED,
        "KMSDisabledException": Failure.MISCONFIGURED,
        "KMSInvalidStateException": Failure.MISCONFIGURED,
        "KMSNotFoundException": Failure.MISCONFIGURED,
        "KMSOptInRequired": Failure.MISCONFIGURED,
        "KMSThrottlingException": Failure.TRANSIENT,
        "ProvisionedThroughputExceededException": Failure.TRANSIENT,
        "ResourceNotFoundException": Failure.MISCONFIGURED,
    },
    "kms": {
        "DependencyTimeoutException": Failure.TRANSIENT,
        "DisabledException": Failure.MISCONFIGURED,
        "DryRunOperationException": Failure.POISON,
        "IncorrectKeyException": Failure.MISCONFIGURED,
        "InvalidArnException": Failure.MISCONFIGURED,
        "InvalidCiphertextException": Failure.REFUSED,
        "InvalidGrantTokenException": Failure.MISCONFIGURED,
        "InvalidKeyUsageException": Failure.MISCONFIGURED,
        "KMSInternalException": Failure.TRANSIENT,
        "KMSInvalidStateException": Failure.MISCONFIGURED,
        "KeyUnavailableException": Failure.TRANSIENT,
        "NotFoundException": Failure.MISCONFIGURED,
        "UnsupportedOperationException": Failure.MISCONFIGURED,
    },
    "s3": {
        "AccessDenied": Failure.MISCONFIGURED,
        "AuthorizationHeaderMalformed": Failure.MISCONFIGURED,
        "BadDigest": Failure.TRANSIENT,
        "ConditionalRequestConflict": Failure.REFUSED,
        "EncryptionTypeMismatch": Failure.MISCONFIGURED,
        "EntityTooLarge": Failure.POISON,
        "ExpiredToken": Failure.MISCONFIGURED,
        "InternalError": Failure.TRANSIENT,
        "InvalidAccessKeyId": Failure.MISCONFIGURED,
        "InvalidObjectState": Failure.MISCONFIGURED,
        "InvalidRequest": Failure.MISCONFIGURED,
        "InvalidToken": Failure.MISCONFIGURED,
        "InvalidWriteOffset": Failure.POISON,
        "NoSuchBucket": Failure.MISCONFIGURED,
        "NoSuchKey": Failure.REFUSED,
        "OperationAborted": Failure.TRANSIENT,
        "PermanentRedirect": Failure.MISCONFIGURED,
        "PreconditionFailed": Failure.REFUSED,
        "RequestTimeTooSkewed": Failure.MISCONFIGURED,
        "RequestTimeout": Failure.TRANSIENT,
        "SignatureDoesNotMatch": Failure.MISCONFIGURED,
        "SlowDown": Failure.TRANSIENT,
        "TemporaryRedirect": Failure.TRANSIENT,
        "TooManyParts": Failure.POISON,
    },
    "secretsmanager": {
        "DecryptionFailure": Failure.MISCONFIGURED,
        "InternalServiceError": Failure.TRANSIENT,
        "InvalidParameterException": Failure.POISON,
        "InvalidRequestException": Failure.MISCONFIGURED,
        "ResourceNotFoundException": Failure.MISCONFIGURED,
    },
    "sqs": {
        "AWS.SimpleQueueService.NonExistentQueue": Failure.MISCONFIGURED,
        "AWS.SimpleQueueService.QueueDeletedRecently": Failure.MISCONFIGURED,
        "AWS.SimpleQueueService.TooManyEntriesInBatchRequest": Failure.POISON,
        "BatchEntryIdsNotDistinct": Failure.POISON,
        "BatchRequestTooLong": Failure.POISON,
        "EmptyBatchRequest": Failure.POISON,
        "InvalidAddress": Failure.MISCONFIGURED,
        "InvalidBatchEntryId": Failure.POISON,
        "InvalidMessageContents": Failure.POISON,
        "InvalidSecurity": Failure.MISCONFIGURED,
        "KMS.ThrottlingException": Failure.TRANSIENT,
        "KmsAccessDenied": Failure.MISCONFIGURED,
        "KmsDisabled": Failure.MISCONFIGURED,
        "KmsInvalidKeyUsage": Failure.MISCONFIGURED,
        "KmsInvalidState": Failure.MISCONFIGURED,
        "KmsNotFound": Failure.MISCONFIGURED,
        "KmsOptInRequired": Failure.MISCONFIGURED,
        "KmsThrottled": Failure.TRANSIENT,
        "QueueDoesNotExist": Failure.MISCONFIGURED,
        "RequestThrottled": Failure.TRANSIENT,
        "TooManyEntriesInBatchRequest": Failure.POISON,
        "UnsupportedOperation": Failure.MISCONFIGURED,
    },
}

KIND_OF = {service: EVERYWHERE | codes for service, codes in BY_SERVICE.items()}


def modelled() -> Iterator[tuple[str, str]]:
    """Service and code, as the SDK's own models have them for the calls we make."""
    session = get_session()
    for service, operations in CALLS.items():
        model = session.get_service_model(service)
        shapes: list[Any] = [shape for name in operations for shape in model.operation_model(name).error_shapes]
        codes = {shape.error_code for shape in shapes}
        yield from ((service, code) for code in sorted(codes))


def status_of(code: str) -> int:
    """With which HTTP status the code comes."""
    return 500 if code.startswith(("Internal", "Service", "KMSInternal", "SlowDown")) else 400
