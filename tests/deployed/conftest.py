"""The shop as it would be on AWS, once for all that is asked of it."""

from collections.abc import Iterator

import pytest

from tests.support.deployment import DeployedShop, deployed_shop


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeployedShop]:
    with deployed_shop(tmp_path_factory.mktemp("issuer")) as running:
        yield running
