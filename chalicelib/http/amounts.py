"""Money and instants in requests."""

from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, StringConstraints, model_validator

from chalicelib.http.requests import Body
from chalicelib.money import MINOR_DIGITS, Money

OffsetInstant = AwareDatetime
"""RFC 3339 with an offset; without one it is refused."""


def _currency(code: str) -> str:
    if code not in MINOR_DIGITS:
        raise ValueError(f"must be one of {', '.join(sorted(MINOR_DIGITS))}")
    return code


class Price(Body):
    """`{"amount": "25.00", "currency": "EUR"}`, with no more digits than the currency has."""

    amount: Annotated[str, StringConstraints(pattern=r"^\d{1,9}(\.\d{1,2})?$")]
    currency: Annotated[str, AfterValidator(_currency)]

    @model_validator(mode="after")
    def _ensure_digits(self) -> "Price":
        if -int(Decimal(self.amount).as_tuple().exponent) > MINOR_DIGITS[self.currency]:
            raise ValueError(f"amount has more digits than {self.currency} has")
        return self

    def to_money(self) -> Money:
        return Money.of(self.amount, self.currency)
