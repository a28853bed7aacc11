"""Defines the base class of all events, and registers each under its stored name."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, PlainSerializer
from pydantic.alias_generators import to_pascal

from chalicelib.platform.eventsourcing.instants import as_utc, format_instant
from chalicelib.platform.models import LateModel

JsonObject = dict[str, Any]
Upcaster = Callable[[JsonObject], JsonObject]

Instant = Annotated[datetime, AfterValidator(as_utc), PlainSerializer(format_instant, when_used="json")]


class StoredModel(BaseModel):
    """A value inside an event: PascalCase in the log, immutable, unknown keys ignored."""

    model_config = ConfigDict(alias_generator=to_pascal, populate_by_name=True, frozen=True, extra="ignore")


class Event(StoredModel, LateModel):
    """One fact about one aggregate.

    `class VenueCreated(VenueEvent, stored_as="Cloudbash.Domain.Venues.Events.VenueCreatedEvent")` registers the name
    under which the log knows it; class and module may be renamed, the stored name never. `schema_version` starts at 1
    and is raised with every change of shape, together with an upcaster from the version before. Version 0 is the shape
    that the original Cloudbash wrote.
    """

    aggregate_type: ClassVar[str] = ""
    stored_name: ClassVar[str] = ""
    schema_version: ClassVar[int] = 1
    upcasters: ClassVar[dict[int, Upcaster]] = {}

    def __init_subclass__(
        cls, *, aggregate: str | None = None, stored_as: str | None = None, schema_version: int = 1
    ) -> None:
        super().__init_subclass__()
        if aggregate is not None:
            cls.aggregate_type = aggregate
        if stored_as is None:
            return
        if stored_as in EVENT_CLASSES:
            raise TypeError(f"two events are stored as {stored_as}")
        cls.stored_name, cls.schema_version, cls.upcasters = stored_as, schema_version, {}
        EVENT_CLASSES[stored_as] = cls

    @classmethod
    def upcaster(cls, from_version: int) -> Callable[[Upcaster], Upcaster]:
        """Register the function that turns stored data of `from_version` into that of the next version."""

        def register(upcast: Upcaster) -> Upcaster:
            cls.upcasters[from_version] = upcast
            return upcast

        return register


EVENT_CLASSES: dict[str, type[Event]] = {}
"""Every event class whose module is imported, by its stored name. The codec can read no others."""


def event_classes() -> list[type[Event]]:
    """Return every registered event class, sorted by stored name."""
    return [EVENT_CLASSES[name] for name in sorted(EVENT_CLASSES)]
