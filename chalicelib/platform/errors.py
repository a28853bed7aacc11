"""Defines everything that can be refused or fail, as one tree of classes.

Raise the most specific class; the family decides the HTTP status, which `chalicelib.platform.http.problems` alone maps.
`code` is stable and part of the API; `facts` become members of the problem document, and `fact_types` declares them for
the API's document: a type in quotes is one of the context's `answers`.
"""

from collections.abc import Mapping
from datetime import timedelta
from math import ceil
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple


def facts(**types: Any) -> Mapping[str, Any]:
    """Declare the facts of an error by their names."""
    return MappingProxyType(types)


class CloudbashError(Exception):
    """The base of all errors. `detail` is shown to clients: it names the reason and holds no personal data."""

    code: ClassVar[str] = "error"
    fact_types: ClassVar[Mapping[str, Any]] = facts()

    def __init__(self, detail: str, **facts: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.facts = facts


class InvalidInput(CloudbashError):
    """The request is malformed or a value in it is out of range. `fields` holds (JSON pointer, reason) pairs."""

    code = "invalid_input"
    fact_types = facts(
        errors="NotRequired[list[FieldError]]",
        server_time="NotRequired[Instant]",
        limit="NotRequired[int]",
        least="NotRequired[Amount]",
        greatest="NotRequired[Amount]",
        organisers="NotRequired[list[Id]]",
    )

    def __init__(self, detail: str, fields: tuple[tuple[str, str], ...] = (), **facts: Any) -> None:
        super().__init__(detail, **facts)
        self.fields = fields


class IdempotencyKeyReused(InvalidInput):
    """The same key came with another body."""

    code = "idempotency_key_reused"

    def __init__(
        self,
        detail: str = "This Idempotency-Key was used before with another body.",
        pointer: str = "/Idempotency-Key",
    ) -> None:
        super().__init__(detail, ((pointer, "was used"),))


class IfMatchNotSupported(InvalidInput):
    """The request makes a condition that its route cannot check, so it is refused rather than carried out without."""

    code = "if_match_not_supported"

    def __init__(self) -> None:
        super().__init__("This route does not take If-Match.", (("/If-Match", "is not supported here"),))


class BodyTooLarge(CloudbashError):
    """The body has more bytes than any route takes; nothing of it was read."""

    code = "body_too_large"
    fact_types = facts(limit="NotRequired[int]")


class BadSignature(CloudbashError):
    """A webhook that is forged, changed on its way, or too old."""

    code = "bad_signature"


class NotFound(CloudbashError):
    """The thing does not exist, or not for this caller."""

    code = "not_found"
    fact_types = facts(
        first_event_at="NotRequired[Instant]",
        version="NotRequired[int]",
        first_version="NotRequired[int]",
        last_version="NotRequired[int]",
    )


class RuleViolated(CloudbashError):
    """A business rule refuses the request. Each subclass is defined with the aggregate that refuses."""

    code = "rule_violated"


class AccountErased(RuleViolated):
    """The person was erased, and nothing is stored for them under their id any more."""

    code = "account_erased"

    def __init__(self) -> None:
        super().__init__("The person was erased.")


class TooMuchToRead(RuleViolated):
    """The answer would take more reads of the log than one request of this caller may cause."""

    code = "too_much_to_read"
    fact_types = facts(pools="NotRequired[int]", limit="NotRequired[int]")


class PaymentRefused(CloudbashError):
    """The payment provider said no; nothing was taken."""

    code = "payment_declined"
    fact_types = facts(payment_id="Id")


class Expired(CloudbashError):
    """The thing existed, and its time is over."""

    code = "expired"


class Quota(NamedTuple):
    """How much somebody may ask for in a while; the name is told to clients, and says what is counted."""

    name: str
    most: int
    window: timedelta


class TooManyRequests(CloudbashError):
    """The caller asks too often; asking again is right after `retry_after`. Nothing was written."""

    code = "too_many_requests"
    fact_types = facts(retry_after="NotRequired[int]")

    def __init__(self, detail: str, retry_after: timedelta, quota: Quota, **facts: Any) -> None:
        self.retry_after = retry_after
        self.quota = quota
        super().__init__(detail, retry_after=max(1, ceil(retry_after.total_seconds())), **facts)


class Unauthenticated(CloudbashError):
    """The request has no token, or one that cannot be trusted."""

    code = "unauthenticated"


class TokenOfDisabledAccount(Unauthenticated):
    """The token is good, and the account that it names is disabled."""

    code = "account_disabled"

    def __init__(self) -> None:
        super().__init__("This account is disabled.")


class TokenOfErasedPerson(Unauthenticated):
    """The token is good, and the person whom it names was erased."""

    code = "person_erased"

    def __init__(self) -> None:
        super().__init__("This person was erased.")


class Forbidden(CloudbashError):
    """The caller is known and may not do this."""

    code = "forbidden"


class PreconditionFailed(CloudbashError):
    """`If-Match` names another version than the log holds."""

    code = "version_mismatch"
    fact_types = facts(version="int")


class PreconditionNeeded(CloudbashError):
    """The edit does not say which version it is based on, so that it might undo what somebody else has changed."""

    code = "precondition_required"

    def __init__(self) -> None:
        super().__init__("Send If-Match with the `ETag` that you have seen, or `If-Match: *` for any version.")


class Unavailable(CloudbashError):
    """A server we need is away, throttled or slow. Trying again later is right; nothing is wrong with the request."""

    code = "unavailable"


class Misconfigured(Unavailable):
    """A server refuses us until somebody repairs the deployment. For callers it is as good as away."""


class Busy(Unavailable):
    """Too many writers wanted the same stream and the retries ran out. Nothing was written."""

    code = "busy"


class ReadModelBehind(Unavailable):
    """A read model lacks what the reader has seen, and the log may not be asked for all of it in one request."""

    code = "read_model_behind"


class LogDamaged(CloudbashError):
    """A stored event cannot be read: unknown type, unknown schema, or data that does not fit its type."""

    code = "log_damaged"
