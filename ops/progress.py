"""Shows progress over a whole log or archive: a bar for people, nothing for machines."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

Advance = Callable[[str, int], None]
"""It is called with the stage, and with how many more events, or files, are done."""


class _Rate(ProgressColumn):
    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:,.0f} {self._unit}/s")


@contextmanager
def progress(what: str, total: int, unit: str = "events") -> Iterator[Advance]:
    """Show a bar with rate and remaining time on the error stream. `total` may be approximate."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(unit), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(what, total=total or None)

        def advance(stage: str, events: int) -> None:
            bar.update(task, description=f"{what}: {stage}", advance=events)

        yield advance
