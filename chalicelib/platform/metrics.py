"""Counts metrics for alarms and the dashboard, printed as one line of a function's log.

The format is CloudWatch's embedded metric format. The namespace is `Cloudbash`. The one dimension is the function's
name, which has the stage in it. Outside Lambda nothing is counted.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

NAMESPACE = "Cloudbash"

_values: dict[str, float] = {}
_units: dict[str, str] = {}


def count(metric: str, number: int = 1) -> None:
    """Add to what this invocation has counted."""
    if _is_collected():
        _values[metric] = _values.get(metric, 0) + number
        _units[metric] = "Count"


def highest(metric: str, value: float, unit: str) -> None:
    """Keep the value if it is the highest of this invocation. The unit is one of CloudWatch's, such as `Seconds`."""
    if _is_collected():
        _values[metric] = max(value, _values.get(metric, value))
        _units[metric] = unit


@contextmanager
def one_line() -> Iterator[None]:
    """Print what is counted within the block, if anything, at its end.

    A container handles one invocation at a time, so what is counted belongs to the one that is running.
    """
    try:
        yield
    finally:
        if _values:
            _print()
            _values.clear()
            _units.clear()


def _is_collected() -> bool:
    return "AWS_LAMBDA_FUNCTION_NAME" in os.environ


def _print() -> None:
    declared = {
        "Namespace": NAMESPACE,
        "Dimensions": [["Function"]],
        "Metrics": [{"Name": metric, "Unit": unit} for metric, unit in _units.items()],
    }
    line = {
        "_aws": {"Timestamp": time.time_ns() // 1_000_000, "CloudWatchMetrics": [declared]},
        "Function": os.environ["AWS_LAMBDA_FUNCTION_NAME"],
        **_values,
    }
    # Not through logging: what is logged becomes a part of another object, and the metrics are lost.
    sys.stdout.write(json.dumps(line) + "\n")
