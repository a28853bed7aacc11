"""Reads money and instants in requests, and shows money in answers."""

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, model_validator

from chalicelib.platform.eventsourcing.instants import as_utc
from chalicelib.platform.http.requests import Body, said
from chalicelib.platform.money import MINOR_DIGITS, Money

if TYPE_CHECKING:
    from chalicelib.platform.http.shapes import Amount

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:?\d\d)", re.ASCII)


def _with_offset(value: object) -> object:
    if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
        raise ValueError("must be an instant with an offset, as in 2030-06-15T20:00:00+02:00")
    return value


OffsetInstant = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_with_offset), AfterValidator(as_utc)]
"""RFC 3339 with an offset, in UTC once it is read."""


_AMOUNT = r"[0-9]{1,9}(\.[0-9]{1,2})?"


def _amount(text: str) -> str:
    if not re.fullmatch(_AMOUNT, text):
        raise ValueError("must be an amount in digits, as in 25.00")
    return text


def _currency(code: str) -> str:
    if code not in MINOR_DIGITS:
        raise ValueError(f"must be one of {', '.join(sorted(MINOR_DIGITS))}")
    return code


class Price(Body, defer_build=False):
    """Reads `{"amount": "25.00", "currency": "EUR"}`, with no more digits than the currency has."""

    amount: Annotated[str, AfterValidator(_amount), said(f"^{_AMOUNT}$")]
    currency: Annotated[str, AfterValidator(_currency), Field(json_schema_extra={"enum": sorted(MINOR_DIGITS)})]

    @model_validator(mode="after")
    def _ensure_digits(self) -> "Price":
        if -int(Decimal(self.amount).as_tuple().exponent) > MINOR_DIGITS[self.currency]:
            raise ValueError(f"amount has more digits than {self.currency} has")
        return self

    def to_money(self) -> Money:
        return Money.of(self.amount, self.currency)


def amount_of(money: Money) -> "Amount":
    return {"amount": str(money.amount), "currency": money.currency}
