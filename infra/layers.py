"""Builds the layers of libraries that only some functions have, in addition to the one that Chalice makes."""

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from chalicelib.functions import FUNCTIONS
from infra import runtime, wheels

LAYERS = sorted({layer for function in FUNCTIONS.values() for layer in function.layers})
"""The libraries of a layer stand in `requirements-<its name>.txt`."""

WITHOUT_BYTECODE = frozenset({"fonts"})
"""Nearly no container imports the code of these layers: as bytecode it would only be in the way of Lambda's 250 MB."""

_PROJECT = Path(__file__).resolve().parent.parent


def file_of(layer: str) -> str:
    """Return the name of the layer's zip in the package."""
    return f"layer-{layer}.zip"


def resource_of(layer: str) -> str:
    """Return the layer's logical id in the template."""
    return f"{layer.capitalize()}Layer"


class Layers:
    """Keeps layers in `directory`, and builds one anew only when its requirements have changed."""

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        self._directory = directory
        self._environment = environment

    def build(self, layer: str, requirements: Path | None = None) -> Path:
        """Return the zip of the layer; `requirements` are those of its name unless given.

        Raises:
            PackagingFailed: its requirements cannot be installed.
        """
        requirements = requirements or _PROJECT / f"requirements-{layer}.txt"
        made_from = [requirements, *(Path(file) for file in (__file__, wheels.__file__, runtime.__file__))]
        digest = hashlib.sha256(b"".join(path.read_bytes() for path in made_from)).hexdigest()[:16]
        built = self._directory / f"{layer}-{digest}.zip"
        if not built.exists():
            content = self._directory / "content"
            shutil.rmtree(content, ignore_errors=True)
            content.mkdir(parents=True)
            wheels.fetch(requirements, content / runtime.SITE_PACKAGES, self._environment)
            for older in self._directory.glob(f"{layer}-*.zip"):
                older.unlink()
            _zip(content, self._directory / "unfinished").rename(built)
            shutil.rmtree(content)
        return built


def _zip(content: Path, target: Path) -> Path:
    """Zip the files so that the same files make the same bytes, and an unchanged layer is not deployed again."""
    with ZipFile(target, "w", ZIP_DEFLATED) as zipped:
        for path in sorted(path for path in content.rglob("*") if path.is_file()):
            entry = ZipInfo(str(path.relative_to(content)))
            entry.external_attr = 0o644 << 16
            entry.compress_type = ZIP_DEFLATED
            zipped.writestr(entry, path.read_bytes())
    return target
