"""Fetches the packages that Lambda's Python can load, with any Python."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from infra import runtime


class PackagingFailed(RuntimeError):
    pass


def fetch(requirements: Path, target: Path, environment: Mapping[str, str]) -> None:
    """Install exactly the packages that the file names into `target`.

    What they require besides is not installed: a package that ships is pinned, or missing.

    Raises:
        PackagingFailed: a package cannot be installed.
    """
    platforms = [argument for platform in runtime.PLATFORMS for argument in ("--platform", platform)]
    wheels = ["--only-binary", ":all:", "--implementation", "cp", "--python-version", runtime.VERSION, *platforms]
    quiet = ["--quiet", "--disable-pip-version-check", "--no-compile", "--no-deps"]
    run = subprocess.run(  # noqa: S603 - arguments of our own
        [sys.executable, "-m", "pip", "install", *quiet, *wheels, "--target", str(target), "-r", str(requirements)],
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        raise PackagingFailed(run.stdout + run.stderr)
    shutil.rmtree(target / "bin", ignore_errors=True)  # commands that begin with this machine's path to Python
