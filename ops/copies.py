"""Copies the archive's files to this machine: DuckDB could read S3 itself only with an extension from the internet."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from chalicelib.platform.archive.layout import ArchivedFile, Files
from ops.progress import Advance

_AT_ONCE = 8


def copy(archive: Files, files: Sequence[ArchivedFile], directory: Path, advance: Advance) -> list[Path]:
    """Copy the files and return their paths, named by their keys.

    A file that is there already is not fetched again, because a key always stands for the same content.

    Raises:
        Unavailable: S3 is away, or a file was merged into another meanwhile.
    """

    def bring(file: ArchivedFile) -> Path:
        target = directory / file.key
        if not target.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            unfinished = target.with_suffix(".unfinished")
            archive.fetch(file.key, unfinished)
            unfinished.rename(target)
        advance("files", 1)
        return target

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(bring, files))


@contextmanager
def directory_for_copies(directory: Path | None) -> Iterator[Path]:
    """Yield this directory, or a temporary one that is removed at the end."""
    if directory is not None:
        directory.mkdir(parents=True, exist_ok=True)
        yield directory
        return
    with TemporaryDirectory() as name:
        yield Path(name)
