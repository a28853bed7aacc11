"""Shows the result of a command: as a table for people, or as JSON for machines."""

import json
import os
import sys
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

_WIDER_THAN_ANY_VALUE = 500_000
"""An event has at most 400 KB."""

Rows = list[dict[str, str]]
"""All rows have the same keys, which are the headings of the columns."""


@dataclass(frozen=True)
class Section:
    """Shows a table with a title; its texts wrap, its numbers are right-aligned."""

    title: str
    rows: Rows


@dataclass(frozen=True)
class Report:
    """Holds the result of a command. The command ends with status 1 unless it is `ok`.

    `rows` are the table of most commands; one with more to say has `sections` instead. A `headline` goes before either,
    and says what there is to say where there are no rows. `records` are for machines, where rows are too terse.
    """

    rows: Rows
    records: list[dict[str, Any]] = field(default_factory=list)
    ok: bool = True
    headline: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()


def show(report: Report, *, as_json: bool) -> None:
    """Print the report. A reader that has enough of it, as `head` has, ends that without a word."""
    try:
        _show(report, as_json=as_json)
        sys.stdout.flush()
    except BrokenPipeError:
        # Without another place to go, what is still in the buffer would fail once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _show(report: Report, *, as_json: bool) -> None:
    if as_json:
        json.dump(report.records or report.rows, sys.stdout, ensure_ascii=False, indent=2)
        sys.stdout.write("\n")
        return
    console = Console(highlight=False)
    for line in report.headline:
        console.print(Text(line), soft_wrap=True)
    if report.sections:
        _show_sections(console, report.sections)
    elif report.rows or not report.headline:
        _show_rows(report.rows)


def _show_rows(rows: Rows) -> None:
    table = Table(box=None, header_style="bold", pad_edge=False)
    *fixed, last = rows[0] if rows else ["nothing"]
    for heading in fixed:
        table.add_column(heading, no_wrap=True)
    # Of all columns this one alone may shrink: then its lines go on below.
    table.add_column(last, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row.values()))
    _print(table)


def _print(table: Table) -> None:
    """Print the table as wide as the terminal, or as COLUMNS says.

    In a pipe, which has neither, no value is wrapped, so that a search finds it in one piece.
    """
    if sys.stdout.isatty() or "COLUMNS" in os.environ:
        Console(highlight=False).print(table)
        return
    console = Console(highlight=False, width=_WIDER_THAN_ANY_VALUE)
    with console.capture() as captured:
        console.print(table)
    sys.stdout.writelines(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def _show_sections(console: Console, sections: tuple[Section, ...]) -> None:
    for section in sections:
        console.print(Text(f"\n{section.title}", style="bold"))
        has_headings = any(heading.strip() for heading in section.rows[0])
        table = Table(box=None, header_style="dim", pad_edge=False, show_header=has_headings)
        for heading in section.rows[0]:
            is_number = all(_is_number(row[heading]) for row in section.rows)
            table.add_column(heading, justify="right" if is_number else "left", overflow="fold", no_wrap=is_number)
        for row in section.rows:
            table.add_row(*map(Text, row.values()))
        _print(table)


def _is_number(text: str) -> bool:
    return not text.strip("–") or text.lstrip("+-")[:1] in set("$0123456789")
