"""The event pump delivers as Lambda's event source mappings do."""

import itertools
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest
from botocore.exceptions import EndpointConnectionError

from local.feed import Feed, Subscription
from local.invocation import first_failure
from local.pump import Mapping, Pump, PumpStuck
from local.stack import Stack
from local.streams import IteratorLost, Page, Record, Shard
from tests.faults.local_stack.processes import WITHIN, Event, eventually, put


class Sink:
    """A handler that remembers its batches, and fails as told."""

    def __init__(self, *answers: Any) -> None:
        self.batches: list[list[str]] = []
        self._answers = list(answers)

    def __call__(self, event: Event, _: Any) -> Any:
        batch = [record["kinesis"]["sequenceNumber"] for record in event["Records"]]
        self.batches.append(batch)
        answer = self._answers.pop(0) if self._answers else None
        if isinstance(answer, Exception):
            raise answer
        return answer(batch) if callable(answer) else answer


def failed(sequence_number: str) -> Event:
    return {"batchItemFailures": [{"itemIdentifier": sequence_number}]}


def publish(stack: Stack, count: int, key: str = "stream") -> list[str]:
    """Onto the bus, past the log; gives the sequence numbers."""
    bus = stack.environment["EVENT_BUS"]
    answers = [stack.aws.kinesis.put_record(StreamName=bus, PartitionKey=key, Data=b"{}") for _ in range(count)]
    return [answer["SequenceNumber"] for answer in answers]


def forwarder(stack: Stack) -> Callable[[Event, Any], None]:
    def forward(event: Event, _: Any) -> None:
        for record in event["Records"]:
            stack.aws.kinesis.put_record(
                StreamName=stack.environment["EVENT_BUS"],
                PartitionKey=record["dynamodb"]["Keys"]["AggregateId"]["S"],
                Data=json.dumps(record["dynamodb"]["NewImage"]).encode(),
            )

    return forward


def worker(stack: Stack, handler: Callable[[Event, Any], Any]) -> Mapping:
    return Mapping("work", "sqs", handler, 10, queue=stack.environment["WORK_QUEUE"])


def test_the_pump_works_the_queue_off_and_brings_back_what_failed(empty_stack: Stack) -> None:
    url = empty_stack.environment["WORK_QUEUE_URL"]
    for number in range(15):
        empty_stack.aws.sqs.send_message(QueueUrl=url, MessageBody=str(number))
    tries: dict[str, int] = {}

    def odd_ones_fail_once(event: Event, _: Any) -> Any:
        failed = []
        for record in event["Records"]:
            tries[record["body"]] = tries.get(record["body"], 0) + 1
            if int(record["body"]) % 2 and tries[record["body"]] == 1:
                failed.append({"itemIdentifier": record["messageId"]})
        return {"batchItemFailures": failed}

    Pump.connect(
        [Mapping("work", "sqs", odd_ones_fail_once, 10, queue=empty_stack.environment["WORK_QUEUE"])],
        empty_stack.environment,
    ).drain()
    assert tries == {str(number): 1 + number % 2 for number in range(15)}


def test_what_fails_too_often_goes_to_the_dead_letters(empty_stack: Stack) -> None:
    queues = [empty_stack.environment["WORK_QUEUE_URL"], empty_stack.environment["WORK_QUEUE_URL"] + "-dead-letters"]
    empty_stack.aws.sqs.send_message(QueueUrl=queues[0], MessageBody="hopeless")

    def fail(_: Event, __: Any) -> Any:
        raise RuntimeError("always")

    Pump.connect(
        [Mapping("work", "sqs", fail, 10, queue=empty_stack.environment["WORK_QUEUE"])], empty_stack.environment
    ).drain()
    dead = empty_stack.aws.sqs.receive_message(QueueUrl=queues[1]).get("Messages", [])
    assert [message["Body"] for message in dead] == ["hopeless"]


def test_scheduled_functions_run_when_a_minute_has_passed(empty_stack: Stack) -> None:
    events: list[Event] = []

    def run(event: Event, _: Any) -> None:
        events.append(event)

    pump = Pump.connect([Mapping("watch", "schedule", run)], empty_stack.environment)
    pump.drain()
    assert events == []
    pump.tick()
    assert [event["detail-type"] for event in events] == ["Scheduled Event"]


def test_the_pump_forwards_and_then_delivers_in_shard_order(empty_stack: Stack) -> None:
    for version in range(25):
        put(empty_stack, "stream", version)
    sink = Sink()
    mappings = [Mapping("forward", "dynamodb", forwarder(empty_stack), 10), Mapping("consume", "bus", sink, 10)]
    Pump.connect(mappings, empty_stack.environment).drain()
    delivered = [number for batch in sink.batches for number in batch]
    assert len(delivered) == 25
    assert delivered == sorted(delivered)


def test_the_events_look_as_lambda_sends_them(empty_stack: Stack) -> None:
    put(empty_stack, "stream", 0)
    publish(empty_stack, 1)
    events: list[Event] = []
    keep = [
        Mapping("changes", "dynamodb", lambda e, _: events.append(e)),
        Mapping("bus", "bus", lambda e, _: events.append(e)),
    ]
    Pump.connect(keep, empty_stack.environment).drain()
    change, message = (event["Records"][0] for event in events)
    assert change["dynamodb"]["NewImage"]["Blob"] == {"B": "AP8="}
    assert change["dynamodb"]["Keys"] == {"AggregateId": {"S": "stream"}, "AggregateVersion": {"N": "0"}}
    assert isinstance(change["dynamodb"]["ApproximateCreationDateTime"], float)
    assert (change["eventName"], change["eventSource"]) == ("INSERT", "aws:dynamodb")
    assert change["eventSourceARN"] == empty_stack.environment["EVENTS_STREAM_ARN"]
    assert message["kinesis"]["data"] == "e30="
    assert isinstance(message["kinesis"]["approximateArrivalTimestamp"], float)
    assert message["eventID"] == f"shardId-000000000000:{message['kinesis']['sequenceNumber']}"
    assert (message["eventName"], message["eventSource"]) == ("aws:kinesis:record", "aws:kinesis")


def test_a_batch_whose_handler_raises_comes_again_whole(empty_stack: Stack) -> None:
    sent = publish(empty_stack, 3)
    sink = Sink(RuntimeError("away"), RuntimeError("still away"))
    Pump.connect([Mapping("consume", "bus", sink)], empty_stack.environment).drain()
    assert sink.batches == [sent, sent, sent]


def test_after_batch_item_failures_delivery_goes_on_from_the_first_failed_record(empty_stack: Stack) -> None:
    sent = publish(empty_stack, 5)
    two_failed = {"batchItemFailures": [{"itemIdentifier": sent[4]}, {"itemIdentifier": sent[2]}]}
    sink = Sink(two_failed, failed(sent[3]))
    Pump.connect([Mapping("consume", "bus", sink)], empty_stack.environment).drain()
    assert sink.batches == [sent, sent[2:], sent[3:]]


@pytest.mark.parametrize(
    ("answer", "done"),
    [
        (None, 3),
        ({}, 3),
        ({"batchItemFailures": []}, 3),
        ({"batchItemFailures": None}, 3),
        ({"batchItemFailures": [{"itemIdentifier": "2"}]}, 1),
        ({"batchItemFailures": [{"itemIdentifier": "3"}, {"itemIdentifier": "2"}]}, 1),
        ({"batchItemFailures": [{"itemIdentifier": ""}]}, 0),
        ({"batchItemFailures": [{"itemIdentifier": None}]}, 0),
        ({"batchItemFailures": [{"itemIdentifier": "9"}]}, 0),
        ({"batchItemFailures": [{"wrong": "2"}]}, 0),
        ({"batchItemFailures": "2"}, 0),
    ],
)
def test_an_answer_counts_as_lambda_counts_it(answer: Any, done: int) -> None:
    assert first_failure(["1", "2", "3"], answer) == done


def test_a_failing_mapping_does_not_hold_back_another(empty_stack: Stack) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("for ever")

    sent = publish(empty_stack, 3)
    sink = Sink()
    mappings = [Mapping("broken", "bus", fail), Mapping("well", "bus", sink)]
    with pytest.raises(PumpStuck, match="broken"):
        Pump.connect(mappings, empty_stack.environment).drain(timeout=0.2)
    assert sink.batches == [sent]


def test_a_running_pump_delivers_what_comes_in_and_ends_when_told(empty_stack: Stack) -> None:
    sink = Sink(RuntimeError("once"))
    mappings = [Mapping("forward", "dynamodb", forwarder(empty_stack)), Mapping("consume", "bus", sink)]
    pump = Pump.connect(mappings, empty_stack.environment)
    stop = threading.Event()
    thread = threading.Thread(target=pump.run, args=(stop,))
    thread.start()
    try:
        put(empty_stack, "stream", 0)
        eventually(lambda: len(sink.batches) == 2, "not delivered")
        put(empty_stack, "stream", 1)
        eventually(lambda: len(sink.batches) == 3, "not delivered")
    finally:
        stop.set()
        thread.join(WITHIN)
    assert not thread.is_alive()


def test_draining_twice_gives_the_same_calls_and_then_none(empty_stack: Stack) -> None:
    for version in range(7):
        put(empty_stack, "stream", version)
    publish(empty_stack, 4)

    def calls() -> list[tuple[str, str]]:
        made: list[tuple[str, str]] = []

        def note(name: str) -> Callable[[Event, Any], None]:
            return lambda event, _: made.extend((name, record["eventID"]) for record in event["Records"])

        mappings = [Mapping("changes", "dynamodb", note("changes"), 3)]
        mappings += [Mapping(name, "bus", note(name), 3) for name in ("first", "second")]
        pump = Pump.connect(mappings, empty_stack.environment)
        pump.drain()
        before = list(made)
        pump.drain()
        assert made == before
        return made

    first_time = calls()
    assert len(first_time) == 7 + 4 + 4
    assert calls() == first_time


def test_what_handlers_add_while_draining_is_drained_too(empty_stack: Stack) -> None:
    rounds: list[int] = []

    def add_another(event: Event, _: Any) -> None:
        rounds.append(len(event["Records"]))
        if len(rounds) < 4:
            put(empty_stack, "stream", len(rounds))

    put(empty_stack, "stream", 0)
    mappings = [Mapping("forward", "dynamodb", forwarder(empty_stack)), Mapping("process", "bus", add_another)]
    Pump.connect(mappings, empty_stack.environment).drain()
    assert rounds == [1, 1, 1, 1]


def test_shards_that_a_split_made_are_found(empty_stack: Stack) -> None:
    bus = empty_stack.environment["EVENT_BUS"]
    sink = Sink()
    pump = Pump.connect([Mapping("consume", "bus", sink)], empty_stack.environment)
    before = publish(empty_stack, 2)
    pump.drain()
    shard = empty_stack.aws.kinesis.list_shards(StreamName=bus)["Shards"][0]
    middle = str(int(shard["HashKeyRange"]["EndingHashKey"]) // 2)
    empty_stack.aws.kinesis.split_shard(StreamName=bus, ShardToSplit=shard["ShardId"], NewStartingHashKey=middle)
    after = publish(empty_stack, 5, key="a") + publish(empty_stack, 5, key="b")
    pump.drain()
    assert sink.batches[0] == before
    assert sorted(number for batch in sink.batches[1:] for number in batch) == sorted(after)


class SplitStream:
    """A parent that is closed after its records, and two children that are listed before it."""

    name = "a split stream"
    RECORDS: ClassVar = {"left": ["4"], "right": ["5"], "parent": ["1", "2", "3"]}

    def shards(self) -> Iterator[Shard]:
        return iter([Shard("left", ("parent",)), Shard("right", ("parent",)), Shard("parent", ("long ago",))])

    def iterator(self, *_: str | None) -> str:
        return "start"

    def read(self, shard_id: str, iterator: str) -> Page:
        found = [Record(number, {"kinesis": {"sequenceNumber": number}}) for number in self.RECORDS[shard_id]]
        if shard_id == "parent":
            return Page(found, None)
        return Page(found if iterator == "start" else [], "end")


def test_children_of_a_shard_wait_until_every_record_of_their_parent_is_delivered() -> None:
    sink = Sink(RuntimeError("not yet"), lambda batch: failed(batch[-1]))
    Pump([Mapping("consume", "bus", sink, 10)], {"bus": SplitStream()}).drain()
    assert sink.batches == [["1", "2", "3"], ["1", "2", "3"], ["3"], ["4"], ["5"]]


class FailingStream:
    """Three records, one a page; between the pages the emulator is away, or has forgotten the iterator it gave."""

    name = "a stream that fails"

    def __init__(self) -> None:
        self._failures = itertools.cycle([EndpointConnectionError(endpoint_url="nowhere"), None, IteratorLost(), None])

    def shards(self) -> Iterator[Shard]:
        return iter([Shard("only")])

    def iterator(self, _: str, after: str | None) -> str:
        return after or "0"

    def read(self, _: str, iterator: str) -> Page:
        if failure := next(self._failures):
            raise failure
        number = str(int(iterator) + 1)
        if number == "4":
            return Page([], iterator)
        return Page([Record(number, {"kinesis": {"sequenceNumber": number}})], number)


def test_an_emulator_that_is_away_or_forgets_where_we_were_costs_no_record() -> None:
    sink = Sink()
    Pump([Mapping("consume", "bus", sink)], {"bus": FailingStream()}).drain()
    assert [number for batch in sink.batches for number in batch] == ["1", "2", "3"]


def test_each_consumer_of_a_feed_has_its_own_place() -> None:
    slow, fast = Subscription(), Subscription()
    Feed(SplitStream(), [slow, fast]).read_all()
    (waiting,) = fast.due()
    fast.took(waiting, 3)
    assert {waiting.shard.id for waiting in fast.due()} == {"left", "right"}
    assert [waiting.shard.id for waiting in slow.due()] == ["parent"]
