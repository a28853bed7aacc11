"""Prints results: as tables for people, and as one JSON object for machines."""

import json
import sys
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

Record = dict[str, Any]
WIDTH_OF_A_FILE = 200


@dataclass(frozen=True)
class Section:
    """Holds one measurement: its rows share their keys, which head the columns. `note` says what was compared."""

    name: str
    note: str
    records: list[Record]


def publish(about: Record, sections: list[Section], *, as_json: bool) -> None:
    if as_json:
        content = {**about, **{section.name: section.records for section in sections}}
        json.dump(content, sys.stdout, ensure_ascii=False, indent=2)
        sys.stdout.write("\n")
        return
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH_OF_A_FILE)
    for name, value in about.items():
        console.print(f"{name.replace('_', ' '):<20}[dim]{_cell(value)}[/dim]")
    for section in sections:
        console.print(f"\n[bold]{section.name.replace('_', ' ')}[/bold]  [dim]{section.note}[/dim]")
        console.print(_table(section.records))


def result_of(is_met: bool | None) -> str:
    return {None: "", True: "met", False: "missed"}[is_met]


def progress() -> Progress:
    """Show progress on the error stream, so that the results can be piped."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    return Progress(*columns, console=Console(stderr=True), transient=True)


def _table(records: list[Record]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name, value in records[0].items():
        table.add_column(name.replace("_", " "), justify="left" if isinstance(value, str) else "right", no_wrap=True)
    for record in records:
        table.add_row(*map(_cell, record.values()))
    return table


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 1_000 else f"{value:g}"  # noqa: PLR2004 - where digits stop to matter
    if isinstance(value, list):
        return " ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) else str(value)
