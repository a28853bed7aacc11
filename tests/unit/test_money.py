"""Amounts of money."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from chalicelib.platform.errors import InvalidInput
from chalicelib.platform.money import (
    LEAST_CHARGE,
    MINOR_DIGITS,
    CurrencyMismatch,
    Money,
    charge_limits,
    ensure_chargeable,
)


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


def test_every_currency_has_a_least_amount_with_its_digits() -> None:
    assert LEAST_CHARGE.keys() == MINOR_DIGITS.keys()
    for currency, least in LEAST_CHARGE.items():
        assert charge_limits(currency)[0].amount.as_tuple() == Decimal(least).as_tuple()


@pytest.mark.parametrize(
    ("amount", "currency", "is_chargeable"),
    [
        ("0.00", "EUR", True),
        ("0.49", "EUR", False),
        ("0.50", "EUR", True),
        ("999999.99", "EUR", True),
        ("1000000.00", "EUR", False),
        ("2.49", "DKK", False),
        ("2.50", "DKK", True),
        ("49", "JPY", False),
        ("99999999", "JPY", True),
    ],
)
def test_an_amount_that_providers_refuse_is_refused_with_the_limits(
    amount: str, currency: str, is_chargeable: bool
) -> None:
    money = Money.of(amount, currency)
    assert money.is_chargeable is is_chargeable
    if is_chargeable:
        ensure_chargeable(money, "#/price/amount", "A price")
        return
    with pytest.raises(InvalidInput) as refusal:
        ensure_chargeable(money, "#/price/amount", "A price")
    least, greatest = charge_limits(currency)
    assert refusal.value.fields == (
        ("#/price/amount", f"must be 0, or from {least.amount} to {greatest.amount} {currency}"),
    )
    assert refusal.value.facts == {
        "least": {"amount": str(least.amount), "currency": currency},
        "greatest": {"amount": str(greatest.amount), "currency": currency},
    }
