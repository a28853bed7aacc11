"""Defines the commands on a person's account."""

import argparse
import os
import sys
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from chalicelib import composition
from chalicelib.composition import Composition
from chalicelib.platform.caller import Actor, Caller, RequestIdentity, Role, person_id
from chalicelib.platform.errors import CloudbashError, NotFound
from chalicelib.platform.eventsourcing.codec import Origin, aggregate_type_of
from chalicelib.platform.eventsourcing.instants import as_utc
from chalicelib.shop.access.commands import (
    certificate_of,
    disable_account,
    enable_account,
    grant_door,
    grant_role,
    granted_roles,
    revoke_door,
    revoke_role,
)
from chalicelib.shop.access.doors import DoorHours, Place
from chalicelib.shop.access.erasure import begin_erasure, erase_person, other_keys
from chalicelib.shop.orders.guest_erasure import erase_guest
from chalicelib.shop.orders.order import ORDER
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


def disable(options: argparse.Namespace) -> Report:
    """Disable a person's account, so that its tokens are refused within a minute."""
    disable_account(composition.current().repository, as_operator(), person_id(options.subject), options.reason)
    return Report([{"person": str(person_id(options.subject)), "disabled": "yes"}])


def enable(options: argparse.Namespace) -> Report:
    """Enable a person's account again."""
    enable_account(composition.current().repository, as_operator(), person_id(options.subject))
    return Report([{"person": str(person_id(options.subject)), "disabled": "no"}])


def door(options: argparse.Namespace) -> Report:
    """Let a person check tickets in, at one concert or at all concerts of an organiser, or no longer."""
    repository, person = composition.current().repository, person_id(options.subject)
    organiser = None if options.organiser is None else person_id(options.organiser)
    place = Place(options.concert, organiser)
    if options.revoke:
        revoke_door(repository, as_operator(), person, place)
    else:
        grant_door(
            repository, as_operator(), person, place, DoorHours(options.opens_at, options.closes_at, options.supervisor)
        )
    return Report([{"person": str(person), "door of": str(place.id), "granted": "no" if options.revoke else "yes"}])


def erase(options: argparse.Namespace) -> Report:
    """Destroy the key of a person or a guest, so that their personal data is unreadable everywhere, for good."""
    shop, person = composition.current(), person_id(options.subject)
    is_guest = _is_of_a_guest(shop, person)
    if not options.again and not is_guest:
        _ensure_known(shop, options.subject)
    if not options.yes and not _is_sure(
        f"The personal data of person {person} will be unreadable everywhere, for good."
    ):
        raise NotConfirmed("Nothing was erased. Answer yes, or pass --yes where there is no terminal.")
    if is_guest:
        erase_guest(shop.repository, shop.vault, as_operator(), person)
    else:
        begin_erasure(shop.work_queue, _origin(), person)
        erase_person(shop.repository, shop.vault, _origin(), person, other_keys(shop.documents, person))
    certificate = certificate_of(shop.event_store, person)
    row = {"person": str(person), "erased": certificate["erased_at"], "hash": certificate["event"]["hash"]}
    return Report([row], [dict(certificate)])


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
    for command in (disable, enable, door):
        parser = commands.add_parser(command.__name__, help=command.__doc__)
        parser.add_argument("subject", help="name the person by the `sub` of their token")
        parser.set_defaults(command=command)
        if command is disable:
            parser.add_argument("--reason", required=True, help="say why; it is stored, so name nobody")
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument("--concert", type=UUID, help="name the concert by its id")
    place.add_argument("--organiser", help="name the organiser by the `sub` of their token")
    parser.add_argument("--from", dest="opens_at", type=_instant, help="open the door then, and not 12 h before")
    parser.add_argument("--until", dest="closes_at", type=_instant, help="close it then, and not 6 h after the end")
    parser.add_argument("--supervisor", action="store_true", help="let the person decide against the rules, too")
    parser.add_argument("--revoke", action="store_true", help="revoke what was granted")


def _instant(text: str) -> datetime:
    """Read an instant with an offset. Raises ValueError."""
    return as_utc(datetime.fromisoformat(text))


def _is_uuid(subject: str) -> bool:
    """Tell whether the subject is a UUID, as the user pool's subjects are."""
    return str(person_id(subject)) == subject.lower()


def _is_of_a_guest(shop: Composition, key: UUID) -> bool:
    """Tell whether it is the id of an order: whose guest has no account, and a key of that name."""
    stream = shop.event_store.read_slice(key, -1, 1)
    return bool(stream) and aggregate_type_of(stream[0]) == ORDER.name


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


def as_operator() -> Caller:
    """Return the operator as whoever manages everything."""
    actor = Actor(UUID(int=0), frozenset({Role.OPERATOR}))
    return Caller(actor, _origin(), RequestIdentity(uuid4(), "", is_repeatable=False))
