"""What one invocation counts is one line of its log."""

import json
from collections.abc import Callable

import pytest

from chalicelib.platform import metrics
from chalicelib.platform.invocation import observed
from tests.support.metrics import collected


def test_counts_add_up_and_of_measures_the_highest_is_kept(counted: Callable[[], dict[str, float]]) -> None:
    for number in (2, 5, 3):
        metrics.count("Tickets", number)
        metrics.highest("Lag", number, "Seconds")
    metrics.count("Nothing", 0)
    assert counted() == {"Tickets": 10, "Lag": 5, "Nothing": 0}


def test_an_invocation_that_fails_prints_what_it_has_counted_and_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "cloudbash-test-function")

    def fails(_: object) -> None:
        metrics.count("Tickets")
        raise RuntimeError("too late")

    with pytest.raises(RuntimeError):
        observed(None, fails)
    assert collected(capsys.readouterr().out) == {"Tickets": 1}
    observed(None, lambda _: None)
    assert capsys.readouterr().out == ""


def test_the_line_is_as_cloudwatch_wants_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "cloudbash-test-function")
    monkeypatch.setattr("time.time_ns", lambda: 1_900_000_000_123_456_789)
    with metrics.one_line():
        metrics.count("Tickets", 3)
        metrics.highest("Lag", 1.5, "Milliseconds")
    assert json.loads(capsys.readouterr().out) == {
        "_aws": {
            "Timestamp": 1_900_000_000_123,
            "CloudWatchMetrics": [
                {
                    "Namespace": "Cloudbash",
                    "Dimensions": [["Function"]],
                    "Metrics": [{"Name": "Tickets", "Unit": "Count"}, {"Name": "Lag", "Unit": "Milliseconds"}],
                }
            ],
        },
        "Function": "cloudbash-test-function",
        "Tickets": 3,
        "Lag": 1.5,
    }


def test_beside_lambda_nobody_counts(capsys: pytest.CaptureFixture[str]) -> None:
    with metrics.one_line():
        metrics.count("Tickets")
        metrics.highest("Lag", 1, "Seconds")
    assert capsys.readouterr().out == ""
