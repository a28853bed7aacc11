"""Builds what is not current, and says where it lies and how to install it; `make clients` calls it."""

import argparse
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from clients import python_client, typescript_client
from clients.commands import CannotBuild
from clients.folders import BUILT, PROJECT, digest_of

WITHOUT = BUILT / "without-typescript"
"""Is there when the TypeScript client could not be built, and says why."""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m clients", description=__doc__)
    parser.add_argument(
        "--or-without-npm", action="store_true", help="succeed without TypeScript if npm's registry does not answer"
    )
    options = parser.parse_args(arguments)
    BUILT.mkdir(parents=True, exist_ok=True)
    WITHOUT.unlink(missing_ok=True)
    try:
        wheel = current("python", "cloudbash_client-*.whl", python_client.INPUTS, python_client.build)
        say(f"Python:     {shown(wheel)}\n  install   pip install {quoted(wheel)}")
        archive = current("typescript", "cloudbash-client-*.tgz", typescript_client.INPUTS, typescript_client.build)
        say(f"TypeScript: {shown(archive)}\n  install   npm install {quoted(archive)}")
    except typescript_client.RegistryAway as away:
        WITHOUT.write_text(str(away))
        sys.stderr.write(f"{away}\n\n*** THE TYPESCRIPT CLIENT IS NOT BUILT, AND NOT TESTED. ***\n")
        return 0 if options.or_without_npm else 1
    except CannotBuild as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    say("How to buy a ticket with each: docs/clients.md")
    return 0


def current(name: str, pattern: str, inputs: Iterable[Path], build: Callable[[], Path]) -> Path:
    """Return what was built of exactly these inputs, and build it if there is none."""
    stamp, digest = BUILT / f"{name}.digest", digest_of(inputs)
    found = sorted(BUILT.glob(pattern))
    if found and stamp.is_file() and stamp.read_text() == digest:
        return found[0]
    stamp.unlink(missing_ok=True)
    say(f"Building the client for {name} …")
    began = time.monotonic()
    built = build()
    stamp.write_text(digest)
    say(f"  built in {time.monotonic() - began:.0f} s")
    return built


def shown(path: Path) -> str:
    return str(path.relative_to(PROJECT))


def quoted(path: Path) -> str:
    return f'"{path}"'


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
