"""Amounts of money."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from chalicelib.platform.money import MINOR_DIGITS, CurrencyMismatch, Money


@pytest.mark.parametrize(
    ("amount", "currency", "shown"), [("25", "EUR", "25.00"), ("0", "EUR", "0.00"), ("2500", "JPY", "2500")]
)
def test_an_amount_has_the_digits_of_its_currency(amount: str, currency: str, shown: str) -> None:
    money = Money.of(amount, currency)
    assert money.model_dump(mode="json", by_alias=True) == {"Amount": shown, "Currency": currency}


@given(st.lists(st.tuples(st.integers(0, 10**7), st.integers(1, 100)), min_size=1), st.sampled_from([*MINOR_DIGITS]))
def test_a_total_is_exact_and_keeps_the_digits(items: list[tuple[int, int]], currency: str) -> None:
    digits = MINOR_DIGITS[currency]
    total = Money.zero(currency)
    for minor, quantity in items:
        total = total.plus(Money.of(Decimal(minor).scaleb(-digits), currency).times(quantity))
    assert total.amount == Decimal(sum(minor * quantity for minor, quantity in items)).scaleb(-digits)
    assert total.amount.as_tuple().exponent == -digits
    assert Money.model_validate_json(total.model_dump_json(by_alias=True)) == total


def test_two_currencies_cannot_be_added() -> None:
    with pytest.raises(CurrencyMismatch):
        Money.of("1", "EUR").plus(Money.of("1", "USD"))


@pytest.mark.parametrize("amount", ["-0.01", "NaN", "Infinity"])
def test_what_is_no_amount_is_no_money(amount: str) -> None:
    with pytest.raises(ValidationError):
        Money(amount=Decimal(amount), currency="EUR")
