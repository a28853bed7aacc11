"""A local stack for one benchmark: on free ports, in memory, gone at the end."""

from collections.abc import Iterator
from contextlib import contextmanager

from local.__main__ import forget_real_aws
from local.migrate import migrate
from local.shutdown import interrupt_when_told_to_end
from local.stack import Stack
from local.throwaway import ThrowawayDirectory


@contextmanager
def own_stack() -> Iterator[Stack]:
    """Its keys are new as well: a running `make run` is not touched. They are gone at the end, whoever ends it, or,
    after a kill that nobody can notice, when the next stack starts."""
    forget_real_aws()
    interrupt_when_told_to_end()
    with ThrowawayDirectory(None) as keys, Stack(keys, migrate=migrate) as stack:
        yield stack
