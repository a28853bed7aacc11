"""Personal data is sealed with a key of the person it is about."""

import json
from base64 import b64decode, b64encode

import pytest
from cryptography.exceptions import InvalidTag

from chalicelib.platform.errors import AccountErased
from chalicelib.platform.privacy.keys import MemoryPersonKeys
from chalicelib.platform.privacy.sealed import Sealed
from chalicelib.platform.privacy.vault import PersonVault
from tests.support.shop import BUYER, Clock, some_id

CARLA, CARLOS = some_id("carla"), some_id("carlos")


@pytest.fixture
def memory_keys() -> MemoryPersonKeys:
    return MemoryPersonKeys()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def vault(memory_keys: MemoryPersonKeys) -> PersonVault:
    return PersonVault(memory_keys)


def test_the_envelope_has_exactly_these_members(vault: PersonVault) -> None:
    envelope = json.loads(vault.seal(CARLA, BUYER).model_dump_json(by_alias=True))
    assert envelope.keys() == {"$enc", "key", "v"}
    assert (envelope["key"], envelope["v"]) == (str(CARLA), 1)
    assert Sealed.model_validate(envelope) == Sealed.model_validate_json(json.dumps(envelope))


def test_what_is_sealed_can_be_opened_by_any_container_and_read_by_none_without_the_key(
    vault: PersonVault, memory_keys: MemoryPersonKeys
) -> None:
    sealed = vault.seal(CARLA, {"name": "Zoë \N{MUSICAL SYMBOL G CLEF}"})
    assert PersonVault(memory_keys).open(sealed) == {"name": "Zoë \N{MUSICAL SYMBOL G CLEF}"}
    assert "Zoë".encode() not in b64decode(sealed.ciphertext)
    assert PersonVault(MemoryPersonKeys()).open(sealed) is None


def test_the_same_value_is_sealed_differently_every_time(vault: PersonVault) -> None:
    assert vault.seal(CARLA, BUYER).ciphertext != vault.seal(CARLA, BUYER).ciphertext


def test_an_envelope_moved_to_another_person_or_altered_does_not_open(vault: PersonVault) -> None:
    """Never as the data of somebody: whether it is refused or reads as nothing."""
    sealed = vault.seal(CARLA, BUYER)
    vault.seal(CARLOS, BUYER)
    raw = bytearray(b64decode(sealed.ciphertext))
    raw[-1] ^= 1
    altered = sealed.model_copy(update={"ciphertext": b64encode(raw).decode()})
    for wrong in (sealed.model_copy(update={"key": str(CARLOS)}), altered):
        try:
            opened = vault.open(wrong)
        except InvalidTag:
            continue
        assert opened is None


def test_an_erased_person_cannot_be_read_any_more(vault: PersonVault) -> None:
    sealed = vault.seal(CARLA, BUYER)
    other = vault.seal(CARLOS, BUYER)
    vault.erase(CARLA)
    assert vault.open(sealed) is None
    assert vault.open(other) == BUYER


def test_an_erasure_is_in_effect_in_every_container_at_once(vault: PersonVault, memory_keys: MemoryPersonKeys) -> None:
    sealed = vault.seal(CARLA, BUYER)
    assert vault.open(sealed) == BUYER
    PersonVault(memory_keys).erase(CARLA)
    assert vault.open(sealed) is None


def test_an_erased_person_never_gets_another_key(vault: PersonVault, memory_keys: MemoryPersonKeys) -> None:
    """Else a request that was on its way would store the person anew."""
    before = vault.seal(CARLA, BUYER)
    PersonVault(memory_keys).erase(CARLA)
    with pytest.raises(AccountErased):
        vault.seal(CARLA, BUYER)
    with pytest.raises(AccountErased):
        vault.digest(CARLA, "text")
    assert (vault.open(before), vault.open_many([before]), vault.knows(CARLA)) == (None, [None], False)


def test_a_digest_is_the_same_for_the_same_person_and_text_only(vault: PersonVault) -> None:
    digest = vault.digest(CARLA, "text")
    assert digest == vault.digest(CARLA, "text")
    assert len({digest, vault.digest(CARLA, "other"), vault.digest(CARLOS, "text")}) == 3
