"""Records a true request and a true answer of each kind, which the API's document shows as examples.

    .venv/bin/python -m pytest tests/unit tests/journeys -m "not endurance" --record-examples

What was recorded before stays where it is as good. The command takes minutes, so it is run when routes have changed.
"""

import json
from collections.abc import Iterator
from typing import Any

from ops.openapi import examples

Json = dict[str, Any]

BYTES = 1200
"""An example that is longer teaches nobody more; a shorter one may leave out what is seldom there."""

SECRETS = {"token", "secret", "key", "link", "client_secret", "code", "signature"}
LONG = 40

_found: Json = {}
_is_on = False


def begin() -> None:
    global _is_on  # noqa: PLW0603 - one session of tests records
    _is_on = True


def note(operation_id: str, status: int, sent: bytes, answered: bytes, kind: str) -> None:
    """Keep a request and its answer, if they are better examples than those that are known."""
    if not _is_on or not kind.endswith("json"):
        return
    answer = json.loads(answered)
    if kind.endswith("problem+json"):
        _keep(("problems", answer["code"]), answer)
        return
    _keep((operation_id, str(status)), answer)
    if sent:
        _keep((operation_id, "body"), json.loads(sent))


def write() -> None:
    """Write what was recorded beside what is known."""
    known: Json = json.loads(examples.PLACE.read_text()) if examples.PLACE.is_file() else {}
    for name, kinds in _found.items():
        for kind, example in kinds.items():
            if _worth(example) > _worth(known.get(name, {}).get(kind)):
                known.setdefault(name, {})[kind] = example
    text = json.dumps(known, indent=1, ensure_ascii=False, sort_keys=True)
    examples.PLACE.write_text(text + "\n", encoding="utf-8")


def _keep(place: tuple[str, str], example: Any) -> None:
    name, kind = place
    shown = _shown(example)
    if _worth(shown) > _worth(_found.get(name, {}).get(kind)):
        _found.setdefault(name, {})[kind] = shown


def _worth(example: Any) -> int:
    """Rank examples: any before none, what fits before what is too long, and then the one that says most."""
    if example is None:
        return -1_000_000_000
    size = len(json.dumps(example))
    return len(set(_members(example))) if size <= BYTES else -size


def _members(part: Any, path: str = "") -> Iterator[str]:
    """List the members that have a value; of all items of a list each counts once."""
    if isinstance(part, dict):
        for name, value in part.items():
            yield from _members(value, f"{path}/{name}")
    elif isinstance(part, list):
        for value in part:
            yield from _members(value, f"{path}/*")
    elif part is not None:
        yield path


def _shown(part: Any) -> Any:
    """Shorten lists to two items, and what is secret to its beginning."""
    if isinstance(part, list):
        return [_shown(one) for one in part[:2]]
    if not isinstance(part, dict):
        return part
    return {name: _cut(value) if name in SECRETS else _shown(value) for name, value in part.items()}


def _cut(value: Any) -> Any:
    return value[:12] if isinstance(value, str) and len(value) > LONG else _shown(value)
