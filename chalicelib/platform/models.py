"""Defines models whose schemas are built at first use: a container imports all of them and uses a few."""

from threading import RLock
from typing import Any

from pydantic import BaseModel, ConfigDict

_BUILDING = RLock()


class LateModel(BaseModel):
    """A model that builds its schema when it is first made or read, as an event or a body is.

    Values inside others must not be late: they are made by the schema of the outer model, so their own would never be
    built, and they could not be written. Before 2.14, pydantic does not build a schema safely while other threads use
    the model (its issue 13419), hence the lock.
    """

    model_config = ConfigDict(defer_build=True)

    @classmethod
    def model_rebuild(cls, *, force: bool = False, raise_errors: bool = True, **_: Any) -> bool | None:
        """Build the schema; names in annotations are looked up where the class is, not where it is first used."""
        with _BUILDING:
            return super().model_rebuild(force=force, raise_errors=raise_errors, _parent_namespace_depth=0)
