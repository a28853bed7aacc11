"""Registers of tickets: what every place for them promises."""

from typing import Any
from uuid import uuid4

import pytest

from chalicelib.platform.errors import Misconfigured, Unavailable
from chalicelib.shop.orders.proofs.registers import MemoryRegisters, Registers, S3Registers
from local.resources import REGION

CONTENT = bytes(range(200))


@pytest.fixture
def bucket(s3: Any) -> str:
    """A bucket of the test's own, locked as the template locks it."""
    name = f"heads-{uuid4().hex}"
    s3.create_bucket(
        Bucket=name, ObjectLockEnabledForBucket=True, CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    return name


@pytest.fixture(params=["memory", "s3"])
def registers(request: pytest.FixtureRequest) -> Registers:
    if request.param == "memory":
        return MemoryRegisters()
    return S3Registers(request.getfixturevalue("s3"), request.getfixturevalue("bucket"))


def test_a_register_is_read_as_it_was_put_whole_or_in_part(registers: Registers) -> None:
    concert_id = uuid4()
    registers.put(concert_id, "ab", CONTENT)
    assert registers.read(concert_id, "ab") == CONTENT
    for start, end in ((0, 33), (33, 66), (198, 200), (198, 300)):
        assert registers.read(concert_id, "ab", start, end) == CONTENT[start:end]
    assert registers.read(concert_id, "ab", 150) == CONTENT[150:]


def test_the_first_register_with_a_root_stays(registers: Registers) -> None:
    concert_id, other_id = uuid4(), uuid4()
    registers.put(concert_id, "ab", CONTENT)
    registers.put(concert_id, "ab", b"another")
    registers.put(other_id, "ab", b"of another concert")
    assert registers.read(concert_id, "ab") == CONTENT
    assert registers.read(other_id, "ab") == b"of another concert"


def test_a_register_that_is_not_there_is_for_an_operator(registers: Registers) -> None:
    with pytest.raises(Misconfigured, match="missing"):
        registers.read(uuid4(), "ab")


def test_a_bucket_that_is_away_or_missing_is_unavailable(s3: Any) -> None:
    nowhere = S3Registers(s3, f"nothing-{uuid4().hex}")
    with pytest.raises(Unavailable):
        nowhere.put(uuid4(), "ab", CONTENT)
    with pytest.raises(Unavailable):
        nowhere.read(uuid4(), "ab")
