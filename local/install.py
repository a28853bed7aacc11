"""Installs the packages of a requirements file into a virtual environment, and reports its progress.

    python -I install.py ENVIRONMENT REQUIREMENTS

Run it by path, with the interpreter that the environment is to have. Nothing is installed yet, so it needs only the
standard library; -I keeps the modules of this folder from hiding the library's. It installs only what the file pins.
Tests check that the pins are complete.
"""

import re
import subprocess
import sys
import time
import venv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

if sys.version_info < (3, 11):
    sys.exit("Python 3.11 or later is needed, not " + ".".join(map(str, sys.version_info[:3])))

COMPACT = ("--disable-pip-version-check", "--no-input", "--progress-bar", "off", "--no-deps")
_COLLECTING = re.compile(r"Collecting ([\w.-]+)|Requirement already satisfied: ([\w.-]+)")
_INSTALLING = re.compile(r"Installing collected packages")
SHOWN_LINES = 40
"""So many lines of pip's output are shown if it fails."""

MILESTONE = 20
WIDTH = 76


@dataclass(frozen=True)
class Stage:
    text: str
    is_milestone: bool


def main(arguments: list[str]) -> int:
    environment, requirements = map(Path, arguments)
    began = time.monotonic()
    if not _is_of_this_python(environment):
        say(f"making {environment} with Python {version()}")
        venv.create(environment, clear=True, with_pip=True, symlinks=True)
    total = len(set(pins(requirements)))
    say(f"installing {total} packages of {requirements} from PyPI; the first time takes a minute or two")
    said: list[str] = []
    python = environment / "bin" / "python"
    command = [str(python), "-m", "pip", "install", *COMPACT, "-r", str(requirements)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:
        assert pip.stdout is not None  # noqa: S101 - for the types
        for stage in stages(_remembered(pip.stdout, said), total):
            show(stage)
    clear_line()
    if pip.returncode:
        sys.stderr.write("".join(said[-SHOWN_LINES:]))
        return 1
    say(f"installed in {time.monotonic() - began:.0f} s")
    return 0


def stages(lines: Iterable[str], total: int) -> Iterator[Stage]:
    """Yield the stage of the installation for every line of pip that changes it."""
    found = 0
    for line in lines:
        if match := _COLLECTING.match(line):
            found += 1
            yield Stage(f"{found} of {total}: {match[1] or match[2]}", is_milestone=found % MILESTONE == 0)
        elif _INSTALLING.match(line):
            yield Stage("all packages are downloaded; unpacking and compiling them", is_milestone=True)


def pins(requirements: Path) -> Iterator[str]:
    """List the packages that a file pins, and those of the files that it includes."""
    for line in requirements.read_text().splitlines():
        if line.startswith("-r "):
            yield from pins(requirements.parent / line.removeprefix("-r ").strip())
        elif line and not line.startswith("#"):
            yield line.partition("==")[0]


def say(text: str) -> None:
    sys.stdout.write(f"  {text}\n")
    sys.stdout.flush()


def show(stage: Stage) -> None:
    """Show the stage on one line of a terminal; a log gets the milestones only."""
    if sys.stdout.isatty():
        clear_line()
        sys.stdout.write(f"  {stage.text[:WIDTH]}")
        sys.stdout.flush()
    elif stage.is_milestone:
        say(stage.text)


def clear_line() -> None:
    if sys.stdout.isatty():
        sys.stdout.write("\r\033[K")


def version() -> str:
    return ".".join(map(str, sys.version_info[:3]))


def _is_of_this_python(environment: Path) -> bool:
    try:
        settings = (environment / "pyvenv.cfg").read_text()
    except OSError:
        return False
    return (environment / "bin" / "python").exists() and f"version = {version()}" in settings


def _remembered(lines: Iterable[str], said: list[str]) -> Iterator[str]:
    for line in lines:
        said.append(line)
        yield line


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
