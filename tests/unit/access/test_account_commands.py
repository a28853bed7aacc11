"""What an operator can do with a person's account, over the whole way to the log."""

from collections.abc import Callable
from uuid import UUID

import pytest

from chalicelib.platform.caller import Role
from chalicelib.platform.errors import InvalidInput, Unavailable
from chalicelib.platform.eventsourcing.codec import decode
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.shop.access.account import ACCOUNT, Account, AccountErased
from chalicelib.shop.access.commands import erase_person, grant_role, granted_roles, revoke_role
from chalicelib.shop.access.events import PersonErased, RoleGranted, RoleRevoked
from tests.support.shop import BUYER, CUSTOMER, OPERATOR, OTHER_CUSTOMER, Shop

PERSON = CUSTOMER.id


@pytest.fixture
def store() -> MemoryEventStore:
    return MemoryEventStore()


@pytest.fixture
def shop(store: MemoryEventStore) -> Shop:
    return Shop(store)


def grant(shop: Shop, role: Role, person: UUID = PERSON) -> None:
    grant_role(shop.repository, shop.request(OPERATOR).origin, person, role)


def revoke(shop: Shop, role: Role, person: UUID = PERSON) -> None:
    revoke_role(shop.repository, shop.request(OPERATOR).origin, person, role)


def erase(shop: Shop, person: UUID = PERSON) -> None:
    erase_person(shop.repository, shop.vault, shop.request(OPERATOR).origin, person)


def test_a_person_without_an_account_has_no_roles(shop: Shop) -> None:
    assert granted_roles(shop.repository, PERSON) == frozenset()


def test_roles_come_and_go_for_every_container_and_for_this_person_alone(shop: Shop) -> None:
    elsewhere = shop.other_container()
    grant(shop, Role.DOOR)
    assert granted_roles(elsewhere, PERSON) == {Role.DOOR}
    grant(shop, Role.ORGANISER)
    assert granted_roles(elsewhere, PERSON) == {Role.DOOR, Role.ORGANISER}
    revoke(shop, Role.DOOR)
    assert granted_roles(elsewhere, PERSON) == {Role.ORGANISER}
    assert granted_roles(elsewhere, OTHER_CUSTOMER.id) == frozenset()


def test_the_log_says_what_was_done_when_and_by_whom(shop: Shop) -> None:
    grant(shop, Role.DOOR)
    revoke(shop, Role.DOOR)
    erase(shop)
    stored = shop.store.read(PERSON)
    now = shop.clock.now
    assert [decode(item) for item in stored] == [
        RoleGranted(role=Role.DOOR, at=now),
        RoleRevoked(role=Role.DOOR, at=now),
        PersonErased(at=now),
    ]
    assert {item.actor_id for item in stored} == {str(OPERATOR.id)}


def test_doing_anything_twice_adds_nothing(shop: Shop) -> None:
    steps: list[Callable[[], None]] = [
        lambda: grant(shop, Role.DOOR),
        lambda: revoke(shop, Role.DOOR),
        lambda: erase(shop),
    ]
    for step in steps:
        step()
        before = shop.log([PERSON])
        step()
        assert shop.log([PERSON]) == before


def test_a_refused_grant_leaves_no_trace(shop: Shop, store: MemoryEventStore) -> None:
    with pytest.raises(InvalidInput):
        grant(shop, Role.CUSTOMER)
    assert store.stream_ids() == []


def test_another_containers_erasure_is_noticed_by_one_that_remembers_the_account(shop: Shop) -> None:
    grant(shop, Role.DOOR)
    erase_person(shop.other_container(), shop.vault, shop.request(OPERATOR).origin, PERSON)
    with pytest.raises(AccountErased):
        grant(shop, Role.ORGANISER)
    assert granted_roles(shop.repository, PERSON) == frozenset()


def test_an_erasure_destroys_the_persons_key_and_no_other(shop: Shop) -> None:
    mine, theirs = shop.vault.seal(PERSON, BUYER), shop.vault.seal(OTHER_CUSTOMER.id, BUYER)
    erase(shop)
    assert (shop.vault.open(mine), shop.vault.open(theirs)) == (None, BUYER)


def test_an_erasure_that_could_not_be_recorded_is_finished_by_doing_it_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed = shop.vault.seal(PERSON, BUYER)
    with monkeypatch.context() as broken:
        broken.setattr(shop.store, "append", away)
        with pytest.raises(Unavailable):
            erase(shop)
    assert shop.vault.open(sealed) is None
    assert shop.repository.load(ACCOUNT, PERSON)[0] == Account()
    erase(shop)
    assert shop.repository.load(ACCOUNT, PERSON)[0] == Account(erased=True)


def test_an_erasure_is_not_recorded_before_the_key_is_gone(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shop.vault, "erase", away)
    with pytest.raises(Unavailable):
        erase(shop)
    assert shop.store.read(PERSON) == []


def away(*_: object) -> None:
    raise Unavailable("away")
