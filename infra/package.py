"""Builds the CloudFormation package in `build/package` and checks it: `python -m infra.package`.

Chalice packages a copy of what is shipped and nothing else: no leftovers of an editor, and only bytecode that was
compiled from that copy. The dependencies are stored next to the copy, and fetched again only when requirements.txt has
changed. `infra.runtime` names the Python that it is built for.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path

from chalicelib.settings import STACK_FILE, Settings
from infra import runtime, wheels
from infra.layers import LAYERS, Layers, file_of
from infra.layers import WITHOUT_BYTECODE as LAYERS_WITHOUT_BYTECODE
from infra.template import merge_template
from infra.wheels import PackagingFailed

PROJECT = Path(__file__).resolve().parent.parent
BUILD = PROJECT / "build"
SHIPPED = ("app.py", "chalicelib", ".chalice/config.json", ".chalice/policies")
REQUIREMENTS = PROJECT / "requirements.txt"
VENDOR = "vendor"
"""Chalice puts the content of this folder into the layer as it is."""
STAGE = "prod"
REGION = "eu-west-1"
"""Chalice and the SAM translator need the name of a region, and ask it nothing."""

_FOR_LAMBDA = f"""
import sys
from chalice.cli import main
from chalice.config import Config
Config.lambda_python_version = property(lambda _: {runtime.RUNTIME!r})
sys.exit(main())
"""
CHALICE = [sys.executable, "-c", _FOR_LAMBDA]
"""By itself Chalice packages for the Python that it runs on."""

WITHOUT_BYTECODE = f", without bytecode: there is no {runtime.RUNTIME} here to compile it, and functions start slower"

COMPILER = Path(__file__).with_name("bytecode.py")


class Packaging:
    """Builds in `directory`; the package itself is in `directory/package`."""

    def __init__(self, directory: Path = BUILD) -> None:
        self._directory = directory
        self.package = directory / "package"
        self._source = directory / "source"
        self._kept = self._source / ".chalice" / "deployments"
        self._trusted = self._kept / ".trusted"
        self._checked = directory / "checked"
        self._layers = Layers(directory / "layers", _environment())

    def build(self, copy_to: Path | None = None) -> str:
        """Build and check the package, and return what was done in a few lines.

        With `copy_to` it is copied there as well, before another build can take its place.

        Raises:
            PackagingFailed: the package cannot be built, or a check has findings.
        """
        began = time.monotonic()
        with self._alone():
            self._copy_what_is_shipped()
            fetched = self._fetch_dependencies()
            self._run_chalice()
            for layer in LAYERS:
                shutil.copy2(self._layers.build(layer), self.package / file_of(layer))
            compiled = self._compile()
            template = (self.package / "sam.json").read_text()
            self._check(template)
            if copy_to is not None:
                shutil.copytree(self.package, copy_to)
        sizes = ", ".join(f"{zipped.name} ({zipped.stat().st_size / 1e6:.1f} MB)" for zipped in self._zips())
        return (
            f"{os.path.relpath(self.package)}: sam.json ({len(json.loads(template)['Resources'])} resources), {sizes}\n"
            f"for {runtime.RUNTIME}{'' if compiled else WITHOUT_BYTECODE}; "
            f"dependencies {'fetched' if fetched else 'unchanged'}; "
            f"no findings of cfn-lint and the SAM translator; {time.monotonic() - began:.1f} s"
        )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Lock the directory, which tests and `make package` share."""
        self._directory.mkdir(parents=True, exist_ok=True)
        with (self._directory / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _copy_what_is_shipped(self) -> None:
        for name in SHIPPED:
            original, copy = PROJECT / name, self._source / name
            if original.is_dir():
                shutil.rmtree(copy, ignore_errors=True)
                shutil.copytree(original, copy, ignore=shutil.ignore_patterns("__pycache__", ".*", "*.pyc", "*~"))
            else:
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(original, copy)

    def _fetch_dependencies(self) -> bool:
        """Put the dependencies where Chalice takes a layer's content from, and tell whether they were missing.

        Raises:
            PackagingFailed: a dependency cannot be installed.
        """
        vendor, stamp = self._source / VENDOR, self._directory / "fetched"
        how = b"".join(path.read_bytes() for path in (REQUIREMENTS, Path(wheels.__file__), Path(runtime.__file__)))
        digest = hashlib.sha256(how).hexdigest()
        if vendor.is_dir() and stamp.is_file() and stamp.read_text() == digest:
            return False
        stamp.unlink(missing_ok=True)
        shutil.rmtree(vendor, ignore_errors=True)
        wheels.fetch(REQUIREMENTS, vendor, _environment())
        stamp.write_text(digest)
        return True

    def _compile(self) -> bool:
        """Add bytecode to every archive but those of some layers, and tell whether this machine has a Python that can.

        Raises:
            PackagingFailed: a module cannot be compiled.
        """
        python = runtime.find_interpreter()
        if python is None:
            return False
        left_out = {file_of(layer) for layer in LAYERS_WITHOUT_BYTECODE}
        zips = [str(zipped) for zipped in self._zips() if zipped.name not in left_out]
        command = [python, "-I", "-S", str(COMPILER), *zips]
        run = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own program
        if run.returncode:
            raise PackagingFailed(run.stderr)
        return True

    def _run_chalice(self) -> None:
        """Run `chalice package`, and tell whether the dependencies had to be fetched.

        Raises:
            PackagingFailed: Chalice fails, or leaves a dependency out.
        """
        merge = self._directory / "merge.json"
        merge.write_text(json.dumps(merge_template(), indent=2))
        shutil.rmtree(self.package, ignore_errors=True)
        self._forget_what_cannot_be_trusted()
        run = subprocess.run(  # noqa: S603 - arguments of our own
            [*CHALICE, "package", "--stage", STAGE, "--merge-template", str(merge), str(self.package)],
            cwd=self._source,
            env=_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        output = run.stdout + run.stderr
        # Chalice says this of what it cannot install, packages without it, and ends well.
        if run.returncode or "Could not install" in output:
            shutil.rmtree(self.package, ignore_errors=True)
            raise PackagingFailed(output)
        self._trusted.touch()

    def _forget_what_cannot_be_trusted(self) -> None:
        """Remove the files that Chalice keeps but may have left incomplete.

        Chalice writes them in place, and tells versions of the code apart by the bytes of the files and not by their
        names.
        """
        if not self._trusted.exists():
            shutil.rmtree(self._kept, ignore_errors=True)
        self._kept.mkdir(parents=True, exist_ok=True)
        self._trusted.unlink(missing_ok=True)
        for code in self._kept.glob("appcode-*.zip"):
            code.unlink()

    def _check(self, template: str) -> None:
        """Check each template once, because the checks take longer than everything else."""
        digest = _digest(template)
        if self._checked.is_file() and self._checked.read_text() == digest:
            return
        from infra.checks import findings  # noqa: PLC0415 - what it imports takes a second

        if found := findings(template, REGION):
            raise PackagingFailed("\n".join(found))
        self._checked.write_text(digest)

    def _zips(self) -> list[Path]:
        return sorted(self.package.glob("*.zip"))


def _environment() -> dict[str, str]:
    """Return an environment that names nobody's stage, account or region."""
    settings = {STACK_FILE, *(field.name.upper() for field in fields(Settings))}
    ours = {name: value for name, value in os.environ.items() if name not in settings and not name.startswith("AWS_")}
    return ours | {
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": "",
    }


def _digest(template: str) -> str:
    checkers = f"{version('cfn-lint')} {version('aws-sam-translator')}"
    checks = Path(__file__).with_name("checks.py").read_bytes()
    return hashlib.sha256(template.encode() + checks + checkers.encode()).hexdigest()


def main() -> int:
    try:
        sys.stdout.write(Packaging().build() + "\n")
    except PackagingFailed as error:
        sys.stderr.write(f"{error}\nThe package is not valid, so nothing can be deployed.\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
