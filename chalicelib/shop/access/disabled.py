"""Keeps out people whose account is disabled; it imports no more than that, because the authorizer waits for it."""

from uuid import UUID

from chalicelib.platform.errors import TokenOfDisabledAccount, Unavailable
from chalicelib.platform.eventsourcing.streams import Streams
from chalicelib.shop.access.account import ACCOUNT


def ensure_enabled(streams: Streams, person_id: UUID) -> None:
    """Check that the account is not disabled, by one read of the log.

    While the log is away nobody can be looked up. Nobody can change anything then either, so the token counts.
    Raises TokenOfDisabledAccount.
    """
    try:
        account, _ = streams.load(ACCOUNT, person_id)
    except Unavailable:
        return
    if account.disabled:
        raise TokenOfDisabledAccount
