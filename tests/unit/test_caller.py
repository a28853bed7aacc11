"""Who is calling, and in which roles."""

from uuid import UUID

import pytest

from chalicelib.platform.caller import Actor, Role, person_id
from chalicelib.platform.errors import Forbidden
from tests.support.shop import OPERATOR, ORGANISER, OTHER_ORGANISER


def test_the_subject_is_the_person_where_it_is_a_uuid_and_names_one_otherwise() -> None:
    subject = "0b0c5f5e-6a52-4b61-9b1e-3f9d1d2f7a10"
    assert person_id(subject) == UUID(subject)
    assert person_id("carla") == person_id("carla") != person_id("carlos")


def test_whoever_has_a_token_is_a_customer_and_unknown_groups_mean_nothing() -> None:
    assert Actor.of("carla", ["admins"]).roles == {Role.CUSTOMER}
    assert Actor.of("olga", ["organisers", "door"]).roles == {Role.CUSTOMER, Role.ORGANISER, Role.DOOR}


def test_operators_manage_everything_and_organisers_what_is_theirs() -> None:
    assert OPERATOR.manages(ORGANISER.id)
    assert OPERATOR.manages(None)
    assert ORGANISER.manages(ORGANISER.id)
    for owner in (OTHER_ORGANISER.id, None):
        with pytest.raises(Forbidden):
            ORGANISER.ensure_manages(owner)
