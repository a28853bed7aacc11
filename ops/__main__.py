"""`python -m ops COMMAND`: what an operator can do from a shell, in the environment of a stage or the local stack."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from uuid import uuid4

from rich.console import Console
from rich.table import Table

from chalicelib import composition
from chalicelib.access.commands import erase_person, grant_role, granted_roles, revoke_role
from chalicelib.caller import Role, person_id
from chalicelib.errors import CloudbashError
from chalicelib.eventsourcing.codec import Origin
from chalicelib.settings import STACK_FILE

Command = Callable[[argparse.Namespace], dict[str, object]]


def grant(options: argparse.Namespace) -> dict[str, object]:
    """give a person a role, in effect with the next request"""
    shop, person = composition.current(), person_id(options.subject)
    grant_role(shop.repository, _origin(), person, Role(options.role))
    return {"person": str(person), "roles": ", ".join(sorted(granted_roles(shop.repository, person)))}


def revoke(options: argparse.Namespace) -> dict[str, object]:
    """take a granted role back"""
    shop, person = composition.current(), person_id(options.subject)
    revoke_role(shop.repository, _origin(), person, Role(options.role))
    return {"person": str(person), "roles": ", ".join(sorted(granted_roles(shop.repository, person)))}


def erase(options: argparse.Namespace) -> dict[str, object]:
    """destroy a person's key: their personal data is unreadable everywhere, for good"""
    shop, person = composition.current(), person_id(options.subject)
    erase_person(shop.repository, shop.vault, _origin(), person)
    return {"person": str(person), "erased": "yes"}


def main(arguments: Sequence[str] | None = None) -> int:
    os.environ.setdefault(STACK_FILE, ".local/stack.json")
    options = _parser().parse_args(arguments)
    command: Command = options.command
    try:
        result = command(options)
    except CloudbashError as error:
        Console(stderr=True).print(f"[red]{error.code}[/red]: {error.detail}")
        return 1
    _show(result, as_json=options.json)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ops", description="Operator commands of Cloudbash.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in (grant, revoke, erase):
        sub = commands.add_parser(command.__name__, help=command.__doc__)
        sub.add_argument("subject", help="the `sub` of the person's token")
        if command is not erase:
            sub.add_argument("role", choices=[role.value for role in Role if role is not Role.CUSTOMER])
        sub.set_defaults(command=command)
    return parser


def _show(result: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        json.dump(result, sys.stdout)
        sys.stdout.write("\n")
        return
    table = Table(*result)
    table.add_row(*map(str, result.values()))
    Console().print(table)


def _origin() -> Origin:
    """Operators act as the account that their shell runs under."""
    return Origin(f"operator:{os.environ.get('USER', 'unknown')}", str(uuid4()), f"ops:{os.getpid()}")


if __name__ == "__main__":
    sys.exit(main())
