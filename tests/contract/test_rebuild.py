"""Every read model can be built anew beside the live one, compared with the log, mended and switched to."""

from collections.abc import Callable, Iterable
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.eventsourcing.event import Event, event_classes
from chalicelib.platform.processes.work import MemoryWorkQueue
from chalicelib.platform.readmodels.folding import folded_streams
from chalicelib.platform.readmodels.generations import NothingToSwitchTo, begin, switch
from chalicelib.platform.readmodels.port import Generations, ReadModel, Rewrite
from chalicelib.platform.readmodels.rebuild import Progress
from chalicelib.platform.readmodels.verification import Verifier, canonical, catch_up
from tests.support.any_events import events_of
from tests.support.stored import SOME_TIME
from tests.support.world import World, is_whole

EXAMPLES = settings(
    max_examples=25,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class Interrupted(Exception):
    """Somebody pressed Ctrl-C."""


@pytest.fixture
def world(model: ReadModel) -> World:
    return World(model)


# --- one definition for both ways ------------------------------------------------------------------------------------


def any_history(types: Iterable[str]) -> st.SearchStrategy[list[Event]]:
    of_type = {
        kind: [cls for cls in event_classes() if cls.aggregate_type == kind and cls.__module__.startswith("chalicelib")]
        for kind in types
    }
    return st.sampled_from(sorted(of_type)).flatmap(
        lambda kind: st.lists(st.sampled_from(of_type[kind]).flatmap(events_of), min_size=1, max_size=8)
    )


@EXAMPLES
@given(data=st.data())
def test_what_is_applied_event_by_event_is_what_the_fold_gives(model: ReadModel, data: st.DataObject) -> None:
    """Of any events, also of some that no aggregate would have let happen; one way is poisoned where the other is."""
    stream_id, contents = uuid4(), None
    for version, event in enumerate(data.draw(any_history(model.aggregate_types))):
        recorded = RecordedEvent(stream_id, version, SOME_TIME, event)
        try:
            contents = model.fold(contents, recorded)
        except ValidationError:
            with pytest.raises(ValidationError):
                model.apply(stream_id, version - 1, [recorded])
            return
        model.apply(stream_id, version - 1, [recorded])
        kept = model.read([stream_id])[stream_id]
        assert (kept.version, canonical(kept.contents)) == (version, canonical(contents))


# --- rebuilding ------------------------------------------------------------------------------------------------------


def test_a_rebuilt_read_model_equals_the_log_and_the_one_it_replaces(world: World) -> None:
    world.live_through()
    world.deliver()
    before = world.findings()
    rebuilt = world.rebuild()
    assert is_whole(before)
    assert is_whole(rebuilt.new)
    assert before.digest == rebuilt.new.digest == rebuilt.live.digest == world.findings().digest
    assert world.model.generations() == Generations(2, 1, is_complete=True, newest=2)


def test_both_generations_are_kept_current_and_each_can_be_live_again(world: World) -> None:
    world.live_through()
    world.rebuild()
    for live, beside in [(1, 2), (2, 1)]:
        world.live_through()
        world.deliver()
        assert is_whole(world.findings(world.model.at(1)))
        assert world.findings(world.model.at(1)).digest == world.findings(world.model.at(2)).digest
        assert switch(world.model) == Generations(live, beside, is_complete=True, newest=2)


def test_the_generation_before_the_last_is_gone(world: World) -> None:
    world.live_through()
    world.deliver()
    for _ in range(2):
        world.rebuild()
    assert world.model.generations() == Generations(3, 2, is_complete=True, newest=3)
    assert is_whole(world.findings(world.model.at(2)))
    begin(world.model)  # room for tables that must be new
    world.model.at(1).prepare()
    assert world.model.at(1).positions(world.streams()) == {}


def test_without_a_whole_generation_beside_it_the_live_one_stays(world: World) -> None:
    with pytest.raises(NothingToSwitchTo):
        switch(world.model)
    begin(world.model)
    with pytest.raises(NothingToSwitchTo):
        switch(world.model)


def test_what_happens_during_a_rebuild_is_in_both(world: World) -> None:
    world.live_through()
    world.deliver()

    def meanwhile(_: Progress) -> None:
        world.live_through()
        world.deliver()

    rebuilt = world.rebuild(meanwhile, segments=1)
    assert rebuilt.new.different_count == 0
    world.deliver()
    assert is_whole(world.findings())
    assert world.findings().digest == world.findings(world.model.at(1)).digest


@pytest.mark.parametrize("pages", range(1, 5))
def test_a_rebuild_interrupted_anywhere_and_begun_again_ends_the_same(world: World, pages: int) -> None:
    for _ in range(8):
        world.live_through()
    world.deliver()
    left = pages

    def interrupt(_: Progress) -> None:
        nonlocal left
        left -= 1
        if not left:
            raise Interrupted

    with pytest.raises(Interrupted):
        world.rebuild(interrupt, segments=1)
    assert world.model.generations() == Generations(1, 2, is_complete=False, newest=2)
    world.live_through()
    world.deliver()
    assert is_whole(world.findings())
    world.rebuild()
    assert world.model.generations() == Generations(2, 1, is_complete=True, newest=2)
    assert world.findings().digest == world.findings(world.model.at(1)).digest
    assert is_whole(world.findings())


@pytest.mark.parametrize("name", ["programme", "carts", "processes"])
def test_a_rebuild_comes_to_what_the_log_comes_to_in_silence(name: str, make_model: Callable[[str], ReadModel]) -> None:
    world = World(make_model(name))
    world.live_through()
    world.rebuild(lambda _: world.deliver())
    world.deliver()
    assert world.findings().digest == world.in_silence(make_model(name)).digest


# --- processes -------------------------------------------------------------------------------------------------------


@pytest.fixture
def processes(make_model: Callable[[str], ReadModel]) -> World:
    return World(make_model("processes"))


def test_a_rebuild_of_the_processes_sends_nothing(processes: World, work: MemoryWorkQueue) -> None:
    processes.live_through()
    processes.cancel_a_concert()
    processes.deliver()
    assert len(work.tasks) == 1
    processes.rebuild()
    assert len(work.tasks) == 1
    processes.cancel_a_concert()
    processes.deliver()
    assert len(work.tasks) == 2
    switch(processes.model)
    processes.deliver(processes.news())
    assert len(work.tasks) == 2


def test_a_new_generation_knows_nothing_that_the_live_one_has_not_had_done(
    processes: World, work: MemoryWorkQueue
) -> None:
    """Else what it causes would never be done: after the switch its position says that it was."""
    processes.live_through()
    processes.deliver()
    processes.cancel_a_concert()
    waiting = processes.news()
    processes.rebuild()
    assert work.tasks == []
    processes.deliver(waiting)
    assert len(work.tasks) == 1
    assert is_whole(processes.findings())


# --- verifying and mending -------------------------------------------------------------------------------------------


def test_a_lost_last_event_is_found_and_caught_up(world: World) -> None:
    world.live_through()
    lost = [event for event in world.news() if event.aggregate_type in world.model.aggregate_types]
    victim = lost[0].aggregate_id
    newest = max(event.aggregate_version for event in lost if event.aggregate_id == victim)
    last = (victim, newest)
    world.deliver([event for event in lost if (event.aggregate_id, event.aggregate_version) != last])
    findings = world.findings()
    assert [(one.stream_id, one.newest, one.is_parked) for one in findings.behind] == [(victim, newest, False)]
    assert findings.different_count == 0
    catch_up(world.consumer, world.log, victim)
    assert is_whole(world.findings())


def test_a_stream_that_is_only_behind_is_not_called_different(world: World) -> None:
    world.live_through()
    world.deliver()
    stale = [folded for batch in folded_streams(world.log.scan(), world.model, world.log) for folded in batch.streams]
    world.live_through()
    verifier = Verifier(world.live(), world.log, world.parking)
    assert verifier.compare(stale) == ([], [])
    world.deliver()
    verifier = Verifier(world.live(), world.log, world.parking)
    assert verifier.compare(stale) == ([], [])


def test_a_row_edited_by_hand_is_named_with_what_is_wrong_and_mended(world: World) -> None:
    world.live_through()
    world.deliver()
    digest = world.findings().digest
    spoil(world)
    verifier = world.verifier()
    assert (verifier.findings.different_count, verifier.findings.behind_count) == (1, 0)
    assert verifier.findings.digest != digest
    (difference,) = verifier.findings.differences
    assert difference.changes
    assert all(change["before"] != change["after"] for change in difference.changes)
    verifier.repair(difference)
    assert is_whole(world.findings())
    assert world.findings().digest == digest


def spoil(world: World) -> None:
    """Edit one stream of the live generation, past all positions."""
    live = world.live()
    stream_id = SPOILED[world.model.name](world)
    version, contents = live.read([stream_id])[stream_id]
    match world.model.name:
        case "programme":
            contents["venues"][str(stream_id)]["name"] = "Edited"
        case "sales":
            contents["sales_venues"][str(stream_id)]["name"] = "Edited"
        case "carts":
            contents["status"] = "edited"
        case "availability":
            contents["pool"]["sold"] = "77"
        case "processes":
            contents["state"] = {"payment_due": "2031-01-01T00:00:00.000Z"}
    assert not live.rewrite([Rewrite(stream_id, version, version, contents)])


def first_of(aggregate_type: str) -> Callable[[World], UUID]:
    return lambda world: next(
        key for key in world.log.stream_ids() if world.log.read(key)[0].aggregate_type == aggregate_type
    )


SPOILED = {
    "programme": first_of("Venue"),
    "sales": first_of("Venue"),
    "carts": first_of("Cart"),
    "availability": first_of("TicketPool"),
    "processes": first_of("Order"),
}


def test_a_rebuild_tells_how_the_one_before_differed_and_mends_it(world: World) -> None:
    world.live_through()
    world.deliver()
    digest = world.findings().digest
    spoil(world)
    rebuilt = world.rebuild()
    assert (rebuilt.live.different_count, rebuilt.new.different_count) == (1, 0)
    assert world.findings().digest == rebuilt.new.digest == digest


def test_streams_of_which_nobody_moved_the_position_are_left_alone_by_a_rewrite(world: World) -> None:
    world.live_through()
    world.deliver()
    live = world.live()
    kept = live.read(world.streams())
    digest = world.findings().digest
    late = [Rewrite(key, one.version - 1, one.version, one.contents) for key, one in kept.items()]
    assert set(live.rewrite(late)) == set(kept)
    new = [Rewrite(key, -1, one.version, one.contents) for key, one in kept.items() if one.version >= 0]
    assert set(live.rewrite(new)) == set(kept)
    assert world.findings().digest == digest
