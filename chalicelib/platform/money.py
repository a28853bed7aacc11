"""Amounts of money."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field, PlainSerializer

from chalicelib.platform.errors import RuleViolated
from chalicelib.platform.eventsourcing.event import StoredModel

MINOR_DIGITS = {"AUD": 2, "CAD": 2, "CHF": 2, "CZK": 2, "DKK": 2, "EUR": 2, "GBP": 2, "HUF": 2, "JPY": 0, "NOK": 2}
MINOR_DIGITS |= {"NZD": 2, "PLN": 2, "RON": 2, "SEK": 2, "USD": 2}
"""Digits after the point, by ISO 4217, of the currencies that tickets may be sold in."""

Amount = Annotated[Decimal, PlainSerializer(str, return_type=str, when_used="json")]


class CurrencyMismatch(RuleViolated):
    """One cart, one order and one payment have one currency."""

    code = "currency_mismatch"


class Money(StoredModel):
    """A non-negative amount in one currency, held with exactly the currency's digits: `25.00 EUR`."""

    amount: Amount = Field(ge=0)
    currency: str

    @classmethod
    def of(cls, amount: Decimal | str, currency: str) -> "Money":
        return cls(
            amount=Decimal(amount).quantize(Decimal(1).scaleb(-MINOR_DIGITS.get(currency, 2))), currency=currency
        )

    @classmethod
    def zero(cls, currency: str) -> "Money":
        return cls.of("0", currency)

    def times(self, quantity: int) -> "Money":
        return Money(amount=self.amount * quantity, currency=self.currency)

    def plus(self, other: "Money") -> "Money":
        """Add another amount of the same currency.

        Raises CurrencyMismatch.
        """
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} cannot be added.")
        return Money(amount=self.amount + other.amount, currency=self.currency)
