"""Reads printed documents: what they say, what they look like, and what they are made of."""

from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from typing import Any

import numpy as np
import pypdfium2  # type: ignore[import-untyped]
from numpy.typing import NDArray
from pypdf import PdfReader
from pypdf.generic import ContentStream, DictionaryObject

DPI = 150
_POINTS = 72


def rendered_pages(document: bytes) -> list[NDArray[np.uint8]]:
    """The pages as a printer would print them."""
    with closing(pypdfium2.PdfDocument(document)) as pages:
        return [_rendered(page) for page in pages]


def _rendered(page: Any) -> NDArray[np.uint8]:
    with closing(page):
        pixels: NDArray[np.uint8] = page.render(scale=DPI / _POINTS, grayscale=True).to_numpy().squeeze().copy()
        return pixels


def texts_of(document: bytes) -> list[str]:
    """What each page says, in the order in which it is read aloud: an `ActualText` counts instead of its glyphs.

    Extractors of text disagree about scripts that join or reorder letters; this reads what the document declares.
    """
    reader = PdfReader(BytesIO(document))
    return ["".join(_spoken(page, reader)) for page in reader.pages]


def _spoken(page: Any, reader: PdfReader) -> Iterator[str]:
    """What is marked as reversed is written from right to left, and so are such pieces that follow each other."""
    fonts = {name: _letters_of(font.get_object()) for name, font in page["/Resources"]["/Font"].items()}
    letters: dict[int, str] = {}
    marks: list[str] = []
    backwards: list[str] = []
    for operands, operator in ContentStream(page.get_contents(), reader).operations:
        match operator:
            case b"BDC" | b"BMC":
                instead = operands[1].get(_INSTEAD) if operator == b"BDC" else None
                if instead is not None and _is_read(marks):
                    yield str(instead)
                marks.append(operands[0] if instead is None else _INSTEAD)
            case b"EMC":
                marks.pop()
                if not marks:
                    yield "".join(reversed(backwards)) + " "
                    backwards = []
            case b"Tf":
                letters = fonts[operands[0]]
            case b"Tj" | b"TJ" if _is_read(marks):
                said = [letters[code] for code in _codes(operands[0])]
                if _REVERSED in marks:
                    backwards.append("".join(reversed(said)))
                else:
                    yield "".join(said)


_INSTEAD, _REVERSED, _ARTIFACT = "/ActualText", "/ReversedChars", "/Artifact"


def _is_read(marks: list[str]) -> bool:
    return not {_INSTEAD, _ARTIFACT} & set(marks)


def _codes(shown: Any) -> Iterator[int]:
    for part in shown if isinstance(shown, list) else [shown]:
        if isinstance(part, str | bytes):
            raw = part if isinstance(part, bytes) else getattr(part, "original_bytes", part.encode("latin-1"))
            yield from (int.from_bytes(raw[at : at + 2], "big") for at in range(0, len(raw), 2))


def _letters_of(font: DictionaryObject) -> dict[int, str]:
    """The text of each code of a font, as its `ToUnicode` says."""
    letters: dict[int, str] = {}
    stream: Any = font["/ToUnicode"]
    content: bytes = stream.get_object().get_data()
    for line in content.decode("ascii").splitlines():
        match [part.strip("<>") for part in line.split()]:
            case [code, said] if line.startswith("<"):
                letters[int(code, 16)] = bytes.fromhex(said).decode("utf-16-be")
            case [first, last, said] if line.startswith("<"):
                start = int(said, 16)
                letters |= {
                    code: chr(start + code - int(first, 16)) for code in range(int(first, 16), int(last, 16) + 1)
                }
    return letters
