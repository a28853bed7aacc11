"""Describes the machine on which the numbers were measured."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any


def describe_machine() -> dict[str, Any]:
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpus": os.cpu_count(),
        "load_average": [round(load, 1) for load in os.getloadavg()],
        "platform": platform.platform(),
        "python": platform.python_version(),
        "store": f"ministack {version('ministack')} (DynamoDB, in memory) on 127.0.0.1",
    }
