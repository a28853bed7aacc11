"""Stands in for EventBridge: calls the functions that run on a schedule."""

import uuid
from datetime import UTC, datetime
from typing import Any

from chalice.local import LambdaContext

from local.invocation import MEMORY_MB, TIMEOUT_MS, Mapping
from local.resources import ACCOUNT, REGION


def tick(mapping: Mapping) -> None:
    """Run a scheduled function once; its errors pass through."""
    mapping.handler(scheduled_event(), LambdaContext(mapping.name, MEMORY_MB, TIMEOUT_MS))


def scheduled_event() -> dict[str, Any]:
    """Return what EventBridge sends to a function now."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [],
        "detail": {},
    }
