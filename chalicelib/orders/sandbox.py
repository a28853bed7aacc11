"""A payment provider for development and tests, whose outcome the token decides."""

from uuid import UUID

from chalicelib.errors import InvalidInput
from chalicelib.money import Money
from chalicelib.orders.payments import Charged, Declined


class SandboxGateway:
    """`tok_visa` is charged, `tok_declined` is declined. No money, no memory: the outcome follows from the token."""

    def ensure_valid(self, token: str) -> None:
        if token not in {"tok_visa", "tok_declined"}:
            raise InvalidInput("The sandbox knows tok_visa and tok_declined.", (("#/token", "is unknown"),))

    def charge(self, payment_id: UUID, amount: Money, token: str) -> Charged | Declined:
        if token == "tok_declined":  # noqa: S105 - the name of an outcome
            return Declined("The card was declined.")
        return Charged(f"sandbox_{payment_id}_{amount.amount}{amount.currency}")
