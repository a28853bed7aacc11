"""What is installed: everything that is needed, all of it pinned, on every Python that we support and on Lambda's."""

import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from infra import runtime
from infra.layers import LAYERS
from local.checkout import PROJECT
from local.install import pins, stages

SHIPPED, LOCAL, EVERYTHING = "requirements.txt", "requirements-local.txt", "requirements-dev.txt"
OF_EVERY_ENVIRONMENT = {"pip"}
LAMBDAS = f"{runtime.VERSION}.14"
SUPPORTED = [*(f"3.11.{patch}" for patch in range(15)), "3.12.0", "3.12.12", "3.13.0", "3.13.9"]

Environment = Mapping[str, str]


def on(python: str) -> dict[str, str]:
    return {"python_full_version": python, "python_version": python.rpartition(".")[0], "sys_platform": "linux"}


def pinned(file: str, environment: Environment) -> dict[str, Requirement]:
    """The packages that the file installs there, by name."""
    found: dict[str, Requirement] = {}
    for line in (PROJECT / file).read_text().splitlines():
        if line.startswith("-r "):
            found |= pinned(line.removeprefix("-r "), environment)
        elif line and not line.startswith("#"):
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate(dict(environment)):
                found[canonicalize_name(requirement.name)] = requirement
    return found


def needs_of(package: Requirement, environment: Environment) -> Iterator[Requirement]:
    """What it asks for there, as the installed distribution says; the pins have no extras."""
    try:
        asked_for = distribution(package.name).requires or []
    except PackageNotFoundError:  # of another Python
        return
    for requirement in map(Requirement, asked_for):
        if requirement.marker is None or requirement.marker.evaluate({**environment, "extra": ""}):
            yield requirement


def problems(file: str, environment: Environment) -> list[str]:
    pins = pinned(file, environment)
    found = []
    for package in pins.values():
        for need in needs_of(package, environment):
            name = canonicalize_name(need.name)
            version = str(pins[name].specifier).removeprefix("==") if name in pins else None
            if name not in OF_EVERY_ENVIRONMENT and (version is None or not need.specifier.contains(version)):
                found.append(f"{package.name} needs {need.name}{need.specifier}; pinned: {version}")
    return found


@pytest.mark.parametrize("python", SUPPORTED)
@pytest.mark.parametrize("file", [LOCAL, EVERYTHING])
def test_everything_that_is_needed_is_pinned_on_every_python_that_we_support(file: str, python: str) -> None:
    assert problems(file, on(python)) == []


@pytest.mark.parametrize("file", [SHIPPED, *(f"requirements-{layer}.txt" for layer in LAYERS)])
def test_what_ships_is_complete_on_lambdas_python(file: str) -> None:
    assert problems(file, on(LAMBDAS)) == []


def test_what_redis_needs_on_debian_is_installed_there_and_does_not_ship() -> None:
    assert "async-timeout" in pinned(LOCAL, on("3.11.2"))
    assert "async-timeout" not in pinned(LOCAL, on("3.11.3"))
    assert "async-timeout" not in pinned(SHIPPED, on("3.11.2"))


def test_every_package_is_pinned_to_one_version() -> None:
    for requirement in pinned(EVERYTHING, on("3.11.2")).values():
        assert [specifier.operator for specifier in requirement.specifier] == ["=="], requirement


def test_the_installer_counts_the_packages_of_all_files_and_tells_of_each() -> None:
    total = len(set(pins(PROJECT / EVERYTHING)))
    assert total == len({line for python in SUPPORTED for line in pinned(EVERYTHING, on(python))})
    lines = [
        "Collecting httpx==0.28.1 (from -r x)",
        "  Downloading httpx.whl (1 kB)",
        "Installing collected packages: httpx",
    ]
    assert [stage.text for stage in stages(lines, total)] == [
        f"1 of {total}: httpx",
        "all packages are downloaded; unpacking and compiling them",
    ]


def test_a_command_that_is_no_interpreter_is_passed_over(tmp_path: Path) -> None:
    """As those that pyenv leaves in the path, before one that works; also in a folder with a blank in its name."""
    shims, real = tmp_path / "shims", tmp_path / "a b"
    for folder in (shims, real):
        folder.mkdir()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    (shims / f"python{version}").write_text("#!/bin/sh\nexit 127\n")
    (real / f"python{version}").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    for command in (shims / f"python{version}", real / f"python{version}"):
        command.chmod(command.stat().st_mode | stat.S_IXUSR)
    search = {"PATH": f"{shims}:{real}:/usr/bin:/bin", "HOME": str(tmp_path)}
    program = str(PROJECT / "local" / "find-python")
    found = subprocess.run([program, "2.1", version], env=search, capture_output=True, text=True, check=True)  # noqa: S603 - our own
    assert found.stdout == f"{real}/python{version}\n"
    none = subprocess.run([program, "2.1"], env=search, capture_output=True, text=True, check=False)  # noqa: S603
    assert (none.returncode, none.stdout) == (1, "")
