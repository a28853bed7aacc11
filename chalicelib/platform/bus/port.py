"""Defines the port of the event bus, whichever service carries the events."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class BusMessage:
    """A message to be published. Those of one key reach every follower in the order in which they were published."""

    key: str
    data: bytes


@dataclass(frozen=True, slots=True)
class BusRecord:
    """A message as a follower gets it, with its place on the bus; `shard_id` may be unknown."""

    sequence_number: str
    data: bytes
    shard_id: str = ""


class EventBus(Protocol):
    """Carries messages to every follower, at least once.

    An adapter has a trigger as well, which is no part of this port: it declares the functions that follow the bus, and
    turns what Lambda gives them into `BusRecord`s. `batch.py` has their replies.
    """

    def publish(self, messages: Sequence[BusMessage]) -> int | None:
        """Publish the messages in order; return the index of the first that the bus did not take, None for success.

        Some of those behind it may have been taken: whoever publishes again from there on delivers them twice.
        """

    def probe(self) -> object:
        """Send one cheap request; any exception means that the bus does not answer."""


class ReplayableBus(EventBus, Protocol):
    """A bus that stores its messages for some days, so that a follower can be given them again."""

    def replay(self, since: datetime | None) -> Iterator[Sequence[BusRecord]]:
        """Read what is on the bus now, shard by shard, from an instant on or from the beginning."""
