"""Says which methods a resource has: a route for GET answers HEAD as well, and every resource answers OPTIONS."""

from collections.abc import Iterable

HEAD = "HEAD"
OPTIONS = "OPTIONS"
READS = frozenset({"GET", HEAD})
"""The methods whose route reads, and does nothing else."""


def methods_of(declared: str) -> list[str]:
    """Return the methods that the route declared for one method answers."""
    return [declared, HEAD] if declared == "GET" else [declared]


def allow(methods: Iterable[str]) -> str:
    """Return the header `Allow` of a resource: all of its methods, and OPTIONS."""
    return ", ".join(sorted({*methods, OPTIONS}))
