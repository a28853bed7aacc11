"""What tests need of passes: keys to sign with, a face to show, and a look into an archive."""

import json
import re
import subprocess
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.shop.concerts.events import ShownVenue
from chalicelib.shop.orders.doors.code import TicketFacts
from chalicelib.shop.orders.faces import TicketFace
from chalicelib.shop.orders.wallets.certificates import GoogleIssuer, PassCertificate
from chalicelib.shop.orders.wallets.keys import WalletKeys
from chalicelib.shop.venues.events import Coordinates
from local.wallets import made_secret
from tests.support.shop import OPENING, Clock, Shop, some_id

UNIT = re.compile(r"\\U([0-9a-f]{4})|\\(.)", re.DOTALL)
LINE = re.compile(r'"((?:[^"\\]|\\.)*)" = "((?:[^"\\]|\\.)*)";\n', re.DOTALL)


@cache
def secret() -> dict[str, dict[str, str]]:
    """One for all tests, because it takes a while to make."""
    return made_secret()


@cache
def certificate() -> PassCertificate:
    return PassCertificate.read(secret()["apple"])


@cache
def issuer() -> GoogleIssuer:
    return GoogleIssuer.read(secret()["google"])


def wallet_keys(clock: Clock, text: str | None = None) -> WalletKeys:
    """The keys of a shop with both wallets, or with what this secret has."""
    return WalletKeys(lambda: json.dumps(secret()) if text is None else text, clock)


@cache
def code() -> str:
    facts = TicketFacts(some_id("concert"), some_id("order"), some_id("ticket"), some_id("type"))
    return Shop(MemoryEventStore()).code_book.write(facts)


def some_face(**facts: Any) -> TicketFace:
    """A ticket of a concert in Amsterdam, but for these facts."""
    known: dict[str, Any] = {
        "ticket_id": some_id("ticket"),
        "order_id": some_id("order"),
        "concert_id": some_id("concert"),
        "code": code(),
        "concert_name": "Patti Smith",
        "ticket_type_name": "Standing",
        "holder": "Carla Jones",
        "starts_at": OPENING,
        "ends_at": OPENING + timedelta(hours=3),
        "venue": venue(),
    }
    return TicketFace(**(known | facts))


def venue(**facts: Any) -> ShownVenue:
    known: dict[str, Any] = {
        "name": "Paradiso",
        "address": "Weteringschans 6",
        "city": "Amsterdam",
        "country": "NL",
        "time_zone": "Europe/Amsterdam",
        "coordinates": Coordinates(latitude=52.3622, longitude=4.8838),
    }
    return ShownVenue(**(known | facts))


@dataclass(frozen=True)
class OpenedPass:
    """The files of a pass, as a phone finds them."""

    files: dict[str, bytes]
    names: list[str]

    @classmethod
    def of(cls, archive: bytes) -> "OpenedPass":
        with ZipFile(BytesIO(archive)) as opened:
            assert opened.testzip() is None
            return cls({name: opened.read(name) for name in opened.namelist()}, opened.namelist())

    @property
    def contents(self) -> Any:
        return json.loads(self.files["pass.json"])

    def texts(self, language: str) -> dict[str, str]:
        """The texts of a language, read by rules of our own for this format."""
        written = self.files[f"{language}.lproj/pass.strings"].decode("ascii")
        assert LINE.sub("", written) == "", "nothing else is in the file"
        return {_unescaped(key): _unescaped(text) for key, text in LINE.findall(written)}

    def field(self, name: str) -> Any:
        fields = [field for group in self.contents["eventTicket"].values() for field in group]
        [found] = [field for field in fields if field["key"] == name]
        return found


class OpenSsl:
    """The system's openssl, which knows of a pass what a phone knows: its files, and who issues certificates."""

    def __init__(self, opened: OpenedPass, directory: Path) -> None:
        self._directory = directory
        (directory / "signature").write_bytes(opened.files["signature"])
        (directory / "manifest").write_bytes(opened.files["manifest.json"])
        (directory / "issuer.pem").write_text(secret()["apple"]["intermediate"])

    def verifies(self, manifest: bytes | None = None) -> bool:
        """Whether the signature is one over the manifest, or over this other one."""
        if manifest is not None:
            (self._directory / "manifest").write_bytes(manifest)
        own = "smime -verify -binary -purpose any -CAfile issuer.pem"
        return self._run(f"{own} -inform DER -in signature -content manifest").returncode == 0

    def structure(self) -> str:
        """What the signature consists of."""
        return self._run("asn1parse -inform DER -in signature").stdout.decode()

    def _run(self, words: str) -> "subprocess.CompletedProcess[bytes]":
        command = ["openssl", *words.split()]
        return subprocess.run(command, cwd=self._directory, capture_output=True, check=False)  # noqa: S603 - our own words


def _unescaped(text: str) -> str:
    units = UNIT.sub(lambda found: chr(int(found[1], 16)) if found[1] else found[2], text)
    return units.encode("utf-16-be", "surrogatepass").decode("utf-16-be")
