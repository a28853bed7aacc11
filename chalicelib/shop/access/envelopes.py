"""Puts names in the place of the envelopes in which they are sealed."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.privacy.sealed import Sealed

OpenAll = Callable[[Sequence[Sealed]], list[dict[str, str] | None]]
"""Opens envelopes, all at once; None for a person who is erased. May raise Unavailable."""

_SEALED = "$enc"


def with_names(items: Sequence[JsonObject], open_all: OpenAll) -> list[JsonObject]:
    """Return the items of an export with what is sealed in them, all opened at once.

    What was sealed with the key of a stream itself is a guest's, who is somebody else, and stays out.
    """
    found = [(envelope, item["id"]) for item in items for envelope in _envelopes(item)]
    own = {envelope[_SEALED]: Sealed.model_validate(envelope) for envelope, key in found if envelope["key"] != key}
    opened = dict(zip(own, open_all(list(own.values())) if own else [], strict=True))
    return [_replaced(item, opened) for item in items]


def _envelopes(value: Any) -> Iterator[JsonObject]:
    if isinstance(value, dict):
        if _SEALED in value:
            yield value
        else:
            for member in value.values():
                yield from _envelopes(member)
    elif isinstance(value, list):
        for member in value:
            yield from _envelopes(member)


def _replaced(value: Any, opened: dict[str, dict[str, str] | None]) -> Any:
    if isinstance(value, dict):
        if _SEALED in value:
            return opened.get(value[_SEALED])
        return {name: _replaced(member, opened) for name, member in value.items()}
    return [_replaced(member, opened) for member in value] if isinstance(value, list) else value
