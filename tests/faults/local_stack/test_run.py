"""`make run` serves, refuses a second stack and ends without a trace."""
# ruff: noqa: S603 - starting programs of ours, with arguments of ours, is what is tested

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local import ports
from local.checkout import PROJECT, claimed
from tests.faults.local_stack.processes import WITHIN, alive, eventually, say

APP = """
from chalice import Chalice
app = Chalice(app_name="shop")

@app.route("/")
def index():
    return {"here": True}

@app.on_kinesis_record(stream="any")
def consume(event):
    pass
"""


def test_the_run_command_serves_refuses_a_second_stack_and_ends_without_a_trace(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    port = ports.free_port()
    command = [sys.executable, "-m", "local", "--no-demo", "--app-directory", str(tmp_path)]
    command += ["--state", str(tmp_path / "state")]
    settings: dict[str, Any] = {"cwd": PROJECT, "text": True, "stderr": subprocess.STDOUT}
    environment = {**os.environ, "PORT": str(port), "AWS_PROFILE": "no-such-profile"}
    with subprocess.Popen(command, **settings, stdout=subprocess.PIPE, env=environment) as run:
        assert run.stdout
        said = list(iter_until(run.stdout, "Ready"))
        assert json.loads(say(port, b"GET / HTTP/1.1\r\n\r\n")[2]) == {"here": True}
        published = json.loads((tmp_path / "state" / "stack.json").read_text())
        assert published["LOCAL_STACK_PID"] == str(run.pid)

        second = subprocess.run(command, **settings, stdout=subprocess.PIPE, env=environment, check=False)
        assert (second.returncode, second.stdout.count("\n")) == (1, 1)
        assert f"already runs from this checkout (pid {run.pid})" in second.stdout

        elsewhere = [*command[:-1], str(tmp_path / "elsewhere")]
        third = subprocess.run(elsewhere, **settings, stdout=subprocess.PIPE, env=environment, check=False)
        assert (third.returncode, third.stdout.count("\n")) == (1, 1)
        assert f"Port {port} is taken" in third.stdout

        run.send_signal(signal.SIGINT)
        said += run.stdout.readlines()
        assert run.wait(WITHIN) == 0, said
    assert not any("Traceback" in line for line in said), said
    assert not (tmp_path / "state" / "stack.json").exists()
    assert not ports.accepts_connections(port)


def test_a_run_command_killed_with_sigkill_takes_every_child_with_it(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    command = [sys.executable, "-m", "local", "--no-demo", "--app-directory", str(tmp_path)]
    command += ["--state", str(tmp_path / "state")]
    environment = {**os.environ, "PORT": str(ports.free_port())}
    with subprocess.Popen(command, cwd=PROJECT, text=True, stdout=subprocess.PIPE, env=environment) as run:
        assert run.stdout
        list(iter_until(run.stdout, "Ready"))
        children = children_of(run.pid)
        assert len(children) == 5
        run.kill()
    for child in children:
        eventually(lambda child=child: not alive(child), f"{child} outlived its parent")  # type: ignore[misc]


@pytest.mark.skipif(shutil.which("make") is None, reason="it is make that is killed")
def test_a_make_killed_with_sigkill_takes_the_whole_stack_with_it(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    state = tmp_path / "state"
    arguments = ["--no-demo", "--app-directory", str(tmp_path), "--state", str(state)]
    command = shlex.join([sys.executable, "-m", "local", *arguments])
    (tmp_path / "Makefile").write_text(f"run:\n\t@{command}\n")
    make = ["make", "--file", str(tmp_path / "Makefile"), "run"]
    environment = {**os.environ, "PORT": str(ports.free_port())}
    with subprocess.Popen(make, cwd=PROJECT, text=True, stdout=subprocess.PIPE, env=environment) as run:
        assert run.stdout
        said = list(iter_until(run.stdout, "Ready"))
        pid = int(json.loads((state / "stack.json").read_text())["LOCAL_STACK_PID"])
        left_behind = [pid, *children_of(pid)]
        assert len(left_behind) == 6
        run.kill()
        said += run.stdout.readlines()  # until the last of them has ended
    for process in left_behind:
        eventually(lambda process=process: not alive(process), f"{process} outlived make")  # type: ignore[misc]
    assert said[-1] == "Ended.\n"
    assert not (state / "stack.json").exists()
    with claimed(state):
        """The next `make run` finds the checkout free."""


def test_a_process_that_lost_its_parent_ends_if_it_wants_to_end_with_it() -> None:
    program = """
import os, sys
from local.shutdown import Ended, Shutdown
ending = Shutdown()
if sys.argv[1] == "with":
    ending.with_parent()
ending.check()
print(os.getpid(), flush=True)
try:
    ending.wait(1)
    print("goes on", flush=True)
except Ended:
    print("ends", flush=True)
"""
    for way, outcome in (("with", "ends"), ("without", "goes on")):
        parent = f"{shlex.join([sys.executable, '-c', program, way])} & wait"
        with subprocess.Popen(["sh", "-c", parent], cwd=PROJECT, text=True, stdout=subprocess.PIPE) as run:  # noqa: S607
            assert run.stdout
            assert int(run.stdout.readline()) in children_of(run.pid)
            run.kill()
            assert run.stdout.readlines() == [f"{outcome}\n"]


def children_of(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout  # noqa: S607
    return [int(child) for child, parent in map(str.split, listed.splitlines()) if int(parent) == pid]


def iter_until(lines: Iterator[str], word: str) -> Iterator[str]:
    said = []
    for line in lines:
        said.append(line)
        yield line
        if word in line:
            return
    pytest.fail(f"ended before it said {word}: {''.join(said)}")
