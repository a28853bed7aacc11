"""All events and aggregates of all contexts."""

from importlib import import_module
from pkgutil import walk_packages
from typing import Any

import chalicelib
from chalicelib.platform.eventsourcing.aggregate import Aggregate
from chalicelib.platform.eventsourcing.event import Event, event_classes


def all_event_classes() -> list[type[Event]]:
    """Every event that the code can read, by stored name."""
    for module in _modules():
        import_module(module)
    return [cls for cls in event_classes() if cls.__module__.startswith("chalicelib.")]


def all_aggregates() -> list[Aggregate[Any]]:
    """Every aggregate: the module-level constants beside the events."""
    found = {
        id(value): value
        for module in _modules()
        for value in vars(import_module(module)).values()
        if isinstance(value, Aggregate)
    }
    return sorted(found.values(), key=lambda aggregate: aggregate.name)


def _modules() -> list[str]:
    """The domain modules: those of packages with events; not their api, projections and adapters."""
    names = [module.name for module in walk_packages(chalicelib.__path__, "chalicelib.")]
    contexts = {name.rpartition(".")[0] for name in names if name.endswith(".events")}
    places = [name.rpartition(".") for name in names]
    outside = ("api", "projections", "queries", "dynamodb", "stripe")
    return [f"{context}.{module}" for context, _, module in places if context in contexts and module not in outside]
