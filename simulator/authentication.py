"""Simulates what customers do at their bank: they authenticate, fail, answer twice or too late, or go away."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from chalicelib.platform.errors import Unavailable
from simulator.scheduler import Crash
from simulator.world import World

SUCCEEDED, FAILED, ABANDONED = "authentication succeeded", "authentication failed", "authentication abandoned"
MILESTONES = (SUCCEEDED, FAILED, ABANDONED)
CHOICES = (SUCCEEDED, SUCCEEDED, FAILED, ABANDONED)
TWICE = 0.3


def authenticate(world: World, payment_id: UUID, client_secret: str, think: Callable[[], None]) -> None:
    """Answer the bank after any time, also after the order's deadline, and perhaps twice; or never."""
    choice = world.random.choice(CHOICES)
    world.reached.add(choice)
    if choice is ABANDONED:
        return
    bank: Any = world.gateways["sandbox"]
    for _ in range(1 + (world.random.random() < TWICE)):
        think()
        try:
            bank.authenticate(payment_id, client_secret, succeeds=choice is SUCCEEDED)
        except (Unavailable, Crash) as reason:
            world.scheduler.note(f"the bank fails: {reason!r}")
