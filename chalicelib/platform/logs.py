"""What a line of the log says beside its message: the function, and the request or the event that it is about.

In Lambda the runtime itself writes every record as one JSON object, with all attributes that the record has
(`LoggingConfig` in the template). So nothing is formatted here: the attributes are given to the records. Elsewhere they
are there too, and not shown.
"""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from chalicelib.platform.eventsourcing.stored import StoredEvent

_facts: ContextVar[Mapping[str, Any]] = ContextVar("facts", default={})  # noqa: B039 - never changed, only replaced


def install() -> None:
    """Let every record of this process tell its facts; once, when a function starts."""
    logging.setLogRecordFactory(_record)
    if "AWS_LAMBDA_FUNCTION_NAME" not in os.environ:
        return
    # What libraries say below a warning may quote requests, with their tokens: it is not said, whatever the level is.
    root = logging.getLogger()
    logging.getLogger("chalicelib").setLevel(root.level)
    root.setLevel(max(root.level, logging.WARNING))


@contextmanager
def about(**facts: Any) -> Iterator[None]:
    """Lines within the block tell these facts; afterwards none of them, and none that were noted within."""
    token = _facts.set({**_facts.get(), **facts})
    try:
        yield
    finally:
        _facts.reset(token)


def note(**facts: Any) -> None:
    """Lines from here to the end of the block tell these facts too."""
    _facts.set({**_facts.get(), **facts})


def facts_of(event: StoredEvent) -> dict[str, Any]:
    """Where the event stands in the log and what it came from. Nothing of its data."""
    return {
        "stream": str(event.aggregate_id),
        "version": event.aggregate_version,
        "eventType": event.event_type.rpartition(".")[2],
        "correlationId": event.correlation_id,
        "causationId": event.causation_id,
    }


def _record(*arguments: Any, **options: Any) -> logging.LogRecord:
    record = logging.LogRecord(*arguments, **options)
    record.__dict__.update(_facts.get())
    if function := os.environ.get("AWS_LAMBDA_FUNCTION_NAME"):
        record.__dict__["function"] = function
    if record.exc_info and record.exc_info[1] and (causes := [*_causes_of(record.exc_info[1])]):
        record.__dict__["causes"] = causes
    return record


def _causes_of(error: BaseException) -> Iterator[str]:
    """The errors behind an error, which the runtime leaves out: mostly they are those of a server."""
    while cause := error.__cause__ or (None if error.__suppress_context__ else error.__context__):
        # These quote the value that they did not like, and it may be anything.
        quotes = isinstance(cause, ValueError | KeyError | TypeError)
        yield type(cause).__name__ if quotes else f"{type(cause).__name__}: {cause}"
        error = cause
