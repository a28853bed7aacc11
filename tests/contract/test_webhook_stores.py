"""What the places promise that keep the log of deliveries and the groups of messages."""

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from chalicelib import contexts
from chalicelib.platform.errors import InvalidInput
from chalicelib.platform.processes.dynamodb import DynamoDBInstances
from chalicelib.platform.processes.process import Instance
from chalicelib.platform.readmodels.documents.projection import DocumentProjection
from chalicelib.shop.webhooks.deliveries import KEPT_FOR, Delivery, DeliveryStatus
from chalicelib.shop.webhooks.delivery_log import DynamoDBDeliveryLog
from chalicelib.shop.webhooks.groups import GroupKey, Source
from local.resources import Resources
from tests.support.stored import SOME_TIME as NOW

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

ENDPOINT = uuid4()


@pytest.fixture
def table(contract_resources: Resources) -> str:
    return contract_resources.names["ReadTable"]


@pytest.fixture
def deliveries(client: "DynamoDBClient", table: str) -> DynamoDBDeliveryLog:
    return DynamoDBDeliveryLog(client, table)


def delivery(seconds: int = 0, endpoint: UUID = ENDPOINT, delivery_id: UUID | None = None) -> Delivery:
    named = GroupKey(uuid4(), endpoint, Source.ORDER, uuid4())
    at = NOW + timedelta(seconds=seconds)
    retry = at + timedelta(minutes=1)
    status = DeliveryStatus.RETRYING
    return Delivery(delivery_id or uuid4(), named, "order.confirmed", NOW, status, 2, at, retry, 503, "", 17, 3)


def test_a_delivery_is_found_as_it_was_put_last(deliveries: DynamoDBDeliveryLog) -> None:
    first = delivery()
    assert deliveries.find(first.id) is None
    deliveries.put(first)
    assert deliveries.find(first.id) == first
    again = delivery(9, delivery_id=first.id)
    deliveries.put(again)
    assert deliveries.find(first.id) == again


def test_deliveries_are_listed_by_their_last_attempt_page_by_page(deliveries: DynamoDBDeliveryLog) -> None:
    endpoint = uuid4()
    put = [delivery(seconds, endpoint) for seconds in (3, 1, 2, 5, 4)]
    for one in [*put, delivery(6, uuid4())]:
        deliveries.put(one)
    newest_first = sorted(put, key=lambda one: one.attempted_at, reverse=True)
    page, after = deliveries.list_of(endpoint, 2)
    rest, end = deliveries.list_of(endpoint, 3, after)
    assert [*page, *rest] == newest_first
    assert after is not None
    assert end is None
    with pytest.raises(InvalidInput):
        deliveries.list_of(endpoint, 2, ["made up"])


def test_the_table_removes_a_delivery_after_thirty_days(
    deliveries: DynamoDBDeliveryLog, client: "DynamoDBClient", table: str
) -> None:
    put = delivery()
    deliveries.put(put)
    reply = client.get_item(TableName=table, Key={"Id": {"S": f"webhook-deliveries:{put.id}"}})
    assert int(reply["Item"]["ExpiresAt"]["N"]) == (NOW + KEPT_FOR).timestamp()
    expiry = client.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    assert (expiry["TimeToLiveStatus"], expiry["AttributeName"]) == ("ENABLED", "ExpiresAt")


def test_no_rebuild_of_the_documents_takes_the_deliveries_along(
    deliveries: DynamoDBDeliveryLog, client: "DynamoDBClient", table: str
) -> None:
    put = delivery()
    deliveries.put(put)
    DocumentProjection("carts", client, table, contexts.projectors_of("carts")).retain([7])
    assert deliveries.find(put.id) == put


def test_groups_share_the_table_of_the_processes_and_nothing_else(
    client: "DynamoDBClient", contract_resources: Resources
) -> None:
    name = contract_resources.names["ProcessTable"]
    processes, groups = DynamoDBInstances(client, name), DynamoDBInstances(client, name, space="webhooks")
    stream_id = uuid4()
    order = Instance(stream_id, "Order", 0, {"payment_due": "soon"}, NOW)
    group = Instance(stream_id, "WebhookGroup", 0, {"attempts": 1}, NOW)
    processes.save(order, -1)
    groups.save(group, -1)
    assert (processes.find(stream_id), groups.find(stream_id)) == (order, group)
    assert order in processes.list_due(NOW, 1000)
    assert group not in processes.list_due(NOW, 1000)
    assert group in groups.list_due(NOW, 1000)
    processes.retain([7])
    assert groups.find(stream_id) == group
