"""An operator's command where there is no shop: one line that says so, and status 1."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib import composition
from ops.__main__ import main, parser

ID = "5e77e4d0-0000-4000-8000-000000000001"
ARGUMENTS: dict[str, list[list[str]]] = {
    "grant": [[ID, "door"], ["somebody", "door"]],
    "revoke": [[ID, "door"]],
    "erase": [[ID], [ID, "--yes"], [ID, "--yes", "--again"]],
    "disable": [[ID, "--reason", "lost"]],
    "enable": [[ID]],
    "door": [
        [ID, "--concert", ID],
        [ID, "--organiser", ID, "--until", "2030-01-01T00:00Z"],
        [ID, "--concert", ID, "--supervisor"],
        [ID, "--concert", ID, "--revoke"],
    ],
    "history": [[ID]],
    "explain": [[ID]],
    "parked": [[], ["--projection", "programme"]],
    "unreadable": [[]],
    "money": [[], ["--check"]],
    "settle": [[ID, "--as", "refunded", "--reason", "bank transfer"]],
    "reconcile": [[], ["--day", "2026-11-01"], ["--order", ID]],
    "redrive": [["--all"], ["--unreadable"], ["--stream", ID]],
    "rebuild": [["programme"], ["carts"], ["availability"], ["processes"], ["carts", "--switch-back"]],
    "replay": [["programme"], ["carts"], ["availability"], ["processes"]],
    "verify": [[], ["carts", "--repair"], ["--chain"], ["--chain", "--stream", ID]],
    "archive": [[], ["--backfill"], ["--compact"]],
    "report": [[], ["--chart", "sales.png"]],
    "migrate": [[]],
    "team": [["--organiser", ID]],
    "member": [[ID, "--organiser", ID, "--role", "staff"], [ID, "--organiser", ID, "--remove"]],
    "keys": [["--organiser", ID], ["--organiser", ID, "--revoke", ID]],
    "webhooks": [[]],
    "wallets": [[], ["--days", "60"]],
    "mails": [[ID]],
    "resend-mail": [[ID]],
    "what-if": [[ID], [ID, "--hold-minutes", "8", "--capacity", "Floor=10"]],
}
WITHOUT_A_SHOP = {"catalogue", "openapi", "plan", "prove", "wallet-secret"}


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[pytest.MonkeyPatch]:
    """A shell in which nothing is set and nothing runs."""
    with monkeypatch.context() as patched:
        for name in ("PATH", "HOME"):
            patched.setenv(name, str(tmp_path))
        for name in [name for name in os.environ if name not in {"PATH", "HOME"}]:
            patched.delenv(name)
        patched.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patched.chdir(tmp_path)
        composition.use(None)
        yield patched
    composition.use(None)


def commands() -> list[str]:
    [action] = [action for action in parser()._actions if action.metavar == "COMMAND"]  # noqa: SLF001 - it has no getter
    assert action.choices is not None
    return list(action.choices)


def test_every_command_is_tried() -> None:
    assert set(commands()) == ARGUMENTS.keys() | WITHOUT_A_SHOP


@pytest.mark.parametrize("region", [None, "eu-west-1"], ids=["nothing is set", "a region is set"])
@pytest.mark.parametrize(
    "arguments", [[command, *rest] for command, ways in ARGUMENTS.items() for rest in ways], ids=" ".join
)
def test_a_command_without_a_stack_says_so_in_one_line(
    nowhere: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], arguments: list[str], region: str | None
) -> None:
    if region:
        nowhere.setenv("AWS_DEFAULT_REGION", region)
    assert main(arguments) == 1
    printed = capfd.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1, printed.err
    assert "start `make run`" in printed.err
