"""The README's tour is true: every command is run, every output compared."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from types import TracebackType

import pytest

from local import ports
from local.stack import Stack
from tests.journeys.console import steps_of
from tests.journeys.shop import Shop

ROOT = Path(__file__).parents[2]
_CHANGING = [
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"), "<instant>"),
    (re.compile(r'"PoolId": "[0-9a-f-]{36}"'), '"PoolId": "<any>"'),
    (re.compile(r"\x1b\[[0-9;]*m"), ""),
    (re.compile(r"\b[0-9a-f]{12}$|\b[0-9a-f]{64}\b", re.MULTILINE), "<hash>"),
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
    with Shell(as_in_a_terminal(STACK_FILE="")) as shell:
        shell.run(f"make() {{ {token_with_keys_in(stack.directory)}; }}")
        for step in steps_of((ROOT / "README.md").read_text()):
            output = shell.run(typed(step.command, shop.base_url))
            shop.settle()
            assert steady(output) == steady(step.output), step.command


@pytest.mark.needs_the_stack
@pytest.mark.skipif(shutil.which("curl") is None, reason="the tour is typed with curl")
def test_the_tour_can_be_pasted_at_once(tmp_path: Path) -> None:
    """No command waits for what an earlier one set going, unless the page says so."""
    port, state = ports.free_port(), tmp_path / "state"
    command = [sys.executable, "-m", "local", "--no-demo", "--state", str(state)]
    environment = {**os.environ, "PORT": str(port)}
    steps = list(steps_of((ROOT / "README.md").read_text()))
    pasted = "\n".join(typed(step.command, f"http://127.0.0.1:{port}") for step in steps)
    with subprocess.Popen(command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE) as run:  # noqa: S603
        assert run.stdout is not None
        assert any("Ready" in line for line in run.stdout)
        tour = subprocess.run(
            ["bash"],  # noqa: S607 - the reader's own
            input=f"make() {{ {token_with_keys_in(state)}; }}\n{pasted}\n",
            cwd=ROOT,
            env=as_in_a_terminal(STACK_FILE=str(state / "stack.json")),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
        )
        run.terminate()
    assert lines_of(tour.stdout) == lines_of("\n".join(step.output for step in steps))


def lines_of(output: str) -> list[str]:
    """Answers of the API end without a line break: what follows one stands on the same line."""
    return steady(output.replace("}{", "}\n{")).replace("\n", "").split("}")


def typed(command: str, base_url: str) -> str:
    """The command for this shop and this Python."""
    command = command.replace("http://127.0.0.1:8000", base_url)
    return command.replace(".venv/bin/python", shlex.quote(sys.executable))


def as_in_a_terminal(**more: str) -> dict[str, str]:
    """The environment of a terminal with 120 columns; one that names the file of its stack has nothing of another's."""
    inherited = {"PATH", "HOME", "TMPDIR"} if more["STACK_FILE"] else set(os.environ)
    return {name: os.environ[name] for name in inherited & os.environ.keys()} | {"COLUMNS": "120", **more}


def token_with_keys_in(directory: Path) -> str:
    """What `make token ROLE=…` does, for the issuer whose keys lie there."""
    command = [sys.executable, "-m", "local.token", "--directory", str(directory), "--role"]
    return f'{shlex.join(command)} "${{2#ROLE=}}"'
