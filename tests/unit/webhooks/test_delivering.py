"""Whatever fails, dies or comes twice, a receiver gets every message, and those of an order in order."""

import json
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.platform.errors import Unavailable
from chalicelib.platform.processes.work import Task
from chalicelib.shop.webhooks.deliveries import DeliveryStatus
from chalicelib.shop.webhooks.group_store import change_group, find_group
from chalicelib.shop.webhooks.health import PAUSED_FROM
from chalicelib.shop.webhooks.messages import concert_messages, in_order, order_messages
from chalicelib.shop.webhooks.sources import events_of
from tests.support.told import MINUTE, Told, any_task

HOUR = timedelta(hours=1)


def an_evening(told: Told) -> tuple[UUID, list[UUID]]:
    """A concert with three orders, two paid and one of them given back."""
    concert_id, ticket_type_id = told.shop.on_sale(quantity=20)
    orders = [told.shop.order(ticket_type_id) for _ in range(3)]
    for order_id in orders[:2]:
        told.shop.pay(order_id)
    told.clock.advance(MINUTE)
    return concert_id, orders[:2]


def expected(told: Told, endpoint: UUID, concert_id: UUID, orders: list[UUID]) -> dict[str, list[str]]:
    concert = concert_messages(concert_id, events_of(told, concert_id))
    made = {str(concert_id): [str(one.id_for(endpoint)) for one in concert]}
    for order_id in orders:
        messages = order_messages(order_id, frozenset({concert_id}), in_order([events_of(told, order_id)]))
        made[str(order_id)] = [str(one.id_for(endpoint)) for one in messages]
    return made


@given(
    answers=st.lists(st.sampled_from([204, 200, 500, 503, 429, 302, 404]), max_size=40),
    seed=st.integers(0, 2**32),
    dies_at=st.integers(0, 30),
    carried_out=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_everything_arrives_in_order_per_order_whatever_happens_on_the_way(
    answers: list[int], seed: int, dies_at: int, carried_out: bool
) -> None:
    told = Told()
    endpoint = told.endpoint()
    concert_id, orders = an_evening(told)
    told.receivers.answers = iter(answers)
    told.trap.arm(dies_at, carried_out)
    told.announce()
    told.announce()
    told.run_until_quiet(any_task(seed))
    assert told.taken_by_key() == expected(told, endpoint, concert_id, orders)
    assert {one.status for one in told.log.entries.values()} == {DeliveryStatus.DELIVERED}


def test_a_receiver_that_is_away_for_an_hour_costs_few_attempts() -> None:
    told = Told()
    endpoint = told.endpoint("order.confirmed")
    concert_id, ticket_type_id = told.shop.on_sale(quantity=50)
    told.receivers.answer = 503
    orders = [told.shop.order(ticket_type_id, 1) for _ in range(3)]
    for order_id in orders:
        told.shop.pay(order_id)
    told.announce()
    told.work()
    for _ in range(60):
        told.pass_time(MINUTE)
    assert told.receivers.attempts <= 3 * PAUSED_FROM + 12
    told.receivers.answer = 204
    told.run_until_quiet()
    taken = [json.loads(body)["data"]["order_id"] for _, body in told.receivers.taken]
    assert sorted(taken) == sorted(map(str, orders))
    assert expected(told, endpoint, concert_id, orders).keys() >= told.taken_by_key().keys()


def test_a_message_that_is_refused_for_three_days_makes_way_for_the_next() -> None:
    told = Told()
    told.endpoint("order.confirmed", "ticket.issued")
    _, ticket_type_id = told.shop.on_sale(quantity=50)
    first, *others = (told.shop.order(ticket_type_id, 1) for _ in range(3))
    told.receivers.refuses = f'"order.confirmed","timestamp":"{told.clock():%Y-%m-%dT%H:%M:%S}'
    told.shop.pay(first)
    told.announce()
    told.work()
    told.clock.advance(MINUTE)
    for order_id in others:
        told.shop.pay(order_id)
    for _ in range(9):
        told.announce()
        told.pass_time(10 * HOUR)
    statuses = {one.kind: one.status for one in told.log.entries.values() if one.named.key == first}
    assert statuses == {"order.confirmed": DeliveryStatus.FAILED, "ticket.issued": DeliveryStatus.DELIVERED}


def test_a_task_that_comes_again_sends_nothing_again() -> None:
    told = Told()
    told.endpoint()
    an_evening(told)
    told.announce()
    told.run_until_quiet()
    count = told.receivers.attempts
    told.announce()
    told.run_until_quiet()
    assert told.receivers.attempts == count


def test_a_group_that_somebody_sends_is_left_alone() -> None:
    told = Told()
    told.endpoint("order.confirmed")
    _, orders = an_evening(told)
    told.announce()
    told.webhook_queue.tasks = [task for task in told.webhook_queue.tasks if task.stream_id == orders[0]]
    while told.webhook_queue.tasks[0].kind != "deliver_webhooks":
        told_once(told)
    [deliver, *_] = told.webhook_queue.tasks
    group = told.groups.find(deliver.stream_id)
    assert group is not None
    seen: list[int] = []

    class Meanwhile:
        """Delivers the same group while it is being delivered."""

        def __iter__(self) -> "Meanwhile":
            return self

        def __next__(self) -> int:
            if not seen:
                seen.append(told.receivers.attempts)
                told.webhook_queue.tasks.append(deliver)
                told.work()
            return 204

    told.receivers.answers = Meanwhile()
    told.work()
    assert (seen, told.receivers.attempts) == ([1], 1)


@pytest.mark.parametrize("answer", [204, 503])
def test_a_replay_that_comes_while_a_message_is_sent_is_not_lost(answer: int) -> None:
    told = Told()
    told.endpoint("order.confirmed", "ticket.issued")
    _, [order_id, _] = an_evening(told)
    told.announce()
    told.webhook_queue.tasks = [task for task in told.webhook_queue.tasks if task.stream_id == order_id]

    def answers() -> Iterator[int]:
        yield 204
        [group_id] = [one.stream_id for one in told.groups.list_due(told.clock() + HOUR, 9)]
        group, _ = find_group(told.groups, group_id)
        assert group is not None
        rewound = group.rewound(group.since, {order_id: -1})
        change_group(told.groups, group_id, lambda _: rewound)
        yield answer

    told.receivers.answers = answers()
    told.run_until_quiet()
    taken = [json.loads(body)["type"] for _, body in told.receivers.taken]
    once = ["order.confirmed", "ticket.issued"]
    assert taken == (once * 2 if answer < 300 else [once[0], *once])


def told_once(told: Told) -> None:
    from chalicelib import contexts  # noqa: PLC0415

    task: Task = told.webhook_queue.tasks.pop(0)
    contexts.task_handlers(told)[task.kind](task)


def test_what_cannot_be_stored_is_tried_again_by_the_queue() -> None:
    told = Told()
    told.endpoint("order.confirmed")
    an_evening(told)

    def away(*_: object) -> None:
        raise Unavailable("away")

    told.announce()
    told.webhook_deliveries = type("Away", (), {"put": away})()
    with pytest.raises(Unavailable):
        told.work()
    assert len(told.due()) == 1, "the lease ends, and the group is sent then"


def test_the_order_that_takes_the_last_ticket_sells_a_concert_out_for_whoever_listens() -> None:
    told = Told()
    told.endpoint("concert.sold_out")
    _, ticket_type_id = told.shop.on_sale(quantity=4)
    first, last = (told.shop.order(ticket_type_id, 2) for _ in range(2))
    told.shop.pay(first)
    told.announce()
    told.run_until_quiet()
    assert told.receivers.taken == []
    told.shop.pay(last)
    for _ in range(3):
        told.announce()
        told.run_until_quiet()
    [(_, body)] = told.receivers.taken
    assert (json.loads(body)["type"], json.loads(body)["data"]["tickets"]) == ("concert.sold_out", 4)
