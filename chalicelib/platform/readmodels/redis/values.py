"""Converts the values of a stream's keys between Redis and contents."""

from typing import TYPE_CHECKING, Any

from chalicelib.platform.readmodels.port import Rewrite
from chalicelib.platform.readmodels.redis.model import Kind

if TYPE_CHECKING:
    from redis.client import Pipeline

COMMANDS: dict[Kind, str] = {"string": "SET", "hash": "HSET", "zset": "ZADD", "score": "ZADD one"}
"""The command that writes each kind; `ZADD one` is a word of `REWRITE`, which replaces one member of the set."""


def ask(pipe: "Pipeline", key: str, kind: Kind, stream: str) -> None:
    match kind:
        case "string":
            pipe.get(key)
        case "hash":
            pipe.hgetall(key)
        case "zset":
            pipe.zrange(key, 0, -1, withscores=True)
        case "score":
            pipe.zscore(key, stream)


def understood(kind: Kind, answer: Any) -> Any:
    if kind == "score":
        return None if answer is None else int(answer)
    return {member: int(score) for member, score in answer} if kind == "zset" else answer


def arguments(kind: Kind, rewrite: Rewrite, name: str) -> list[Any]:
    """Return the arguments after the key, as the command of the kind takes them; `[]` if contents lack the part."""
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
