"""Adds facts to every line of the log: the function, and the request or the event that the line is about.

In Lambda the runtime itself writes every record as one JSON object, with all attributes that the record has
(`LoggingConfig` in the template). So nothing is formatted here: the attributes are set on the records. Elsewhere they
are set too, and not shown.
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
    """Set facts on every record of this process from now on; called once, when a function starts."""
    logging.setLogRecordFactory(_record)
    if "AWS_LAMBDA_FUNCTION_NAME" not in os.environ:
        return
    # What libraries log below a warning may quote requests, with their tokens: it is not logged, whatever the level is.
    root = logging.getLogger()
    logging.getLogger("chalicelib").setLevel(root.level)
    root.setLevel(max(root.level, logging.WARNING))


@contextmanager
def about(**facts: Any) -> Iterator[None]:
    """Add these facts to the lines within the block; after it, they and those noted within are gone."""
    token = _facts.set({**_facts.get(), **facts})
    try:
        yield
    finally:
        _facts.reset(token)


def note(**facts: Any) -> None:
    """Add these facts to the lines from here to the end of the block."""
    _facts.set({**_facts.get(), **facts})


def facts_of(event: StoredEvent) -> dict[str, Any]:
    """Return the event's place in the log and its causes, and nothing of its data, which may be personal."""
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
    """Give the errors that caused an error, which the runtime leaves out: mostly they are those of a server."""
    while cause := error.__cause__ or (None if error.__suppress_context__ else error.__context__):
        # The messages of these quote the value that was wrong, which may be personal data.
        quotes = isinstance(cause, ValueError | KeyError | TypeError)
        yield type(cause).__name__ if quotes else f"{type(cause).__name__}: {cause}"
        error = cause
