"""What would be deployed: the package that `make package` builds."""

import fcntl
import json
from pathlib import Path
from unittest.mock import MagicMock

import pytest

from chalicelib.platform.aws import clients
from infra.checks import translate
from infra.container import unpack
from infra.package import REGION, Packaging
from tests.architecture.package.template import Json, of_type


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Built anew in each run, once for all its processes: a test of yesterday's package proves nothing."""
    own = tmp_path_factory.getbasetemp()
    shared = own if worker_id == "master" else own.parent
    package = shared / "package"
    with (shared / "package.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not package.exists():
            Packaging().build(package)
    return package


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
    monkeypatch.setattr(clients, "sdk_session", MagicMock())


@pytest.fixture
def unpacked(package: Path, tmp_path: Path) -> Path:
    """Code, layers and SDK where Lambda has them."""
    unpack(package, tmp_path)
    return tmp_path
