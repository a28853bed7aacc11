"""What applies to every invocation of every function."""

from collections.abc import Callable
from typing import Any

from chalicelib.platform import logs, metrics


def observed(event: Any, get_response: Callable[[Any], Any]) -> Any:
    """A middleware: what one invocation notes and counts is its own, and its metrics are one line."""
    with logs.about(), metrics.one_line():
        return get_response(event)
