"""Calls one handler with one batch, and reads its answer as Lambda does."""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from chalice.local import LambdaContext

from local.streams import Record

log = logging.getLogger("local.pump")

Source = Literal["dynamodb", "bus", "sqs", "schedule"]
MEMORY_MB = 512
TIMEOUT_MS = 60_000


@dataclass(frozen=True)
class Mapping:
    """Maps an event source to its function, or a function to its schedule.

    Records may be gathered for `window` seconds into a larger batch.
    """

    name: str
    source: Source
    handler: Callable[[dict[str, Any], Any], Any]
    batch_size: int = 100
    window: float = 0.0
    queue: str = ""


class BatchRefused(RuntimeError):
    """The handler reported failed records in its answer."""


def delivered(mapping: Mapping, batch: Sequence[Record]) -> tuple[int, BaseException | None]:
    """Deliver a batch. Return how many of its first records are done, and the error that stopped the others."""
    event = {"Records": [record.body for record in batch]}
    context = LambdaContext(mapping.name, MEMORY_MB, TIMEOUT_MS)
    try:
        # Through JSON both ways, as on AWS: no handler sees an object twice, none can answer what JSON cannot say.
        answer = json.loads(json.dumps(mapping.handler(json.loads(json.dumps(event)), context)))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a handler raises, Lambda tries again
        return 0, error
    done = first_failure([record.sequence_number for record in batch], answer)
    if done == len(batch):
        return done, None
    return done, BatchRefused(f"answered {json.dumps(answer)[:500]}")


def first_failure(sequence_numbers: Sequence[str], answer: Any) -> int:
    """Return the index of the first failed record.

    It is the number of records if none failed, and 0 if the answer makes no sense.
    """
    failures = answer.get("batchItemFailures") if isinstance(answer, dict) else None
    if not failures:
        return len(sequence_numbers)
    position = {number: index for index, number in enumerate(sequence_numbers)}
    identifiers = [item.get("itemIdentifier") if isinstance(item, dict) else None for item in failures]
    return min(position.get(identifier, 0) if isinstance(identifier, str) else 0 for identifier in identifiers)
