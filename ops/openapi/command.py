"""Writes the API's document and the pages that come of it."""

import argparse
from typing import TYPE_CHECKING

from ops.openapi import document
from ops.report import Report

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def openapi(_: argparse.Namespace) -> Report:
    """Write docs/openapi.json from the code."""
    text = document.render()
    document.PLACE.write_text(text)
    return Report([{"page": "docs/openapi.json", "bytes": str(len(text))}])


def declare(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    commands.add_parser("openapi", help=openapi.__doc__).set_defaults(command=openapi)
