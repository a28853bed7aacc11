"""Defines what the answers of several contexts have in common, for type checkers and for the API's document.

Modules like this one, and each context's `answers`, are imported for types only: no container ever loads them. Their
classes are of `typing_extensions`, because pydantic makes schemas of no others on Python 3.11.
"""

from typing import Annotated, Any, Generic, TypeVar

from pydantic import Field, WithJsonSchema
from typing_extensions import TypedDict

Id = Annotated[str, WithJsonSchema({"type": "string", "format": "uuid"})]
Instant = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
"""RFC 3339, in UTC and to the millisecond."""

Day = Annotated[str, WithJsonSchema({"type": "string", "format": "date"})]
Version = Annotated[int, Field(ge=0)]
"""The version of a stream: `ETag` has it in quotes."""

Count = Annotated[int, Field(ge=0)]
Anything = Any
"""Any JSON value."""

Item = TypeVar("Item")


class Amount(TypedDict):
    """An amount of money with the digits of its currency, as in `{"amount": "25.00", "currency": "EUR"}`."""

    amount: Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)?$")]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class SignedAmount(TypedDict):
    """An amount that may be below zero."""

    amount: Annotated[str, Field(pattern=r"^-?[0-9]+(\.[0-9]+)?$")]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


# Whoever adds members writes these two again: pydantic forgets of what the list is in a class that is made of this one.
class Items(TypedDict, Generic[Item]):
    """A part of a list; without `next_cursor` it is the last one."""

    items: list[Item]
    next_cursor: str | None


class Made(TypedDict):
    """Names what was made or changed, with its new version."""

    id: Id
    version: Version


class ErasureEvent(TypedDict):
    """The event of an erasure; `version` is its place in the stream of the person, or of the guest's order."""

    id: Id | None
    type: str
    version: Version
    hash: str


class ErasureCertificate(TypedDict):
    """Proves an erasure, and names nobody; a guest's `person_id` is the id of the order."""

    person_id: Id
    erased_at: Instant
    event: ErasureEvent
    statement: str


class FieldError(TypedDict):
    """Names a field by a pointer, of the body, `?` and a parameter, or `/` and a header; and says what is wrong."""

    pointer: str
    detail: str


class Nothing(TypedDict):
    """Says nothing more than the status does."""
