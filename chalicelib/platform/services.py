"""Defines what a container offers to the code of every context."""

from datetime import datetime
from typing import Protocol

from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.store import EventStore


class Services(Protocol):
    """Offers the log and the time; each context's own protocol adds what else it uses."""

    @property
    def repository(self) -> Repository: ...

    @property
    def event_store(self) -> EventStore: ...

    def clock(self) -> datetime: ...
