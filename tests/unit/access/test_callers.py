"""Who may do what, over HTTP: an organiser's people and machines, and everybody else."""

from uuid import UUID

import pytest

from chalicelib.platform.caller import Actor, KeyGrant, KeyScope, Role, TeamRole
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.shop.access.events import AccountDisabled, DoorGranted, RoleGranted, TeamJoined, TeamLeft
from chalicelib.shop.concerts.events import ConcertCreated
from chalicelib.shop.venues.events import VenueCreated
from tests.support.request_scenario import Answered, GivenStreams, given_streams
from tests.support.shop import CUSTOMER, OPERATOR, ORGANISER, OTHER_ORGANISER, some_id
from tests.support.stored import SOME_TIME as NOW

ORG, OTHER_ORG = ORGANISER.id, OTHER_ORGANISER.id
VENUE = {"name": "V", "capacity": 9, "address": "A", "city": "C", "country": "NL", "time_zone": "Europe/Amsterdam"}
CONCERT_ID, VENUE_ID = some_id("concert"), some_id("venue")
CONCERT = ConcertCreated(organiser_id=ORG, name="Patti Smith", venue_id=VENUE_ID, description="")
STAFF = Actor.of("stella", [])


def works_for(organiser: UUID = ORG, role: TeamRole = TeamRole.STAFF) -> TeamJoined:
    return TeamJoined(organiser_id=organiser, role=role, at=NOW)


def key_of(*scopes: KeyScope, organiser: UUID = ORG) -> Actor:
    return Actor.of_key(some_id("key"), KeyGrant(organiser, frozenset(scopes)))


def with_account(*events: Event) -> GivenStreams:
    """A concert of the organiser, and the account of somebody."""
    return given_streams({CONCERT_ID: [CONCERT]} | ({STAFF.id: list(events)} if events else {}))


def renamed(given: GivenStreams, by: Actor) -> Answered:
    return given.when(by, "PATCH", f"/concerts/{CONCERT_ID}", {"name": "Patti"}, if_match="*")


def made_by(answered: Answered) -> UUID | None:
    [[event]] = answered.news.values()
    assert isinstance(event, VenueCreated)
    return event.organiser_id


def test_staff_changes_what_the_organiser_has_and_a_stranger_does_not() -> None:
    assert renamed(with_account(works_for()), STAFF).status == 200
    renamed(with_account(works_for(OTHER_ORG)), STAFF).then_refuses(403, "forbidden")
    renamed(with_account(), STAFF).then_refuses(403, "forbidden")
    renamed(with_account(works_for(), TeamLeft(organiser_id=ORG, at=NOW)), STAFF).then_refuses(403, "forbidden")
    renamed(with_account(DoorGranted(organiser_id=ORG, at=NOW)), STAFF).then_refuses(403, "forbidden")


def test_an_organiser_may_be_staff_of_another_one() -> None:
    both = Actor.of("stella", ["organisers"])
    assert renamed(with_account(works_for()), both).status == 200


def test_staff_without_the_second_factor_that_the_stage_wants_is_refused() -> None:
    given = with_account(works_for())
    without = GivenStreams(given.shop, given.log, given.documents, may_be_staff=False)
    renamed(without, STAFF).then_refuses(403, "second_factor_needed")
    policy = {"fee_percent": 5}
    without.when(STAFF, "POST", f"/concerts/{CONCERT_ID}/refund-policy", policy).then_refuses(
        403, "second_factor_needed"
    )


def test_a_disabled_member_is_refused() -> None:
    disabled = AccountDisabled(reason="lost", at=NOW)
    renamed(with_account(works_for(), disabled), STAFF).then_refuses(401, "account_disabled")


def test_staff_of_one_organiser_makes_things_for_it_and_of_several_names_it() -> None:
    assert made_by(with_account(works_for()).when(STAFF, "POST", "/venues", VENUE)) == ORG
    several = with_account(works_for(), works_for(OTHER_ORG))
    refused = several.when(STAFF, "POST", "/venues", VENUE)
    refused.then_refuses(422, "invalid_input", organisers=sorted([str(ORG), str(OTHER_ORG)]))
    named = VENUE | {"organiser_id": str(OTHER_ORG)}
    assert made_by(several.when(STAFF, "POST", "/venues", named)) == OTHER_ORG
    stranger = VENUE | {"organiser_id": str(some_id("nobody"))}
    several.when(STAFF, "POST", "/venues", stranger).then_refuses(403, "forbidden")


@pytest.mark.parametrize("granted", [False, True], ids=["by its token", "by a grant"])
def test_an_organiser_who_is_staff_elsewhere_makes_things_for_itself_unless_it_says_otherwise(granted: bool) -> None:
    actor = STAFF if granted else Actor.of("stella", ["organisers"])
    history = [RoleGranted(role=Role.ORGANISER, at=NOW)] if granted else []
    given = with_account(works_for(), *history)
    assert made_by(given.when(actor, "POST", "/venues", VENUE)) == STAFF.id
    assert made_by(given.when(actor, "POST", "/venues", VENUE | {"organiser_id": str(ORG)})) == ORG


def test_money_members_and_keys_are_for_owners() -> None:
    policy = {"fee_percent": 5}
    path, people = f"/concerts/{CONCERT_ID}/refund-policy", f"/organisers/{ORG}"
    staff, owner = with_account(works_for()), with_account(works_for(role=TeamRole.OWNER))
    for method, where, body in (
        ("POST", path, policy),
        ("POST", f"{people}/invitations", {"email": "a@example.org", "role": "staff"}),
        ("GET", f"{people}/invitations", None),
        ("POST", f"{people}/api-keys", {"name": "K", "scopes": ["sales:read"]}),
        ("GET", f"{people}/api-keys", None),
    ):
        staff.when(STAFF, method, where, body).then_refuses(403, "owner_needed")
        assert owner.when(STAFF, method, where, body).status < 300
        assert owner.when(ORGANISER, method, where, body).status < 300
    assert staff.when(STAFF, "GET", f"{people}/members").status == 200


def test_a_key_does_what_it_was_made_for_and_nothing_else() -> None:
    given = with_account()
    assert renamed(given, key_of(KeyScope.CONCERTS_WRITE)).status == 200
    renamed(given, key_of(KeyScope.SALES_READ)).then_refuses(403, "scope_needed", scopes=["concerts:write"])
    renamed(given, key_of(KeyScope.CONCERTS_WRITE, organiser=OTHER_ORG)).then_refuses(403, "forbidden")
    everything = key_of(*KeyScope)
    for method, path in (
        ("POST", f"/concerts/{CONCERT_ID}/cancel"),
        ("POST", f"/concerts/{CONCERT_ID}/refund-policy"),
        ("POST", f"/organisers/{ORG}/api-keys"),
        ("GET", f"/organisers/{ORG}/members"),
        ("POST", "/carts"),
        ("GET", "/orders"),
        ("POST", f"/accounts/{ORG}/disable"),
    ):
        given.when(everything, method, path).then_refuses(403, "scope_needed", scopes=[])


def test_what_a_key_makes_is_the_organisers_and_the_log_names_the_key() -> None:
    machine = key_of(KeyScope.CONCERTS_WRITE)
    given = given_streams({})
    answered = given.when(machine, "POST", "/venues", VENUE)
    assert made_by(answered) == ORG
    [venue_id] = answered.news
    assert given.log.read(venue_id)[0].actor_id == str(machine.id)
    given.when(machine, "POST", "/venues", VENUE | {"organiser_id": str(OTHER_ORG)}).then_refuses(403, "forbidden")


def test_everybody_sees_who_they_are() -> None:
    given = with_account(works_for(), DoorGranted(concert_id=CONCERT_ID, at=NOW))
    given.when(STAFF, "GET", "/me").then_shows(
        kind="person",
        id=str(STAFF.id),
        roles=["customers"],
        organisers=[{"organiser_id": str(ORG), "role": "staff"}],
        doors=[{"concert_id": str(CONCERT_ID), "organiser_id": None, "opens_at": None, "closes_at": None}],
    )
    given.when(ORGANISER, "GET", "/me").then_shows(
        roles=["customers", "organisers"], organisers=[{"organiser_id": str(ORG), "role": "owner"}], doors=[]
    )
    given.when(key_of(KeyScope.DOOR), "GET", "/me").then_shows(kind="api_key", organiser_id=str(ORG), scopes=["door"])


def test_a_body_that_names_no_organiser_has_the_hash_that_it_always_had() -> None:
    from chalicelib.shop.venues.api import NewVenue  # noqa: PLC0415 - beside its use

    body = NewVenue.model_validate_json(
        '{"name":"V","capacity":9,"address":"A","city":"C","country":"NL","time_zone":"Europe/Amsterdam"}'
    )
    assert "organiser_id" not in body.model_dump_json()


def test_operators_manage_every_organiser() -> None:
    given = with_account()
    assert renamed(given, OPERATOR).status == 200
    assert given.when(OPERATOR, "GET", f"/organisers/{ORG}/members").status == 200
    assert made_by(given.when(OPERATOR, "POST", "/venues", VENUE | {"organiser_id": str(ORG)})) == ORG
    given.when(CUSTOMER, "GET", f"/organisers/{ORG}/members").then_refuses(403, "forbidden")
