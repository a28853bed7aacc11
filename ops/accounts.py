"""Defines the commands on a person's account."""

import argparse
import os
import sys
from typing import TYPE_CHECKING
from uuid import uuid4

from chalicelib import composition
from chalicelib.composition import Composition
from chalicelib.platform.caller import Role, person_id
from chalicelib.platform.errors import CloudbashError, NotFound
from chalicelib.platform.eventsourcing.codec import Origin
from chalicelib.shop.access.commands import erase_person, grant_role, granted_roles, revoke_role
from ops.report import Report

if TYPE_CHECKING:
    from argparse import _SubParsersAction


class NotConfirmed(CloudbashError):
    """The operator did not confirm."""

    code = "not_confirmed"


def grant(options: argparse.Namespace) -> Report:
    """Give a person a role, from their next request on."""
    shop = composition.current()
    if not _is_uuid(options.subject):
        _ensure_known(shop, options.subject)
    grant_role(shop.repository, _origin(), person_id(options.subject), Role(options.role))
    return _roles_of(options.subject)


def revoke(options: argparse.Namespace) -> Report:
    """Take a granted role back from a person."""
    shop = composition.current()
    _ensure_known(shop, options.subject)
    revoke_role(shop.repository, _origin(), person_id(options.subject), Role(options.role))
    return _roles_of(options.subject)


def erase(options: argparse.Namespace) -> Report:
    """Destroy a person's key, so that their personal data is unreadable everywhere, for good."""
    shop = composition.current()
    if not options.again:
        _ensure_known(shop, options.subject)
    person = person_id(options.subject)
    if not options.yes and not _is_sure(
        f"The personal data of person {person} will be unreadable everywhere, for good."
    ):
        raise NotConfirmed("Nothing was erased. Answer yes, or pass --yes where there is no terminal.")
    erase_person(shop.repository, shop.vault, _origin(), person)
    return Report([{"person": str(person), "erased": "yes"}])


def declare(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    for command in (grant, revoke, erase):
        parser = commands.add_parser(command.__name__, help=command.__doc__)
        parser.add_argument("subject", help="name the person by the `sub` of their token")
        if command is not erase:
            parser.add_argument(
                "role", choices=[role.value for role in Role if role is not Role.CUSTOMER], help="name the role"
            )
        parser.set_defaults(command=command)
    parser.add_argument("--yes", action="store_true", help="erase without asking")
    parser.add_argument(
        "--again", action="store_true", help="finish an interrupted erasure, though the key may be gone"
    )


def _is_uuid(subject: str) -> bool:
    """Tell whether the subject is a UUID, as the user pool's subjects are."""
    return str(person_id(subject)) == subject.lower()


def _ensure_known(shop: Composition, subject: str) -> None:
    """Refuse unknown subjects, because a typing error makes a valid id as well.

    Raises:
        NotFound: the person has neither an account nor a key here.
    """
    person = person_id(subject)
    if not shop.vault.knows(person) and not shop.event_store.read(person):
        raise NotFound(f"There is neither an account nor a key of the subject {subject}.")


def _is_sure(consequence: str) -> bool:
    """Ask on the terminal. Without a terminal the answer is no."""
    sys.stderr.write(f"{consequence} Type yes to go on: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip() == "yes"


def _roles_of(subject: str) -> Report:
    roles = granted_roles(composition.current().repository, person_id(subject))
    return Report([{"person": str(person_id(subject)), "granted roles": ", ".join(sorted(roles)) or "none"}])


def _origin() -> Origin:
    """Return the origin: operators act as the account that their shell runs under."""
    return Origin(f"operator:{os.environ.get('USER', 'unknown')}", str(uuid4()), f"ops:{os.getpid()}")
