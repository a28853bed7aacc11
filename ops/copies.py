"""Copies of the archive's files on this machine: DuckDB could read S3 by itself only with an extension from the
internet."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from chalicelib.platform.archive.layout import ArchivedFile, Files
from ops.progress import Advance

_AT_ONCE = 8


def copy(archive: Files, files: Sequence[ArchivedFile], directory: Path, advance: Advance) -> list[Path]:
    """Where the files lie now, under their keys. What lay there already is not fetched again: no key ever stands for
    two contents. Raises Unavailable, also if a file was merged into another meanwhile."""

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
def room_for_copies(kept_in: Path | None) -> Iterator[Path]:
    """This directory, or one that is gone afterwards."""
    if kept_in is not None:
        kept_in.mkdir(parents=True, exist_ok=True)
        yield kept_in
        return
    with TemporaryDirectory() as name:
        yield Path(name)
