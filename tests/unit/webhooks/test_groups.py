"""Message groups: who may send, what is sent next, when it is tried again, and how a replay goes back."""

from datetime import datetime, timedelta
from uuid import uuid4

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.shop.webhooks.groups import LEASE, PAUSES, TRIED_FOR, GroupKey, MessageGroup, Source
from chalicelib.shop.webhooks.health import LONGEST_PAUSE, PAUSED_FROM, EndpointHealth
from chalicelib.shop.webhooks.messages import WebhookMessage
from tests.support.stored import SOME_TIME as NOW

ORDER, TICKET = uuid4(), uuid4()
NAMED = GroupKey(uuid4(), uuid4(), Source.ORDER, ORDER)
EARLIER = NOW - timedelta(days=1)
GROUP = MessageGroup(NAMED, EARLIER).following(ORDER)

instants = st.datetimes(datetime(2029, 1, 1), datetime(2031, 1, 1)).map(  # noqa: DTZ001 - made aware just below
    lambda at: at.replace(microsecond=0, tzinfo=NOW.tzinfo)
)


def message(place: int, at: datetime = NOW) -> WebhookMessage:
    return WebhookMessage("order.confirmed", ORDER, ORDER, place, at, {})


def test_a_group_is_sent_by_one_worker_at_a_time_until_its_lease_ends() -> None:
    assert GROUP.may_be_sent(NOW)
    leased = GROUP.leased(NOW)
    assert not leased.may_be_sent(NOW)
    assert leased.due_at == NOW + LEASE
    assert leased.may_be_sent(NOW + LEASE)
    assert leased.released().due_at is None


def test_what_was_sent_or_is_history_is_not_sent() -> None:
    group = GROUP.past(message(7))
    assert [place for place in range(10) if group.is_unsent(message(place))] == [8, 9]
    assert not group.is_unsent(message(8, EARLIER - timedelta(seconds=1)))


def test_a_message_is_tried_for_three_days_with_growing_pauses() -> None:
    group, now, waited = GROUP, NOW, list[timedelta]()
    while True:
        group = group.failed(now)
        again = group.next_attempt_at(now)
        if again is None:
            break
        waited.append(again - now)
        now = again
    assert tuple(waited[: len(PAUSES)]) == PAUSES
    assert sum(waited, timedelta()) == TRIED_FOR
    assert now == NOW + TRIED_FOR


def test_a_message_that_was_taken_ends_the_failures_before_it() -> None:
    group = GROUP.failed(NOW).past(message(3))
    assert (group.attempts, group.failed_at, group.retry_at) == (0, None, None)


def test_a_replay_goes_back_and_never_forward() -> None:
    group = GROUP.past(message(11))
    assert group.rewound(NOW, {ORDER: 3}).done[ORDER] == 3
    assert group.rewound(NOW, {ORDER: 99}).done[ORDER] == 11
    assert group.rewound(NOW, {TICKET: 5}).done == {ORDER: 11, TICKET: 5}
    assert group.rewound(EARLIER - timedelta(days=9), {}).since == EARLIER - timedelta(days=9)
    assert group.rewound(NOW, {}).since == EARLIER, "what was announced and not sent yet stays to be sent"


@settings(deadline=None)
@given(
    st.dictionaries(st.uuids(), st.integers(-1, 9), max_size=4),
    st.dictionaries(st.uuids(), st.integers(-1, 9), max_size=4),
    instants,
)
def test_a_replay_loses_nothing_that_was_to_be_sent(
    done: dict[object, int], places: dict[object, int], since: datetime
) -> None:
    group = MessageGroup(NAMED, EARLIER, {ORDER: 4, **done})  # type: ignore[dict-item]  # the keys are UUIDs
    rewound = group.rewound(since, {ORDER: places.popitem()[1] if places else 4, **places})  # type: ignore[dict-item]
    for place in range(10):
        for at in (since, EARLIER, NOW):
            assert rewound.is_unsent(message(place, at)) or not group.is_unsent(message(place, at))


@settings(deadline=None)
@given(
    st.integers(0, 9),
    st.none() | instants,
    st.none() | instants,
    st.none() | instants,
    st.dictionaries(st.uuids(), st.integers(-1), max_size=3),
)
def test_a_group_is_stored_and_read_as_it_was(
    attempts: int,
    failed_at: datetime | None,
    retry_at: datetime | None,
    leased_until: datetime | None,
    done: dict[object, int],
) -> None:
    group = MessageGroup(NAMED, NOW, done, attempts, failed_at, retry_at, leased_until)  # type: ignore[arg-type]
    assert MessageGroup.from_state(group.to_state()) == group


def test_an_endpoint_that_keeps_failing_is_paused_for_longer_and_longer() -> None:
    health = EndpointHealth()
    pauses = []
    for _ in range(PAUSED_FROM + 12):
        health = health.failed(NOW)
        pauses.append(None if health.paused_until is None else health.paused_until - NOW)
    assert pauses[: PAUSED_FROM - 1] == [None] * (PAUSED_FROM - 1)
    known = [pause for pause in pauses if pause is not None]
    assert known == sorted(known)
    assert known[-1] == LONGEST_PAUSE
    assert not health.is_hopeless(NOW)
    assert health.is_hopeless(NOW + timedelta(days=3))
