"""Adds examples to the document: true requests and answers that tests have recorded, or else ones of declared types."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from ops.openapi.made_examples import Maker

Json = dict[str, Any]

PLACE = Path(__file__).with_name("examples.json")
_JSON = "application/json"


def add_to(document: Json, schema_names: Mapping[str, str]) -> None:
    """Give each body, each answer and each problem its example; `schema_names` has the name of each code's schema."""
    parts = document["components"]["schemas"]
    maker = Maker(parts)
    for methods in document["paths"].values():
        for operation in methods.values():
            known = recorded().get(operation["operationId"], {})
            answers = {status: one for status, one in operation["responses"].items() if status.startswith("2")}
            for kind, message in {"body": operation.get("requestBody", {}), **answers}.items():
                _add(message, known.get(kind), maker)
    for code, name in schema_names.items():
        schema = parts[name]
        schema["examples"] = [recorded().get("problems", {}).get(code) or _problem(schema, maker)]


def _add(message: Json, example: Any, maker: Maker) -> None:
    content = message.get("content", {}).get(_JSON)
    if content is not None and content["schema"].keys() & {"$ref", "anyOf"}:
        content["example"] = maker.of(content["schema"]) if example is None else example


def _problem(schema: Json, maker: Maker) -> Any:
    return maker.of(schema) | {"detail": schema["description"].partition("\n")[0]}


@cache
def recorded() -> Json:
    """Return what the tests have recorded, by operation and status, and of problems by code."""
    found: Json = json.loads(PLACE.read_text(encoding="utf-8"))
    return found
