"""Strategies for events of every registered kind, new and old, with ids that collide often."""

import types
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Union, get_args, get_origin
from uuid import UUID

from hypothesis import strategies as st
from pydantic import BaseModel

from chalicelib.platform.eventsourcing.event import Event
from tests.support.shop import some_id
from tests.support.stored import SOME_TIME

_IDS = [some_id(f"any {number}") for number in range(4)]
_SIMPLE: Mapping[type, st.SearchStrategy[Any]] = {
    UUID: st.sampled_from(_IDS),
    str: st.one_of(st.sampled_from(["", "EUR", "Ünïcödé \N{MUSICAL SYMBOL G CLEF}"]), st.text(max_size=5)),
    int: st.one_of(st.integers(-2, 5), st.sampled_from([0, 10**6])),
    bool: st.booleans(),
    float: st.floats(-90, 90),
    Decimal: st.integers(0, 10_000).map(lambda cents: Decimal(cents) / 100),
    datetime: st.integers(-3_000, 3_000).map(lambda ms: SOME_TIME + timedelta(milliseconds=ms)),
}


def events_of(cls: type[Event]) -> st.SearchStrategy[Event]:
    """Any event of this class, with optional facts present and absent."""
    return _models_of(cls)


def _models_of(cls: type[BaseModel]) -> st.SearchStrategy[Any]:
    fields = {name: _values_of(field.annotation) for name, field in cls.model_fields.items()}
    optional = {name for name, field in cls.model_fields.items() if not field.is_required()}
    required = {name: strategy for name, strategy in fields.items() if name not in optional}
    return st.fixed_dictionaries(required, optional={name: fields[name] for name in sorted(optional)}).map(
        cls.model_validate
    )


def _values_of(annotation: Any) -> st.SearchStrategy[Any]:
    if annotation in _SIMPLE:
        return _SIMPLE[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        return st.one_of([st.none() if part is type(None) else _values_of(part) for part in arguments])
    if origin is tuple:
        return st.lists(_values_of(arguments[0]), max_size=3).map(tuple)
    if origin is dict:
        return st.dictionaries(st.sampled_from(["Id", "TicketId"]), _SIMPLE[str])
    if origin is not None:
        return _values_of(arguments[0])
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return st.sampled_from(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _models_of(annotation)
    raise TypeError(f"no strategy for {annotation}")
