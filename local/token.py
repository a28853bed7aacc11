"""Prints one bearer token that the local stack accepts: `python -m local.token --role organiser`."""

import argparse
import sys
from pathlib import Path

from local.checkout import STATE
from local.issuer import GROUPS, Issuer, UnknownRole


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m local.token", description="Print a bearer token.")
    parser.add_argument("--role", required=True, help=f"give the person this role: {', '.join(GROUPS)}")
    parser.add_argument("--sub", help="name the person; each role has a fixed one by default")
    parser.add_argument("--directory", type=Path, default=STATE, help="use the issuer's key from this directory")
    options = parser.parse_args(arguments)
    try:
        sys.stdout.write(Issuer.in_directory(options.directory).token(role=options.role, sub=options.sub) + "\n")
    except UnknownRole as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
