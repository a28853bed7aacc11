"""What a function that follows a stream answers to Lambda, whichever service triggers it."""

from typing import Any


def succeeded() -> dict[str, Any]:
    """Report the whole batch as done."""
    return {"batchItemFailures": []}


def failed_from(sequence_number: str) -> dict[str, Any]:
    """Ask for this record and all after it again (`ReportBatchItemFailures`)."""
    return {"batchItemFailures": [{"itemIdentifier": sequence_number}]}
