"""Projects events into Redis, whose data can be loaded again from the log."""

import json
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, cast
from uuid import UUID

from chalicelib.platform.bus.projection import PositionMoved
from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.readmodels.base import GenerationalReadModel
from chalicelib.platform.readmodels.port import Contents, Generations, GenerationsMoved, Rewrite, StreamContents
from chalicelib.platform.readmodels.redis.failures import failures_as_unavailable
from chalicelib.platform.readmodels.redis.keys import pointer_of, prefix_of
from chalicelib.platform.readmodels.redis.model import Operation, Part, RedisModel
from chalicelib.platform.readmodels.redis.scripts import APPLY, CHANGE, END_REPAIR, REWRITE
from chalicelib.platform.readmodels.redis.values import COMMANDS, arguments, ask, understood

if TYPE_CHECKING:
    from redis import Redis

MAX_EVENTS = 500
"""The most events that one script applies: Redis does nothing else meanwhile."""

_READ_AT_ONCE = 200


class RedisProjection(GenerationalReadModel):
    """One generation of a read model in Redis: the keys with its prefix."""

    def __init__(self, client: "Redis", model: RedisModel, generation: int = 1) -> None:
        self._client = client
        self._model = model
        super().__init__(model.name, model.aggregate_types, generation)
        self._script = client.register_script(
            f"local change, derived = {{}}, {{}}\n{model.changes}\n{model.derived}\n{APPLY}"
        )
        self._rewriting = client.register_script(f"local derived = {{}}\n{model.derived}\n{REWRITE}")
        self._prefix = prefix_of(model.name, generation)
        self._positions = f"{self._prefix}positions"
        self._pointer = pointer_of(model.name)
        self._epoch, self._repair = f"{prefix_of(model.name)}epoch", f"{prefix_of(model.name)}mending"

    def at(self, generation: int) -> "RedisProjection":
        return self if generation == self.generation else RedisProjection(self._client, self._model, generation)

    def generations(self) -> Generations:
        with failures_as_unavailable():
            known = cast("dict[str, str]", self._client.hgetall(self._pointer))
        if not known:
            return Generations()
        candidate = int(known["beside"]) if known["beside"] else None
        return Generations(int(known["live"]), candidate, known["is_whole"] == "1", int(known["newest"]))

    def change(self, before: Generations, after: Generations) -> None:
        with failures_as_unavailable():
            changed = self._client.register_script(CHANGE)(
                keys=[self._pointer], args=[*_as_texts(before), *_as_texts(after)]
            )
        if not changed:
            raise GenerationsMoved(f"The generations of {self.name} are not {before} any more.")

    def retain(self, generations: Collection[int]) -> None:
        for number in range(1, self.generations().newest + 1):
            if number not in generations:
                self.at(number).remove()

    def remove(self) -> None:
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

    def read(self, stream_ids: Collection[UUID]) -> dict[UUID, StreamContents]:
        ids = list(stream_ids)
        held: dict[UUID, StreamContents] = {}
        for start in range(0, len(ids), _READ_AT_ONCE):
            held |= self._read_some(ids[start : start + _READ_AT_ONCE])
        return held

    def _read_some(self, stream_ids: Sequence[UUID]) -> dict[UUID, StreamContents]:
        with failures_as_unavailable(), self._client.pipeline(transaction=True) as pipe:
            pipe.hmget(self._positions, [str(key) for key in stream_ids])
            for key in stream_ids:
                for part in self._model.parts.values():
                    ask(pipe, self._key(part, key), part.kind, str(key))
            positions, *answers = pipe.execute()
        held, rest = dict[UUID, StreamContents](), iter(answers)
        for key, position in zip(stream_ids, positions, strict=True):
            found = {name: understood(part.kind, next(rest)) for name, part in self._model.parts.items()}
            if position is not None:
                held[key] = StreamContents(
                    int(position), {name: value for name, value in found.items() if value not in (None, {})}
                )
        return held

    def rewrite(self, batch: Sequence[Rewrite]) -> set[UUID]:
        with failures_as_unavailable(), self._client.pipeline(transaction=False) as pipe:
            for one in batch:
                parts = [
                    [self._key(part, one.stream_id), COMMANDS[part.kind], arguments(part.kind, one, name)]
                    for name, part in self._model.parts.items()
                ]
                new: list[str | int] = [one.expected, one.version, json.dumps(parts, ensure_ascii=False)]
                self._rewriting(keys=[self._positions], args=[self._prefix, str(one.stream_id), *new], client=pipe)
            done = pipe.execute()
        return {one.stream_id for one, is_done in zip(batch, done, strict=True) if not is_done}

    def is_complete(self) -> bool:
        """Tell whether Redis has all of this read model.

        It does not from a loss of its memory until the end of the repair.
        Raises Unavailable.
        """
        with failures_as_unavailable():
            return bool(self._client.exists(self._epoch))

    def begin_repair(self, token: str) -> None:
        """Store the token of a repair, which loads the whole log from now on.

        If Redis loses its memory meanwhile, the token is lost as well.
        Raises Unavailable.
        """
        with failures_as_unavailable():
            self._client.set(self._repair, token)

    def is_being_repaired(self, token: str) -> bool:
        with failures_as_unavailable():
            return self._client.get(self._repair) == token

    def end_repair(self, token: str) -> bool:
        """Record that this read model is complete, unless Redis has lost the token; return whether it is.

        Raises Unavailable.
        """
        with failures_as_unavailable():
            return bool(self._client.register_script(END_REPAIR)(keys=[self._repair, self._epoch], args=[token]))

    def apply(self, stream_id: UUID, position: int, events: Sequence[RecordedEvent]) -> None:
        """Apply as the port says, `MAX_EVENTS` at a time, each part with its own position."""
        batches = [events[start : start + MAX_EVENTS] for start in range(0, len(events), MAX_EVENTS)]
        # All operations are made before the first script runs: poison in the last event must not leave a part applied,
        # which the consumer, who then applies one by one, would find as a moved position.
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
            raise PositionMoved(f"{self.name}: stream {stream_id} is not at version {position}.")


def _as_texts(generations: Generations) -> list[str]:
    candidate = "" if generations.candidate is None else str(generations.candidate)
    return [str(generations.live), candidate, str(int(generations.is_complete)), str(generations.newest)]
