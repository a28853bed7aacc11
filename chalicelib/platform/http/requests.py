"""Reads requests: bodies, queries, ids and headers. Each error names the field and the reason."""

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Annotated, Any, TypeVar
from uuid import UUID, uuid4

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    ValidationError,
)

from chalicelib.platform.caller import RequestIdentity
from chalicelib.platform.errors import BodyTooLarge, InvalidInput, NotFound
from chalicelib.platform.http.texts import REORDERING, visible, without_reordering
from chalicelib.platform.ids import IdKey
from chalicelib.platform.models import LateModel

_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_CONTROLS = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029"
_CONTROL = re.compile(f"[{_CONTROLS}]")
_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
MAX_BODY_BYTES = 64 * 1024
MAX_NAMED_STREAMS = 20


def without_control_characters(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("must not contain control characters")
    return text


def _in_one_line(text: str) -> str:
    if re.search(r"[\r\n\t]", text):
        raise ValueError("must be one line, without tabs")
    return text


def said(pattern: str) -> Any:
    """Let the document say what validators check, whose errors say more to people than a pattern does."""
    return Field(json_schema_extra={"pattern": pattern})


EACH_ONCE: dict[str, JsonValue] = {"uniqueItems": True}
"""What the document says of a list that names nothing twice."""


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(_whole)
"""Lets a whole number be written as 1.0, which is the same number in JSON: some clients have no other."""

_NOT_IN_A_LINE = r"\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069"

PLAIN = rf"^[^{_CONTROLS}]*$"
"""The pattern of a text without control characters."""

Line = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(_in_one_line),
    AfterValidator(without_control_characters),
    AfterValidator(without_reordering),
    AfterValidator(visible),
    said(rf"^[^{_NOT_IN_A_LINE}]*[^ \xa0{_NOT_IN_A_LINE}][^{_NOT_IN_A_LINE}]*$"),
]
"""One line of text, 1 to 200 characters, some of them visible."""

Text = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=5000),
    AfterValidator(without_control_characters),
    AfterValidator(without_reordering),
    AfterValidator(visible),
    said(rf"^[^{_CONTROLS}{REORDERING}]*$"),
]
"""Text of several lines, up to 5,000 characters; may be empty."""


_UNSEEN = r"\x00-\x20\x7f-\xa0\xad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff"
_WEB_URL = rf"^https?://[^/$.?#{_UNSEEN}][^{_UNSEEN}]*$"


def _web_url(text: str) -> str:
    if text.endswith("\n") or not re.match(_WEB_URL, text):
        raise ValueError("must be an http or https address")
    return text


WebUrl = Annotated[str, StringConstraints(max_length=2000), AfterValidator(_web_url), said(_WEB_URL)]


ActingFor = Annotated[UUID | None, Field(exclude_if=lambda value: value is None)]
"""Names the organiser for whom something is made; a body that names none has the hash that it always had."""


class Body(LateModel):
    """Is a request body: JSON types are taken as they are, and unknown members are refused."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, frozen=True)


def _without_defaults(schema: dict[str, Any]) -> None:
    for member in schema.get("properties", {}).values():
        member.pop("default", None)


def of_something(schema: dict[str, Any]) -> None:
    """Let the document say that an edit has to change something."""
    _without_defaults(schema)
    schema["minProperties"] = 1


class Changes(Body):
    """Lists what to change: whatever is left out stays as it is, so a default stands for nothing."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)


class Query(LateModel):
    """Is a query string; unknown parameters are refused, because a misspelt filter must not match everything."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


BodyModel = TypeVar("BodyModel", bound=Body)
QueryModel = TypeVar("QueryModel", bound=Query)


class NoBody(Body):
    """Is the body of a request that needs none: `{}` says as much as nothing."""


def ensure_acceptable_size(raw: bytes) -> None:
    """Check that a body has MAX_BODY_BYTES at most, before anything reads it.

    Raises BodyTooLarge.
    """
    if len(raw) > MAX_BODY_BYTES:
        raise BodyTooLarge(f"A body may have {MAX_BODY_BYTES} bytes.", limit=MAX_BODY_BYTES)


def parse_body(model: type[BodyModel], raw: bytes) -> BodyModel:
    """Read a JSON body.

    Raises:
        InvalidInput: a field is wrong; each has a pointer.
    """
    if not raw:
        raise InvalidInput("The body is empty; send a JSON object.", (("", "is empty"),))
    try:
        body = model.model_validate_json(raw)
    except ValidationError as error:
        raise _invalid(error, "#") from None
    # Only now, because the model has bounded how deep and how wide the body is.
    json.loads(raw, object_pairs_hook=_ensure_named_once, parse_int=str, parse_float=str)
    return body


def ensure_no_body(raw: bytes) -> None:
    """Check that a request for which no body is expected has none, or an empty object.

    Raises InvalidInput.
    """
    if raw:
        parse_body(NoBody, raw)


def parse_query(model: type[QueryModel], parameters: dict[str, str]) -> QueryModel:
    """Read a query string.

    Raises:
        InvalidInput: a parameter is wrong; each is named.
    """
    try:
        return model.model_validate(parameters)
    except ValidationError as error:
        raise _invalid(error, "?") from None


def ensure_accepted(accept: str | None, kind: str) -> None:
    """Check that a client takes bytes of this kind: API Gateway sends text in base64 to all others.

    Raises InvalidInput.
    """
    if accept != kind:
        reason = f"must be {kind} for this answer"
        raise InvalidInput(f"Accept {reason}.", (("/Accept", reason),))


def parse_correlation_id(value: str | None) -> str | None:
    """Return the header if it is a UUID, which can name nobody, and None otherwise."""
    return value if value is not None and re.fullmatch(_UUID, value) else None


def parse_id(text: str) -> UUID:
    """Read an id in a path.

    Raises:
        NotFound: it is not a UUID, so the path leads nowhere.
    """
    if not re.fullmatch(_UUID, text):
        raise NotFound("There is no such resource.")
    return UUID(text)


def identify(
    ids: IdKey, caller: UUID, method: str, path: str, key: str | None, body: BaseModel | None
) -> RequestIdentity:
    """Return the id of caller, method, path and `Idempotency-Key`, so that a repeated request finds what it made.

    Only the server can compute it (ADR 35). Without a key every request is a new one.

    Raises:
        InvalidInput: the key is malformed.
    """
    request_hash = hashlib.sha256(body.model_dump_json().encode() if body else b"").hexdigest()
    if key is None:
        return RequestIdentity(uuid4(), request_hash, is_repeatable=False)
    if not _IDEMPOTENCY_KEY.fullmatch(key):
        reason = "must be 1 to 255 visible ASCII characters"
        raise InvalidInput(f"Idempotency-Key {reason}.", (("/Idempotency-Key", reason),))
    return RequestIdentity(ids.id_of("request", caller, method, path, key), request_hash, is_repeatable=True)


def parse_if_match(value: str | None) -> int | None:
    """Return the version that `If-Match: "<version>"` names, or None without the header or for `*`.

    Raises:
        InvalidInput: it is not a version in quotes.
    """
    if value is None or value.strip() == "*":
        return None
    match = re.fullmatch(r'"([0-9]{1,15})"', value.strip())
    if match is None:
        raise InvalidInput(
            'If-Match must be a version in quotes, as in "3".', (("/If-Match", "is not a version in quotes"),)
        )
    return int(match.group(1))


def parse_min_versions(value: str | None) -> dict[UUID, int]:
    """Read `<stream>:<version>, …`; if a stream is named twice, the higher version counts.

    Raises:
        InvalidInput: an entry is malformed, or there are more than MAX_NAMED_STREAMS.
    """
    versions: dict[UUID, int] = {}
    for entry in [] if value is None else value.split(","):
        match = re.fullmatch(rf"\s*({_UUID}):([0-9]{{1,15}})\s*", entry)
        if match is None:
            reason = "must be <stream id>:<version>, separated by commas"
            raise InvalidInput(f"Min-Version {reason}.", (("/Min-Version", reason),))
        stream_id, version = UUID(match.group(1)), int(match.group(2))
        versions[stream_id] = max(version, versions.get(stream_id, version))
    if len(versions) > MAX_NAMED_STREAMS:
        reason = f"must name {MAX_NAMED_STREAMS} streams at most"
        raise InvalidInput(f"Min-Version {reason}.", (("/Min-Version", reason),), limit=MAX_NAMED_STREAMS)
    return versions


def _ensure_named_once(members: Sequence[tuple[str, Any]]) -> None:
    """Refuse an object that names a member twice: who checked the request before us may have read the other one."""
    seen: set[str] = set()
    for name, _ in members:
        if name in seen:
            reason = f"has the member {json.dumps(name)} more than once"
            raise InvalidInput(f"The body {reason}.", (("#", reason),))
        seen.add(name)


def _invalid(error: ValidationError, root: str) -> InvalidInput:
    fields = tuple((_pointer(root, item["loc"]), _reason(item)) for item in error.errors(include_url=False))
    pointer, reason = fields[0]
    return InvalidInput(f"{pointer}: {reason}", fields)


def _pointer(root: str, location: tuple[Any, ...]) -> str:
    separator = "" if root == "?" else "/"
    parts = [str(part).replace("~", "~0").replace("/", "~1") for part in location]
    return root + "".join(separator + part for part in parts)


def _reason(item: Any) -> str:
    if item["type"] == "json_invalid":
        return "is not JSON: " + str(item.get("ctx", {}).get("error", ""))
    return str(item["msg"]).removeprefix("Value error, ")
