"""Prints one bearer token that the local stack accepts, alone on its line: `python -m local.token --role organiser`."""

import argparse
import sys
from pathlib import Path

from local.checkout import STATE
from local.issuer import GROUPS, Issuer, UnknownRole


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m local.token")
    parser.add_argument("--role", required=True, help=", ".join(GROUPS))
    parser.add_argument("--sub", help="the person; a fixed one per role if left out")
    parser.add_argument("--directory", type=Path, default=STATE)
    options = parser.parse_args(arguments)
    try:
        sys.stdout.write(Issuer.in_directory(options.directory).token(role=options.role, sub=options.sub) + "\n")
    except UnknownRole as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
