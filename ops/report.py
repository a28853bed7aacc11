"""What a command has to say: a table for people, or the same rows as JSON for machines."""

import json
import sys
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text


@dataclass(frozen=True)
class Report:
    """`rows` share their keys, which head the columns; `records` is what machines get, where rows are too terse.

    The command ends with status 1 unless it is `ok`.
    """

    rows: list[dict[str, str]]
    records: list[dict[str, Any]] = field(default_factory=list)
    ok: bool = True


def show(report: Report, *, as_json: bool) -> None:
    if as_json:
        json.dump(report.records or report.rows, sys.stdout, ensure_ascii=False, indent=2)
        sys.stdout.write("\n")
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    *fixed, last = report.rows[0] if report.rows else ["nothing"]
    for heading in fixed:
        table.add_column(heading, no_wrap=True)
    # Of all columns this one alone may shrink, and its lines are cut instead of wrapped.
    table.add_column(last)
    for row in report.rows:
        *values, longest = row.values()
        table.add_row(*map(Text, values), Text(longest, no_wrap=True, overflow="crop"))
    Console(highlight=False).print(table)
