"""Names network addresses in keys of counts, without keeping them."""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from chalicelib.platform.counters.port import Counters

_A_DAY = timedelta(days=1)


class Places:
    """Gives an address the same key for a day: its hash under the day's salt, which nobody knows once it is gone."""

    def __init__(self, counters: Counters, purpose: str) -> None:
        self._counters = counters
        self._purpose = purpose
        self._salts: dict[str, bytes] = {}

    def key_of(self, address: str, now: datetime) -> str:
        """Return the key of an address: one request for each day and container.

        Raises Unavailable.
        """
        day = now.date().isoformat()
        salt = self._salts.get(day)
        if salt is None:
            salt = self._counters.salt(f"{self._purpose}/salt/{day}", secrets.token_bytes(32), now + 2 * _A_DAY)
            self._salts = {day: salt}
        hashed = hmac.new(salt, address.encode(), hashlib.sha256).hexdigest()
        return f"{self._purpose}/address/{hashed}"
