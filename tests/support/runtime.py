"""Logging as in Lambda: set up by the very code of the runtime there, which is published as a package."""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from chalicelib.platform import logs


@dataclass
class RuntimeLog:
    """Takes the place of the pipe to CloudWatch."""

    text: list[str] = field(default_factory=list)

    def log(self, message: str, frame_type: bytes | None = None) -> None:  # noqa: ARG002 - as the runtime calls it
        self.text.append(message)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text]

    def about(self, **facts: Any) -> list[dict[str, Any]]:
        """The lines that tell all of these facts."""
        return [line for line in self.lines if facts.items() <= line.items()]


@pytest.fixture
def runtime_log(monkeypatch: pytest.MonkeyPatch) -> Iterator[RuntimeLog]:
    """With everything said that the level DEBUG lets through; in the template it is INFO."""
    bootstrap = pytest.importorskip("awslambdaric.bootstrap", reason="published for Linux")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "cloudbash-test-function")
    monkeypatch.setattr(logging.Formatter, "converter", logging.Formatter.converter)  # the runtime replaces it
    root, ours, log = logging.getLogger(), logging.getLogger("chalicelib"), RuntimeLog()
    before = root.level, ours.level, logging.getLogRecordFactory(), [*root.handlers]
    bootstrap._setup_logging(bootstrap.LogFormat.JSON, "DEBUG", log)  # noqa: SLF001 - no test of ours can be truer
    logs.install()
    try:
        yield log
    finally:
        root.setLevel(before[0])
        ours.setLevel(before[1])
        logging.setLogRecordFactory(before[2])
        for handler in {*root.handlers} - {*before[3]}:
            root.removeHandler(handler)
