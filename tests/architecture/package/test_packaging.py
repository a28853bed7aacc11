"""A packaging that fails says why and leaves nothing."""

import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from infra import package as packaging
from infra import runtime, wheels
from infra.checks import findings
from infra.layers import Layers
from infra.package import REGION, Packaging
from infra.wheels import PackagingFailed
from tests.architecture.package.template import Json, names_in


def test_what_ships_is_for_the_python_of_the_functions_whatever_python_packages(sam: str, package: Path) -> None:
    resources = json.loads(sam)["Resources"].values()
    of_functions = {r["Properties"]["Runtime"] for r in resources if r["Type"] == "AWS::Serverless::Function"}
    of_layers = {
        python
        for r in resources
        if r["Type"] == "AWS::Serverless::LayerVersion"
        for python in r["Properties"]["CompatibleRuntimes"]
    }
    assert of_functions == of_layers == {runtime.RUNTIME}
    suffixes = re.compile(r"\.(cpython|cp)-?(\d+)[-.]")
    for zipped in package.glob("*.zip"):
        tags = {f"cpython-{found[2]}" for name in names_in(zipped) if (found := suffixes.search(name))}
        assert tags <= {runtime.CACHE_TAG}, zipped


def test_a_command_that_only_looks_like_python_does_not_compile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pyenv leaves commands in the path for what is installed but not chosen."""
    shim = tmp_path / runtime.RUNTIME
    shim.write_text("#!/bin/sh\necho 'command not found' >&2\nexit 127\n")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(runtime, "is_runtime", lambda: False)
    assert runtime.find_interpreter() is None


def test_without_a_python_that_can_compile_the_package_says_that_it_has_no_bytecode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes_a_template = (
        "import pathlib, sys; p = pathlib.Path(sys.argv[-1]); p.mkdir(); (p / 'sam.json').write_text('{}')"
    )
    monkeypatch.setattr(
        packaging, "CHALICE", [sys.executable, "-c", writes_a_template.replace("{}", '{"Resources": {}}')]
    )
    monkeypatch.setattr(wheels, "fetch", lambda _, target, __: target.mkdir(parents=True))
    monkeypatch.setattr(Packaging, "_check", lambda *_: None)
    monkeypatch.setattr(runtime, "find_interpreter", lambda: None)
    assert f"for {runtime.RUNTIME}, without bytecode" in Packaging(tmp_path).build()


def test_the_checks_find_what_is_wrong(sam: str) -> None:
    broken: Json = json.loads(sam)
    del broken["Resources"]["PersonKeysTable"]
    assert any("PersonKeysTable" in finding for finding in findings(json.dumps(broken), REGION))
    without_stream: Json = json.loads(sam)
    events = without_stream["Resources"]["ForwardEvents"]["Properties"]["Events"]
    del events["ForwardEventsDynamodbEventSource"]["Properties"]["Stream"]
    assert [finding for finding in findings(json.dumps(without_stream), REGION) if finding.startswith("sam: ")]


def test_a_library_that_the_glibc_of_lambda_cannot_load_is_no_layer(tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("duckdb==2.0.0\n")
    with pytest.raises(PackagingFailed, match=r"No matching distribution found for duckdb==2\.0\.0"):
        Layers(tmp_path / "layers", os.environ).build("archive", requirements)
    assert not [*(tmp_path / "layers").glob("*.zip")]


@pytest.fixture
def chalice_says(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int], None]:
    def says(output: str, status: int) -> None:
        program = [sys.executable, "-c", f"import sys; print({output!r}); sys.exit({status})"]
        monkeypatch.setattr(packaging, "CHALICE", program)
        monkeypatch.setattr(wheels, "fetch", lambda _, target, __: target.mkdir(parents=True))

    return says


@pytest.mark.parametrize(
    ("output", "status"), [("Could not install dependencies:\npsycopg-binary==3.3.9", 0), ("No such stage", 2)]
)
def test_a_package_that_lacks_something_is_no_package(
    chalice_says: Callable[[str, int], None], tmp_path: Path, output: str, status: int
) -> None:
    chalice_says(output, status)
    with pytest.raises(PackagingFailed, match=output.splitlines()[0]):
        Packaging(tmp_path).build()


def test_dependencies_of_a_packaging_that_failed_are_not_used_again(
    chalice_says: Callable[[str, int], None], tmp_path: Path
) -> None:
    kept = tmp_path / "source/.chalice/deployments/managed-layer-of-a-failed-run.zip"
    kept.parent.mkdir(parents=True)
    kept.touch()
    chalice_says("Could not install dependencies:\npsycopg-binary==3.3.9", 0)
    with pytest.raises(PackagingFailed):
        Packaging(tmp_path).build()
    assert not kept.exists()
