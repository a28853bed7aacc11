"""Defines the commands on wallets: what signs passes and until when, and the secret that a stage reads it from."""

import argparse
import json
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib import composition
from chalicelib.platform.clock import utc_now
from chalicelib.platform.errors import InvalidInput
from chalicelib.platform.eventsourcing.instants import format_instant
from ops.report import Report, Rows

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from chalicelib.shop.orders.wallets.certificates import GoogleIssuer, PassCertificate

BEGINNING_OF_PEM = b"-----BEGIN"
DAYS = 30


def wallets(options: argparse.Namespace) -> Report:
    """Show what signs passes for each wallet, and until when."""
    shop = composition.current()
    _ = shop.settings.wallets_file or shop.settings.need("wallets_secret_id")
    certificate, issuer = shop.wallet_keys.apple_part.find(), shop.wallet_keys.google_part.find()
    left = None if certificate is None else certificate.ends_at - shop.clock()
    rows = _rows(certificate, issuer, shop.clock())
    return Report(rows, ok=left is None or left >= timedelta(days=options.days))


def wallet_secret(options: argparse.Namespace) -> Report:
    """Write a stage's secret from the files of Apple and Google, once they are found to belong together."""
    from chalicelib.shop.orders.wallets.certificates import GoogleIssuer, PassCertificate  # noqa: PLC0415 - as above

    secret: dict[str, dict[str, str]] = {}
    certificate: PassCertificate | None = None
    issuer: GoogleIssuer | None = None
    try:
        if options.apple:
            names = ("certificate", "key", "intermediate")
            secret["apple"] = {name: _pem(path) for name, path in zip(names, options.apple, strict=True)}
            certificate = PassCertificate.read(secret["apple"])
        if options.google:
            account = json.loads(options.google.read_text())
            own = {name: account[name] for name in ("client_email", "private_key")}
            secret["google"] = own | {"issuer_id": options.issuer_id, "issuer_name": options.issuer_name}
            issuer = GoogleIssuer.read(secret["google"])
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInput(f"The files do not make a secret: {error}.") from error
    _write(options.to, json.dumps(secret, indent=1))
    return Report(_rows(certificate, issuer, utc_now()))


def declare(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("wallets", help=wallets.__doc__)
    parser.add_argument("--days", type=int, default=DAYS, help="end with status 1 if it lasts shorter than this")
    parser.set_defaults(command=wallets)
    parser = commands.add_parser("wallet-secret", help=wallet_secret.__doc__)
    files = ("CERTIFICATE", "KEY", "INTERMEDIATE")
    parser.add_argument("--apple", nargs=3, type=_file, metavar=files, help="name Apple's files, as they come")
    parser.add_argument("--google", type=_file, metavar="ACCOUNT", help="name the key file of the service account")
    parser.add_argument("--issuer-id", default="", help="give the number that Google Wallet has given the issuer")
    parser.add_argument("--issuer-name", default="", help="say what passes of Google Wallet call the shop")
    parser.add_argument("--to", type=Path, required=True, metavar="FILE", help="write a new file for its owner alone")
    parser.set_defaults(command=wallet_secret)


def _rows(certificate: "PassCertificate | None", issuer: "GoogleIssuer | None", now: datetime) -> Rows:
    apple, google = ("not configured", "-", "-"), ("not configured", "-", "-")
    if certificate is not None:
        left = (certificate.ends_at - now).days
        signs = f"{certificate.pass_type} of {certificate.team}, {certificate.organisation}"
        apple = signs, format_instant(certificate.ends_at), str(left)
    if issuer is not None:
        google = f"{issuer.id}, {issuer.name}, {issuer.account}", "until it is deleted", "-"
    both = (("Apple Wallet", *apple), ("Google Wallet", *google))
    return [dict(zip(("wallet", "signs as", "valid until", "days left"), row, strict=True)) for row in both]


def _pem(path: Path) -> str:
    """Return the file's text; a certificate as Apple sends it is not in PEM yet."""
    from cryptography import x509  # noqa: PLC0415 - other commands do without
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415 - the same

    content = path.read_bytes()
    if BEGINNING_OF_PEM in content:
        return content.decode()
    return x509.load_der_x509_certificate(content).public_bytes(Encoding.PEM).decode()


def _write(path: Path, text: str) -> None:
    """Write a file that only its owner reads.

    Raises InvalidInput if there is one: it may hold the keys in use.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise InvalidInput(f"{path} is there already, and is not written over.") from None
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def _file(text: str) -> Path:
    path = Path(text)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"there is no file {text}")
    return path
