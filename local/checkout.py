"""Allows one stack per checkout, and writes the file by which other shells find it."""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from local.keys import write_atomically

PROJECT = Path(__file__).resolve().parent.parent
STATE = PROJECT / ".local"
PID = "LOCAL_STACK_PID"


class StackAlreadyRuns(RuntimeError):
    pass


@contextmanager
def claimed(directory: Path) -> Iterator[None]:
    """Hold the checkout by a file lock, which is released when its holder dies; a reused pid cannot fake it."""
    directory.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(directory / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackAlreadyRuns(_already_runs(directory)) from None
        yield
    finally:
        os.close(descriptor)


@contextmanager
def published(directory: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """Write the environment to `stack.json` while the stack runs, with LOCAL_STACK_PID. Every value is a string."""
    file = directory / "stack.json"
    write_atomically(file, json.dumps({**environment, PID: str(os.getpid())}, indent=2) + "\n")
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def _already_runs(directory: Path) -> str:
    try:
        pid = json.loads((directory / "stack.json").read_text())[PID]
    except FileNotFoundError:
        return f"A local stack is already starting from this checkout ({directory})."
    return f"A local stack already runs from this checkout (pid {pid}). Stop it first: kill {pid}"
