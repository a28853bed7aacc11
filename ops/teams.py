"""Defines the commands on an organiser's team and API keys."""

import argparse
from typing import TYPE_CHECKING
from uuid import UUID

from chalicelib import composition
from chalicelib.platform.caller import TeamRole, person_id
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.shop.access.key_commands import revoke_key
from chalicelib.shop.access.team_commands import find_team, remove_member, set_member
from ops.accounts import as_operator
from ops.report import Report

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def team(options: argparse.Namespace) -> Report:
    """Show who works for an organiser."""
    return _members_of(person_id(options.organiser))


def member(options: argparse.Namespace) -> Report:
    """Let a person work for an organiser, or no longer; nobody is invited, and the person need not accept."""
    repository, organiser, person = (
        composition.current().repository,
        person_id(options.organiser),
        person_id(options.subject),
    )
    if options.role is None:
        remove_member(repository, as_operator(), organiser, person)
    else:
        set_member(repository, as_operator(), organiser, person, TeamRole(options.role))
    return _members_of(organiser)


def keys(options: argparse.Namespace) -> Report:
    """Show the API keys of an organiser, or revoke one, so that it is refused within a minute."""
    shop, organiser = composition.current(), person_id(options.organiser)
    if options.revoke is not None:
        revoke_key(shop.repository, as_operator(), organiser, options.revoke)
    found, _ = find_team(shop.repository, organiser)
    used = shop.key_use.last_used(organiser) if found.keys else {}
    rows = [
        {
            "key": str(key_id),
            "name": listed.key.name,
            "scopes": ", ".join(listed.key.scopes),
            "expires": format_instant(listed.key.expires_at),
            "last used": format_instant(used[key_id]) if key_id in used else "never",
        }
        for key_id, listed in found.keys.items()
    ]
    return Report(rows)


def declare(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    for command in (team, member, keys):
        parser = commands.add_parser(command.__name__, help=command.__doc__)
        if command is member:
            parser.add_argument("subject", help="name the person by the `sub` of their token")
            what = parser.add_mutually_exclusive_group(required=True)
            what.add_argument("--role", choices=[role.value for role in TeamRole], help="say what the person is")
            what.add_argument("--remove", action="store_true", help="remove the person")
        parser.add_argument("--organiser", required=True, help="name the organiser by the `sub` of its founder's token")
        parser.set_defaults(command=command)
    parser.add_argument("--revoke", type=UUID, metavar="KEY", help="revoke this key")


def _members_of(organiser: UUID) -> Report:
    found, _ = find_team(composition.current().repository, organiser)
    founder = {"person": str(organiser), "role": TeamRole.OWNER.value, "since": "the beginning"}
    members = [
        {"person": str(person), "role": one.role.value, "since": format_instant(one.since)}
        for person, one in found.members.items()
    ]
    return Report([founder, *members])
