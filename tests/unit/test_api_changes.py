"""What would break a client of the last release is found, and what is added is not taken for it."""

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from ops.openapi import document
from ops.openapi.changes import RELEASED, breaking_changes

Json = dict[str, Any]
OLD: Json = json.loads(RELEASED.read_text())


def test_nothing_breaks_a_client_of_the_last_release() -> None:
    assert breaking_changes(OLD, document.build()) == []


def changed(change: Callable[[Json], object]) -> list[str]:
    new = deepcopy(OLD)
    change(new)
    return breaking_changes(OLD, new)


def schema(new: Json, name: str) -> Json:
    found: Json = new["components"]["schemas"][name]
    return found


BREAKING: list[tuple[Callable[[Json], object], str]] = [
    (lambda new: new["paths"].pop("/carts"), "POST /carts: is gone"),
    (lambda new: new["paths"]["/venues"].pop("get"), "GET /venues: is gone"),
    (lambda new: new["paths"]["/carts"]["post"]["responses"].pop("201"), "POST /carts: answers no 201 now"),
    (lambda new: schema(new, "Made")["properties"].pop("version"), "POST /carts 201: has no version now"),
    (lambda new: schema(new, "NewItem")["required"].append("gift"), "POST /carts/{cart_id}/items body: needs gift now"),
    (
        lambda new: schema(new, "NewItem")["properties"].pop("quantity"),
        "POST /carts/{cart_id}/items body: takes no quantity now",
    ),
    (
        lambda new: schema(new, "NewItem")["properties"]["quantity"].update(maximum=10),
        "POST /carts/{cart_id}/items body/quantity: has the maximum 10 now",
    ),
    (
        lambda new: schema(new, "Cart")["properties"]["id"].update(type="integer"),
        "GET /carts/{cart_id} 200/id: may be integer now",
    ),
    (
        lambda new: schema(new, "Cart")["required"].remove("items"),
        "GET /carts/{cart_id} 200: may lack items now",
    ),
]


@pytest.mark.parametrize(("change", "found"), BREAKING, ids=[found for _, found in BREAKING])
def test_a_change_that_breaks_clients_is_found(change: Callable[[Json], object], found: str) -> None:
    assert found in changed(change)


ADDED: list[Callable[[Json], object]] = [
    lambda new: new["paths"].update({"/new": {"get": {"responses": {}}}}),
    lambda new: schema(new, "Cart")["properties"].update(note={"type": "string"}),
    lambda new: schema(new, "NewItem")["properties"].update(note={"type": "string"}),
    lambda new: schema(new, "NewItem")["properties"]["quantity"].update(maximum=2000),
    lambda new: new["paths"]["/carts"]["post"]["responses"].update({"418": {}}),
]


@pytest.mark.parametrize("change", ADDED)
def test_what_is_added_breaks_nobody(change: Callable[[Json], object]) -> None:
    assert changed(change) == []
