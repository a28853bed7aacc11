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
    """An event source mapping: which function gets the records of which source, or runs on a schedule. `window` is how
    many seconds records may be gathered into a larger batch."""

    name: str
    source: Source
    handler: Callable[[dict[str, Any], Any], Any]
    batch_size: int = 100
    window: float = 0.0


class BatchRefused(RuntimeError):
    """The handler said in its answer that records failed."""


def delivered(mapping: Mapping, batch: Sequence[Record]) -> tuple[int, BaseException | None]:
    """How many records from the first on are done, and what stopped the others."""
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
    """The index of the first failed record; their number when none failed; 0 also when the answer makes no sense."""
    failures = answer.get("batchItemFailures") if isinstance(answer, dict) else None
    if not failures:
        return len(sequence_numbers)
    position = {number: index for index, number in enumerate(sequence_numbers)}
    identifiers = [item.get("itemIdentifier") if isinstance(item, dict) else None for item in failures]
    return min(position.get(identifier, 0) if isinstance(identifier, str) else 0 for identifier in identifiers)
