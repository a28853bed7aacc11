"""What the adapters of DynamoDB on the reading side share."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from chalicelib.platform.errors import Unavailable

_WEATHER = {
    "AccessDeniedException",  # this and the next three: a deployment that went wrong, and no fault of an event
    "ExpiredTokenException",
    "ResourceNotFoundException",
    "UnrecognizedClientException",
    "InternalServerError",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceUnavailable",
    "ThrottlingError",
    "ThrottlingException",
}


@contextmanager
def weather(table: str) -> Iterator[None]:
    """What the SDK still could not do after its own retries becomes Unavailable, unless the request itself is wrong."""
    try:
        yield
    except ClientError as error:
        if error_code(error) in _WEATHER:
            raise Unavailable(f"{table} is away or throttled.") from error
        raise
    except ParamValidationError:
        raise
    except BotoCoreError as error:
        raise Unavailable(f"{table} cannot be reached.") from error


def error_code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
