"""Actors that take turns by seed, on one virtual clock."""

from _thread import start_new_thread
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from random import Random
from threading import Lock

CURTAIN_UP = datetime(2030, 1, 1, 12, tzinfo=UTC)
MOST_STEPS = 50_000
LONGEST_CALL_MS = 30

Line = Callable[[str], None]


class Crash(BaseException):
    """The container dies here: no handler of ours gets to see it."""


class Endless(BaseException):
    """The schedule has taken more steps than any that ends."""


def _held() -> Lock:
    lock = Lock()
    lock.acquire()
    return lock


@dataclass(eq=False, slots=True)
class Actor:
    """`go` is held while the actor waits for its turn; `deadline` is when its container is killed."""

    name: str
    work: Callable[[], object]
    is_guest: bool
    go: Lock = field(default_factory=_held)
    has_begun: bool = False
    deadline: datetime | None = None


class Stage:
    """Time passes a little at every step, and jumps to the next actor that wakes when all are asleep.

    Outside `play` nobody is on the stage: then nothing pauses, and sleeping only moves the clock.
    """

    def __init__(self, seed: int, trace: Line | None = None) -> None:
        self.random = Random(seed)
        self.now = CURTAIN_UP
        self.steps = 0
        self.failures: list[str] = []
        self.guests = 0
        self._trace = trace
        self._stays = self.random.choice((0.0, 0.3, 0.6, 0.9))
        self._ready: list[Actor] = []
        self._asleep: list[tuple[datetime, int, Actor]] = []
        self._numbers = count()
        self._on: Actor | None = None
        self._empty = _held()

    def enter(self, name: str, work: Callable[[], object], *, is_guest: bool = False) -> None:
        """Another actor, whose turn comes some time. The shop is open as long as there are guests."""
        self.guests += is_guest
        self._ready.append(Actor(name, work, is_guest))

    def play(self) -> None:
        """Until every actor has left."""
        first = self._next()
        if first is not None:
            self._hand_over(first)
            self._empty.acquire()
        self._on = None

    def pause(self) -> None:
        """A moment passes, in which others may have their turns."""
        me = self._on
        if me is None:
            return
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise Endless
        self.now += timedelta(milliseconds=self.random.randint(0, LONGEST_CALL_MS))
        if self.random.random() >= self._stays:
            self._ready.append(me)
            self._switch(me)

    def sleep(self, duration: timedelta) -> None:
        """Others have their turns for so long. Raises Crash if the actor's container is killed meanwhile."""
        me = self._on
        if me is None:
            self.now += duration
            return
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise Endless
        until = self.now + duration if me.deadline is None else min(self.now + duration, me.deadline)
        heappush(self._asleep, (until, next(self._numbers), me))
        self._switch(me)
        self.ensure_alive()

    def ensure_alive(self) -> None:
        """Raises Crash once the time of the actor's container is over."""
        if self._on is not None and self._on.deadline is not None and self.now >= self._on.deadline:
            raise Crash

    @contextmanager
    def time_limit(self, limit: timedelta) -> Iterator[None]:
        """What the actor does within is killed after so long, as Lambda does, at its next call."""
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
        """A line of the trace."""
        if self._trace is not None:
            name = self._on.name if self._on else "-"
            self._trace(f"{str(self.now - CURTAIN_UP)[:-3]:>14}  {name:<12} {text}")

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
        except Endless:
            self.fail(f"{actor.name} was still at work after {MOST_STEPS} steps.")
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is a finding, and the others play on
            self.fail(f"{actor.name} failed with {error!r}.")
        self.guests -= actor.is_guest
        chosen = self._next()
        if chosen is None:
            self._empty.release()
        else:
            self._hand_over(chosen)
