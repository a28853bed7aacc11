"""What an account decides, and what it refuses."""

from datetime import timedelta

import pytest

from chalicelib.platform.caller import Role
from chalicelib.platform.errors import AccountErased, InvalidInput
from chalicelib.shop.access.account import ACCOUNT, Account
from chalicelib.shop.access.events import (
    PersonErased,
    RoleGranted,
    RoleRevoked,
    UserAuthenticatedByTheOriginal,
    UserCreatedByTheOriginal,
)
from tests.support.scenario import given
from tests.support.stored import SOME_TIME as NOW

BEFORE = NOW - timedelta(days=1)
GRANTABLE = [role for role in Role if role is not Role.CUSTOMER]

DOOR_GRANTED = RoleGranted(role=Role.DOOR, at=BEFORE)
DOOR_REVOKED = RoleRevoked(role=Role.DOOR, at=BEFORE)
OPERATOR_GRANTED = RoleGranted(role=Role.OPERATOR, at=BEFORE)
ERASED = PersonErased(at=BEFORE)


@pytest.mark.parametrize("role", GRANTABLE)
def test_a_role_is_granted(role: Role) -> None:
    given(ACCOUNT).when(lambda account: account.grant(role, NOW)).then(RoleGranted(role=role, at=NOW))


def test_one_role_is_granted_beside_another() -> None:
    outcome = given(ACCOUNT, DOOR_GRANTED).when(lambda account: account.grant(Role.OPERATOR, NOW))
    outcome.then(RoleGranted(role=Role.OPERATOR, at=NOW))


def test_granting_again_changes_nothing() -> None:
    given(ACCOUNT, DOOR_GRANTED).when(lambda account: account.grant(Role.DOOR, NOW)).then_nothing()


def test_a_role_that_was_revoked_can_be_granted_anew() -> None:
    outcome = given(ACCOUNT, DOOR_GRANTED, DOOR_REVOKED).when(lambda account: account.grant(Role.DOOR, NOW))
    outcome.then(RoleGranted(role=Role.DOOR, at=NOW))


def test_to_be_a_customer_cannot_be_granted() -> None:
    outcome = given(ACCOUNT).when(lambda account: account.grant(Role.CUSTOMER, NOW))
    outcome.then_refuses(InvalidInput)
    assert isinstance(outcome.refusal, InvalidInput)
    assert outcome.refusal.fields == (("role", "cannot be granted"),)


@pytest.mark.parametrize("role", GRANTABLE)
def test_nothing_is_granted_to_a_person_who_was_erased(role: Role) -> None:
    given(ACCOUNT, ERASED).when(lambda account: account.grant(role, NOW)).then_refuses(AccountErased)


def test_not_even_a_role_the_person_had_before() -> None:
    outcome = given(ACCOUNT, DOOR_GRANTED, ERASED).when(lambda account: account.grant(Role.DOOR, NOW))
    outcome.then_refuses(AccountErased)


def test_a_role_is_revoked_and_the_others_stay() -> None:
    scenario = given(ACCOUNT, DOOR_GRANTED, OPERATOR_GRANTED)
    scenario.when(lambda account: account.revoke(Role.DOOR, NOW)).then(RoleRevoked(role=Role.DOOR, at=NOW))
    assert given(ACCOUNT, DOOR_GRANTED, OPERATOR_GRANTED, DOOR_REVOKED).state == Account(frozenset({Role.OPERATOR}))


@pytest.mark.parametrize("role", Role)
def test_revoking_what_is_not_granted_changes_nothing(role: Role) -> None:
    given(ACCOUNT).when(lambda account: account.revoke(role, NOW)).then_nothing()


def test_revoking_again_changes_nothing() -> None:
    given(ACCOUNT, DOOR_GRANTED, DOOR_REVOKED).when(lambda account: account.revoke(Role.DOOR, NOW)).then_nothing()


def test_a_person_is_erased_whether_there_is_an_account_or_not() -> None:
    given(ACCOUNT).when(lambda account: account.erase(NOW)).then(PersonErased(at=NOW))
    given(ACCOUNT, DOOR_GRANTED).when(lambda account: account.erase(NOW)).then(PersonErased(at=NOW))


def test_an_erasure_takes_every_role() -> None:
    erased = given(ACCOUNT, DOOR_GRANTED, OPERATOR_GRANTED, ERASED)
    assert erased.state == Account(frozenset(), erased=True)
    erased.when(lambda account: account.revoke(Role.DOOR, NOW)).then_nothing()


def test_erasing_again_changes_nothing() -> None:
    given(ACCOUNT, ERASED).when(lambda account: account.erase(NOW)).then_nothing()


def test_what_the_original_knew_of_its_users_gives_no_role() -> None:
    assert given(ACCOUNT, UserCreatedByTheOriginal(), UserAuthenticatedByTheOriginal()).state == Account()
