"""Defines the commands on the read databases."""

import argparse
from typing import TYPE_CHECKING

from chalicelib import composition
from ops.report import Report

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def migrate(_: argparse.Namespace) -> Report:
    """Bring Postgres to the schema of this code."""
    return Report([{"applied": name} for name in composition.current().migrate()])


def declare(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    commands.add_parser("migrate", help=migrate.__doc__).set_defaults(command=migrate)
