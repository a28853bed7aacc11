"""The measures of the source's structure, on small sources of which the answer is known."""

from pathlib import Path
from textwrap import dedent

import pytest

from benchmarks import hops, sources
from benchmarks.hops import Trace
from benchmarks.sources import Source, among_packages, arrows_on_cycles, arrows_up, cycles, imports
from chalicelib.platform import clock
from chalicelib.platform.eventsourcing import instants

MOST_FRAGMENTS = 0.03


def written(root: Path, **texts: str) -> list[Source]:
    """The modules of a package `house`; `__` in a name stands for a folder."""
    for name, text in texts.items():
        path = root / "house" / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
    return sources.sources("house", root)


def test_an_import_is_found_wherever_it_stands_unless_it_is_for_types_only(tmp_path: Path) -> None:
    modules = written(
        tmp_path,
        hall="from house.kitchen import stove\nimport os",
        kitchen__stove="def cook():\n    from .. import cellar",
        cellar="from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from house import hall",
    )
    assert imports(modules) == {
        "house.hall": {"house.kitchen.stove"},
        "house.kitchen.stove": {"house.cellar"},
        "house.cellar": frozenset(),
    }
    assert among_packages(imports(modules), "house") == {
        "cellar": frozenset(),
        "hall": {"kitchen"},
        "kitchen": {"cellar"},
    }


def test_rooms_that_reach_each_other_are_a_cycle_and_others_are_not() -> None:
    graph = {"a": frozenset("b"), "b": frozenset("c"), "c": frozenset("ad"), "d": frozenset[str]()}
    assert cycles(graph) == [["a", "b", "c"]]
    assert arrows_on_cycles(graph) == [("a", "b"), ("b", "c"), ("c", "a")]
    assert cycles({"a": frozenset("b"), "b": frozenset[str]()}) == []


def test_only_the_platforms_imports_of_the_shop_lead_up() -> None:
    graph = {
        "house.platform.bus": frozenset({"house.shop.carts"}),
        "house.shop.carts": frozenset({"house.platform"}),
        "house.shop.orders": frozenset({"house.shop.carts"}),
    }
    assert arrows_up(graph, "house.platform", "house.shop") == [("house.platform.bus", "house.shop.carts")]


@pytest.mark.parametrize(
    ("sentence", "is_fragment"),
    [("Whether it is open.", True), ("Of a stream.", True), ("Return the stream.", False), ("`x` is a stream.", False)],
)
def test_a_sentence_that_leans_on_its_name_is_a_fragment(sentence: str, is_fragment: bool) -> None:
    assert sources.is_fragment(sentence) is is_fragment


def test_few_docstrings_of_the_shop_are_fragments() -> None:
    sentences = sources.docstrings(sources.sources())
    fragments = [text.splitlines()[0] for text in sentences if sources.is_fragment(text)]
    assert len(fragments) < MOST_FRAGMENTS * len(sentences), "\n".join(fragments)


def test_comments_docstrings_and_classifications_are_counted(tmp_path: Path) -> None:
    [module] = written(
        tmp_path,
        driver='''
            """A driver."""

            # They mean it.
            @contextmanager
            def transient():
                """Two
                lines."""
                try:
                    yield  # here
                except DriverError as error:
                    raise Unavailable("# no comment") from error

            def find():
                try:
                    return ask()
                except DriverError as error:
                    raise errors.Unavailable("Away.") from error
            ''',
    )
    assert (sources.comment_lines(module), sources.docstring_lines(module)) == (2, 3)
    assert sources.source_lines(module) == 15
    assert sources.classifications([module]) == ["house.driver.transient"]
    assert sources.turned_elsewhere([module]) == ["house.driver.find"]
    assert sources.longest([module]) == ("house.driver", 18)


def test_a_change_of_file_is_counted_with_the_call_that_makes_it() -> None:
    trace = Trace(["a", "a", "b", "b", "a"])
    assert trace.hops == 3


def test_a_trace_has_the_calls_inside_the_package_only() -> None:
    trace = Trace().run(lambda: instants.format_instant(clock.utc_now()))
    assert {Path(file).name for file in trace.files} == {"clock.py", "instants.py"}
    assert trace.hops == 2


def test_the_ways_are_counted_the_same_every_time() -> None:
    first, second = hops.measure(), hops.measure()
    assert {name: trace.hops for name, trace in first.items()} == {name: trace.hops for name, trace in second.items()}
    assert all(trace.hops > 0 for trace in first.values())


def test_a_reader_changes_the_file_no_more_than_45_times_to_follow_a_hold_and_90_to_follow_a_payment() -> None:
    hold, payment = (trace.hops for trace in hops.measure().values())
    assert hold <= 45
    assert payment <= 90
