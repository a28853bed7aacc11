"""What a stream handler answers to Lambda."""

from typing import Any


def succeeded() -> dict[str, Any]:
    """The whole batch is done."""
    return {"batchItemFailures": []}


def failed_from(sequence_number: str) -> dict[str, Any]:
    """Deliver this record and all after it again (`ReportBatchItemFailures`)."""
    return {"batchItemFailures": [{"itemIdentifier": sequence_number}]}
