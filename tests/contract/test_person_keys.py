"""One contract for every place where person keys lie, and what DynamoDB adds to it."""

import os
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from cryptography.exceptions import InvalidTag

from chalicelib.platform.errors import Unavailable
from chalicelib.platform.privacy.dynamodb import DynamoDBPersonKeys
from chalicelib.platform.privacy.keys import KEY_BYTES, FileMasterKey, MemoryPersonKeys, PersonKeys
from chalicelib.platform.privacy.vault import PersonVault
from local.resources import Resources
from tests.support.faults import lose_replies, refuse
from tests.support.shop import BUYER

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

pytest_plugins = ["tests.support.stores"]

THREADS = 16


@pytest.fixture
def master_key(tmp_path: Path) -> FileMasterKey:
    file = tmp_path / "master.key"
    file.write_bytes(b64encode(os.urandom(KEY_BYTES)))
    return FileMasterKey(file)


@pytest.fixture
def table(contract_resources: Resources) -> str:
    return contract_resources.names["PersonKeysTable"]


@pytest.fixture
def dynamodb_keys(client: "DynamoDBClient", table: str, master_key: FileMasterKey) -> DynamoDBPersonKeys:
    return DynamoDBPersonKeys(client, table, master_key)


@pytest.fixture(params=["memory", "dynamodb"])
def keys(request: pytest.FixtureRequest) -> PersonKeys:
    if request.param == "memory":
        return MemoryPersonKeys()
    found: DynamoDBPersonKeys = request.getfixturevalue("dynamodb_keys")
    return found


@pytest.fixture
def person() -> UUID:
    return uuid4()


def wrapped(client: "DynamoDBClient", table: str, person: UUID) -> bytes:
    item = client.get_item(TableName=table, Key={"PersonId": {"S": str(person)}})["Item"]
    return bytes(item["WrappedKey"]["B"])


def test_a_person_has_no_key_before_one_is_needed_and_the_same_ever_after(keys: PersonKeys, person: UUID) -> None:
    assert keys.find(str(person)) is None
    key = keys.get_or_create(str(person))
    assert len(key) == KEY_BYTES
    assert keys.get_or_create(str(person)) == keys.find(str(person)) == key


def test_every_person_has_another_key(keys: PersonKeys) -> None:
    assert len({keys.get_or_create(str(uuid4())) for _ in range(5)}) == 5


def test_callers_at_once_get_the_same_key(keys: PersonKeys, person: UUID) -> None:
    barrier = Barrier(THREADS)

    def ask(_: int) -> bytes:
        barrier.wait()
        return keys.get_or_create(str(person))

    with ThreadPoolExecutor(THREADS) as pool:
        assert set(pool.map(ask, range(THREADS))) == {keys.find(str(person))}


def test_an_erased_key_is_gone_and_erasing_again_is_no_error(keys: PersonKeys, person: UUID) -> None:
    key = keys.get_or_create(str(person))
    for _ in range(2):
        keys.erase(str(person))
        assert keys.find(str(person)) is None
    assert keys.get_or_create(str(person)) != key


def test_what_an_erased_key_sealed_cannot_be_opened(keys: PersonKeys, person: UUID) -> None:
    vault = PersonVault(keys)
    sealed = vault.seal(person, BUYER)
    assert PersonVault(keys).open(sealed) == BUYER
    vault.erase(person)
    assert PersonVault(keys).open(sealed) is None


def test_a_person_who_comes_back_after_an_erasure_can_be_sealed_anew(keys: PersonKeys, person: UUID) -> None:
    vault = PersonVault(keys)
    before = vault.seal(person, BUYER)
    vault.erase(person)
    after = vault.seal(person, BUYER)
    container = PersonVault(keys)
    assert container.open(after) == BUYER
    assert container.open(before) is None


def test_the_envelope_has_exactly_these_members(keys: PersonKeys, person: UUID) -> None:
    envelope = PersonVault(keys).seal(person, BUYER).model_dump(mode="json", by_alias=True)
    assert envelope.keys() == {"$enc", "key", "v"}
    assert (envelope["key"], envelope["v"]) == (str(person), 1)


# --- the master key, and what DynamoDB adds --------------------------------------------------------------------------


def test_a_wrapped_key_unwraps_for_its_person_only(master_key: FileMasterKey) -> None:
    key = os.urandom(KEY_BYTES)
    sealed = master_key.wrap(key, "carla")
    assert key not in sealed
    assert master_key.unwrap(sealed, "carla") == key
    with pytest.raises(InvalidTag):
        master_key.unwrap(sealed, "carlos")


def test_keys_lie_wrapped_in_the_table(
    dynamodb_keys: DynamoDBPersonKeys, client: "DynamoDBClient", table: str, person: UUID, master_key: FileMasterKey
) -> None:
    key = dynamodb_keys.get_or_create(str(person))
    stored = wrapped(client, table, person)
    assert key not in stored
    assert master_key.unwrap(stored, str(person)) == key


def test_a_wrapped_key_moved_to_another_person_does_not_unwrap(
    dynamodb_keys: DynamoDBPersonKeys, client: "DynamoDBClient", table: str, person: UUID
) -> None:
    dynamodb_keys.get_or_create(str(person))
    other = str(uuid4())
    item = {"PersonId": {"S": other}, "WrappedKey": {"B": wrapped(client, table, person)}}
    client.put_item(TableName=table, Item=item)  # type: ignore[arg-type]
    with pytest.raises(InvalidTag):
        dynamodb_keys.find(other)


def test_a_key_whose_making_was_not_confirmed_is_the_persons_key_all_the_same(
    dynamodb_keys: DynamoDBPersonKeys, client: "DynamoDBClient", person: UUID
) -> None:
    lost = lose_replies(client, "PutItem")
    key = dynamodb_keys.get_or_create(str(person))
    assert lost == ["PutItem"]
    assert dynamodb_keys.find(str(person)) == key


@pytest.mark.parametrize("code", ["ThrottlingException", "InternalServerError"])
def test_a_transient_failure_is_no_missing_key(
    dynamodb_keys: DynamoDBPersonKeys, client: "DynamoDBClient", person: UUID, code: str
) -> None:
    """A key that cannot be asked for must never look erased."""
    dynamodb_keys.get_or_create(str(person))
    for operation in ("GetItem", "PutItem", "DeleteItem"):
        refuse(client, operation, code)
    for work in (dynamodb_keys.find, dynamodb_keys.get_or_create, dynamodb_keys.erase):
        with pytest.raises(Unavailable):
            work(str(person))
