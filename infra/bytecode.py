"""Adds compiled modules to the package: Lambda cannot store what it compiles, so every container would compile anew.

It is run by path, `bytecode.py ARCHIVE …`, by the Python that is to load them, so it needs only the standard library.
"""

import py_compile
import sys
import tempfile
from importlib.util import cache_from_source
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

LEFT_OUT = "/stripe/"
"""These declarations of types weigh 10 MB as bytecode, and compiling what is used of them takes 70 ms."""


def add_bytecode(zipped: Path) -> None:
    """Add bytecode for every module of the archive.

    It is never compared with its source, so the same source gives the same bytes, whatever the times of the files.

    Raises:
        PyCompileError: a module cannot be compiled.
    """
    with ZipFile(zipped) as archive:
        sources = {entry: archive.read(entry) for entry in archive.infolist() if _is_compiled(entry.filename)}
    with ZipFile(zipped, "a", ZIP_DEFLATED) as archive, tempfile.TemporaryDirectory() as directory:
        for entry, source in sources.items():
            compiled = ZipInfo(cache_from_source(entry.filename), entry.date_time)
            compiled.external_attr = entry.external_attr
            archive.writestr(compiled, _bytecode(entry.filename, source, Path(directory)), ZIP_DEFLATED)


def _is_compiled(name: str) -> bool:
    return name.endswith(".py") and LEFT_OUT not in name


def _bytecode(name: str, source: bytes, directory: Path) -> bytes:
    original, compiled = directory / "source.py", directory / "compiled.pyc"
    original.write_bytes(source)
    unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    py_compile.compile(str(original), str(compiled), name, doraise=True, optimize=0, invalidation_mode=unchecked)
    return compiled.read_bytes()


if __name__ == "__main__":
    for archive in sys.argv[1:]:
        add_bytecode(Path(archive))
