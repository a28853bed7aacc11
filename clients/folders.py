"""Says where the clients are built, and of what."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

PROJECT = Path(__file__).parents[1]
SOURCE = Path(__file__).parent
DOCUMENT = PROJECT / "docs" / "openapi.json"
BUILT = PROJECT / "build" / "clients"


def digest_of(paths: Iterable[Path]) -> str:
    """Return one hash of the names and contents of files, and of all files in folders."""
    files = sorted(file for path in paths for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file())
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.relative_to(PROJECT)}\0{file.stat().st_size}\0".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()
