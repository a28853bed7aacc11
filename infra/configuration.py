"""Writes what Chalice reads from `.chalice`, from the table of functions: `python -m infra.configuration`.

The files are in the repository so that plain Chalice finds them. A test fails when they differ from the table.
"""

import json
from pathlib import Path
from typing import Any

from chalicelib.functions import FUNCTIONS
from chalicelib.platform.function import Function
from infra.policies import policy_of
from local.checkout import PROJECT

Json = dict[str, Any]

CONFIG = PROJECT / ".chalice" / "config.json"
MEMORY, TIMEOUT = 512, 60
"""Functions that name nothing else have these megabytes and seconds."""


def files() -> dict[str, str]:
    """Return the files that belong in `.chalice`, by path below it."""
    written = {"config.json": config()}
    for function in FUNCTIONS.values():
        written[function.policy_file] = policy_of(function)
    return {path: json.dumps(content, indent=2) + "\n" for path, content in written.items()}


def config() -> Json:
    """Return Chalice's configuration; what is not about a function stays as it is."""
    written: Json = json.loads(CONFIG.read_text())
    return written | {
        "lambda_functions": {function.name: _settings(function) for function in FUNCTIONS.values()},
        "lambda_memory_size": MEMORY,
        "lambda_timeout": TIMEOUT,
    }


def write(directory: Path = CONFIG.parent) -> None:
    """Write every file, and remove the policies of functions that no longer exist."""
    wanted = files()
    for path in directory.glob("policies/*.json"):
        if f"policies/{path.name}" not in wanted:
            path.unlink()
    for name, content in wanted.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def _settings(function: Function) -> Json:
    settings: Json = {"iam_policy_file": function.policy_file}
    if function.memory != MEMORY:
        settings["lambda_memory_size"] = function.memory
    if function.timeout != TIMEOUT:
        settings["lambda_timeout"] = function.timeout
    if function.reserved is not None:
        settings["reserved_concurrency"] = function.reserved
    return settings


if __name__ == "__main__":
    write()
