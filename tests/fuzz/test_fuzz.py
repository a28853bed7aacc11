"""The API keeps what its document promises, whoever asks for whatever."""

import subprocess
import sys

import pytest

from local.checkout import PROJECT

pytestmark = pytest.mark.endurance

EXAMPLES = 2_000
SEED = 13
"""Of every run here: what it finds was brought in by the change at hand. `make fuzz` takes another each time."""


def test_no_request_is_answered_otherwise_than_the_document_says() -> None:
    """On a stack of its own in a process of its own, so that nothing made-up is in the way of other tests."""
    command = [sys.executable, "-m", "tests.fuzz", "--examples", str(EXAMPLES), "--seed", str(SEED)]
    run = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    assert run.returncode == 0, run.stdout + run.stderr
