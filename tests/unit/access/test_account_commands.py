"""What an operator can do with a person's account, over the whole way to the log."""

from collections.abc import Callable
from uuid import UUID

import pytest

from chalicelib.platform.caller import Role
from chalicelib.platform.errors import AccountErased, InvalidInput, Unavailable
from chalicelib.platform.eventsourcing.codec import decode
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.shop.access.account import ACCOUNT, Account
from chalicelib.shop.access.commands import grant_role, granted_roles, revoke_role
from chalicelib.shop.access.erasure import erase_person
from chalicelib.shop.access.events import PersonErased, RoleGranted, RoleRevoked
from tests.support.shop import BUYER, CUSTOMER, OPERATOR, OTHER_CUSTOMER, Shop

PERSON = CUSTOMER.id


def grant(shop: Shop, role: Role, person: UUID = PERSON) -> None:
    grant_role(shop.repository, shop.request(OPERATOR).origin, person, role)


def revoke(shop: Shop, role: Role, person: UUID = PERSON) -> None:
    revoke_role(shop.repository, shop.request(OPERATOR).origin, person, role)


def erase(shop: Shop, person: UUID = PERSON) -> None:
    erase_person(shop.repository, shop.vault, shop.request(OPERATOR).origin, person)


def test_a_person_without_an_account_has_no_roles(memory_shop: Shop) -> None:
    assert granted_roles(memory_shop.repository, PERSON) == frozenset()


def test_roles_come_and_go_for_every_container_and_for_this_person_alone(memory_shop: Shop) -> None:
    elsewhere = memory_shop.other_container()
    grant(memory_shop, Role.DOOR)
    assert granted_roles(elsewhere, PERSON) == {Role.DOOR}
    grant(memory_shop, Role.ORGANISER)
    assert granted_roles(elsewhere, PERSON) == {Role.DOOR, Role.ORGANISER}
    revoke(memory_shop, Role.DOOR)
    assert granted_roles(elsewhere, PERSON) == {Role.ORGANISER}
    assert granted_roles(elsewhere, OTHER_CUSTOMER.id) == frozenset()


def test_the_log_says_what_was_done_when_and_by_whom(memory_shop: Shop) -> None:
    grant(memory_shop, Role.DOOR)
    revoke(memory_shop, Role.DOOR)
    erase(memory_shop)
    stored = memory_shop.store.read(PERSON)
    now = memory_shop.clock.now
    assert [decode(item) for item in stored] == [
        RoleGranted(role=Role.DOOR, at=now),
        RoleRevoked(role=Role.DOOR, at=now),
        PersonErased(at=now),
    ]
    assert {item.actor_id for item in stored} == {str(OPERATOR.id)}


def test_doing_anything_twice_adds_nothing(memory_shop: Shop) -> None:
    steps: list[Callable[[], None]] = [
        lambda: grant(memory_shop, Role.DOOR),
        lambda: revoke(memory_shop, Role.DOOR),
        lambda: erase(memory_shop),
    ]
    for step in steps:
        step()
        before = memory_shop.log([PERSON])
        step()
        assert memory_shop.log([PERSON]) == before


def test_a_refused_grant_leaves_no_trace(memory_shop: Shop, memory_store: MemoryEventStore) -> None:
    with pytest.raises(InvalidInput):
        grant(memory_shop, Role.CUSTOMER)
    assert memory_store.stream_ids() == []


def test_another_containers_erasure_is_noticed_by_one_that_remembers_the_account(memory_shop: Shop) -> None:
    grant(memory_shop, Role.DOOR)
    erase_person(memory_shop.other_container(), memory_shop.vault, memory_shop.request(OPERATOR).origin, PERSON)
    with pytest.raises(AccountErased):
        grant(memory_shop, Role.ORGANISER)
    assert granted_roles(memory_shop.repository, PERSON) == frozenset()


def test_an_erasure_destroys_the_persons_key_and_no_other(memory_shop: Shop) -> None:
    mine, theirs = memory_shop.vault.seal(PERSON, BUYER), memory_shop.vault.seal(OTHER_CUSTOMER.id, BUYER)
    erase(memory_shop)
    assert (memory_shop.vault.open(mine), memory_shop.vault.open(theirs)) == (None, BUYER)


def test_an_erasure_that_could_not_be_recorded_is_finished_by_doing_it_again(
    memory_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed = memory_shop.vault.seal(PERSON, BUYER)
    with monkeypatch.context() as broken:
        broken.setattr(memory_shop.store, "append", away)
        with pytest.raises(Unavailable):
            erase(memory_shop)
    assert memory_shop.vault.open(sealed) is None
    assert memory_shop.repository.load(ACCOUNT, PERSON)[0] == Account()
    erase(memory_shop)
    assert memory_shop.repository.load(ACCOUNT, PERSON)[0] == Account(erased=True)


def test_an_erasure_is_not_recorded_before_the_key_is_gone(memory_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_shop.vault, "erase", away)
    with pytest.raises(Unavailable):
        erase(memory_shop)
    assert memory_shop.store.read(PERSON) == []


def away(*_: object) -> None:
    raise Unavailable("away")
