"""Read models in Redis: in memory, rebuildable from the log.

redis is imported where a client is made or has failed, so that a Lambda which imports a query of ours pays for it with
its first use only.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast
from uuid import UUID, uuid4

from chalicelib.delivery.projection import PositionMoved
from chalicelib.errors import Unavailable
from chalicelib.eventsourcing.codec import RecordedEvent

if TYPE_CHECKING:
    from redis import Redis

Operation = tuple[str | int, ...]
"""The name of a Lua function of the script, and its arguments."""

CONNECT_SECONDS = 0.25
ANSWER_SECONDS = 0.5
"""The shop sells without Redis, so nobody waits long for it."""

MAX_EVENTS = 500
"""What one script applies: Redis does nothing else meanwhile."""

_AWAY = ("BUSY", "MISCONF", "NOREPLICAS", "UNKILLABLE")

_APPLY = """
local positions, epoch = KEYS[1], KEYS[2]
local prefix, stream, expected, position, batch, new_epoch = unpack(ARGV)
if (redis.call('HGET', positions, stream) or '-1') ~= expected then
  return 0
end
for _, operation in ipairs(cjson.decode(batch)) do
  change[operation[1]](prefix, stream, unpack(operation, 2))
end
redis.call('HSET', positions, stream, position)
redis.call('SET', epoch, new_epoch, 'NX')
return 1
"""


def open_redis(url: str) -> "Redis":
    """A client that connects with its first command, waits shortly, and repeats once what a dropped connection lost."""
    from redis import Redis  # noqa: PLC0415 - see above
    from redis.backoff import NoBackoff  # noqa: PLC0415 - see above
    from redis.retry import Retry  # noqa: PLC0415 - see above

    return Redis.from_url(
        url,
        decode_responses=True,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=ANSWER_SECONDS,
        retry=Retry(NoBackoff(), retries=1),
    )


@contextmanager
def weather() -> Iterator[None]:
    """A Redis that is away, loading, full, or not the one that takes writes, becomes Unavailable."""
    from redis import exceptions  # noqa: PLC0415 - see above

    try:
        yield
    except (
        exceptions.ConnectionError,
        exceptions.TimeoutError,
        exceptions.ReadOnlyError,
        exceptions.OutOfMemoryError,
        exceptions.NoPermissionError,
        exceptions.ClusterError,
        exceptions.TryAgainError,
    ) as error:
        raise Unavailable("Redis is away.") from error
    except exceptions.ResponseError as error:
        if str(error).startswith(_AWAY):
            raise Unavailable("Redis is away.") from error
        raise


def prefix_of(projection: str) -> str:
    """With what every key of a projection begins; the braces keep them on one node of a cluster."""
    return f"cloudbash:{{{projection}}}:"


class RedisProjection:
    """Events become small operations, in Python; one Lua script applies them and moves the stream's position.

    `changes` is Lua that defines `change`, a table of functions `(prefix, stream, …)`, one for every operation. They
    must not fail on what `operations_of` gives, because Redis does not undo what a script did before it failed.
    """

    def __init__(
        self,
        name: str,
        client: "Redis",
        aggregate_types: frozenset[str],
        operations_of: Callable[[RecordedEvent], list[Operation]],
        changes: str,
    ) -> None:
        self._name = name
        self._aggregate_types = aggregate_types
        self._client = client
        self._operations_of = operations_of
        self._script = client.register_script(f"local change = {{}}\n{changes}\n{_APPLY}")
        self._prefix = prefix_of(name)
        self._positions, self._epoch = f"{self._prefix}positions", f"{self._prefix}epoch"

    @property
    def name(self) -> str:
        return self._name

    @property
    def aggregate_types(self) -> frozenset[str]:
        return self._aggregate_types

    def position(self, stream_id: UUID) -> int:
        with weather():
            position = cast("str | None", self._client.hget(self._positions, str(stream_id)))
        return -1 if position is None else int(position)

    def epoch(self) -> str | None:
        """Made with the first write into an empty Redis: another one, or None, means that it lost its memory."""
        with weather():
            return cast("str | None", self._client.get(self._epoch))

    def apply(self, stream_id: UUID, position: int, events: Sequence[RecordedEvent]) -> None:
        """As the port says, `MAX_EVENTS` at a time, each part with its own position."""
        batches = [events[start : start + MAX_EVENTS] for start in range(0, len(events), MAX_EVENTS)]
        operations = [[part for event in batch for part in self._operations_of(event)] for batch in batches]
        for batch, changes in zip(batches, operations, strict=True):
            self._run(stream_id, position, batch[-1].version, changes)
            position = batch[-1].version

    def _run(self, stream_id: UUID, position: int, new_position: int, operations: list[Operation]) -> None:
        batch = json.dumps(operations, ensure_ascii=False)
        with weather():
            applied = self._script(
                keys=[self._positions, self._epoch],
                args=[self._prefix, str(stream_id), position, new_position, batch, str(uuid4())],
            )
        if not applied:
            raise PositionMoved(f"{self._name}: stream {stream_id} is not at version {position}.")
