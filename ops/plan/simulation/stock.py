"""Simulates pools, and how a container holds in them: as allocation and the repository do, without the events.

A commit succeeds if nobody else's was applied to the pool since it was read; both happen half a round trip after they
were sent. A lost race is followed by the repository's pause, and by a try in another pool that is read first.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

import simpy

from chalicelib.platform.eventsourcing.repository import MAX_ATTEMPTS
from ops.plan.simulation.aws import Container, Dynamodb, Process
from ops.plan.timings import longest_pause


class Busy(Exception):
    """A hold has lost MAX_ATTEMPTS races."""


class SoldOut(Exception):
    pass


@dataclass
class Pool:
    free: int
    place: int
    version: int = 0


@dataclass
class Stock:
    """Simulates one ticket type. `units` are the write units of one event of a pool, by step."""

    env: simpy.Environment
    random: Random
    table: Dynamodb
    capacities: list[int]
    units: dict[str, int]
    others: dict[str, int]
    """These are the write units of the other streams in the same transaction."""
    lost: Counter[str] = field(default_factory=Counter)
    is_sold_out: bool = False

    def __post_init__(self) -> None:
        self.pools = [Pool(capacity, self.table.place()) for capacity in self.capacities]
        self._cache = self.table.place()

    @property
    def free(self) -> int:
        return sum(pool.free for pool in self.pools)

    def hold(self, container: Container, quantity: int, cart: int) -> Process:
        """Hold tickets, and return how many come from each pool.

        Raises:
            Busy: too many races were lost.
            SoldOut: there are not enough tickets.
            Throttled: the SDK has given up.
        """
        contended: list[int] = []
        for attempt in range(MAX_ATTEMPTS):
            shares = yield from self._choose(container, quantity, contended)
            if (yield from self.commit("hold", container, shares, cart, taking=True)):
                container.last = next(iter(shares)) if len(shares) == 1 else container.last
                return shares
            contended += [number for number in shares if number not in contended]
            yield self.env.timeout(self.random.uniform(0, longest_pause(attempt)))
        raise Busy

    def change(self, step: str, container: Container, shares: dict[int, int], other: int) -> Process:
        """Check out or pay, in the pools of the hold.

        Raises:
            Busy: too many races were lost.
            Throttled: the SDK has given up.
        """
        for number in shares:
            if number not in container.known:
                yield from self._read(container, number)
        for attempt in range(MAX_ATTEMPTS):
            if (yield from self.commit(step, container, shares, other, taking=False)):
                return
            yield self.env.timeout(self.random.uniform(0, longest_pause(attempt)))
            for number in shares:
                yield from self._read(container, number)
        raise Busy

    def commit(self, step: str, container: Container, shares: dict[int, int], other: int, *, taking: bool) -> Process:
        """Commit, and tell whether it succeeded."""
        units: Counter[int] = Counter({other: self.others[step]})
        for number in shares:
            units[self.pools[number].place] += self.units[step]
        yield from self.table.write(dict(units))
        is_current = all(container.known[number][0] == self.pools[number].version for number in shares)
        if is_current:
            for number, quantity in shares.items():
                self._apply(container, number, quantity if taking else 0)
        else:
            self.lost[step] += 1
        yield self.env.timeout(self.table.timings.write_seconds / 2)
        return is_current

    def refusal(self) -> Process:
        """Tell whether the sold-out cache refuses."""
        yield from self.table.read(self._cache)
        is_sold_out = self.is_sold_out
        yield self.env.timeout(self.table.timings.read_seconds / 2)
        return is_sold_out

    def _choose(self, container: Container, quantity: int, contended: list[int]) -> Process:
        if not container.known:
            if (yield from self.refusal()):
                raise SoldOut
            yield from self._read(container, 0)
        for number in self._likely(container, quantity, contended):
            if contended or number not in container.known:
                yield from self._read(container, number)
            if container.known[number][1] >= quantity:
                return {number: quantity}
        if (yield from self.refusal()):
            raise SoldOut
        for number in self._unread(container):
            yield from self._read(container, number)
            if container.known[number][1] >= quantity:
                return {number: quantity}
        return (yield from self._recount(container, quantity))

    def _likely(self, container: Container, quantity: int, contended: list[int]) -> Iterator[int]:
        if (
            container.last is not None
            and container.last not in contended
            and self._has(container, container.last, quantity)
        ):
            yield container.last
        known = [number for number in container.known if self._has(container, number, quantity)]
        self.random.shuffle(known)
        yield from [number for number in known if number not in contended]
        if contended:
            yield from self._unread(container)[:1]
        yield from [number for number in known if number in contended]

    def _recount(self, container: Container, quantity: int) -> Process:
        for number in range(len(self.pools)):
            yield from self._read(container, number)
        free = [(container.known[number][1], number) for number in container.known]
        self.random.shuffle(free)
        free.sort(key=lambda pair: -pair[0])
        if sum(tickets for tickets, _ in free) < quantity:
            self.is_sold_out = True
            raise SoldOut
        shares: dict[int, int] = {}
        for tickets, number in free:
            shares[number] = min(tickets, quantity - sum(shares.values()))
            if sum(shares.values()) == quantity:
                break
        return shares

    def _read(self, container: Container, number: int) -> Process:
        pool = self.pools[number]
        yield from self.table.read(pool.place)
        container.known[number] = pool.version, pool.free
        yield self.env.timeout(self.table.timings.read_seconds / 2)

    def _apply(self, container: Container, number: int, quantity: int) -> None:
        pool = self.pools[number]
        pool.version += 1
        pool.free -= quantity
        container.known[number] = pool.version, pool.free

    def _has(self, container: Container, number: int, quantity: int) -> bool:
        return container.known[number][1] >= quantity

    def _unread(self, container: Container) -> list[int]:
        numbers = [number for number in range(len(self.pools)) if number not in container.known]
        self.random.shuffle(numbers)
        return numbers
