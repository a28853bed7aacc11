"""What needs a shop says so once, and at once, where there is none."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from local import ports
from local.checkout import PROJECT

CHALICE_LOCAL = [sys.executable, "-c", "from chalice.cli import main; main()", "local", "--no-autoreload"]


def test_chalice_local_without_a_stack_gives_one_line_of_advice(tmp_path: Path) -> None:
    shutil.copy2(PROJECT / "app.py", tmp_path)
    shutil.copytree(PROJECT / ".chalice", tmp_path / ".chalice", ignore=shutil.ignore_patterns("deployments"))
    (tmp_path / "chalicelib").symlink_to(PROJECT / "chalicelib")
    command = [*CHALICE_LOCAL, "--port", str(ports.free_port())]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr.count("\n") == 1, run.stderr
    assert "make run" in run.stderr


def test_the_journeys_at_an_address_where_nobody_answers_fail_once() -> None:
    address = f"http://127.0.0.1:{ports.free_port()}"
    command = [sys.executable, "-m", "pytest", "tests/journeys", "-p", "no:cacheprovider", "--api-url", address]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    assert run.returncode == 1
    assert f"Nobody answers at {address}" in run.stdout + run.stderr
    assert "FAILED" not in run.stdout
