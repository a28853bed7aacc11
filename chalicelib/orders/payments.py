"""The port to payment providers."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from chalicelib.money import Money


@dataclass(frozen=True, slots=True)
class Charged:
    """The provider took the money; `reference` is its own id of the payment."""

    reference: str


@dataclass(frozen=True, slots=True)
class Declined:
    """The provider took nothing; `reason` is fit to be shown to the customer."""

    reason: str


class PaymentGateway(Protocol):
    """One provider. Charging again under the same `payment_id` gives the first outcome and takes nothing more."""

    def ensure_valid(self, token: str) -> None:
        """Raises InvalidInput for what cannot be a token of this provider; asked before anything is written."""

    def charge(self, payment_id: UUID, amount: Money, token: str) -> Charged | Declined:
        """Raises Unavailable if the outcome is unknown."""
