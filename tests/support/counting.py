"""Counting as in Lambda."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from chalicelib.platform import metrics
from tests.support.metrics import collected


@pytest.fixture
def counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[[], dict[str, float]]]:
    """Asked once: what was counted so far, as one invocation in Lambda."""
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "cloudbash-test-function")
    with ExitStack() as invocation:
        invocation.enter_context(metrics.one_line())

        def read() -> dict[str, float]:
            invocation.close()
            return collected(capsys.readouterr().out)

        yield read
