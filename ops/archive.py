"""Defines the commands on the archive of events."""

import argparse
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import TYPE_CHECKING, Any

from rich.console import Console

from chalicelib import composition
from chalicelib.composition import Composition
from chalicelib.platform.archive.layout import ArchivedFile, Files, day_of, key_of_content
from chalicelib.platform.archive.parquet import Spool, ensure_fits, merge
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.readmodels.rebuild import SEGMENTS
from ops.copies import copy
from ops.progress import progress
from ops.report import Report

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def archive(options: argparse.Namespace) -> Report:
    """List the archive of events by day; --backfill archives the log as it is, --compact merges small files."""
    shop = composition.current()
    files = shop.archived_files
    if options.backfill:
        _backfill(shop, files, options.segments)
    if options.compact:
        today = day_of(format_instant(shop.clock()))
        for day, some in _by_day(files.listed()):
            if day != today and len(some) > 1:
                _compact(files, day, some)
    records = [_record(day, some) for day, some in _by_day(files.listed())]
    return Report([_row(record) for record in records], records)


def declare(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("archive", help=archive.__doc__)
    parser.add_argument("--backfill", action="store_true", help="archive every event of the log first; may be repeated")
    parser.add_argument(
        "--compact", action="store_true", help="merge the files of each day before today into one first"
    )
    parser.add_argument("--segments", type=int, default=SEGMENTS, help="read so many parts of the log at once")
    parser.set_defaults(command=archive)


def _backfill(shop: Composition, files: Files, segments: int) -> None:
    """Archive the log through a spool on this machine, one file a day. Repeating it writes the same files again."""
    with TemporaryDirectory() as name, progress("Archiving", 2 * shop.event_store.size()) as advance:
        spool, lock = Spool(Path(name)), Lock()

        def read(segment: int) -> None:
            for page in shop.event_store.scan(segment, segments):
                fitting = [event for event in page.events if _fits(event)]
                with lock:
                    spool.add(fitting)
                advance("log", len(page.events))

        with ThreadPoolExecutor(segments) as pool:
            list(pool.map(read, range(segments)))
        file = Path(name) / "file.parquet"
        for day in spool.days():
            events = spool.write(day, file)
            files.put(key_of_content(day, file), file)
            advance("files", events)


def _compact(files: Files, day: str, some: Sequence[ArchivedFile]) -> None:
    """Merge a day's files. A concurrent compaction or reader misses nothing: what is deleted is in the merged file."""
    with TemporaryDirectory() as name, progress(f"Merging {day}", len(some), "files") as advance:
        merged = Path(name) / "file.parquet"
        merge(copy(files, some, Path(name), advance), merged)
        key = key_of_content(day, merged)
        files.put(key, merged)
        files.delete([file.key for file in some if file.key != key])


def _by_day(files: Sequence[ArchivedFile]) -> Iterator[tuple[str, list[ArchivedFile]]]:
    for day, some in groupby(files, key=lambda file: file.day):
        yield day, list(some)


def _fits(event: StoredEvent) -> bool:
    try:
        ensure_fits(event)
    except ValueError as error:
        place = f"{event.aggregate_version} of stream {event.aggregate_id}"
        Console(stderr=True).print(f"[yellow]not archived[/yellow]: event {place}: {error}")
        return False
    return True


def _record(day: str, some: Sequence[ArchivedFile]) -> dict[str, Any]:
    return {"day": day, "files": len(some), "bytes": sum(file.size for file in some)}


def _row(record: dict[str, Any]) -> dict[str, str]:
    return {"day": record["day"], "files": str(record["files"]), "size": f"{record['bytes'] / 1e6:,.2f} MB"}
