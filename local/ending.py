"""Ending when told to: by Ctrl-C, by `kill`, by a terminal that closes."""

import signal
import time

POLL = 0.05


class Ended(Exception):
    """Somebody asked us to end."""


class Ending:
    """
    Remembers that we were asked; it is looked at between steps. The handler neither raises nor takes a lock: either
    could hit the main thread while it holds the lock of a child process or of a threading.Event.
    """

    def __init__(self) -> None:
        self.asked = False

    def on_signals(self) -> None:
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(signum, self._ask)

    def check(self) -> None:
        if self.asked:
            raise Ended

    def wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.check()
            time.sleep(POLL)

    def _ask(self, *_: object) -> None:
        self.asked = True
