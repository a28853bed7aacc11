"""Whoever is interrupted leaves nothing in the temporary folder: no data, and above all no keys."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from local.checkout import PROJECT

ENDINGS = [None, signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
"""None is an end of its own accord."""

LONGEST_WAIT = 120
"""Seconds, so that a program which does not end fails the test and does not stop the run."""

BENCHMARK = """
import sys
from benchmarks.own_stack import own_stack
with own_stack() as stack:
    print(f"{stack.directory}\\n{stack.data_directory}", flush=True)
    sys.stdin.read()
"""
TEST = """
import sys
def test_that_waits(stack, tmp_path, tmp_path_factory):
    (tmp_path / "secret").write_text("secret")
    print(f"{stack.directory}\\n{stack.data_directory}\\n{tmp_path}", file=sys.__stdout__, flush=True)
    sys.__stdin__.read()
"""


def folders_left(command: list[str], folders: int, ending: signal.Signals | None, temporary: Path) -> list[str]:
    """What is left of the folders that the program names on its first lines, and in its temporary folder."""
    temporary.mkdir()
    environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(  # noqa: S603 - our own program
        command,
        cwd=PROJECT,
        env=environment,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        preexec_fn=_hear_signals,  # noqa: PLW1509 - it takes no lock
    ) as run:
        assert run.stdin is not None
        assert run.stdout is not None
        named = [run.stdout.readline().strip() for _ in range(folders)]
        assert all(Path(folder).is_dir() for folder in named), named
        if ending is None:
            run.stdin.close()
        else:
            run.send_signal(ending)
        try:
            run.wait(timeout=LONGEST_WAIT)
        finally:
            run.kill()
    return [folder for folder in named if Path(folder).exists()] + [str(path) for path in temporary.iterdir()]


def _hear_signals() -> None:
    """A shell lets what it starts in the background ignore them, and a child inherits that."""
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.SIG_DFL)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_benchmark_leaves_nothing(tmp_path: Path, ending: signal.Signals | None) -> None:
    command = [sys.executable, "-c", BENCHMARK]
    assert folders_left(command, 2, ending, tmp_path / "temporary") == []


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_tests_leave_nothing(tmp_path: Path, ending: signal.Signals | None) -> None:
    test = tmp_path / "test_that_waits.py"
    test.write_text(TEST)
    options = ["-c", "pyproject.toml", "-p", "tests.conftest", "-p", "no:cacheprovider", "-s", "-qqq"]
    command = [sys.executable, "-m", "pytest", *options, str(test)]
    assert folders_left(command, 3, ending, tmp_path / "temporary") == []
