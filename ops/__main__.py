"""Runs an operator command, `python -m ops COMMAND`, in the environment of a stage or the local stack."""

import argparse
import os
import sys
from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError
from rich.console import Console
from rich.markup import escape

from chalicelib.platform.errors import CloudbashError
from chalicelib.settings import STACK_FILE, NotConfigured
from ops import (
    accounts,
    archive,
    catalogue,
    databases,
    explain,
    mails,
    money,
    parked,
    prove,
    rebuild,
    reconcile,
    sales,
    streams,
    teams,
    verify,
    wallets,
    webhooks,
)
from ops.openapi import command as openapi
from ops.plan import command as plan
from ops.report import show
from ops.what_if import command as what_if

COMMANDS = (
    accounts,
    teams,
    streams,
    explain,
    parked,
    money,
    webhooks,
    wallets,
    mails,
    reconcile,
    rebuild,
    verify,
    archive,
    sales,
    prove,
    databases,
    catalogue,
    openapi,
    plan,
    what_if,
)


def main(arguments: Sequence[str] | None = None) -> int:
    os.environ.setdefault(STACK_FILE, ".local/stack.json")
    options = parser().parse_args(arguments)
    try:
        report = options.command(options)
    except CloudbashError as error:
        _say(f"[red]{error.code}[/red]: {escape(error.detail)}")
        return 1
    except (NotConfigured, NoRegionError, NoCredentialsError) as error:
        _say(f"[red]{escape(str(error))}[/red]: start `make run`, or name a stage's servers in the environment")
        return 1
    except (BotoCoreError, ClientError) as error:
        _say(f"[red]{escape(str(error))}[/red]")
        return 1
    show(report, as_json=options.json)
    return 0 if report.ok else 1


def parser() -> argparse.ArgumentParser:
    """Make the parser with every command and its options."""
    parser = argparse.ArgumentParser(prog="python -m ops", description="Run an operator command of Cloudbash.")
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in COMMANDS:
        module.declare(commands)
    for command in commands.choices.values():
        command.description = command.get_default("command").__doc__
        # Again, because `--json` may stand before the command or after it.
        command.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON for machines")
    return parser


def _say(text: str) -> None:
    """Print the text on one line of the error stream, however long it is."""
    Console(stderr=True, highlight=False).print(text, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
