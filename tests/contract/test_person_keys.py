"""One contract for every place where person keys lie, and what DynamoDB adds to it."""

import os
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Barrier
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from cryptography.exceptions import InvalidTag

from chalicelib.platform.errors import AccountErased, Unavailable
from chalicelib.platform.privacy.dynamodb import DynamoDBPersonKeys
from chalicelib.platform.privacy.keys import KEY_BYTES, FileMasterKey, MemoryPersonKeys, PersonKeys
from chalicelib.platform.privacy.vault import PersonVault
from local.resources import Resources
from tests.support.faults import lose_replies, refuse
from tests.support.shop import BUYER

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

THREADS = 16


@pytest.fixture
def file_master_key(tmp_path: Path) -> FileMasterKey:
    file = tmp_path / "master.key"
    file.write_bytes(b64encode(os.urandom(KEY_BYTES)))
    return FileMasterKey(file)


@pytest.fixture
def person_keys_table(contract_resources: Resources) -> str:
    return contract_resources.names["PersonKeysTable"]


@pytest.fixture
def dynamodb_keys(
    client: "DynamoDBClient", person_keys_table: str, file_master_key: FileMasterKey
) -> DynamoDBPersonKeys:
    return DynamoDBPersonKeys(client, person_keys_table, file_master_key)


@pytest.fixture(params=["memory", "dynamodb"])
def person_keys(request: pytest.FixtureRequest) -> PersonKeys:
    if request.param == "memory":
        return MemoryPersonKeys()
    found: DynamoDBPersonKeys = request.getfixturevalue("dynamodb_keys")
    return found


@pytest.fixture
def person_id() -> UUID:
    return uuid4()


def wrapped(client: "DynamoDBClient", table: str, person: UUID) -> bytes:
    item = client.get_item(TableName=table, Key={"PersonId": {"S": str(person)}})["Item"]
    return bytes(item["WrappedKey"]["B"])


def test_a_person_has_no_key_before_one_is_needed_and_the_same_ever_after(
    person_keys: PersonKeys, person_id: UUID
) -> None:
    assert person_keys.find(str(person_id)) is None
    key = person_keys.get_or_create(str(person_id))
    assert len(key) == KEY_BYTES
    assert person_keys.get_or_create(str(person_id)) == person_keys.find(str(person_id)) == key


def test_every_person_has_another_key(person_keys: PersonKeys) -> None:
    assert len({person_keys.get_or_create(str(uuid4())) for _ in range(5)}) == 5


def test_the_keys_of_many_are_found_at_once_without_those_who_have_none(person_keys: PersonKeys) -> None:
    known = {str(uuid4()) for _ in range(205)}
    keys = {person: person_keys.get_or_create(person) for person in known}
    assert person_keys.find_many({*known, str(uuid4())}) == keys
    gone = known.pop()
    person_keys.erase(gone)
    assert person_keys.find_many({gone, *known}) == {person: keys[person] for person in known}
    assert person_keys.find_many([]) == {}


def test_callers_at_once_get_the_same_key(person_keys: PersonKeys, person_id: UUID) -> None:
    barrier = Barrier(THREADS)

    def ask(_: int) -> bytes:
        barrier.wait()
        return person_keys.get_or_create(str(person_id))

    with ThreadPoolExecutor(THREADS) as pool:
        assert set(pool.map(ask, range(THREADS))) == {person_keys.find(str(person_id))}


def test_an_erased_key_is_gone_and_erasing_again_is_no_error(person_keys: PersonKeys, person_id: UUID) -> None:
    person_keys.get_or_create(str(person_id))
    for _ in range(2):
        person_keys.erase(str(person_id))
        assert person_keys.find(str(person_id)) is None
        assert person_keys.find_many([str(person_id)]) == {}


@pytest.mark.parametrize("had_a_key", [True, False])
def test_an_erased_person_never_gets_another_key(person_keys: PersonKeys, person_id: UUID, had_a_key: bool) -> None:
    """Not even one who never had any: an order may be on its way."""
    if had_a_key:
        person_keys.get_or_create(str(person_id))
    person_keys.erase(str(person_id))
    with pytest.raises(AccountErased):
        person_keys.get_or_create(str(person_id))
    assert person_keys.find(str(person_id)) is None


def test_a_key_that_is_made_while_the_person_is_erased_is_gone_as_well(
    person_keys: PersonKeys, person_id: UUID
) -> None:
    """Whichever comes first: no container holds a key that the table has."""
    barrier = Barrier(THREADS)

    def ask(number: int) -> None:
        barrier.wait()
        with suppress(AccountErased):
            person_keys.erase(str(person_id)) if number == 0 else person_keys.get_or_create(str(person_id))

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(ask, range(THREADS)))
    assert person_keys.find(str(person_id)) is None


def test_a_container_that_has_just_opened_an_envelope_opens_it_no_more(
    client: "DynamoDBClient", person_keys_table: str, file_master_key: FileMasterKey, person_id: UUID
) -> None:
    """It remembers for a minute what the master key has unwrapped, and asks each time whether the key is there."""
    here, elsewhere = (PersonVault(DynamoDBPersonKeys(client, person_keys_table, file_master_key)) for _ in range(2))
    sealed = here.seal(person_id, BUYER)
    assert (here.open(sealed), here.open_many([sealed])) == (BUYER, [BUYER])
    elsewhere.erase(person_id)
    assert (here.open(sealed), here.open_many([sealed])) == (None, [None])


def test_nothing_of_an_erased_key_is_left_in_the_table(
    dynamodb_keys: DynamoDBPersonKeys, client: "DynamoDBClient", person_keys_table: str, person_id: UUID
) -> None:
    dynamodb_keys.get_or_create(str(person_id))
    dynamodb_keys.erase(str(person_id))
    item = client.get_item(TableName=person_keys_table, Key={"PersonId": {"S": str(person_id)}})["Item"]
    assert item == {"PersonId": {"S": str(person_id)}, "Erased": {"BOOL": True}}


def test_what_an_erased_key_sealed_cannot_be_opened(person_keys: PersonKeys, person_id: UUID) -> None:
    vault = PersonVault(person_keys)
    sealed = vault.seal(person_id, BUYER)
    assert PersonVault(person_keys).open(sealed) == BUYER
    vault.erase(person_id)
    assert PersonVault(person_keys).open(sealed) is None


def test_the_envelope_has_exactly_these_members(person_keys: PersonKeys, person_id: UUID) -> None:
    envelope = PersonVault(person_keys).seal(person_id, BUYER).model_dump(mode="json", by_alias=True)
    assert envelope.keys() == {"$enc", "key", "v"}
    assert (envelope["key"], envelope["v"]) == (str(person_id), 1)


# --- the master key, and what DynamoDB adds --------------------------------------------------------------------------


def test_a_wrapped_key_unwraps_for_its_person_only(file_master_key: FileMasterKey) -> None:
    key = os.urandom(KEY_BYTES)
    sealed = file_master_key.wrap(key, "carla")
    assert key not in sealed
    assert file_master_key.unwrap(sealed, "carla") == key
    with pytest.raises(InvalidTag):
        file_master_key.unwrap(sealed, "carlos")


def test_keys_lie_wrapped_in_the_table(
    dynamodb_keys: DynamoDBPersonKeys,
    client: "DynamoDBClient",
    person_keys_table: str,
    person_id: UUID,
    file_master_key: FileMasterKey,
) -> None:
    key = dynamodb_keys.get_or_create(str(person_id))
    stored = wrapped(client, person_keys_table, person_id)
    assert key not in stored
    assert file_master_key.unwrap(stored, str(person_id)) == key


def test_a_wrapped_key_moved_to_another_person_does_not_unwrap(
    dynamodb_keys: DynamoDBPersonKeys, client: "DynamoDBClient", person_keys_table: str, person_id: UUID
) -> None:
    dynamodb_keys.get_or_create(str(person_id))
    other = str(uuid4())
    item = {"PersonId": {"S": other}, "WrappedKey": {"B": wrapped(client, person_keys_table, person_id)}}
    client.put_item(TableName=person_keys_table, Item=item)  # type: ignore[arg-type]
    with pytest.raises(InvalidTag):
        dynamodb_keys.find(other)


def test_a_key_whose_making_was_not_confirmed_is_the_persons_key_all_the_same(
    dynamodb_keys: DynamoDBPersonKeys, client: "DynamoDBClient", person_id: UUID
) -> None:
    lost = lose_replies(client, "PutItem")
    key = dynamodb_keys.get_or_create(str(person_id))
    assert lost == ["PutItem"]
    assert dynamodb_keys.find(str(person_id)) == key


@pytest.mark.parametrize("code", ["ThrottlingException", "InternalServerError"])
def test_a_transient_failure_is_no_missing_key(
    dynamodb_keys: DynamoDBPersonKeys, client: "DynamoDBClient", person_id: UUID, code: str
) -> None:
    """A key that cannot be asked for must never look erased."""
    dynamodb_keys.get_or_create(str(person_id))
    for operation in ("GetItem", "PutItem"):
        refuse(client, operation, code)
    for work in (dynamodb_keys.find, dynamodb_keys.get_or_create, dynamodb_keys.erase):
        with pytest.raises(Unavailable):
            work(str(person_id))
