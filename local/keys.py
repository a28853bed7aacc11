"""Secret files: written once, whole, and readable by their owner alone."""

import base64
import os
import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path

MASTER_KEY_BYTES = 32


def ensure_secret(path: Path, make: Callable[[], bytes]) -> bytes:
    """The content of `path`, made on first use. Whoever else makes it at the same moment, all get the same content."""
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
    """With which a provider signs its webhooks."""
    return ensure_secret(path, lambda: secrets.token_hex(MASTER_KEY_BYTES).encode()).decode()


def write_whole(path: Path, text: str) -> None:
    """Nobody ever reads half of it."""
    descriptor, unfinished = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    Path(unfinished).replace(path)
