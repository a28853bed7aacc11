"""Remembers how long an endpoint has been failing, so that a receiver that is away costs one attempt at a time."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from chalicelib.platform.bus.projection import PositionMoved
from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.processes.process import Instance, Instances

HEALTH = "WebhookHealth"

PAUSED_FROM = 5
"""After so many failures in a row an endpoint is paused: one message is tried at a time, until one is taken."""

SHORTEST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=15)
PROBE_TAKES = timedelta(seconds=30)
DISABLED_AFTER = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class EndpointHealth:
    """`failures` are those in a row, over all groups, since `failing_since`."""

    failures: int = 0
    failing_since: datetime | None = None
    paused_until: datetime | None = None

    def failed(self, now: datetime) -> "EndpointHealth":
        failures = self.failures + 1
        beyond = failures - PAUSED_FROM
        pause = None if beyond < 0 else min(SHORTEST_PAUSE * 2 ** min(beyond, 10), LONGEST_PAUSE)
        return EndpointHealth(failures, self.failing_since or now, None if pause is None else now + pause)

    def probed(self, now: datetime) -> "EndpointHealth":
        """Return it while one worker tries whether the receiver is back."""
        return EndpointHealth(self.failures, self.failing_since, now + PROBE_TAKES)

    def is_hopeless(self, now: datetime) -> bool:
        return self.failing_since is not None and now >= self.failing_since + DISABLED_AFTER


class EndpointHealths:
    """Stores the health of endpoints. Two that change it at once count as one."""

    def __init__(self, instances: Instances) -> None:
        self._instances = instances

    def find(self, endpoint_id: UUID) -> EndpointHealth:
        """Return how the endpoint is.

        Raises Unavailable.
        """
        return self._find(endpoint_id)[0]

    def claim_probe(self, endpoint_id: UUID, now: datetime) -> bool:
        """Tell whether this caller may try a paused endpoint: of those who come when the pause is over, one may.

        Raises Unavailable.
        """
        health, version = self._find(endpoint_id)
        if health.paused_until is None:
            return True
        return now >= health.paused_until and self._save(endpoint_id, health.probed(now), version)

    def count_failure(self, endpoint_id: UUID, now: datetime) -> EndpointHealth:
        """Count a failure, and return the health with it.

        Raises Unavailable.
        """
        health, version = self._find(endpoint_id)
        failed = health.failed(now)
        self._save(endpoint_id, failed, version)
        return failed

    def count_success(self, endpoint_id: UUID) -> None:
        """Forget the failures.

        Raises Unavailable.
        """
        health, version = self._find(endpoint_id)
        if health.failures:
            self._save(endpoint_id, EndpointHealth(), version)

    def _find(self, endpoint_id: UUID) -> tuple[EndpointHealth, int]:
        found = self._instances.find(health_id(endpoint_id))
        return (EndpointHealth(), -1) if found is None else (_from_state(found.state), found.version)

    def _save(self, endpoint_id: UUID, health: EndpointHealth, expected: int) -> bool:
        try:
            self._instances.save(Instance(health_id(endpoint_id), HEALTH, expected + 1, _state_of(health)), expected)
        except PositionMoved:
            return False
        return True


def health_id(endpoint_id: UUID) -> UUID:
    return uuid5(endpoint_id, "health")


def _state_of(health: EndpointHealth) -> JsonObject:
    instants = {"failing_since": health.failing_since, "paused_until": health.paused_until}
    return {"failures": health.failures} | {
        name: None if at is None else format_instant(at) for name, at in instants.items()
    }


def _from_state(state: JsonObject) -> EndpointHealth:
    read = {name: None if (at := state[name]) is None else datetime.fromisoformat(at) for name in _INSTANTS}
    return EndpointHealth(state["failures"], read["failing_since"], read["paused_until"])


_INSTANTS = ("failing_since", "paused_until")
