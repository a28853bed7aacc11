"""Declares the routes of a person's privacy: erasure, its certificate, and the export of everything that is stored."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, cast
from uuid import UUID

from chalicelib.platform.caller import Role
from chalicelib.platform.http.answers import Ok, ok
from chalicelib.platform.http.paging import Cursor, page_of
from chalicelib.platform.http.routes import Call, Routes
from chalicelib.platform.processes.work import WorkQueue
from chalicelib.platform.services import Services
from chalicelib.shop.access import commands, erasure
from chalicelib.shop.access.stored_data import StoredData

if TYPE_CHECKING:
    from chalicelib.platform.http.shapes import ErasureCertificate, Items
    from chalicelib.platform.privacy.vault import PersonVault
    from chalicelib.platform.readmodels.documents.projection import DocumentProjection
    from chalicelib.shop.access.answers import DataItem


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


@routes.delete("/me", Role.CUSTOMER, refuses=("owns_concerts",))
def erase_me(call: Call[PrivacyServices]) -> "Ok[ErasureCertificate]":
    """Erase yourself, at once and for good; your tickets stay valid, and nobody can show them to you again."""
    return _erased(call, call.actor.id)


@routes.delete("/people/{person_id}", Role.OPERATOR, refuses=("owns_concerts",))
def erase_person(call: Call[PrivacyServices]) -> "Ok[ErasureCertificate]":
    """Erase a person who has an account or a key here."""
    shop, person_id = call.shop, call.id("person_id")
    erasure.ensure_known(shop.event_store, shop.vault, person_id)
    return _erased(call, person_id)


@routes.get("/me/data", Role.CUSTOMER)
def export_my_data(call: Call[PrivacyServices], query: Cursor) -> "Ok[Items[DataItem]]":
    """Get everything that is stored about you, page by page: a page is as long as a call may read."""
    call.budget.spend()  # the look at the account was a read as well
    shop = call.shop
    stored = StoredData(shop.documents, call.metered(shop.event_store), shop.vault.open_many, call.actor.id)
    items, next_key = stored.page(call.budget, query.after)
    return ok(page_of(cast("list[DataItem]", items), next_key))


@routes.get("/people/{person_id}/erasure")
def get_certificate(call: Call[PrivacyServices]) -> "Ok[ErasureCertificate]":
    """Get the certificate of an erasure: whoever was erased has no token any more, and it names nobody."""
    return ok(commands.certificate_of(call.metered(call.shop.event_store), call.id("person_id")))


def _erased(call: Call[PrivacyServices], person_id: UUID) -> "Ok[ErasureCertificate]":
    shop, origin = call.shop, call.caller().origin
    erasure.ensure_has_no_concerts_to_come(shop.repository, shop.concerts_to_come(person_id))
    erasure.begin_erasure(shop.work_queue, origin, person_id)
    others = erasure.other_keys(shop.documents, person_id)
    erasure.erase_person(shop.repository, shop.vault, origin, person_id, others)
    return ok(commands.certificate_of(shop.event_store, person_id))
