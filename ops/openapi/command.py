"""Writes the API's document and the pages that come of it."""

import argparse
from typing import TYPE_CHECKING

from ops.openapi import document, pages
from ops.report import Report

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def openapi(_: argparse.Namespace) -> Report:
    """Write docs/openapi.json, docs/errors.md and docs/api.md from the code."""
    document.PLACE.write_text(document.render())
    written = [document.PLACE, *pages.write()]
    return Report([{"page": f"docs/{path.name}", "bytes": str(path.stat().st_size)} for path in written])


def declare(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    commands.add_parser("openapi", help=openapi.__doc__).set_defaults(command=openapi)
