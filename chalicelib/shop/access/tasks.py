"""The tasks of the work queue that access owns; each may come twice, late, or half done."""

from typing import TYPE_CHECKING, Protocol

from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.privacy.sign_ins import SignIns
from chalicelib.platform.processes.work import Task
from chalicelib.shop.access.erasure import erase_person, other_keys

if TYPE_CHECKING:
    from chalicelib.platform.privacy.vault import PersonVault
    from chalicelib.platform.readmodels.documents.projection import DocumentProjection


class AccessTaskServices(Protocol):
    """What these tasks use of a container."""

    @property
    def repository(self) -> Repository: ...

    @property
    def vault(self) -> "PersonVault": ...

    @property
    def documents(self) -> "DocumentProjection": ...

    @property
    def sign_ins(self) -> SignIns: ...


def finish_erasure(shop: AccessTaskServices, task: Task) -> None:
    """Erase the person, if that was interrupted, and delete what they sign in with, their address among it."""
    others = other_keys(shop.documents, task.stream_id)
    erase_person(shop.repository, shop.vault, task.origin, task.stream_id, others)
    shop.sign_ins.delete(task.stream_id)
