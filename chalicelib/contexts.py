"""Lists the contexts of the shop, and collects what their manifests declare."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from chalicelib.platform.function import Function
from chalicelib.platform.manifest import Context, ReadModelDeclaration
from chalicelib.shop.access import CONTEXT as ACCESS
from chalicelib.shop.carts import CONTEXT as CARTS
from chalicelib.shop.concerts import CONTEXT as CONCERTS
from chalicelib.shop.health import CONTEXT as HEALTH
from chalicelib.shop.inventory import CONTEXT as INVENTORY
from chalicelib.shop.mails import CONTEXT as MAILS
from chalicelib.shop.orders import CONTEXT as ORDERS
from chalicelib.shop.reference import CONTEXT as REFERENCE
from chalicelib.shop.sales import CONTEXT as SALES
from chalicelib.shop.streams import CONTEXT as STREAMS
from chalicelib.shop.venues import CONTEXT as VENUES
from chalicelib.shop.webhooks import CONTEXT as WEBHOOKS

if TYPE_CHECKING:
    from chalicelib.platform.eventsourcing.aggregate import Aggregate
    from chalicelib.platform.http.routes import Routes
    from chalicelib.platform.processes.process import Process, Reaction
    from chalicelib.platform.processes.work import Task

CONTEXTS: tuple[Context, ...] = (
    VENUES,
    CONCERTS,
    INVENTORY,
    CARTS,
    ORDERS,
    SALES,
    ACCESS,
    WEBHOOKS,
    MAILS,
    STREAMS,
    HEALTH,
    REFERENCE,
)


def load_events() -> None:
    """Make every event known, so that the codec can tell and read any event of the log."""
    for context in CONTEXTS:
        context.load_events()


def aggregates() -> "dict[str, Aggregate[Any]]":
    """Return every aggregate by its name."""
    found = [context.load(reference) for context in CONTEXTS for reference in context.aggregates]
    return {aggregate.name: aggregate for aggregate in found}


def routes() -> "Iterator[Routes[Any]]":
    """Give the routes of each context that has any."""
    for context in CONTEXTS:
        for reference in context.routes:
            yield context.load(reference)


def read_models() -> dict[str, tuple[Context, ReadModelDeclaration]]:
    """Return every declared read model by its name, with the context that declares it."""
    return {model.name: (context, model) for context in CONTEXTS for model in context.read_models}


def functions() -> list[tuple[Context, Function]]:
    """List the functions that contexts declare, without those of their read models, each with its context."""
    return [(context, function) for context in CONTEXTS for function in context.functions]


def projectors_of(read_model: str) -> dict[str, Any]:
    """Return the projectors of a read model by aggregate type, whichever contexts they come from."""
    found: dict[str, Any] = {}
    for context in CONTEXTS:
        if read_model in context.projectors:
            found |= context.load(context.projectors[read_model])
    return found


def processes() -> "list[Process]":
    """Make a process of each kind."""
    return [context.load(reference)() for context in CONTEXTS for reference in context.processes]


def reactions() -> "list[Reaction]":
    """Make a reaction of each kind."""
    return [context.load(reference)() for context in CONTEXTS for reference in context.reactions]


def queues() -> dict[str, str]:
    """Return the queue of each kind of task, by its name in `infra/resources.json`."""
    return {kind: context.queue for context in CONTEXTS for kind in context.tasks}


def task_handlers(shop: object) -> "Mapping[str, Callable[[Task], None]]":
    """Return the handler of each kind of task, bound to `shop`; the first task of a kind imports its handler."""
    return {
        kind: partial(_do, context, reference, shop)
        for context in CONTEXTS
        for kind, reference in context.tasks.items()
    }


def _do(context: Context, reference: str, shop: object, task: "Task") -> None:
    context.load(reference)(shop, task)
