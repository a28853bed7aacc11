"""An organiser's team: who may be invited, join and leave, and what becomes of them."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest

from chalicelib.platform.caller import Actor, TeamRole
from chalicelib.platform.errors import AccountErased, Forbidden, IdempotencyKeyReused, NotFound, PreconditionFailed
from chalicelib.platform.eventsourcing.codec import decode
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.http.api_keys import hash_of
from chalicelib.platform.privacy.sealed import Sealed
from chalicelib.shop.access.account import ACCOUNT
from chalicelib.shop.access.commands import grant_door, revoke_door
from chalicelib.shop.access.doors import DoorHours, Place
from chalicelib.shop.access.erasure import erase_person
from chalicelib.shop.access.events import (
    DoorGranted,
    DoorRevoked,
    InvitationRevoked,
    MemberInvited,
    MemberJoined,
    MemberLeft,
    PersonErased,
    TeamJoined,
    TeamLeft,
)
from chalicelib.shop.access.team import (
    MOST_INVITATIONS,
    TEAM,
    FoundingOwner,
    Invitation,
    InvitationExpired,
    InvitationUsed,
    Team,
    TeamFull,
    team_id,
)
from chalicelib.shop.access.team_commands import (
    Invited,
    accept_invitation,
    find_team,
    invite,
    remove_member,
    revoke_invitation,
    set_member,
)
from tests.support.scenario import given
from tests.support.shop import CUSTOMER, OPERATOR, ORGANISER, OTHER_CUSTOMER, OTHER_ORGANISER, Shop, some_id
from tests.support.stored import SOME_TIME as NOW

ORG, PERSON, OTHER = ORGANISER.id, CUSTOMER.id, OTHER_CUSTOMER.id
INVITATION = some_id("invitation")
DAY, WEEK = timedelta(days=1), timedelta(days=7)
EMAIL = Sealed(ciphertext="sealed", key=str(INVITATION))
SECRET_HASH = hash_of("secret")
INVITED = MemberInvited(
    organiser_id=ORG,
    invitation_id=INVITATION,
    role=TeamRole.STAFF,
    email=EMAIL,
    secret_hash=SECRET_HASH,
    expires_at=NOW + WEEK,
    request_hash="hash",
    at=NOW,
)
JOINED = MemberJoined(organiser_id=ORG, person_id=PERSON, role=TeamRole.STAFF, invitation_id=INVITATION, at=NOW)
TEAM_JOINED = TeamJoined(organiser_id=ORG, role=TeamRole.STAFF, at=NOW)
AT_THE_DOOR = DoorGranted(organiser_id=ORG, at=NOW)


def invitation(request_hash: str = "hash") -> Invitation:
    return Invitation(TeamRole.STAFF, EMAIL, SECRET_HASH, NOW + WEEK, request_hash)


def accepted(team: Team, person: UUID = PERSON, secret_hash: str = SECRET_HASH, days: int = 0) -> Sequence[Event]:
    return team.accept(ORG, INVITATION, secret_hash, person, NOW + days * DAY)


def test_an_invitation_is_made_once_and_with_another_body_refused() -> None:
    given(TEAM).when(lambda t: t.invite(ORG, INVITATION, invitation(), NOW)).then(INVITED)
    given(TEAM, INVITED).when(lambda t: t.invite(ORG, INVITATION, invitation(), NOW)).then_nothing()
    again = given(TEAM, INVITED).when(lambda t: t.invite(ORG, INVITATION, invitation("other"), NOW))
    again.then_refuses(IdempotencyKeyReused)


def test_whoever_has_the_secret_joins_once() -> None:
    given(TEAM, INVITED).when(accepted).then(JOINED)
    given(TEAM, INVITED, JOINED).when(accepted).then_nothing()
    given(TEAM, INVITED, JOINED).when(lambda t: accepted(t, OTHER)).then_refuses(InvitationUsed)


def test_an_invitation_is_not_there_for_who_has_another_secret() -> None:
    given(TEAM, INVITED).when(lambda t: accepted(t, secret_hash=hash_of("guess"))).then_refuses(NotFound)
    given(TEAM).when(accepted).then_refuses(NotFound)


def test_an_invitation_ends_with_its_time_or_when_it_is_revoked() -> None:
    revoked = InvitationRevoked(invitation_id=INVITATION, at=NOW)
    given(TEAM, INVITED).when(lambda t: accepted(t, days=6)).then(JOINED.model_copy(update={"at": NOW + 6 * DAY}))
    given(TEAM, INVITED).when(lambda t: accepted(t, days=7)).then_refuses(InvitationExpired)
    given(TEAM, INVITED).when(lambda t: t.revoke_invitation(INVITATION, NOW)).then(revoked)
    given(TEAM, INVITED, revoked).when(lambda t: t.revoke_invitation(INVITATION, NOW)).then_nothing()
    given(TEAM, INVITED, revoked).when(accepted).then_refuses(InvitationExpired)
    given(TEAM, INVITED, JOINED).when(lambda t: t.revoke_invitation(INVITATION, NOW)).then_refuses(NotFound)


def test_the_organiser_itself_neither_joins_nor_leaves() -> None:
    given(TEAM, INVITED).when(lambda t: accepted(t, ORG)).then_refuses(FoundingOwner)
    given(TEAM, INVITED).when(lambda t: t.leave(ORG, NOW)).then_refuses(FoundingOwner)
    given(TEAM).when(lambda t: t.join(ORG, ORG, TeamRole.STAFF, NOW)).then_refuses(FoundingOwner)


def test_a_team_remembers_a_bounded_number_of_invitations_and_those_that_have_expired_no_longer() -> None:
    many = [INVITED.model_copy(update={"invitation_id": some_id(str(n))}) for n in range(MOST_INVITATIONS)]
    full = given(TEAM, *many)
    full.when(lambda t: t.invite(ORG, INVITATION, invitation(), NOW)).then_refuses(TeamFull, limit=MOST_INVITATIONS)
    later = INVITED.model_copy(update={"at": NOW + WEEK, "expires_at": NOW + 2 * WEEK})
    assert TEAM.fold([*many, later]).invitations.keys() == {INVITATION}


def test_what_a_member_may_do_is_in_the_account_and_the_door_is_a_door_like_any_other() -> None:
    given(ACCOUNT).when(lambda a: a.join(ORG, TeamRole.STAFF, NOW)).then(TEAM_JOINED)
    given(ACCOUNT, TEAM_JOINED).when(lambda a: a.join(ORG, TeamRole.STAFF, NOW)).then_nothing()
    given(ACCOUNT).when(lambda a: a.join(ORG, TeamRole.DOOR, NOW)).then(AT_THE_DOOR)
    left = TeamLeft(organiser_id=ORG, at=NOW)
    given(ACCOUNT, TEAM_JOINED).when(lambda a: a.join(ORG, TeamRole.DOOR, NOW)).then(left, AT_THE_DOOR)
    closed = DoorRevoked(organiser_id=ORG, at=NOW)
    given(ACCOUNT, TEAM_JOINED, AT_THE_DOOR).when(lambda a: a.leave(ORG, NOW)).then(left, closed)
    given(ACCOUNT, PersonErased(at=NOW)).when(lambda a: a.join(ORG, TeamRole.STAFF, NOW)).then_refuses(AccountErased)


class Crew:
    """An organiser and the people who are asked to work for it."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    def invite(self, role: TeamRole = TeamRole.STAFF, by: Actor = ORGANISER, key: str | None = None) -> Invited:
        caller = self.shop.request(by, key)
        return invite(self.shop.repository, self.shop.vault, caller, ORG, role, "sven@example.org", WEEK)

    def accept(self, invited: Invited, by: Actor = CUSTOMER, secret: str | None = None) -> TeamRole:
        caller = self.shop.request(by)
        return accept_invitation(self.shop.repository, caller, ORG, invited.id, secret or invited.secret).role

    def remove(self, person: UUID = PERSON, by: Actor = ORGANISER, if_match: int | None = None) -> int:
        caller = self.shop.request(by, if_match=if_match)
        return remove_member(self.shop.repository, caller, ORG, person)

    def team(self) -> Team:
        return find_team(self.shop.other_container(), ORG)[0]

    def news(self, stream_id: UUID) -> list[Event]:
        return [decode(stored) for stored in self.shop.store.read(stream_id)]


@pytest.fixture
def crew(memory_shop: Shop) -> Crew:
    return Crew(memory_shop)


def test_a_repeated_invitation_tells_the_same_secret_and_the_log_knows_none(crew: Crew) -> None:
    first, second = crew.invite(key="once"), crew.invite(key="once")
    assert (first.id, first.secret) == (second.id, second.secret)
    [stored] = crew.shop.store.read(team_id(ORG))
    assert first.secret not in stored.data
    assert "sven" not in stored.data


def test_joining_changes_account_and_team_in_one_commit(crew: Crew) -> None:
    invited = crew.invite()
    assert crew.accept(invited) is TeamRole.STAFF
    assert crew.accept(invited) is TeamRole.STAFF
    now = crew.shop.clock.now
    assert crew.news(PERSON) == [TEAM_JOINED.model_copy(update={"at": now, "invitation_id": invited.id})]
    assert [type(event) for event in crew.news(team_id(ORG))] == [MemberInvited, MemberJoined]
    assert crew.team().members[PERSON].role is TeamRole.STAFF


def test_only_owners_and_operators_invite(crew: Crew) -> None:
    for stranger in (OTHER_ORGANISER, CUSTOMER):
        with pytest.raises(Forbidden):
            crew.invite(by=stranger)
    crew.invite(by=OPERATOR)


def test_who_leaves_or_is_removed_has_no_team_and_no_door(crew: Crew) -> None:
    for by in (ORGANISER, CUSTOMER):
        crew.accept(crew.invite(TeamRole.DOOR))
        assert ACCOUNT.fold(crew.news(PERSON)).doors
        crew.remove(by=by)
        account = ACCOUNT.fold(crew.news(PERSON))
        assert (account.teams, account.doors) == ({}, {})


def test_a_member_cannot_remove_another_one(crew: Crew) -> None:
    crew.accept(crew.invite())
    with pytest.raises(Forbidden):
        crew.remove(PERSON, by=OTHER_CUSTOMER)


def test_a_removal_names_the_version_that_was_seen(crew: Crew) -> None:
    crew.accept(crew.invite())
    with pytest.raises(PreconditionFailed):
        crew.remove(if_match=0)
    assert crew.remove(if_match=1) == 2


def test_a_role_is_changed_for_members_and_only_operators_add_some_without_an_invitation(crew: Crew) -> None:
    shop = crew.shop
    with pytest.raises(NotFound):
        set_member(shop.repository, shop.request(ORGANISER), ORG, PERSON, TeamRole.STAFF)
    set_member(shop.repository, shop.request(OPERATOR), ORG, PERSON, TeamRole.STAFF)
    set_member(shop.repository, shop.request(ORGANISER), ORG, PERSON, TeamRole.OWNER)
    assert ACCOUNT.fold(crew.news(PERSON)).teams == {ORG: TeamRole.OWNER}
    assert crew.team().members[PERSON].role is TeamRole.OWNER


def test_a_repeated_request_meets_an_invitation_that_was_revoked_and_its_address_erased(crew: Crew) -> None:
    invited = crew.invite(key="once")
    revoke_invitation(crew.shop.repository, crew.shop.request(ORGANISER), ORG, invited.id)
    crew.shop.vault.erase(invited.id)
    assert crew.invite(key="once").id == invited.id
    assert not crew.shop.vault.knows(invited.id)
    with pytest.raises(InvitationExpired):
        crew.accept(invited)


def test_doors_of_all_concerts_are_listed_with_the_team_until_they_are_revoked(crew: Crew) -> None:
    shop, place = crew.shop, Place(organiser_id=ORG)
    grant_door(shop.repository, shop.request(ORGANISER), PERSON, place, DoorHours())
    assert crew.team().members[PERSON].role is TeamRole.DOOR
    revoke_door(shop.repository, shop.request(ORGANISER), PERSON, place)
    assert crew.team().members == {}


def test_a_member_of_staff_at_the_door_stays_staff_when_the_door_is_revoked(crew: Crew) -> None:
    shop, place = crew.shop, Place(organiser_id=ORG)
    crew.accept(crew.invite())
    grant_door(shop.repository, shop.request(ORGANISER), PERSON, place, DoorHours())
    revoke_door(shop.repository, shop.request(ORGANISER), PERSON, place)
    assert crew.team().members[PERSON].role is TeamRole.STAFF


@pytest.mark.parametrize("role", TeamRole)
@pytest.mark.parametrize("is_gone", [False, True], ids=["a member", "removed before"])
def test_an_erased_person_is_in_no_team_and_the_address_of_the_invitation_is_unreadable(
    crew: Crew, role: TeamRole, is_gone: bool
) -> None:
    invited = crew.invite(role)
    crew.accept(invited)
    if is_gone:
        crew.remove()
    erase_person(crew.shop.repository, crew.shop.vault, crew.shop.request(OPERATOR).origin, PERSON)
    assert crew.team().members == {}
    assert MemberLeft(person_id=PERSON, at=crew.shop.clock.now) in crew.news(team_id(ORG))
    assert crew.shop.vault.open(invited.invitation.email) is None
