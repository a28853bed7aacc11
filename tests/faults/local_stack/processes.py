"""Waiting for processes and ports, and bytes to say to them."""

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from local import ports
from local.stack import Stack

Event = dict[str, Any]
WITHIN = 30.0


def eventually(condition: Callable[[], bool], what: str) -> None:
    """Fails if it takes too long; how long it takes otherwise is no matter."""
    deadline = time.monotonic() + WITHIN
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def alive(pid: int) -> bool:
    """A zombie is dead: it only waits for someone to ask how it ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        pass
    if Path("/proc/self").exists():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def put(stack: Stack, stream: str, version: int) -> None:
    key = {"AggregateId": {"S": stream}, "AggregateVersion": {"N": str(version)}}
    stack.aws.dynamodb.put_item(TableName=stack.environment["EVENTS_TABLE"], Item={**key, "Blob": {"B": b"\x00\xff"}})


def say(port: int, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """The answer to exactly these bytes, from a client that then says no more."""
    with socket.create_connection((ports.HOST, port), timeout=WITHIN) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    return int(status.split()[1]), {n.lower(): v for n, v in (line.split(": ", 1) for line in lines)}, body
