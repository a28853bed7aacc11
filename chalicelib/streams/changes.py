"""What an event changed: the difference between the states before and after it."""

from typing import Any

from pydantic import TypeAdapter

from chalicelib.eventsourcing.event import JsonObject

_ANYTHING: TypeAdapter[Any] = TypeAdapter(Any)


def changes_between(before: Any, after: Any) -> list[JsonObject]:
    """`[{"path": "/status", "before": "draft", "after": "published"}, …]`; objects are compared member by member."""
    return _compare("", as_json(before), as_json(after))


def as_json(state: Any) -> Any:
    """A state as plain JSON values."""
    return _ANYTHING.dump_python(state, mode="json", by_alias=True)


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
