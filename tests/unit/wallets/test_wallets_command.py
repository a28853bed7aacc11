"""The operator's commands on wallets: what signs, until when, and the making of the secret."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from chalicelib import composition
from chalicelib.composition import Composition
from chalicelib.settings import Settings
from ops.__main__ import main
from tests.support.passes import certificate, secret
from tests.support.shop import Clock

ENDS_AT = certificate().ends_at


@pytest.fixture
def office_clock(tmp_path: Path) -> Iterator[Clock]:
    """The clock of a shop whose secret is in a file."""
    (tmp_path / "wallets.json").write_text(json.dumps(secret()))
    clock = Clock(ENDS_AT - timedelta(days=100))
    composition.use(Composition(Settings(wallets_file=str(tmp_path / "wallets.json")), clock))
    yield clock
    composition.use(None)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    """The status of a command, and what it prints for machines, or what it says of its failure."""
    status = main([*arguments, "--json"])
    printed = capsys.readouterr()
    return status, json.loads(printed.out) if printed.out else printed.err


def test_an_operator_sees_what_signs_and_how_long(office_clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    status, [apple, google] = run(capsys, "wallets")
    assert (status, apple["wallet"], apple["days left"]) == (0, "Apple Wallet", "100")
    assert apple["signs as"] == "pass.test.cloudbash of TESTTEAM00, TEST, not valid: Cloudbash"
    assert google["signs as"].startswith("3388000000000000000, ")
    office_clock.now = ENDS_AT - timedelta(days=30)
    assert run(capsys, "wallets")[0] == 0
    office_clock.advance(timedelta(seconds=1))
    assert run(capsys, "wallets")[0] == 1
    assert run(capsys, "wallets", "--days", "10")[0] == 0


class Folder:
    """The files that Apple and Google give."""

    def __init__(self, path: Path) -> None:
        self.path = path
        known = secret()
        for name, text in known["apple"].items():
            (path / f"{name}.pem").write_text(text)
        der = x509.load_pem_x509_certificate(known["apple"]["certificate"].encode()).public_bytes(Encoding.DER)
        (path / "pass.cer").write_bytes(der)
        (path / "account.json").write_text(json.dumps({**known["google"], "type": "service_account"}))

    def named(self, *names: str) -> list[str]:
        return [str(self.path / name) for name in names]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_a_secret_is_made_of_the_files_as_they_come(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    [to] = folder.named("secret.json")
    apple = ["--apple", *folder.named("pass.cer", "key.pem", "intermediate.pem")]
    google = ["--google", *folder.named("account.json"), "--issuer-id", "3388000000000000000", "--issuer-name", "Box"]
    status, [row, other] = run(capsys, "wallet-secret", *apple, *google, "--to", to)
    assert (status, row["signs as"].split()[0], other["signs as"].split(", ")[1]) == (0, "pass.test.cloudbash", "Box")
    written = json.loads(Path(to).read_text())
    assert written == {"apple": secret()["apple"], "google": secret()["google"] | {"issuer_name": "Box"}}
    assert Path(to).stat().st_mode & 0o777 == 0o600
    status, said = run(capsys, "wallet-secret", *apple, "--to", to)
    assert (status, "is not written over" in said) == (1, True)


def test_files_that_do_not_belong_together_make_no_secret(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    [to] = folder.named("secret.json")
    swapped = ["--apple", *folder.named("intermediate.pem", "key.pem", "certificate.pem")]
    status, said = run(capsys, "wallet-secret", *swapped, "--to", to)
    assert (status, "`key` is not the key of `certificate`" in said) == (1, True)
    status, said = run(capsys, "wallet-secret", "--google", *folder.named("account.json"), "--to", to)
    assert (status, "`issuer_id` is missing" in said) == (1, True)
    assert not Path(to).exists()
