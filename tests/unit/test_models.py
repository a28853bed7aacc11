"""Models are built at their first use, whoever uses them first."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from pydantic import ValidationError, create_model

from chalicelib.models import LateModel

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
