"""Says which concerts a request is about, and whether its caller may see their sales."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chalicelib.platform.caller import Actor
from chalicelib.platform.errors import NotFound
from chalicelib.shop.sales.statements import CONCERT, PUBLISHED_OF

if TYPE_CHECKING:
    from chalicelib.platform.readmodels.postgres.pool import Reader

DRAFT = "draft"
LONGEST_CONCERT = timedelta(days=30)
MOST_TO_COME = 20


@dataclass(frozen=True, slots=True)
class Scope:
    """One concert, or all concerts of an organiser."""

    concert_id: UUID | None = None
    organiser_id: UUID | None = None

    def parameters(self) -> dict[str, Any]:
        return {"concert_id": self.concert_id, "organiser_id": self.organiser_id}


def find_concert(sales: "Reader", actor: Actor, concert_id: UUID) -> Mapping[str, Any]:
    """Return a concert that the caller manages.

    Raises:
        NotFound: there is none, or it is another organiser's draft.
        Forbidden: it belongs to another organiser.
        Unavailable
    """
    rows = sales.fetch_all(CONCERT, {"concert_id": concert_id})
    if not rows or (rows[0]["status"] == DRAFT and not actor.manages(rows[0]["organiser_id"])):
        raise NotFound("There is no such concert.")
    actor.ensure_manages(rows[0]["organiser_id"])
    return rows[0]


def concerts_of(actor: Actor, organiser_id: UUID | None) -> Scope:
    """Return the concerts of the organiser that is named, or else of the one for whom the caller acts.

    Raises Forbidden, or InvalidInput from who works for several organisers and names none.
    """
    return Scope(organiser_id=actor.organiser(organiser_id, "?organiser_id"))


def concerts_to_come(sales: "Reader", organiser_id: UUID, now: datetime) -> list[UUID]:
    """Return concerts of the organiser that are published and may not be over, MOST_TO_COME at most.

    Raises Unavailable.
    """
    parameters = {"organiser_id": organiser_id, "since": now - LONGEST_CONCERT, "rows": MOST_TO_COME}
    return [row["id"] for row in sales.fetch_all(PUBLISHED_OF, parameters)]
