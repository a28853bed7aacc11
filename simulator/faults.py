"""Injects faults into calls to a port."""

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any

from chalicelib.platform.errors import Unavailable
from chalicelib.platform.eventsourcing.store import ConcurrencyError
from simulator.scheduler import Crash, Scheduler

_RATES = (0.0, 0.0, 0.005, 0.02, 0.08)
LONGEST_DELAY = timedelta(seconds=20)


class Fault(StrEnum):
    CRASH_BEFORE = "crash before"
    CRASH_AFTER = "crash after"
    REFUSED = "refused"
    REPLY_LOST = "reply lost"
    DELAYED = "delayed"
    REPEATED = "repeated"
    RACE_LOST = "race lost"
    PART_DONE = "done in part"


ALWAYS = (Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.REFUSED, Fault.REPLY_LOST, Fault.DELAYED)
REPEATABLE = (*ALWAYS, Fault.REPEATED)
"""A driver may send these calls again by itself, when it has waited too long for the reply."""

Methods = Mapping[str, tuple[Fault, ...]]

LOG: Methods = {
    "append": (*REPEATABLE, Fault.RACE_LOST),
    "read": ALWAYS,
    "read_last": ALWAYS,
    "find_result": ALWAYS,
    "store_result": REPEATABLE,
}
SNAPSHOTS: Methods = {"find": ALWAYS, "save": REPEATABLE}
PERSON_KEYS: Methods = {"get_or_create": REPEATABLE}
INSTANCES: Methods = {"find": ALWAYS, "save": ALWAYS, "list_due": ALWAYS, "postpone": ALWAYS}
PARKING: Methods = {"find": ALWAYS, "park": REPEATABLE}
PROJECTION: Methods = {"position": ALWAYS, "apply": ALWAYS}
QUEUE: Methods = {"send": (*REPEATABLE, Fault.PART_DONE)}
LEDGER: Methods = {"find": ALWAYS, "record": REPEATABLE, "decide": REPEATABLE}
GATEWAY: Methods = {
    "charge": REPEATABLE,
    "find_payment": ALWAYS,
    "cancel": REPEATABLE,
    "refund": REPEATABLE,
    "find_reversals": ALWAYS,
}


class FaultInjector:
    """Chooses how often each fault strikes in a schedule. Many schedules lack some kinds, so the others get further."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler
        self.struck: Counter[Fault] = Counter()
        self._rates = dict.fromkeys(Fault, 0.0)

    def start(self) -> None:
        """Let faults strike from now on."""
        self._rates = {fault: self.scheduler.random.choice(_RATES) for fault in Fault}

    def stop(self) -> None:
        """Let no fault strike any more."""
        self._rates = dict.fromkeys(Fault, 0.0)

    def strike(self, possible: tuple[Fault, ...]) -> Fault | None:
        chance = self.scheduler.random.random()
        for fault in possible:
            chance -= self._rates[fault]
            if chance < 0:
                self.struck[fault] += 1
                return fault
        return None


class Port:
    """Puts faults before a port; what is not among `methods` is no call to a server."""

    def __init__(self, name: str, target: Any, methods: Methods, faults: FaultInjector) -> None:
        self._name = name
        self._target = target
        self._methods = methods
        self._faults = faults

    def __getattr__(self, method: str) -> Any:
        target = getattr(self._target, method)
        possible = self._methods.get(method)
        if possible is None:
            return target
        return lambda *arguments, **options: self._call(method, possible, target, arguments, options)

    def _call(
        self, method: str, possible: tuple[Fault, ...], target: Any, arguments: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        scheduler = self._faults.scheduler
        scheduler.pause()
        scheduler.ensure_alive()
        fault = self._faults.strike(possible)
        if scheduler.is_traced():
            scheduler.note(f"{self._name}.{method}" + (f" [{fault}]" if fault else ""))
        self._before(fault, target, arguments, options)
        result = target(*arguments, **options)
        scheduler.pause()
        if fault is Fault.REPEATED:
            result = target(*arguments, **options)
        if fault is Fault.CRASH_AFTER:
            raise Crash
        if fault is Fault.REPLY_LOST:
            raise Unavailable(f"{self._name} does not answer.")
        return result

    def _before(self, fault: Fault | None, target: Any, arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
        scheduler = self._faults.scheduler
        match fault:
            case Fault.CRASH_BEFORE:
                raise Crash
            case Fault.REFUSED:
                raise Unavailable(f"{self._name} is away.")
            case Fault.RACE_LOST:
                raise ConcurrencyError(frozenset(event.aggregate_id for event in arguments[0]))
            case Fault.DELAYED:
                scheduler.sleep(LONGEST_DELAY * scheduler.random.random())
            case Fault.PART_DONE:
                target(arguments[0][: len(arguments[0]) // 2], *arguments[1:], **options)
                raise Unavailable(f"{self._name} took only a part.")
