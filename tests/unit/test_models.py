"""Models are built at their first use, whoever uses them first."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pkgutil import walk_packages
from threading import Barrier
from typing import Any, get_args

import pytest
from pydantic import BaseModel, ValidationError, create_model

import chalicelib
from chalicelib.platform.models import LateModel

THREADS, CLASSES = 8, 40


@pytest.fixture
def impatient_threads() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_a_model_that_nobody_has_used_is_not_built() -> None:
    model = create_model("Unused", __base__=LateModel, number=(int, ...))
    assert not model.__pydantic_complete__
    with pytest.raises(ValidationError):
        model.model_validate({"number": "none"})
    assert model.__pydantic_complete__


@pytest.mark.usefixtures("impatient_threads")
def test_many_may_be_the_first_to_use_a_model() -> None:
    start = Barrier(THREADS)
    for number in range(CLASSES):
        part = create_model(f"Part{number}", __base__=LateModel, name=(str, "x"), price=(float, 1.5))
        model = create_model(f"Whole{number}", __base__=LateModel, part=(part, ...), parts=(list[part], ...))

        def use(model: type[LateModel] = model) -> LateModel:
            start.wait()
            return model.model_validate_json('{"part": {"name": "a"}, "parts": [{"price": 2}]}')

        with ThreadPoolExecutor(THREADS) as pool:
            made = [future.result() for future in [pool.submit(use) for _ in range(THREADS)]]
        assert {one.model_dump_json() for one in made} == {
            '{"part":{"name":"a","price":1.5},"parts":[{"name":"x","price":2.0}]}'
        }


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from models_in(part)


def late_models(of: type[LateModel] = LateModel) -> Iterator[type[LateModel]]:
    for model in of.__subclasses__():
        yield model
        yield from late_models(model)


def test_values_inside_late_models_are_not_late_themselves() -> None:
    for module in walk_packages(chalicelib.__path__, "chalicelib."):
        import_module(module.name)
    ours = [model for model in late_models() if model.__module__.startswith("chalicelib.")]
    values = {value for model in ours for field in model.model_fields.values() for value in models_in(field.annotation)}
    assert values
    assert [value for value in values if value.model_config.get("defer_build")] == []
