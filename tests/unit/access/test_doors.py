"""Who may let people in, where and when."""

from collections import Counter
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from chalicelib.platform.caller import Actor, Role
from chalicelib.platform.errors import AccountErased, Forbidden, InvalidInput, NotFound
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.shop.access.account import ACCOUNT
from chalicelib.shop.access.commands import (
    Accounts,
    DoorNotOpen,
    NotAtThisDoor,
    grant_door,
    grant_role,
    revoke_door,
)
from chalicelib.shop.access.doors import DoorHours, Place
from chalicelib.shop.access.events import (
    AccountDisabled,
    AccountEnabled,
    DoorGranted,
    DoorRevoked,
    PersonErased,
    RoleGranted,
)
from tests.support.scenario import given
from tests.support.shop import OPENING, OPERATOR, ORGANISER, OTHER_ORGANISER, Clock, Shop, some_id
from tests.support.stored import SOME_TIME as NOW

PERSON, CONCERT = some_id("dora"), some_id("concert")
HERE = Place(concert_id=CONCERT)
BY_THE_SCHEDULE = DoorHours()
GRANTED = DoorGranted(concert_id=CONCERT, at=NOW)
DISABLED = AccountDisabled(reason="a lost phone", at=NOW)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def test_a_door_is_granted_once_and_with_other_hours_again() -> None:
    later = DoorHours(NOW, NOW + HOUR)
    given(ACCOUNT).when(lambda a: a.grant_door(HERE, BY_THE_SCHEDULE, NOW)).then(GRANTED)
    given(ACCOUNT, GRANTED).when(lambda a: a.grant_door(HERE, BY_THE_SCHEDULE, NOW)).then_nothing()
    outcome = given(ACCOUNT, GRANTED).when(lambda a: a.grant_door(HERE, later, NOW))
    outcome.then(DoorGranted(concert_id=CONCERT, opens_at=NOW, closes_at=NOW + HOUR, at=NOW))


def test_hours_that_end_before_they_begin_are_refused() -> None:
    given(ACCOUNT).when(lambda a: a.grant_door(HERE, DoorHours(NOW, NOW), NOW)).then_refuses(InvalidInput)


def test_nobody_who_was_erased_is_at_a_door() -> None:
    erased = given(ACCOUNT, GRANTED, PersonErased(at=NOW))
    erased.when(lambda a: a.grant_door(HERE, BY_THE_SCHEDULE, NOW)).then_refuses(AccountErased)
    erased.when(lambda a: a.revoke_door(HERE, NOW)).then_nothing()


def test_a_door_is_revoked_once() -> None:
    revoked = DoorRevoked(concert_id=CONCERT, at=NOW)
    given(ACCOUNT, GRANTED).when(lambda a: a.revoke_door(HERE, NOW)).then(revoked)
    given(ACCOUNT, GRANTED, revoked).when(lambda a: a.revoke_door(HERE, NOW)).then_nothing()


def test_an_account_is_disabled_and_enabled_once() -> None:
    enabled = AccountEnabled(at=NOW)
    given(ACCOUNT).when(lambda a: a.disable("a lost phone", NOW)).then(DISABLED)
    given(ACCOUNT, DISABLED).when(lambda a: a.disable("again", NOW)).then_nothing()
    given(ACCOUNT, DISABLED).when(lambda a: a.enable(NOW)).then(enabled)
    given(ACCOUNT, DISABLED, enabled).when(lambda a: a.enable(NOW)).then_nothing()


def test_a_disabled_account_that_is_erased_stays_disabled() -> None:
    given(ACCOUNT, DISABLED, PersonErased(at=NOW)).when(lambda a: a.enable(NOW)).then(AccountEnabled(at=NOW))


class Evening:
    """A concert of the organiser, and a container whose clock stands where a test puts it."""

    def __init__(self) -> None:
        self.store = MemoryEventStore()
        self.clock = Clock()
        self.shop = Shop(self.store, self.clock)
        self.concert_id = self.shop.draft()
        self.accounts = Accounts(self.shop.other_container(), self.clock)

    def grant(self, place: Place, hours: DoorHours = BY_THE_SCHEDULE, by: Actor = ORGANISER) -> None:
        grant_door(self.shop.repository, self.shop.request(by), PERSON, place, hours)

    def show(self, at: datetime, concert_id: UUID | None = None) -> None:
        self.clock.now = at
        self.accounts.ensure_at_door(Actor(PERSON, frozenset()), concert_id or self.concert_id)

    def reads(self) -> int:
        return sum(Counter(self.store.usage.requests).values())


@pytest.fixture
def night() -> Evening:
    return Evening()


def test_a_door_is_open_from_12_hours_before_the_start_to_6_hours_after_the_end(night: Evening) -> None:
    night.grant(Place(night.concert_id))
    opens, closes = OPENING - 12 * HOUR, OPENING + 3 * HOUR + 6 * HOUR
    for at in (opens - MINUTE, closes):
        with pytest.raises(DoorNotOpen):
            night.show(at)
    night.show(opens)
    night.show(closes - MINUTE)


def test_a_grant_may_name_its_hours(night: Evening) -> None:
    night.grant(Place(night.concert_id), DoorHours(OPENING, OPENING + HOUR))
    with pytest.raises(DoorNotOpen) as refused:
        night.show(OPENING - MINUTE)
    assert refused.value.facts["opens_at"] < refused.value.facts["closes_at"]
    night.show(OPENING)


def test_nobody_is_at_a_door_without_a_grant_also_not_by_an_old_role(night: Evening) -> None:
    grant_role(night.shop.repository, night.shop.request(OPERATOR).origin, PERSON, Role.DOOR)
    with pytest.raises(NotAtThisDoor):
        night.show(OPENING)
    given(ACCOUNT, RoleGranted(role=Role.DOOR, at=NOW)).when(lambda a: a.revoke_door(HERE, NOW)).then_nothing()


def test_who_works_for_an_organiser_is_at_his_doors_and_at_no_other(night: Evening) -> None:
    night.grant(Place(organiser_id=ORGANISER.id))
    elsewhere = night.shop.draft(OTHER_ORGANISER)
    night.show(OPENING)
    with pytest.raises(NotAtThisDoor):
        night.show(OPENING, elsewhere)


def test_only_who_manages_the_concert_grants_its_doors(night: Evening) -> None:
    with pytest.raises(Forbidden):
        night.grant(Place(night.concert_id), by=OTHER_ORGANISER)
    with pytest.raises(Forbidden):
        night.grant(Place(organiser_id=ORGANISER.id), by=OTHER_ORGANISER)
    with pytest.raises(NotFound):
        night.grant(Place(some_id("nothing")))
    night.grant(Place(night.concert_id), by=OPERATOR)


def test_a_door_that_was_granted_a_moment_ago_is_open_and_one_that_was_revoked_shuts_within_a_minute(
    night: Evening,
) -> None:
    with pytest.raises(NotAtThisDoor):
        night.show(OPENING)
    night.grant(Place(night.concert_id))
    night.show(OPENING)
    revoke_door(night.shop.repository, night.shop.request(ORGANISER), PERSON, Place(night.concert_id))
    with pytest.raises(NotAtThisDoor):
        night.show(OPENING + MINUTE)


def test_a_busy_door_reads_account_and_concert_once_a_minute(night: Evening) -> None:
    night.grant(Place(night.concert_id))
    before = night.reads()
    night.clock.now = OPENING
    for second in range(59):
        night.show(OPENING + timedelta(seconds=second))
    assert night.reads() - before == 2
    night.show(OPENING + MINUTE)
    assert night.reads() - before == 4
