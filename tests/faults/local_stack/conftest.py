"""A local stack of the tests' own, empty for each of them."""

from collections.abc import Iterator

import pytest

from local.stack import Stack


@pytest.fixture(scope="module")
def own_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("stack")) as stack:
        yield stack


@pytest.fixture
def empty_stack(own_stack: Stack) -> Stack:
    own_stack.reset()
    return own_stack
