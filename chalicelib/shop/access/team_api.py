"""Declares the routes of an organiser's team: members and invitations."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Protocol
from uuid import UUID

from pydantic import Field, StringConstraints

from chalicelib.platform.caller import Role, TeamRole
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.http.emails import EmailAddress
from chalicelib.platform.http.paging import page_of
from chalicelib.platform.http.requests import Body, Query
from chalicelib.platform.http.routes import Answer, Call, Routes, created, no_content, ok
from chalicelib.platform.services import Services
from chalicelib.shop.access import team_commands as commands
from chalicelib.shop.access.team import Invitation, Team

if TYPE_CHECKING:
    from chalicelib.platform.privacy.vault import PersonVault


class TeamServices(Services, Protocol):
    """Declares what these routes use of the container."""

    @property
    def vault(self) -> "PersonVault": ...


routes: Routes[TeamServices] = Routes(__name__)

MemberRole = Annotated[TeamRole, Field(strict=False)]
InvitationDays = Annotated[int, Field(ge=1, le=30)]


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
def list_members(call: Call[TeamServices]) -> Answer:
    """List the team, for whoever works for the organiser; only owners see addresses."""
    call.query(Query)
    organiser_id = call.id("organiser_id")
    call.actor.ensure_manages(organiser_id)
    team, version = commands.find_team(call.shop.repository, organiser_id)
    addresses = _addresses(call, team) if call.actor.owns(organiser_id) else {}
    founder = {"person_id": str(organiser_id), "role": TeamRole.OWNER, "since": None, "email": None}
    members = [
        {
            "person_id": str(person_id),
            "role": member.role,
            "since": format_instant(member.since),
            "email": addresses.get(person_id),
        }
        for person_id, member in sorted(team.members.items(), key=lambda one: (one[1].since, one[0]))
    ]
    return ok(page_of([founder, *members], None), version if version >= 0 else None)


@routes.patch("/organisers/{organiser_id}/members/{person_id}", Role.ORGANISER, if_match=True)
def change_member(call: Call[TeamServices]) -> Answer:
    body, person_id = call.body(MemberChanges), call.id("person_id")
    version = commands.set_member(
        call.shop.repository, call.caller(body), call.id("organiser_id"), person_id, body.role
    )
    return ok({"person_id": str(person_id), "role": body.role, "version": version}, version)


@routes.delete("/organisers/{organiser_id}/members/{person_id}", Role.CUSTOMER, if_match=True)
def remove_member(call: Call[TeamServices]) -> Answer:
    """Remove a member, for owners; members may remove themselves."""
    organiser_id, person_id = call.id("organiser_id"), call.id("person_id")
    return no_content(commands.remove_member(call.shop.repository, call.caller(), organiser_id, person_id))


@routes.post("/organisers/{organiser_id}/invitations", Role.ORGANISER)
def invite_member(call: Call[TeamServices]) -> Answer:
    """Invite somebody by e-mail; the answer tells the secret with which the invitation is accepted."""
    body, shop, organiser_id = call.body(NewInvitation), call.shop, call.id("organiser_id")
    lasts = timedelta(days=body.expires_in_days)
    invited = commands.invite(
        shop.repository, shop.vault, call.caller(body), organiser_id, body.role, body.email, lasts
    )
    answer = {
        **_shown(invited.id, invited.invitation, body.email),
        "secret": invited.secret,
        "version": invited.version,
    }
    return created(answer, f"/organisers/{organiser_id}/invitations/{invited.id}")


@routes.get("/organisers/{organiser_id}/invitations", Role.ORGANISER)
def list_invitations(call: Call[TeamServices]) -> Answer:
    """List the invitations that can still be accepted, for owners; without their secrets."""
    call.query(Query)
    shop, organiser_id = call.shop, call.id("organiser_id")
    call.actor.ensure_owns(organiser_id)
    team, version = commands.find_team(shop.repository, organiser_id)
    found = [(key, one) for key, one in team.invitations.items() if one.is_open(shop.clock())]
    addresses = shop.vault.open_many([one.email for _, one in found])
    items = [
        _shown(key, one, (address or {}).get("email")) for (key, one), address in zip(found, addresses, strict=True)
    ]
    return ok(page_of(items, None), version if version >= 0 else None)


@routes.delete("/organisers/{organiser_id}/invitations/{invitation_id}", Role.ORGANISER)
def revoke_invitation(call: Call[TeamServices]) -> Answer:
    organiser_id, invitation_id = call.id("organiser_id"), call.id("invitation_id")
    return no_content(commands.revoke_invitation(call.shop.repository, call.caller(), organiser_id, invitation_id))


@routes.post("/organisers/{organiser_id}/invitations/{invitation_id}/accept", Role.CUSTOMER)
def accept_invitation(call: Call[TeamServices]) -> Answer:
    """Join the organiser's team, for whoever is signed in and has the invitation's secret."""
    body, organiser_id = call.body(Acceptance), call.id("organiser_id")
    joined = commands.accept_invitation(
        call.shop.repository, call.caller(body), organiser_id, call.id("invitation_id"), body.secret
    )
    return ok({"organiser_id": str(organiser_id), "role": joined.role, "version": joined.version}, joined.version)


def _addresses(call: Call[TeamServices], team: Team) -> dict[UUID, str | None]:
    sealed = {person_id: member.email for person_id, member in team.members.items() if member.email is not None}
    opened = call.shop.vault.open_many(list(sealed.values()))
    return {person_id: (address or {}).get("email") for person_id, address in zip(sealed, opened, strict=True)}


def _shown(invitation_id: UUID, invitation: Invitation, email: str | None) -> dict[str, Any]:
    return {
        "id": str(invitation_id),
        "email": email,
        "role": invitation.role,
        "expires_at": format_instant(invitation.expires_at),
    }
