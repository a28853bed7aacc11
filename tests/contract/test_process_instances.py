"""What every place that keeps processes promises, and the queue of their work."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from chalicelib.platform.bus.projection import PositionMoved
from chalicelib.platform.errors import Unavailable
from chalicelib.platform.processes.dynamodb import DynamoDBInstances
from chalicelib.platform.processes.process import STUCK, Instance, Instances, MemoryInstances
from chalicelib.platform.processes.sqs import SqsWorkQueue
from chalicelib.platform.processes.work import Task, from_message
from chalicelib.shop.orders.task_kinds import CANCEL_ORDER
from local.emulator import Emulator
from local.resources import Aws, Resources
from tests.support.faults import lose_replies, refuse
from tests.support.stored import SOME_TIME as NOW

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

MINUTE = timedelta(minutes=1)


@pytest.fixture
def kept_in_dynamodb(client: "DynamoDBClient", contract_resources: Resources) -> DynamoDBInstances:
    return DynamoDBInstances(client, contract_resources.names["ProcessTable"])


@pytest.fixture(params=["memory", "dynamodb"])
def instances(request: pytest.FixtureRequest) -> Instances:
    if request.param == "memory":
        return MemoryInstances()
    found: DynamoDBInstances = request.getfixturevalue("kept_in_dynamodb")
    return found


def instance(version: int = 0, stream_id: UUID | None = None, due: timedelta | None = MINUTE) -> Instance:
    due_at = None if due is None else NOW + due
    return Instance(stream_id or uuid4(), "Order", version, {"payment_due": "soon"}, due_at)


@pytest.mark.parametrize("due", [None, MINUTE], ids=["not due", "due"])
def test_what_was_saved_is_found_as_it_was(instances: Instances, due: timedelta | None) -> None:
    saved = instance(due=due)
    assert instances.find(saved.stream_id) is None
    instances.save(saved, -1)
    assert instances.find(saved.stream_id) == saved


def test_a_save_that_did_not_see_the_last_one_is_refused(instances: Instances) -> None:
    first = instance()
    instances.save(first, -1)
    with pytest.raises(PositionMoved):
        instances.save(instance(1, first.stream_id), -1)
    instances.save(instance(1, first.stream_id), 0)
    with pytest.raises(PositionMoved):
        instances.save(instance(2, first.stream_id), 0)


def test_what_is_due_is_listed_from_its_time_on_and_no_longer_than_it_is_due(instances: Instances) -> None:
    due, later = instance(), instance(due=2 * MINUTE)
    instances.save(due, -1)
    instances.save(later, -1)

    def listed(now: timedelta) -> set[UUID]:
        found = {one.stream_id for one in instances.list_due(NOW + now, 1000)}
        return found & {due.stream_id, later.stream_id}

    assert listed(MINUTE - timedelta(milliseconds=1)) == set()
    assert listed(MINUTE) == {due.stream_id}
    assert listed(2 * MINUTE) == {due.stream_id, later.stream_id}
    instances.save(instance(1, due.stream_id, due=None), 0)
    assert listed(2 * MINUTE) == {later.stream_id}


def test_only_as_many_as_wanted_are_listed(instances: Instances) -> None:
    for _ in range(3):
        instances.save(instance(), -1)
    assert len(instances.list_due(NOW + MINUTE, 2)) == 2


def test_what_waits_for_an_operator_is_listed_apart_and_is_never_due(instances: Instances) -> None:
    stuck, due = instance(due=STUCK - NOW), instance()
    for one in (stuck, due):
        instances.save(one, -1)
    listed = {one.stream_id for one in instances.list_stuck(1000)} & {stuck.stream_id, due.stream_id}
    assert listed == {stuck.stream_id}
    assert stuck.stream_id not in {one.stream_id for one in instances.list_due(NOW + 10**6 * MINUTE, 1000)}
    instances.save(instance(1, stuck.stream_id, due=None), 0)
    assert stuck.stream_id not in {one.stream_id for one in instances.list_stuck(1000)}


def test_an_unchanged_instance_is_postponed_once(instances: Instances) -> None:
    saved = instance()
    instances.save(saved, -1)
    assert instances.postpone(saved, NOW + 5 * MINUTE)
    assert not instances.postpone(saved, NOW + 5 * MINUTE)
    found = instances.find(saved.stream_id)
    assert found is not None
    assert (found.version, found.due_at) == (0, NOW + 5 * MINUTE)


def test_an_instance_that_moved_on_is_not_postponed(instances: Instances) -> None:
    saved = instance()
    instances.save(saved, -1)
    instances.save(instance(1, saved.stream_id), 0)
    assert not instances.postpone(saved, NOW + 5 * MINUTE)
    assert not instances.postpone(instance(due=None), NOW)


def test_a_save_whose_reply_was_lost_is_a_success(
    kept_in_dynamodb: DynamoDBInstances, client: "DynamoDBClient"
) -> None:
    saved = instance()
    lost = lose_replies(client, "PutItem")
    kept_in_dynamodb.save(saved, -1)
    assert lost
    assert kept_in_dynamodb.find(saved.stream_id) == saved


def test_a_throttled_table_is_a_transient_failure(
    kept_in_dynamodb: DynamoDBInstances, client: "DynamoDBClient"
) -> None:
    refuse(client, "PutItem", "ThrottlingException")
    with pytest.raises(Unavailable):
        kept_in_dynamodb.save(instance(), -1)


def test_tasks_arrive_in_the_queue_however_many_they_are(
    contract_emulator: Emulator, contract_resources: Resources
) -> None:
    sqs, url = Aws(contract_emulator.url).sqs, contract_resources.queue_urls["WorkQueue"]
    tasks = [Task(CANCEL_ORDER, uuid4(), "cause") for _ in range(25)]
    SqsWorkQueue(sqs, url).send(tasks)
    SqsWorkQueue(sqs, url).send([])
    assert SqsWorkQueue(sqs, url).count() == 25
    arrived = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        arrived += [from_message(message["Body"]) for message in messages]
    assert set(arrived) == set(tasks)


def test_a_queue_that_is_not_there_is_a_transient_failure(
    contract_emulator: Emulator, contract_resources: Resources
) -> None:
    url = contract_resources.queue_urls["WorkQueue"] + "-gone"
    with pytest.raises(Unavailable):
        SqsWorkQueue(Aws(contract_emulator.url).sqs, url).send([Task(CANCEL_ORDER, uuid4(), "cause")])
    with pytest.raises(Unavailable):
        SqsWorkQueue(Aws(contract_emulator.url).sqs, url).count()


def test_a_delayed_task_never_comes_early() -> None:
    sent: list[int] = []

    class Client:
        def send_message_batch(self, **request: Any) -> dict[str, Any]:
            sent.extend(entry["DelaySeconds"] for entry in request["Entries"])
            return {}

    for delay in (timedelta(), timedelta(seconds=4.001), timedelta(seconds=5), timedelta(hours=1)):
        SqsWorkQueue(Client(), "url").send([Task(CANCEL_ORDER, uuid4(), "cause")], delay)
    assert sent == [0, 5, 5, 900]
