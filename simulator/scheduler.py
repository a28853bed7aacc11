"""Runs actors that take turns by seed, on one virtual clock."""

from _thread import start_new_thread
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from random import Random
from threading import Lock

START = datetime(2030, 1, 1, 12, tzinfo=UTC)
MOST_STEPS = 50_000
LONGEST_CALL_MS = 30

Line = Callable[[str], None]


class Crash(BaseException):
    """The container dies here, and no handler of ours notices."""


class TooManySteps(BaseException):
    """The schedule has taken more steps than any that ends."""


def _held() -> Lock:
    lock = Lock()
    lock.acquire()
    return lock


@dataclass(eq=False, slots=True)
class Actor:
    """Is one thread. `go` is held while it waits for its turn; `deadline` is when its container dies."""

    name: str
    work: Callable[[], object]
    is_visitor: bool
    go: Lock = field(default_factory=_held)
    has_begun: bool = False
    deadline: datetime | None = None


class Scheduler:
    """Runs one actor at a time. Time passes a little at every step, and jumps when all are asleep.

    Outside `run` there are no actors: then nothing pauses, and sleeping only moves the clock.
    """

    def __init__(self, seed: int, trace: Line | None = None, most_steps: int = MOST_STEPS) -> None:
        self.random = Random(seed)
        self._most_steps = most_steps
        self.now = START
        self.steps = 0
        self.failures: list[str] = []
        self.visitors = 0
        self._trace = trace
        self._stays = self.random.choice((0.0, 0.3, 0.6, 0.9))
        self._ready: list[Actor] = []
        self._asleep: list[tuple[datetime, int, Actor]] = []
        self._numbers = count()
        self._on: Actor | None = None
        self._empty = _held()

    def add(self, name: str, work: Callable[[], object], *, is_visitor: bool = False) -> None:
        """Add an actor, whose turn comes some time. The shop is open as long as there are visitors."""
        self.visitors += is_visitor
        self._ready.append(Actor(name, work, is_visitor))

    def run(self) -> None:
        """Run until every actor has ended."""
        first = self._next()
        if first is not None:
            self._hand_over(first)
            self._empty.acquire()
        self._on = None

    def pause(self) -> None:
        """Let a moment pass, in which others may have their turns."""
        me = self._on
        if me is None:
            return
        self.steps += 1
        if self.steps > self._most_steps:
            raise TooManySteps
        self.now += timedelta(milliseconds=self.random.randint(0, LONGEST_CALL_MS))
        if self.random.random() >= self._stays:
            self._ready.append(me)
            self._switch(me)

    def sleep(self, duration: timedelta) -> None:
        """Let others have their turns for so long.

        Raises:
            Crash: the actor's container was killed meanwhile.
        """
        me = self._on
        if me is None:
            self.now += duration
            return
        self.steps += 1
        if self.steps > self._most_steps:
            raise TooManySteps
        until = self.now + duration if me.deadline is None else min(self.now + duration, me.deadline)
        heappush(self._asleep, (until, next(self._numbers), me))
        self._switch(me)
        self.ensure_alive()

    def ensure_alive(self) -> None:
        """Refuse to go on after the deadline.

        Raises:
            Crash: the time of the actor's container is over.
        """
        if self._on is not None and self._on.deadline is not None and self.now >= self._on.deadline:
            raise Crash

    @contextmanager
    def time_limit(self, limit: timedelta) -> Iterator[None]:
        """Kill what the actor does within after so long, as Lambda does, at its next call."""
        me = self._on
        if me is not None:
            me.deadline = self.now + limit
        try:
            yield
        finally:
            if me is not None:
                me.deadline = None

    def is_traced(self) -> bool:
        return self._trace is not None

    def note(self, text: str) -> None:
        """Write a line of the trace."""
        if self._trace is not None:
            name = self._on.name if self._on else "-"
            self._trace(f"{str(self.now - START)[:-3]:>14}  {name:<12} {text}")

    def fail(self, finding: str) -> None:
        self.note(f"FAILURE {finding}")
        self.failures.append(finding)

    def _next(self) -> Actor | None:
        if not self._ready and self._asleep:
            self.now = max(self.now, self._asleep[0][0])
        while self._asleep and self._asleep[0][0] <= self.now:
            self._ready.append(heappop(self._asleep)[2])
        if not self._ready:
            return None
        return self._ready.pop(self.random.randrange(len(self._ready)))

    def _switch(self, me: Actor) -> None:
        chosen = self._next()
        if chosen is not None and chosen is not me:
            self._hand_over(chosen)
            me.go.acquire()

    def _hand_over(self, actor: Actor) -> None:
        self._on = actor
        if actor.has_begun:
            actor.go.release()
        else:
            actor.has_begun = True
            start_new_thread(self._run, (actor,))  # Thread.start would wait for it to begin, and cost ten times as much

    def _run(self, actor: Actor) -> None:
        try:
            actor.work()
        except TooManySteps:
            self.fail(f"{actor.name} was still at work after {self._most_steps} steps.")
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is a finding, and the others go on
            self.fail(f"{actor.name} failed with {error!r}.")
        self.visitors -= actor.is_visitor
        chosen = self._next()
        if chosen is None:
            self._empty.release()
        else:
            self._hand_over(chosen)
