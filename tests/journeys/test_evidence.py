"""An operator's questions: has anybody touched the log, and which stream waits for what?"""

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import boto3
import pytest

from chalicelib import composition
from chalicelib.platform.bus.message import to_bus
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.eventsourcing.stores.dynamodb.items import to_item
from chalicelib.shop.venues.events import VenueDetailsChanged
from ops.__main__ import main
from tests.journeys.shop import ANY_VERSION, VENUE, Json, Shop, made, publish_concert
from tests.support.tampering import edited, resealed

pytestmark = pytest.mark.needs_the_stack

Ask = Callable[..., tuple[int, list[Json]]]


@pytest.fixture
def ask_with_status(shop: Shop, capsys: pytest.CaptureFixture[str]) -> Ask:
    """An operator's command: its exit status and what it prints for machines."""
    assert shop.stack

    def run(*arguments: str) -> tuple[int, list[Json]]:
        capsys.readouterr()
        status = main([*arguments, "--json"])
        return status, json.loads(capsys.readouterr().out)

    return run


class Intruder:
    """Somebody with write access to the table, and nothing else."""

    def __init__(self, shop: Shop, stream_id: UUID) -> None:
        self._client = shop.stack.aws.dynamodb
        self._table = shop.stack.environment["EVENTS_TABLE"]
        self.stream_id = stream_id
        self.before = composition.current().event_store.read(stream_id)

    def leave(self, stream: list[StoredEvent]) -> None:
        """The log has these events of the stream, and no others."""
        for event in self.before:
            key: Any = {name: to_item(event)[name] for name in ("AggregateId", "AggregateVersion")}
            self._client.delete_item(TableName=self._table, Key=key)
        for event in stream:
            self._client.put_item(TableName=self._table, Item=to_item(event))


@pytest.fixture
def intruder(shop: Shop) -> Iterator[Intruder]:
    concert = publish_concert(shop.organiser())
    shop.settle()
    somebody = Intruder(shop, UUID(concert.concert_id))
    assert len(somebody.before) == 4
    yield somebody
    somebody.leave(somebody.before)
    shop.settle()


Tampering = Callable[[list[StoredEvent]], list[StoredEvent]]


def swapped(stream: list[StoredEvent]) -> list[StoredEvent]:
    return [stream[0], replace(stream[1], data=stream[2].data), replace(stream[2], data=stream[1].data), stream[3]]


TAMPERING: dict[str, tuple[Tampering, list[int]]] = {
    "an event edited": (lambda stream: [*stream[:2], edited(stream[2]), stream[3]], [2]),
    "the last event edited": (lambda stream: [*stream[:3], edited(stream[3])], [3]),
    "an event edited and sealed anew": (lambda stream: [stream[0], edited(stream[1], sealed=True), *stream[2:]], [1]),
    "two events swapped": (swapped, [1, 2]),
    "an event deleted in the middle": (lambda stream: [*stream[:2], stream[3]], [2]),
    "the first event deleted": (lambda stream: stream[1:], [0]),
    "the last event deleted": (lambda stream: stream[:-1], [3]),
    "all but the first deleted": (lambda stream: stream[:1], [3]),
    "the whole stream deleted": (lambda _: [], [3]),
    "a chain forged from the edit on": (lambda stream: resealed([stream[0], edited(stream[1]), *stream[2:]]), [3]),
}


@pytest.mark.parametrize(("tamper", "versions"), TAMPERING.values(), ids=TAMPERING)
def test_whatever_is_done_to_stored_events_the_stream_and_version_are_named(
    intruder: Intruder, ask_with_status: Ask, tamper: Tampering, versions: list[int]
) -> None:
    stream = str(intruder.stream_id)
    assert ask_with_status("verify", "--chain", "--stream", stream)[0] == 0
    intruder.leave(tamper(intruder.before))
    for scope in (["--stream", stream], []):
        status, [answer] = ask_with_status("verify", "--chain", *scope)
        named = {int(fault["version"]) for fault in answer["faults"] if fault["stream"] == stream}
        assert (status, named) == (1, set(versions))


def test_what_a_verification_finds_is_told_to_the_alarm(intruder: Intruder, ask_with_status: Ask) -> None:
    def told() -> float:
        now = datetime.now(UTC)
        [metric] = boto3.client("cloudwatch").get_metric_data(
            MetricDataQueries=[
                {
                    "Id": "faults",
                    "MetricStat": {
                        "Metric": {
                            "Namespace": "Cloudbash",
                            "MetricName": "ChainFaults",
                            "Dimensions": [{"Name": "Stage", "Value": "dev"}],
                        },
                        "Period": 60,
                        "Stat": "Maximum",
                    },
                }
            ],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(minutes=1),
        )["MetricDataResults"]
        return max(metric["Values"], default=0)

    intruder.leave(intruder.before[:-1])
    assert ask_with_status("verify", "--chain", "--tell", "--stream", str(intruder.stream_id))[0] == 1
    assert told() == 0
    status, [answer] = ask_with_status("verify", "--chain", "--tell")
    assert (status, told()) == (1, len(answer["faults"]))


def test_a_log_that_nobody_touched_is_sound_and_the_report_says_until_when(shop: Shop, ask_with_status: Ask) -> None:
    concert = publish_concert(shop.organiser())
    shop.settle()
    status, [answer] = ask_with_status("verify", "--chain", "--stream", concert.concert_id)
    assert (status, answer["faults"], answer["events"]) == (0, [], 4)
    assert answer["signed heads"] >= 1
    assert answer["signed until"].endswith("Z")


def test_a_parked_stream_is_listed_explained_and_redriven(
    shop: Shop, ask_with_status: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    organiser = shop.organiser()
    venue_id = made(organiser.post("/venues", json=VENUE))["id"]
    other_id = made(organiser.post("/venues", json=VENUE))["id"]
    shop.settle()
    live = composition.current().consumer("programme").projection.fed_generations()[0]
    project = live.apply

    def allergic(stream_id: UUID, position: int, events: Any) -> None:
        if any(isinstance(one.event, VenueDetailsChanged) for one in events):
            raise ValueError("capacities give me a rash")
        project(stream_id, position, events)

    with monkeypatch.context() as broken:
        broken.setattr(live, "apply", allergic)
        for capacity in (7, 8, 9):
            made(organiser.patch(f"/venues/{venue_id}", json={"capacity": capacity}, headers=ANY_VERSION))
        made(organiser.patch(f"/venues/{other_id}", json={"capacity": 7}, headers=ANY_VERSION))
        shop.settle()
        _, listed = ask_with_status("parked", "--projection", "programme")
        mine = {line["stream"]: line for line in listed if line["stream"] in {venue_id, other_id}}
        assert {stream: (line["version"], line["waiting"]) for stream, line in mine.items()} == {
            venue_id: (1, 3),
            other_id: (1, 1),
        }
        assert mine[venue_id]["reason"] == "ValueError: capacities give me a rash"
        status, [again] = ask_with_status("redrive", "--stream", venue_id)
        assert (status, again["now"]) == (1, "parked at version 1")

    status, explained = ask_with_status("explain", venue_id)
    places = {place["where"]: place for place in explained}
    assert status == 0
    assert (places["the log"]["version"], places["the log"]["state"]) == (3, "sound")
    assert places["programme"]["missing"] == [1, 2, 3]
    assert (places["programme"]["version"], places["programme"]["state"]) == (0, "parked")
    assert places["sales"]["state"] == "current"
    assert set(places) == {"the log", "programme", "sales"}

    for stream in (venue_id, other_id):
        status, [line] = ask_with_status("redrive", "--stream", stream, "--projection", "programme")
        assert (status, line["now"]) == (0, "current")
    assert made(shop.visitor().get(f"/venues/{venue_id}"))["capacity"] == 9
    assert {place["state"] for place in ask_with_status("explain", venue_id)[1]} == {"sound", "current"}
    assert not {line["stream"] for line in ask_with_status("parked")[1] if "stream" in line} & {venue_id, other_id}


def test_what_is_not_parked_cannot_be_redriven(ask_with_status: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask_with_status is not None
    assert main(["redrive", "--stream", str(uuid4())]) == 1
    assert "not_found" in capsys.readouterr().err


def test_a_record_that_nobody_can_read_is_listed_with_its_bytes_and_redriven(
    shop: Shop, ask_with_status: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    organiser = shop.organiser()
    venue_id = made(organiser.post("/venues", json=VENUE))["id"]
    with monkeypatch.context() as broken:
        broken.setattr("chalicelib.platform.bus.consumer.from_bus", unheard_of)
        shop.settle()
    assert shop.visitor().get(f"/venues/{venue_id}").status_code == 404
    [event] = composition.current().event_store.read(UUID(venue_id))
    _, listed = ask_with_status("unreadable")
    mine = [record for record in listed if record["data_base64"] == encoded(event)]
    assert {record["consumer"] for record in mine} == {"programme", "sales", "carts", "availability", "processes"}
    assert {record["shard"].partition("-")[0] for record in mine} == {"shardId"}
    assert "KeyError" in mine[0]["error"]

    status, lines = ask_with_status("redrive", "--unreadable")
    assert (status, {line["now"] for line in lines}) == (0, {"read"})
    assert made(shop.visitor().get(f"/venues/{venue_id}"))["name"] == VENUE["name"]
    assert ask_with_status("unreadable")[1] == []


def unheard_of(_: bytes) -> StoredEvent:
    raise KeyError("a field of the future")


def encoded(event: StoredEvent) -> str:
    return b64encode(to_bus(event)).decode()
