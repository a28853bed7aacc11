"""Tells the story of one ticket at the doors, from what was scanned, in whatever order that arrived.

The story is a function of the set of scans alone: of two devices that let somebody in with the same ticket, the earlier
scan counts, and equal times are ordered by device and then by nonce (ADR 71).
"""

from collections.abc import Collection, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

NOBODY = UUID(int=0)
"""Stands for the device and the nonce of check-ins from before doors said them."""


class Direction(StrEnum):
    IN = "in"
    OUT = "out"


class Verdict(StrEnum):
    """What a scan turned out to be. A `flawed` one admits by no rule, and its bearer is in nevertheless."""

    ADMITTED = "admitted"
    DOUBLE = "double"
    LEFT = "left"
    FLAWED = "flawed"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True)
class GateScan:
    """One scan of a ticket that let somebody through; `at` is judged by the shop's clock.

    `override` is a supervisor's reason; `flaw` says why a scan without a network should have been refused.
    """

    at: datetime
    nonce: UUID = NOBODY
    device_id: UUID = NOBODY
    gate: str | None = None
    direction: Direction = Direction.IN
    override: str | None = None
    flaw: str | None = None
    is_offline: bool = False

    @property
    def place(self) -> tuple[datetime, UUID, UUID]:
        """Return what orders the scans of a ticket."""
        return self.at, self.device_id, self.nonce


@dataclass(frozen=True, slots=True)
class Judged:
    """A scan with its verdict; `against` is the one that counts instead of a double one."""

    movement: GateScan
    verdict: Verdict
    against: GateScan | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """All scans in order, and with which of them whoever is inside came in."""

    scans: tuple[Judged, ...] = ()
    inside: GateScan | None = None

    @property
    def admissions(self) -> list[GateScan]:
        return [judged.movement for judged in self.scans if judged.verdict is Verdict.ADMITTED]

    def find(self, nonce: UUID) -> Judged | None:
        return next((judged for judged in self.scans if judged.movement.nonce == nonce), None)


def ordered(movements: Iterable[GateScan]) -> tuple[GateScan, ...]:
    return tuple(sorted(movements, key=lambda movement: movement.place))


def story_of(movements: Collection[GateScan], undone: AbstractSet[UUID]) -> Story:
    """Judge the scans of a ticket, except for those that were undone."""
    scans: list[Judged] = []
    inside: GateScan | None = None
    for movement in ordered(movements):
        judged = _judge(movement, inside, movement.nonce in undone)
        scans.append(judged)
        if judged.verdict is Verdict.ADMITTED:
            inside = movement
        elif judged.verdict is Verdict.LEFT:
            inside = None
    return Story(tuple(scans), inside)


def _judge(movement: GateScan, inside: GateScan | None, is_undone: bool) -> Judged:
    if is_undone:
        return Judged(movement, Verdict.UNDONE)
    if movement.flaw is not None:
        return Judged(movement, Verdict.FLAWED)
    if movement.direction is Direction.OUT:
        return Judged(movement, Verdict.LEFT)
    if inside is not None and movement.override is None:
        return Judged(movement, Verdict.DOUBLE, inside)
    return Judged(movement, Verdict.ADMITTED)
