"""What is wrong with a command to deploy, before anything is done."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import boto3
import pytest

from infra import deploy as deploying
from infra import destroy as destroying
from infra.deploy import FOUNDATION, ensure_every_choice_is_known, parameters_of_the_foundation
from infra.failures import DeploymentFailed
from infra.stage import CHOICES, Stage, stage_named
from infra.upload import digest


@pytest.mark.parametrize("stage", list(json.loads(CHOICES.read_text())))
def test_every_choice_of_every_stage_is_a_parameter_of_a_stack(stage: str) -> None:
    ensure_every_choice_is_known(stage_named(stage), parameters_of_the_foundation(FOUNDATION.read_text()))


def test_a_choice_that_is_misspelt_is_refused() -> None:
    with pytest.raises(DeploymentFailed, match="unknown parameters: DatabaseClas"):
        ensure_every_choice_is_known(Stage("test", {"DatabaseClas": "db.t4g.micro"}), {"DatabaseClass": {}})


@pytest.mark.parametrize(
    ("name", "reason"), [("dev", "make run"), ("Prod", "lowercase letters"), ("nowhere", "has no stage nowhere")]
)
def test_a_stage_that_cannot_be_deployed_says_why(name: str, reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert deploying.main(["--stage", name]) == 1
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize("command", [deploying.main, destroying.main])
def test_without_credentials_somebody_is_told_how_to_get_some(
    command: Callable[[Sequence[str]], int],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    assert command(["--stage", "test"]) == 1
    assert "aws sso login" in capsys.readouterr().err


def zipped(path: Path, year: int, content: str) -> Path:
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        archive.writestr(ZipInfo("app.py", (year, 1, 1, 0, 0, 0)), content)
    return path


def test_the_same_code_has_the_same_key_whenever_it_was_packed(tmp_path: Path) -> None:
    first, later = zipped(tmp_path / "1.zip", 2025, "pass"), zipped(tmp_path / "2.zip", 2026, "pass")
    other = zipped(tmp_path / "3.zip", 2025, "return")
    assert digest(first) == digest(later) != digest(other)
