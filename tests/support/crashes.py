"""Death between any two calls to a server."""

from collections.abc import Callable
from typing import Any


class Crash(BaseException):
    """The process dies here: no handler of ours gets to see it."""


class Trap:
    """Counts calls to the ports behind it and dies at one of them, before or after it is carried out."""

    def __init__(self) -> None:
        self.calls = 0
        self._at = 0
        self._carried_out = False

    def arm(self, at: int, carried_out: bool) -> None:
        self.calls, self._at, self._carried_out = 0, at, carried_out

    def disarm(self) -> None:
        self._at = 0

    def behind(self, port: Any) -> Any:
        """The port, with the trap before it."""
        return _Trapped(port, self)

    def call(self, method: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        self.pass_by(lambda: method(*arguments, **options))
        return method(*arguments, **options)

    def pass_by(self, carry_out: Callable[[], object]) -> None:
        """A call is about to be made."""
        self.calls += 1
        if self.calls != self._at:
            return
        if self._carried_out:
            carry_out()
        raise Crash


class _Trapped:
    def __init__(self, port: Any, trap: Trap) -> None:
        self._port = port
        self._trap = trap

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._port, name)
        if not callable(value):
            return value
        return lambda *arguments, **options: self._trap.call(value, *arguments, **options)
