"""Says what each route may refuse, and describes the problem documents."""

import inspect
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from http import HTTPStatus
from typing import Any, NamedTuple, NotRequired, get_origin

from typing_extensions import TypedDict

from chalicelib.platform.caller import Role
from chalicelib.platform.errors import CloudbashError
from chalicelib.platform.http.problems import status_of, title_of
from chalicelib.platform.http.requests import Body
from chalicelib.platform.http.routes import Route
from infra.gateway_responses import REFUSALS
from ops.openapi.declarations import resolved

ALWAYS = ("if_match_not_supported", "invalid_input", "body_too_large", "unavailable", "too_many_requests")
MADE_BY_THE_GATEWAY = ("internal_error", "gateway_timeout")
OF_READS = ("read_model_behind", "too_much_to_read")
OF_COMMANDS = ("busy", "idempotency_key_reused")
OF_BODIES = ("malformed_request", "unsupported_media_type")
OF_TOKENS = ("unauthenticated", "account_disabled", "person_erased", "scope_needed")
OF_STAFF = ("account_needed", "forbidden", "second_factor_needed")


class Refusal(NamedTuple):
    """One code with all that is known of it, from every error that has it."""

    code: str
    status: HTTPStatus
    meaning: str
    facts: Mapping[str, Any]

    @property
    def schema_name(self) -> str:
        return "".join(word.capitalize() for word in self.code.split("_")) + "Problem"


def codes_of(route: Route[Any]) -> list[str]:
    """Return the codes that a route may answer with: what it declares, and what every route like it refuses."""
    return sorted({*route.refuses, *ALWAYS, *MADE_BY_THE_GATEWAY, *_implied(route)})


def _implied(route: Route[Any]) -> Iterator[str]:
    if route.role is not None:
        yield from OF_TOKENS
        if not route.path.startswith("/orders/"):
            yield "beyond_link"
    if route.role not in {None, Role.CUSTOMER}:
        yield from OF_STAFF
    if "_id}" in route.path:
        yield "not_found"
    if route.method == "GET":
        yield from OF_READS
    elif route.role is not None:
        yield from OF_COMMANDS
    if route.takes_if_match:
        yield "version_mismatch"
    if route.needs_if_match:
        yield "precondition_required"
    if route.method in {"POST", "PATCH"}:
        yield from OF_BODIES


def takes_body(route: Route[Any]) -> bool:
    return route.reads is not None and issubclass(route.reads.model, Body | bytes)


@cache
def refusals() -> Mapping[str, Refusal]:
    """Return every code that an error has, with its status, meaning and facts, and those that only the gateway has."""
    by_code: dict[str, list[type[CloudbashError]]] = {}
    for error in sorted(_errors(CloudbashError), key=lambda error: (error.__module__, error.__name__)):
        if status_of(error) is not None and error.__module__.startswith("chalicelib."):
            by_code.setdefault(error.code, []).append(error)
    found = {code: _refusal(code, errors) for code, errors in by_code.items()}
    for made in REFUSALS.values():
        found.setdefault(made.code, Refusal(made.code, made.status, made.detail, {}))
    return found


def _errors(family: type[CloudbashError]) -> Iterator[type[CloudbashError]]:
    for error in family.__subclasses__():
        yield error
        yield from _errors(error)


def _refusal(code: str, errors: list[type[CloudbashError]]) -> Refusal:
    [status] = {status for error in errors if (status := status_of(error)) is not None}
    named = [error for error in errors if "code" in vars(error)] or errors
    meanings = dict.fromkeys(" ".join(inspect.cleandoc(error.__doc__).split()) for error in named if error.__doc__)
    return Refusal(code, status, " ".join(meanings), _shared([_facts(error) for error in named]))


def _facts(error: type[CloudbashError]) -> Mapping[str, Any]:
    facts: dict[str, Any] = {}
    for family in reversed(error.__mro__):
        declared = vars(family).get("fact_types", {})
        facts |= {name: resolved(kind, family.__module__) for name, kind in declared.items()}
    return facts


def _shared(several: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the facts of all errors of one code; one that some lack may be absent."""
    names = dict.fromkeys(name for facts in several for name in facts)
    kinds = {name: next(facts[name] for facts in several if name in facts) for name in names}
    return {
        name: kind if all(name in facts for facts in several) or get_origin(kind) is NotRequired else NotRequired[kind]
        for name, kind in kinds.items()
    }


def facts_type(refusal: Refusal) -> Any:
    """Return a type with the facts of a refusal as its members."""
    return TypedDict(f"{refusal.schema_name}Facts", dict(refusal.facts))  # type: ignore[operator]


def problem_schema(refusal: Refusal, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Describe the problem document of a code; `facts` is the schema of its facts."""
    status = int(refusal.status)
    members: dict[str, Any] = {
        "type": {"const": "about:blank"},
        "title": {"const": title_of(refusal.status)},
        "status": {"const": status},
        "code": {"const": refusal.code},
        "detail": {"type": "string", "description": "What is wrong, for people."},
    }
    return {
        "type": "object",
        "description": refusal.meaning,
        "properties": members | facts.get("properties", {}),
        "required": [*members, *facts.get("required", [])],
    }


def by_status(codes: Iterable[str]) -> Mapping[HTTPStatus, list[Refusal]]:
    """Group the refusals of a route as its responses are."""
    known, grouped = refusals(), dict[HTTPStatus, list[Refusal]]()
    for code in codes:
        grouped.setdefault(known[code].status, []).append(known[code])
    return grouped
