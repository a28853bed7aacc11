"""Read models in Redis: in memory, rebuildable from the log.

redis is imported where a client is made, so that a Lambda which imports a query of ours pays for it with its first use
only.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast
from uuid import UUID

from chalicelib.platform.bus.projection import PositionMoved
from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.readmodels.generations import Contents, Generations, GenerationsMoved, Kept, Rewrite
from chalicelib.platform.readmodels.redis.failures import failures_as_unavailable

if TYPE_CHECKING:
    from redis import Redis
    from redis.client import Pipeline

Operation = tuple[str | int, ...]
"""The name of a Lua function of the script, and its arguments."""

CONNECT_SECONDS = 0.25
ANSWER_SECONDS = 0.5
"""The shop sells without Redis, so nobody waits long for it."""

MAX_EVENTS = 500
"""What one script applies: Redis does nothing else meanwhile."""

_APPLY = """
local positions = KEYS[1]
local prefix, stream, expected, position, batch = unpack(ARGV)
if (redis.call('HGET', positions, stream) or '-1') ~= expected then
  return 0
end
for _, operation in ipairs(cjson.decode(batch)) do
  change[operation[1]](prefix, stream, unpack(operation, 2))
end
redis.call('HSET', positions, stream, position)
return 1
"""
_REWRITE = """
local positions = KEYS[1]
local stream, expected, position, parts = unpack(ARGV)
if (redis.call('HGET', positions, stream) or '-1') ~= expected then
  return 0
end
for _, part in ipairs(cjson.decode(parts)) do
  local key, command, values = part[1], part[2], part[3]
  if command == 'ZADD one' then
    redis.call('ZREM', key, stream)
    command = 'ZADD'
  else
    redis.call('DEL', key)
  end
  for first = 1, #values, 1000 do
    redis.call(command, key, unpack(values, first, math.min(first + 999, #values)))
  end
end
redis.call('HSET', positions, stream, position)
return 1
"""
_CHANGE = """
local known = redis.call('HMGET', KEYS[1], 'live', 'beside', 'is_whole', 'newest')
local default = {'1', '', '0', '1'}
for place = 1, 4 do
  if (known[place] or default[place]) ~= ARGV[place] then
    return 0
  end
end
redis.call('HSET', KEYS[1], 'live', ARGV[5], 'beside', ARGV[6], 'is_whole', ARGV[7], 'newest', ARGV[8])
return 1
"""
_BE_WHOLE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[2], ARGV[1])
return 1
"""
_COMMANDS: "dict[Kind, str]" = {"string": "SET", "hash": "HSET", "zset": "ZADD", "score": "ZADD one"}

LIVE_PREFIX = """
local prefix, live = ARGV[1], redis.call('HGET', KEYS[1], 'live') or '1'
if live ~= '1' then
  prefix = prefix .. live .. ':'
end
"""
"""Lua for the beginning of a query: `prefix` of the live generation. It wants `pointer_of` as the first key and
`prefix_of` as the first argument."""


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


def prefix_of(projection: str, generation: int = 1) -> str:
    """With what every key of a projection begins; the braces keep them on one node of a cluster."""
    return f"cloudbash:{{{projection}}}:" + ("" if generation == 1 else f"{generation}:")


def pointer_of(projection: str) -> str:
    """The hash of the generations: queries ask its `live`."""
    return f"{prefix_of(projection)}generations"


Kind = Literal["string", "hash", "zset", "score"]


@dataclass(frozen=True, slots=True)
class Part:
    """One key of a stream, `%s` being its id. In contents: a text, texts by field, or whole scores by member.

    A `score` is that of the stream in a sorted set of many streams: in contents a whole number.
    """

    key: str
    kind: Kind


@dataclass(frozen=True)
class RedisModel:
    """What a read model in Redis is made of.

    Events become small operations, in Python; one Lua script applies them and moves the stream's position. `changes` is
    Lua that defines `change`, a table of functions `(prefix, stream, …)`, one for every operation. They must not fail
    on what `operations_of` gives, because Redis does not undo what a script did before it failed. `fold` does the same
    to contents in memory; `parts` names all keys of a stream, by what they are called in its contents.
    """

    name: str
    aggregate_types: frozenset[str]
    operations_of: Callable[[RecordedEvent], list[Operation]]
    changes: str
    fold: Callable[[Contents | None, RecordedEvent], Contents]
    parts: Mapping[str, Part]


class RedisProjection:
    """One generation of a read model in Redis: the keys with its prefix."""

    has_effects = False
    readers_lag = 0.0

    def __init__(self, client: "Redis", model: RedisModel, generation: int = 1) -> None:
        self._client = client
        self._model = model
        self._name = model.name
        self._generation = generation
        self._script = client.register_script(f"local change = {{}}\n{model.changes}\n{_APPLY}")
        self._rewriting = client.register_script(_REWRITE)
        self._prefix = prefix_of(model.name, generation)
        self._positions = f"{self._prefix}positions"
        self._pointer = pointer_of(model.name)
        self._epoch, self._mending = f"{prefix_of(model.name)}epoch", f"{prefix_of(model.name)}mending"

    @property
    def name(self) -> str:
        return self._name

    @property
    def aggregate_types(self) -> frozenset[str]:
        return self._model.aggregate_types

    @property
    def generation(self) -> int:
        return self._generation

    def at(self, generation: int) -> "RedisProjection":
        return self if generation == self._generation else RedisProjection(self._client, self._model, generation)

    def kept_current(self) -> "list[RedisProjection]":
        found = self.generations()
        return [self.at(number) for number in (found.live, found.beside) if number is not None]

    def generations(self) -> Generations:
        with failures_as_unavailable():
            known = cast("dict[str, str]", self._client.hgetall(self._pointer))
        if not known:
            return Generations()
        beside = int(known["beside"]) if known["beside"] else None
        return Generations(int(known["live"]), beside, known["is_whole"] == "1", int(known["newest"]))

    def change(self, before: Generations, after: Generations) -> None:
        with failures_as_unavailable():
            changed = self._client.register_script(_CHANGE)(
                keys=[self._pointer], args=[*_as_texts(before), *_as_texts(after)]
            )
        if not changed:
            raise GenerationsMoved(f"The generations of {self._name} are not {before} any more.")

    def prepare(self) -> None:
        """A generation is the prefix of its keys: there is room."""

    def keep_only(self, generations: Collection[int]) -> None:
        for number in range(1, self.generations().newest + 1):
            if number not in generations:
                self.at(number).forget()

    def forget(self) -> None:
        """Remove this generation."""
        with failures_as_unavailable():
            for stream, _ in self._client.hscan_iter(self._positions, count=MAX_EVENTS):
                keys = [self._key(part, stream) for part in self._model.parts.values()]
                self._client.unlink(*keys)
            self._client.unlink(self._positions)

    def _key(self, part: Part, stream: object) -> str:
        return self._prefix + part.key.replace("%s", str(stream))

    def fold(self, contents: Contents | None, event: RecordedEvent) -> Contents:
        return self._model.fold(contents, event)

    def positions(self, stream_ids: Collection[UUID]) -> dict[UUID, int]:
        if not stream_ids:
            return {}
        with failures_as_unavailable():
            found = cast("list[str | None]", self._client.hmget(self._positions, [str(key) for key in stream_ids]))
        return {key: int(position) for key, position in zip(stream_ids, found, strict=True) if position is not None}

    def read(self, stream_ids: Collection[UUID]) -> dict[UUID, Kept]:
        ids = list(stream_ids)
        kept: dict[UUID, Kept] = {}
        for start in range(0, len(ids), _READ_AT_ONCE):
            kept |= self._read_some(ids[start : start + _READ_AT_ONCE])
        return kept

    def _read_some(self, stream_ids: Sequence[UUID]) -> dict[UUID, Kept]:
        with failures_as_unavailable(), self._client.pipeline(transaction=True) as pipe:
            pipe.hmget(self._positions, [str(key) for key in stream_ids])
            for key in stream_ids:
                for part in self._model.parts.values():
                    _ask(pipe, self._key(part, key), part.kind, str(key))
            positions, *answers = pipe.execute()
        kept, rest = dict[UUID, Kept](), iter(answers)
        for key, position in zip(stream_ids, positions, strict=True):
            found = {name: _understood(part.kind, next(rest)) for name, part in self._model.parts.items()}
            if position is not None:
                kept[key] = Kept(
                    int(position), {name: value for name, value in found.items() if value not in (None, {})}
                )
        return kept

    def rewrite(self, batch: Sequence[Rewrite]) -> set[UUID]:
        with failures_as_unavailable(), self._client.pipeline(transaction=False) as pipe:
            for one in batch:
                parts = [
                    [self._key(part, one.stream_id), _COMMANDS[part.kind], _arguments(part.kind, one, name)]
                    for name, part in self._model.parts.items()
                ]
                arguments: list[str | int] = [one.expected, one.version, json.dumps(parts, ensure_ascii=False)]
                self._rewriting(keys=[self._positions], args=[str(one.stream_id), *arguments], client=pipe)
            done = pipe.execute()
        return {one.stream_id for one, is_done in zip(batch, done, strict=True) if not is_done}

    def position(self, stream_id: UUID) -> int:
        with failures_as_unavailable():
            position = cast("str | None", self._client.hget(self._positions, str(stream_id)))
        return -1 if position is None else int(position)

    def is_whole(self) -> bool:
        """Whether Redis still has what it had when it was last told to be whole: False once it lost its memory, and
        until it is mended."""
        with failures_as_unavailable():
            return bool(self._client.exists(self._epoch))

    def begin_mending(self, token: str) -> None:
        """From now on all of the log is brought into Redis; if its memory is lost again, so is the token."""
        with failures_as_unavailable():
            self._client.set(self._mending, token)

    def is_being_mended(self, token: str) -> bool:
        with failures_as_unavailable():
            return self._client.get(self._mending) == token

    def end_mending(self, token: str) -> bool:
        """Whether Redis is whole now, having lost nothing since it was begun."""
        with failures_as_unavailable():
            return bool(self._client.register_script(_BE_WHOLE)(keys=[self._mending, self._epoch], args=[token]))

    def apply(self, stream_id: UUID, position: int, events: Sequence[RecordedEvent]) -> None:
        """As the port says, `MAX_EVENTS` at a time, each part with its own position."""
        batches = [events[start : start + MAX_EVENTS] for start in range(0, len(events), MAX_EVENTS)]
        operations = [[part for event in batch for part in self._model.operations_of(event)] for batch in batches]
        for batch, changes in zip(batches, operations, strict=True):
            self._run(stream_id, position, batch[-1].version, changes)
            position = batch[-1].version

    def _run(self, stream_id: UUID, position: int, new_position: int, operations: list[Operation]) -> None:
        batch = json.dumps(operations, ensure_ascii=False)
        with failures_as_unavailable():
            applied = self._script(
                keys=[self._positions],
                args=[self._prefix, str(stream_id), position, new_position, batch],
            )
        if not applied:
            raise PositionMoved(f"{self._name}: stream {stream_id} is not at version {position}.")


_READ_AT_ONCE = 200


def _as_texts(generations: Generations) -> list[str]:
    beside = "" if generations.beside is None else str(generations.beside)
    return [str(generations.live), beside, str(int(generations.is_whole)), str(generations.newest)]


def _ask(pipe: "Pipeline", key: str, kind: Kind, stream: str) -> None:
    match kind:
        case "string":
            pipe.get(key)
        case "hash":
            pipe.hgetall(key)
        case "zset":
            pipe.zrange(key, 0, -1, withscores=True)
        case "score":
            pipe.zscore(key, stream)


def _understood(kind: Kind, answer: Any) -> Any:
    if kind == "score":
        return None if answer is None else int(answer)
    return {member: int(score) for member, score in answer} if kind == "zset" else answer


def _arguments(kind: Kind, rewrite: Rewrite, name: str) -> list[Any]:
    """Behind the key, as the command of the kind wants them; none for what is not there."""
    value = rewrite.contents.get(name)
    if value is None:
        return []
    match kind:
        case "string":
            return [value]
        case "hash":
            return [argument for pair in value.items() for argument in pair]
        case "zset":
            return [argument for member, score in value.items() for argument in (score, member)]
        case "score":
            return [value, str(rewrite.stream_id)]
