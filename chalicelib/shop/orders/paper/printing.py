"""Prints pages as PDF/UA-1, for whoever reads with their eyes or has it read to them."""

import json
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.shop.orders.paper.font_files import folders, font_files
from chalicelib.shop.orders.paper.letters import showable

if TYPE_CHECKING:
    from typst import Compiler

_TEMPLATE = Path(__file__).with_name("tickets.typ")
_compiling = Lock()
_shown = showable(font_files)


class PrintingFailed(RuntimeError):
    """The document cannot be printed, which is a fault of the template; the message holds nothing of what it says."""


def print_pages(pages: JsonObject) -> bytes:
    """Return the document.

    Letters that no font has are found by the refusal of a document with them, which no other document waits for.
    Raises PrintingFailed.
    """
    from typst import TypstError  # noqa: PLC0415 - of this function only: it lies in a layer that others do not have

    try:
        return _compile(pages)
    except TypstError:
        plain = _without_missing(pages)
    try:
        return _compile(plain)
    except TypstError:
        raise PrintingFailed("A document could not be printed.") from None


def warm_up() -> None:
    """Read the template and find the fonts, so that no first document waits for them."""
    _compiler()


def _compile(pages: JsonObject) -> bytes:
    with _compiling:  # a compiler has one document at a time
        printed = _compiler().compile(sys_inputs={"job": json.dumps(pages)}, format="pdf", pdf_standards="ua-1")
    if not isinstance(printed, bytes):
        raise TypeError("A document was printed as several.")
    return printed


@cache
def _compiler() -> "Compiler":
    """Read the template and find the fonts, once a container."""
    from typst import Compiler  # noqa: PLC0415 - see `print_pages`

    return Compiler(str(_TEMPLATE), font_paths=[str(folder) for folder in folders()], ignore_system_fonts=True)


def _without_missing(value: Any) -> Any:
    match value:
        case str():
            return _shown(value)
        case list():
            return [_without_missing(one) for one in value]
        case dict():
            return {key: one if key == "qr" else _without_missing(one) for key, one in value.items()}
    return value
