"""The shop as it would be on AWS, once for a module: as long as it is there, the environment names its account."""

from collections.abc import Iterator

import pytest

from tests.support.deployment import DeployedShop, deployed_shop


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeployedShop]:
    with deployed_shop(tmp_path_factory.mktemp("issuer")) as running:
        yield running
