"""Declares the route of the API's document."""

from functools import cache
from pathlib import Path

from chalicelib.platform.http.answers import JSON, File
from chalicelib.platform.http.routes import Call, Routes
from chalicelib.platform.services import Services

DOCUMENT = Path(__file__).with_name("openapi.json")
"""Leads to `docs/openapi.json`, and is a copy of it in the package."""

routes: Routes[Services] = Routes(__name__)


class Document(File):
    content_type = JSON
    always = ()


@routes.get("/openapi.json")
def get_document(_: Call[Services]) -> Document:
    """Give the API's document, OpenAPI 3.1."""
    return Document(_read())


@cache
def _read() -> str:
    """Read the document at the first request for it, so that it costs a start nothing."""
    return DOCUMENT.read_text(encoding="utf-8")
