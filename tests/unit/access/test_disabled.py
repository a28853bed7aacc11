"""Whose token is refused, and how soon."""

from uuid import UUID

import pytest

from chalicelib.platform.errors import TokenOfDisabledAccount, Unavailable
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.eventsourcing.streams import Streams
from chalicelib.shop.access.account import ACCOUNT
from chalicelib.shop.access.commands import disable_account, enable_account
from chalicelib.shop.access.disabled import ensure_enabled
from tests.support.shop import OPERATOR, Shop, some_id

PERSON = some_id("dora")


def test_an_account_is_looked_up_by_one_read_and_refused_from_its_change_on() -> None:
    log = MemoryEventStore()
    shop, streams = Shop(log), Streams(log)
    before = log.usage.reads
    ensure_enabled(streams, PERSON)
    assert log.usage.reads - before == 1
    disable_account(shop.repository, shop.request(OPERATOR), PERSON, "a lost phone")
    with pytest.raises(TokenOfDisabledAccount):
        ensure_enabled(streams, PERSON)
    enable_account(shop.repository, shop.request(OPERATOR), PERSON)
    ensure_enabled(streams, PERSON)


class Away(MemoryEventStore):
    def read(self, stream_id: UUID, after: int = -1) -> list[StoredEvent]:
        raise Unavailable(f"Stream {stream_id} cannot be read after {after}.")


def test_while_the_log_is_away_a_token_counts() -> None:
    streams = Streams(Away())
    with pytest.raises(Unavailable):
        streams.load(ACCOUNT, PERSON)
    ensure_enabled(streams, PERSON)
