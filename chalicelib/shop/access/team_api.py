"""Declares the routes of an organiser's team: members and invitations."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Protocol, TypeVar
from uuid import UUID

from pydantic import Field, StringConstraints

from chalicelib.platform.caller import Role, TeamRole
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.http.answers import Created, NoContent, Ok, Tagged, created, no_content, ok
from chalicelib.platform.http.emails import EmailAddress
from chalicelib.platform.http.paging import page_of
from chalicelib.platform.http.requests import WHOLE, Body
from chalicelib.platform.http.routes import Call, Routes
from chalicelib.platform.services import Services
from chalicelib.shop.access import team_commands as commands
from chalicelib.shop.access.team import Invitation, Team

if TYPE_CHECKING:
    from chalicelib.platform.http.shapes import Items
    from chalicelib.platform.privacy.vault import PersonVault
    from chalicelib.shop.access.answers import ChangedMember, JoinedTeam, MadeInvitation, OpenInvitation, TeamMember

Item = TypeVar("Item")


class TeamServices(Services, Protocol):
    """Declares what these routes use of the container."""

    @property
    def vault(self) -> "PersonVault": ...


routes: Routes[TeamServices] = Routes(__name__)

MemberRole = Annotated[TeamRole, Field(strict=False)]
InvitationDays = Annotated[int, Field(ge=1, le=30), WHOLE]


class NewInvitation(Body):
    email: EmailAddress
    role: MemberRole
    expires_in_days: InvitationDays = 7


class Acceptance(Body):
    """Has the secret of the invitation."""

    secret: Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9_-]+$")]


class MemberChanges(Body):
    role: MemberRole


@routes.get("/organisers/{organiser_id}/members", Role.ORGANISER)
def list_members(call: Call[TeamServices]) -> "Ok[Items[TeamMember]] | Tagged[Items[TeamMember]]":
    """List the team, for whoever works for the organiser; only owners see addresses."""
    organiser_id = call.id("organiser_id")
    call.actor.ensure_manages(organiser_id)
    team, version = commands.find_team(call.shop.repository, organiser_id)
    addresses = _addresses(call, team) if call.actor.owns(organiser_id) else {}
    founder: TeamMember = {"person_id": str(organiser_id), "role": TeamRole.OWNER, "since": None, "email": None}
    members: list[TeamMember] = [
        {
            "person_id": str(person_id),
            "role": member.role,
            "since": format_instant(member.since),
            "email": addresses.get(person_id),
        }
        for person_id, member in sorted(team.members.items(), key=lambda one: (one[1].since, one[0]))
    ]
    return of_version(page_of([founder, *members], None), version)


@routes.patch(
    "/organisers/{organiser_id}/members/{person_id}",
    Role.ORGANISER,
    refuses=("account_erased", "founding_owner", "owner_needed", "team_full"),
)
def change_member(call: Call[TeamServices], body: MemberChanges) -> "Tagged[ChangedMember]":
    """Change what a member is to the organiser, for owners."""
    person_id = call.id("person_id")
    version = commands.set_member(call.shop.repository, call.caller(), call.id("organiser_id"), person_id, body.role)
    changed: ChangedMember = {"person_id": str(person_id), "role": body.role, "version": version}
    return ok(changed, version)


@routes.delete(
    "/organisers/{organiser_id}/members/{person_id}",
    Role.CUSTOMER,
    if_match=True,
    refuses=("forbidden", "founding_owner", "owner_needed"),
)
def remove_member(call: Call[TeamServices]) -> NoContent:
    """Remove a member, for owners; members may remove themselves."""
    organiser_id, person_id = call.id("organiser_id"), call.id("person_id")
    return no_content(commands.remove_member(call.shop.repository, call.caller(), organiser_id, person_id))


@routes.post("/organisers/{organiser_id}/invitations", Role.ORGANISER, refuses=("owner_needed", "team_full"))
def invite_member(call: Call[TeamServices], body: NewInvitation) -> "Created[MadeInvitation]":
    """Invite somebody by e-mail; the answer tells the secret with which the invitation is accepted."""
    shop, organiser_id = call.shop, call.id("organiser_id")
    lasts = timedelta(days=body.expires_in_days)
    invited = commands.invite(shop.repository, shop.vault, call.caller(), organiser_id, body.role, body.email, lasts)
    answer: MadeInvitation = {
        **_shown(invited.id, invited.invitation, body.email),
        "secret": invited.secret,
        "version": invited.version,
    }
    return created(answer, f"/organisers/{organiser_id}/invitations/{invited.id}")


@routes.get("/organisers/{organiser_id}/invitations", Role.ORGANISER, refuses=("owner_needed",))
def list_invitations(call: Call[TeamServices]) -> "Ok[Items[OpenInvitation]] | Tagged[Items[OpenInvitation]]":
    """List the invitations that can still be accepted, for owners; without their secrets."""
    shop, organiser_id = call.shop, call.id("organiser_id")
    call.actor.ensure_owns(organiser_id)
    team, version = commands.find_team(shop.repository, organiser_id)
    found = [(key, one) for key, one in team.invitations.items() if one.is_open(shop.clock())]
    addresses = shop.vault.open_many([one.email for _, one in found])
    items = [
        _shown(key, one, (address or {}).get("email")) for (key, one), address in zip(found, addresses, strict=True)
    ]
    return of_version(page_of(items, None), version)


@routes.delete("/organisers/{organiser_id}/invitations/{invitation_id}", Role.ORGANISER, refuses=("owner_needed",))
def revoke_invitation(call: Call[TeamServices]) -> NoContent:
    """Revoke an invitation that nobody has accepted, for owners."""
    organiser_id, invitation_id = call.id("organiser_id"), call.id("invitation_id")
    return no_content(commands.revoke_invitation(call.shop.repository, call.caller(), organiser_id, invitation_id))


@routes.post(
    "/organisers/{organiser_id}/invitations/{invitation_id}/accept",
    Role.CUSTOMER,
    refuses=("account_erased", "founding_owner", "invitation_expired", "invitation_used", "team_full"),
)
def accept_invitation(call: Call[TeamServices], body: Acceptance) -> "Tagged[JoinedTeam]":
    """Join the organiser's team, for whoever is signed in and has the invitation's secret."""
    organiser_id = call.id("organiser_id")
    joined = commands.accept_invitation(
        call.shop.repository, call.caller(), organiser_id, call.id("invitation_id"), body.secret
    )
    answer: JoinedTeam = {"organiser_id": str(organiser_id), "role": joined.role, "version": joined.version}
    return ok(answer, joined.version)


def _addresses(call: Call[TeamServices], team: Team) -> dict[UUID, str | None]:
    sealed = {person_id: member.email for person_id, member in team.members.items() if member.email is not None}
    opened = call.shop.vault.open_many(list(sealed.values()))
    return {person_id: (address or {}).get("email") for person_id, address in zip(sealed, opened, strict=True)}


def of_version(items: "Items[Item]", version: int) -> "Ok[Items[Item]] | Tagged[Items[Item]]":
    """Answer with the team's version, if the organiser has ever had more than itself."""
    return ok(items) if version < 0 else ok(items, version)


def _shown(invitation_id: UUID, invitation: Invitation, email: str | None) -> "OpenInvitation":
    return {
        "id": str(invitation_id),
        "email": email,
        "role": invitation.role,
        "expires_at": format_instant(invitation.expires_at),
    }
