"""What the operator's commands print: no terminal is too narrow to tell which event changed what, and when."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ops.report import Report, show

CHANGE = '/payments/eb250f57-7025-5975-b16d-bcfe8c68d429: null → {"provider": "sandbox", "status": "started"}'
ROWS = [
    {
        "version": "0",
        "created": "2026-11-23T08:04:21.355Z",
        "event": "OrderPlaced",
        "changes": '/status: null → "awaiting_payment"\n/lines: [] → [{"HoldId": 1}]',
    },
    {"version": "10", "created": "2026-11-23T08:04:22.586Z", "event": "PaymentStarted", "changes": CHANGE},
]
ROOT = Path(__file__).parents[2]
FIXED = "version  created                   event           "


def printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: int | None) -> list[str]:
    """None is a pipe, of which nobody has said how wide it is."""
    if columns is None:
        monkeypatch.delenv("COLUMNS", raising=False)
    else:
        monkeypatch.setenv("COLUMNS", str(columns))
    show(Report(ROWS), as_json=False)
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("columns", [60, 80, 100, 120, 200])
def test_at_every_width_the_short_columns_are_whole_and_the_last_one_has_what_remains(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: int
) -> None:
    room = columns - len(FIXED)
    lines = printed(monkeypatch, capsys, columns)
    assert max(map(len, lines)) <= columns
    assert [line[: len(FIXED)] for line in lines if line[: len(FIXED)].strip()] == [
        FIXED,
        "0        2026-11-23T08:04:21.355Z  OrderPlaced     ",
        "10       2026-11-23T08:04:22.586Z  PaymentStarted  ",
    ]
    assert max(len(line[len(FIXED) :]) for line in lines) <= room


@pytest.mark.parametrize("columns", [60, 80, 100, 120, 200, None])
def test_no_value_is_cut_at_any_width_nor_in_a_pipe(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: int | None
) -> None:
    lines = printed(monkeypatch, capsys, columns)
    texts = [text for row in ROWS for text in row["changes"].splitlines()]
    shown = "".join(line[len(FIXED) :] for line in lines[1:])
    assert "".join(shown.split()) == "".join("".join(texts).split())
    if columns is None:
        assert [line[len(FIXED) :] for line in lines[1:]] == texts


def test_square_brackets_are_text_and_no_markup(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    show(Report([{"event": "[bold]", "changes": '/tags: ["a"] → [/a]'}]), as_json=False)
    assert capsys.readouterr().out.splitlines()[1].split("  ", 1) == ["[bold]", '/tags: ["a"] → [/a]']


def test_a_report_without_rows_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    show(Report([]), as_json=False)
    assert capsys.readouterr().out.split() == ["nothing"]


def test_machines_get_the_records_and_where_there_are_none_the_rows(capsys: pytest.CaptureFixture[str]) -> None:
    show(Report(ROWS, [{"aggregate_version": 0}]), as_json=True)
    assert json.loads(capsys.readouterr().out) == [{"aggregate_version": 0}]
    show(Report(ROWS), as_json=True)
    assert json.loads(capsys.readouterr().out) == ROWS


@pytest.mark.parametrize("as_json", [False, True])
def test_a_reader_that_has_enough_ends_the_command_without_a_word(as_json: bool) -> None:
    code = f"from ops.report import Report, show; show(Report([{{'a': 'b'}}] * 50_000), as_json={as_json})"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:  # noqa: S603 - our own interpreter
        assert running.stdout
        assert running.stderr
        running.stdout.read(1)
        running.stdout.close()
        assert running.stderr.read() == b""
