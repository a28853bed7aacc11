"""Reads what routes declare by the types of their handlers."""

import sys
import typing
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import UnionType
from typing import Any, NamedTuple, Union, get_args, get_origin

from chalicelib import contexts
from chalicelib.platform.http import answers, shapes
from chalicelib.platform.http.routes import Route


class Declared(NamedTuple):
    """One kind of answer of a route: its class, and the type of its content, None for a file or nothing."""

    kind: type[answers.Answer[Any]]
    content: Any


def routes() -> Iterator[Route[Any]]:
    """Give every route, in the order of the contexts."""
    for of_context in contexts.routes():
        yield from of_context.declared


def context_of(module: str) -> str:
    """Return `carts` for `chalicelib.shop.carts.api`."""
    return module.split(".")[2]


def answers_of(route: Route[Any]) -> list[Declared]:
    """Return the kinds of answers that the handler's return type names."""
    declared = resolved(route.handler.__annotations__["return"], route.handler.__module__)
    kinds = get_args(declared) if get_origin(declared) in {Union, UnionType} else (declared,)
    return [_declared(kind) for kind in kinds]


def resolved(declared: Any, module: str) -> Any:
    """Return what a type in quotes stands for, where its context's `answers` are known."""
    if not isinstance(declared, str):
        return declared
    return eval(declared, dict(_names(module)))  # noqa: S307 - an annotation of ours


def _declared(kind: Any) -> Declared:
    base = get_origin(kind) or kind
    contents = get_args(kind)
    return Declared(base, contents[0] if contents else None)


@cache
def _names(module: str) -> Mapping[str, Any]:
    package = ".".join(module.split(".")[:3])
    names = {**vars(typing), **vars(shapes)}
    if module.startswith("chalicelib.shop.") and find_spec(f"{package}.answers"):
        names = names | vars(import_module(f"{package}.answers"))
    return names | vars(sys.modules[module])
