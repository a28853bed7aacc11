"""Defines a person's account: roles granted by an operator, and whether the person was erased."""

from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.platform.caller import Role
from chalicelib.platform.errors import InvalidInput, RuleViolated
from chalicelib.platform.eventsourcing.aggregate import Aggregate
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.shop.access.events import PersonErased, RoleGranted, RoleRevoked


class AccountErased(RuleViolated):
    code = "account_erased"


@dataclass(frozen=True, slots=True)
class Account:
    roles: frozenset[Role] = frozenset()
    erased: bool = False

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
            raise AccountErased("The person was erased.")
        return [] if role in self.roles else [RoleGranted(role=role, at=now)]

    def revoke(self, role: Role, now: datetime) -> list[Event]:
        """Revoke a role; revoking it again changes nothing."""
        return [RoleRevoked(role=role, at=now)] if role in self.roles else []

    def erase(self, now: datetime) -> list[Event]:
        """Erase the person, with every role; erasing again changes nothing."""
        return [] if self.erased else [PersonErased(at=now)]


def evolve(account: Account, event: Event) -> Account:
    match event:
        case RoleGranted():
            return replace(account, roles=account.roles | {event.role})
        case RoleRevoked():
            return replace(account, roles=account.roles - {event.role})
        case PersonErased():
            return Account(erased=True)
    return account


ACCOUNT = Aggregate("Account", Account(), evolve)
