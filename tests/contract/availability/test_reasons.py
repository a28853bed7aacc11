"""What can be bought now, and why nothing can: from Redis and from the log alike."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from redis import Redis

from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.readmodels.redis.projection import RedisProjection
from chalicelib.shop.concerts import commands as concerts
from chalicelib.shop.concerts import live_commands
from chalicelib.shop.concerts.windows import ConcertDates
from chalicelib.shop.inventory.queries import availability, cancelled_concerts
from tests.contract.availability.histories import deliver, from_log, memory
from tests.support.shop import OPENING, ORGANISER, Shop, some_id
from tests.support.stored import SOME_TIME

DAY, MOMENT = timedelta(days=1), timedelta(milliseconds=1)
SALE_OPENS, SALE_ENDS = SOME_TIME + DAY, SOME_TIME + 2 * DAY
Said = Callable[[UUID, datetime], tuple[int, dict[str, str | None]]]


@pytest.fixture
def said(salted_shop: Shop, redis: Redis, projection: RedisProjection) -> Said:
    """What both sources say of a concert's only ticket type."""

    def say(concert_id: UUID, now: datetime) -> tuple[int, dict[str, str | None]]:
        deliver(projection, memory(salted_shop))
        found = availability(redis, concert_id, now)
        assert found == from_log(memory(salted_shop), concert_id, now)
        (row,) = found or []
        return row["available"], reason_of(row)

    return say


def reason_of(row: JsonObject) -> dict[str, str | None]:
    return {name: row[name] for name in ("reason", "opens_at", "ended_at") if name in row}


def on_sale(shop: Shop, opens: datetime | None, ends: datetime | None) -> tuple[UUID, UUID]:
    concert_id = shop.draft()
    ticket_type_id = shop.ticket_type(concert_id, sales_start=opens, sales_end=ends)
    shop.publish(concert_id)
    return concert_id, ticket_type_id


def test_what_is_on_sale_has_no_reason(salted_shop: Shop, said: Said) -> None:
    concert_id, _ = on_sale(salted_shop, SALE_OPENS, SALE_ENDS)
    assert said(concert_id, SALE_OPENS) == (10, {"reason": None})
    assert said(concert_id, SALE_ENDS - MOMENT) == (10, {"reason": None})


def test_before_the_sale_nothing_can_be_bought_until_it_opens(salted_shop: Shop, said: Said) -> None:
    concert_id, _ = on_sale(salted_shop, SALE_OPENS, SALE_ENDS)
    expected = {"reason": "sale_not_open", "opens_at": format_instant(SALE_OPENS)}
    assert said(concert_id, SALE_OPENS - MOMENT) == (0, expected)


@pytest.mark.parametrize("ends", [SALE_ENDS, None], ids=["its own end", "the start of the concert"])
def test_after_the_sale_nothing_can_be_bought(salted_shop: Shop, said: Said, ends: datetime | None) -> None:
    concert_id, _ = on_sale(salted_shop, None, ends)
    over = ends or OPENING
    assert said(concert_id, over - MOMENT) == (10, {"reason": None})
    assert said(concert_id, over) == (0, {"reason": "sale_ended", "ended_at": format_instant(over)})


def test_what_is_all_held_or_sold_is_sold_out(salted_shop: Shop, said: Said) -> None:
    concert_id, ticket_type_id = salted_shop.on_sale(quantity=4)
    salted_shop.add(salted_shop.cart(), ticket_type_id, quantity=4)
    assert said(concert_id, SOME_TIME) == (0, {"reason": "sold_out"})


def test_a_cancelled_concert_says_so_before_and_after_its_sale_too(salted_shop: Shop, redis: Redis, said: Said) -> None:
    concert_id, _ = on_sale(salted_shop, SALE_OPENS, SALE_ENDS)
    other, _ = salted_shop.on_sale()
    concerts.cancel_concert(salted_shop.repository, salted_shop.request(ORGANISER), concert_id)
    for now in (SOME_TIME, SALE_OPENS, SALE_ENDS):
        assert said(concert_id, now) == (0, {"reason": "cancelled"})
    assert cancelled_concerts(redis, [other, concert_id, some_id("nowhere")]) == {concert_id}
    assert cancelled_concerts(redis, []) == frozenset()


def test_a_window_that_changes_on_sale_is_told_at_once(salted_shop: Shop, said: Said) -> None:
    concert_id, ticket_type_id = on_sale(salted_shop, None, SALE_ENDS)
    assert said(concert_id, SOME_TIME) == (10, {"reason": None})
    window = {"sales_start": SALE_OPENS, "sales_end": SALE_ENDS + DAY}
    caller = salted_shop.request(ORGANISER)
    live_commands.change_ticket_type(salted_shop.repository, caller, concert_id, ticket_type_id, window)
    assert said(concert_id, SOME_TIME) == (0, {"reason": "sale_not_open", "opens_at": format_instant(SALE_OPENS)})
    assert said(concert_id, SALE_ENDS) == (10, {"reason": None})
    assert said(concert_id, SALE_ENDS + DAY)[1]["reason"] == "sale_ended"


def test_a_ticket_type_that_is_added_on_sale_has_its_own_window(
    salted_shop: Shop, redis: Redis, projection: RedisProjection
) -> None:
    concert_id, before = salted_shop.on_sale()
    added = salted_shop.ticket_type(concert_id, sales_start=SALE_OPENS)
    deliver(projection, memory(salted_shop))
    rows = availability(redis, concert_id, SOME_TIME)
    assert rows == from_log(memory(salted_shop), concert_id, SOME_TIME)
    assert {row["id"]: row["reason"] for row in rows or []} == {str(before): None, str(added): "sale_not_open"}


def test_sales_that_the_organiser_closed_are_closed_until_they_open_or_end(salted_shop: Shop, said: Said) -> None:
    concert_id, _ = on_sale(salted_shop, SALE_OPENS, SALE_ENDS)
    live_commands.close_sales(salted_shop.repository, salted_shop.request(ORGANISER), concert_id)
    assert said(concert_id, SOME_TIME) == said(concert_id, SALE_OPENS) == (0, {"reason": "sales_closed"})
    assert said(concert_id, SALE_ENDS)[1]["reason"] == "sale_ended"
    live_commands.open_sales(salted_shop.repository, salted_shop.request(ORGANISER), concert_id)
    assert said(concert_id, SALE_OPENS) == (10, {"reason": None})


def test_a_postponed_concert_sells_nothing_until_it_has_a_date_again(salted_shop: Shop, said: Said) -> None:
    concert_id, _ = on_sale(salted_shop, None, None)
    shop, later = salted_shop.repository, OPENING + 30 * DAY
    live_commands.postpone_concert(shop, salted_shop.request(ORGANISER), concert_id, None)
    assert said(concert_id, SOME_TIME) == said(concert_id, OPENING) == (0, {"reason": "postponed"})
    schedule = ConcertDates(later, later + timedelta(hours=3))
    live_commands.move_concert(shop, salted_shop.request(ORGANISER), concert_id, schedule, None, None)
    assert said(concert_id, OPENING) == (10, {"reason": None})
    assert said(concert_id, later) == (0, {"reason": "sale_ended", "ended_at": format_instant(later)})


def test_a_redis_that_knows_no_windows_yet_tells_the_stock(
    salted_shop: Shop, redis: Redis, projection: RedisProjection
) -> None:
    """As one of before that was not rebuilt."""
    concert_id, _ = on_sale(salted_shop, SALE_OPENS, SALE_ENDS)
    deliver(projection, memory(salted_shop))
    for key in redis.scan_iter(f"*sales:{concert_id}"):
        redis.delete(key)
    (row,) = availability(redis, concert_id, SOME_TIME) or []
    assert (row["available"], reason_of(row)) == (10, {"reason": None})
