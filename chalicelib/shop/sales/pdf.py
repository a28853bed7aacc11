"""Prints a list of attendees as PDF, for doors without a network.

The font, FiraGO, has Latin, Greek, Cyrillic, Georgian, Hebrew, Arabic, Thai and Devanagari. What it lacks, such as
Chinese and Japanese, is printed as ¤; the page then says so, and the e-mail address beside the name tells whose it is.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from chalicelib.platform.search.letters import plain

if TYPE_CHECKING:
    from fpdf import FPDF

_FONT = "FiraGO"
_MARGIN, _LINE = 12, 6.5
_WIDTHS = (8, 61, 65, 34, 18)
_HEADER = ("", "Name", "E-mail", "Ticket", "Order")
_SHAPED_FROM = "\u0590"
"""From Hebrew on, letters join, reorder or carry signs: they are shaped, which takes six times as long."""

_BOX = "¤"
_MISSING = "Some names have letters that this list cannot show and prints as ¤; the CSV file has them."


def attendee_list(title: str, subtitle: str, attendees: Sequence[Mapping[str, Any]]) -> bytes:
    """Return a page or more with a box to tick for each attendee, by name."""
    with _document(title) as document:
        rows = [_row(attendee) for attendee in sorted(attendees, key=_by_name)]
        document.add_page()
        _cell(document, 0, title, size=14)
        document.ln(8)
        _cell(document, 0, subtitle, size=9)
        document.ln(8)
        if any(_shown(document, row[1]).count(_BOX) > row[1].count(_BOX) for row in rows):
            _cell(document, 0, _MISSING, size=9)
            document.ln(8)
        for number, row in enumerate(rows):
            if number == 0 or document.will_page_break(_LINE):
                _start(document, is_new_page=number > 0)
            _print(document, row)
        return bytes(document.output())


@contextmanager
def _document(title: str) -> "Iterator[FPDF]":
    """Begin a document with its font, which the library reads from a file."""
    from fpdf import FPDF  # noqa: PLC0415 - of this answer only: it brings an image library
    from pymupdf_fonts import FiraGO_Regular  # type: ignore[import-untyped] # noqa: PLC0415

    with TemporaryDirectory() as directory:
        font = Path(directory) / "font.ttf"
        font.write_bytes(FiraGO_Regular.fontbuffer)
        document = FPDF(format="A4")
        document.set_title(title)
        document.set_margins(_MARGIN, _MARGIN)
        document.set_auto_page_break(auto=True, margin=_MARGIN)
        document.add_font(_FONT, fname=str(font))
        document.set_font(_FONT, size=9)
        yield document


def _by_name(attendee: Mapping[str, Any]) -> tuple[bool, str, str]:
    """Sort by name without regard to case and accents; whoever is erased comes last."""
    name = (attendee["buyer"] or {}).get("name", "")
    return not name, plain(name), attendee["ticket_id"]


def _row(attendee: Mapping[str, Any]) -> tuple[str, ...]:
    buyer = attendee["buyer"] or {}
    box = "x" if attendee["checked_in_at"] else ""
    return box, buyer.get("name", ""), buyer.get("email", ""), attendee["ticket_type_name"], attendee["order_id"][:8]


def _start(document: "FPDF", *, is_new_page: bool) -> None:
    if is_new_page:
        document.add_page()
    for width, text in zip(_WIDTHS, _HEADER, strict=True):
        _cell(document, width, text, border="B")
    document.ln(_LINE + 1)


def _print(document: "FPDF", row: Sequence[str]) -> None:
    box, *texts = row
    document.rect(document.get_x() + 1, document.get_y() + 1.5, 3.5, 3.5)
    _cell(document, _WIDTHS[0], box)
    for width, text in zip(_WIDTHS[1:], texts, strict=True):
        _cell(document, width, text)
    document.ln(_LINE)


def _cell(document: "FPDF", width: float, text: str, *, size: float = 9, border: str = "") -> None:
    """Print one line of text, cut to the width."""
    document.set_font(_FONT, size=size)
    shown = _shown(document, text)
    document.set_text_shaping(any(letter >= _SHAPED_FROM for letter in shown))
    room = (width or document.epw) - 2 * document.c_margin
    if document.get_string_width(shown) > room:
        shown = _cut(document, shown, room)
    document.cell(width, _LINE, shown, border=border)


def _cut(document: "FPDF", text: str, room: float) -> str:
    kept = StringIO()
    width = document.get_string_width("…")
    for letter in text:
        width += document.get_string_width(letter)
        if width > room:
            break
        kept.write(letter)
    return f"{kept.getvalue()}…"


def _shown(document: "FPDF", text: str) -> str:
    """Return the text without what cannot be seen or would reorder it, and with ¤ for letters that the font lacks.

    The library would name those letters in the log, which holds nothing of names.
    """
    font: Any = document.fonts[_FONT.lower()]
    known = font.cmap
    return "".join(letter if ord(letter) in known else _BOX for letter in text if letter.isprintable())
