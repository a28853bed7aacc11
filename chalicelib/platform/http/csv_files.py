"""Writes CSV by RFC 4180 that no spreadsheet takes for formulas."""

import csv
import re
from collections.abc import Iterable, Sequence
from io import StringIO

BYTE_ORDER_MARK = "\ufeff"
"""Without it, Excel reads UTF-8 in the code page of its machine."""

_FORMULA = re.compile("(^|;)(?=[=+\\-@\t\r\n＝＋－＠])")
"""A cell that begins so is a formula to some spreadsheet; the wide forms are in Japanese ones."""

_NEGATIVE = re.compile(r"-[0-9]+(\.[0-9]+)?", re.ASCII)
"""A number is no formula, and stays one that can be added up."""


def as_csv(header: Sequence[str], rows: Iterable[Sequence[object]], *, with_header: bool, for_excel: bool) -> str:
    """Return the rows as lines that end in CRLF, `header` first unless this is a later part of a file.

    A text that a spreadsheet could run begins with an apostrophe instead (OWASP, CSV injection).
    """
    text = StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    if with_header:
        text.write(BYTE_ORDER_MARK if for_excel else "")
        writer.writerow(header)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    if _NEGATIVE.fullmatch(text):
        return text
    return _FORMULA.sub(r"\1'", text)
