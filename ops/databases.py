"""Commands on the read databases."""

import argparse
from typing import TYPE_CHECKING

from chalicelib import composition
from chalicelib.delivery.migrate import migrate as bring_up_to_date
from ops.report import Report

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def migrate(_: argparse.Namespace) -> Report:
    """bring Postgres to the schema of this code"""
    applied = bring_up_to_date(composition.current().settings.need("database_url"))
    return Report([{"applied": name} for name in applied])


def declare(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    commands.add_parser("migrate", help=migrate.__doc__).set_defaults(command=migrate)
