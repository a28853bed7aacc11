"""Compares two documents of the API, and lists what would break a client of the older one.

What is added breaks nobody: a route, a parameter that may be left out, a member of an answer, a code. The comparison is
of shapes. A pattern that is narrower, or a meaning that has changed, it does not see.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ops.openapi.document import PLACE

Json = dict[str, Any]


def _version(path: Path) -> tuple[int, ...]:
    return tuple(map(int, path.stem.removeprefix("openapi-").split(".")))


RELEASED = max((PLACE.parent / "api").glob("openapi-*.json"), key=_version)
"""The document of the last release."""


def breaking_changes(old: Json, new: Json) -> list[str]:
    """Return a line for each change that would break a client."""
    return [f"{where}: {what}" for where, what in _Comparison(old, new).routes()]


Found = Iterator[tuple[str, str]]


class _Comparison:
    def __init__(self, old: Json, new: Json) -> None:
        self._old, self._new = old, new

    def routes(self) -> Found:
        for path, methods in self._old["paths"].items():
            for method, old in methods.items():
                where = f"{method.upper()} {path}"
                new = self._new["paths"].get(path, {}).get(method)
                if new is None:
                    yield where, "is gone"
                else:
                    yield from self._parameters(where, old, new)
                    yield from self._body(where, old, new)
                    yield from self._answers(where, old, new)

    def _parameters(self, where: str, old: Json, new: Json) -> Found:
        before, now = self._by_name(self._old, old), self._by_name(self._new, new)
        for name in before.keys() - now.keys():
            yield where, f"the parameter {name} is gone"
        for name, parameter in now.items():
            if parameter.get("required") and not before.get(name, {}).get("required"):
                yield where, f"the parameter {name} is required now"
            if name in before:
                yield from self._taken(f"{where} ?{name}", before[name]["schema"], parameter["schema"])

    def _by_name(self, document: Json, operation: Json) -> dict[str, Json]:
        parameters = (_whole(document, one) for one in operation.get("parameters", []))
        return {parameter["name"]: parameter for parameter in parameters}

    def _body(self, where: str, old: Json, new: Json) -> Found:
        before, now = old.get("requestBody"), new.get("requestBody")
        if now is None:
            if before is not None:
                yield where, "takes no body now"
            return
        if now["required"] and not (before and before["required"]):
            yield where, "needs a body now"
        for kind, content in (before or {"content": {}})["content"].items():
            if kind not in now["content"]:
                yield where, f"takes no {kind} now"
            else:
                yield from self._taken(f"{where} body", content["schema"], now["content"][kind]["schema"])

    def _answers(self, where: str, old: Json, new: Json) -> Found:
        for status, response in old["responses"].items():
            if not status.startswith("2"):
                continue
            if status not in new["responses"]:
                yield where, f"answers no {status} now"
                continue
            before, now = _whole(self._old, response), _whole(self._new, new["responses"][status])
            for name, header in before.get("headers", {}).items():
                if _whole(self._old, header).get("required") and name not in now.get("headers", {}):
                    yield where, f"{status} has no header {name} now"
            for kind, content in before.get("content", {}).items():
                if kind not in now.get("content", {}):
                    yield where, f"{status} has no {kind} now"
                else:
                    yield from self._given(f"{where} {status}", content["schema"], now["content"][kind]["schema"])

    def _taken(self, where: str, old: Json, new: Json) -> Found:
        """Compare what clients send: nothing that was taken may be refused."""
        old, new = _whole(self._old, old), _whole(self._new, new)
        yield from _narrowed(where, old, new)
        for name in set(new.get("required", [])) - set(old.get("required", [])):
            yield where, f"needs {name} now"
        for name, member in old.get("properties", {}).items():
            if name not in new.get("properties", {}):
                yield where, f"takes no {name} now"
            else:
                yield from self._taken(f"{where}/{name}", member, new["properties"][name])

    def _given(self, where: str, old: Json, new: Json) -> Found:
        """Compare what clients read: nothing that was always there may be missing, or of another type."""
        old, new = _whole(self._old, old), _whole(self._new, new)
        if _types(old) and _types(new) - _types(old):
            yield where, f"may be {', '.join(sorted(_types(new) - _types(old)))} now"
        for name, member in old.get("properties", {}).items():
            if name not in new.get("properties", {}):
                yield where, f"has no {name} now"
            else:
                yield from self._given(f"{where}/{name}", member, new["properties"][name])
        for name in set(old.get("required", [])) - set(new.get("required", [])):
            yield where, f"may lack {name} now"
        if "items" in old and "items" in new:
            yield from self._given(f"{where}/*", old["items"], new["items"])


def _narrowed(where: str, old: Json, new: Json) -> Found:
    if _types(new) and _types(old) - _types(new):
        yield where, f"cannot be {', '.join(sorted(_types(old) - _types(new)))} now"
    if "enum" in new and (gone := set(map(str, old.get("enum", []))) - set(map(str, new["enum"]))):
        yield where, f"cannot be {', '.join(sorted(gone))} now"
    for bound, sign in (("minimum", 1), ("minLength", 1), ("maximum", -1), ("maxLength", -1)):
        if bound in new and (bound not in old or sign * new[bound] > sign * old[bound]):
            yield where, f"has the {bound} {new[bound]} now"


def _types(schema: Json) -> set[str]:
    """Return the types that a value may have; no type at all means any."""
    if "anyOf" in schema:
        return {kind for one in schema["anyOf"] for kind in _types(one)}
    kinds = schema.get("type", "object" if "$ref" in schema else [])
    return {kinds} if isinstance(kinds, str) else set(kinds)


def _whole(document: Json, part: Json) -> Json:
    """Follow references into `components`."""
    while "$ref" in part:
        _, _, kind, name = part["$ref"].split("/")
        part = document["components"][kind][name]
    return part
