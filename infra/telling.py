"""What deploying and destroying say while they work: one line for each thing that is done, and a clock."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.text import Text

from infra.stacks import Event

console = Console(highlight=False)

_DONE = ("_COMPLETE", "_FAILED", "_SKIPPED")


def say(line: str) -> None:
    console.print(Text(line), soft_wrap=True)


def tell(event: Event) -> None:
    """A resource that has come to rest; who begins is of interest while it lasts only."""
    if not event.status.endswith(_DONE) or event.kind == "AWS::CloudFormation::Stack":
        return
    line = f"  {event.status.lower().replace('_', ' '):<24}{event.resource} ({event.kind.removeprefix('AWS::')})"
    if event.failed:
        console.print(Text(f"{line}: {event.reason}", style="red"), soft_wrap=True)
    else:
        say(line)


@contextmanager
def step(what: str) -> Iterator[list[str]]:
    """The list takes what is to be said when it is done."""
    began = time.monotonic()
    say(f"{what} …")
    outcome: list[str] = []
    yield outcome
    say(f"{what}: {' '.join(outcome) or 'done'} ({time.monotonic() - began:.0f} s)")
