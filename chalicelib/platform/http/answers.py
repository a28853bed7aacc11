"""Defines the answers of routes: each class has its status and its headers, so that a handler's type declares both."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar, cast, overload

from chalice.app import Response

from chalicelib.platform.http.problems import as_json

if TYPE_CHECKING:
    from chalicelib.platform.http.shapes import Nothing

JSON = "application/json"
PDF = "application/pdf"
PKPASS = "application/vnd.apple.pkpass"
BINARY_TYPES = (PDF, PKPASS)
"""What API Gateway has to be told of, to pass it on as bytes."""

Content = TypeVar("Content")
Content_co = TypeVar("Content_co", covariant=True)


@dataclass(frozen=True)
class Answer(Generic[Content_co]):
    """Is a successful response; `version` is that of the stream that was read or changed, and becomes the `ETag`.

    `always` names the headers that every answer of the class has, and `sometimes` those that some have.
    """

    body: Content_co
    version: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    status: ClassVar[HTTPStatus] = HTTPStatus.OK
    content_type: ClassVar[str] = JSON
    always: ClassVar[tuple[str, ...]] = ()
    sometimes: ClassVar[tuple[str, ...]] = ()

    def to_response(self) -> Response:
        etag = {} if self.version is None else {"ETag": f'"{self.version}"'}
        return Response(self._content(), {"Content-Type": self.content_type, **etag, **self.headers}, int(self.status))

    def _content(self) -> Any:
        return as_json(self.body)


class Ok(Answer[Content_co]):
    """Answers 200."""


class Tagged(Ok[Content_co]):
    """Answers 200 with the version of one stream."""

    always: ClassVar[tuple[str, ...]] = ("ETag",)


class SignedList(Tagged[Content_co]):
    """Answers 200 with what the shop has signed for a device that will have no network; its `ETag` is of the bytes."""

    always = ("ETag", "Door-List-Signature")


class Created(Answer[Content_co]):
    """Answers 201 with the address of what was made; the body's `version` is the `ETag` too."""

    status = HTTPStatus.CREATED
    always = ("Location",)
    sometimes = ("ETag",)


class Issued(Answer[Content_co]):
    """Answers 201 with a token, which has no address of its own."""

    status = HTTPStatus.CREATED


class Accepted(Answer[Content_co]):
    """Answers 202: the request is stored, and will be dealt with."""

    status = HTTPStatus.ACCEPTED
    sometimes = ("ETag", "Location")


class NoContent(Answer[None]):
    """Answers 204 without a body."""

    status = HTTPStatus.NO_CONTENT
    sometimes: ClassVar[tuple[str, ...]] = ("ETag",)

    def _content(self) -> str:
        return ""


class NotModified(NoContent):
    """Answers 304 without a body: what the reader has is what it would get."""

    status = HTTPStatus.NOT_MODIFIED
    sometimes = ("ETag", "Door-List-Signature")


class File(Answer[str | bytes]):
    """Answers 200 with a file. A list comes in parts, and `Link` names the next one."""

    always: ClassVar[tuple[str, ...]] = ("Content-Disposition",)
    sometimes = ("Link",)

    def _content(self) -> str | bytes:
        return self.body

    @classmethod
    def named(cls, name: str, content: str | bytes, headers: Mapping[str, str] | None = None) -> Self:
        """Return the file, which browsers save under this name."""
        return cls(content, headers={"Content-Disposition": f'attachment; filename="{name}"', **(headers or {})})


class HtmlPage(Answer[str]):
    """Answers 200 with a page for people that runs nothing and loads nothing."""

    content_type = "text/html; charset=utf-8"
    always = ("Content-Security-Policy", "Referrer-Policy")

    def _content(self) -> str:
        return self.body

    @classmethod
    def without_scripts(cls, content: str) -> Self:
        """Return the page with headers that let it do nothing but send its own form."""
        policy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"
        headers = {"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
        return cls(content, headers=headers)


class Csv(File):
    content_type = "text/csv; charset=utf-8"


class Pdf(File):
    content_type = PDF


class Pkpass(File):
    content_type = PKPASS


class Ics(File):
    content_type = "text/calendar; charset=utf-8"


class Svg(File):
    content_type = "image/svg+xml"


@overload
def ok(body: Content) -> Ok[Content]: ...
@overload
def ok(body: Content, version: int) -> Tagged[Content]: ...
def ok(body: Content, version: int | None = None) -> Ok[Content]:
    return Ok(body) if version is None else Tagged(body, version)


def created(body: Content, location: str) -> Created[Content]:
    """Answer 201; the body's `version`, if it has one, is the `ETag` too."""
    version = cast(Mapping[str, Any], body).get("version")
    return Created(body, version, {"Location": location})


def accepted() -> "Accepted[Nothing]":
    return Accepted({})


def no_content(version: int | None = None) -> NoContent:
    return NoContent(None, version)
