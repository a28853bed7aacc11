"""Names the Python of the functions on AWS. What ships follows from `VERSION`, whichever interpreter packages it."""

import os
import subprocess
import sys
from pathlib import Path

VERSION = "3.11"

RUNTIME = f"python{VERSION}"
SITE_PACKAGES = Path(f"python/lib/{RUNTIME}/site-packages")
"""A layer has its libraries here."""

CACHE_TAG = f"cpython-{VERSION.replace('.', '')}"

NEWEST_GLIBC = {"3.11": 26, "3.12": 34, "3.13": 34}[VERSION]
"""A wheel that needs a newer glibc cannot be loaded there.

Python 3.11 runs on Amazon Linux 2, which has glibc 2.26; later ones run on Amazon Linux 2023.
"""

PLATFORMS = [f"manylinux_2_{minor}_x86_64" for minor in range(17, NEWEST_GLIBC + 1)] + ["manylinux2014_x86_64"]


def find_interpreter() -> str | None:
    """Find a Python of that version on this machine; only it can compile what that Python loads."""
    if is_runtime():
        return sys.executable
    found = (Path(folder) / RUNTIME for folder in os.get_exec_path())
    return next((str(python) for python in found if _works(python)), None)


def is_runtime() -> bool:
    """Tell whether this process runs on that version."""
    return f"{sys.version_info.major}.{sys.version_info.minor}" == VERSION


def _works(python: Path) -> bool:
    """Tell whether the command works: pyenv leaves commands in the path for interpreters that are not installed."""
    command = [str(python), "-I", "-S", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    try:
        run = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own program
    except OSError:
        return False
    return run.returncode == 0 and run.stdout.strip() == VERSION
