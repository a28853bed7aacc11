"""Builds the layers of libraries that only some functions have, in addition to the one that Chalice makes."""

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from infra import runtime, wheels

ARCHIVE_REQUIREMENTS = Path(__file__).resolve().parent.parent / "requirements-archive.txt"


class Layers:
    """Keeps layers in `directory`, and builds one anew only when its requirements have changed."""

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        self._directory = directory
        self._environment = environment

    def archive_layer(self, requirements: Path = ARCHIVE_REQUIREMENTS) -> Path:
        """Return the zip of the layer.

        Raises:
            PackagingFailed: its requirements cannot be installed.
        """
        made_from = [requirements, *(Path(file) for file in (__file__, wheels.__file__, runtime.__file__))]
        digest = hashlib.sha256(b"".join(path.read_bytes() for path in made_from)).hexdigest()[:16]
        layer = self._directory / f"archive-{digest}.zip"
        if not layer.exists():
            shutil.rmtree(self._directory, ignore_errors=True)
            self._directory.mkdir(parents=True)
            content = self._directory / "content"
            wheels.fetch(requirements, content / runtime.SITE_PACKAGES, self._environment)
            _zip(content, self._directory / "unfinished").rename(layer)
            shutil.rmtree(content)
        return layer


def _zip(content: Path, target: Path) -> Path:
    """Zip the files so that the same files make the same bytes, and an unchanged layer is not deployed again."""
    with ZipFile(target, "w", ZIP_DEFLATED) as zipped:
        for path in sorted(path for path in content.rglob("*") if path.is_file()):
            entry = ZipInfo(str(path.relative_to(content)))
            entry.external_attr = 0o644 << 16
            entry.compress_type = ZIP_DEFLATED
            zipped.writestr(entry, path.read_bytes())
    return target
