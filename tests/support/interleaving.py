"""Several actors at once, one call to a port at a time, in an order that a seed decides: races that come again."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random
from threading import Condition, local
from typing import Any


class Interleaving:
    """At each call to a port behind it, an actor waits until all others do, and one of them is drawn to go on."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._changed = Condition()
        self._alive = 0
        self._waiting: set[int] = set()
        self._drawn: int | None = None
        self._actor = local()

    def run(self, *actors: Callable[[], object]) -> None:
        """Until all have ended. Raises what an actor raises."""
        self._alive = len(actors)
        with ThreadPoolExecutor(len(actors)) as pool:
            tasks = [pool.submit(self._act, number, actor) for number, actor in enumerate(actors)]
        for task in tasks:
            task.result()

    def behind(self, port: Any) -> Any:
        """The port; outside `run` it is called at once."""
        return _Interleaved(port, self)

    def wait_for_turn(self) -> None:
        number: int | None = getattr(self._actor, "number", None)
        if number is None:
            return
        with self._changed:
            self._waiting.add(number)
            self._draw()
            self._changed.wait_for(lambda: self._drawn == number)
            self._drawn = None
            self._waiting.discard(number)

    def _act(self, number: int, actor: Callable[[], object]) -> None:
        self._actor.number = number
        try:
            self.wait_for_turn()
            actor()
        finally:
            with self._changed:
                self._alive -= 1
                self._draw()

    def _draw(self) -> None:
        if self._drawn is None and self._waiting and len(self._waiting) == self._alive:
            self._drawn = self._random.choice(sorted(self._waiting))
            self._changed.notify_all()


class _Interleaved:
    def __init__(self, port: Any, order: Interleaving) -> None:
        self._port = port
        self._order = order

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._port, name)
        if not callable(value):
            return value

        def call(*arguments: Any, **options: Any) -> Any:
            self._order.wait_for_turn()
            return value(*arguments, **options)

        return call
