"""Defines a person's account: roles, doors at which tickets are checked in, and whether it is disabled or erased."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from chalicelib.platform.caller import Role, TeamRole
from chalicelib.platform.errors import AccountErased, InvalidInput
from chalicelib.platform.eventsourcing.aggregate import Aggregate
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.shop.access.doors import DoorHours, Place
from chalicelib.shop.access.events import (
    AccountDisabled,
    AccountEnabled,
    DoorGranted,
    DoorRevoked,
    GuestJoined,
    PersonErased,
    RoleGranted,
    RoleRevoked,
    TeamJoined,
    TeamLeft,
)


@dataclass(frozen=True, slots=True)
class Account:
    """`doors` has the hours that were granted, by place; `teams` what the person is to organisers, by their ids.

    `invitations` are those that the person has ever accepted: each has a key that seals the person's address. `guests`
    are the guests as whom the person has bought.
    """

    roles: frozenset[Role] = frozenset()
    erased: bool = False
    disabled: bool = False
    doors: Mapping[Place, DoorHours] = field(default_factory=dict)
    teams: Mapping[UUID, TeamRole] = field(default_factory=dict)
    invitations: frozenset[UUID] = frozenset()
    guests: frozenset[UUID] = frozenset()

    def grant(self, role: Role, now: datetime) -> list[Event]:
        """Grant a role; granting it again changes nothing.

        Raises:
            InvalidInput: the role is that of a customer.
            AccountErased: the person was erased.
        """
        if role is Role.CUSTOMER:
            raise InvalidInput(
                "The role `customer` cannot be granted; every person has it.", (("role", "cannot be granted"),)
            )
        if self.erased:
            raise AccountErased
        return [] if role in self.roles else [RoleGranted(role=role, at=now)]

    def revoke(self, role: Role, now: datetime) -> list[Event]:
        """Revoke a role; revoking it again changes nothing."""
        return [RoleRevoked(role=role, at=now)] if role in self.roles else []

    def grant_door(self, place: Place, hours: DoorHours, now: datetime) -> list[Event]:
        """Let the person check tickets in at a place; granting the same hours again changes nothing.

        Raises:
            InvalidInput: the hours end before they begin.
            AccountErased: the person was erased.
        """
        hours.ensure_some()
        if self.erased:
            raise AccountErased
        if self.doors.get(place) == hours:
            return []
        granted = DoorGranted(
            concert_id=place.concert_id,
            organiser_id=place.organiser_id,
            opens_at=hours.opens_at,
            closes_at=hours.closes_at,
            is_supervisor=hours.is_supervisor,
            at=now,
        )
        return [granted]

    def revoke_door(self, place: Place, now: datetime) -> list[Event]:
        """Revoke what was granted for a place; revoking it again changes nothing."""
        if place not in self.doors:
            return []
        return [DoorRevoked(concert_id=place.concert_id, organiser_id=place.organiser_id, at=now)]

    def join(self, organiser_id: UUID, role: TeamRole, now: datetime, invitation_id: UUID | None = None) -> list[Event]:
        """Let the person work for an organiser; who is there for the door is granted that door, by its schedule.

        Raises:
            AccountErased: the person was erased.
        """
        if self.erased:
            raise AccountErased
        if role is TeamRole.DOOR:
            return [*self._leave_team(organiser_id, now), *self._join_for_the_door(organiser_id, now, invitation_id)]
        if self.teams.get(organiser_id) is role and invitation_id is None:
            return []
        return [TeamJoined(organiser_id=organiser_id, role=role, invitation_id=invitation_id, at=now)]

    def _join_for_the_door(self, organiser_id: UUID, now: datetime, invitation_id: UUID | None) -> list[Event]:
        known = self.doors.get(Place(organiser_id=organiser_id))
        if known is not None and invitation_id is None:
            return []
        hours = known or DoorHours()
        granted = DoorGranted(
            organiser_id=organiser_id,
            opens_at=hours.opens_at,
            closes_at=hours.closes_at,
            is_supervisor=hours.is_supervisor,
            invitation_id=invitation_id,
            at=now,
        )
        return [granted]

    def leave(self, organiser_id: UUID, now: datetime) -> list[Event]:
        """Let the person work for the organiser no longer, nor stand at its doors."""
        return [*self._leave_team(organiser_id, now), *self.revoke_door(Place(organiser_id=organiser_id), now)]

    def _leave_team(self, organiser_id: UUID, now: datetime) -> list[Event]:
        return [TeamLeft(organiser_id=organiser_id, at=now)] if organiser_id in self.teams else []

    def disable(self, reason: str, now: datetime) -> list[Event]:
        """Disable the account; disabling it again changes nothing."""
        return [] if self.disabled else [AccountDisabled(reason=reason, at=now)]

    def enable(self, now: datetime) -> list[Event]:
        """Enable the account; enabling it again changes nothing."""
        return [AccountEnabled(at=now)] if self.disabled else []

    def join_guest(self, guest_id: UUID, now: datetime) -> list[Event]:
        """Note that the person has bought as this guest; noting it again changes nothing.

        Raises:
            AccountErased: the person was erased.
        """
        if self.erased:
            raise AccountErased
        return [] if guest_id in self.guests else [GuestJoined(guest_id=guest_id, at=now)]

    def erase(self, now: datetime) -> list[Event]:
        """Erase the person, with every role; erasing again changes nothing."""
        return [] if self.erased else [PersonErased(at=now)]


def evolve(account: Account, event: Event) -> Account:
    match event:
        case RoleGranted():
            return replace(account, roles=account.roles | {event.role})
        case RoleRevoked():
            return replace(account, roles=account.roles - {event.role})
        case DoorGranted():
            hours = DoorHours(event.opens_at, event.closes_at, event.is_supervisor)
            doors = {**account.doors, Place(event.concert_id, event.organiser_id): hours}
            return replace(account, doors=doors, invitations=_with(account, event.invitation_id))
        case DoorRevoked():
            left = Place(event.concert_id, event.organiser_id)
            return replace(account, doors={place: hours for place, hours in account.doors.items() if place != left})
        case TeamJoined():
            teams = {**account.teams, event.organiser_id: event.role}
            return replace(account, teams=teams, invitations=_with(account, event.invitation_id))
        case TeamLeft():
            return replace(account, teams={key: one for key, one in account.teams.items() if key != event.organiser_id})
    return _with_person(account, event)


def _with_person(account: Account, event: Event) -> Account:
    """Add who the person is to the shop, other than by working for somebody."""
    match event:
        case AccountDisabled():
            return replace(account, disabled=True)
        case AccountEnabled():
            return replace(account, disabled=False)
        case GuestJoined():
            return replace(account, guests=account.guests | {event.guest_id})
        case PersonErased():
            return Account(
                erased=True, disabled=account.disabled, guests=account.guests, invitations=account.invitations
            )
    return account


def _with(account: Account, invitation_id: UUID | None) -> frozenset[UUID]:
    return account.invitations if invitation_id is None else account.invitations | {invitation_id}


ACCOUNT = Aggregate("Account", Account(), evolve)
