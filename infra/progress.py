"""Reports what deploying and destroying do, with one line for each thing that is done, and a clock."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.status import Status
from rich.text import Text

from infra.stacks import Event

_DONE = ("_COMPLETE", "_FAILED", "_SKIPPED")


class Progress:
    """Reports progress; on a terminal it also shows what CloudFormation is working on at the moment."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)
        self._under_way: dict[str, None] = {}
        self._status: Status | None = None

    def say(self, line: str, style: str = "") -> None:
        self._console.print(Text(line, style=style), soft_wrap=True)

    def tell(self, event: Event) -> None:
        """Report that a resource has begun to change, or is done."""
        if event.kind == "AWS::CloudFormation::Stack":
            return
        if event.status.endswith(_DONE):
            self._under_way.pop(event.resource, None)
            line = (
                f"  {event.status.lower().replace('_', ' '):<24}{event.resource} ({event.kind.removeprefix('AWS::')})"
            )
            self.say(f"{line}: {event.reason}" if event.failed else line, "red" if event.failed else "")
        else:
            self._under_way[event.resource] = None
        if self._status is not None:
            self._status.update(Text(f"waiting for {', '.join(self._under_way)}" if self._under_way else "working"))

    @contextmanager
    def step(self, what: str) -> Iterator[list[str]]:
        """Time one step; what is to be said when it is done goes into the list."""
        began = time.monotonic()
        self.say(f"{what} …")
        outcome: list[str] = []
        with self._console.status("working") as self._status:
            yield outcome
        self._under_way.clear()
        self.say(f"{what}: {' '.join(outcome) or 'done'} ({time.monotonic() - began:.0f} s)")
