"""The master key is asked once a minute for each wrapped key, and never for what nobody has read from the table."""

from collections import Counter

import pytest

from chalicelib.platform.errors import Unavailable
from chalicelib.platform.privacy import unwrapping
from chalicelib.platform.privacy.unwrapping import MEMORY, Unwrapper


class CountingMasterKey:
    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()

    def wrap(self, key: bytes, person_id: str) -> bytes:
        return person_id.encode() + key

    def unwrap(self, wrapped: bytes, person_id: str) -> bytes:
        self.asked[person_id] += 1
        if person_id == "away":
            raise Unavailable("The master key is away.")
        return wrapped.removeprefix(person_id.encode())


class Watch:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_what_was_unwrapped_is_remembered_for_a_minute() -> None:
    master_key, watch = CountingMasterKey(), Watch()
    unwrapper = Unwrapper(master_key, watch)
    for _ in range(2):
        assert unwrapper.unwrap_many({"a": b"a1", "b": b"b2"}) == {"a": b"1", "b": b"2"}
    assert master_key.asked == {"a": 1, "b": 1}
    watch.now += MEMORY
    unwrapper.unwrap_many({"a": b"a1"})
    assert master_key.asked == {"a": 2, "b": 1}


def test_a_new_key_of_the_same_person_is_another_one() -> None:
    unwrapper = Unwrapper(CountingMasterKey(), Watch())
    assert unwrapper.unwrap_many({"a": b"a1"}) == {"a": b"1"}
    assert unwrapper.unwrap_many({"a": b"a2"}) == {"a": b"2"}
    assert unwrapper.unwrap_many({}) == {}


def test_a_memory_that_is_full_is_emptied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unwrapping, "MOST", 3)
    master_key = CountingMasterKey()
    unwrapper = Unwrapper(master_key, Watch())
    unwrapper.unwrap_many({"a": b"a1", "b": b"b2"})
    assert len(unwrapper.unwrap_many({name: f"{name}1".encode() for name in "cdef"})) == 4
    unwrapper.unwrap_many({"a": b"a1"})
    assert master_key.asked["a"] == 2


def test_a_master_key_that_is_away_is_no_erasure() -> None:
    unwrapper = Unwrapper(CountingMasterKey(), Watch())
    with pytest.raises(Unavailable):
        unwrapper.unwrap_many({"a": b"a1", "away": b"away2"})
