"""Describes a read model in Redis: the keys of its streams, and the operations that change them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.readmodels.port import Contents

Operation = tuple[str | int, ...]
"""The name of a Lua function of the script, and its arguments."""

NOTHING_DERIVED = "derived.refresh, derived.forget = function() end, function() end"

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
    """Describes a read model in Redis.

    Events become small operations, in Python; one Lua script applies them and moves the stream's position. `changes` is
    Lua that defines `change`, a table of functions `(prefix, stream, …)`, one for every operation. They must not fail
    on what `operations_of` gives, because Redis does not undo what a script did before it failed. `fold` does the same
    to contents in memory; `parts` has all keys of a stream, by their names in its contents.

    `derived` is Lua for values of several streams, which no contents have. It defines two functions `(prefix, stream)`:
    `derived.refresh` is called when operations have changed a stream, and `derived.forget` before and after all of it
    is replaced. Such values must expire by themselves, because nothing else removes them.
    """

    name: str
    aggregate_types: frozenset[str]
    operations_of: Callable[[RecordedEvent], list[Operation]]
    changes: str
    fold: Callable[[Contents | None, RecordedEvent], Contents]
    parts: Mapping[str, Part]
    derived: str = NOTHING_DERIVED
