"""Supervises one server process: starts it, waits until it is ready, stops it, and shows its log when it fails."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

LAUNCH = Path(__file__).with_name("launch.py")
POLL = 0.01
STOP_WITHIN = 10.0
READY_WITHIN = 60.0
LOG_TAIL = 20


class ServerFailed(RuntimeError):
    def __init__(self, name: str, problem: str, log: Path | None) -> None:
        self.log_tail = tail(log)
        super().__init__(f"{name} {problem}" + (f"\n{log}:\n{self.log_tail}" if log else ""))


def tail(log: Path | None) -> str:
    if log is None or not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-LOG_TAIL:])


class Process:
    """Runs a child that does not outlive this process. Without a log file it writes where this process writes."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str | Path],
        *,
        cwd: Path,
        env: Mapping[str, str] | None = None,
        log: Path | None = None,
        user: str | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        death_signal: signal.Signals = signal.SIGKILL,
    ) -> None:
        self.name = name
        self.log = log
        self._argv = [str(part) for part in argv]
        self._cwd = cwd
        self._env = env
        self._user = user
        self._stop_signal = stop_signal
        self._death_signal = death_signal
        self._child: subprocess.Popen[bytes] | None = None
        self._lifeline: int | None = None

    @property
    def pid(self) -> int:
        if self._child is None:
            raise ServerFailed(self.name, "was not started", None)
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def start(self) -> None:
        if self.running:
            return
        self._drop_lifeline()
        if kernel_tells_of_our_death():
            self._spawn([], ())
            return
        reading_end, self._lifeline = os.pipe()
        try:
            self._spawn(["--watch", str(reading_end)], (reading_end,))
        finally:
            os.close(reading_end)

    def _spawn(self, watch: list[str], pass_fds: tuple[int, ...]) -> None:
        launch = [sys.executable, "-I", "-S", str(LAUNCH), "--parent", str(os.getpid())]
        launch += ["--signal", str(int(self._death_signal)), *watch]
        if self._user:
            launch += ["--user", self._user]
        output = self.log.open("ab") if self.log else None
        try:
            self._child = subprocess.Popen(
                [*launch, "--", *self._argv],
                cwd=self._cwd,
                env=dict(self._env) if self._env is not None else None,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=pass_fds,
                # Out of the terminal's process group: Ctrl-C reaches us alone, and we stop the others in order.
                start_new_session=True,
            )
        finally:
            if output:
                output.close()

    def wait_until(self, ready: Callable[[], bool], within: float = READY_WITHIN) -> None:
        deadline = time.monotonic() + within
        while not ready():
            if not self.running:
                raise ServerFailed(self.name, f"ended with status {self.status()} while starting", self.log)
            if time.monotonic() > deadline:
                raise ServerFailed(self.name, f"was not ready within {within:.0f} s", self.log)
            time.sleep(POLL)

    def wait_for_success(self, within: float = READY_WITHIN) -> None:
        child = self._started()
        try:
            status = child.wait(within)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ServerFailed(self.name, f"did not finish within {within:.0f} s", self.log) from None
        if status != 0:
            raise ServerFailed(self.name, f"ended with status {status}", self.log)

    def status(self) -> int | None:
        return self._child.poll() if self._child else None

    def ask_to_stop(self, signum: signal.Signals | None = None) -> None:
        """Ask the process to stop, without waiting, so that several can stop at once; `stop` waits."""
        if self.running:
            self.resume()
            self._started().send_signal(signum or self._stop_signal)

    def stop(self, signum: signal.Signals | None = None) -> None:
        if self._child is None:
            return
        self.ask_to_stop(signum)
        try:
            self._child.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            self.kill()
        self._drop_lifeline()

    def kill(self) -> None:
        if self._child is None:
            return
        self._child.kill()
        self._child.wait()
        self._drop_lifeline()

    def pause(self) -> None:
        """Suspend the process: it exists and answers nothing, until `resume`."""
        self._started().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        if self.running:
            self._started().send_signal(signal.SIGCONT)

    def _started(self) -> subprocess.Popen[bytes]:
        if self._child is None:
            raise ServerFailed(self.name, "was not started", None)
        return self._child

    def _drop_lifeline(self) -> None:
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None


def kernel_tells_of_our_death() -> bool:
    """Tell whether the kernel ends our children when we die.

    PR_SET_PDEATHSIG means the death of the parent *thread*, and only the main thread surely lives as long as the
    process.
    """
    return sys.platform == "linux" and threading.current_thread() is threading.main_thread()
