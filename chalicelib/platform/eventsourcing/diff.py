"""Compares the states before and after an event, to show what it changed."""

from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python

from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.eventsourcing.instants import format_instant

_ANYTHING: TypeAdapter[Any] = TypeAdapter(Any)


def changes_between(before: Any, after: Any) -> list[JsonObject]:
    """List the differences of two states, comparing objects member by member.

    Each is `{"path": "/status", "before": "draft", "after": "published"}`; the path is a JSON pointer, but `/` for the
    state itself.
    """
    return _compare("", as_json(before), as_json(after))


def as_json(state: Any) -> Any:
    """Turn a state into plain JSON values, with instants in the log's form."""
    return _plain(_ANYTHING.dump_python(state, by_alias=True))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return format_instant(value)
    if isinstance(value, dict):
        return {str(key): _plain(member) for key, member in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(member) for member in value]
    return to_jsonable_python(value)


def _compare(path: str, before: Any, after: Any) -> list[JsonObject]:
    if before == after:
        return []
    if isinstance(before, dict) and isinstance(after, dict):
        return [
            change
            for key in [*before, *(key for key in after if key not in before)]
            for change in _compare(f"{path}/{key}", before.get(key), after.get(key))
        ]
    return [{"path": path or "/", "before": before, "after": after}]
