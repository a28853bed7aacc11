"""Limits how often one request may read from the log (ADR 39)."""

from threading import Lock

from chalicelib.platform.errors import TooMuchToRead

WITHOUT_TOKEN = 3
WITH_TOKEN = 10
"""The most requests to the log for which one read over HTTP may be the cause, by what the caller has shown."""


class ReadBudget:
    """Counts the requests to the log that one call has caused, and refuses those beyond `limit`."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.spent = 0
        self._lock = Lock()

    @property
    def left(self) -> int:
        return self.limit - self.spent

    def spend(self) -> None:
        """Count one request that is about to be sent.

        Raises TooMuchToRead.
        """
        with self._lock:
            if self.spent >= self.limit:
                raise TooMuchToRead(
                    f"This would take more than {self.limit} reads of the log in one request.", limit=self.limit
                )
            self.spent += 1
