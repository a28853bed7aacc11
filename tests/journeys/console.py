"""The console sessions of a Markdown page: what is typed, and what is shown to come out."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)


@dataclass(frozen=True)
class Step:
    command: str
    output: str


def steps_of(page: str) -> Iterator[Step]:
    """Every `$ command` of the page's console blocks with the lines up to the next one."""
    for block in _BLOCK.findall(page):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield Step(command, output.strip("\n"))
