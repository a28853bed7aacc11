"""Runs the API in a process of its own, as in production, which reports its cost so far."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection

from benchmarks.usage import Cost, Usage

READY_WITHIN = 30.0


@dataclass(frozen=True)
class ApiProcess:
    base_url: str
    _connection: Connection

    def costs(self) -> dict[str, Cost]:
        """Return the cost by table since the start."""
        self._connection.send("costs")
        costs: dict[str, Cost] = self._connection.recv()
        return costs


@contextmanager
def running_api(environment: Mapping[str, str]) -> Iterator[ApiProcess]:
    """Run the API until its connection closes: at the end of the block, or when this process dies."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(dict(environment), theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        if not ours.poll(READY_WITHIN):
            raise TimeoutError("the API did not start")
        yield ApiProcess(ours.recv(), ours)
    finally:
        ours.close()
        process.join(READY_WITHIN)


def _serve(environment: dict[str, str], connection: Connection) -> None:
    os.environ.update(environment)
    from app import app  # noqa: PLC0415 - reads the environment as it is imported
    from chalicelib import composition  # noqa: PLC0415
    from local.server import running_server  # noqa: PLC0415

    usage = Usage()
    usage.watch(composition.current().dynamodb)
    with running_server(app) as base_url:
        connection.send(base_url)
        try:
            while connection.recv():
                connection.send(usage.costs())
        except EOFError:
            return
