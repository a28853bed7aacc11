"""Defines the manifest of a context: everything that it brings, by name, imported when it is used.

A container imports every manifest and, of what they name, only what its function needs.
"""

from collections.abc import Mapping
from enum import Enum
from importlib import import_module
from types import MappingProxyType
from typing import Any, NamedTuple

from chalicelib.platform.function import WORK_QUEUE, Bus, Function

NONE: Mapping[str, str] = MappingProxyType({})


class Store(Enum):
    """The server that stores a read model, which decides on its kind of projection."""

    POSTGRES = "Postgres"
    DOCUMENTS = "DynamoDB"
    REDIS = "Redis"


class ReadModelDeclaration(NamedTuple):
    """A read model with the function that keeps it current.

    `shape` refers to what its store has to know of it: the tables in Postgres, the model in Redis, and nothing for
    documents.
    """

    name: str
    store: Store
    function: str
    shape: str = ""
    trigger: Bus = Bus()


class Context(NamedTuple):
    """Lists what one context brings to the shop; a reference is `module.name`, inside the context's package.

    `projectors` refers, by read model, to a mapping from aggregate type to projector, also for read models that another
    context declares. `tasks` has the handler of each kind of task of the work queue.
    """

    package: str
    aggregates: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    read_models: tuple[ReadModelDeclaration, ...] = ()
    projectors: Mapping[str, str] = NONE
    processes: tuple[str, ...] = ()
    reactions: tuple[str, ...] = ()
    tasks: Mapping[str, str] = NONE
    queue: str = WORK_QUEUE
    functions: tuple[Function, ...] = ()

    def load(self, reference: str) -> Any:
        """Import what a reference of this context names."""
        module, _, name = reference.rpartition(".")
        return getattr(import_module(f"{self.package}.{module}"), name)

    def load_events(self) -> None:
        """Make the context's events known to the codec."""
        if self.aggregates:
            import_module(f"{self.package}.events")
