"""What an operator can do with a person's account."""

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
    """In effect with the person's next request. Raises InvalidInput or AccountErased."""

    def command(session: Session) -> None:
        account = session.load(ACCOUNT, person_id)
        session.append(ACCOUNT, person_id, *account.grant(role, session.now))

    repository.execute(command, origin)


def revoke_role(repository: Repository, origin: Origin, person_id: UUID, role: Role) -> None:
    """In effect with the person's next request; a role inside a token lasts until the token expires."""

    def command(session: Session) -> None:
        account = session.load(ACCOUNT, person_id)
        session.append(ACCOUNT, person_id, *account.revoke(role, session.now))

    repository.execute(command, origin)


def erase_person(repository: Repository, vault: "PersonVault", origin: Origin, person_id: UUID) -> None:
    """Destroy the person's key, then record it. Interrupted in between, it is finished by doing it again."""
    vault.erase(person_id)

    def command(session: Session) -> None:
        account = session.load(ACCOUNT, person_id)
        session.append(ACCOUNT, person_id, *account.erase(session.now))

    repository.execute(command, origin)


def granted_roles(repository: Repository, person_id: UUID) -> frozenset[Role]:
    """The roles granted here, as of now: one read."""
    account, _ = repository.load(ACCOUNT, person_id)
    return account.roles
