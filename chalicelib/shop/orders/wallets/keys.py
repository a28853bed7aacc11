"""Keeps what passes are signed with, as the shop's secret has it, and tells operators when that is about to end."""

import json
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from chalicelib.platform import metrics
from chalicelib.platform.failures import Failure, raise_if_unavailable
from chalicelib.shop.orders.wallets.certificates import GoogleIssuer, PassCertificate

logger = logging.getLogger(__name__)

MEMORY = timedelta(minutes=5)
"""How long a container goes by what it has read: a new certificate needs no deployment."""

WARNING = timedelta(days=30)
"""So long before the certificate ends an operator is told."""

Signer = TypeVar("Signer")


class WalletPart(Generic[Signer]):
    """Reads the part of one wallet from the secret, whatever state the other's is in."""

    def __init__(
        self,
        name: str,
        make: Callable[[Mapping[str, Any]], Signer],
        read_secret: Callable[[], str],
        clock: Callable[[], datetime],
    ) -> None:
        """Without a secret `read_secret` returns an empty text."""
        self._name, self._make, self._read_secret, self._clock = name, make, read_secret, clock
        self._read_at: datetime | None = None
        self._signer: Signer | None = None

    def find(self) -> Signer | None:
        """Return what signs; None if the secret has nothing for this wallet.

        Raises Unavailable, also for a secret that makes no sense.
        """
        now = self._clock()
        if self._read_at is None or now - self._read_at >= MEMORY:
            secret = self._read_secret()
            try:
                self._signer = self._read(secret)
            except ValueError as error:
                raise_if_unavailable(Failure.MISCONFIGURED, "The secret of the wallets", error)
            self._read_at = now
        return self._signer

    def _read(self, secret: str) -> Signer | None:
        match json.loads(secret) if secret else {}:
            case {self._name: dict(part)}:
                return self._make(part)
            case {self._name: _}:
                raise ValueError(f"`{self._name}` is no JSON object")
            case dict():
                return None
        raise ValueError("the secret is no JSON object")


class WalletKeys:
    """Holds the certificate for Apple Wallet and the account at Google, of which a shop may have both or none.

    Its methods raise Unavailable.
    """

    def __init__(self, read_secret: Callable[[], str], clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self.apple_part = WalletPart("apple", PassCertificate.read, read_secret, clock)
        self.google_part = WalletPart("google", GoogleIssuer.read, read_secret, clock)

    def apple(self) -> PassCertificate | None:
        """Return the certificate, if there is one that has not ended: phones refuse the passes of any other."""
        certificate = self.apple_part.find()
        if certificate is None:
            return None
        lasts = certificate.ends_at - self._clock()
        if lasts < WARNING:
            logger.error("the certificate of the passes ends at %s", certificate.ends_at.isoformat())
            metrics.count("PassCertificateEnds")
        return certificate if lasts > timedelta(0) else None

    def google(self) -> GoogleIssuer | None:
        """Return the account that signs links, if there is one."""
        return self.google_part.find()
