"""Runs the generators and the tools of both languages, and shows what they say only if they fail."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


class CannotBuild(RuntimeError):
    pass


def run(what: str, command: Sequence[str | Path], folder: Path, **environment: str) -> str:
    """Run a command in a folder, with this interpreter's programs before all others.

    Raises CannotBuild, with all that the command said.
    """
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    ended = subprocess.run(  # noqa: S603 - commands of ours
        command,
        cwd=folder,
        env={**os.environ, "PATH": programs, "NO_COLOR": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise CannotBuild(f"{what} failed:\n{ended.stdout}")
    return ended.stdout
