"""What would be deployed: the package that `make package` builds."""

import json
from pathlib import Path
from unittest.mock import MagicMock

import boto3
import pytest

from infra.checks import translate
from infra.container import unpack
from infra.package import REGION, Packaging
from tests.architecture.package.template import Json, of_type


@pytest.fixture(scope="session")
def package() -> Path:
    """Built anew whenever something has changed: a test of yesterday's package proves nothing."""
    built = Packaging()
    built.build()
    return built.package


@pytest.fixture(scope="session")
def sam(package: Path) -> str:
    return (package / "sam.json").read_text()


@pytest.fixture(scope="session")
def resources(sam: str) -> Json:
    """What CloudFormation is asked for, SAM's resources translated."""
    translated: Json = translate(json.loads(sam), REGION)["Resources"]
    return translated


@pytest.fixture(scope="session")
def functions(resources: Json) -> Json:
    return of_type(resources, "AWS::Lambda::Function")


@pytest.fixture(scope="session")
def event_sources(resources: Json) -> list[Json]:
    return list(of_type(resources, "AWS::Lambda::EventSourceMapping").values())


@pytest.fixture
def without_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boto3, "client", MagicMock())


@pytest.fixture
def unpacked(package: Path, tmp_path: Path) -> Path:
    """Code, layers and SDK where Lambda has them."""
    unpack(package, tmp_path)
    return tmp_path
