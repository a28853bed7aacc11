"""Keeps out people who are disabled or erased; it imports no more than that, because the authorizer waits for it."""

from uuid import UUID

from chalicelib.platform.errors import TokenOfDisabledAccount, TokenOfErasedPerson, Unavailable
from chalicelib.platform.eventsourcing.streams import Streams
from chalicelib.shop.access.account import ACCOUNT


def ensure_enabled(streams: Streams, person_id: UUID) -> None:
    """Check that the account is neither disabled nor erased, by one read of the log.

    While the log is away nobody can be looked up. Nobody can change anything then either, so the token counts.
    Raises TokenOfDisabledAccount or TokenOfErasedPerson.
    """
    try:
        account, _ = streams.load(ACCOUNT, person_id)
    except Unavailable:
        return
    if account.erased:
        raise TokenOfErasedPerson
    if account.disabled:
        raise TokenOfDisabledAccount
