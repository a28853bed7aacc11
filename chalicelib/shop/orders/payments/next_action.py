"""What a payment still wants of its customer: to authenticate at the bank, as 3-D Secure has it."""

from dataclasses import dataclass, field

from chalicelib.shop.orders.payments.port import PaymentPending


@dataclass(frozen=True, slots=True)
class NextAction:
    """Tells the customer's client how to go on at the provider.

    `client_secret` lets whoever has it finish this payment: it is read from the provider each time, and never stored
    or logged. `redirect_url` is the bank's page, where the provider has one; else its library in the browser asks.
    """

    client_secret: str = field(repr=False)
    redirect_url: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ActionRequired(PaymentPending):
    """The provider decides once the customer has done `action`; until then the payment can be cancelled."""

    action: NextAction
