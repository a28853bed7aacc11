"""Stores secrets in files that are written completely or not at all, and that only their owner can read."""

import base64
import os
import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path

MASTER_KEY_BYTES = 32

LOCAL_ID_KEY = "known to everybody, for this machine alone"
"""The key of ids on every local stack: the same tour, with the same keys, shows the same ids everywhere."""

LOCAL_TICKET_KEY = "known-to-everybody,-for-this-machine-alone"
"""The key that signs tickets on every local stack: so the tour can show a code."""


def ensure_secret(path: Path, make: Callable[[], bytes]) -> bytes:
    """Return the secret in `path`, and make it on first use. Processes that make it at once all get the same one."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, unfinished = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(make())
            _link_unless_there(unfinished, path)
        finally:
            Path(unfinished).unlink()
    return path.read_bytes()


def _link_unless_there(source: str, target: Path) -> None:
    try:
        os.link(source, target)
    except FileExistsError:
        return


def ensure_master_key(path: Path) -> None:
    ensure_secret(path, lambda: base64.b64encode(secrets.token_bytes(MASTER_KEY_BYTES)) + b"\n")


def ensure_shared_secret(path: Path) -> str:
    """Return a secret as text, such as that with which a provider signs its webhooks."""
    return ensure_secret(path, lambda: secrets.token_hex(MASTER_KEY_BYTES).encode()).decode()


def write_atomically(path: Path, text: str) -> None:
    """Write the file in one step, so that nobody reads a part of it."""
    descriptor, unfinished = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    Path(unfinished).replace(path)
