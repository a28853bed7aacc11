"""Ends the process in order on Ctrl-C, `kill`, a closed terminal, or the death of the `make` that started it."""

import os
import signal
import time

POLL = 0.05


def interrupt_when_told_to_end() -> None:
    """Make `kill` and a closed terminal do what Ctrl-C does, so that everything is cleaned up."""
    for signum in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, signal.default_int_handler)


class Ended(Exception):
    """The process was asked to end."""


class Shutdown:
    """Remembers that the process was asked to end; it is checked between steps.

    The handler neither raises nor takes a lock: either could hit the main thread while it holds the lock of a child
    process or of a threading.Event.
    """

    def __init__(self) -> None:
        self.asked = False
        self._parent: int | None = None

    def on_signals(self) -> None:
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(signum, self._ask)

    def with_parent(self) -> None:
        """End when the parent process is killed too. No signal reports that, but the parent's id changes."""
        self._parent = os.getppid()

    def check(self) -> None:
        if self.asked or (self._parent is not None and os.getppid() != self._parent):
            raise Ended

    def wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.check()
            time.sleep(POLL)

    def _ask(self, *_: object) -> None:
        self.asked = True
