"""Builds layers besides the one that Chalice makes, for libraries that only some functions have."""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

ARCHIVE_REQUIREMENTS = Path(__file__).resolve().parent.parent / "requirements-archive.txt"
SITE_PACKAGES = Path("python/lib/python3.11/site-packages")

NEWEST_GLIBC = 26
"""Lambda's Python 3.11 runs on Amazon Linux 2, which has glibc 2.26: a wheel that wants more cannot be loaded there."""

PLATFORMS = [f"manylinux_2_{minor}_x86_64" for minor in range(17, NEWEST_GLIBC + 1)] + ["manylinux2014_x86_64"]


class PackagingFailed(RuntimeError):
    pass


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
        digest = hashlib.sha256(requirements.read_bytes() + Path(__file__).read_bytes()).hexdigest()[:16]
        layer = self._directory / f"archive-{digest}.zip"
        if not layer.exists():
            shutil.rmtree(self._directory, ignore_errors=True)
            self._directory.mkdir(parents=True)
            content = self._directory / "content"
            self._fetch(requirements, content / SITE_PACKAGES)
            _zip(content, self._directory / "unfinished").rename(layer)
            shutil.rmtree(content)
        return layer

    def _fetch(self, requirements: Path, target: Path) -> None:
        platforms = [argument for platform in PLATFORMS for argument in ("--platform", platform)]
        wheels = ["--only-binary", ":all:", "--implementation", "cp", "--python-version", "3.11", *platforms]
        quiet = ["--quiet", "--disable-pip-version-check", "--no-compile", "--no-deps"]
        run = subprocess.run(  # noqa: S603 - arguments of our own
            [sys.executable, "-m", "pip", "install", *quiet, *wheels, "--target", str(target), "-r", str(requirements)],
            env=dict(self._environment),
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode:
            raise PackagingFailed(run.stdout + run.stderr)


def _zip(content: Path, target: Path) -> Path:
    """Zip the files so that the same files make the same bytes, and an unchanged layer is not deployed again."""
    with ZipFile(target, "w", ZIP_DEFLATED) as zipped:
        for path in sorted(path for path in content.rglob("*") if path.is_file()):
            entry = ZipInfo(str(path.relative_to(content)))
            entry.external_attr = 0o644 << 16
            entry.compress_type = ZIP_DEFLATED
            zipped.writestr(entry, path.read_bytes())
    return target
