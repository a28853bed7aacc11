"""Measures what the start of a container costs, function by function, and what is shipped: `python -m
benchmarks.cold_start`.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from zipfile import ZipFile

from benchmarks.machine import describe_machine
from benchmarks.report import Record, Section, progress, publish, result_of
from chalicelib.functions import API_HANDLER, FUNCTIONS, handler_of
from chalicelib.platform.function import Function
from infra.container import CODE, DEPENDENCIES, environment, place_of, places_of, unpack
from infra.layers import LAYERS
from infra.package import Packaging

ROUNDS = 3
GOALS = {API_HANDLER: 1.6, "forward_events": 1.1}
"""Imports may take these multiples of the bare SDK's time."""

LARGEST_UNZIPPED = 45e6

BARE = "import chalice, boto3"
START = """
from chalicelib import composition
make = composition._client
def client(service):
    global clients
    import botocore.session, botocore.config
    before = time.process_time()
    made = make(service)
    clients += time.process_time() - before
    return made
composition._client = client
import app
"""
PROGRAM = """
import json, sys, time
sys.path[:0] = {paths!r}
clients, began = 0.0, time.process_time()
{work}
json.dump([time.process_time() - began, clients], sys.stdout)
"""


@dataclass(frozen=True)
class Start:
    """Holds seconds of processor time; `clients` is the part that making the AWS clients takes of the total."""

    total: float
    clients: float

    @property
    def imports(self) -> float:
        return self.total - self.clients


def measure(rounds: int, directory: Path, on_round: Callable[[], None]) -> dict[str, Start]:
    """Measure medians of each function and, under an empty name, of the bare SDK; they take turns."""
    measured: defaultdict[str, list[Start]] = defaultdict(list)
    for _ in range(rounds):
        for name in ("", *FUNCTIONS):
            measured[name].append(_start(directory, FUNCTIONS[name] if name else None))
        on_round()
    return {
        name: Start(median(start.total for start in starts), median(start.clients for start in starts))
        for name, starts in measured.items()
    }


def _start(directory: Path, function: Function | None) -> Start:
    paths = [str(directory / place) for place in places_of(function)]
    program = PROGRAM.format(paths=paths, work=START if function else BARE)
    run = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-I", "-S", "-B", "-c", program],
        env=environment(handler_of(function) if function else ""),
        stdout=subprocess.PIPE,
        check=True,
    )
    return Start(*json.loads(run.stdout))


def starts(rounds: int, package: Path) -> Section:
    """Measure one start. The SDK has its bytecode in either case: Lambda's runtime brings it."""
    with tempfile.TemporaryDirectory(prefix="cloudbash-cold-start-") as temporary, progress() as bar:
        task = bar.add_task("Starting containers", total=2 * rounds)
        directory = Path(temporary)
        unpack(package, directory)
        shipped = measure(rounds, directory, lambda: bar.advance(task))
        for place in (CODE, DEPENDENCIES, *map(place_of, LAYERS)):
            for bytecode in [*(directory / place).rglob("__pycache__")]:
                shutil.rmtree(bytecode)
        bare = measure(rounds, directory, lambda: bar.advance(task))
    note = f"CPU milliseconds, medians of {rounds}; ratio: imports to `{BARE}`, {_ms(shipped[''].total)}"
    return Section("cold_start", note, [_row(name, shipped, bare) for name in FUNCTIONS])


def _row(name: str, shipped: dict[str, Start], bare: dict[str, Start]) -> Record:
    ratio, goal = shipped[name].imports / shipped[""].total, GOALS.get(name)
    return {
        "function": "the API" if name == API_HANDLER else name,
        "imports_ms": _ms(shipped[name].imports),
        "ratio": round(ratio, 2),
        "aws_clients_ms": _ms(shipped[name].clients),
        "start_ms": _ms(shipped[name].total),
        "without_bytecode_ms": _ms(bare[name].total),
        "result": result_of(ratio <= goal if goal else None),
        "goal": f"ratio at most {goal}" if goal else "",
    }


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def sizes(package: Path) -> Section:
    zips = [_size(zipped) for zipped in sorted(package.glob("*.zip"))]
    unzipped = sum(row["unzipped_mb"] for row in zips)
    zips.append(
        {
            "zip": "together",
            "zipped_mb": round(sum(row["zipped_mb"] for row in zips), 1),
            "unzipped_mb": round(unzipped, 1),
            "bytecode_mb": round(sum(row["bytecode_mb"] for row in zips), 1),
            "result": result_of(unzipped * 1e6 <= LARGEST_UNZIPPED),
            "goal": f"at most {LARGEST_UNZIPPED / 1e6:.0f} MB unzipped",
        }
    )
    return Section("package", "one for all functions, in millions of bytes", zips)


def _size(zipped: Path) -> Record:
    with ZipFile(zipped) as archive:
        entries = archive.infolist()
    return {
        "zip": zipped.name,
        "zipped_mb": round(zipped.stat().st_size / 1e6, 1),
        "unzipped_mb": round(sum(entry.file_size for entry in entries) / 1e6, 1),
        "bytecode_mb": round(sum(entry.file_size for entry in entries if entry.filename.endswith(".pyc")) / 1e6, 1),
        "result": "",
        "goal": "",
    }


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cold_start", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"starts of each function ({ROUNDS})")
    options = parser.parse_args(arguments)
    packaging = Packaging()
    packaging.build()
    sections = [starts(options.rounds, packaging.package), sizes(packaging.package)]
    publish(describe_machine(), sections, as_json=options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
