"""What `ops plan` multiplies is what the shop does today."""

import json
import subprocess
import sys
from pathlib import Path

from ops.plan.measured import FILE


def test_a_visit_measured_again_on_the_emulator_costs_exactly_what_the_plan_says(tmp_path: Path) -> None:
    """If this fails, the shop costs something else now: run `python -m benchmarks.plan_counts`."""
    again = tmp_path / "measured.json"
    command = [sys.executable, "-m", "benchmarks.plan_counts", "--save", str(again)]
    subprocess.run(command, check=True, timeout=120)  # noqa: S603 - this very project's benchmark
    assert json.loads(again.read_text()) == json.loads(FILE.read_text())
