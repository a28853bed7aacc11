"""The README's tour is true: every command is run, every output compared."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import TracebackType

import pytest

from local.stack import Stack
from tests.journeys.console import steps_of
from tests.journeys.shop import Shop

ROOT = Path(__file__).parents[2]
_CHANGING = [
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "<instant>"),
    (re.compile(r"\b[0-9a-f]{12}$", re.MULTILINE), "<hash>"),
    (re.compile(r"[ \t]+"), " "),
]


class Shell:
    """One bash in which the commands follow each other, as a reader types them."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._bash = subprocess.Popen(
            ["bash"],  # noqa: S607 - the reader's own
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
            env=environment,
        )

    def __enter__(self) -> "Shell":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._bash.kill()
        self._bash.wait()

    def run(self, command: str) -> str:
        assert self._bash.stdin is not None
        assert self._bash.stdout is not None
        self._bash.stdin.write(f"{command}\necho; echo '--done--'\n")
        self._bash.stdin.flush()
        lines = []
        for line in self._bash.stdout:
            if line == "--done--\n":
                break
            lines.append(line)
        return "".join(lines).strip("\n")


def steady(output: str) -> str:
    """The output with a mark in place of everything that differs from run to run."""
    output = "\n".join(line.rstrip() for line in output.splitlines())
    for pattern, mark in _CHANGING:
        output = pattern.sub(mark, output)
    return output


@pytest.mark.needs_the_stack
@pytest.mark.skipif(shutil.which("curl") is None, reason="the tour is typed with curl")
def test_every_command_of_the_tour_prints_what_the_readme_shows(shop: Shop, stack: Stack) -> None:
    environment = {**os.environ, "COLUMNS": "120", "STACK_FILE": ""}
    with Shell(environment) as shell:
        shell.run(f"make() {{ {token_of(stack)}; }}")
        for step in steps_of((ROOT / "README.md").read_text()):
            command = step.command.replace("http://127.0.0.1:8000", shop.base_url)
            output = shell.run(command.replace(".venv/bin/python", sys.executable))
            shop.settle()
            assert steady(output) == steady(step.output), step.command


def token_of(stack: Stack) -> str:
    """What `make token ROLE=…` does, for the issuer of this stack."""
    return f'{sys.executable} -m local.token --directory {stack.directory} --role "${{2#ROLE=}}"'
