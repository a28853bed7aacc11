"""Runs schemathesis against the shop: every caller, every route, and counts what its checks find."""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import schemathesis
from requests.structures import CaseInsensitiveDict
from schemathesis.engine import Status, events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder
from schemathesis.generation.case import Case
from schemathesis.hooks import GLOBAL_HOOK_DISPATCHER
from schemathesis.specs.openapi.schemas import OpenApiSchema

from local.pump import PumpStuck
from ops.openapi.document import PLACE
from tests.fuzz.callers import CALLERS, ERASES, OF_ROLE, Cast
from tests.fuzz.excused import Excused, checks_of

DESTROYS = ("DELETE ", "POST /accounts/{person_id}/disable", "POST /concerts/{concert_id}/cancel")
"""How the names of routes begin which take away what the others are about: they come last."""

EVERY_VALUE = 6_500
"""About so many requests have, for every route, each value at the bounds that its document names."""

BUYERS = ("guest", "customer")
"""Who follows the document's links, from the cart to the payment."""

OFTEN = 0.7
"""How often a parameter leads to something that there is."""

Advance = Callable[[str, int], None]


class Found(NamedTuple):
    """One kind of failure at a route, with its first instance."""

    check: str
    caller: str
    route: str
    phase: str
    title: str
    message: str
    answer: str
    request: str


class Plan(NamedTuple):
    """What is asked: about so many `examples`, from a `seed`, by these callers, of these routes or of all."""

    examples: int
    seed: int
    callers: tuple[str, ...] = CALLERS
    route: str | None = None


@dataclass
class Tally:
    """What the answers were, and what the checks say of them."""

    checks: dict[str, Counter[str]] = field(default_factory=dict)
    statuses: dict[str, Counter[int]] = field(default_factory=dict)
    found: dict[tuple[str, str, str], Found] = field(default_factory=dict)
    times: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    """What kept the tool from asking."""

    @property
    def requests(self) -> int:
        return sum(sum(counted.values()) for counted in self.statuses.values())

    def count(self, caller: str, phase: str, recorder: ScenarioRecorder) -> int:
        """Take in what was asked of one route, and return how many requests it was."""
        answered = self.statuses.setdefault(caller, Counter())
        for interaction in recorder.interactions.values():
            answered[interaction.response.status_code if interaction.response else 0] += 1
        for case_id, checks in recorder.checks.items():
            for check in checks:
                self.checks.setdefault(check.name, Counter())[check.status.value] += 1
                if check.status is Status.FAILURE and check.failure_info is not None:
                    self._find(caller, phase, recorder, case_id, check.name)
        return len(recorder.interactions)

    def _find(self, caller: str, phase: str, recorder: ScenarioRecorder, case_id: str, check: str) -> None:
        [info, *_] = [one.failure_info for one in recorder.checks[case_id] if one.name == check and one.failure_info]
        route = recorder.cases[case_id].value.operation.label
        key = (check, route, f"{type(info.failure).__name__} {_shape(info.failure.message)}")
        self.times[key] += 1
        interaction = recorder.interactions.get(info.failure.case_id or case_id)
        answer = interaction.response if interaction else None
        told = f"{answer.status_code} {answer.content[:600].decode(errors='replace')}" if answer else "none"
        failure = info.failure
        self.found.setdefault(
            key,
            Found(check, caller, route, phase, failure.title, failure.message, told, info.code_sample[:3000]),
        )


def _shape(message: str) -> str:
    """Return the beginning of a message, by which failures of one kind are told from others."""
    return message.splitlines()[0][:100] if message else ""


def run(plan: Plan, base_url: str, cast: Cast, advance: Advance, settle: Callable[[], None]) -> tuple[Tally, Excused]:
    """Ask all that is planned; `settle` lets the read models catch up in between."""
    tally, excused = Tally(), Excused()
    routes = _routes()
    shares = _shares(plan, routes)
    for caller in plan.callers:
        for some in _in_order(routes if plan.route is None else [plan.route]):
            wanted = [route for route in some if route in shares.thorough and _role(routes[route]) == caller]
            _ask(plan, base_url, cast, caller, wanted, ["examples", "coverage"], 1, tally, excused, advance)
            _ask(plan, base_url, cast, caller, some, ["fuzzing"], shares.each, tally, excused, advance)
            _catch_up(settle, tally)
        if caller in BUYERS and plan.route is None:
            _ask(plan, base_url, cast, caller, list(routes), ["stateful"], shares.each, tally, excused, advance)
            _catch_up(settle, tally)
    return tally, excused


def _catch_up(settle: Callable[[], None], tally: Tally) -> None:
    """Deliver what has changed; if that does not end, the report says so, and does not get lost."""
    try:
        settle()
    except PumpStuck as stuck:
        tally.broken.append(str(stuck))


class Shares(NamedTuple):
    """Which routes are asked for every value that their document names, and how often each caller asks each route."""

    thorough: frozenset[str]
    each: int


def _shares(plan: Plan, routes: Mapping[str, Any]) -> Shares:
    """Spend a third on values at the bounds, or less if that is all of them, and the rest on made-up ones.

    A run of one caller and one route repeats what the run of all has asked there.
    """
    per_route = EVERY_VALUE / len(routes)
    number = min(len(routes), max(1, round(plan.examples / 3 / per_route)))
    thorough = random.Random(plan.seed).sample(sorted(routes), number)
    left = plan.examples - number * per_route
    return Shares(frozenset(thorough), max(1, round(left / len(CALLERS) / len(routes))))


def _ask(
    plan: Plan,
    base_url: str,
    cast: Cast,
    caller: str,
    routes: list[str],
    phases: list[str],
    each: int,
    tally: Tally,
    excused: Excused,
    advance: Advance,
) -> None:
    if not routes:
        return
    schema = _schema(plan.seed, base_url, cast, caller, phases, each)
    schema.hooks.hook("filter_failure")(excused.hook())
    chosen = schema.include(lambda context: context.operation.label in set(routes))
    with _newcomers_erased(cast, caller):
        for event in from_schema(chosen).execute():
            match event:
                case events.ScenarioFinished():
                    advance(f"{caller}, {event.recorder.label}", tally.count(caller, event.phase.value, event.recorder))
                case events.NonFatalError():
                    tally.broken.append(f"{caller}, {event.label}: {event.info.format()}")
                case events.FatalError():
                    raise event.exception


@contextmanager
def _newcomers_erased(cast: Cast, caller: str) -> Iterator[None]:
    """Let somebody new call the route that erases its caller, each time."""
    own = cast.tokens[caller]

    def before_call(_: Any, case: Case[Any], kwargs: dict[str, Any]) -> None:
        given = kwargs.get("headers") or {}
        if case.operation.label == ERASES and own is not None and given.get("Authorization") == own:
            kwargs["headers"] = CaseInsensitiveDict({**given, "Authorization": next(cast.newcomers)})

    schemathesis.hook("before_call")(before_call)
    try:
        yield
    finally:
        GLOBAL_HOOK_DISPATCHER.unregister(before_call)


def _schema(seed: int, base_url: str, cast: Cast, caller: str, phases: list[str], each: int) -> OpenApiSchema:
    enabled: dict[str, dict[str, Any]] = {
        name: {"enabled": name in phases} for name in ("examples", "coverage", "fuzzing", "stateful")
    }
    # What answers bring would make a run of one route another one than it was among all.
    enabled["fuzzing"] |= {"extra-data-sources": {"responses": False}}
    # Links are followed as the document has them; the tool would also guess, from names.
    enabled["stateful"] |= {"inference": {"algorithms": []}}
    config = checks_of(
        {
            "base-url": base_url,
            "seed": seed,
            "headers": cast.headers(caller),
            "continue-on-failure": True,
            "output": {"sanitization": {"enabled": False}},
            "generation": {"max-examples": each, "database": "none", "no-shrink": True},
            "phases": enabled,
            "dictionaries": {name: {"values": values} for name, values in cast.words.items()},
            "parameters": dict(_bindings(cast)),
            "warnings": False,
        }
    )
    return schemathesis.openapi.from_path(PLACE, config=config)


def _bindings(cast: Cast) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in cast.words:
        for place in ("path", "body"):
            yield f"{place}.{name}", {"dictionary": name, "probability": OFTEN}


def _routes() -> dict[str, Any]:
    schema = schemathesis.openapi.from_path(PLACE)
    return {
        f"{method.upper()} {path}": operation
        for path, methods in schema.raw_schema["paths"].items()
        for method, operation in methods.items()
    }


def _role(operation: Mapping[str, Any]) -> str:
    return OF_ROLE[operation["x-role"]]


def _in_order(routes: Iterable[str]) -> Iterator[list[str]]:
    last = [route for route in routes if route.startswith(DESTROYS)]
    yield [route for route in routes if route not in last]
    yield last
