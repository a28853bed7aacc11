"""Commands on a person's account."""

import argparse
import os
from typing import TYPE_CHECKING
from uuid import uuid4

from chalicelib import composition
from chalicelib.platform.caller import Role, person_id
from chalicelib.platform.eventsourcing.codec import Origin
from chalicelib.shop.access.commands import erase_person, grant_role, granted_roles, revoke_role
from ops.report import Report

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def grant(options: argparse.Namespace) -> Report:
    """give a person a role, in effect with the next request"""
    grant_role(composition.current().repository, _origin(), person_id(options.subject), Role(options.role))
    return _roles_of(options.subject)


def revoke(options: argparse.Namespace) -> Report:
    """take a granted role back"""
    revoke_role(composition.current().repository, _origin(), person_id(options.subject), Role(options.role))
    return _roles_of(options.subject)


def erase(options: argparse.Namespace) -> Report:
    """destroy a person's key: their personal data is unreadable everywhere, for good"""
    shop = composition.current()
    erase_person(shop.repository, shop.vault, _origin(), person_id(options.subject))
    return Report([{"person": str(person_id(options.subject)), "erased": "yes"}])


def declare(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    for command in (grant, revoke, erase):
        parser = commands.add_parser(command.__name__, help=command.__doc__)
        parser.add_argument("subject", help="the `sub` of the person's token")
        if command is not erase:
            parser.add_argument("role", choices=[role.value for role in Role if role is not Role.CUSTOMER])
        parser.set_defaults(command=command)


def _roles_of(subject: str) -> Report:
    roles = granted_roles(composition.current().repository, person_id(subject))
    return Report([{"person": str(person_id(subject)), "granted roles": ", ".join(sorted(roles)) or "none"}])


def _origin() -> Origin:
    """Operators act as the account that their shell runs under."""
    return Origin(f"operator:{os.environ.get('USER', 'unknown')}", str(uuid4()), f"ops:{os.getpid()}")
