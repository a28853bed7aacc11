"""What those with tickets are told of a concert: one mail an order, in small steps, of the last change alone."""

from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from chalicelib.shop.concerts import commands as concerts
from chalicelib.shop.concerts import live_commands
from chalicelib.shop.concerts.windows import ConcertDates
from chalicelib.shop.mails.commands import unsubscribe
from chalicelib.shop.mails.spreading import ORDERS_AT_ONCE
from chalicelib.shop.mails.unsubscribing import read_token
from tests.support.mailed import Mailed
from tests.support.shop import CUSTOMER, OPENING, ORGANISER
from tests.support.told import any_task

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


class Concert(Mailed):
    """A shop with one concert on sale."""

    def __init__(self, quantity: int = 400) -> None:
        super().__init__()
        self.concert_id, self.ticket_type_id = self.shop.on_sale(quantity=quantity)

    def buy(self, quantity: int = 1) -> UUID:
        order_id = self.shop.order(self.ticket_type_id, quantity)
        self.shop.pay(order_id)
        return order_id

    def move_to(self, starts_at: datetime) -> None:
        dates = ConcertDates(starts_at, starts_at + timedelta(hours=3))
        live_commands.move_concert(self.repository, self.shop.request(ORGANISER), self.concert_id, dates, None, None)

    def postpone(self) -> None:
        live_commands.postpone_concert(self.repository, self.shop.request(ORGANISER), self.concert_id, None)

    def cancel(self) -> None:
        concerts.cancel_concert(self.repository, self.shop.request(ORGANISER), self.concert_id)

    def told(self, subject: str) -> int:
        return self.subjects.count(subject)


MOVED, POSTPONED = "Patti Smith has a new date or place", "Patti Smith is postponed"
CANCELLED, REMINDED = "Patti Smith is cancelled", "Tomorrow: Patti Smith"


@pytest.mark.parametrize("seed", range(3))
def test_every_order_is_told_once_of_a_move_and_nobody_without_tickets(seed: int) -> None:
    shop = Concert()
    orders = [shop.buy() for _ in range(3)]
    shop.shop.order(shop.ticket_type_id)
    shop.deliver()
    shop.move_to(OPENING + timedelta(days=30))
    for _ in range(2):
        shop.announce()
    shop.run_until_quiet(any_task(seed))
    moved = [mail for mail in shop.sent if mail.subject == MOVED]
    assert len(moved) == len(orders)
    assert "Saturday 2 March 2030, 13:00" in moved[0].text


def test_many_orders_are_told_in_many_steps() -> None:
    shop = Concert(quantity=ORDERS_AT_ONCE + 20)
    for _ in range(ORDERS_AT_ONCE + 10):
        shop.buy()
    shop.deliver()
    shop.postpone()
    shop.announce()
    most = 0
    while shop.mail_queue.tasks:
        task = shop.mail_queue.tasks.pop(0)
        before = len(shop.mail_queue.tasks)
        shop.mail_queue.tasks.insert(0, task)
        shop.work_one()
        most = max(most, len(shop.mail_queue.tasks) - before)
    assert most <= ORDERS_AT_ONCE + 1
    assert shop.told(POSTPONED) == ORDERS_AT_ONCE + 10


def test_only_the_last_change_is_told() -> None:
    shop = Concert()
    shop.buy()
    shop.deliver()
    shop.move_to(OPENING + timedelta(days=30))
    shop.postpone()
    shop.deliver()
    assert (shop.told(MOVED), shop.told(POSTPONED)) == (0, 1)


@pytest.mark.parametrize("is_refunded_first", [False, True])
def test_a_cancellation_is_told_before_or_after_the_tickets_are_revoked(is_refunded_first: bool) -> None:
    shop = Concert()
    order_id = shop.buy()
    shop.deliver()
    shop.cancel()
    if is_refunded_first:
        from chalicelib.shop.orders import settlement  # noqa: PLC0415

        settlement.cancel_order(shop.shop.context(), order_id, shop.concert_id, "The concert is cancelled.")
    shop.deliver()
    assert shop.told(CANCELLED) == 1
    assert shop.told("Your money is on its way back: EUR\N{NO-BREAK SPACE}25.00") == is_refunded_first


def pass_until(shop: Concert, at: datetime) -> None:
    while shop.clock() < at:
        shop.pass_time(min(timedelta(hours=6), at - shop.clock()))


def test_a_reminder_comes_the_day_before_at_ten_where_the_concert_is_and_can_be_ended_by_one_request() -> None:
    shop = Concert()
    shop.buy()
    shop.deliver()
    ten = (OPENING.astimezone(AMSTERDAM) - timedelta(days=1)).replace(hour=10, minute=0)
    pass_until(shop, ten - timedelta(minutes=1))
    assert shop.told(REMINDED) == 0
    pass_until(shop, ten + timedelta(minutes=1))
    assert shop.told(REMINDED) == 1
    parsed = shop.parsed()
    assert parsed["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    url = str(parsed["List-Unsubscribe"]).strip("<>")
    assert url.startswith("https://api.example/unsubscribe/")
    assert read_token(url.rpartition("/")[2], shop.ids) == CUSTOMER.id
    assert url in shop.sent[-1].text
    pass_until(shop, OPENING + timedelta(days=1))
    assert shop.told(REMINDED) == 1


def test_a_reminder_follows_a_move_and_there_is_none_for_what_was_postponed_cancelled_or_given_back() -> None:
    shop = Concert()
    shop.buy()
    shop.deliver()
    later = OPENING + timedelta(days=5)
    shop.move_to(later)
    shop.announce()
    pass_until(shop, OPENING + timedelta(hours=1))
    assert shop.told(REMINDED) == 0
    pass_until(shop, later)
    assert shop.told(REMINDED) == 1

    for change in (Concert.postpone, Concert.cancel):
        other = Concert()
        other.buy()
        other.deliver()
        change(other)
        other.announce()
        pass_until(other, OPENING + timedelta(hours=1))
        assert other.told(REMINDED) == 0


def test_who_wants_no_reminders_gets_none_and_every_other_mail() -> None:
    shop = Concert()
    shop.buy()
    shop.deliver()
    unsubscribe(shop.repository, shop.shop.request(CUSTOMER).origin, CUSTOMER.id)
    pass_until(shop, OPENING)
    shop.postpone()
    shop.deliver()
    assert (shop.told(REMINDED), shop.told(POSTPONED)) == (0, 1)


def test_a_step_whose_task_is_lost_is_taken_by_the_watchdog() -> None:
    shop = Concert()
    shop.buy()
    shop.deliver()
    shop.postpone()
    shop.announce()
    while any(task.kind == "mail_change" for task in shop.mail_queue.tasks):
        shop.work_one()
    shop.mail_queue.tasks.clear()
    shop.run_until_quiet()
    assert shop.told(POSTPONED) == 1
