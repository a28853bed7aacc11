"""Declares who prints tickets, and carries what is to be printed to another function and back."""

from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from functools import cache
from typing import Protocol

from pydantic import TypeAdapter

from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.shop.orders.faces import TicketFace

MOST_PAGES = 50
"""The tickets of one document: Lambda returns 6 MB at most, and API Gateway waits 29 seconds."""


class Paper(Protocol):
    """Prints tickets."""

    def tickets_pdf(self, faces: Sequence[TicketFace], language: str) -> bytes:
        """Return a document with a page for each ticket, MOST_PAGES at most. Raises Unavailable."""
        ...


class PaperHere:
    """Prints in this process."""

    def tickets_pdf(self, faces: Sequence[TicketFace], language: str) -> bytes:
        return b64decode(print_job(job_of(faces, language))["pdf"])


class PaperElsewhere:
    """Has another function print; `invoke` calls it, and waits for its answer."""

    def __init__(self, invoke: Callable[[JsonObject], JsonObject]) -> None:
        self._invoke = invoke

    def tickets_pdf(self, faces: Sequence[TicketFace], language: str) -> bytes:
        return b64decode(self._invoke(job_of(faces, language))["pdf"])


def print_job(job: JsonObject) -> JsonObject:
    """Do what the function of paper does: print the tickets of a job, and keep nothing of it."""
    from chalicelib.shop.orders.paper.pages import pages_of  # noqa: PLC0415 - of the function that prints
    from chalicelib.shop.orders.paper.printing import print_pages  # noqa: PLC0415 - the same

    faces = _faces().validate_python(job["faces"])
    return {"pdf": b64encode(print_pages(pages_of(faces, job["language"]))).decode()}


def job_of(faces: Sequence[TicketFace], language: str) -> JsonObject:
    """Return what is to be printed, as JSON can say it."""
    return {"language": language, "faces": _faces().dump_python(list(faces), mode="json")}


@cache
def _faces() -> "TypeAdapter[list[TicketFace]]":
    return TypeAdapter(list[TicketFace])
