"""A snapshot is void once the code that folds its stream is another."""

import inspect
from types import ModuleType

import pytest

from chalicelib.platform.eventsourcing.snapshots import folding_modules, shape_of
from chalicelib.shop.concerts import areas, publication
from chalicelib.shop.concerts.concert import CONCERT
from chalicelib.shop.inventory import pool_changes, terms, ticket_pool
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL


@pytest.mark.parametrize("edited", [ticket_pool, pool_changes, terms])
def test_an_edit_of_any_module_that_helps_to_fold_makes_another_shape(
    edited: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, source = shape_of.__wrapped__(TICKET_POOL), inspect.getsource

    def edited_source(module: ModuleType) -> str:
        return source(module) + "# edited" * (module is edited)

    monkeypatch.setattr(inspect, "getsource", edited_source)
    assert shape_of.__wrapped__(TICKET_POOL) != before


def test_the_modules_that_help_to_fold_are_those_of_the_aggregates_package() -> None:
    names = folding_modules(CONCERT)
    assert {areas.__name__, publication.__name__} < set(names)
    assert {name.rpartition(".")[0] for name in names} == {"chalicelib.shop.concerts"}
