"""Says which refusals of well-formed requests are right, because no schema can say what they refuse.

Every other refusal of a request that fits the document fails the fuzz: then the document promises too much.
"""

import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import Failure
from schemathesis.core.transport import Response
from schemathesis.generation.case import Case
from schemathesis.openapi.checks import RejectedPositiveData

ABOUT_STATE = ["402", "403", "404", "409", "410", "412", "428"]
ACCEPTS = ["2xx", "3xx", "401", "413", "429", "503", *ABOUT_STATE]
"""How a request that fits the document may be answered. Left is 400, 415 and 422, and what is never right.

A body that fits may still have more than 64 KiB (413), because a schema counts signs and not bytes.
"""


REFUSES_WITHOUT_CONDITION = ["401", "403", "404", "422", "428"]
"""How a request without `If-Match`, where that is required, may be answered: 428 to those who may do it at all."""


class Unsayable(NamedTuple):
    """A refusal of one field, by its pointer and what the answer says of it, and why no schema says it."""

    pointer: str
    detail: str
    reason: str


UNSAYABLE = [
    Unsayable(r"\?(cursor|since)", "did not come from this API", "cursors are the shop's own"),
    Unsayable(r"\?as_of|\?version", "is given together with the other", "parameters that exclude each other"),
    Unsayable(r"\?as_of", "must not be after .*", "what is later than now"),
    Unsayable(r"\?limit", "must be 100 at most, or 2000 with another `format`", "parameters that depend on each other"),
    Unsayable(r"/Accept", "must be application/pdf .*", "the header `Accept`, which OpenAPI leaves out"),
    Unsayable(r"\?until", "must not be before since", "an order of two values"),
    Unsayable(r"#/sales_(start|end)", "must (not )?be (before|after) the concert's .*", "what exists"),
    Unsayable(r"#/(starts|ends)_at", "is needed, because the concert has no date", "what exists"),
    Unsayable(r"#/\w+", "must not be before .*, which is promised already", "what exists"),
    Unsayable(r"#/\w+", "must be in the future", "what is later than now"),
    Unsayable(r"#/scans/\d+/scanned_at", "is .* device_clock", "an order of two values"),
    Unsayable(r"#/\w+", r"must be after \w+", "an order of two values"),
    Unsayable(r"#.*|\?.*", "must contain something visible", "classes of Unicode"),
    Unsayable(r"\?.*", r"must have \d+ words at most", "words"),
    Unsayable(r"\?.*", r"must have \d+ characters at most once it is normalised", "NFKC"),
    Unsayable(r"#.*/email|#/email", "must be an e-mail address: .*", "the whole grammar of addresses"),
    Unsayable(r"#/time_zone", "must be the IANA time zone of a place.*", "a list of 488 names that grows"),
    Unsayable(r"#.*", "amount has more digits than [A-Z]{3} has", "the digits of a currency"),
    Unsayable(r"#/url", "must name a host on the internet", "which addresses are public"),
    Unsayable(r"#/url", "must be an address on the internet", "which addresses are public"),
    Unsayable(r"#/url", "must name a host and a port as addresses do", "the whole grammar of addresses"),
    Unsayable(r"#/url", "must begin with https:// and name a host", "the whole grammar of addresses"),
    Unsayable(r"#/url", "must use port 443 or 8443", "which addresses are public"),
    Unsayable(r"#/provider", "is unknown", "the providers of a stage"),
    Unsayable(r"#/token", "is unknown", "the tokens of a provider"),
    Unsayable(r"#/\w+/currency", "must be .*, as the (order is|tickets are)", "what exists"),
    Unsayable(r"#/\w+_id", "names (no|a) .*", "what exists"),
    Unsayable(r"#/tickets/\d+", "names no ticket of the order", "what exists"),
    Unsayable(r"#", "must have one of all, tickets and amount", "members that depend on each other"),
    Unsayable(r"#/restock", "needs tickets that come back", "members that depend on each other"),
    Unsayable(r"#/ticket_type_id", "is needed with another concert", "members that depend on each other"),
    Unsayable(r"#", "moves nothing", "members that depend on each other"),
    Unsayable(r"#/(starts|ends)_at", "is missing", "members that depend on each other"),
    Unsayable(r"#/quantity", "is required without area_id", "members that depend on each other"),
    Unsayable(r"#/quantity", "is that of the area", "members that depend on each other"),
    Unsayable(r"#/quantity", "must be changed alone", "members that depend on each other"),
    Unsayable(r"#/ceiling", "needs an area_id", "members that depend on each other"),
    Unsayable(r"#/organiser_id", "is given by the concert", "members that depend on each other"),
]
"""A schema could name members that depend on each other, as several objects of which one must fit; the generators of
clients make of that types which nobody can read."""

UNSAYABLE_CODES = {
    "idempotency_key_reused": "a key that was used before",
    "forged_code": "what the shop has signed",
    "bad_signature": "what the provider has signed",
}
"""The same, by the code of a refusal that is about no field."""


class Excused:
    """Lets nothing pass but what is listed here, and counts it by its reason."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    def hook(self) -> Callable[[Any, Failure, Case[Any], Response], bool]:
        """Return what schemathesis asks whether a failure of a check is one."""

        def filter_failure(_: Any, failure: Failure, case: Case[Any], response: Response) -> bool:
            return self._is_failure(failure, case, response)

        return filter_failure

    def _is_failure(self, failure: Failure, case: Case[Any], response: Response) -> bool:
        if not isinstance(failure, RejectedPositiveData):
            return True
        reasons = _reasons(case, response)
        for reason in reasons:
            self.counts[reason] = self.counts.get(reason, 0) + 1
        return not reasons


def _reasons(case: Case[Any], response: Response) -> set[str]:
    """Return why a refusal is right, for each field that it names, or nothing if one of them has no reason."""
    if not _headers_fit(case, response):
        return {"the tool's own mistake: a header that does not fit its schema"}
    problem = json.loads(response.content)
    if problem["code"] in UNSAYABLE_CODES:
        return {UNSAYABLE_CODES[problem["code"]]}
    found = [_reason(error["pointer"], error["detail"]) for error in problem.get("errors", [])]
    return {reason for reason in found if reason} if all(found) else set()


def _reason(pointer: str, detail: str) -> str | None:
    fitting = [
        one.reason
        for one in UNSAYABLE
        if re.fullmatch(one.pointer, pointer) and re.fullmatch(one.detail, detail, re.DOTALL)
    ]
    return fitting[0] if fitting else None


def _headers_fit(case: Case[Any], response: Response) -> bool:
    """Tell whether the headers as they were sent are what the document asks for."""
    sent = {name.lower(): value for name, value in response.request.headers.items()}
    for parameter in case.operation.headers:
        value = sent.get(parameter.name.lower())
        pattern = parameter.definition.get("schema", {}).get("pattern")
        if value is not None and pattern is not None and not re.search(pattern, str(value)):
            return False
    return True


def checks_of(config: dict[str, Any]) -> SchemathesisConfig:
    """Return the configuration with all checks on, and what `positive_data_acceptance` takes for an acceptance."""
    checks = {
        "positive_data_acceptance": {"expected-statuses": ACCEPTS},
        "missing_required_header": {"expected-statuses": REFUSES_WITHOUT_CONDITION},
    }
    return SchemathesisConfig.from_dict({**config, "checks": checks})
