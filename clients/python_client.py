"""Builds the Python client: openapi-python-client with templates of ours, then a wheel."""

import shutil
import sys
from pathlib import Path

from clients.commands import run
from clients.folders import BUILT, DOCUMENT, PROJECT, SOURCE

FOLDER = BUILT / "python"
CONFIG, TEMPLATES = SOURCE / "python" / "config.yml", SOURCE / "python" / "templates"
INPUTS = (DOCUMENT, CONFIG, TEMPLATES, PROJECT / "requirements-clients.txt", Path(__file__))


def build() -> Path:
    """Generate the package anew, and return its wheel.

    Raises CannotBuild, also if the generator warns: it would leave out what it has not understood.
    """
    shutil.rmtree(FOLDER, ignore_errors=True)
    for old in BUILT.glob("cloudbash_client-*.whl"):
        old.unlink()
    generate = (sys.executable, "-m", "openapi_python_client", "generate", "--meta", "uv", "--fail-on-warning")
    sources = ("--path", DOCUMENT, "--config", CONFIG, "--custom-template-path", TEMPLATES)
    run("The generator of the Python client", (*generate, *sources, "--output-path", FOLDER), BUILT)
    pack = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation")
    run("The wheel", (*pack, "--wheel-dir", BUILT, FOLDER), BUILT, PIP_DISABLE_PIP_VERSION_CHECK="1")
    [wheel] = BUILT.glob("cloudbash_client-*.whl")
    return wheel
