"""Adds examples to the document: true requests and answers, as the tests have recorded them."""

import json
from functools import cache
from pathlib import Path
from typing import Any

Json = dict[str, Any]

PLACE = Path(__file__).with_name("examples.json")
_JSON = "application/json"


def add_to(document: Json, schema_names: dict[str, str]) -> None:
    """Give each body, each answer and each problem its example; `schema_names` has the name of each code's schema."""
    for methods in document["paths"].values():
        for operation in methods.values():
            known = _recorded().get(operation["operationId"], {})
            _add(operation.get("requestBody", {}), known.get("body"))
            for status, response in operation["responses"].items():
                _add(response, known.get(status))
    for code, example in _recorded().get("problems", {}).items():
        if code in schema_names:
            document["components"]["schemas"][schema_names[code]]["examples"] = [example]


def _add(message: Json, example: Any) -> None:
    if example is not None and _JSON in message.get("content", {}):
        message["content"][_JSON]["example"] = example


@cache
def _recorded() -> Json:
    found: Json = json.loads(PLACE.read_text(encoding="utf-8"))
    return found
