"""What all counters promise that containers share."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from chalicelib.platform.counters.dynamodb import DynamoDBCounters
from chalicelib.platform.counters.port import Counters, MemoryCounters
from local.resources import Resources
from tests.support.stored import SOME_TIME as NOW

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

UNTIL = NOW + timedelta(hours=1)
LATER = NOW + timedelta(hours=2)
TWO: Mapping[str, int] = {"tries": 2}


@pytest.fixture(params=["memory", "dynamodb"])
def counters(request: pytest.FixtureRequest) -> Counters:
    if request.param == "memory":
        return MemoryCounters()
    client: DynamoDBClient = request.getfixturevalue("client")
    resources: Resources = request.getfixturevalue("contract_resources")
    return DynamoDBCounters(client, resources.names["CountersTable"])


@pytest.fixture
def key() -> str:
    return f"some/{uuid4()}"


def taken(counters: Counters, key: str) -> dict[str, int]:
    counts = counters.find(key, NOW)
    return {} if counts is None else dict(counts.taken)


def test_a_count_is_taken_up_to_its_most_and_then_says_until_when(counters: Counters, key: str) -> None:
    assert counters.find(key, NOW) is None
    later = NOW + timedelta(minutes=10)
    answers = [counters.take(key, TWO, now, now + timedelta(hours=1)) for now in (NOW, later, later)]
    assert answers == [None, None, UNTIL]
    assert taken(counters, key) == {"tries": 2}


def test_of_several_counts_all_are_taken_or_none(counters: Counters, key: str) -> None:
    assert counters.take(key, {"all": 2, "one kind": 1}, NOW, UNTIL) is None
    assert counters.take(key, {"all": 2, "one kind": 1}, NOW, UNTIL) == UNTIL
    assert taken(counters, key) == {"all": 1, "one kind": 1}
    assert counters.take(key, {"all": 2, "another": 1}, NOW, UNTIL) is None
    assert counters.take(key, {"all": 2, "a third": 1}, NOW, UNTIL) == UNTIL
    assert taken(counters, key) == {"all": 2, "one kind": 1, "another": 1}


def test_a_count_begins_anew_at_its_end(counters: Counters, key: str) -> None:
    counters.take(key, {"tries": 1}, NOW, UNTIL)
    assert counters.take(key, {"tries": 1}, UNTIL - timedelta(milliseconds=1), LATER) == UNTIL
    assert counters.find(key, UNTIL) is None
    assert counters.take(key, {"tries": 1}, UNTIL, LATER) is None
    assert counters.take(key, {"tries": 1}, UNTIL, LATER) == LATER


def test_what_is_given_back_can_be_taken_again_and_never_more(counters: Counters, key: str) -> None:
    counters.take(key, {"tries": 1}, NOW, UNTIL)
    for _ in range(2):
        counters.give_back(key, ["tries"], NOW)
    assert taken(counters, key) == {"tries": 0}
    assert [counters.take(key, {"tries": 1}, NOW, UNTIL) for _ in range(2)] == [None, UNTIL]


def test_nothing_is_given_back_to_counts_that_have_begun_anew_or_never_began(counters: Counters, key: str) -> None:
    counters.give_back(key, ["tries"], NOW)
    counters.take(key, TWO, NOW, UNTIL)
    counters.give_back(key, ["tries"], UNTIL)
    assert taken(counters, key) == {"tries": 1}


def test_however_many_take_at_once_no_count_exceeds_its_most(counters: Counters, key: str) -> None:
    counters.take(key, {"tries": 5}, NOW - timedelta(hours=2), NOW - timedelta(hours=1))
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: counters.take(key, {"tries": 5}, NOW, UNTIL), range(32)))
    assert answers.count(None) == 5
    assert taken(counters, key) == {"tries": 5}


def test_all_containers_share_one_salt(counters: Counters, key: str) -> None:
    assert counters.salt(key, b"first", UNTIL) == b"first"
    assert counters.salt(key, b"second", UNTIL) == b"first"
