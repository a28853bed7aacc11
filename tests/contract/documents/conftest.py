"""The documents of carts and orders in a table on the emulator that the contract tests share."""

from typing import TYPE_CHECKING

import pytest

from chalicelib.platform.readmodels.documents.projection import DocumentProjection
from local.resources import Aws, Resources
from tests.contract.documents.histories import FOLDS

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


@pytest.fixture(scope="session")
def read_table(contract_resources: Resources) -> str:
    return contract_resources.names["ReadTable"]


@pytest.fixture(scope="session")
def documents(contract_aws: Aws, read_table: str) -> DocumentProjection:
    return DocumentProjection("carts", contract_aws.dynamodb, read_table, FOLDS)


@pytest.fixture
def disturbed(client: "DynamoDBClient", read_table: str) -> DocumentProjection:
    """The same documents by a client of the test's own, which it may disturb."""
    return DocumentProjection("carts", client, read_table, FOLDS)
