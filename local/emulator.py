"""Runs AWS on this machine: ministack, with everything in memory."""

import http.client
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from local import ports
from local.processes import Process, ServerFailed

OK = 200


class Emulator:
    """Runs ministack. `settings` are variables of its own, in addition to what every stack here needs."""

    def __init__(self, directory: Path, settings: Mapping[str, str] = MappingProxyType({})) -> None:
        self._home = directory / "emulator"
        self._home.mkdir()
        self.port = ports.free_port()
        self.process = Process(
            "the AWS emulator",
            [sys.executable, "-m", "ministack"],
            cwd=self._home,
            env={**self._environment(), **settings},
            log=directory / "emulator.log",
            # It keeps everything in memory and would wait for open connections first.
            stop_signal=signal.SIGKILL,
        )

    @property
    def url(self) -> str:
        return f"http://{ports.HOST}:{self.port}"

    def begin(self) -> None:
        self.process.start()

    def wait_ready(self) -> None:
        self.process.wait_until(self._is_ready)

    def reset(self) -> None:
        status = self._request("POST", "/_ministack/reset")
        if status != OK:
            raise ServerFailed(self.process.name, f"answered {status} to a reset", self.process.log)

    def _is_ready(self) -> bool:
        try:
            return self._request("GET", "/_ministack/health") == OK
        except (OSError, http.client.HTTPException):
            return False

    def _request(self, method: str, path: str) -> int:
        connection = http.client.HTTPConnection(ports.HOST, self.port, timeout=10)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            response.read()
            return response.status
        finally:
            connection.close()

    def _environment(self) -> dict[str, str]:
        """Return an environment without the developer's variables: they could make it persist, or talk to Docker."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self._home),
            "TMPDIR": str(self._home),
            "BIND_HOST": ports.HOST,
            "GATEWAY_PORT": str(self.port),
            "MINISTACK_REGION": "eu-west-1",
            "DOCKER_HOST": f"unix://{self._home}/no-docker",
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "LOG_LEVEL": "WARNING",
        }
