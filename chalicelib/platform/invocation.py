"""Wraps every invocation of every function."""

from collections.abc import Callable
from typing import Any

from chalicelib.platform import logs, metrics


def observed(event: Any, get_response: Callable[[Any], Any]) -> Any:
    """Run one invocation with facts and metrics of its own; the metrics are printed as one line at its end."""
    with logs.about(), metrics.one_line():
        return get_response(event)
