"""A local stack for one benchmark: on free ports, in memory, gone at the end."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.__main__ import forget_real_aws
from local.migrate import migrate
from local.stack import Stack


@contextmanager
def own_stack() -> Iterator[Stack]:
    """Its keys are new as well: a running `make run` is not touched."""
    forget_real_aws()
    with (
        tempfile.TemporaryDirectory(prefix="cloudbash-benchmark-") as keys,
        Stack(Path(keys), migrate=migrate) as stack,
    ):
        yield stack
