"""Every place for parked streams: the one in memory and the one in DynamoDB."""

from typing import TYPE_CHECKING

import pytest

from chalicelib.platform.bus.dynamodb_parking import DynamoDBParking
from chalicelib.platform.bus.parking import MemoryParking, Parking
from local.resources import Resources

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


@pytest.fixture
def parked_table(contract_resources: Resources) -> str:
    return contract_resources.names["ParkedTable"]


@pytest.fixture(params=["memory", "dynamodb"])
def parking(request: pytest.FixtureRequest) -> Parking:
    """The place under contract."""
    if request.param == "memory":
        return MemoryParking()
    client: DynamoDBClient = request.getfixturevalue("client")
    return DynamoDBParking(client, request.getfixturevalue("parked_table"))
