"""Finds the fonts: those of the packages of `requirements-fonts.txt`, and the one of emoji that lies here."""

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

_AS_FILES = ("justmytype_intl_south_asia", "justmytype_intl_sea", "justmytype_intl_cjk")
_AS_MODULES = ("FiraGO_Regular", "FiraGO_Bold")

_LETTERS = (
    "FiraGO",
    *("Noto Sans Devanagari", "Noto Sans Bengali", "Noto Sans Tamil", "Noto Sans Telugu"),
    *("Noto Sans Thai", "Noto Sans Lao", "Noto Sans Khmer", "Noto Sans Myanmar"),
)
"""FiraGO has Latin, Greek, Cyrillic, Georgian, Hebrew, Arabic, Thai and Devanagari, with a glyph for each letter of
Arabic: where dots are glyphs of their own, what is read aloud has these letters twice."""

_HAN = ("SC", "TC", "JP", "KR")
_EMOJI = "Noto Emoji"


def families(han: str) -> list[str]:
    """Return the fonts in the order in which they are asked for a letter; this form of Han comes before the others."""
    forms = [han, *(form for form in _HAN if form != han)]
    return [*_LETTERS, *(f"Noto Sans {form}" for form in forms), _EMOJI]


def folders() -> list[Path]:
    """Return the folders with fonts.

    Raises ModuleNotFoundError.
    """
    written = Path(_written().name)
    return [written, *map(_folder_of, _AS_FILES), Path(__file__).with_name("fonts")]


def font_files() -> Iterator[Path]:
    """Give each font."""
    for folder in folders():
        yield from sorted(folder.rglob("*.ttf"))


@cache
def _written() -> "TemporaryDirectory[str]":
    """Write the fonts that are stored as modules to a directory, which is gone when the process ends."""
    directory = TemporaryDirectory(prefix="fonts-")
    for name in _AS_MODULES:
        font: bytes = import_module(f"pymupdf_fonts.{name}").fontbuffer
        (Path(directory.name) / f"{name}.ttf").write_bytes(font)
    return directory


def _folder_of(package: str) -> Path:
    """Return the folder of a package, which need not be imported for that."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(package)
    return Path(spec.origin).parent
