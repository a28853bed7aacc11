"""Builds the replies of functions that follow a stream, in the form that Lambda takes from each service."""

from typing import Any


def succeeded() -> dict[str, Any]:
    """Report the whole batch as done."""
    return {"batchItemFailures": []}


def failed_from(sequence_number: str) -> dict[str, Any]:
    """Ask for this record and all after it again (`ReportBatchItemFailures`)."""
    return {"batchItemFailures": [{"itemIdentifier": sequence_number}]}
