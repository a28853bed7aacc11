"""Declares the routes of a person's privacy: erasure, its certificate, and the export of everything that is stored."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from chalicelib.platform.caller import Role
from chalicelib.platform.http.paging import Cursor, page_of
from chalicelib.platform.http.requests import Query
from chalicelib.platform.http.routes import Answer, Call, Routes, ok
from chalicelib.platform.processes.work import WorkQueue
from chalicelib.platform.services import Services
from chalicelib.shop.access import commands, erasure
from chalicelib.shop.access.stored_data import StoredData

if TYPE_CHECKING:
    from chalicelib.platform.privacy.vault import PersonVault
    from chalicelib.platform.readmodels.documents.projection import DocumentProjection


class PrivacyServices(Services, Protocol):
    """What these routes use of the container."""

    @property
    def vault(self) -> "PersonVault": ...

    @property
    def documents(self) -> "DocumentProjection": ...

    @property
    def work_queue(self) -> WorkQueue: ...

    def concerts_to_come(self, organiser_id: UUID) -> Sequence[UUID]: ...


routes: Routes[PrivacyServices] = Routes(__name__)


@routes.delete("/me", Role.CUSTOMER)
def erase_me(call: Call[PrivacyServices]) -> Answer:
    return _erased(call, call.actor.id)


@routes.delete("/people/{person_id}", Role.OPERATOR)
def erase_person(call: Call[PrivacyServices]) -> Answer:
    shop, person_id = call.shop, call.id("person_id")
    erasure.ensure_known(shop.event_store, shop.vault, person_id)
    return _erased(call, person_id)


@routes.get("/me/data", Role.CUSTOMER)
def export_my_data(call: Call[PrivacyServices]) -> Answer:
    """Everything, page by page: a page is as long as a call may read."""
    shop, query = call.shop, call.query(Cursor)
    call.budget.spend()  # the look at the account was a read as well
    stored = StoredData(shop.documents, call.metered(shop.event_store), shop.vault.open_many, call.actor.id)
    return ok(page_of(*stored.page(call.budget, query.after)))


@routes.get("/people/{person_id}/erasure")
def get_certificate(call: Call[PrivacyServices]) -> Answer:
    """For anybody: whoever was erased has no token any more, and there is nobody in it."""
    call.query(Query)
    return ok(commands.certificate_of(call.metered(call.shop.event_store), call.id("person_id")))


def _erased(call: Call[PrivacyServices], person_id: UUID) -> Answer:
    shop, origin = call.shop, call.caller().origin
    erasure.ensure_has_no_concerts_to_come(shop.repository, shop.concerts_to_come(person_id))
    erasure.begin_erasure(shop.work_queue, origin, person_id)
    erasure.erase_person(shop.repository, shop.vault, origin, person_id)
    return ok(commands.certificate_of(shop.event_store, person_id))
