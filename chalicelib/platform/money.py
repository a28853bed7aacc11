"""Amounts of money."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field, PlainSerializer

from chalicelib.platform.errors import InvalidInput, RuleViolated, facts
from chalicelib.platform.eventsourcing.event import StoredModel

MINOR_DIGITS = {"AUD": 2, "CAD": 2, "CHF": 2, "CZK": 2, "DKK": 2, "EUR": 2, "GBP": 2, "HUF": 2, "JPY": 0, "NOK": 2}
MINOR_DIGITS |= {"NZD": 2, "PLN": 2, "RON": 2, "SEK": 2, "USD": 2}
"""Digits after the point, by ISO 4217, of the currencies that tickets may be sold in."""

LEAST_CHARGE = {
    "AUD": "0.50",
    "CAD": "0.50",
    "CHF": "0.50",
    "CZK": "15.00",
    "DKK": "2.50",
    "EUR": "0.50",
    "GBP": "0.30",
}
LEAST_CHARGE |= {"HUF": "175.00", "JPY": "50", "NOK": "3.00", "NZD": "0.50", "PLN": "2.00", "RON": "2.00"}
LEAST_CHARGE |= {"SEK": "3.00", "USD": "0.50"}
"""The least amount that Stripe charges, by currency: https://docs.stripe.com/currencies, "Minimum and maximum"."""

_MOST_DIGITS = 8
"""Stripe takes no amount with more digits than these, counted in the smallest unit: 999,999.99 EUR."""

Amount = Annotated[Decimal, PlainSerializer(str, return_type=str, when_used="json")]


class CurrencyMismatch(RuleViolated):
    """One cart, one order and one payment have one currency."""

    code = "currency_mismatch"
    fact_types = facts(currency="NotRequired[str]")


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

    @property
    def is_chargeable(self) -> bool:
        """Tell whether payment providers take this amount; there is nothing to take of zero."""
        least, greatest = charge_limits(self.currency)
        return not self.amount or least.amount <= self.amount <= greatest.amount


def charge_limits(currency: str) -> tuple[Money, Money]:
    """Return the least and the greatest amount that payment providers take at once in this currency."""
    greatest = Decimal(10**_MOST_DIGITS - 1).scaleb(-MINOR_DIGITS.get(currency, 2))
    return Money.of(LEAST_CHARGE.get(currency, "0.50"), currency), Money.of(greatest, currency)


def ensure_chargeable(money: Money, pointer: str, subject: str) -> None:
    """Refuse what no payment provider would take.

    Raises:
        InvalidInput: it names the field, and the limits of the currency.
    """
    if money.is_chargeable:
        return
    least, greatest = charge_limits(money.currency)
    limits = f"from {least.amount} to {greatest.amount} {money.currency}"
    raise InvalidInput(
        f"{subject} of {money.amount} {money.currency} cannot be charged; providers take {limits}.",
        ((pointer, f"must be 0, or {limits}"),),
        least=least.model_dump(mode="json"),
        greatest=greatest.model_dump(mode="json"),
    )
