"""What every master key promises: the one in a file and the one in KMS."""

import os
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from cryptography.exceptions import InvalidTag

from chalicelib.platform.errors import Unavailable
from chalicelib.platform.privacy.dynamodb import DynamoDBPersonKeys
from chalicelib.platform.privacy.keys import KEY_BYTES, FileMasterKey, MasterKey
from chalicelib.platform.privacy.kms import KmsMasterKey
from chalicelib.platform.privacy.vault import PersonVault
from local.resources import CREDENTIALS, REGION
from local.stack import Stack


def kms(endpoint_url: str) -> Any:
    return boto3.client(
        "kms",
        endpoint_url=endpoint_url,
        region_name=REGION,
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        config=Config(connect_timeout=1, retries={"total_max_attempts": 1}),
    )


def kms_master_key(stack: Stack) -> KmsMasterKey:
    client = kms(stack.emulator.url)
    return KmsMasterKey(client, client.create_key()["KeyMetadata"]["Arn"])


@pytest.fixture(params=["file", "kms"])
def master_key(request: pytest.FixtureRequest, stack: Stack) -> MasterKey:
    if request.param == "file":
        return FileMasterKey(stack.directory / "master.key")
    return kms_master_key(stack)


@pytest.fixture
def key_owner() -> str:
    return str(uuid4())


def test_what_was_wrapped_is_unwrapped_for_its_person(master_key: MasterKey, key_owner: str) -> None:
    key = os.urandom(KEY_BYTES)
    assert master_key.unwrap(master_key.wrap(key, key_owner), key_owner) == key


def test_a_wrapped_key_shows_nothing_of_the_key_and_is_another_every_time(
    master_key: MasterKey, key_owner: str
) -> None:
    key = os.urandom(KEY_BYTES)
    first, second = master_key.wrap(key, key_owner), master_key.wrap(key, key_owner)
    assert key not in first
    assert first != second


def test_a_wrapped_key_cannot_be_moved_to_another_person(master_key: MasterKey, key_owner: str) -> None:
    wrapped = master_key.wrap(os.urandom(KEY_BYTES), key_owner)
    with pytest.raises((InvalidTag, ClientError)):
        master_key.unwrap(wrapped, str(uuid4()))


def test_a_key_that_was_tampered_with_is_not_unwrapped(stack: Stack, key_owner: str) -> None:
    """KMS refuses it as well, but the emulator's ciphertext is not authenticated."""
    master_key = FileMasterKey(stack.directory / "master.key")
    wrapped = bytearray(master_key.wrap(os.urandom(KEY_BYTES), key_owner))
    wrapped[-1] ^= 1
    with pytest.raises(InvalidTag):
        master_key.unwrap(bytes(wrapped), key_owner)


def test_kms_that_is_away_or_refuses_us_is_a_transient_failure(stack: Stack, key_owner: str) -> None:
    away = KmsMasterKey(kms("http://127.0.0.1:9"), "alias/none")
    unknown_key = KmsMasterKey(kms(stack.emulator.url), str(uuid4()))
    for master_key in (away, unknown_key):
        with pytest.raises(Unavailable):
            master_key.wrap(os.urandom(KEY_BYTES), key_owner)


def test_personal_data_is_sealed_and_opened_under_a_key_of_kms(stack: Stack) -> None:
    keys = DynamoDBPersonKeys(stack.aws.dynamodb, stack.environment["PERSON_KEYS_TABLE"], kms_master_key(stack))
    person_id = uuid4()
    sealed = PersonVault(keys).seal(person_id, {"name": "Carla Jones"})
    another_container = PersonVault(keys)
    assert another_container.open(sealed) == {"name": "Carla Jones"}
    another_container.erase(person_id)
    assert another_container.open(sealed) is None
