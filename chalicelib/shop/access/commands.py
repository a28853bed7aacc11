"""Changes a person's account, for operators."""

from typing import TYPE_CHECKING
from uuid import UUID

from chalicelib.platform.caller import Role
from chalicelib.platform.eventsourcing.codec import Origin
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.shop.access.account import ACCOUNT

if TYPE_CHECKING:
    from chalicelib.platform.privacy.vault import PersonVault


def grant_role(repository: Repository, origin: Origin, person_id: UUID, role: Role) -> None:
    """Grant a role, which takes effect with the person's next request.

    Raises:
        InvalidInput: the role is that of a customer.
        AccountErased: the person was erased.
    """

    def command(session: Session) -> None:
        account = session.load(ACCOUNT, person_id)
        session.append(ACCOUNT, person_id, *account.grant(role, session.now))

    repository.execute(command, origin)


def revoke_role(repository: Repository, origin: Origin, person_id: UUID, role: Role) -> None:
    """Revoke a role, which takes effect with the person's next request.

    A role inside a token lasts until the token expires.
    """

    def command(session: Session) -> None:
        account = session.load(ACCOUNT, person_id)
        session.append(ACCOUNT, person_id, *account.revoke(role, session.now))

    repository.execute(command, origin)


def erase_person(repository: Repository, vault: "PersonVault", origin: Origin, person_id: UUID) -> None:
    """Destroy the person's key, then record it.

    If it is interrupted in between, doing it again finishes it.
    """
    vault.erase(person_id)

    def command(session: Session) -> None:
        account = session.load(ACCOUNT, person_id)
        session.append(ACCOUNT, person_id, *account.erase(session.now))

    repository.execute(command, origin)


def granted_roles(repository: Repository, person_id: UUID) -> frozenset[Role]:
    """Return the roles granted here, as of now. It costs one read."""
    account, _ = repository.load(ACCOUNT, person_id)
    return account.roles
