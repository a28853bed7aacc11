"""Starts a local stack for one benchmark: on free ports, in memory, removed at the end."""

from collections.abc import Iterator
from contextlib import contextmanager

from local.__main__ import forget_real_aws
from local.migrate import migrate
from local.shutdown import interrupt_when_told_to_end
from local.stack import Stack
from local.throwaway import ThrowawayDirectory


@contextmanager
def own_stack() -> Iterator[Stack]:
    """Run a stack with new keys, so that a running `make run` is not touched.

    The keys are removed at the end, however it ends, or, after a kill that nobody can notice, when the next stack
    starts.
    """
    forget_real_aws()
    interrupt_when_told_to_end()
    with ThrowawayDirectory(None) as keys, Stack(keys, migrate=migrate) as stack:
        yield stack
