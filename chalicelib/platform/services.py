"""What a container offers to the code of every context."""

from datetime import datetime
from typing import Protocol

from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.store import EventStore


class Services(Protocol):
    """The log and the time; each context's own protocol says what it uses beside them."""

    @property
    def repository(self) -> Repository: ...

    @property
    def event_store(self) -> EventStore: ...

    def clock(self) -> datetime: ...
