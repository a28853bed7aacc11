"""The examples of the document are as their schemas say, without other members, and there is one of everything."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it ships no types

from ops.openapi import document
from tests.support.described import without_more

Json = dict[str, Any]
BUILT = document.build()
CLOSED: Json = without_more(BUILT["components"])


class Shown(NamedTuple):
    where: str
    schema: Json
    example: Any


def contents() -> Iterator[tuple[str, Json]]:
    """Every body and every answer that is JSON."""
    for methods in BUILT["paths"].values():
        for operation in methods.values():
            answers = {status: one for status, one in operation["responses"].items() if status.startswith("2")}
            for kind, message in {"body": operation.get("requestBody", {}), **answers}.items():
                for content in [one for name, one in message.get("content", {}).items() if name == "application/json"]:
                    yield f"{operation['operationId']} {kind}", content


def shown() -> Iterator[Shown]:
    for where, content in contents():
        if "example" in content:
            yield Shown(where, content["schema"], content["example"])
    for name, schema in BUILT["components"]["schemas"].items():
        for example in schema.get("examples", []):
            yield Shown(name, {"$ref": f"#/components/schemas/{name}"}, example)


@pytest.mark.parametrize("one", [*shown()], ids=lambda one: one.where)
def test_an_example_is_as_its_schema_says(one: Shown) -> None:
    whole = {"components": CLOSED, **one.schema}
    validator = Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)
    faults = [f"{fault.json_path}: {fault.message}" for fault in validator.iter_errors(one.example)]
    assert faults == [], "delete it in ops/openapi/examples.json, and record another one: tests/support/recording.py"


WITHOUT = {"get_document 200", "receive_notification body"}
"""What has no type of ours: the document itself, and what payment providers send."""


def test_every_body_and_every_answer_has_an_example() -> None:
    lacking = {where for where, content in contents() if "example" not in content}
    assert lacking == WITHOUT


def test_every_problem_has_an_example() -> None:
    schemas = BUILT["components"]["schemas"]
    lacking = {name for name, one in schemas.items() if name.endswith("Problem") and "examples" not in one}
    assert lacking == set()
