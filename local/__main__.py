"""Starts the local stack for `make run`, loads the demo data, and serves the API until Ctrl-C."""

import argparse
import os
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from local import ports
from local.checkout import PROJECT, STATE, StackAlreadyRuns, claimed, published
from local.processes import Process, ServerFailed
from local.shutdown import Ended, Shutdown

DEFAULT_PORT = "8000"
LAST_PORT = 65535
LOOK_EVERY = 0.2
UNDER_MAKE = "MAKELEVEL"
"""Make sets this variable for what it starts."""


class CannotRun(RuntimeError):
    pass


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    console = Console(highlight=False)
    problems = Console(stderr=True, highlight=False)
    shutdown = Shutdown()
    shutdown.on_signals()
    if UNDER_MAKE in os.environ:
        # Else a killed `make run` would leave a stack behind that its shell knows nothing of.
        shutdown.with_parent()
    try:
        run(console, port_to_serve(os.environ.get("PORT") or DEFAULT_PORT), options, shutdown)
    except Ended:
        console.print("Ended.")
        return 0
    except (CannotRun, StackAlreadyRuns, ServerFailed) as problem:
        problems.print(str(problem), style="red", markup=False, soft_wrap=True)
        return 1
    return 0


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m local", description="Run the shop on this machine. The variable PORT chooses its port."
    )
    parser.add_argument("--app-directory", type=Path, default=PROJECT, help="use app.py from this directory")
    parser.add_argument("--state", type=Path, default=STATE, help="store the keys here between runs")
    parser.add_argument(
        "--resources", type=Path, default=PROJECT / "infra" / "resources.json", help="create these resources"
    )
    parser.add_argument("--no-demo", dest="demo", action="store_false", help="start an empty shop")
    return parser.parse_args(arguments)


def run(console: Console, port: int, options: argparse.Namespace, shutdown: Shutdown) -> None:
    began = time.monotonic()

    def report(what: str, seconds: float) -> None:
        console.print(f"  [green]✓[/green] {what:<28}[dim]{seconds:5.1f} s[/dim]")
        shutdown.check()

    def done(what: str) -> None:
        report(what, time.monotonic() - began)

    with ExitStack() as exits, console.status("Starting the local stack …") as status:
        exits.enter_context(claimed(options.state))
        # Only now: whoever holds the checkout most likely holds the port as well, and that is the better answer.
        if not ports.is_free(port):
            raise CannotRun(f"Port {port} is taken. Free it, or choose another one, such as PORT={port + 1} make run")

        forget_real_aws()
        # With boto3 and all that they bring, only after the quick refusals.
        from local.demo import load  # noqa: PLC0415
        from local.migrate import migrate  # noqa: PLC0415
        from local.stack import Stack  # noqa: PLC0415

        stack = exits.enter_context(Stack(options.state, migrate=migrate, resources=options.resources, report=report))
        base_url = f"http://{ports.HOST}:{port}"
        environment = stack.environment | {"PUBLIC_API_URL": base_url}
        exits.enter_context(published(options.state, environment))
        app = ["--app-directory", options.app_directory]
        children = [
            child("the event pump", ["local.pump", *app], environment),
            child("the API", ["local.server", "--port", port, *app], environment),
        ]
        for process in children:
            exits.callback(process.stop)
            exits.callback(process.ask_to_stop)
            process.start()
        children[-1].wait_until(lambda: ports.accepts_connections(port))
        done("API and event pump")
        if options.demo:
            status.update("Loading demo data …")
            load(base_url, stack.issuer)
            done("demo data")
        status.stop()
        welcome(console, base_url, time.monotonic() - began)
        while True:
            shutdown.wait(LOOK_EVERY)
            ensure_alive(children, stack.ended_servers())


def forget_real_aws() -> None:
    """Remove the developer's own AWS settings: a profile or a service's endpoint would override the stack's."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]


def child(name: str, arguments: list[object], environment: dict[str, str]) -> Process:
    """Return a process without a log file: its errors belong on the developer's screen."""
    argv = [sys.executable, "-m", *(str(argument) for argument in arguments)]
    return Process(name, argv, cwd=PROJECT, env={**os.environ, **environment, "PYTHONUNBUFFERED": "1"})


def ensure_alive(children: list[Process], ended_servers: list[str]) -> None:
    for process in children:
        if not process.running:
            raise CannotRun(f"{process.name} ended with status {process.status()}; its output is above.")
    if ended_servers:
        raise CannotRun("\n".join(ended_servers))


def welcome(console: Console, base_url: str, seconds: float) -> None:
    console.print()
    console.print(f"  API      [bold]{base_url}[/bold]")
    console.print(f"  Routes   {base_url}/docs   [dim](to try out in a browser)[/dim]")
    console.print(f"  Mails    {base_url}/mails")
    console.print("  A token  make token ROLE=organiser   [dim](or customer, door, operator)[/dim]")
    console.print("  End      Ctrl-C")
    console.print(f"\n[bold green]Ready[/bold green] in {seconds:.1f} s")


def port_to_serve(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= LAST_PORT:
        raise CannotRun(f"PORT is {text!r}: it must be a number from 1 to {LAST_PORT}.")
    return int(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
