"""Folding is pure and takes whatever is in the log."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.platform.eventsourcing.aggregate import Aggregate
from chalicelib.platform.eventsourcing.event import Event
from tests.support.any_events import events_of
from tests.support.contexts import all_aggregates, all_event_classes
from tests.support.original import readable

any_event = st.one_of(st.sampled_from(readable()), *[events_of(cls) for cls in all_event_classes()])


@pytest.mark.parametrize("aggregate", all_aggregates(), ids=lambda aggregate: aggregate.name)
@settings(max_examples=100, deadline=None)
@given(history=st.lists(any_event, max_size=12))
def test_any_events_in_any_order_can_be_folded_with_equal_result_every_time(
    aggregate: Aggregate[Any], history: list[Event]
) -> None:
    once = aggregate.fold(history)
    assert aggregate.fold(history) == once
    assert aggregate.fold(history[5:], aggregate.fold(history[:5])) == once


@pytest.mark.parametrize("aggregate", all_aggregates(), ids=lambda aggregate: aggregate.name)
@settings(max_examples=50, deadline=None)
@given(history=st.lists(any_event, max_size=6), other=st.lists(any_event, max_size=6))
def test_folding_leaves_the_state_it_started_from_as_it_was(
    aggregate: Aggregate[Any], history: list[Event], other: list[Event]
) -> None:
    state = aggregate.fold(history)
    remembered = repr(state)
    aggregate.fold(other, state)
    assert repr(state) == remembered
    assert aggregate.initial == type(aggregate.initial)()


@pytest.mark.parametrize("aggregate", all_aggregates(), ids=lambda aggregate: aggregate.name)
def test_an_aggregate_ignores_the_events_of_others(aggregate: Aggregate[Any]) -> None:
    foreign = [event for event in readable() if event.aggregate_type != aggregate.name]
    assert aggregate.fold(foreign) == aggregate.initial
